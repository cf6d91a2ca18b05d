"""A team's own rules for what is stripped, as admins keep them, and what follows from a change of them."""

from __future__ import annotations

from partnerapi import componentxml
from partnerapi.componentxml import Override, Overrides

from ..messages import PromotionError
from ..models import RuleOverride


def active() -> Overrides:
    """The overrides that hold now."""
    return Overrides(
        Override(
            decision="leave" if row.decision == RuleOverride.Decision.LEAVE else "empty",
            path=row.path,
            name=row.name,
            component_type=row.component_type,
        )
        for row in RuleOverride.objects.filter(is_active=True)
    )


def check(digest: str, name: str, overrides: Overrides) -> None:
    """Content that was planned by other rules is planned again: a change of rules is no change of content.

    :param digest: of the planned component ``name``.
    :param overrides: those that hold now.
    :raises PromotionError: PLAN_STALE.
    """
    if componentxml.rules_of(digest) != componentxml.rules_version(overrides):
        raise PromotionError(
            "PLAN_STALE", f"The rules for what is stripped have changed since “{name}” was planned."
        )
