"""What every service asks before it acts, and how it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from django.db import transaction

from .. import access, tasks, votes
from ..messages import PromotionError
from ..models import DevAccount, IntegrationPack, PromotionRequest
from ..states import Status
from ..transitions import StalePromotion, move, record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def check_account(user: User, dev_account: DevAccount, what: str) -> None:
    if not access.dev_accounts(user).filter(pk=dev_account.pk).exists():
        refuse(user, f"{what} of {dev_account.account_id}")


def refuse_account(user: User, account: str, what: str) -> NoReturn:
    """Leave an event for a dev account that is not the user's, or that does not exist, and refuse.

    :raises PromotionError: FORBIDDEN, always.
    """
    refuse(user, f"{what} of {account}")


def refuse(user: User, what: str, promotion: PromotionRequest | None = None) -> NoReturn:
    record_event("access_refused", actor=user, promotion=promotion, subject=what)
    raise PromotionError("FORBIDDEN")


def check_may_decide(user: User, promotion: PromotionRequest, what: str) -> None:
    if not access.decides(user):
        refuse(user, f"{what} promotion {promotion.pk}", promotion)
    if access.same_person(user, promotion.requester):
        record_event("self_review_refused", promotion=promotion, actor=user, subject=what)
        raise PromotionError("SELF_REVIEW")
    if not access.may_decide(user, promotion):
        if any(access.same_person(one, promotion.requester) for one in access.stands_in_for(user)):
            raise PromotionError("SELF_REVIEW", "You stand in for its requester.")
        raise PromotionError("NOT_A_REVIEWER", "It leaves out the admin for whom you stand in.")
    check_not_excluded(user, promotion, what)


def check_may_review(user: User, promotion: PromotionRequest, what: str) -> None:
    """As ``check_may_decide``, for those who are asked as peers as well."""
    if not votes.may_be_peer(user, promotion):
        check_may_decide(user, promotion, what)


def check_not_excluded(user: User, promotion: PromotionRequest, what: str) -> None:
    """:raises PromotionError: NOT_A_REVIEWER when a review policy leaves the user out."""
    if access.is_excluded(user, promotion.demanded):
        record_event("access_refused", promotion=promotion, actor=user, subject=what)
        raise PromotionError("NOT_A_REVIEWER")


def check_pack(pack: IntegrationPack | None) -> None:
    if (
        pack is not None
        and not IntegrationPack.objects.for_production().filter(pk=pack.pk).exists()
    ):
        raise PromotionError("PACK_NOT_FOUND", f"“{pack.name}” is not a pack for production.")


def check_new_pack_name(name: str) -> None:
    """A new pack's name is new, whatever the pack of that name is for and whether it is switched on.

    :raises PromotionError: PACK_EXISTS.
    """
    known = IntegrationPack.objects.filter(name__iexact=name.strip()).first()
    if known is not None:
        raise PromotionError("PACK_EXISTS", f"“{known.name}”.")


def move_or_refuse(
    promotion: PromotionRequest, *, to: Status, already: str, **kwargs: object
) -> None:
    try:
        move(promotion.pk, to=to, **kwargs)  # type: ignore[arg-type]
    except StalePromotion as stale:
        raise PromotionError(already, f"It is: {stale.current.label}.") from stale


def end(promotion: PromotionRequest, *, to: Status, already: str, **kwargs: object) -> None:
    with transaction.atomic():
        move_or_refuse(promotion, to=to, already=already, **kwargs)
        tasks.enqueue_branch_deletions_on_commit(promotion.pk)
