"""A team's own rules for what is stripped, as admins keep them, and what follows when they change."""

from __future__ import annotations

from partnerapi import componentxml
from partnerapi.componentxml import Override, Overrides

from ..messages import PromotionError
from ..models import RuleOverride


def active() -> Overrides:
    """The overrides that apply now."""
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
    """Content planned under other rules must be planned again: a change of rules is not a change of content.

    :param digest: of the planned component ``name``.
    :param overrides: those that apply now.
    :raises PromotionError: PLAN_STALE.
    """
    if componentxml.rules_of(digest) != componentxml.rules_version(overrides):
        raise PromotionError(
            "PLAN_STALE", f"The rules for what is stripped have changed since “{name}” was planned."
        )
