"""Accounts of people whom the identity provider vouches for, and the groups it sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from .. import access
from ..messages import PromotionError
from ..models import Identity
from ..transitions import record_event


def account_of(claims: Mapping[str, Any]) -> User:
    """The account that signs in with these claims, created on the first sign-in; its groups follow the provider.

    :param claims: of a verified ID token, with the groups claim if the provider sends groups.
    :raises PromotionError: ACCOUNT_OFF; ACCOUNT_EXISTS when a new account would take the name of an existing one;
        GROUPS_NOT_TOLD when the provider has left the groups out because there are too many.
    """
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    groups = _groups(claims)
    identity = (
        Identity.objects.select_related("user").filter(issuer=issuer, subject=subject).first()
    )
    if identity is None:
        _check_name_is_free(claims)
    elif not identity.user.is_active:
        record_event("sign_in_refused", subject=f"person {identity.user_id}")
        raise PromotionError("ACCOUNT_OFF", f"{identity.user.get_username()}.")
    with transaction.atomic():
        identity = identity or _first_sign_in(issuer, subject, claims)
        Identity.objects.filter(pk=identity.pk).update(signed_in_at=timezone.now())
        _describe(identity.user, claims)
        _put_into(identity.user, groups)
    return identity.user


def _check_name_is_free(claims: Mapping[str, Any]) -> None:
    """An account is never taken over by name or e-mail, because both can be reassigned to somebody else."""
    name = _username(claims)
    if User.objects.filter(username__iexact=name).exists():
        record_event("sign_in_refused", subject="an identity without an account")
        raise PromotionError("ACCOUNT_EXISTS", f"“{name}”; the subject is {claims['sub']}.")


def _first_sign_in(issuer: str, subject: str, claims: Mapping[str, Any]) -> Identity:
    user = User(username=_username(claims))
    user.set_unusable_password()
    user.save()
    identity = Identity.objects.create(user=user, issuer=issuer, subject=subject)
    record_event("identity_added", actor=user, subject=f"identity {identity.pk}")
    return identity


def _username(claims: Mapping[str, Any]) -> str:
    longest = User._meta.get_field("username").max_length
    wanted = claims.get("preferred_username") or claims.get("email") or claims["sub"]
    return str(wanted).strip()[:longest]


def _describe(user: User, claims: Mapping[str, Any]) -> None:
    """Name and e-mail as the provider has them now; an unverified address is ignored."""
    before = (user.first_name, user.last_name, user.email)
    # Some providers send null for what they do not know.
    claims = {name: value for name, value in claims.items() if value is not None}
    user.first_name = str(claims.get("given_name", user.first_name))[:150]
    user.last_name = str(claims.get("family_name", user.last_name))[:150]
    if claims.get("email_verified", True) not in (False, "false"):
        user.email = str(claims.get("email", user.email))[:254]
    if before != (user.first_name, user.last_name, user.email):
        user.save(update_fields=["first_name", "last_name", "email"])


def groups_claim(claims: Mapping[str, Any]) -> Any:
    """Return the configured claim, found by name or as a path such as ``realm_access.roles``; None if it is missing."""
    name = settings.OIDC_GROUPS_CLAIM
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _groups(claims: Mapping[str, Any]) -> set[str]:
    """The provider's groups, from the configured claim."""
    told = groups_claim(claims)
    if told is None and (
        settings.OIDC_GROUPS_CLAIM in (claims.get("_claim_names") or {}) or claims.get("hasgroups")
    ):
        raise PromotionError("GROUPS_NOT_TOLD")
    told = told or []
    return {told} if isinstance(told, str) else {str(group) for group in _listed(told)}


def _listed(told: Any) -> Iterable[Any]:
    return told if isinstance(told, list) else []


def _put_into(user: User, told: set[str]) -> None:
    """Join the mapped groups that the provider sent, leave the other mapped ones, and keep unmapped ones."""
    mapping: dict[str, str] = settings.OIDC_GROUPS
    wanted = {name for theirs, name in mapping.items() if theirs in told}
    present = set(user.groups.filter(name__in=mapping.values()).values_list("name", flat=True))
    if leaving := present - wanted:
        user.groups.remove(*Group.objects.filter(name__in=leaving))
    if joining := wanted - present:
        user.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in joining))
    is_staff = access.ADMINS in wanted
    if access.ADMINS in mapping.values() and user.is_staff != is_staff and not user.is_superuser:
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])
