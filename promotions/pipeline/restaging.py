"""Staging again: before the merge a branch is disposable, and what was approved can be written to a new one.

After an approval nobody has to approve again, because what is staged is always compared with the approved plan.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from ..models import ComponentResult, PromotionBranch, PromotionRequest
from ..states import Outcome, Status, StepState
from ..transitions import drop_branches, move, record_event

MAX_STAGED = 3  # times that a branch in doubt is dropped and staged again


def stage_again(promotion: PromotionRequest, why: str, *, epoch: int | None = None) -> None:
    """Drop the branch with everything done on it; the promotion rejoins the line with its approval.

    The caller is in a transaction.

    :raises StalePromotion: a person has ended it, or its merge has begun.
    """
    move(
        promotion.pk,
        to=Status.QUEUED,
        action="staged_again",
        note=why,
        epoch=epoch,
        where=Q(merged_at__isnull=True, merge_executed_at__isnull=True),
        next_attempt_at=timezone.now(),
        merge_started_at=None,
        merge_request_id="",
    )
    forget_staging(promotion)


def forget_staging(promotion: PromotionRequest) -> None:
    """Drop the branch and everything done on it."""
    drop_branches(promotion.pk)
    promotion.steps.all().update(state=StepState.ABANDONED)
    for result in promotion.written():
        ComponentResult.objects.filter(pk=result.pk).update(
            outcome=Outcome.PENDING,
            prod_component_id=result.component.prod_component_id,
            branch_version=None,
            staged_digest="",
            staged_seal="",
            version_seal="",
            error_code="",
            error="",
            finished_at=None,
        )


def record_vanished(branch: PromotionBranch) -> None:
    """Somebody else deleted the branch: there is nothing left to delete."""
    PromotionBranch.objects.filter(pk=branch.pk).update(
        delete_due=timezone.now(), deleted_at=timezone.now(), next_attempt_at=None
    )
    record_event("branch_vanished", promotion=branch.promotion, subject=branch.name)
