"""Who may see, submit, review, approve and retry.

Roles are Django groups, so that single sign-on can fill them. Every function here is called on the server where the
state changes; pages call them only to decide what to offer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from .messages import PromotionError
from .models import Demand, Deputy, DevAccount, Plan, PolicyGroup, PromotionRequest
from .models.querysets import PromotionRequestQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

T = TypeVar("T")

CONTRIBUTORS = "Contributors"
ADMINS = "Admins"
# The attribute of a user object that caches what has been looked up.
MEMORY = "_access_memory"


def remember(user: User) -> None:
    """From here on look everything up only once, for as long as this user object lives: one HTTP request."""
    setattr(user, MEMORY, {})


def _once(user: User | AnonymousUser, what: str, look_up: Callable[[], T]) -> T:
    memory: dict[str, Any] | None = getattr(user, MEMORY, None)
    if memory is None:
        return look_up()
    if what not in memory:
        memory[what] = look_up()
    found: T = memory[what]
    return found


def _groups(user: User | AnonymousUser) -> dict[str, bool]:
    """The names of the user's groups, and whether a review policy asks for members of each."""
    asked = Exists(PolicyGroup.objects.filter(group=OuterRef("pk")))
    groups = user.groups.annotate(is_asked=asked).values_list("name", "is_asked")
    return _once(user, "groups", lambda: dict(groups))


def is_admin(user: User | AnonymousUser) -> bool:
    """Whether the user may decide on promotions and sees every account."""
    return user.is_active and (user.is_superuser or ADMINS in _groups(user))


def is_contributor(user: User | AnonymousUser) -> bool:
    return user.is_active and CONTRIBUTORS in _groups(user)


def may_enter(user: User | AnonymousUser) -> bool:
    """Whether the user has any role here."""
    return is_admin(user) or is_contributor(user) or decides(user) or is_peer(user)


def is_peer(user: User | AnonymousUser) -> bool:
    """Whether a review policy asks for members of one of the user's groups."""
    return user.is_active and any(_groups(user).values())


def stands_in_for(user: User | AnonymousUser, at: datetime | None = None) -> list[User]:
    """The admins whose deputy the user is, or was at that moment; somebody who is no longer an admin has no deputy."""
    if not user.is_active or not user.pk:
        return []

    def look_up() -> list[User]:
        acting = Deputy.objects.acting(user, at or timezone.now())
        return [deputyship.admin for deputyship in acting if is_admin(deputyship.admin)]

    return look_up() if at else _once(user, "stands_in_for", look_up)


def decides(user: User | AnonymousUser) -> bool:
    """Whether the user decides on promotions: an admin, or the deputy of one."""
    return is_admin(user) or bool(stands_in_for(user))


def dev_accounts(user: User | AnonymousUser) -> QuerySet[DevAccount]:
    """The active dev accounts that the user may promote from."""
    accounts = DevAccount.objects.filter(is_active=True)
    if is_admin(user):
        return accounts
    if not is_contributor(user):
        return accounts.none()
    return accounts.filter(access__is_active=True, access__group__in=user.groups.all()).distinct()


def may_promote(user: User | AnonymousUser) -> bool:
    """Whether there is any dev account that the user may promote from."""
    return bool(_account_ids(user))


def promotions(user: User | AnonymousUser) -> PromotionRequestQuerySet[PromotionRequest]:
    """The promotions that the user may see: of their accounts, their own, those to review; all, if they decide."""
    if decides(user):
        return PromotionRequest.objects.all()
    if not user.is_active or not user.pk:
        return PromotionRequest.objects.none()
    reviewed = PromotionRequest.peer_groups.through.objects.filter(group__in=user.groups.all())
    visible = Q(pk__in=reviewed.values("promotionrequest"))
    if is_contributor(user):
        visible |= Q(requester=user) | Q(dev_account__in=_account_ids(user))
    return PromotionRequest.objects.filter(visible)


