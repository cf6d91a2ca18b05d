"""Withdrawing or cancelling a promotion before its merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from .. import access, tasks
from ..messages import PromotionError
from ..models import PromotionRequest
from ..states import Status
from ..transitions import drop_branches, record_event
from .guards import end, refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def withdraw(user: User, promotion: PromotionRequest, *, reason: str = "") -> None:
    """Withdraw one's own promotion before it is approved; the branch is deleted.

    :raises PromotionError: FORBIDDEN, INVALID_TRANSITION.
    """
    if not access.may_withdraw(user, promotion):
        refuse(user, f"withdraw promotion {promotion.pk}", promotion)
    end(
        promotion,
        to=Status.WITHDRAWN,
        already="INVALID_TRANSITION",
        actor=user,
        note=reason.strip(),
    )


def give_up_rest(user: User, promotion: PromotionRequest, *, reason: str) -> None:
    """Give up, as an admin, what a merge left out; the branch that holds it is deleted.

    What is on main stays there, with its mappings.

    :raises PromotionError: FORBIDDEN, REASON_REQUIRED, INVALID_TRANSITION.
    """
    if not access.may_cancel(user):
        refuse(user, f"give up the rest of promotion {promotion.pk}", promotion)
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    with transaction.atomic():
        locked = PromotionRequest.objects.select_for_update().get(pk=promotion.pk)
        if locked.status != Status.FAILED or not locked.holds_unmerged_content:
            raise PromotionError("INVALID_TRANSITION", "There is nothing to give up.")
        drop_branches(promotion.pk)
        record_event("rest_given_up", promotion=promotion, actor=user, note=reason)
        tasks.enqueue_branch_deletions_on_commit(promotion.pk)


def cancel(user: User, promotion: PromotionRequest, *, reason: str) -> None:
    """Stop a promotion as an admin, before its merge has begun; the branch is deleted.

    :raises PromotionError: FORBIDDEN, REASON_REQUIRED, INVALID_TRANSITION.
    """
    if not access.may_cancel(user):
        refuse(user, f"cancel promotion {promotion.pk}", promotion)
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    end(
        promotion,
        to=Status.CANCELLED,
        already="INVALID_TRANSITION",
        actor=user,
        note=reason,
        where=Q(merge_started_at__isnull=True),
        decision_reason=reason,
    )
