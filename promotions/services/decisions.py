"""Approving and rejecting a promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import tasks
from ..messages import PromotionError
from ..models import Approved, IntegrationPack, PromotionRequest
from ..plan import check_rules, premises
from ..plan.premises import Moment
from ..states import Status
from ..transitions import allowed_from
from .approvals import columns_of, freeze, keep
from .guards import check_may_decide, check_new_pack_name, check_pack, end, move_or_refuse
from .readings import check_read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def approve(
    user: User,
    promotion: PromotionRequest,
    *,
    plan_hash: str,
    pack: IntegrationPack | None = None,
    new_pack_name: str = "",
    comment: str = "",
    confirmed_hash: str = "",
) -> None:
    """Say yes to exactly the content with ``plan_hash``, and say which Integration Pack it goes into.

    Everything that the work uses from here on is frozen and hashed with it.

    :param plan_hash: the promotion's ``content_hash`` as the page showed it.
    :param comment: what the admin wants to add, for the record.
    :param confirmed_hash: the hash of everything that the admin has confirmed, where a page asked.
    :raises PromotionError: as ``preview_approval``; PLAN_STALE also when it is not what was confirmed.
    """
    new_pack_name = new_pack_name.strip()
    approved = preview_approval(
        user, promotion, plan_hash=plan_hash, pack=pack, new_pack_name=new_pack_name
    )
    if confirmed_hash and confirmed_hash != approved.hash:
        raise PromotionError("PLAN_STALE", "What you confirmed has changed meanwhile.")
    with transaction.atomic():
        move_or_refuse(
            promotion,
            to=Status.APPROVED,
            already="ALREADY_REVIEWED",
            actor=user,
            where=~Q(requester=user) & Q(content_hash=plan_hash),
            note=comment.strip(),
            next_attempt_at=timezone.now(),
            pack=pack,
            new_pack_name=new_pack_name,
            **columns_of(user, approved),
        )
        keep(promotion, user, approved, comment=comment.strip())
        tasks.enqueue_on_commit(tasks.run_promotion_task, promotion.pk)


def preview_approval(
    user: User,
    promotion: PromotionRequest,
    *,
    plan_hash: str,
    pack: IntegrationPack | None = None,
    new_pack_name: str = "",
) -> Approved:
    """What an approval would freeze now, with every check of the approval itself.

    :param plan_hash: the promotion's ``content_hash`` as the page showed it.
    :raises PromotionError: FORBIDDEN, SELF_REVIEW, ALREADY_REVIEWED, PLAN_STALE (the page showed another plan, or an
        environment is another one than was requested), PACK_NOT_FOUND (neither a pack nor a name for a new one, or a
        pack that is not for production), PACK_EXISTS, RULES_CHANGED, SWITCHED_OFF,
        DIFFERENCE_NOT_READ, the code of a premise that does not hold any more.
    """
    check_may_decide(user, promotion, "approve")
    status = PromotionRequest.objects.values_list("status", flat=True).get(pk=promotion.pk)
    if status not in allowed_from(Status.APPROVED, promotion.stage):
        raise PromotionError("ALREADY_REVIEWED", f"It is: {Status(status).label}.")
    if not plan_hash or plan_hash != promotion.content_hash:
        raise PromotionError(
            "PLAN_STALE", "The page showed other content than what would be approved now."
        )
    if (pack is None) == (not new_pack_name):
        raise PromotionError("PACK_NOT_FOUND", "Choose a pack or name a new one.")
    check_pack(pack)
    if pack is None:
        check_new_pack_name(new_pack_name)
    check_rules(promotion)
    check_read(user, promotion)
    premises.check(Moment.APPROVAL, promotion.plan, promotion=promotion)
    return freeze(promotion, pack=pack, new_pack_name=new_pack_name)


def reject(user: User, promotion: PromotionRequest, *, reason: str) -> None:
    """Say no, and why; the branch is deleted.

    :raises PromotionError: FORBIDDEN, SELF_REVIEW, REASON_REQUIRED, ALREADY_REVIEWED.
    """
    check_may_decide(user, promotion, "reject")
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    end(
        promotion,
        to=Status.REJECTED,
        already="ALREADY_REVIEWED",
        actor=user,
        note=reason,
        where=~Q(requester=user),
        decision_reason=reason,
    )
