"""Which promoted components production has changed since: asked for the process board, as a job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from partnerapi.client import PartnerApiClient, Wanted
from partnerapi.errors import NotFound, PartnerApiError

from ..models import ComponentMapping
from ..plan import earlier
from ..plan.look_up import metadata_of_many
from ..worker.loop import Progress


def look(client: PartnerApiClient, progress: Progress) -> dict[str, Any]:
    """Compare production with what was promoted last, of every account.

    Versions are compared first; only what has another one is read. Filled-in environment values are no drift.

    :returns: ``changed``: production id in lower case -> name and version now (None where it is deleted); ``seen``: how
        many were looked at.
    """
    newest: dict[str, ComponentMapping] = {}
    promoted = ComponentMapping.objects.filter(last_promoted_at__isnull=False)
    for mapping in promoted.order_by("last_promoted_at", "pk"):
        newest[mapping.prod_component_id.lower()] = mapping
    progress(f"Looking at {len(newest)} components")
    found = metadata_of_many(client, newest)
    changed: dict[str, dict[str, Any]] = {}
    others = []
    for key, mapping in newest.items():
        twin = found[key]
        if twin is None:
            changed[key] = {"name": mapping.name, "version": None}
        elif twin.version != mapping.prod_version:
            others.append(key)
    progress(f"Reading {len(others)} components")
    for key, version in _differing(client, newest, others):
        changed[key] = {"name": newest[key].name, "version": version}
    return {"changed": changed, "seen": len(newest)}


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
