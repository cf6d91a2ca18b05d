"""The history page: axe finds nothing on it, and a search is made by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from promotions.audit.chain import seal_events
from promotions.transitions import record_event
from tests.browser.test_accessibility import LOOKS, faults, sign_in
from tests.promotions import factories

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_the_history_is_searched(
    page: Page, web_server: str, alice: User, bob: User, scheme: str, width: int, height: int
) -> None:
    factories.deployed(factories.plan(factories.account(), alice), alice, bob)
    for number in range(30):
        record_event("mapping_added", actor=bob, subject=f"mapping {number}", note="dev-a → prod-a")
    seal_events()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": height})
    sign_in(page, web_server, bob)
    page.goto(f"{web_server}/setup/history/")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert not faults(page)
    page.get_by_label("Kind").fill("submitted")
    page.get_by_label("Kind").press("Enter")
    expect(page.get_by_role("listitem").filter(has_text="requested the promotion")).to_have_count(1)
    expect(page.get_by_text("mapping 29")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as JSON lines").click()
    assert '"action": "submitted"' in download.value.path().read_text()
    page.get_by_label("Subject or note").fill("nothing is like this")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No event is like this")).to_be_visible()
    assert not faults(page)
