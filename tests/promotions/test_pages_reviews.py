"""The admins' queue and the review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    DevAccount,
    Environment,
    Event,
    PackRelease,
    PromotionRequest,
    Reading,
)
from promotions.pages.words import visible
from promotions.plan import contents
from promotions.reading.lines import compare
from promotions.states import Action, Status
from tests.promotions import factories
from tests.promotions.pages import (
    HTMX,
    document,
    fields,
    focused,
    is_fragment,
    links,
    polls,
    reloads,
    signed_in,
    text,
)


@pytest.fixture
def waiting(sales: DevAccount, alice: User) -> PromotionRequest:
    return factories.promotion(factories.mapped_plan(sales, alice), alice)


def decision(promotion: PromotionRequest, **values: Any) -> dict[str, Any]:
    return {"plan_hash": promotion.content_hash, "new_pack_name": "Orders", **values}


def confirmed(client: Client, promotion: PromotionRequest, **values: Any) -> dict[str, Any]:
    """What the page that asks once more would send, after the admin has read it."""
    asked = client.post(reverse("approve", args=[promotion.pk]), decision(promotion, **values))
    names = ("plan_hash", "pack", "new_pack_name", "confirmed_hash")
    return {name: fields(asked, name)[0] for name in names}


# --- review_queue ----------------------------------------------------------------------------


def test_review_queue_is_for_reviewers(client: Client, alice: User) -> None:
    response = signed_in(client, alice).get(reverse("review_queue"))
    assert response.status_code == 403
    assert "The review queue is for admins, and for peers whom a policy asks." in text(response)


def test_review_queue_counts_each_tab(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    factories.promotion(factories.plan(sales, alice), alice, Status.QUEUED)
    factories.promotion(factories.plan(sales, alice), alice, Status.REJECTED)
    factories.promotion(factories.plan(sales, alice), alice, Status.WITHDRAWN)
    url = reverse("review_queue")
    response = signed_in(client, bob).get(url)
    assert [count for _, _, count in response.context["tabs"]] == [1, 1, 1, 2]
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


def test_review_queue_tells_size_risk_and_whom_it_waits_for(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    waiting.plan.components.update(lines_added=1234, lines_removed=5)
    factories.finding(waiting.plan, "SECRET_LEFT_BEHIND", accepted_by=bob, accepted_reason="So.")
    factories.finding(waiting.plan, "LISTENER_STARTS", blocking=False)
    for _ in range(2):
        factories.finding(waiting.plan, "USED_BY_OTHERS", blocking=False)
    shown = text(signed_in(client, bob).get(reverse("review_queue")))
    assert "2 components+2,468 −10" in shown
    assert "1 finding accepted" in shown
    assert "1 listener starts" in shown
    assert "2 components are used by others" in shown
    assert "Still needed: an admin." in shown


def test_review_queue_refreshes_itself_where_something_is_new(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    url = reverse("review_queue")
    page = signed_in(client, bob).get(url, {"tab": "waiting"})
    again = polls(page)
    assert again is not None
    assert "tab=waiting" in again
    assert client.get(again, **HTMX).status_code == 204
    factories.promotion(factories.plan(sales, alice, root_name="Another"), alice)
    fragment = client.get(again, **HTMX)
    assert "Another" in text(fragment)
    assert document(fragment).xpath("//*[@id='queue']/@data-waiting") == ["2"]
    assert reloads(page)


def test_badge_and_title_leave_out_ones_own(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    factories.promotion(factories.plan(sales, bob), bob)
    page = document(signed_in(client, bob).get(reverse("review_queue")))
    assert page.xpath("string(//title)") == "(1) Review queue · Promotion Desk"
    assert page.xpath("string(//*[@id='waiting-badge']/text())") == "1"
    page = document(signed_in(client, alice).get("/"))
    assert page.xpath("string(//title)") == "Home · Promotion Desk"


def test_nobody_is_led_to_a_decision_on_their_own(
    client: Client, bob: User, sales: DevAccount
) -> None:
    own = factories.promotion(factories.plan(sales, bob), bob)
    queue = signed_in(client, bob).get(reverse("review_queue"), {"tab": "waiting"})
    assert reverse("review", args=[own.pk]) not in links(queue)
    assert "See the review" in text(client.get(own.get_absolute_url()))


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
    address = reverse("review", args=[waiting.pk])
    assert f"{address}?component={update.pk}#work" in links(page)
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
    sent = confirmed(signed_in(client, bob), waiting)
    response = client.post(reverse("approve", args=[waiting.pk]), sent)
    assert response["Location"] == waiting.get_absolute_url()
    waiting.refresh_from_db()
    assert waiting.status == Status.APPROVED
    assert (waiting.approved_by, waiting.new_pack_name) == (bob, "Orders")


def test_approve_with_a_pack(client: Client, bob: User, waiting: PromotionRequest) -> None:
    pack = factories.pack()
    sent = confirmed(signed_in(client, bob), waiting, pack=pack.pk, new_pack_name="")
    client.post(reverse("approve", args=[waiting.pk]), sent)
    waiting.refresh_from_db()
    assert waiting.pack == pack
    assert waiting.approved["pack_id"] == pack.pack_id


def test_approve_asks_once_more_and_says_what_it_does(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    pack = factories.pack("Order Management")
    url = reverse("approve", args=[waiting.pk])
    asked = signed_in(client, bob).post(url, decision(waiting, pack=pack.pk, new_pack_name=""))
    shown = text(asked)
    assert "2 components to production: 1 new, 1 updated" in shown
    assert "Release of Order Management" in shown
    assert "Whom a release reaches is not known" in shown
    assert "Deploy to 1 environment: Production EU" in shown
    assert "Ticket 4711." in shown
    waiting.refresh_from_db()
    assert waiting.status == Status.ADMIN_REVIEW
    assert not waiting.approvals.exists()


def test_approve_keeps_the_comment(client: Client, bob: User, waiting: PromotionRequest) -> None:
    sent = confirmed(signed_in(client, bob), waiting) | {"comment": "Seen line by line."}
    client.post(reverse("approve", args=[waiting.pk]), sent)
    assert waiting.approvals.get().comment == "Seen line by line."
    assert "Seen line by line." in text(client.get(waiting.get_absolute_url()))


@pytest.mark.parametrize("changed", ["notes", "package_version", "environment", "finding"])
def test_approve_of_something_else_than_was_confirmed_is_refused(
    client: Client, bob: User, dora: User, waiting: PromotionRequest, changed: str
) -> None:
    sent = confirmed(signed_in(client, bob), waiting)
    if changed == "environment":
        Environment.objects.update(name="Another")
    elif changed == "finding":
        factories.finding(
            waiting.plan, "SECRET_LEFT_BEHIND", accepted_by=dora, accepted_reason="So."
        )
    else:
        PromotionRequest.objects.filter(pk=waiting.pk).update(**{changed: "Slipped in"})
    response = client.post(reverse("approve", args=[waiting.pk]), sent)
    assert "PLAN_STALE" in text(response)
    waiting.refresh_from_db()
    assert waiting.status == Status.ADMIN_REVIEW


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
    assert (
        "Nobody may approve or reject their own promotion, or accept one of its findings."
        in text(response)
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
    later = confirmed(signed_in(client, dora), waiting)
    client.post(url, confirmed(signed_in(client, bob), waiting))
    late = signed_in(client, dora).post(url, later)
    assert late.status_code == 200
    assert "Somebody else has already decided." in text(late)
    assert "Bob approved it" in text(late)
    waiting.refresh_from_db()
    assert waiting.approved_by == bob


# --- differences that are too long for one look -------------------------------------------


@pytest.fixture
def long(sales: DevAccount, alice: User) -> PromotionRequest:
    """It creates a script of 9,000 lines, one of which is very long, with its sting at the very end."""
    plan = factories.mapped_plan(sales, alice)
    lines = [f"line {n}" for n in range(8999)] + ["x" * 5000 + "\u202esting"]
    factories.component(plan, "Long script", "script.processing", Action.CREATE, old=[], new=lines)
    return factories.promotion(plan, alice)


def difference_of(promotion: PromotionRequest, name: str = "Long script") -> str:
    component = promotion.plan.components.get(name=name)
    return reverse("component_difference", args=[promotion.plan.pk, component.pk])


def test_a_long_difference_says_what_the_first_look_leaves_out(
    client: Client, bob: User, long: PromotionRequest
) -> None:
    shown = text(signed_in(client, bob).get(difference_of(long), **HTMX))
    assert "This is not all of it. 5,000 more rows follow." in shown
    assert "line 3999" in shown
    assert "line 4000" not in shown


def test_a_long_line_says_how_much_of_it_is_left_out(
    client: Client, bob: User, sales: DevAccount, alice: User
) -> None:
    plan = factories.plan(sales, alice)
    line = "x" * 5000 + "sting"
    factories.component(plan, "Long script", "script.processing", Action.CREATE, old=[], new=[line])
    promotion = factories.promotion(plan, alice)
    shown = text(signed_in(client, bob).get(difference_of(promotion)))
    assert "1 line is cut short" in shown
    assert "… 3005 more characters" in shown
    assert "sting" not in shown
    assert "sting" in text(client.get(difference_of(promotion), {"part": 1}))


def test_every_line_is_in_one_of_the_parts(
    client: Client, bob: User, long: PromotionRequest
) -> None:
    signed_in(client, bob)
    address: str | None = f"{difference_of(long)}?part=1"
    shown = ""
    while address:
        page = client.get(address)
        shown += text(page)
        following = document(page).xpath("//nav[@class='difference-parts']/a[last()]")
        forward = [a.get("href") for a in following if "Next part" in a.text_content()]
        address = forward[0] if forward else None
    assert all(f"line {number} " in f"{shown} " for number in range(8999))
    assert "<U+202E>sting" in shown


def test_a_part_that_does_not_exist_is_the_nearest_one(
    client: Client, bob: User, long: PromotionRequest
) -> None:
    signed_in(client, bob)
    assert "Part 3 of 3" in text(client.get(difference_of(long), {"part": "99"}))
    assert "Part 1 of 3" in text(client.get(difference_of(long), {"part": "0"}))
    assert "not all of it" in text(client.get(difference_of(long), {"part": "²"}))


def test_unchanged_lines_can_be_shown_too(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    address = difference_of(waiting, "Order import")
    folded = text(signed_in(client, bob).get(address, {"part": 1}))
    whole = text(client.get(address, {"part": "1", "unfolded": ""}))
    hidden = 'name="shape1"'
    assert hidden not in folded
    assert hidden in whole
    assert all(line.strip() in whole for line in factories.OLD_XML[:3] + factories.NEW_XML[14:])


def test_the_whole_difference_can_be_downloaded(
    client: Client, bob: User, long: PromotionRequest
) -> None:
    page = signed_in(client, bob).get(difference_of(long))
    [address] = [link for link in links(page) if link.endswith("/download/")]
    answer = client.get(address)
    assert answer["Content-Disposition"].startswith("attachment")
    lines = answer.content.decode().splitlines()
    assert lines[0] == "+ line 0"
    assert lines[-1] == f"+ {'x' * 5000}<U+202E>sting"
    assert len(lines) == 9000


def test_a_difference_is_not_for_people_without_the_account(
    client: Client, make_user: Any, long: PromotionRequest
) -> None:
    signed_in(client, make_user("mallory", "Contributors"))
    assert client.get(difference_of(long)).status_code == 404
    assert client.get(f"{difference_of(long)}download/").status_code == 404


def test_nobody_approves_a_difference_that_they_have_not_opened(
    client: Client, bob: User, dora: User, long: PromotionRequest
) -> None:
    url = reverse("approve", args=[long.pk])
    signed_in(client, bob)
    assert "Long script, part 1 of 3" in text(client.get(reverse("review", args=[long.pk])))
    refused = client.post(url, decision(long))
    assert "DIFFERENCE_NOT_READ" in text(refused)
    assert not fields(refused, "confirmed_hash")
    for part in (1, 3):
        client.get(difference_of(long), {"part": part})
    assert "Long script, part 2 of 3" in text(client.get(reverse("review", args=[long.pk])))
    with pytest.raises(PromotionError, match="DIFFERENCE_NOT_READ"):
        services.approve(bob, long, plan_hash=long.content_hash, new_pack_name="Orders")
    client.get(difference_of(long), {"part": 2})
    # What Bob has read, Dora has not.
    assert "DIFFERENCE_NOT_READ" in text(signed_in(client, dora).post(url, decision(long)))
    client.post(url, confirmed(signed_in(client, bob), long))
    long.refresh_from_db()
    assert long.approved_by == bob


def test_in_the_database_a_part_that_nobody_has_opened(
    bob: User, dora: User, long: PromotionRequest
) -> None:
    """Rows that are written or given to somebody else with SQL count for nothing, and are in nobody's way."""
    difference = long.plan.components.get(name="Long script").difference
    assert difference is not None
    services.open_parts(dora, difference, range(1, 4))
    assert not services.unread(dora, long)
    Reading.objects.update(person=bob)
    assert [missing.part for missing in services.unread(bob, long)] == [1]
    services.open_parts(bob, difference, range(1, 4))
    assert not services.unread(bob, long)


