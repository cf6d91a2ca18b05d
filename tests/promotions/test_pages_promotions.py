"""The list of promotions, the page of one, and what may be done there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import access, services, transitions
from promotions.heartbeat import Pulse
from promotions.messages import PromotionError
from promotions.models import (
    DevAccount,
    Event,
    PlannedComponent,
    PrimaryAccount,
    PromotionBranch,
    PromotionRequest,
)
from promotions.pages.status import explain
from promotions.states import Outcome, Status, StepState
from promotions.transitions import record_event
from tests.promotions import factories
from tests.promotions.pages import (
    HTMX,
    document,
    fields,
    is_fragment,
    links,
    polls,
    signed_in,
    text,
)


@pytest.fixture
def other(db: None) -> DevAccount:
    return factories.account("Finance Dev", group="Team B")


def failed_after_merge(sales: DevAccount, alice: User, bob: User) -> PromotionRequest:
    now = timezone.now()
    promotion = factories.promotion(
        factories.plan(sales, alice),
        alice,
        Status.FAILED,
        approved_by=bob,
        approved_at=now,
        merge_started_at=now,
        merged_at=now,
        error_code="PACKAGE_VERSION_EXISTS",
        error="“2.0” is taken.",
        failed_step="create_package",
    )
    factories.step(
        promotion,
        "create_package",
        StepState.FAILED,
        error_code="PACKAGE_VERSION_EXISTS",
        error="“2.0” is taken.",
    )
    return promotion


# --- my_promotions ---------------------------------------------------------------------------


def test_my_promotions_shows_own_ones_and_on_request_everybodys(
    client: Client, alice: User, make_user: Any, sales: DevAccount, other: DevAccount
) -> None:
    mate = make_user("mallory", "Contributors", "Team A", "Team B")
    factories.promotion(factories.plan(sales, alice, root_name="Mine"), alice)
    factories.promotion(factories.plan(sales, mate, root_name="Of a mate"), mate)
    factories.promotion(factories.plan(other, mate, root_name="Hidden"), mate)
    url = reverse("my_promotions")
    mine = text(signed_in(client, alice).get(url))
    assert "Mine" in mine
    assert "Of a mate" not in mine
    everybodys = text(client.get(url, {"show": "all"}))
    assert "Mine" in everybodys
    assert "Of a mate" in everybodys
    assert "Hidden" not in everybodys


def test_my_promotions_searches_and_says_when_nothing_matches(
    client: Client, alice: User, sales: DevAccount
) -> None:
    factories.promotion(factories.plan(sales, alice), alice)
    url = reverse("my_promotions")
    assert "Order import" in text(signed_in(client, alice).get(url, {"q": "order"}))
    assert "No match" in text(client.get(url, {"q": "invoice"}))


def test_my_promotions_empty_says_what_will_be_here(client: Client, alice: User) -> None:
    shown = text(signed_in(client, alice).get(reverse("my_promotions")))
    assert "No promotions yet" in shown


# --- promotion_detail ------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_promotion_detail_explains_every_status(
    client: Client, alice: User, bob: User, sales: DevAccount, status: Status
) -> None:
    plan = factories.plan(sales, alice)
    if status == Status.DEPLOYED:
        promotion = factories.deployed(plan, alice, bob)
    else:
        promotion = factories.promotion(plan, alice, status)
    response = signed_in(client, alice).get(promotion.get_absolute_url())
    explanation = explain(promotion)
    assert response.context["explanation"] == explanation
    assert f"{status.label}." in text(response)
    assert "What happens next" in text(response)
    progress = reverse("promotion_progress", args=[promotion.pk])
    goes_on = status not in (Status.DEPLOYED, *_ended())
    assert (polls(response) or "").startswith(progress) == goes_on


def _ended() -> tuple[Status, ...]:
    return (
        Status.REJECTED,
        Status.WITHDRAWN,
        Status.CANCELLED,
        Status.LAPSED,
        Status.FAILED,
    )


def test_promotion_detail_shows_steps_components_and_history(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    for name in ("Order import", "Order to invoice"):
        record_event("mapping_added", promotion=promotion, subject=name)
    shown = text(signed_in(client, alice).get(promotion.get_absolute_url()))
    assert "Running" in shown
    assert "6.4 s" in shown
    assert "0 of 2 components copied" in shown
    assert "Alice requested the promotion" in shown
    assert "2 components" in shown
    assert f"promo-{promotion.pk}" in shown


def test_promotion_detail_says_what_it_waits_for(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(
        factories.plan(sales, alice),
        alice,
        Status.WAITING,
        hold_kind="slot",
        hold_words="Place 3 in line",
    )
    assert "Place 3 in line" in text(signed_in(client, alice).get(promotion.get_absolute_url()))


def test_promotion_detail_of_a_failure_says_which_component_and_what_to_do(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(
        factories.plan(sales, alice),
        alice,
        Status.FAILED,
        error_code="PROMOTION_FAILED",
        error="Order import",
    )
    component = PlannedComponent.objects.get(plan=promotion.plan, name="Order import")
    promotion.results.filter(component=component).update(
        outcome=Outcome.FAILED, error_code="COMPONENT_LOCKED", error="by erin"
    )
    shown = text(signed_in(client, alice).get(promotion.get_absolute_url()))
    assert "A component could not be written to the branch." in shown
    assert "Nothing reached production." in shown
    assert "A component is open in somebody's editor on the platform. by erin" in shown


def test_promotion_detail_when_deployed_has_a_checklist(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    promotion = factories.deployed(factories.plan(sales, alice), alice, bob)
    shown = text(signed_in(client, alice).get(promotion.get_absolute_url()))
    assert "Left to do" in shown
    assert "Order import: //HttpSettings/AuthSettings/@password" in shown
    assert "Order import: //HttpSettings/@url" not in shown
    assert "v7 → v8" in shown


def test_promotion_detail_of_a_foreign_account_is_not_found(
    client: Client, alice: User, bob: User, other: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(other, bob), bob)
    signed_in(client, alice)
    for name in ("promotion_detail", "promotion_progress"):
        assert client.get(reverse(name, args=[promotion.pk])).status_code == 404
    for name in ("withdraw", "cancel", "retry"):
        assert client.post(reverse(name, args=[promotion.pk])).status_code == 404


def test_times_are_shown_with_their_zone(
    client: Client, alice: User, sales: DevAccount, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    promotion = factories.promotion(
        factories.plan(sales, alice),
        alice,
        submitted_at=datetime(2026, 7, 24, 12, 5, tzinfo=UTC),
    )
    page = document(signed_in(client, alice).get(promotion.get_absolute_url()))
    [moment] = page.xpath("//time[@datetime='2026-07-24T12:05:00+00:00']")[:1]
    assert moment.text_content().startswith("24 Jul 2026, 14:05 CEST")


# --- promotion_progress ----------------------------------------------------------------------


def test_promotion_progress_is_sent_only_when_something_has_changed(
    client: Client, alice: User, sales: DevAccount, django_assert_num_queries: Any
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    page = signed_in(client, alice).get(promotion.get_absolute_url())
    url = reverse("promotion_progress", args=[promotion.pk])
    seen = page.context["seen"]
    with django_assert_num_queries(1):
        assert client.get(url, {"seen": seen}, **HTMX).status_code == 204
    transitions.touch(promotion.pk)
    changed = client.get(url, {"seen": seen}, **HTMX)
    assert changed.status_code == 200
    assert is_fragment(changed)


def test_promotion_progress_asks_for_the_session_of_a_page_that_is_old_or_signed_out(
    client: Client, alice: User, sales: DevAccount, settings: Any
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    seen = signed_in(client, alice).get(promotion.get_absolute_url()).context["seen"]
    url = reverse("promotion_progress", args=[promotion.pk])
    assert client.get(url, {"seen": seen}, **HTMX).status_code == 204
    assert Client().get(url, {"seen": seen}).status_code == 302
    settings.SESSION_IDLE_SECONDS = -1
    assert client.get(url, {"seen": seen}).status_code == 302


@pytest.mark.parametrize("seen", ["", "1.0.0", "1.0.0:forged"])
def test_promotion_progress_tells_nothing_to_who_has_not_seen_the_page(
    client: Client, alice: User, sales: DevAccount, seen: str
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    answer = client.get(reverse("promotion_progress", args=[promotion.pk]), {"seen": seen})
    assert answer.status_code == 302
    assert reverse("login") in answer["Location"]


# --- withdraw --------------------------------------------------------------------------------


def test_withdraw_takes_it_back(client: Client, alice: User, sales: DevAccount) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    assert "Withdraw…" in text(signed_in(client, alice).get(promotion.get_absolute_url()))
    url = reverse("withdraw", args=[promotion.pk])
    response = client.post(url, {"reason": "Not yet."}, follow=True)
    assert "The promotion is withdrawn." in text(response)
    assert "Not yet." in text(response)
    promotion.refresh_from_db()
    assert promotion.status == Status.WITHDRAWN


def test_withdraw_after_the_decision_shows_where_it_stands(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.REJECTED)
    url = reverse("withdraw", args=[promotion.pk])
    page = signed_in(client, alice).post(url)
    assert page.status_code == 200
    assert "The promotion's current status does not allow this." in text(page)
    assert "Its status is now “Rejected”." in text(page)
    fragment = client.post(url, **HTMX)
    assert fragment.status_code == 200
    assert is_fragment(fragment)
    assert "Its status is now “Rejected”." in text(fragment)


def test_withdraw_is_for_the_requester(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    assert "Withdraw…" not in text(signed_in(client, bob).get(promotion.get_absolute_url()))
    assert client.post(reverse("withdraw", args=[promotion.pk])).status_code == 403
    promotion.refresh_from_db()
    assert promotion.status == Status.ADMIN_REVIEW
    assert Event.objects.filter(action="access_refused", actor=bob).exists()


def test_withdraw_rejects_get(client: Client, alice: User, sales: DevAccount) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    signed_in(client, alice)
    for name in ("withdraw", "cancel", "retry", "approve", "reject"):
        assert client.get(reverse(name, args=[promotion.pk])).status_code == 405


# --- cancel ----------------------------------------------------------------------------------


def test_cancel_needs_an_admin_and_a_reason(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    url = reverse("cancel", args=[promotion.pk])
    assert signed_in(client, alice).post(url, {"reason": "Mine"}).status_code == 403
    signed_in(client, bob)
    assert "A reason is required." in text(client.post(url, {"reason": ""}))
    fragment = text(client.post(url, {"reason": "Wrong week."}, **HTMX))
    assert "The promotion is cancelled." in fragment
    assert "Wrong week." in fragment
    promotion.refresh_from_db()
    assert promotion.status == Status.CANCELLED


# --- retry -----------------------------------------------------------------------------------


def test_retry_goes_on_with_another_version(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    promotion = failed_after_merge(sales, alice, bob)
    assert "Retry…" not in text(signed_in(client, alice).get(promotion.get_absolute_url()))
    assert "Retry…" in text(signed_in(client, bob).get(promotion.get_absolute_url()))
    response = client.post(
        reverse("retry", args=[promotion.pk]), {"package_version": "2.1"}, follow=True
    )
    assert "It continues from the step that failed." in text(response)
    promotion.refresh_from_db()
    assert (promotion.status, promotion.package_version) == (Status.DEPLOYING, "2.1")


@pytest.mark.parametrize("what", ["version", "pack", "production"])
def test_retry_is_no_way_around_a_review(
    client: Client, make_user: Any, alice: User, bob: User, sales: DevAccount, what: str
) -> None:
    """Its requester has become an admin, or has a second account that is one."""
    promotion = failed_after_merge(sales, alice, bob)
    twin = make_user("second", access.ADMINS)
    User.objects.filter(pk=twin.pk).update(email=" ALICE@example.com")
    sent = {}
    if what == "version":
        sent = {"package_version": "6.6.6"}
    elif what == "pack":
        sent = {"pack": str(factories.pack().pk)}
    else:
        rows = PromotionRequest.objects.filter(pk=promotion.pk)
        rows.update(error_code="PRODUCTION_CHANGED", error="“Order import” is at version 9.")
    before = PromotionRequest.objects.values().get(pk=promotion.pk)
    answer = signed_in(client, User.objects.get(pk=twin.pk)).post(
        reverse("retry", args=[promotion.pk]), sent
    )
    assert "SELF_REVIEW" in text(answer)
    assert PromotionRequest.objects.values().get(pk=promotion.pk) == before
    assert promotion.approvals.get().person == bob


def test_retry_by_its_requester_is_fine_where_it_changes_nothing(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    promotion = failed_after_merge(sales, alice, bob)
    alice.groups.add(Group.objects.get(name=access.ADMINS))
    signed_in(client, alice).post(reverse("retry", args=[promotion.pk]))
    promotion.refresh_from_db()
    assert promotion.status == Status.DEPLOYING
    assert promotion.approvals.get().person == bob


def test_retry_with_something_else_is_an_approval_and_says_before_and_after(
    client: Client, alice: User, bob: User, dora: User, sales: DevAccount
) -> None:
    promotion = failed_after_merge(sales, alice, bob)
    pack = factories.pack("Order Management")
    signed_in(client, dora).post(
        reverse("retry", args=[promotion.pk]), {"package_version": "2.1", "pack": pack.pk}
    )
    promotion.refresh_from_db()
    old, new = promotion.approvals.all()
    assert (old.person, new.person, promotion.approved_by) == (bob, dora, dora)
    assert old.approved_hash != new.approved_hash == promotion.approved_hash
    note = promotion.events.get(action="retried").note
    assert f"package version {promotion.plan.package_version} → 2.1" in note
    assert "→ Order Management" in note


def test_retry_takes_nothing_back_that_another_account_has_brought_since(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    """Two accounts may promote one process: its id in production tells."""
    promotion = failed_after_merge(sales, alice, bob)
    plan = factories.plan(factories.account("Service Dev"), alice)
    newer = factories.deployed(plan, alice, bob)
    newer.process_id = promotion.process_id
    newer.merged_at = timezone.now()
    newer.save()
    answer = signed_in(client, bob).post(reverse("retry", args=[promotion.pk]))
    assert f"Promotion {newer.pk} has brought a newer version." in text(answer)
    promotion.refresh_from_db()
    assert promotion.status == Status.FAILED


def test_retry_is_for_admins(client: Client, alice: User, bob: User, sales: DevAccount) -> None:
    promotion = failed_after_merge(sales, alice, bob)
    response = signed_in(client, alice).post(reverse("retry", args=[promotion.pk]))
    assert response.status_code == 403
    promotion.refresh_from_db()
    assert promotion.status == Status.FAILED


@pytest.mark.parametrize("status", [Status.WITHDRAWN, Status.REJECTED, Status.FAILED])
def test_a_closed_promotion_leads_to_a_new_plan_of_its_package(
    client: Client, alice: User, sales: DevAccount, status: Status
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, status)
    page = text(signed_in(client, alice).get(promotion.get_absolute_url()))
    assert "Make a new plan of this package" in page
    assert "not deployed yet" not in page
    assert "Make a new plan" in text(client.get(promotion.plan.get_absolute_url()))


def test_a_promotion_that_goes_on_or_is_deployed_offers_no_new_plan(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    waiting = factories.promotion(factories.plan(sales, alice), alice)
    deployed = factories.deployed(factories.plan(sales, alice), alice, bob)
    signed_in(client, alice)
    for promotion in (waiting, deployed):
        assert "Make a new plan" not in text(client.get(promotion.get_absolute_url()))


def test_the_branch_is_deleted_only_when_it_is(alice: User, sales: DevAccount) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.WITHDRAWN)
    assert explain(promotion).now.endswith("the branch is deleted.")
    PromotionBranch.objects.update(deleted_at=None)
    assert explain(promotion).now.endswith("the branch is being deleted.")
    PromotionBranch.objects.all().delete()
    assert "branch" not in explain(promotion).now


def test_the_history_tells_an_errors_code_in_words(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.FAILED)
    record_event("failed", promotion=promotion, note="RELEASE_FAILED: Boomi says no.")
    page = text(signed_in(client, alice).get(promotion.get_absolute_url()))
    assert "The Integration Pack could not be released. Boomi says no." in page
    assert "RELEASE_FAILED" not in page


@pytest.mark.parametrize("pulse", [None, Pulse(None, 3)])
def test_who_waits_in_vain_reads_that_no_worker_is_alive(
    client: Client,
    alice: User,
    sales: DevAccount,
    pulse: Pulse | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("promotions.heartbeat.pulse", lambda: pulse)
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.QUEUED)
    url = promotion.get_absolute_url()
    assert "No worker is alive" not in text(signed_in(client, alice).get(url))
    PromotionRequest.objects.update(updated_at=timezone.now() - timedelta(minutes=1))
    assert "No worker is alive" in text(client.get(url))
    monkeypatch.setattr("promotions.heartbeat.pulse", lambda: Pulse(timezone.now(), 3))
    assert "No worker is alive" not in text(client.get(url))


def test_what_is_sent_after_the_session_ended_leads_back_to_the_form(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    address = f"http://testserver{promotion.get_absolute_url()}"
    withdraw = reverse("withdraw", args=[promotion.pk])
    response = client.post(withdraw, headers={"referer": address})
    assert response["Location"].endswith(f"next={quote(address)}")
    assert "nothing was done" in text(client.get(response["Location"]))
    elsewhere = client.post(withdraw, headers={"referer": "https://elsewhere.example/"})
    assert elsewhere["Location"].endswith("next=/")


def test_the_address_of_a_form_tells_that_it_is_no_page(
    client: Client, alice: User, sales: DevAccount
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    response = signed_in(client, alice).get(reverse("withdraw", args=[promotion.pk]))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "Nothing to see here" in text(response)


def test_retry_offers_another_version_only_before_the_package_is_made(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    promotion = failed_after_merge(sales, alice, bob)
    page = signed_in(client, bob).get(promotion.get_absolute_url())
    assert fields(page, "package_version")
    assert "Everybody's promotions" in text(page)
    PromotionRequest.objects.update(prod_package_id="made")
    page = client.get(promotion.get_absolute_url())
    assert not fields(page, "package_version")
    assert "Retry from this step" in text(page)


class TestThePlatformIsAway:
    @pytest.fixture
    def away(self, db: None) -> PrimaryAccount:
        account = PrimaryAccount.current()
        PrimaryAccount.objects.filter(pk=account.pk).update(
            hold_kind="platform",
            hold_since=timezone.now() - timedelta(minutes=7),
            hold_tries=4,
            hold_code="AUTH_FAILED",
            hold_words="Boomi says: the token is revoked.",
            next_attempt_at=timezone.now() + timedelta(hours=1),
        )
        return account

    @pytest.mark.parametrize("page", ["home", "review_queue", "my_promotions", "setup"])
    def test_it_is_said_once_for_all(
        self, client: Client, bob: User, away: PrimaryAccount, page: str
    ) -> None:
        client.force_login(bob)
        shown = client.get(reverse(page)).content.decode()
        assert shown.count("The platform refuses the API token") == 1
        assert "the token is revoked" in shown
        assert "Try again now" in shown

    def test_an_admin_has_it_asked_again(
        self, client: Client, bob: User, away: PrimaryAccount
    ) -> None:
        client.force_login(bob)
        client.post(reverse("ask_platform"))
        away.refresh_from_db()
        assert away.next_attempt_at
        assert away.next_attempt_at <= timezone.now()

    def test_nobody_else_does(self, client: Client, alice: User, away: PrimaryAccount) -> None:
        client.force_login(alice)
        assert "Try again now" not in client.get(reverse("home")).content.decode()
        assert client.post(reverse("ask_platform")).status_code == 403
        away.refresh_from_db()
        assert away.next_attempt_at
        assert away.next_attempt_at > timezone.now()


def test_a_failed_promotion_is_requested_again(client: Client, alice: User, bob: User) -> None:
    sales = factories.account()
    failed = factories.promotion(factories.plan(sales, alice), alice, Status.FAILED)
    client.force_login(alice)
    page = client.get(failed.get_absolute_url()).content.decode()
    assert reverse("resubmit", args=[failed.pk]) in page
    answer = client.post(reverse("resubmit", args=[failed.pk]))
    plan = failed.resubmissions.get()
    assert answer.url == plan.get_absolute_url()  # type: ignore[attr-defined]
    assert (plan.package_id, plan.submits_itself) == (failed.plan.package_id, True)
    merged = factories.deployed(factories.plan(sales, alice), alice, bob)
    assert reverse("resubmit", args=[merged.pk]) not in (
        client.get(merged.get_absolute_url()).content.decode()
    )


# --- The way, the decision among it ----------------------------------------------------------


def way(response: Any) -> list[str]:
    found = document(response).xpath("//ol[contains(@class, 'phases')]/li")
    return [" ".join(phase.xpath("string(.//*[@class='step-label'])").split()) for phase in found]


def test_the_decision_of_people_stands_where_it_is_taken(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    waiting = factories.promotion(factories.plan(sales, alice), alice)
    page = signed_in(client, alice).get(waiting.get_absolute_url())
    assert way(page) == [
        "Copy to a branch",
        "Decision",
        "Merge into main",
        "Package and release",
        "Deploy",
    ]
    assert "Still needed: an admin." in text(page)
    # Who reads it sees the phases; the steps of those at work alone.
    assert not document(page).xpath("//ol[contains(@class, 'phases')]/li//details[@open]")
    later = factories.promotion(factories.plan(sales, alice), alice, stage="after_approval")
    assert way(client.get(later.get_absolute_url()))[:2] == ["Decision", "Copy to a branch"]
    services.reject(bob, waiting, reason="Not now.")
    [decision] = document(client.get(waiting.get_absolute_url())).xpath(
        "//li[contains(@class, 'step-people')]"
    )
    assert "Not given Bob rejected it" in " ".join(decision.text_content().split())


def test_a_phase_at_work_is_open_and_a_withdrawn_promotion_has_no_decision(
    client: Client, alice: User, sales: DevAccount
) -> None:
    staging = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    page = signed_in(client, alice).get(staging.get_absolute_url())
    opened = document(page).xpath("//ol[contains(@class, 'phases')]/li//details[@open]/@id")
    assert opened == ["phase-copy-to-a-branch"]
    services.withdraw(alice, staging)
    assert "Decision" not in way(client.get(staging.get_absolute_url()))


# --- What is left for people -----------------------------------------------------------------


def test_the_list_after_a_deployment_is_ticked_by_name_and_closes(
    client: Client, alice: User, bob: User, charlie: User, sales: DevAccount
) -> None:
    promotion = factories.deployed(factories.plan(sales, alice), alice, bob)
    url = reverse("tick_task", args=[promotion.pk])
    page = signed_in(client, alice).get(promotion.get_absolute_url())
    assert "4 of 4 to be done after this deployment" in text(page)
    tasks = fields(page, "task")
    for task in tasks:
        answer = client.post(url, {"task": task, "done": "yes"})
        assert answer["Location"] == f"{promotion.get_absolute_url()}#checklist"
    page = client.get(answer["Location"].partition("#")[0])
    *_, told = document(page).xpath("//*[@id='checklist']//*[@role='status']")
    assert "Ticked off." in told.text_content()
    assert "everything is done" in text(page)
    [closed] = document(page).xpath("//details[@id='tasks-done']")
    assert closed.get("open") is None
    assert closed.text_content().count("Alice") == 4
    fragment = client.post(url, {"task": tasks[0], "done": "no"}, **HTMX)
    assert is_fragment(fragment)
    assert "1 of 4 to be done after this deployment" in text(fragment)
    done = promotion.events.filter(action__startswith="task_").values_list("action", "subject")
    assert len(done) == 5
    assert done.last() == ("task_reopened", "Fill in the values that did not travel")
    assert "INVALID_TRANSITION" in text(client.post(url, {"task": "nonsense", "done": "yes"}))
    assert signed_in(client, charlie).post(url, {"task": tasks[0]}).status_code == 404
    with pytest.raises(PromotionError, match="FORBIDDEN"):
        services.tick(charlie, promotion, tasks[0], done=True)


# --- Lists -----------------------------------------------------------------------------------


def test_my_promotions_are_filtered_by_status_and_time(
    client: Client, alice: User, sales: DevAccount
) -> None:
    for status in (Status.QUEUED, Status.STAGING, Status.ADMIN_REVIEW, Status.REJECTED):
        factories.promotion(
            factories.plan(sales, alice, root_name=f"It is {status}"), alice, status
        )
    PromotionRequest.objects.filter(status=Status.QUEUED).update(
        updated_at=timezone.now() - timedelta(days=40)
    )
    signed_in(client, alice)

    def names(**asked: str) -> set[str]:
        page = client.get(reverse("my_promotions"), asked)
        return {row.plan.root_name for row in page.context["page"].object_list}

    assert names(status="rejected") == {"It is rejected"}
    assert names(status="in_progress") == {"It is queued", "It is staging"}
    assert names(status="in_progress", days="30") == {"It is staging"}
    assert len(names(status="nonsense")) == 4
    page = client.get(reverse("my_promotions"), {"status": "failed"})
    assert "No promotion here fits the filters." in text(page)


def test_the_tiles_lead_to_what_they_count(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    for status in (Status.QUEUED, Status.STAGING, Status.ADMIN_REVIEW, Status.FAILED):
        factories.promotion(factories.plan(sales, alice), alice, status)
    factories.deployed(factories.plan(sales, alice), alice, bob)
    for user in (alice, bob):
        home = signed_in(client, user).get("/")
        assert [tile.count for tile in home.context["tiles"]] == [1, 2, 1, 1]
        for tile in home.context["tiles"]:
            assert client.get(tile.address).context["page"].paginator.count == tile.count


# --- promotion_calls -------------------------------------------------------------------------


def test_promotion_calls_lists_the_calls_of_a_promotion(
    client: Client, alice: User, sales: DevAccount, other: DevAccount, make_user: Any
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    address = reverse("promotion_calls", args=[promotion.pk])
    assert address in links(signed_in(client, alice).get(promotion.get_absolute_url()))
    shown = text(client.get(address))
    for told in ("10 Create Branch", "POST Branch", "200", "312 ms"):
        assert told in shown
    promotion.api_calls.all().delete()
    assert "No calls" in text(client.get(address))
    stranger = make_user("eve", access.CONTRIBUTORS)
    assert signed_in(client, stranger).get(address).status_code == 404
