"""Looks up many components at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NotFound, PartnerApiError
from partnerapi.records import ComponentMetadata

from ..models import PlannedComponent

Lookalikes = tuple[PlannedComponent, list[ComponentMetadata], list[ComponentMetadata]]


def metadata_of_many(
    client: PartnerApiClient, ids: Iterable[str], *, account: str | None = None
) -> dict[str, ComponentMetadata | None]:
    """Component id in lower case -> its metadata; None if it is deleted or never existed.

    :param account: the dev account to look in; None for production.
    :raises PartnerApiError: when one of them cannot be read.
    """
    found: dict[str, ComponentMetadata | None] = {}
    keys = dict.fromkeys(one.lower() for one in ids)
    for key, result in client.get_many_metadata(keys, account=account).items():
        if isinstance(result, NotFound):
            found[key] = None
        elif isinstance(result, PartnerApiError):
            raise result
        else:
            found[key] = None if result.deleted else result
    return found


def lookalikes(
    client: PartnerApiClient, components: Sequence[PlannedComponent]
) -> list[Lookalikes]:
    """For each component: its copies in production, and what has its name and type there.

    :raises PartnerApiError: when one of them cannot be asked about.
    """
    ids, names = [c.dev_component_id for c in components], [c.name for c in components]
    copied, named = client.both(
        lambda: list(client.query_component_metadata(copied_from=ids)),
        lambda: list(client.query_component_metadata(names=names)),
    )
    copies: dict[str, list[ComponentMetadata]] = defaultdict(list)
    for twin in copied:
        copies[twin.copied_from_component_id.lower()].append(twin)
    namesakes: dict[tuple[str, str], list[ComponentMetadata]] = defaultdict(list)
    for twin in named:
        namesakes[twin.name, twin.type].append(twin)
    return [
        (c, copies[c.dev_component_id.lower()], namesakes[c.name, c.component_type])
        for c in components
    ]
