"""Approving and rejecting a promotion."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import access, tasks, votes
from ..messages import PromotionError
from ..models import Approval, Approved, IntegrationPack, PromotionRequest
from ..plan import check_rules, premises
from ..plan.premises import Moment
from ..states import Status
from ..transitions import allowed_from, record_event
from .approvals import PackChoice, PackChoices, columns_of, freeze, keep, keep_packs
from .endings import cancel
from .guards import (
    check_may_decide,
    check_may_review,
    check_new_pack_name,
    check_not_excluded,
    check_other_pack,
    check_pack,
    end,
    move_or_refuse,
    refuse,
)
from .readings import check_read
from .submission import check_acceptances, check_findings

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def approve(
    user: User,
    promotion: PromotionRequest,
    *,
    plan_hash: str,
    pack: IntegrationPack | None = None,
    new_pack_name: str = "",
    further_packs: PackChoices | None = None,
    comment: str = "",
    confirmed_hash: str = "",
    close_older: bool = False,
    other_pack_accepted: bool = False,
    in_place_of: User | None = None,
) -> None:
    """Approve exactly the content with ``plan_hash``, and choose the Integration Pack it goes into.

    Everything that the work uses from here on is frozen and hashed with the approval. Where a policy asks for two
    admins, the first approval is recorded and the promotion stays in review.

    :param plan_hash: the promotion's ``content_hash`` as the page showed it.
    :param further_packs: where the further packages of a bundle go; the same way as the first where it is left out.
    :param comment: what the admin wants to add, for the record.
    :param confirmed_hash: the hash of everything that the admin has confirmed, if a page asked.
    :param close_older: cancel the open promotions of the process that were requested earlier.
    :param other_pack_accepted: that a process goes into this pack although others hold it, and this one does not.
    :param in_place_of: the admin whom a deputy of several represents; one whose vote is missing if nobody is named.
    :raises PromotionError: as ``preview_approval``; PLAN_STALE also when the content differs from what was confirmed;
        FORBIDDEN also when the user is no deputy of ``in_place_of``; OTHER_PACK.
    """
    new_pack_name = new_pack_name.strip()
    approved = preview_approval(
        user,
        promotion,
        plan_hash=plan_hash,
        pack=pack,
        new_pack_name=new_pack_name,
        further_packs=further_packs,
    )
    choices = _choices(promotion, PackChoice(pack, new_pack_name), further_packs)
    if confirmed_hash and confirmed_hash != approved.hash:
        raise PromotionError("PLAN_STALE", "What you confirmed has changed since then.")
    if in_place_of is not None and in_place_of not in access.represented(user, promotion):
        refuse(user, f"approve promotion {promotion.pk} in place of another", promotion)
    comment = comment.strip()
    with transaction.atomic():
        # Of two admins acting at once, the second sees the first one's approval.
        PromotionRequest.objects.select_for_update().get(pk=promotion.pk)
        check_other_pack(user, promotion, approved, accepted=other_pack_accepted)
        found = votes.count(promotion, approved)
        represented = _represented(user, found, in_place_of)
        keep(promotion, user, approved, comment=comment, in_place_of=represented)
        keep_packs(promotion, choices)
        if not votes.count(promotion, approved).are_complete:
            _record(
                promotion,
                user,
                "approved_as_admin",
                comment,
                pack=pack,
                new_pack_name=new_pack_name,
            )
            return
        move_or_refuse(
            promotion,
            to=Status.APPROVED,
            already="ALREADY_REVIEWED",
            actor=user,
            where=~Q(requester=user) & Q(content_hash=plan_hash),
            note=comment,
            next_attempt_at=timezone.now(),
            pack=pack,
            new_pack_name=new_pack_name,
            **columns_of(user, approved),
        )
        tasks.enqueue_on_commit(tasks.run_promotion_task, promotion.pk)
        if close_older and access.may_cancel(user):
            _close(user, older_open(promotion), f"Promotion {promotion.pk} is newer and approved.")


def _represented(user: User, found: votes.Votes, chosen: User | None) -> User | None:
    """The admin in whose place the user approves; nobody where they are one themselves.

    :raises PromotionError: COUNTED_ALREADY when the one who was chosen has approved.
    """
    missing = found.represented(user)
    if chosen is not None and chosen not in missing:
        raise PromotionError("COUNTED_ALREADY", "Whom you stand in for has approved.")
    # Where all have approved already it is only confirmed.
    return chosen or next(iter(missing or access.represented(user, found.promotion)), None)


def approve_as_peer(
    user: User, promotion: PromotionRequest, *, plan_hash: str, comment: str = ""
) -> None:
    """Approve as one of the peers whom a review policy asks for, before the admins decide.

    :param plan_hash: the promotion's ``content_hash`` as the page showed it.
    :raises PromotionError: FORBIDDEN, SELF_REVIEW, NOT_A_REVIEWER, ALREADY_REVIEWED, PLAN_STALE, NOT_NEEDED (enough
        peers have approved), COUNTED_ALREADY, RULES_CHANGED, SWITCHED_OFF, DIFFERENCE_NOT_READ, the code of a premise.
    """
    if access.same_person(user, promotion.requester):
        record_event("self_review_refused", promotion=promotion, actor=user, subject="approve")
        raise PromotionError("SELF_REVIEW")
    check_not_excluded(user, promotion, "approve")
    if not votes.may_be_peer(user, promotion):
        refuse(user, f"approve promotion {promotion.pk} as a peer", promotion)
    _check_in_review(promotion, plan_hash)
    _check_content(user, promotion)
    approved = freeze(promotion, pack=None, new_pack_name="")
    with transaction.atomic():
        PromotionRequest.objects.select_for_update().get(pk=promotion.pk)
        found = votes.count(promotion, approved)
        if found.has_voted(user):
            raise PromotionError("COUNTED_ALREADY")
        if not found.may_approve_as_peer(user):
            raise PromotionError("NOT_NEEDED")
        keep(promotion, user, approved, comment=comment.strip(), role=Approval.Role.PEER)
        _record(promotion, user, "approved_as_peer", comment.strip())


def _record(
    promotion: PromotionRequest, user: User, action: str, comment: str, **columns: Any
) -> None:
    """Record an approval that is not the last one needed; the caller is in a transaction.

    :raises PromotionError: ALREADY_REVIEWED when the promotion is no longer in review.
    """
    waiting = PromotionRequest.objects.awaiting_review().filter(
        pk=promotion.pk, content_hash=promotion.content_hash
    )
    if waiting.update(updated_at=timezone.now(), **columns) != 1:
        raise PromotionError("ALREADY_REVIEWED")
    record_event(action, promotion=promotion, actor=user, note=comment)


def _close(user: User, promotions: Iterable[PromotionRequest], reason: str) -> None:
    for promotion in promotions:
        # One that has been decided in the meantime is left alone.
        with suppress(PromotionError):
            cancel(user, promotion, reason=reason)


def older_open(promotion: PromotionRequest) -> list[PromotionRequest]:
    """The promotions of the same process that were requested earlier and are not yet approved.

    One that brings other processes as well is not among them, because those would be lost with it.
    """
    if promotion.is_deployment:
        return []
    roots = _roots(promotion)
    earlier = PromotionRequest.objects.open().filter(
        approved_by__isnull=True,
        plan__isnull=False,
        dev_account=promotion.dev_account,
        submitted_at__lt=promotion.submitted_at,
    )
    others = earlier.exclude(pk=promotion.pk).select_related("plan", "requester")
    return [other for other in others if _roots(other) <= roots]


def _roots(promotion: PromotionRequest) -> set[str]:
    """The dev ids of the processes that it brings."""
    return {source.root_component_id.lower() for source in promotion.plan.packages}


def preview_approval(
    user: User,
    promotion: PromotionRequest,
    *,
    plan_hash: str,
    pack: IntegrationPack | None = None,
    new_pack_name: str = "",
    further_packs: PackChoices | None = None,
) -> Approved:
    """Show what an approval would freeze now, after every check that the approval itself makes.

    :param plan_hash: the promotion's ``content_hash`` as the page showed it.
    :raises PromotionError: FORBIDDEN, SELF_REVIEW, ALREADY_REVIEWED, PLAN_STALE (the page showed another plan, or an
        environment has changed since it was requested), PACK_NOT_FOUND (neither a pack nor a name for a new one, or a
        pack that is not for production), PACK_EXISTS, RULES_CHANGED, SWITCHED_OFF, DIFFERENCE_NOT_READ, the code of a
        finding that nobody has accepted, the code of a premise that no longer holds; NOT_A_REVIEWER (a policy leaves
        the user out), PEERS_MISSING, COUNTED_ALREADY (as a peer, or as the first of two admins).
    """
    check_may_decide(user, promotion, "approve")
    _check_in_review(promotion, plan_hash)
    first = PackChoice(pack, new_pack_name)
    choices = _choices(promotion, first, further_packs)
    for choice in (first, *choices.values()):
        if (choice.pack is None) == (not choice.new_pack_name):
            raise PromotionError("PACK_NOT_FOUND", "Choose a pack or name a new one.")
        check_pack(choice.pack)
        if choice.pack is None:
            check_new_pack_name(choice.new_pack_name)
    _check_content(user, promotion)
    approved = freeze(promotion, pack=pack, new_pack_name=new_pack_name, further_packs=choices)
    found = votes.count(promotion, approved)
    # After a peer's lapsed approval is renewed, all the admins' may be there already: this one only confirms them.
    if found.has_voted_as_admin(user) and not found.are_complete:
        raise PromotionError("COUNTED_ALREADY")
    if not found.peers_are_done:
        raise PromotionError("PEERS_MISSING", votes.in_words(found))
    return approved


def _choices(
    promotion: PromotionRequest, first: PackChoice, chosen: PackChoices | None
) -> PackChoices:
    """Where every further package goes: as it was chosen, otherwise the same way as the first."""
    keys = promotion.further.values_list("pk", flat=True)
    return {key: (chosen or {}).get(key, first) for key in keys}


def _check_in_review(promotion: PromotionRequest, plan_hash: str) -> None:
    """The promotion waits for a decision, and the page showed its current content."""
    status = PromotionRequest.objects.values_list("status", flat=True).get(pk=promotion.pk)
    if status not in allowed_from(Status.APPROVED, promotion.stage):
        raise PromotionError("ALREADY_REVIEWED", f"Its status is now “{Status(status).label}”.")
    if not plan_hash or plan_hash != promotion.content_hash:
        raise PromotionError(
            "PLAN_STALE", "The page showed different content from what would be approved now."
        )
    promotion.check_seal()


def _check_content(user: User, promotion: PromotionRequest) -> None:
    """The user has read all of it, and nothing that it relies on has changed."""
    check_rules(promotion)
    if not promotion.is_deployment:
        check_findings(promotion.plan)
        check_acceptances(promotion.requester, promotion.plan)
    check_read(user, promotion)
    premises.check(Moment.APPROVAL, promotion.plan, promotion=promotion)


def reject(user: User, promotion: PromotionRequest, *, reason: str) -> None:
    """Reject a promotion, with a reason; the branch is deleted.

    A peer's rejection ends it just as an admin's does.

    :raises PromotionError: FORBIDDEN, SELF_REVIEW, NOT_A_REVIEWER, REASON_REQUIRED, ALREADY_REVIEWED.
    """
    check_may_review(user, promotion, "reject")
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
