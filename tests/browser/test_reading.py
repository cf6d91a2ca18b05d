"""A reviewer sees what changes in a process, a map and a profile without meeting XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from promotions.models import PlannedComponent
from promotions.states import Action
from tests.browser.pictures import picture
from tests.browser.test_accessibility import faults, sign_in
from tests.promotions import factories
from tests.reading import samples

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def components(alice: User) -> dict[str, PlannedComponent]:
    """A plan in review with a process, a map and a profile that change."""
    plan = factories.plan(
        factories.account(), alice, sentences=["1 process changes its decisions."]
    )
    found = {
        name: factories.read_component(plan, name, *documents)
        for name, documents in {
            "Import": samples.changed_process(),
            "To invoice": samples.changed_map(),
            "Order": samples.changed_profile(),
        }.items()
    }
    factories.promotion(plan, alice)
    return found


# What came last has been put into the page, with everything that it listens to.
SETTLING = ".htmx-added, .htmx-settling, .htmx-swapping, .htmx-request"
SENTENCES = {
    "Import": "Gains Decision “Is it open?” and Stop “Ends the process”; changes Message “Ack” (text).",
    "To invoice": "Gains 1 field (currency); changes 1 field (amount).",
    "Order": "retypes 1 element",
}


def pick(page: Page, component: PlannedComponent) -> Locator:
    """Open a component from the list; what changes in it."""
    page.locator(f"#pick-{component.pk}").click()
    expect(page.locator("#work-name")).to_have_text(component.name)
    return page.locator(f"#difference-{component.pk} [data-reading]")


def test_a_process_a_map_and_a_profile_are_reviewed_without_xml(
    page: Page, web_server: str, alice: User, bob: User, components: dict[str, PlannedComponent]
) -> None:
    sign_in(page, web_server, bob)
    promotion = components["Import"].plan.promotion
    page.goto(reverse("review", args=[promotion.pk]))
    page.get_by_text("1 process changes its decisions.").wait_for()
    for name, words in SENTENCES.items():
        reading = pick(page, components[name])
        expect(reading.locator(".reading-sentence")).to_contain_text(words, use_inner_text=True)
        expect(page.locator("table.difference")).to_be_hidden()
    reading = pick(page, components["Import"])
    expect(reading.locator(".view-difference .across svg.canvas")).to_be_visible()
    reading.locator(".pick-old").check()
    expect(reading.locator(".view-difference")).to_be_hidden()
    expect(reading.locator(".view-old .across svg.canvas")).to_be_visible()
    reading.locator(".pick-difference").check()
    page.evaluate("document.getElementById('work').scrollIntoView()")
    picture(page, "canvas")
    # From change to change by key, the picture following.
    reading.locator(".steps-bar a").first.focus()
    for number in (1, 2):
        page.keyboard.press("n")
        focused = page.evaluate("document.activeElement.id")
        assert focused == f"change-{components['Import'].pk}-{number}"
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.id") == f"change-{components['Import'].pk}-1"
    assert faults(page) == []


def test_a_review_is_worked_through_and_its_comment_answered(
    page: Page, web_server: str, alice: User, bob: User, components: dict[str, PlannedComponent]
) -> None:
    """By keys and without a reload, from the first change to the approval; and not a line of XML."""
    promotion = components["Import"].plan.promotion
    factories.map_components(components["Import"].plan)
    sign_in(page, web_server, bob)
    page.goto(reverse("review", args=[promotion.pk]))
    page.evaluate("window.stayed = true")
    expect(page.get_by_text("You have viewed 0 of 5 changes.")).to_be_visible()
    pick(page, components["Import"])
    page.get_by_role("link", name="Comment on change 2").click()
    said = page.get_by_label("Comment", exact=True)
    expect(said).to_be_focused()
    said.fill("Does the partner read <Thank you>?")
    page.get_by_role("button", name="Send the comment").first.click()
    expect(page.locator("#work .thread")).to_contain_text("Does the partner read <Thank you>?")
    expect(page.locator("#work").get_by_text("Your comment has been added.")).to_be_visible()
    assert faults(page) == []
    page.locator(f"#pick-{components['Import'].pk}").focus()
    expect(page.locator(SETTLING)).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("#work-name")).to_have_text("To invoice")
    expect(page.locator(SETTLING)).to_have_count(0)
    page.keyboard.press("k")
    expect(page.locator("#work-name")).to_have_text("Import")
    for viewed in range(1, 6):
        expect(page.locator(SETTLING)).to_have_count(0)
        page.keyboard.press("v")
        expect(page.locator(".work-progress")).to_contain_text(f"{viewed} of 5")
        page.locator(".work-rows [aria-current]").focus()
    expect(page.get_by_text("You have viewed everything.")).to_be_visible()
    expect(page.get_by_text(re.compile("You have viewed 0"))).to_have_count(0)
    page.get_by_label("Only what I have not viewed").check()
    expect(page.get_by_text("No component matches the filters.")).to_be_visible()
    assert page.evaluate("window.stayed")

    sign_in(page, web_server, alice)
    page.goto(promotion.get_absolute_url())
    thread = page.locator("#conversation .thread")
    expect(thread).to_contain_text("“Import”, change 2")
    thread.locator("summary").click()
    thread.get_by_label("Your answer").fill("It does, since May.")
    thread.get_by_role("button", name="Send the answer").click()
    expect(page.locator("#conversation .answer")).to_contain_text("It does, since May.")

    sign_in(page, web_server, bob)
    page.goto(reverse("review", args=[promotion.pk]))
    expect(page.locator("#conversation")).to_contain_text("1 answer")
    page.get_by_label("Name of the new pack").fill("Orders")
    page.get_by_role("button", name="Approve and deploy").click()
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_text("Approved. A worker now brings it to production.")).to_be_visible()
    promotion.refresh_from_db()
    assert promotion.approved_by == bob


def test_a_large_plan_makes_no_tall_page(
    page: Page, web_server: str, alice: User, bob: User
) -> None:
    plan = factories.plan(factories.account(), alice)
    for number in range(186):
        factories.component(plan, f"Map {number}", "transform.map", Action.CREATE, old=[])
    promotion = factories.promotion(plan, alice)
    sign_in(page, web_server, bob)
    page.set_viewport_size({"width": 1440, "height": 900})
    for path in (reverse("review", args=[promotion.pk]), promotion.get_absolute_url()):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollHeight") < 4000, path
    last = plan.components.get(name="Map 185")
    page.goto(f"{reverse('review', args=[promotion.pk])}?component={last.pk}#work")
    picked = page.locator(".work-rows [aria-current]")
    expect(picked).to_be_in_viewport()
    assert picked.evaluate("(e) => e.closest('.work-rows').scrollTop") > 1000


def test_a_phone_shows_the_canvas_from_top_to_bottom(
    page: Page, web_server: str, bob: User, components: dict[str, PlannedComponent]
) -> None:
    sign_in(page, web_server, bob)
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    for component in components.values():
        page.goto(reverse("component_difference", args=[component.plan_id, component.pk]))
        page.locator("[data-reading]").wait_for()
        assert faults(page) == []
    component = components["Import"]
    page.goto(reverse("component_difference", args=[component.plan_id, component.pk]))
    expect(page.locator(".view-difference .down svg.canvas")).to_be_visible()
    expect(page.locator(".view-difference .across")).to_be_hidden()
