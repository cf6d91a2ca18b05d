"""Asking for the review again when an approval is no longer valid."""

from __future__ import annotations

from django.db.models import Q

from ..messages import PromotionError
from ..models import ApprovalLapsed, PromotionRequest
from ..states import MERGE_INCOMPLETE, Stage, Status, StepState
from ..transitions import move
from .restaging import forget_staging
from .steps import AFTER_REVIEW


def review_again(promotion: PromotionRequest, lapsed: ApprovalLapsed, *, epoch: int) -> None:
    """Ask for the review again, keeping what was staged; the old approval stays on record.

    The caller is in a transaction.

    :raises PromotionError: MERGE_INCOMPLETE when main already holds a part of it: then the only way is forward.
    :raises StalePromotion: a person has ended it, or its merge has begun.
    """
    if promotion.results.filter(merged_version__isnull=False).exists():
        raise PromotionError(MERGE_INCOMPLETE, f"The approval has lapsed. {lapsed.detail}")
    move(
        promotion.pk,
        to=Status.ADMIN_REVIEW,
        action="approval_lapsed",
        note=lapsed.detail,
        epoch=epoch,
        where=Q(merged_at__isnull=True, merge_executed_at__isnull=True),
        next_attempt_at=None,
        merge_started_at=None,
        merge_request_id="",
        approved_by=None,
        approved_at=None,
        approved_hash="",
        approved={},
        approvals_missing=promotion.demanded.approvals,
        pack=None,
        new_pack_name="",
    )
    promotion.further.update(pack=None, new_pack_name="")
    if promotion.stage == Stage.AFTER_APPROVAL:
        forget_staging(promotion)
    else:
        promotion.steps.filter(step__in=AFTER_REVIEW).update(state=StepState.ABANDONED)
