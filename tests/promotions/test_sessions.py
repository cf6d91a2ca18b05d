"""How long a sign-in holds, and that an approval asks for a recent one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from promotions.models import DevAccount, PromotionRequest
from promotions.pages.sessions import BEGAN, PROVED, SEEN
from promotions.states import Status
from tests.conftest import PASSWORD
from tests.promotions import factories
from tests.promotions.pages import HTMX, fields, signed_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales() -> DevAccount:
    return factories.account()


@pytest.fixture
def waiting(sales: DevAccount, alice: User) -> PromotionRequest:
    return factories.promotion(factories.mapped_plan(sales, alice), alice)


def ago(client: Client, minutes: float, *keys: str) -> None:
    """Turn the session's clock back."""
    session = client.session
    for key in keys:
        session[key] = time.time() - minutes * 60
    session.save()


class TestLimits:
    def test_whoever_does_nothing_is_signed_out(self, client: Client, alice: User) -> None:
        signed_in(client, alice)
        ago(client, 59, SEEN)
        assert client.get("/").status_code == 200
        ago(client, 61, SEEN)
        answer = client.get("/", follow=True)
        assert answer.redirect_chain[0][0] == "/accounts/login/?next=/"
        assert "you were inactive for a while" in text(answer)

    def test_activity_keeps_a_session_and_a_page_that_asks_by_itself_does_not(
        self, client: Client, alice: User, waiting: PromotionRequest
    ) -> None:
        signed_in(client, alice)
        ago(client, 50, SEEN)
        before = client.session[SEEN]
        progress = reverse("promotion_progress", args=[waiting.pk])
        client.get(progress, {"seen": "x"}, **HTMX)
        assert client.session[SEEN] == before
        client.get(progress)
        assert client.session[SEEN] > before

    def test_nobody_stays_signed_in_for_ever(
        self, client: Client, alice: User, settings: Any
    ) -> None:
        settings.SESSION_COOKIE_AGE = 3600
        signed_in(client, alice)
        ago(client, 61, BEGAN)
        assert client.get("/").status_code == 302
        assert "_auth_user_id" not in client.session

    def test_a_session_without_times_is_over(self, client: Client, alice: User) -> None:
        signed_in(client, alice)
        session = client.session
        del session[BEGAN]
        session.save()
        assert client.get("/").status_code == 302

    def test_a_fragment_of_an_open_page_leads_the_whole_page_to_the_sign_in(
        self, client: Client, alice: User, waiting: PromotionRequest
    ) -> None:
        signed_in(client, alice)
        ago(client, 61, SEEN)
        answer = client.get(reverse("promotion_progress", args=[waiting.pk]), **HTMX)
        assert answer.headers["HX-Redirect"].startswith("/accounts/login/")


class TestRecentSignIn:
    @pytest.fixture
    def data(self, waiting: PromotionRequest) -> dict[str, Any]:
        return {"plan_hash": waiting.content_hash, "new_pack_name": "Orders & <more>"}

    def test_an_approval_asks_for_the_password_again_and_keeps_what_was_sent(
        self, client: Client, bob: User, waiting: PromotionRequest, data: dict[str, Any]
    ) -> None:
        signed_in(client, bob)
        address = reverse("approve", args=[waiting.pk])
        ago(client, 29, PROVED)
        assert "What your approval does" in text(client.post(address, data))
        ago(client, 31, PROVED)
        asked = client.post(address, data)
        assert "before an approval you confirm who you are" in text(asked)
        assert fields(asked, "new_pack_name") == ["Orders & <more>"]
        refused = client.post(address, data | {"confirm_password": "wrong"})
        assert "That is not your password" in text(refused)
        page = client.post(address, data | {"confirm_password": PASSWORD})
        assert "What your approval does" in text(page)
        client.post(address, data | {"confirmed_hash": page.context["approved"].hash})
        waiting.refresh_from_db()
        assert waiting.status == Status.APPROVED

    def test_the_last_step_asks_too(
        self, client: Client, bob: User, waiting: PromotionRequest, data: dict[str, Any]
    ) -> None:
        signed_in(client, bob)
        address = reverse("approve", args=[waiting.pk])
        page = client.post(address, data)
        ago(client, 31, PROVED)
        client.post(address, data | {"confirmed_hash": page.context["approved"].hash})
        waiting.refresh_from_db()
        assert waiting.status == Status.ADMIN_REVIEW

    def test_a_peer_is_asked_too(
        self, client: Client, alice: User, bob: User, waiting: PromotionRequest
    ) -> None:
        signed_in(client, bob)
        ago(client, 31, PROVED)
        address = reverse("approve_as_peer", args=[waiting.pk])
        assert "Is it you?" in text(client.post(address, {"plan_hash": waiting.content_hash}))

    def test_so_is_who_retries_which_may_approve_something_anew(
        self, client: Client, bob: User, waiting: PromotionRequest
    ) -> None:
        signed_in(client, bob)
        ago(client, 31, PROVED)
        asked = client.post(reverse("retry", args=[waiting.pk]), {"package_version": "9"})
        assert "Is it you?" in text(asked)
        assert fields(asked, "package_version") == ["9"]

    def test_passwords_are_not_tried_without_end(
        self,
        client: Client,
        bob: User,
        waiting: PromotionRequest,
        data: dict[str, Any],
        settings: Any,
    ) -> None:
        settings.AXES_FAILURE_LIMIT = 3
        signed_in(client, bob)
        ago(client, 31, PROVED)
        address = reverse("approve", args=[waiting.pk])
        for _ in range(3):
            client.post(address, data | {"confirm_password": "wrong"})
        last = client.post(address, data | {"confirm_password": PASSWORD})
        assert last.status_code == 429


class TestPassword:
    def test_everybody_changes_their_own(self, client: Client, alice: User) -> None:
        other = Client()
        signed_in(other, alice)
        signed_in(client, alice)
        address = reverse("password_change")
        assert address in client.get(reverse("preferences")).content.decode()
        new = "quiet-harbour-41"
        wrong = {"old_password": "no", "new_password1": new, "new_password2": new}
        assert "Not changed yet" in text(client.post(address, wrong))
        answer = client.post(address, wrong | {"old_password": PASSWORD}, follow=True)
        assert "Your password has been changed" in text(answer)
        alice.refresh_from_db()
        assert alice.check_password(new)
        # Whoever knew the old one is signed out elsewhere.
        assert other.get("/").status_code == 302

    def test_nobody_who_has_none(self, client: Client, alice: User) -> None:
        alice.set_unusable_password()
        alice.save()
        signed_in(client, alice)
        assert client.get(reverse("password_change")).status_code == 403
        page = client.get(reverse("preferences")).content.decode()
        assert reverse("password_change") not in page
