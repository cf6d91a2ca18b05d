"""A worker's hold on a row: claimed by one UPDATE, kept by a heartbeat, fenced by an epoch."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseTrouble
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from ..models import Leased
from .timing import LEASE, after, scaled

logger = logging.getLogger(__name__)

# The database was away or busy, which says nothing about the work: the lease expires, and a worker resumes it.
DATABASE_AWAY = (OperationalError, InterfaceError)


class LeaseLost(Exception):
    """The lease has expired and another worker may hold the row: nothing more may be written."""


@dataclass(frozen=True)
class Lease:
    """One worker's hold on one row."""

    model: type[Leased]
    pk: int
    epoch: int

    def record(self, **changes: Any) -> None:
        """Write columns of the row.

        :raises LeaseLost: when another worker has taken the row.
        """
        self.record_among(self.model._default_manager.all(), **changes)

    def record_among(self, rows: QuerySet[Any], **changes: Any) -> None:
        """Write columns of the row, provided that it is in this queryset at the moment of the UPDATE.

        :raises LeaseLost: when another worker has taken the row, or it is not in the queryset.
        """
        mine = rows.filter(pk=self.pk, lease_epoch=self.epoch)
        if mine.update(**{**self.model.CHANGED, **changes}) != 1:
            raise LeaseLost(f"{self.model.__name__} {self.pk}")

    def check(self) -> None:
        """Make sure that the row is still ours and its work has not been called off.

        :raises LeaseLost: otherwise.
        """
        if not self._mine().exists():
            raise LeaseLost(f"{self.model.__name__} {self.pk}")

    def record_while(self, **conditions: Any) -> None:
        """Write columns of the row while it is ours and meets the conditions; the transaction then locks it.

        :raises LeaseLost: when another worker has taken the row, or it does not meet the conditions.
        """
        columns = {**self.model.CHANGED, "lease_until": after(LEASE)}
        if self._mine().filter(**conditions).update(**columns) != 1:
            raise LeaseLost(f"{self.model.__name__} {self.pk}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction for rows beside the leased one, open only while the lease is ours."""
        with transaction.atomic():
            self.record(lease_until=after(LEASE))
            yield

    def release(self, **changes: Any) -> None:
        """Let go of the row; the next attempt has been recorded before."""
        self._mine().update(lease_owner="", lease_until=None, **changes)

    def _mine(self) -> Any:
        return self.model._default_manager.filter(pk=self.pk, lease_epoch=self.epoch)


def claim(model: type[Any], pk: int, *, now: datetime | None = None) -> Lease | None:
    """Claim a due row; None when it is not due or another worker has it."""
    owner = f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    claimed = (
        model.objects.due(now or timezone.now())
        .filter(pk=pk)
        .update(
            lease_owner=owner,
            lease_until=after(LEASE),
            lease_epoch=F("lease_epoch") + 1,
            unfinished=F("unfinished") + 1,
            enqueued_at=None,
        )
    )
    if claimed != 1:
        return None
    epoch = (
        model.objects.filter(pk=pk, lease_owner=owner).values_list("lease_epoch", flat=True).first()
    )
    return None if epoch is None else Lease(model, pk, epoch)


@contextmanager
def held(lease: Lease) -> Iterator[Lease]:
    """Keep a lease alive with a heartbeat while the block runs, and release it afterwards.

    A block that ends with an exception has not recorded how the row stands, so it counts as a worker that died.
    """
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(lease, stop), daemon=True)
    beat.start()
    word: dict[str, Any] = {}
    try:
        yield lease
        word["unfinished"] = 0
    finally:
        stop.set()
        beat.join()
        lease.release(**word)


def _heartbeat(lease: Lease, stop: threading.Event) -> None:
    try:
        while not stop.wait(scaled(LEASE) / 4):
            try:
                lease.record(lease_until=after(LEASE))
            except LeaseLost:
                return
            except DatabaseTrouble:
                logger.warning("The heartbeat of %s %s was missed.", lease.model.__name__, lease.pk)
                # A broken connection stays broken: the next beat opens another one.
                connection.close()
    finally:
        connection.close()
