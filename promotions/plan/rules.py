"""The rules that a promotion was requested under, and whether they can still be kept."""

from __future__ import annotations

from partnerapi.componentxml import RULES_VERSION

from ..messages import PromotionError
from ..models import PromotionRequest
from ..transitions import dialect_in_use


def check_rules(promotion: PromotionRequest) -> None:
    """A promotion continues under the rules that it was requested under, or not at all.

    After the merge, and in a deployment, nothing is emptied or rewritten, so newer rules for that stop nothing.

    :raises PromotionError: RULES_CHANGED.
    """
    if promotion.dialect and promotion.dialect != dialect_in_use():
        raise PromotionError(
            "RULES_CHANGED",
            f"It was requested in the {promotion.dialect} dialect; PARTNER_API_DIALECT is {dialect_in_use()} now.",
        )
    writes = promotion.merged_at is None and not promotion.is_deployment
    if promotion.rules_version != RULES_VERSION and writes:
        raise PromotionError(
            "RULES_CHANGED",
            f"It was planned by version {promotion.rules_version} of the rules for component XML; "
            f"version {RULES_VERSION} is in use now.",
        )
