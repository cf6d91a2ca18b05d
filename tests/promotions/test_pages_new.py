"""The start page, and the way from a dev account to a plan."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.models import (
    ComponentMapping,
    DevAccount,
    Environment,
    Event,
    PackageListing,
    Plan,
    PromotionRequest,
)
from promotions.plan import contents
from promotions.reading import read
from promotions.reading.lines import compare
from promotions.states import Action, Status
from promotions.worker.lease import LeaseLost, claim
from tests.promotions import factories
from tests.promotions.pages import (
    HTMX,
    document,
    focused,
    is_fragment,
    links,
    polls,
    reloads,
    signed_in,
    text,
)
from tests.reading import samples


@pytest.fixture
def other(db: None) -> DevAccount:
    return factories.account("Finance Dev", group="Team B")


# --- home ------------------------------------------------------------------------------------


def test_home_asks_to_sign_in(client: Client, db: None) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/"


def test_a_fragment_leads_the_whole_page_to_the_sign_in(client: Client, db: None) -> None:
    response = client.get(
        "/plans/1/progress/", **HTMX, HTTP_HX_CURRENT_URL="http://testserver/plans/1/"
    )
    assert response["HX-Redirect"] == "/accounts/login/?next=/plans/1/"


def test_home_without_a_role_says_whom_to_ask(client: Client, make_user: Any) -> None:
    response = signed_in(client, make_user("eve")).get("/")
    assert response.status_code == 403
    assert "have no role here" in text(response)
    assert "Ask an admin" in text(response)


def test_home_shows_own_promotions_and_no_queue(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    factories.promotion(factories.plan(sales, alice), alice)
    shown = text(signed_in(client, alice).get("/"))
    assert "My latest promotions" in shown
    assert "In admin review" in shown
    assert "Review queue" not in shown


def test_home_shows_an_admin_what_to_decide(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    waiting = factories.promotion(factories.plan(sales, alice), alice)
    own = factories.promotion(factories.plan(sales, bob), bob)
    home = signed_in(client, bob).get("/")
    assert reverse("review", args=[waiting.pk]) in links(home)
    assert reverse("review", args=[own.pk]) not in links(home)
    assert "Review queue 1 waiting" in text(home)


# --- new_promotion ---------------------------------------------------------------------------


def test_new_promotion_lists_only_the_accounts_of_the_user(
    client: Client, alice: User, sales: DevAccount, other: DevAccount
) -> None:
    shown = text(signed_in(client, alice).get(reverse("new_promotion")))
    assert "Sales Dev" in shown
    assert "Finance Dev" not in shown


def test_new_promotion_without_an_account_says_whom_to_ask(
    client: Client, charlie: User, sales: DevAccount
) -> None:
    shown = text(signed_in(client, charlie).get(reverse("new_promotion")))
    assert "No dev account is open to you" in shown


# --- choose_package --------------------------------------------------------------------------


def test_choose_package_lists_packages_with_a_form_for_each(
    client: Client, alice: User, sales: DevAccount
) -> None:
    factories.listing(sales)
    first = factories.package(sales)
    factories.package(sales, "Old one", shareable=False)
    page = signed_in(client, alice).get(reverse("choose_package", args=[sales.pk]))
    assert first.package_version in text(page)
    forms = document(page).xpath("//form[.//text()='See the plan']")
    assert [form.fields["package_id"] for form in forms] == [first.package_id]
    ticks = document(page).xpath("//input[@type='checkbox'][@form='together']/@value")
    assert ticks == [first.package_id]
    assert "Not shareable" in text(page)


def test_choose_package_searches_by_name(client: Client, alice: User, sales: DevAccount) -> None:
    factories.listing(sales)
    factories.package(sales, "Order import")
    factories.package(sales, "Invoice export")
    url = reverse("choose_package", args=[sales.pk])
    page = text(signed_in(client, alice).get(url, {"q": "invoice"}))
    assert "Invoice export" in page
    assert "Order import" not in page
    fragment = client.get(url, {"q": "nothing"}, **HTMX)
    assert is_fragment(fragment)
    assert "No match" in text(fragment)


def test_choose_package_has_pages(client: Client, alice: User, sales: DevAccount) -> None:
    factories.listing(sales)
    for number in range(30):
        factories.package(sales, f"Process {number}")
    url = reverse("choose_package", args=[sales.pk])
    assert "Page 1 of 2" in text(signed_in(client, alice).get(url))
    last = text(client.get(url, {"page": 2}))
    assert "Process 29" in last
    assert "Process 3 " not in last


def test_choose_package_of_a_foreign_account_is_refused_and_leaves_an_event(
    client: Client, alice: User, other: DevAccount
) -> None:
    response = signed_in(client, alice).get(reverse("choose_package", args=[other.pk]))
    assert response.status_code == 403
    event = Event.objects.get(action="access_refused")
    assert event.actor == alice
    assert other.account_id in event.subject


def test_choose_package_is_live_only_while_a_worker_reads(
    client: Client, alice: User, sales: DevAccount
) -> None:
    reading = factories.listing(sales, next_attempt_at=timezone.now(), refreshed_at=None)
    url = reverse("choose_package", args=[sales.pk])
    page = signed_in(client, alice).get(url)
    assert polls(page)
    assert reloads(page)
    seen = page.context["seen"]
    assert client.get(url, {"seen": seen}, **HTMX).status_code == 204
    PackageListing.objects.filter(pk=reading.pk).update(
        next_attempt_at=None, refreshed_at=timezone.now()
    )
    done = client.get(url, {"seen": seen}, **HTMX)
    assert done.status_code == 200
    assert not polls(done)


def test_choose_package_tells_why_the_list_could_not_be_read(
    client: Client, alice: User, sales: DevAccount
) -> None:
    factories.listing(sales, error_code="AUTH_FAILED", error="401 from Boomi")
    shown = text(signed_in(client, alice).get(reverse("choose_package", args=[sales.pk])))
    assert "The platform refused the API token." in shown
    assert "401 from Boomi" in shown


# --- refresh_packages ------------------------------------------------------------------------


def test_refresh_packages_asks_a_worker(client: Client, alice: User, sales: DevAccount) -> None:
    url = reverse("refresh_packages", args=[sales.pk])
    response = signed_in(client, alice).post(url)
    assert response["Location"] == reverse("choose_package", args=[sales.pk])
    assert PackageListing.objects.get(dev_account=sales).is_refreshing
    assert is_fragment(client.post(url, **HTMX))


def test_refresh_packages_rejects_get_and_foreign_accounts(
    client: Client, alice: User, sales: DevAccount, other: DevAccount
) -> None:
    signed_in(client, alice)
    assert client.get(reverse("refresh_packages", args=[sales.pk])).status_code == 405
    assert client.post(reverse("refresh_packages", args=[other.pk])).status_code == 403
    assert not PackageListing.objects.filter(dev_account=other).exists()


# --- make_plan -------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["pk", "account_id"])
def test_make_plan_takes_either_key_of_the_account(
    client: Client, alice: User, sales: DevAccount, field: str
) -> None:
    package = factories.package(sales)
    form = {"dev_account": getattr(sales, field), "package_id": package.package_id}
    response = signed_in(client, alice).post(reverse("make_plan"), form)
    plan = Plan.objects.get()
    assert response["Location"] == plan.get_absolute_url()
    assert (plan.requested_by, plan.dev_account) == (alice, sales)


@pytest.mark.parametrize("known", [True, False])
def test_make_plan_refuses_a_foreign_account_and_leaves_an_event(
    client: Client, alice: User, other: DevAccount, known: bool
) -> None:
    account_id = other.account_id if known else "nobody-knows-it"
    response = signed_in(client, alice).post(
        reverse("make_plan"), {"dev_account": account_id, "package_id": "p"}
    )
    assert response.status_code == 403
    assert "You may not do this." in text(response)
    assert not Plan.objects.exists()
    assert account_id in Event.objects.get(action="access_refused").subject


def test_make_plan_without_a_package_says_so(client: Client, alice: User) -> None:
    response = signed_in(client, alice).post(reverse("make_plan"), {}, follow=True)
    assert "Choose a dev account and a package first." in text(response)


# --- plan_detail and plan_progress -----------------------------------------------------------


def test_plan_detail_is_live_until_the_plan_is_made(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(
        sales, alice, ready=False, progress="Reading", progress_done=3, progress_total=9
    )
    page = signed_in(client, alice).get(plan.get_absolute_url())
    assert "3 of 9" in text(page)
    assert reloads(page)
    progress = reverse("plan_progress", args=[plan.pk])
    seen = page.context["seen"]
    assert polls(page) == f"{progress}?seen={seen}"
    assert client.get(progress, {"seen": seen}).status_code == 204
    Plan.objects.filter(pk=plan.pk).update(state="ready", content_hash="f" * 64)
    done = client.get(progress, {"seen": seen})
    assert is_fragment(done)
    assert not polls(done)


def test_a_plan_is_shown_while_what_uses_what_is_still_asked(
    client: Client, alice: User, sales: DevAccount
) -> None:
    factories.environment()
    plan = factories.plan(sales, alice)
    now = timezone.now()
    Plan.objects.filter(pk=plan.pk).update(state="building", readable_at=now, progress_done=1)
    page = signed_in(client, alice).get(plan.get_absolute_url())
    assert "The plan can be read; what uses what is still being checked" in text(page)
    assert "Order to invoice" in text(page)
    submit = reverse("submit_promotion", args=[plan.pk])
    assert submit not in links(page)
    data = {"package_version": "1.0", "environments": [Environment.objects.get().pk]}
    assert client.post(submit, data).status_code == 200
    assert not PromotionRequest.objects.exists()
    # Who reads is disturbed once only, at the end.
    progress, seen = reverse("plan_progress", args=[plan.pk]), {"seen": page.context["seen"]}
    Plan.objects.filter(pk=plan.pk).update(progress_done=2)
    assert client.get(progress, seen).status_code == 204
    Plan.objects.filter(pk=plan.pk).update(state="ready")
    done = client.get(progress, seen)
    assert submit in links(done)
    assert not polls(done)


def test_a_plan_is_cancelled_by_its_owner_only(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice, ready=False, next_attempt_at=timezone.now())
    cancel = reverse("cancel_plan", args=[plan.pk])
    assert cancel not in links(signed_in(client, bob).get(plan.get_absolute_url()))
    assert client.post(cancel).status_code == 403
    assert cancel in links(signed_in(client, alice).get(plan.get_absolute_url()))
    assert client.get(cancel).status_code == 405
    page = client.post(cancel, follow=True)
    assert "This plan was cancelled" in text(page)
    assert not polls(page)
    assert not Plan.objects.due(timezone.now()).exists()
    again = client.post(cancel, follow=True)
    assert "The plan is no longer being made." in text(again)


def test_a_cancelled_plan_is_not_its_worker_s_any_more(alice: User, sales: DevAccount) -> None:
    plan = factories.plan(sales, alice, ready=False, next_attempt_at=timezone.now())
    lease = claim(Plan, plan.pk)
    assert lease is not None
    lease.check()
    services.cancel_plan(alice, plan)
    with pytest.raises(LeaseLost):
        lease.check()
    with pytest.raises(LeaseLost):
        lease.record(state=Plan.State.READY)
    lease.release(unfinished=0)
    plan.refresh_from_db()
    assert plan.is_cancelled
    assert claim(Plan, plan.pk) is None


def test_plan_detail_shows_what_would_change(
    client: Client, alice: User, sales: DevAccount
) -> None:
    factories.environment()
    plan = factories.plan(sales, alice)
    page = signed_in(client, alice).get(plan.get_absolute_url())
    shown = text(page)
    for words in ("Order to invoice", "Create", "Update", "Unchanged", "Mapped connection"):
        assert words in shown
    assert "2 values handled" in shown
    assert reverse("submit_promotion", args=[plan.pk]) in links(page)


def test_plan_detail_of_a_failed_plan_says_what_to_do(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(
        sales, alice, ready=False, state="failed", error_code="TOO_MANY_COMPONENTS", error="201"
    )
    shown = text(signed_in(client, alice).get(plan.get_absolute_url()))
    assert "The package uses more components than a plan may hold." in shown
    assert "Package a smaller process" in shown
    assert "TOO_MANY_COMPONENTS" in shown


def test_plan_detail_names_all_missing_mappings_together(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    code = "MISSING_CONNECTION_MAPPINGS"
    first = factories.finding(plan, code, "Orders database")
    second = factories.finding(plan, code, "Mail")
    shown = text(signed_in(client, alice).get(plan.get_absolute_url()))
    assert "2 connections without a production twin" in shown
    for finding in (first, second):
        assert finding.subject_name in shown
        assert finding.subject_id in shown
    assert "Add mapping" not in shown
    assert "This plan cannot be requested yet" in shown

    page = signed_in(client, bob).get(plan.get_absolute_url())
    prefilled = f"dev_component_id={first.subject_id}&name=Orders+database"
    assert any(prefilled in link for link in links(page))


def test_plan_detail_with_nothing_to_promote_says_so(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    plan.components.filter(action__in=("create", "update")).delete()
    shown = text(signed_in(client, alice).get(plan.get_absolute_url()))
    assert "Nothing to promote" in shown


def test_plan_detail_of_a_foreign_account_is_not_found(
    client: Client, alice: User, bob: User, charlie: User, other: DevAccount
) -> None:
    plan = factories.plan(other, bob)
    for user in (alice, charlie):
        signed_in(client, user)
        assert client.get(plan.get_absolute_url()).status_code == 404
        assert client.get(reverse("plan_progress", args=[plan.pk])).status_code == 404
    assert signed_in(client, bob).get(plan.get_absolute_url()).status_code == 200


# --- submit_promotion ------------------------------------------------------------------------


def test_a_change_in_production_is_shown_three_ways(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    by_hand = compare(["as promoted"], ["hot fix of <friday>"])
    finding = factories.finding(
        plan,
        "CHANGED_IN_PRODUCTION",
        component=plan.components.get(action=Action.UPDATE),
        difference=contents.store(by_hand.to_json()),
        can_be_accepted=True,
    )
    address = reverse("changed_in_production", args=[plan.pk, finding.pk])
    assert address in links(signed_in(client, alice).get(plan.get_absolute_url()))
    shown = text(client.get(address))
    for words in ("As promoted last", "Production now", "After this promotion"):
        assert words in shown
    assert "hot fix of" in shown
    # Of what cannot be read as people of its type see it, the XML is there at once.
    assert document(client.get(address)).xpath("//details[@class='xml-view']/@open")
    other = factories.finding(plan, "DOWNGRADE")
    missing = reverse("changed_in_production", args=[plan.pk, other.pk])
    assert client.get(missing).status_code == 404


def test_a_change_in_production_is_read_before_its_xml(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    promoted, now = samples.changed_map()
    component = factories.read_component(plan, "Order to invoice", now, promoted)
    finding = factories.finding(
        plan,
        "CHANGED_IN_PRODUCTION",
        component=component,
        difference=contents.store(compare(["<a/>"], ["<b/>"]).to_json()),
        reading=contents.store(read(promoted, now, {}).to_json()),
        outcome=contents.store(read(promoted, promoted, {}).to_json()),
    )
    address = reverse("changed_in_production", args=[plan.pk, finding.pk])
    page = signed_in(client, alice).get(address)
    shown = text(page)
    for row in (
        "Mapping Invoice/amount source Order/total Order/gross Order/total Taken back",
        "Mapping Invoice/currency not there there not there Taken back",
    ):
        assert row in shown
    sentences = document(page).xpath("//*[@class='reading-sentence']")
    assert [" ".join(sentence.text_content().split()) for sentence in sentences] == [
        "Gains 1 field (currency); changes 1 field (amount).",
        "Loses 1 field (currency); changes 1 field (amount).",
    ]
    # Both differences are there as XML, closed, each behind its reading.
    assert document(page).xpath("count(//details[contains(@class, 'xml-view')])") == 2
    assert not document(page).xpath("//details[contains(@class, 'xml-view')][@open]")
    ids = document(page).xpath("//@id")
    assert len(ids) == len(set(ids))


def test_submit_promotion_requests_it(client: Client, alice: User, sales: DevAccount) -> None:
    environment = factories.environment()
    plan = factories.mapped_plan(sales, alice)
    response = signed_in(client, alice).post(
        reverse("submit_promotion", args=[plan.pk]),
        {"package_version": "2.0", "notes": "All new.", "environments": [environment.pk]},
    )
    plan.refresh_from_db()
    promotion = plan.promotion
    assert response["Location"] == promotion.get_absolute_url()
    assert (promotion.package_version, promotion.notes) == ("2.0", "All new.")
    assert promotion.status == Status.QUEUED
    assert [each.environment for each in promotion.deployments.all()] == [environment]


def test_submit_promotion_preselects_the_active_production_environments(
    client: Client, alice: User, sales: DevAccount
) -> None:
    chosen = factories.environment("Production EU")
    factories.environment("Old", is_active=False)
    factories.environment("Test", classification="TEST")
    plan = factories.plan(sales, alice)
    shown = signed_in(client, alice).get(plan.get_absolute_url())
    assert shown.context["form"]["environments"].value() == [chosen.pk]
    assert shown.context["form"]["package_version"].value() == plan.package_version
    assert "Old" not in text(shown)


def test_submit_promotion_keeps_what_was_typed_when_something_is_missing(
    client: Client, alice: User, sales: DevAccount
) -> None:
    factories.environment()
    plan = factories.mapped_plan(sales, alice)
    response = signed_in(client, alice).post(
        reverse("submit_promotion", args=[plan.pk]),
        {"package_version": "2.0", "notes": "Kept words"},
    )
    assert response.status_code == 200
    assert "Choose at least one environment." in text(response)
    assert "Kept words" in text(response)


def test_submit_promotion_twice_shows_the_first(
    client: Client, alice: User, sales: DevAccount
) -> None:
    environment = factories.environment()
    plan = factories.mapped_plan(sales, alice)
    form = {"package_version": "2.0", "environments": [environment.pk]}
    url = reverse("submit_promotion", args=[plan.pk])
    first = signed_in(client, alice).post(url, form)
    second = client.post(url, form)
    assert second.status_code == 200
    assert "This plan has already been submitted." in text(second)
    assert first["Location"] in links(second)


def test_submit_promotion_of_a_changed_mapping_is_stale(
    client: Client, alice: User, sales: DevAccount
) -> None:
    environment = factories.environment()
    plan = factories.mapped_plan(sales, alice)
    ComponentMapping.objects.filter(name="Order import").update(prod_component_id="another")
    response = signed_in(client, alice).post(
        reverse("submit_promotion", args=[plan.pk]),
        {"package_version": "2.0", "environments": [environment.pk]},
    )
    assert response.status_code == 200
    assert "PLAN_STALE" in text(response)
    assert "Make a new plan" in text(response)


# --- accept_finding --------------------------------------------------------------------------


def test_accept_finding_needs_a_reason(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    finding = factories.finding(
        plan, "SECRET_LEFT_BEHIND", component=plan.components.last(), can_be_accepted=True
    )
    url = reverse("accept_finding", args=[finding.pk])
    assert "Accept with a reason" in text(signed_in(client, bob).get(plan.get_absolute_url()))
    assert "A reason is required." in text(client.post(url, {"reason": " "}, follow=True))
    client.post(url, {"reason": "A sample, not a key."})
    finding.refresh_from_db()
    assert (finding.accepted_by, finding.accepted_reason) == (bob, "A sample, not a key.")
    assert "Accepted by Bob: A sample, not a key." in text(client.get(plan.get_absolute_url()))


def test_accept_finding_is_for_admins(client: Client, alice: User, sales: DevAccount) -> None:
    plan = factories.plan(sales, alice)
    finding = factories.finding(
        plan, "SECRET_LEFT_BEHIND", component=plan.components.last(), can_be_accepted=True
    )
    assert "Accept with a reason" not in text(signed_in(client, alice).get(plan.get_absolute_url()))
    response = client.post(reverse("accept_finding", args=[finding.pk]), {"reason": "Mine"})
    assert response.status_code == 403
    finding.refresh_from_db()
    assert finding.accepted_by is None


# --- component_difference --------------------------------------------------------------------


def test_component_difference_marks_what_changed_within_a_line(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    component = plan.components.get(action=Action.UPDATE)
    url = reverse("component_difference", args=[plan.pk, component.pk])
    page = signed_in(client, alice).get(url)
    assert "unchanged lines" in text(page)
    assert "Tell <operations> & sales" in text(page)
    # What changed within the line is marked, and not the whole of it.
    for added in document(page).xpath("//ins"):
        line = added.getparent().text_content()
        assert added.text_content() in line
        assert added.text_content() != line
    assert document(page).xpath("//ins")
    assert is_fragment(client.get(url, **HTMX))


def test_component_difference_of_a_new_component_has_one_side(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    component = plan.components.get(action=Action.CREATE)
    url = reverse("component_difference", args=[plan.pk, component.pk])
    headings = document(signed_in(client, alice).get(url)).xpath("//th[@scope='col']")
    assert len(headings) == 2
    assert "Production now" not in {heading.text_content() for heading in headings}


def test_component_difference_is_for_those_who_see_the_plan(
    client: Client, alice: User, bob: User, sales: DevAccount, other: DevAccount
) -> None:
    foreign = factories.plan(other, bob)
    component = foreign.components.get(action=Action.UPDATE)
    own = factories.plan(sales, alice)
    signed_in(client, alice)
    for plan in (foreign, own):
        url = reverse("component_difference", args=[plan.pk, component.pk])
        assert client.get(url).status_code == 404


def test_home_counts_all_that_wait_and_lists_none_twice(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    for _ in range(8):
        factories.promotion(factories.plan(sales, alice), alice)
    page = signed_in(client, bob).get(reverse("home"))
    assert "8 promotions wait for your decision." in text(page)
    assert not page.context["others"]
    assert f"{reverse('review_queue')}?tab=waiting" in links(page)


def test_a_connection_without_a_twin_is_not_called_mapped(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    plan.components.filter(action="connection").update(prod_component_id="", prod_version=None)
    shown = text(signed_in(client, alice).get(plan.get_absolute_url()))
    assert "Connection without twin" in shown
    assert "connection, 1 not mapped" in shown
    assert "Mapped connection" not in shown


def test_submit_promotion_leads_to_the_first_field_at_fault(
    client: Client, alice: User, sales: DevAccount
) -> None:
    plan = factories.mapped_plan(sales, alice)
    url = reverse("submit_promotion", args=[plan.pk])
    page = signed_in(client, alice).post(url, {"package_version": ""})
    assert document(page).findtext(".//title").strip().startswith("Not sent yet: Plan for")
    assert focused(page) == ["package_version"]
    assert "Enter the version that it gets in production." in text(page)


def test_accept_finding_is_not_offered_on_ones_own_plan(
    client: Client, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, bob)
    factories.finding(plan, "SECRET_LEFT_BEHIND", can_be_accepted=True)
    shown = text(signed_in(client, bob).get(plan.get_absolute_url()))
    assert "another admin accepts it" in shown
    assert "Accept this finding" not in shown


def test_listeners_can_be_requested_paused(client: Client, alice: User, sales: DevAccount) -> None:
    plan = factories.mapped_plan(sales, alice)
    environment = factories.environment()
    signed_in(client, alice)
    assert "paused" not in text(client.get(plan.get_absolute_url()))
    factories.finding(plan, "LISTENER_STARTS", blocking=False)
    assert "Deploy listeners paused" in text(client.get(plan.get_absolute_url()))
    sent = {"package_version": "1.0", "environments": environment.pk, "pause_listeners": "on"}
    client.post(reverse("submit_promotion", args=[plan.pk]), sent)
    promotion = plan.promotion
    assert promotion.pause_listeners
    assert "deployed paused" in text(client.get(promotion.get_absolute_url()))
