"""Who has opened which parts of the differences that are too long to show at once."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..messages import PromotionError
from ..models import Content, Installation, PlannedComponent, PromotionRequest, Reading

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class Unread:
    """A difference of which somebody has not opened everything yet.

    :param digest: of the difference's content.
    :param part: the first missing part, counted from 1.
    """

    component: PlannedComponent
    digest: str
    part: int
    parts: int


def unread(user: User, promotion: PromotionRequest) -> list[Unread]:
    """The differences that are only partly shown at first and whose rest the user has not opened."""
    found = []
    for result in promotion.results.select_related("component"):
        shown = result if result.difference_id else result.component
        if not shown.difference_parts or not shown.difference_id:
            continue
        opened = _opened(user, shown.difference_id)
        missing = [part for part in range(1, shown.difference_parts + 1) if part not in opened]
        if missing:
            found.append(
                Unread(result.component, shown.difference_id, missing[0], shown.difference_parts)
            )
    return found


def _opened(user: User, digest: str) -> set[int]:
    """The parts of a difference that the user has opened, by records that Promotion Desk has made."""
    rows = list(Reading.objects.filter(person=user, digest=digest))
    if not rows:
        return set()
    installation = Installation.load()
    return {row.part for row in rows if hmac.compare_digest(row.seal, row.make_seal(installation))}


def check_read(user: User, promotion: PromotionRequest) -> None:
    """Nobody approves a difference that they have seen only a part of.

    :raises PromotionError: DIFFERENCE_NOT_READ, with the components.
    """
    names = [f"“{missing.component}”" for missing in unread(user, promotion)]
    if names:
        raise PromotionError("DIFFERENCE_NOT_READ", f"{', '.join(names)}.")


def open_parts(user: User, difference: Content, parts: range) -> None:
    """Record that the user has been shown these parts of a difference in full.

    :param parts: counted from 1.
    """
    installation = Installation.load()
    rows = [Reading(person=user, digest=difference.digest, part=part) for part in parts]
    for row in rows:
        row.seal = row.make_seal(installation)
    Reading.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["person", "digest", "part"],
        update_fields=["seal"],
    )
