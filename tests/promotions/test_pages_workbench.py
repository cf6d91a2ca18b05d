"""A plan to work through: the list beside one difference, marks of what was viewed, comments."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.messages import PromotionError
from promotions.models import Comment, DevAccount, Event, Plan, PromotionRequest, Viewed
from promotions.plan import contents
from promotions.reading import read
from promotions.reading.lines import compare
from promotions.states import Action, Status
from tests.promotions import factories
from tests.promotions.pages import HTMX, document, is_fragment, links, signed_in, text
from tests.reading import samples

IN_WORK: Any = HTMX | {"HTTP_HX_TARGET": "work"}


@pytest.fixture
def waiting(sales: DevAccount, alice: User) -> PromotionRequest:
    return factories.promotion(factories.mapped_plan(sales, alice), alice)


def review(promotion: PromotionRequest) -> str:
    return reverse("review", args=[promotion.pk])


def picked(response: Any) -> str:
    [name] = document(response).xpath("//*[@id='work-name']")
    return str(name.text_content())


def listed(response: Any) -> list[str]:
    names = document(response).xpath("//*[@class='work-row-name']")
    return [name.text_content() for name in names]


def mark(client: Client, promotion: PromotionRequest, name: str) -> Any:
    """Press the button of the component's page, as it is there."""
    component = promotion.plan.components.get(name=name)
    page = document(client.get(review(promotion), {"component": component.pk}))
    [form] = page.xpath("//form[contains(@class, 'work-mark')]")
    sent = {field.name: field.value for field in form.xpath(".//input[@name]")}
    return client.post(form.get("action"), sent)


def say(client: Client, promotion: PromotionRequest, said: str, **more: Any) -> Any:
    return client.post(reverse("comment", args=[promotion.pk]), {"text": said, **more})


# --- The list and what is open ---------------------------------------------------------------


def test_one_difference_at_a_time_from_the_first_that_was_not_seen(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    page = signed_in(client, bob).get(review(waiting))
    assert listed(page) == ["Order to invoice", "Order import", "Order connection", "Order profile"]
    assert picked(page) == "Order to invoice"
    assert len(document(page).xpath("//table[contains(@class, 'difference')]")) == 1
    assert "0 of 2 viewed by you" in text(page)
    part = client.get(review(waiting), **IN_WORK)
    assert is_fragment(part)
    assert picked(part) == "Order to invoice"


def test_a_large_plan_is_no_taller_than_a_small_one(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    for number in range(186):
        factories.component(plan, f"Map {number}", "transform.map", Action.CREATE, old=[])
    promotion = factories.promotion(plan, alice)
    for page in (
        signed_in(client, bob).get(review(promotion)),
        client.get(plan.get_absolute_url()),
    ):
        assert len(listed(page)) == 190
        assert len(document(page).xpath("//table[contains(@class, 'difference')]")) == 1
    assert is_fragment(client.get(plan.get_absolute_url(), **IN_WORK))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"action": "create"}, ["Order to invoice"]),
        ({"type": "process"}, ["Order import"]),
        ({"q": "PROF"}, ["Order profile"]),
        ({"action": "create", "type": "process"}, []),
        ({"action": "nonsense"}, None),
    ],
)
def test_the_list_is_filtered(
    client: Client,
    bob: User,
    waiting: PromotionRequest,
    asked: dict[str, str],
    names: list[str] | None,
) -> None:
    page = signed_in(client, bob).get(review(waiting), asked)
    assert listed(page) == (names if names is not None else listed(client.get(review(waiting))))
    if names == []:
        assert "No component matches the filters." in text(page)