def plans(user: User | AnonymousUser) -> QuerySet[Plan]:
    """The plans that the user may see: of their accounts, and of the promotions that they see."""
    if decides(user):
        return Plan.objects.all()
    # Asked plan by plan and only of those of other accounts; a join would read every promotion first.
    promoted = promotions(user).order_by().filter(plan=OuterRef("pk"))
    return Plan.objects.filter(Q(dev_account__in=_account_ids(user)) | Exists(promoted))


def _account_ids(user: User | AnonymousUser) -> list[int]:
    """Few, and looked up first, so that an index finds what belongs to them."""
    ids = dev_accounts(user).values_list("pk", flat=True)
    return _once(user, "accounts", lambda: list(ids))


def same_person(one: User, other: User) -> bool:
    """Whether two user records are one person: the same row, or a common name or e-mail.

    Letter case, blanks and Unicode's other spellings of a letter make no difference.
    """
    return one.pk == other.pk or not _identities(one).isdisjoint(_identities(other))


def _identities(user: User) -> set[str]:
    spelled = (
        "".join(unicodedata.normalize("NFKC", name).split()).casefold()
        for name in (user.username, user.email)
    )
    return {name for name in spelled if name}


def check_standing(promotion: PromotionRequest) -> None:
    """Everybody and everything that the promotion needs must still be switched on.

    :raises PromotionError: SWITCHED_OFF, naming the requester, their access, the dev account, an environment, or the
        admin who approved; SELF_REVIEW when that admin is the requester under another name.
    """
    account = promotion.dev_account
    if not account.is_active:
        raise PromotionError("SWITCHED_OFF", f"The dev account {account}.")
    requester = promotion.requester
    if not requester.is_active:
        raise PromotionError("SWITCHED_OFF", "The requester.")
    if not dev_accounts(requester).filter(pk=account.pk).exists():
        raise PromotionError("SWITCHED_OFF", f"The access of the requester to {account}.")
    off = promotion.deployments.outstanding().filter(environment__is_active=False).first()
    if off is not None:
        raise PromotionError("SWITCHED_OFF", f"The environment {off.environment}.")
    approver = promotion.approved_by
    if approver is not None and same_person(approver, requester):
        raise PromotionError("SELF_REVIEW", "The same person requested and approved it.")
    if approver is not None and not may_decide(approver, promotion, at=promotion.approved_at):
        raise PromotionError("SWITCHED_OFF", "The admin who approved it is no longer an admin.")


def is_excluded(user: User, demand: Demand) -> bool:
    """Whether a policy says that the user, under whatever name, neither approves nor rejects."""
    if demand.excluded_groups and user.groups.filter(pk__in=demand.excluded_groups).exists():
        return True
    excluded = User.objects.filter(pk__in=demand.excluded_people) if demand.excluded_people else ()
    return any(same_person(user, person) for person in excluded)


def may_decide(user: User, promotion: PromotionRequest, at: datetime | None = None) -> bool:
    """Whether the user may approve or reject this promotion: an admin or an admin's deputy, but not its requester.

    Nobody may decide in the requester's place either, nor in that of an admin whom a review policy leaves out.

    :param at: the moment at which a deputy decided, if that was earlier.
    """
    if same_person(user, promotion.requester):
        return False
    return is_admin(user) or bool(represented(user, promotion, at))


def represented(user: User, promotion: PromotionRequest, at: datetime | None = None) -> list[User]:
    """The admins in whose place the user may decide; none if the user is an admin."""
    if is_admin(user):
        return []
    demand = promotion.demanded
    return [
        one
        for one in stands_in_for(user, at)
        if not same_person(one, promotion.requester) and not is_excluded(one, demand)
    ]


def may_withdraw(user: User, promotion: PromotionRequest) -> bool:
    return same_person(user, promotion.requester)


def may_retry(user: User) -> bool:
    return is_admin(user)


def may_cancel(user: User) -> bool:
    return is_admin(user)
