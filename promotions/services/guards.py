"""What every service checks before it acts, and how it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from django.db import transaction

from .. import access, tasks, votes
from ..messages import PromotionError
from ..models import Approved, DevAccount, IntegrationPack, PromotionRequest
from ..plan import packs
from ..states import Status
from ..transitions import StalePromotion, move, record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def check_account(user: User, dev_account: DevAccount, what: str) -> None:
    """Refuse unless the dev account is one of the user's.

    :param what: the attempt, for the event that records a refusal.
    :raises PromotionError: FORBIDDEN.
    """
    if not access.dev_accounts(user).filter(pk=dev_account.pk).exists():
        refuse(user, f"{what} of {dev_account.account_id}")


def refuse_account(user: User, account: str, what: str) -> NoReturn:
    """Refuse a dev account that is not the user's or does not exist, and record the attempt as an event.

    :raises PromotionError: FORBIDDEN, always.
    """
    refuse(user, f"{what} of {account}")


def refuse(user: User, what: str, promotion: PromotionRequest | None = None) -> NoReturn:
    """Record a refused attempt as an event, and refuse.

    :param what: the attempt, such as "reject promotion 7".
    :raises PromotionError: FORBIDDEN, always.
    """
    record_event("access_refused", actor=user, promotion=promotion, subject=what)
    raise PromotionError("FORBIDDEN")


def check_may_decide(user: User, promotion: PromotionRequest, what: str) -> None:
    """Refuse unless the user may decide on the promotion as an admin, or as a deputy of one.

    :param what: the verb of the attempt, for the event that records a refusal.
    :raises PromotionError: FORBIDDEN; SELF_REVIEW for its requester and whoever stands in for them; NOT_A_REVIEWER when
        a review policy leaves the user, or the admin they stand in for, out.
    """
    if not access.decides(user):
        refuse(user, f"{what} promotion {promotion.pk}", promotion)
    if access.same_person(user, promotion.requester):
        record_event("self_review_refused", promotion=promotion, actor=user, subject=what)
        raise PromotionError("SELF_REVIEW")
    if not access.may_decide(user, promotion):
        if any(access.same_person(one, promotion.requester) for one in access.stands_in_for(user)):
            raise PromotionError("SELF_REVIEW", "You stand in for its requester.")
        raise PromotionError("NOT_A_REVIEWER", "It leaves out the admin you stand in for.")
    check_not_excluded(user, promotion, what)


def check_may_review(user: User, promotion: PromotionRequest, what: str) -> None:
    """Like ``check_may_decide``, but also lets the peers through whom a policy asks."""
    if not votes.may_be_peer(user, promotion):
        check_may_decide(user, promotion, what)


def check_not_excluded(user: User, promotion: PromotionRequest, what: str) -> None:
    """Refuse a user whom a review policy leaves out.

    :raises PromotionError: NOT_A_REVIEWER.
    """
    if access.is_excluded(user, promotion.demanded):
        record_event("access_refused", promotion=promotion, actor=user, subject=what)
        raise PromotionError("NOT_A_REVIEWER")


def check_pack(pack: IntegrationPack | None) -> None:
    """Refuse a pack that is not, or no longer, one for production.

    :raises PromotionError: PACK_NOT_FOUND.
    """
    if (
        pack is not None
        and not IntegrationPack.objects.for_production().filter(pk=pack.pk).exists()
    ):
        raise PromotionError("PACK_NOT_FOUND", f"“{pack.name}” is not a pack for production.")


def check_other_pack(
    user: User, promotion: PromotionRequest, approved: Approved, *, accepted: bool
) -> None:
    """A process that packs hold already goes into another one only if whoever approves it accepts that explicitly.

    The caller is in the transaction that acts on it.

    :raises PromotionError: OTHER_PACK, with the packs that hold it.
    """
    if promotion.is_deployment:
        return
    names = set()
    for row, one in zip(promotion.packages, approved.packages, strict=True):
        homes = packs.homes(promotion.plan, row.planned)
        if packs.leaves_home(homes, one.pack_id):
            names |= {f"“{home.pack}”" for home in homes}
    if not names:
        return
    told = ", ".join(sorted(names))
    if not accepted:
        raise PromotionError("OTHER_PACK", f"{told}.")
    record_event("other_pack_accepted", promotion=promotion, actor=user, subject=told)


def check_new_pack_name(name: str) -> None:
    """Refuse a name that a known pack has, whatever that pack is for and even if it is switched off.

    :raises PromotionError: PACK_EXISTS.
    """
    known = IntegrationPack.objects.filter(name__iexact=name.strip()).first()
    if known is not None:
        raise PromotionError("PACK_EXISTS", f"“{known.name}”.")


def move_or_refuse(
    promotion: PromotionRequest, *, to: Status, already: str, **kwargs: object
) -> None:
    """Move a promotion to a status, unless somebody else has moved it first.

    :param already: the code to refuse with.
    :param kwargs: passed on to ``transitions.move``.
    :raises PromotionError: ``already``, naming the status that the promotion has now.
    """
    try:
        move(promotion.pk, to=to, **kwargs)  # type: ignore[arg-type]
    except StalePromotion as stale:
        raise PromotionError(already, f"Its status is now “{stale.current.label}”.") from stale


def end(promotion: PromotionRequest, *, to: Status, already: str, **kwargs: object) -> None:
    """Move a promotion to a final status and have its branches deleted once that is committed.

    :raises PromotionError: as ``move_or_refuse``.
    """
    with transaction.atomic():
        move_or_refuse(promotion, to=to, already=already, **kwargs)
        tasks.enqueue_branch_deletions_on_commit(promotion.pk)
