"""Which promoted components production has changed since: on request from the process board, and every night."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from partnerapi.client import PartnerApiClient, Wanted
from partnerapi.errors import NotFound, PartnerApiError
from partnerapi.records import ComponentMetadata

from ..models import ComponentMapping, Job, PrimaryAccount
from ..plan import earlier
from ..plan.look_up import metadata_of_many
from ..transitions import record_event
from ..worker import platform
from ..worker.loop import Progress

# Components compared together: between two batches the worker shows that it is alive.
BATCH = 100
# Names in the event's subject; its note lists them all.
NAMED = 5


def look(client: PartnerApiClient, progress: Progress) -> dict[str, Any]:
    """Compare production with what was promoted last, across all accounts.

    Versions are compared first; a component is read only if its version differs. Filled-in environment values do not
    count as drift.

    :returns: ``changed``: production id in lower case -> name and version now (None if deleted), ``since``, the
        platform's date of that version, and ``seen_at``, when a comparison first found it; ``seen``: how many
        components were compared.
    """
    newest: dict[str, ComponentMapping] = {}
    promoted = ComponentMapping.objects.filter(last_promoted_at__isnull=False)
    for mapping in promoted.order_by("last_promoted_at", "pk"):
        newest[mapping.prod_component_id.lower()] = mapping
    changed: dict[str, dict[str, Any]] = {}
    for done in range(0, len(newest), BATCH):
        progress(f"Looked at {done} of {len(newest)} components")
        keys = list(newest)[done : done + BATCH]
        found = metadata_of_many(client, keys)
        gone = [(key, None) for key in keys if found[key] is None]
        others = [key for key in keys if (twin := found[key]) and _is_other(newest[key], twin)]
        for key, version in [*gone, *_differing(client, newest, others)]:
            changed[key] = {
                "name": newest[key].name,
                "version": version,
                "since": _since(found[key], version),
            }
    return {"changed": changed, "seen": len(newest)}


def _is_other(mapping: ComponentMapping, twin: ComponentMetadata) -> bool:
    return twin.version != mapping.prod_version


def _since(twin: ComponentMetadata | None, version: int | None) -> str:
    if twin is None or twin.version != version or twin.modified_date is None:
        return ""
    return twin.modified_date.isoformat(timespec="seconds")


def _differing(
    client: PartnerApiClient, newest: dict[str, ComponentMapping], keys: Iterable[str]
) -> Iterable[tuple[str, int | None]]:
    for one, read in client.each_component([Wanted(key) for key in keys]):
        key = one.component_id.lower()
        if isinstance(read, NotFound):
            yield key, None
        elif isinstance(read, PartnerApiError):
            raise read
        elif not earlier.is_as_promoted(newest[key], read.version, earlier.Plain.of(read.document)):
            yield key, read.version


# --- What is new about it ----------------------------------------------------------------------


def last_look() -> Job | None:
    """The latest comparison that ran to completion."""
    done = Job.objects.filter(kind=Job.Kind.DRIFT, finished_at__isnull=False, error_code="")
    return done.order_by("-finished_at", "-pk").first()


def remember(result: dict[str, Any], at: datetime) -> None:
    """Note in a result when each drift was first seen, and leave one event for those not reported before."""
    before = last_look()
    known = before.result.get("changed", {}) if before else {}
    new = []
    for key, drift in result["changed"].items():
        old = known.get(key, {})
        if "version" in old and old["version"] == drift["version"]:
            drift["seen_at"] = old.get("seen_at") or at.isoformat(timespec="seconds")
        else:
            drift["seen_at"] = at.isoformat(timespec="seconds")
            new.append(drift)
    if new:
        names = [drift["name"] for drift in new]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        record_event(
            "drift_found",
            subject=", ".join(names[:NAMED]) + more,
            note="\n".join(map(_in_words, new)),
        )


def _in_words(drift: dict[str, Any]) -> str:
    now = "deleted" if drift["version"] is None else f"version {drift['version']}"
    return f"{drift['name']}: {now}"


# --- Every night -------------------------------------------------------------------------------


def look_nightly() -> Job | None:
    """Compare production once in the hour of DRIFT_HOUR, if anything was promoted and the platform answers.

    A missed night is skipped: by day the calls belong to people.
    """
    now = timezone.localtime()
    if str(now.hour) != settings.DRIFT_HOUR or platform.closed():
        return None
    if not ComponentMapping.objects.filter(last_promoted_at__isnull=False).exists():
        return None
    begin = now.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        # Of two beats at once, the second waits here and then finds the job.
        PrimaryAccount.objects.select_for_update().filter(pk=PrimaryAccount.current().pk).first()
        if Job.objects.filter(kind=Job.Kind.DRIFT, created_at__gte=begin).exists():
            return None
        return Job.objects.create(
            kind=Job.Kind.DRIFT,
            progress="Waiting for a worker",
            created_at=now,
            next_attempt_at=now,
        )
