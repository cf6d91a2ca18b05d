"""A reviewer sees what changes in a process, a map and a profile without meeting XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from promotions.models import PlannedComponent
from tests.browser.test_accessibility import faults, sign_in
from tests.promotions import factories
from tests.reading import samples

if TYPE_CHECKING:
    from playwright.sync_api import Page

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


def test_a_process_a_map_and_a_profile_are_reviewed_without_xml(
    page: Page, web_server: str, bob: User, components: dict[str, PlannedComponent]
) -> None:
    sign_in(page, web_server, bob)
    promotion = components["Import"].plan.promotion
    page.goto(reverse("review", args=[promotion.pk]))
    page.get_by_text("1 process changes its decisions.").wait_for()
    for name, words in {
        "Import": "Gains Decision “Is it open?” and Stop “Ends the process”; changes Message “Ack” (text).",
        "To invoice": "Gains 1 field (currency); changes 1 field (amount).",
        "Order": "retypes 1 element",
    }.items():
        row = page.locator(f"#difference-{components[name].pk}")
        row.locator("> summary").click()
        reading = row.locator("[data-reading]")
        reading.wait_for()
        assert words in reading.locator(".reading-sentence").inner_text()
        assert not row.locator("table.difference").is_visible()
    process = page.locator(f"#difference-{components['Import'].pk}")
    assert process.locator(".view-difference .across svg.canvas").is_visible()
    process.locator(".pick-old").check()
    assert not process.locator(".view-difference").is_visible()
    assert process.locator(".view-old .across svg.canvas").is_visible()
    process.locator(".pick-difference").check()
    # From change to change by key, the picture following.
    process.locator(".steps-bar a").first.focus()
    for number in (1, 2):
        page.keyboard.press("n")
        focused = page.evaluate("document.activeElement.id")
        assert focused == f"change-{components['Import'].pk}-{number}"
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.id") == f"change-{components['Import'].pk}-1"
    assert faults(page) == []


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
    assert page.locator(".view-difference .down svg.canvas").is_visible()
    assert not page.locator(".view-difference .across").is_visible()
