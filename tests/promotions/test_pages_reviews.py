"""The admins' queue and the review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions.models import DevAccount, Event, PackRelease, PromotionRequest
from promotions.plan import contents
from promotions.plan.differences import compare
from promotions.states import Action, Status
from tests.promotions import factories
from tests.promotions.pages import (
    HTMX,
    document,
    fields,
    focused,
    is_fragment,
    links,
    signed_in,
    text,
)


@pytest.fixture
def waiting(sales: DevAccount, alice: User) -> PromotionRequest:
    return factories.promotion(factories.plan(sales, alice), alice)


def decision(promotion: PromotionRequest, **values: Any) -> dict[str, Any]:
    return {"plan_hash": promotion.content_hash, "new_pack_name": "Orders", **values}


# --- review_queue ----------------------------------------------------------------------------


def test_review_queue_is_for_admins(client: Client, alice: User) -> None:
    response = signed_in(client, alice).get(reverse("review_queue"))
    assert response.status_code == 403
    assert "The review queue is for admins." in text(response)


def test_review_queue_counts_each_tab(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    factories.promotion(factories.plan(sales, alice), alice, Status.QUEUED)
    factories.promotion(factories.plan(sales, alice), alice, Status.REJECTED)
    factories.promotion(factories.plan(sales, alice), alice, Status.WITHDRAWN)
    url = reverse("review_queue")
    response = signed_in(client, bob).get(url)
    assert [count for _, _, count in response.context["tabs"]] == [1, 1, 2]
    assert reverse("review", args=[waiting.pk]) in links(response)
    assert "Withdrawn" in text(client.get(url, {"tab": "recent"}))
    fragment = client.get(url, {"tab": "progress"}, **HTMX)
    assert is_fragment(fragment)
    assert "Queued" in text(fragment)


def test_review_queue_filters_by_account_and_requester(
    client: Client, alice: User, bob: User, dora: User, waiting: PromotionRequest
) -> None:
    finance = factories.account("Finance Dev")
    other = factories.promotion(factories.plan(finance, dora, root_name="Ledger"), dora)
    url = reverse("review_queue")
    by_account = text(signed_in(client, bob).get(url, {"account": finance.pk}))
    assert "Ledger" in by_account
    assert "Order import" not in by_account
    by_requester = text(client.get(url, {"requester": alice.pk}))
    assert "Order import" in by_requester
    assert "Ledger" not in by_requester
    neither = {"account": waiting.dev_account.pk, "requester": other.requester.pk}
    assert "No match" in text(client.get(url, neither))


def test_review_queue_sorts_the_longest_waiting_first(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    older = factories.promotion(
        factories.plan(sales, alice, root_name="Zebra"),
        alice,
        submitted_at=timezone.now() - timedelta(days=2),
    )
    url = reverse("review_queue")
    signed_in(client, bob)

    def order(**query: str) -> list[PromotionRequest]:
        return list(client.get(url, query).context["page"].object_list)

    assert order() == [older, waiting]
    assert order(sort="-submitted") == [waiting, older]
    assert order(sort="package") == [waiting, older]
    assert order(sort="nonsense") == [older, waiting]
    sorted_by = document(client.get(url)).xpath("//th[@aria-sort='ascending']")
    assert len(sorted_by) == 1


def test_review_queue_has_pages(client: Client, alice: User, bob: User, sales: DevAccount) -> None:
    for number in range(27):
        plan = factories.plan(sales, alice, ready=False, root_name=f"Process {number}")
        factories.promotion(plan, alice)
    shown = text(signed_in(client, bob).get(reverse("review_queue"), {"page": 2}))
    assert "Page 2 of 2" in shown
    assert "Process 26" in shown


def test_review_queue_empty_says_so(client: Client, bob: User) -> None:
    assert "The desk is clear" in text(signed_in(client, bob).get(reverse("review_queue")))


# --- review ----------------------------------------------------------------------------------


def test_review_shows_the_plan_the_note_and_the_differences(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    factories.finding(
        waiting.plan,
        "SECRET_LEFT_BEHIND",
        accepted_by=bob,
        accepted_reason="A sample.",
        can_be_accepted=True,
    )
    page = signed_in(client, bob).get(reverse("review", args=[waiting.pk]))
    assert "Ticket 4711." in text(page)
    assert "Accepted by Bob: A sample." in text(page)
    assert "updates every account that has installed the pack" in text(page)
    update = waiting.plan.components.get(action=Action.UPDATE)
    link = reverse("component_difference", args=[waiting.plan.pk, update.pk])
    assert link in links(page)
    assert fields(page, "plan_hash") == [waiting.content_hash]


def test_review_shows_what_is_on_the_branch(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    update = waiting.plan.components.get(action=Action.UPDATE)
    staged = compare([], ["<staged/>"])
    waiting.results.filter(component=update).update(
        difference=contents.store(staged.to_json()), lines_added=1, lines_removed=77
    )
    shown = text(signed_in(client, bob).get(reverse("review", args=[waiting.pk])))
    assert "−77" in shown
    link = reverse("component_difference", args=[waiting.plan.pk, update.pk])
    difference = text(client.get(link))
    assert "<staged/>" in difference
    assert "as they are on the branch now" in difference


def test_review_suggests_the_pack_of_the_last_release(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    factories.pack("Another pack")
    pack = factories.pack("Order processes")
    root = waiting.plan.components.get(action=Action.UPDATE)
    PackRelease.objects.create(pack=pack, prod_component_id=root.prod_component_id)
    shown = signed_in(client, bob).get(reverse("review", args=[waiting.pk]))
    assert fields(shown, "pack") == [str(pack.pk)]
    assert "this process was last released in Order processes" in text(shown)


def test_review_offers_only_active_production_packs(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    factories.pack("Retired", is_active=False)
    factories.pack("For tests", purpose="test")
    shown = text(signed_in(client, bob).get(reverse("review", args=[waiting.pk])))
    assert "Retired" not in shown
    assert "For tests" not in shown


def test_review_tells_the_requester_why_they_cannot_decide(
    client: Client, bob: User, sales: DevAccount
) -> None:
    own = factories.promotion(factories.plan(sales, bob), bob)
    shown = text(signed_in(client, bob).get(reverse("review", args=[own.pk])))
    assert "You requested this promotion" in shown
    assert "Approve and deploy" not in shown


def test_review_after_the_decision_tells_who_decided(
    client: Client, bob: User, dora: User, waiting: PromotionRequest
) -> None:
    signed_in(client, bob).post(reverse("reject", args=[waiting.pk]), {"reason": "Too early."})
    shown = text(signed_in(client, dora).get(reverse("review", args=[waiting.pk])))
    assert "Bob rejected it" in shown
    assert "Too early." in shown
    assert "Approve and deploy" not in shown


def test_review_is_for_admins(client: Client, alice: User, waiting: PromotionRequest) -> None:
    response = signed_in(client, alice).get(reverse("review", args=[waiting.pk]))
    assert response.status_code == 403


# --- approve ---------------------------------------------------------------------------------


def test_approve_with_a_new_pack(client: Client, bob: User, waiting: PromotionRequest) -> None:
    response = signed_in(client, bob).post(reverse("approve", args=[waiting.pk]), decision(waiting))
    assert response["Location"] == waiting.get_absolute_url()
    waiting.refresh_from_db()
    assert waiting.status == Status.APPROVED
    assert (waiting.approved_by, waiting.new_pack_name) == (bob, "Orders")


def test_approve_with_a_pack(client: Client, bob: User, waiting: PromotionRequest) -> None:
    pack = factories.pack()
    signed_in(client, bob).post(
        reverse("approve", args=[waiting.pk]), decision(waiting, pack=pack.pk, new_pack_name="")
    )
    waiting.refresh_from_db()
    assert waiting.pack == pack


@pytest.mark.parametrize(
    ("with_pack", "name", "said"),
    [
        (True, "Orders", "Choose a pack or name a new one, not both."),
        (False, " ", "Choose a pack above, or name a new one."),
    ],
)
def test_approve_needs_one_pack(
    client: Client, bob: User, waiting: PromotionRequest, with_pack: bool, name: str, said: str
) -> None:
    pack = factories.pack().pk if with_pack else ""
    response = signed_in(client, bob).post(
        reverse("approve", args=[waiting.pk]), decision(waiting, pack=pack, new_pack_name=name)
    )
    assert response.status_code == 200
    assert said in text(response)
    waiting.refresh_from_db()
    assert waiting.status == Status.ADMIN_REVIEW


def test_approve_of_another_plan_than_the_one_shown_is_refused(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    response = signed_in(client, bob).post(
        reverse("approve", args=[waiting.pk]), decision(waiting, plan_hash="0" * 64)
    )
    assert response.status_code == 200
    assert "PLAN_STALE" in text(response)
    waiting.refresh_from_db()
    assert waiting.status == Status.ADMIN_REVIEW


def test_approve_of_ones_own_is_refused_and_leaves_an_event(
    client: Client, bob: User, sales: DevAccount
) -> None:
    own = factories.promotion(factories.plan(sales, bob), bob)
    response = signed_in(client, bob).post(reverse("approve", args=[own.pk]), decision(own))
    assert "Nobody approves or rejects their own promotion, or accepts a finding of it." in text(
        response
    )
    own.refresh_from_db()
    assert own.status == Status.ADMIN_REVIEW
    assert Event.objects.filter(action="self_review_refused", actor=bob).exists()


def test_approve_by_a_contributor_is_refused_and_leaves_an_event(
    client: Client, alice: User, make_user: Any, waiting: PromotionRequest
) -> None:
    mate = make_user("mallory", "Contributors", "Team A")
    response = signed_in(client, mate).post(
        reverse("approve", args=[waiting.pk]), decision(waiting)
    )
    assert response.status_code == 403
    waiting.refresh_from_db()
    assert waiting.status == Status.ADMIN_REVIEW
    assert Event.objects.filter(action="access_refused", actor=mate).exists()


def test_two_admins_at_once_one_wins_and_the_other_sees_what_happened(
    client: Client, bob: User, dora: User, waiting: PromotionRequest
) -> None:
    url = reverse("approve", args=[waiting.pk])
    signed_in(client, bob).post(url, decision(waiting))
    late = signed_in(client, dora).post(url, decision(waiting))
    assert late.status_code == 200
    assert "Somebody else has decided already." in text(late)
    assert "Bob approved it" in text(late)
    waiting.refresh_from_db()
    assert waiting.approved_by == bob


# --- reject ----------------------------------------------------------------------------------


def test_reject_needs_a_reason(client: Client, bob: User, waiting: PromotionRequest) -> None:
    response = signed_in(client, bob).post(reverse("reject", args=[waiting.pk]), {"reason": "  "})
    assert response.status_code == 200
    assert "Say why, in a sentence." in text(response)
    waiting.refresh_from_db()
    assert waiting.status == Status.ADMIN_REVIEW


def test_reject_shows_its_reason_to_the_requester(
    client: Client, alice: User, bob: User, waiting: PromotionRequest
) -> None:
    signed_in(client, bob).post(reverse("reject", args=[waiting.pk]), {"reason": "Wrong filter."})
    shown = text(signed_in(client, alice).get(waiting.get_absolute_url()))
    assert "Rejected" in shown
    assert "Wrong filter." in shown


def test_reject_too_late_shows_what_happened(
    client: Client, bob: User, dora: User, waiting: PromotionRequest
) -> None:
    signed_in(client, bob).post(reverse("approve", args=[waiting.pk]), decision(waiting))
    late = signed_in(client, dora).post(reverse("reject", args=[waiting.pk]), {"reason": "No."})
    assert late.status_code == 200
    assert "Somebody else has decided already." in text(late)
    waiting.refresh_from_db()
    assert waiting.status == Status.APPROVED


def test_review_queue_names_people_and_says_how_many_there_are(
    client: Client, alice: User, bob: User, waiting: PromotionRequest
) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="Alice", last_name="Archer")
    shown = text(signed_in(client, bob).get(reverse("review_queue")))
    assert "Alice Archer" in shown
    assert "1 promotion." in shown


def test_reject_without_a_reason_leads_to_the_field(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    url = reverse("reject", args=[waiting.pk])
    page = signed_in(client, bob).post(url, {"reason": ""})
    assert focused(page) == ["reason"]
    [field] = document(page).xpath("//*[@aria-invalid='true']")
    described_by = [
        document(page).get_element_by_id(i) for i in field.get("aria-describedby").split()
    ]
    assert "Say why, in a sentence." in described_by[-1].text_content()
