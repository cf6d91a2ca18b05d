"""Single sign-on at a real OpenID provider, its own process: who gets in, as whom, into which groups, who does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from promotions import access
from promotions.models import Event, Identity
from promotions.pages.sessions import PROVED
from promotions.states import Status
from tests import environment
from tests.conftest import PASSWORD
from tests.promotions import factories
from tests.promotions.pages import document, fields, links, signed_in, text
from tests.provider import CLIENT_ID, Provider, provider

pytestmark = [pytest.mark.django_db, pytest.mark.integration]

GROUPS = {"desk-admins": access.ADMINS, "desk-people": access.CONTRIBUTORS, "money": "Finance"}


@pytest.fixture(scope="module")
def _running() -> Iterator[Provider]:
    with provider(environment.FOLDER) as started:
        yield started


@pytest.fixture
def idp(_running: Provider, settings: Any) -> Iterator[Provider]:
    """The provider, and the settings that lead to it."""
    settings.OIDC_ISSUER = _running.url
    settings.OIDC_CLIENT_ID = CLIENT_ID
    settings.OIDC_CLIENT_SECRET = "secret-of-a-test"
    settings.OIDC_GROUPS = GROUPS
    _running.person("s-1", preferred_username="ida", email="ida@example.com", groups=["money"])
    yield _running
    _running.forge(on=False)


def begin(client: Client, query: str = "") -> str:
    """The address at the provider that the browser is led to."""
    answer = client.get(f"/accounts/provider/{query}")
    assert answer.status_code == 302, text(answer)
    return answer["Location"]


def come_back(client: Client, idp: Provider, subject: str, query: str = "", **what: Any) -> Any:
    back = urlsplit(idp.sign_in(begin(client, query), subject, **what))
    return client.get(f"{back.path}?{back.query}")


def refused(answer: Any, code: str, status: int = 403) -> str:
    assert answer.status_code == status
    shown = text(answer)
    assert "You are not signed in" in shown
    assert f"Code {code}" in shown
    assert "_auth_user_id" not in answer.wsgi_request.session
    return shown


def told(what: Iterator[Any] | Any) -> set[str]:
    return {str(each) for each in what}


class TestWhoGetsIn:
    def test_the_first_sign_in_makes_the_account(self, client: Client, idp: Provider) -> None:
        idp.person(
            "s-1",
            preferred_username="ida",
            email="ida@example.com",
            given_name="Ida",
            family_name="Iverson",
            groups=["money", "desk-people", "something else"],
        )
        answer = come_back(client, idp, "s-1", "?next=/promotions/")
        assert answer.status_code == 302
        assert answer["Location"] == "/promotions/"
        user = User.objects.get(username="ida")
        assert (user.get_full_name(), user.email) == ("Ida Iverson", "ida@example.com")
        assert not user.has_usable_password()
        assert told(user.groups.all()) == {"Finance", access.CONTRIBUTORS}
        identity = Identity.objects.get()
        assert (identity.issuer, identity.subject, identity.user) == (idp.url, "s-1", user)
        assert "Ida Iverson" in text(client.get("/"))

    def test_groups_are_those_of_the_latest_sign_in(self, client: Client, idp: Provider) -> None:
        idp.person("s-1", preferred_username="ida", groups=["desk-admins", "money"])
        come_back(client, idp, "s-1")
        user = User.objects.get(username="ida")
        own = Group.objects.create(name="Given here")
        user.groups.add(own)
        assert access.is_admin(user)
        assert user.is_staff
        idp.person("s-1", preferred_username="ida", groups=["desk-people"])
        client.logout()
        come_back(client, idp, "s-1")
        user = User.objects.get(username="ida")
        assert told(user.groups.all()) == {access.CONTRIBUTORS, "Given here"}
        assert not access.is_admin(user)
        assert not user.is_staff
        assert client.get("/setup/").status_code == 403
        # And somebody of whom no group is told any more.
        idp.person("s-1", preferred_username="ida")
        client.logout()
        come_back(client, idp, "s-1")
        assert told(user.groups.all()) == {"Given here"}
        assert "no role here" in text(client.get("/"))

    def test_the_subject_is_who_it_is_whatever_the_name_becomes(
        self, client: Client, idp: Provider
    ) -> None:
        come_back(client, idp, "s-1")
        idp.person("s-1", preferred_username="ida.married", email="ida.married@example.com")
        client.logout()
        come_back(client, idp, "s-1")
        user = User.objects.get()
        assert (user.username, user.email) == ("ida", "ida.married@example.com")

    def test_an_address_that_is_not_verified_is_not_taken(
        self, client: Client, idp: Provider
    ) -> None:
        idp.person("s-1", preferred_username="ida", email="bob@example.com", email_verified=False)
        come_back(client, idp, "s-1")
        assert User.objects.get().email == ""

    def test_an_account_of_before_is_linked_by_an_admin_and_by_nobody_else(
        self, client: Client, idp: Provider, alice: User
    ) -> None:
        idp.person("s-2", preferred_username="Alice", email="alice@example.com")
        shown = refused(come_back(client, idp, "s-2"), "ACCOUNT_EXISTS")
        assert "the subject is s-2" in shown
        Identity.objects.create(user=alice, issuer=idp.url, subject="s-2")
        come_back(client, idp, "s-2")
        assert client.session["_auth_user_id"] == str(alice.pk)

    def test_where_to_go_on_stays_on_this_site(self, client: Client, idp: Provider) -> None:
        answer = come_back(client, idp, "s-1", "?next=https://evil.example.com/")
        assert answer["Location"] == "/"


class TestWhoDoesNot:
    def test_whoever_is_switched_off(self, client: Client, idp: Provider) -> None:
        come_back(client, idp, "s-1")
        User.objects.update(is_active=False)
        client.logout()
        refused(come_back(client, idp, "s-1"), "ACCOUNT_OFF")
        assert Event.objects.filter(action="sign_in_refused").count() == 1

    def test_whoever_the_provider_refuses(self, client: Client, idp: Provider) -> None:
        refused(come_back(client, idp, "s-1", deny=True), "SIGN_IN_DENIED")

    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"aud": "another-application"}, "SIGN_IN_INVALID"),
            ({"aud": ["another-application", "and-one-more"]}, "SIGN_IN_INVALID"),
            ({"iss": "https://evil.example.com"}, "SIGN_IN_INVALID"),
            ({"exp": int(time.time()) - 3600}, "SIGN_IN_INVALID"),
            ({"iat": int(time.time()) + 3600}, "SIGN_IN_INVALID"),
            ({"nonce": "replayed"}, "SIGN_IN_INVALID"),
            ({"auth_time": None}, "SIGN_IN_INVALID"),
            ({"auth_time": "yesterday"}, "SIGN_IN_INVALID"),
            ({"auth_time": int(time.time()) + 3600}, "SIGN_IN_STALE"),
            ({"auth_time": int(time.time()) - 13 * 3600}, "SIGN_IN_STALE"),
            ({"_claim_names": {"groups": "src1"}}, "GROUPS_NOT_TOLD"),
        ],
    )
    def test_a_token_that_is_not_right(
        self, client: Client, idp: Provider, claims: dict[str, Any], code: str
    ) -> None:
        idp.person("s-3", preferred_username="mallory", **claims)
        refused(come_back(client, idp, "s-3"), code)
        assert not User.objects.exists()

    def test_a_token_that_somebody_else_has_signed(self, client: Client, idp: Provider) -> None:
        idp.forge(on=True)
        refused(come_back(client, idp, "s-1"), "SIGN_IN_INVALID")
        assert not User.objects.exists()
        idp.forge(on=False)
        assert come_back(client, idp, "s-1").status_code == 302

    def test_an_answer_that_this_browser_has_not_asked_for(
        self, client: Client, idp: Provider
    ) -> None:
        back = urlsplit(idp.sign_in(begin(client), "s-1"))
        stranger = Client()
        refused(stranger.get(f"{back.path}?{back.query}"), "SIGN_IN_EXPIRED")
        # Nor twice by the one that has.
        assert client.get(f"{back.path}?{back.query}").status_code == 302
        client.logout()
        refused(client.get(f"{back.path}?{back.query}"), "SIGN_IN_EXPIRED")

    def test_a_code_without_its_proof(self, client: Client, idp: Provider) -> None:
        back = urlsplit(idp.sign_in(begin(client), "s-1"))
        session = client.session
        for value in session.values():
            if isinstance(value, dict) and "data" in value:
                value["data"]["code_verifier"] = "x" * 43
        session.save()
        refused(client.get(f"{back.path}?{back.query}"), "SIGN_IN_INVALID")

    def test_while_the_provider_is_away(self, client: Client, idp: Provider, settings: Any) -> None:
        settings.OIDC_ISSUER = "http://127.0.0.1:9"
        refused(client.get("/accounts/provider/"), "PROVIDER_AWAY", 503)

    def test_a_provider_that_calls_itself_otherwise(
        self, client: Client, idp: Provider, settings: Any
    ) -> None:
        settings.OIDC_ISSUER = idp.url.replace("127.0.0.1", "localhost")
        # Its issuer is the host that it is asked by, so another name is another issuer.
        answer = client.get("/accounts/provider/")
        assert answer.status_code == 302
        from promotions.pages import provider as pages

        pages.client().server_metadata["issuer"] = "https://evil.example.com"
        refused(client.get("/accounts/provider/"), "SIGN_IN_INVALID")
        pages._registered.cache_clear()

    def test_nobody_where_no_provider_is_set(self, client: Client, db: None) -> None:
        for path in ("", "callback/", "sign-out/"):
            assert client.get(f"/accounts/provider/{path}").status_code == 404


class TestWhatIsAsked:
    def test_code_flow_with_pkce_state_nonce_and_max_age(
        self, client: Client, idp: Provider, settings: Any
    ) -> None:
        asked = {k: v[0] for k, v in parse_qs(urlsplit(begin(client)).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID
        assert asked["redirect_uri"].endswith("/accounts/provider/callback/")
        assert asked["max_age"] == str(settings.SESSION_COOKIE_AGE)
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 20

    def test_a_recent_sign_in_is_asked_for_before_an_approval(
        self, client: Client, idp: Provider, alice: User, settings: Any
    ) -> None:
        """The whole way round by the provider, with the choice of the pack."""
        promotion = factories.promotion(factories.mapped_plan(factories.account(), alice), alice)
        an_hour_ago = int(time.time()) - 3600
        person = {"preferred_username": "ida", "groups": ["desk-admins"]}
        idp.person("s-1", **person, auth_time=an_hour_ago)
        come_back(client, idp, "s-1")
        # What counts is when she signed in there, not when she came here.
        assert client.session[PROVED] == an_hour_ago
        data = {"plan_hash": promotion.content_hash, "new_pack_name": "Orders & Co"}
        address = f"/queue/{promotion.pk}/approve/"
        asked = client.post(address, data)
        assert "Is it you?" in text(asked)
        assert not fields(asked, "confirm_password")
        (way,) = [link for link in links(asked) if link.startswith("/accounts/provider/?confirm")]
        query = way.removeprefix("/accounts/provider/")
        # The provider that says again that it was an hour ago is not believed.
        answer = come_back(client, idp, "s-1", query)
        assert answer.status_code == 403
        assert "Code SIGN_IN_STALE" in text(answer)
        idp.person("s-1", **person)
        back = come_back(client, idp, "s-1", query)
        review = client.get(back["Location"])
        assert fields(review, "new_pack_name") == ["Orders & Co"]
        page = client.post(address, data)
        client.post(address, data | {"confirmed_hash": page.context["approved"].hash})
        promotion.refresh_from_db()
        assert promotion.status == Status.APPROVED
        assert promotion.approved_by == User.objects.get(username="ida")

    def test_nobody_confirms_as_somebody_else(self, client: Client, idp: Provider) -> None:
        come_back(client, idp, "s-1")
        before = client.session[PROVED]
        idp.person("s-2", preferred_username="otto", groups=["desk-admins"])
        answer = come_back(client, idp, "s-2", "?confirm&next=/")
        assert answer.status_code == 403
        assert "Code SIGN_IN_OTHER" in text(answer)
        assert client.session[PROVED] == before
        assert not User.objects.filter(username="otto").exists()

    def test_the_sign_out_leads_on_to_the_provider(self, client: Client, idp: Provider) -> None:
        come_back(client, idp, "s-1")
        client.post("/accounts/logout/")
        assert "_auth_user_id" not in client.session
        assert "/accounts/provider/sign-out/" in links(client.get("/accounts/login/"))
        answer = client.get("/accounts/provider/sign-out/")
        assert answer["Location"].startswith(f"{idp.url}/oauth2/end_session?")
        assert "post_logout_redirect_uri" in answer["Location"]


class TestLocalAccounts:
    @pytest.fixture
    def off(self, idp: Provider, settings: Any) -> None:
        settings.LOCAL_ACCOUNTS = False
        settings.AUTHENTICATION_BACKENDS = [
            backend
            for backend in settings.AUTHENTICATION_BACKENDS
            if not backend.endswith("ModelBackend")
        ]

    def test_both_ways_stand_on_the_sign_in_page(self, client: Client, idp: Provider) -> None:
        page = client.get("/accounts/login/?next=/promotions/7/")
        assert "/accounts/provider/?next=%2Fpromotions%2F7%2F" in links(page)
        assert fields(page, "password")

    def test_switched_off_no_password_lets_anybody_in(
        self, client: Client, off: None, bob: User
    ) -> None:
        assert not fields(client.get("/accounts/login/"), "password")
        data = {"username": "bob", "password": PASSWORD}
        client.post("/accounts/login/", data)
        assert "_auth_user_id" not in client.session
        answer = client.post("/admin/login/?next=/admin/", data)
        assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2F"
        assert "_auth_user_id" not in client.session

    def test_and_sessions_of_before_are_over(
        self, client: Client, bob: User, request: pytest.FixtureRequest
    ) -> None:
        client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get("/").status_code == 200
        request.getfixturevalue("off")
        assert client.get("/").status_code == 302

    def test_admins_keep_their_admin_pages(self, client: Client, off: None, idp: Provider) -> None:
        from promotions.setup.roles import set_up_roles

        set_up_roles()
        idp.person("s-1", preferred_username="ida", groups=["desk-admins"])
        come_back(client, idp, "s-1")
        assert client.get("/admin/promotions/reviewpolicy/").status_code == 200
        assert client.get("/accounts/password/").status_code == 403


def test_pages_keep_the_strict_policy(client: Client, idp: Provider) -> None:
    for path in ("/accounts/login/", "/accounts/provider/callback/"):
        answer = client.get(path)
        assert "script-src" not in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert not document(answer).xpath("//@style")


def test_force_login_uses_a_backend_that_there_is(
    client: Client, make_user: Callable[..., User]
) -> None:
    signed_in(client, make_user("somebody", access.CONTRIBUTORS))
    assert client.get("/").status_code == 200