def test_a_download_counts_as_opened_but_only_of_this_content(
    client: Client, bob: User, long: PromotionRequest
) -> None:
    signed_in(client, bob).get(f"{difference_of(long)}download/")
    assert not services.unread(bob, long)
    other = compare([], [f"another {n}" for n in range(5000)])
    long.results.filter(component__name="Long script").update(
        difference=contents.store(other.to_json()), difference_parts=other.parts_to_open
    )
    assert [missing.part for missing in services.unread(bob, long)] == [1]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\u202eb", "a<U+202E>b"),
        ("a\u2066b\u2069", "a<U+2066>b<U+2069>"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("soft\u00adhyphen", "soft<U+00AD>hyphen"),
        ("next\u0085line\u2028", "next<U+0085>line<U+2028>"),
        ("filler\u3164", "filler<U+3164>"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("Größe 漢字 é 😀 – “x”\t.", "Größe 漢字 é 😀 – “x”\t."),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(written: str, shown: str) -> None:
    assert visible(written) == shown


def test_names_and_notes_cannot_turn_the_page_around(
    client: Client, bob: User, sales: DevAccount, alice: User
) -> None:
    plan = factories.plan(sales, alice, root_name="Order \u202eimport")
    promotion = factories.promotion(plan, alice, notes="Fine \u202etext")
    page = signed_in(client, bob).get(reverse("review", args=[promotion.pk]))
    main = document(page).xpath("//main")[0].text_content()
    assert "Order <U+202E>import" in main
    assert "Fine <U+202E>text" in main
    assert "\u202e" not in main


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
    sent = confirmed(signed_in(client, bob), waiting)
    client.post(reverse("approve", args=[waiting.pk]), sent)
    late = signed_in(client, dora).post(reverse("reject", args=[waiting.pk]), {"reason": "No."})
    assert late.status_code == 200
    assert "Somebody else has already decided." in text(late)
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