def test_links_lead_from_one_to_the_next_within_the_filters(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    first = waiting.plan.components.get(name="Order to invoice")
    asked: dict[str, Any] = {"component": first.pk, "q": "order"}
    page = signed_in(client, bob).get(review(waiting), asked)
    [after] = document(page).xpath("//*[@rel='next']/@href")
    assert not document(page).xpath("//*[@rel='prev']")
    following = client.get(after.partition("#")[0])
    assert picked(following) == "Order import"
    assert "q=order" in after


def test_everything_is_opened_and_unfolded_by_links(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    promotion = factories.promotion(plan, alice)
    component = plan.components.get(name="Order import")
    page = signed_in(client, bob).get(review(promotion), {"component": component.pk})
    assert "unchanged lines" in text(page)
    assert 'name="shape1"' not in text(page)
    [unfold] = document(page).xpath("//a[text()='Unfold unchanged lines']/@href")
    assert 'name="shape1"' in text(client.get(unfold.partition("#")[0]))


# --- Marks of what was viewed ----------------------------------------------------------------


def test_viewed_goes_on_to_the_next_and_is_kept_for_the_reviewer(
    client: Client, bob: User, dora: User, waiting: PromotionRequest
) -> None:
    answer = mark(signed_in(client, bob), waiting, "Order to invoice")
    following = client.get(answer["Location"].partition("#")[0])
    assert picked(following) == "Order import"
    assert "1 of 2 viewed by you" in text(following)
    assert listed(client.get(review(waiting), {"unseen": "on"})) == ["Order import"]
    assert "0 of 2 viewed by you" in text(signed_in(client, dora).get(review(waiting)))


def test_a_mark_is_taken_back(client: Client, bob: User, waiting: PromotionRequest) -> None:
    mark(signed_in(client, bob), waiting, "Order import")
    mark(client, waiting, "Order import")
    assert not Viewed.objects.exists()


def test_a_mark_survives_resubmission_for_equal_content_alone(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    mark(signed_in(client, bob), waiting, "Order import")
    mark(client, waiting, "Order to invoice")
    again = factories.plan(sales, alice)
    for name in ("Order import", "Order to invoice"):
        before = waiting.plan.components.get(name=name)
        again.components.filter(name=name).update(
            dev_component_id=before.dev_component_id, target_folder=before.target_folder
        )
    promotion = factories.promotion(again, alice)
    assert "2 of 2 viewed by you" in text(client.get(review(promotion)))
    # Another value of production's own is kept: there is something else to see.
    again.components.filter(name="Order import").update(places=[])
    again.components.filter(name="Order to invoice").update(digest=factories.digest_of(b"<other/>"))
    assert "0 of 2 viewed by you" in text(client.get(review(promotion)))


def test_a_mark_holds_when_the_branch_gives_other_ids(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    mark(signed_in(client, bob), waiting, "Order import")
    component = waiting.plan.components.get(name="Order import")
    staged = compare([], ["<staged/>"])
    waiting.results.filter(component=component).update(
        difference=contents.store(staged.to_json()), lines_added=1
    )
    assert "1 of 2 viewed by you" in text(client.get(review(waiting)))


def test_what_is_read_is_what_the_branch_holds(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.plan(sales, alice)
    component = factories.read_component(plan, "Import", *samples.changed_process())
    promotion = factories.promotion(plan, alice)
    staged = read(*samples.changed_map(), {})
    promotion.results.filter(component=component).update(
        reading=contents.store(staged.to_json()), sentence=staged.sentence
    )
    page = signed_in(client, bob).get(review(promotion), {"component": component.pk})
    [pane] = document(page).xpath("//*[@class='work-difference']")
    assert "Order/gross → Invoice/amount" in " ".join(pane.text_content().split())
    assert staged.sentence in text(page)
    assert component.sentence not in text(page)


def test_a_mark_for_what_is_not_shown_any_more_is_refused(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    component = waiting.plan.components.get(name="Order import")
    sent = {"digest": "0" * 64, "viewed": "yes", "at": "work", "next": review(waiting)}
    url = reverse("mark_viewed", args=[component.pk])
    page = signed_in(client, bob).post(url, sent, follow=True)
    [told] = document(page).xpath("//*[@id='work']//*[@role='alert']")
    assert "The page showed an earlier change." in told.text_content()
    assert not Viewed.objects.exists()


def test_nobody_marks_what_they_do_not_see(
    client: Client, make_user: Any, waiting: PromotionRequest
) -> None:
    other = make_user("olga", "Contributors")
    component = waiting.plan.components.get(name="Order import")
    url = reverse("mark_viewed", args=[component.pk])
    assert signed_in(client, other).post(url, {"digest": "x"}).status_code == 404
    with pytest.raises(PromotionError, match="FORBIDDEN"):
        services.mark_viewed(other, component, "x", viewed=True)


# --- Comments --------------------------------------------------------------------------------


def test_a_comment_on_a_line_is_shown_at_it_and_answered_by_the_requester(
    client: Client, alice: User, bob: User, waiting: PromotionRequest
) -> None:
    component = waiting.plan.components.get(name="Order import")
    back = f"{review(waiting)}?component={component.pk}"
    about = {"component": component.pk, "place": "after", "line": 15, "next": back, "at": "work"}
    page = say(signed_in(client, bob), waiting, "Why <b>open</b> only?", **about)
    assert page["Location"] == back
    page = client.get(back)
    made = Comment.objects.get()
    assert "Your comment has been added." in text(page)
    assert "Why <b>open</b> only?" in text(page)
    assert "<b>open" not in page.content.decode()
    [line] = document(page).xpath(f"//*[@id='line-{component.pk}-after-15']//a/@href")
    assert line == f"#thread-{made.pk}"
    assert "1 comment" in text(page)
    answer = say(signed_in(client, alice), waiting, "The others are closed.", parent=made.pk)
    assert answer["Location"] == waiting.get_absolute_url()
    shown = text(client.get(waiting.get_absolute_url()))
    assert "on “Order import”, line after 15" in shown
    assert "The others are closed." in shown
    assert made.answers.get().component == component
    own = reverse("component_difference", args=[waiting.plan.pk, component.pk])
    assert "The others are closed." in text(client.get(own))
    said = Event.objects.filter(action="commented").values_list("actor__username", "note")
    assert list(said) == [("bob", "Why <b>open</b> only?"), ("alice", "The others are closed.")]


def test_a_comment_on_the_whole_promotion(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    say(signed_in(client, bob), waiting, "Wait for the stocktaking.", at="talk")
    page = client.get(waiting.get_absolute_url())
    [told] = document(page).xpath("//*[@id='conversation']//*[@role='status']")
    assert "Your comment has been added." in told.text_content()
    assert "Wait for the stocktaking." in text(client.get(review(waiting)))


def test_a_comment_tells_when_the_difference_is_another_one_by_now(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    component = waiting.plan.components.get(name="Order import")
    services.comment(bob, waiting, text="Here.", component=component, place="after", line=15)
    address = {"component": component.pk}
    page = signed_in(client, bob).get(review(waiting), address)
    assert "of an earlier difference" not in text(page)
    waiting.plan.components.filter(pk=component.pk).update(digest=factories.digest_of(b"other"))
    page = client.get(review(waiting), address)
    assert "of an earlier difference" in text(page)


def test_notes_among_reviewers_stay_among_them(
    client: Client, alice: User, bob: User, dora: User, waiting: PromotionRequest
) -> None:
    signed_in(client, bob)
    say(client, waiting, "Ask finance first.", is_private="on")
    note = Comment.objects.get()
    assert "Ask finance first." in text(signed_in(client, dora).get(review(waiting)))
    assert "left a note among reviewers" in text(client.get(waiting.get_absolute_url()))
    shown = text(signed_in(client, alice).get(waiting.get_absolute_url()))
    assert "Ask finance first." not in shown
    assert "among reviewers" not in shown
    assert say(client, waiting, "What?", parent=note.pk).status_code == 403
    assert say(client, waiting, "Me too.", is_private="on").status_code == 403
    assert "Ask finance first." not in "".join(Event.objects.values_list("note", flat=True))
    assert Comment.objects.count() == 1


def test_an_admin_does_not_read_the_notes_on_their_own_promotion(
    client: Client, bob: User, dora: User, sales: DevAccount
) -> None:
    own = factories.promotion(factories.plan(sales, bob), bob)
    services.comment(dora, own, text="Not from him.", is_private=True)
    signed_in(client, bob)
    for address in (review(own), own.get_absolute_url()):
        assert "Not from him." not in text(client.get(address))


def test_who_does_not_see_a_promotion_says_nothing_about_it(
    client: Client, make_user: Any, waiting: PromotionRequest
) -> None:
    other = make_user("olga", "Contributors")
    assert say(signed_in(client, other), waiting, "Hello").status_code == 404
    with pytest.raises(PromotionError, match="FORBIDDEN"):
        services.comment(other, waiting, text="Hello")
    assert Event.objects.filter(action="access_refused", actor=other).exists()


def test_a_comment_is_about_something_that_is_there(
    client: Client, alice: User, bob: User, sales: DevAccount, waiting: PromotionRequest
) -> None:
    component = waiting.plan.components.get(name="Order import")
    other: Plan = factories.plan(sales, alice)
    elsewhere = factories.promotion(other, alice, Status.QUEUED)
    foreign = services.comment(bob, elsewhere, text="There.")
    for about in (
        {"component": other.components.get(name="Order import").pk},
        {"component": component.pk, "place": "after"},
        {"place": "after", "line": 4},
        {"parent": foreign.pk},
        {"component": "9" * 9},
        {"component": component.pk, "place": "sideways", "line": 3},
    ):
        page = client.get(say(signed_in(client, bob), waiting, "Here.", **about)["Location"])
        assert "The comment is about something that no longer exists." in text(page), about
    page = client.get(say(client, waiting, "  ")["Location"])
    assert "The comment is empty." in text(page)
    page = client.get(say(client, waiting, "x" * 10_001)["Location"])
    assert "longer than 10,000 characters" in text(page)
    assert waiting.comments.count() == 0


def test_a_comment_leads_to_no_other_site(
    client: Client, bob: User, waiting: PromotionRequest
) -> None:
    page = say(signed_in(client, bob), waiting, "Here.", next="https://evil.example/")
    assert page["Location"] == waiting.get_absolute_url()


def test_a_change_is_commented_without_its_xml(
    client: Client, bob: User, sales: DevAccount, alice: User
) -> None:
    plan = factories.plan(sales, alice)
    component = factories.read_component(plan, "Import", *samples.changed_process())
    promotion = factories.promotion(plan, alice, submitted_at=timezone.now())
    page = signed_in(client, bob).get(review(promotion), {"component": component.pk})
    about = next(link for link in links(page) if "about=change-1" in link)
    page = client.get(about.partition("#")[0])
    assert document(page).xpath("//select[@name='place']/option[@selected]/@value") == ["change"]
    services.comment(bob, promotion, text="Why?", component=component, place="change", line=1)
    page = client.get(review(promotion), {"component": component.pk})
    [sign] = document(page).xpath("//*[@class='entry-steps']/a[@class='line-talk']/@href")
    assert sign == f"#thread-{Comment.objects.get().pk}"
