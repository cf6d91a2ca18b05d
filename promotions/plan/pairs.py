"""Reads a plan's components with their production twins, while the caller works on what has arrived (operation 1)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass

from django.conf import settings

from partnerapi.client import PartnerApiClient, Wanted
from partnerapi.componentxml import Document
from partnerapi.errors import NotFound, PartnerApiError
from partnerapi.records import Component

from ..messages import PromotionError
from .resolve import MAPPED_ONLY, Resolved


@dataclass(frozen=True)
class Pair:
    """A component of the plan and its production twin.

    :param key: the dev id in lower case.
    :param dev: its document; None for components that are never read (connections, certificates, …).
    :param twin: None if there is none, or it is deleted.
    """

    key: str
    dev: Document | None
    twin: Component | None


def read_pairs(
    client: PartnerApiClient, account: str, resolved: Resolved, mapped: Mapping[str, str]
) -> Generator[Pair]:
    """Every component of a plan, in the order of arrival. Close the iterator if it is not read to the end.

    :param mapped: dev id -> production id.
    :raises PromotionError: as :func:`checked`.
    :raises PartnerApiError: when one of them cannot be read.
    """
    dev_of: dict[Wanted, str] = {}
    twin_of: dict[Wanted, list[str]] = {}
    wanted: list[Wanted] = []
    documents: dict[str, Document] = {}
    for key, metadata in resolved.components.items():
        if metadata.type in MAPPED_ONLY:
            yield Pair(key, None, None)
            continue
        if key in resolved.documents:
            documents[key] = resolved.documents.pop(key)
            if key not in mapped:
                yield Pair(key, documents.pop(key), None)
        else:
            version = resolved.version(key) if resolved.pinned else None
            wanted.append(Wanted(key, account, version))
            dev_of[wanted[-1]] = key
        if key in mapped:
            wanted.append(Wanted(mapped[key]))
            twin_of.setdefault(wanted[-1], []).append(key)
    twins: dict[str, Component | None] = {}
    with closing(client.each_component(wanted)) as arriving:
        for one, result in arriving:
            if one in dev_of:
                keys = [dev_of[one]]
                documents[keys[0]] = checked(result, keys[0], resolved.version(keys[0]))
            else:
                keys = twin_of[one]
                twins |= dict.fromkeys(keys, _living(result))
            for key in keys:
                if key in documents and (key in twins or key not in mapped):
                    yield Pair(key, documents.pop(key), twins.pop(key, None))


def checked(result: Component | PartnerApiError, key: str, version: int) -> Document:
    """A dev component's XML at the planned version.

    :raises PromotionError: PLAN_STALE when only another version can be read, COMPONENT_NOT_FOUND, COMPONENT_TOO_LARGE.
    """
    if isinstance(result, NotFound):
        raise PromotionError("COMPONENT_NOT_FOUND", key) from result
    if isinstance(result, PartnerApiError):
        raise result
    size = len(result.document.data)
    if size > settings.PROMOTION_MAX_COMPONENT_BYTES:
        raise PromotionError("COMPONENT_TOO_LARGE", f"“{result.name}”, {size} bytes.")
    if result.version != version:
        raise PromotionError(
            "PLAN_STALE",
            f"“{result.name}” is at version {result.version} in the dev account, not {version}.",
        )
    return result.document


def read_dev(
    client: PartnerApiClient, account: str, key: str, version: int, *, pinned: bool
) -> Document:
    """One dev component's XML at the planned version.

    :raises PromotionError: as :func:`checked`.
    """
    wanted = Wanted(key, account, version if pinned else None)
    ((_, result),) = client.each_component([wanted])
    return checked(result, key, version)


def _living(result: Component | PartnerApiError) -> Component | None:
    """A twin; a deleted one is never restored silently (the premise that twins are alive reports it)."""
    if isinstance(result, NotFound):
        return None
    if isinstance(result, PartnerApiError):
        raise result
    return None if result.deleted else result
