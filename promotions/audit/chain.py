"""Seals events: position by position, each hash over the event and the previous hash.

Nobody waits for it. Events are sealed in the order of their keys, and only up to a key below which no other can still
appear: so an event that shows up later with a smaller key was inserted by somebody.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from datetime import UTC

from django.db import connection, transaction
from django.db.models import Max

from ..models import Event, Seal, Turn

logger = logging.getLogger(__name__)

# The previous hash of the first seal.
GENESIS = "0" * 64
# Events in one transaction: a fraction of a second.
BATCH = 500
# Seconds to wait for transactions that have added an event and have not ended.
PATIENCE = 5.0


def link(position: int, before: str, event: Event) -> str:
    """The hash of one seal: SHA-256 over a JSON list of everything that an event says, as in docs/audit.md."""
    said = [
        position,
        before,
        event.pk,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.promotion_id,
        event.actor_id,
        event.action,
        event.subject,
        event.from_status,
        event.to_status,
        event.note,
    ]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def seal_events() -> int:
    """Seal everything that has happened since the last time.

    :returns: how many events were sealed.
    """
    newest = _settled()
    if newest is None:
        return 0
    sealed = 0
    while some := _seal_some(newest):
        sealed += some
    return sealed


def last_seal() -> Seal | None:
    return Seal.objects.order_by("-position").first()


def _seal_some(newest: int) -> int:
    last = last_seal()
    if last is not None and last.event_id >= newest:
        return 0
    with transaction.atomic():
        Turn.take("seal")
        last = last_seal()
        position, before, sealed_to = (
            (last.position, last.hash, last.event_id) if last else (0, GENESIS, 0)
        )
        events = Event.objects.filter(pk__gt=sealed_to, pk__lte=newest).order_by("pk")[:BATCH]
        seals = []
        for event in events:
            position += 1
            seal = Seal(
                position=position,
                event=event,
                hash_before=before,
                hash=link(position, before, event),
            )
            before = seal.hash
            seals.append(seal)
        Seal.objects.bulk_create(seals)
    return len(seals)


def _settled() -> int | None:
    """The newest event, once no smaller key can still appear; None if that takes too long, or there is no event.

    SQLite has one writer at a time. In PostgreSQL a key is taken before its transaction ends: every transaction that
    may hold one has a lock on the table, so this waits for those that have it now.
    """
    newest: int | None = Event.objects.aggregate(newest=Max("pk"))["newest"]
    if newest is None or connection.vendor != "postgresql":
        return newest
    writing = _writers()
    end = time.monotonic() + PATIENCE
    while writing & _writers():
        if time.monotonic() > end:
            logger.warning(
                "Events are not sealed yet: a transaction that adds some is taking long."
            )
            return None
        time.sleep(0.05)
    return newest


def _writers() -> set[str]:
    """Other transactions that may have added an event and have not ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()",
            [Event._meta.db_table],
        )
        return {row[0] for row in cursor.fetchall()}
