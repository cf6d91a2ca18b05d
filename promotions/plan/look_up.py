"""Looks at many components of production at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NotFound
from partnerapi.records import ComponentMetadata

from ..models import PlannedComponent


def metadata_of_many(
    client: PartnerApiClient, ids: Iterable[str], account: str | None = None
) -> dict[str, ComponentMetadata | None]:
    """Component id in lower case -> its metadata; None where it is deleted or was never there."""
    return {key: _metadata(client, key, account) for key in {one.lower() for one in ids}}


def _metadata(client: PartnerApiClient, key: str, account: str | None) -> ComponentMetadata | None:
    try:
        found = client.get_component_metadata(key, account=account)
    except NotFound:
        return None
    return None if found.deleted else found


def namesakes_of_many(
    client: PartnerApiClient, components: Iterable[PlannedComponent]
) -> Iterator[tuple[PlannedComponent, list[ComponentMetadata], list[ComponentMetadata]]]:
    """For each component: what production copied from it, and what has its name and type there."""
    for component in components:
        copies = client.query_component_metadata(
            copied_from_component_id=component.dev_component_id
        )
        namesakes = client.query_component_metadata(
            name=component.name, component_type=component.component_type
        )
        yield component, list(copies), list(namesakes)
