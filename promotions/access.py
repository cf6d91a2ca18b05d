"""Who may see, submit, review, approve, retry.

Roles are Django groups, so that single sign-on can fill them. Every function here is asked on the server where the
state changes; pages only use them to decide what to offer.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from .messages import PromotionError
from .models import DevAccount, Plan, PromotionRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

CONTRIBUTORS = "Contributors"
ADMINS = "Admins"


def is_admin(user: User | AnonymousUser) -> bool:
    """Whether the user may decide on promotions and sees every account."""
    return user.is_active and (user.is_superuser or user.groups.filter(name=ADMINS).exists())


def is_contributor(user: User | AnonymousUser) -> bool:
    return user.is_active and user.groups.filter(name=CONTRIBUTORS).exists()


def may_enter(user: User | AnonymousUser) -> bool:
    """Whether the user has any role here."""
    return is_admin(user) or is_contributor(user)


def dev_accounts(user: User | AnonymousUser) -> QuerySet[DevAccount]:
    """The active dev accounts that the user may promote from."""
    accounts = DevAccount.objects.filter(is_active=True)
    if is_admin(user):
        return accounts
    if not is_contributor(user):
        return accounts.none()
    return accounts.filter(access__is_active=True, access__group__in=user.groups.all()).distinct()


def promotions(user: User | AnonymousUser) -> QuerySet[PromotionRequest]:
    """The promotions that the user may see: those of their accounts, their own, or all for an admin."""
    if is_admin(user):
        return PromotionRequest.objects.all()
    if not is_contributor(user):
        return PromotionRequest.objects.none()
    return PromotionRequest.objects.filter(
        Q(requester=user) | Q(dev_account__in=dev_accounts(user))
    ).distinct()


def plans(user: User | AnonymousUser) -> QuerySet[Plan]:
    """The plans that the user may see: of their accounts, and of the promotions that they see."""
    if is_admin(user):
        return Plan.objects.all()
    return Plan.objects.filter(
        Q(dev_account__in=dev_accounts(user)) | Q(promotion__in=promotions(user))
    ).distinct()


def same_person(one: User, other: User) -> bool:
    """Whether two user records are one person: the same row, or a name or e-mail in common.

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

    :raises PromotionError: SWITCHED_OFF, with what or who it is: the requester, their access, the dev account, an
        environment, or the admin who approved; SELF_REVIEW when that is the requester under another name.
    """
    account = promotion.dev_account
    if not account.is_active:
        raise PromotionError("SWITCHED_OFF", f"The dev account {account}.")
    requester = promotion.requester
    if not requester.is_active:
        raise PromotionError("SWITCHED_OFF", f"The requester, {requester}.")
    if not dev_accounts(requester).filter(pk=account.pk).exists():
        raise PromotionError("SWITCHED_OFF", f"The access of {requester} to {account}.")
    off = promotion.deployments.outstanding().filter(environment__is_active=False).first()
    if off is not None:
        raise PromotionError("SWITCHED_OFF", f"The environment {off.environment}.")
    approver = promotion.approved_by
    if approver is not None and same_person(approver, requester):
        raise PromotionError("SELF_REVIEW", f"{approver} and {requester} are one person.")
    if approver is not None and not is_admin(approver):
        raise PromotionError("SWITCHED_OFF", f"{approver}, who approved it, is no admin any more.")


def may_decide(user: User, promotion: PromotionRequest) -> bool:
    """Whether the user may approve or reject this promotion: an admin, and not its requester."""
    return is_admin(user) and not same_person(user, promotion.requester)


def may_withdraw(user: User, promotion: PromotionRequest) -> bool:
    return same_person(user, promotion.requester)


def may_retry(user: User) -> bool:
    return is_admin(user)


def may_cancel(user: User) -> bool:
    return is_admin(user)
