"""Accounts of people who come from the identity provider: who gets one, who is refused, which groups follow."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from promotions.access import ADMINS
from promotions.messages import PromotionError
from promotions.models import Event, Identity
from promotions.services.identities import account_of

pytestmark = pytest.mark.django_db

ISSUER = "https://login.example.com"


def claims(**changed: Any) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "sub": "00u1",
        "preferred_username": "grace",
        "given_name": "Grace",
        "family_name": "Hopper",
        "email": "grace@example.com",
        "groups": [],
        **changed,
    }


@pytest.fixture(autouse=True)
def mapped_groups(settings: Any) -> None:
    settings.OIDC_GROUPS = {"desk-admins": ADMINS, "desk-finance": "Finance"}
    settings.OIDC_GROUPS_CLAIM = "groups"


def names_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_the_first_sign_in_creates_an_account_without_a_password() -> None:
    user = account_of(claims())
    assert (user.username, user.get_full_name(), user.email) == (
        "grace",
        "Grace Hopper",
        "grace@example.com",
    )
    assert not user.has_usable_password()
    assert Event.objects.get(action="identity_added").actor == user


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ({"preferred_username": None}, "grace@example.com"),
        ({"email": "", "preferred_username": ""}, "00u1"),
    ],
)
def test_the_name_of_an_account_without_a_preferred_one(missing: dict[str, Any], name: str) -> None:
    assert account_of(claims(**missing)).username == name


def test_issuer_and_subject_name_the_account_and_the_rest_follows_the_provider() -> None:
    user = account_of(claims())
    again = account_of(
        claims(preferred_username="ghopper", family_name="Murray", email="gm@example.com")
    )
    assert again == user
    again.refresh_from_db()
    assert (again.username, again.last_name, again.email) == ("grace", "Murray", "gm@example.com")
    other = account_of(claims(iss="https://other.example.com", preferred_username="someone"))
    assert other != user


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_unverified_address_is_ignored(verified: object) -> None:
    user = account_of(claims())
    account_of(claims(email="elsewhere@example.com", email_verified=verified))
    user.refresh_from_db()
    assert user.email == "grace@example.com"


def test_nobody_takes_over_an_account_by_its_name() -> None:
    User.objects.create_user("Grace")
    with pytest.raises(PromotionError) as refused:
        account_of(claims())
    assert refused.value.code == "ACCOUNT_EXISTS"
    assert "00u1" in refused.value.detail
    assert not Identity.objects.exists()
    assert Event.objects.filter(action="sign_in_refused").count() == 1


def test_an_account_that_is_switched_off_is_refused() -> None:
    user = account_of(claims())
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(PromotionError) as refused:
        account_of(claims())
    assert refused.value.code == "ACCOUNT_OFF"
    assert Event.objects.filter(action="sign_in_refused", subject=f"person {user.pk}").exists()


def test_mapped_groups_follow_the_provider_and_others_stay() -> None:
    user = account_of(claims(groups=["desk-finance", "unknown"]))
    user.groups.add(Group.objects.create(name="Chess"))
    assert names_of(user) == {"Finance", "Chess"}
    account_of(claims(groups="desk-admins"))
    assert names_of(user) == {ADMINS, "Chess"}
    account_of(claims(groups=None))
    assert names_of(user) == {"Chess"}


def test_the_group_of_admins_opens_and_closes_the_admin_pages() -> None:
    user = account_of(claims(groups=["desk-admins"]))
    assert user.is_staff
    account_of(claims(groups=[]))
    user.refresh_from_db()
    assert not user.is_staff


def test_a_superuser_keeps_the_admin_pages() -> None:
    user = account_of(claims())
    User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    account_of(claims(groups=[]))
    user.refresh_from_db()
    assert user.is_staff


def test_what_the_provider_does_not_know_is_no_name() -> None:
    """It may send null: an address of that name would be written to."""
    unknown = dict.fromkeys(("given_name", "family_name", "email"))
    user = account_of(claims(**unknown))
    assert (user.get_full_name(), user.email) == ("", "")
    account_of(claims())
    user = account_of(claims(**unknown))
    assert (user.get_full_name(), user.email) == ("Grace Hopper", "grace@example.com")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["desk-finance"]}}),
        ("https://example.com/groups", {"https://example.com/groups": "desk-finance"}),
        ("a.b", {"a.b": ["desk-finance"], "a": {"b": ["desk-admins"]}}),
    ],
)
def test_groups_inside_of_another_claim(name: str, found: dict[str, Any], settings: Any) -> None:
    settings.OIDC_GROUPS_CLAIM = name
    assert names_of(account_of(claims(groups=["desk-admins"], **found))) == {"Finance"}


@pytest.mark.parametrize("found", [{}, {"realm_access": None}, {"realm_access": ["desk-admins"]}])
def test_a_path_that_leads_nowhere_gives_no_group(found: dict[str, Any], settings: Any) -> None:
    settings.OIDC_GROUPS_CLAIM = "realm_access.roles"
    assert not names_of(account_of(claims(**found)))


@pytest.mark.parametrize("told", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}])
def test_groups_that_the_provider_left_out_are_no_empty_list(told: dict[str, Any]) -> None:
    found = claims(**told)
    del found["groups"]
    with pytest.raises(PromotionError) as refused:
        account_of(found)
    assert refused.value.code == "GROUPS_NOT_TOLD"
    assert not User.objects.exists()
