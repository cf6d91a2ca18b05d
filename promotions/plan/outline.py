"""What a package probably holds, shown before it is proved, so that people can start to read the plan."""

from __future__ import annotations

from contextlib import closing

from django.conf import settings

from partnerapi import componentxml
from partnerapi.client import Wanted
from partnerapi.componentxml import Document
from partnerapi.errors import NotFound

from .pairs import checked
from .resolve import MAPPED_ONLY, Progress, Resolved, Walk

# Bytes of XML that one worker keeps while it follows the ids in it.
MOST_BYTES = 64 * 1024 * 1024


def outline(walk: Walk, progress: Progress) -> Resolved | None:
    """The components that the manifest names; without one, those whose ids appear in the XML of others.

    ``Walk.resolve`` proves it.

    :returns: None if it cannot be determined; the proof then says why.
    :raises PromotionError: as ``pairs.checked``.
    :raises PartnerApiError: when a component cannot be read.
    """
    if walk.metadata[walk.root] is None:
        return None
    resolved = walk.begun()
    resolved.is_proved = False
    if walk.named:
        for key in (walk.root, *walk.named):
            if (metadata := walk.metadata[key]) is not None:
                resolved.components[key] = metadata
    elif not _follow_ids(walk, resolved, progress):
        return None
    resolved.dependent |= resolved.components.keys()
    return resolved


def _follow_ids(walk: Walk, resolved: Resolved, progress: Progress) -> bool:
    """Read the packaged component, what it names, what that names, and so on, level by level."""
    level, met, size = [walk.root], {walk.root}, 0
    while level:
        progress("Reading the components", len(resolved.components), len(met))
        wanted: dict[Wanted, str] = {}
        for key in level:
            metadata = walk.metadata[key]
            if metadata is None:
                continue
            resolved.components[key] = metadata
            if metadata.type not in MAPPED_ONLY:
                wanted[Wanted(key, walk.account)] = key
        named: set[str] = set()
        with closing(walk.client.each_component(wanted)) as arriving:
            for one, result in arriving:
                if isinstance(result, NotFound):
                    return False
                key = wanted[one]
                document = checked(result, key, resolved.version(key))
                resolved.documents[key] = document
                size += len(document.data)
                named |= _referred_to(document) - met
        if size > MOST_BYTES or len(met | named) > 2 * settings.PROMOTION_MAX_COMPONENTS:
            return False
        met |= named
        # A missing one may be no component at all: the proof asks only for known components.
        found = walk.client.find_metadata(
            sorted(named - walk.metadata.keys()), account=walk.account
        )
        walk.metadata.update((key, None if one.deleted else one) for key, one in found.items())
        level = sorted(key for key in named if walk.metadata.get(key) is not None)
    return True


def _referred_to(document: Document) -> set[str]:
    """The ids in places where references belong."""
    ids = {one: one for one in componentxml.component_ids(document)}
    found = componentxml.rewrite(document, ids).rewrites
    return {rewrite.old for rewrite in found if rewrite.context == "reference"}
