"""Messages in a browser: an admin sets a channel up and tests it; a person chooses what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from promotions.models import Channel, Delivery, MessagePreference
from promotions.outbox import delivery, moments
from tests.browser.test_accessibility import LOOKS, faults, sign_in
from tests.receivers import web_receiver

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_a_channel_is_set_up_and_tested(
    page: Page, web_server: str, bob: User, scheme: str, width: int, height: int
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": height})
    sign_in(page, web_server, bob)
    with web_receiver() as receiver:
        page.goto(f"{web_server}/setup/messages/")
        expect(page.get_by_text("No channel yet")).to_be_visible()
        page.get_by_role("link", name="Add a channel").click()
        assert not faults(page)
        page.get_by_label("Name").fill("Operations")
        page.get_by_label("Kind").select_option("webhook")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_label("A promotion failed").check()
        page.get_by_role("button", name="Save").click()
        key = page.locator(".setup-key").inner_text()
        assert key == Channel.objects.get().key
        assert not faults(page)
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("button", name="Send a test to Operations").click()
        expect(page.get_by_text("A test message is on its way")).to_be_visible()
        delivery.deliver_due()
        # The log comes up to date by itself.
        expect(page.locator("#deliveries").get_by_text("Sent", exact=True)).to_be_visible()
        assert not faults(page)
    assert [one.json["type"] for one in receiver.posted] == ["promotion_desk.test"]
    assert Delivery.objects.get().state == Delivery.State.SENT


def test_a_person_chooses_what_they_are_told(page: Page, web_server: str, bob: User) -> None:
    sign_in(page, web_server, bob)
    page.goto(web_server)
    page.get_by_role("link", name="choose your notifications").click()
    assert not faults(page)
    page.get_by_label("A promotion waits for a decision").select_option("digest")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Quiet from").fill("20:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Quiet hours need both a start and an end")).to_be_visible()
    page.get_by_label("Quiet until").fill("07:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your choice is saved")).to_be_visible()
    row = MessagePreference.objects.get()
    assert row.how_of("to_review") == MessagePreference.How.DIGEST
    assert moments.zone(row.time_zone).key == "Europe/Berlin"


def test_a_message_appears_where_the_click_was(page: Page, web_server: str, bob: User) -> None:
    """Far down a page, with scripts and without: what was done is told in sight, beside its button."""
    for number in range(30):
        last = Channel.objects.create(name=f"Channel {number:02}", kind="slack", told=[])
    button = f"Send a test to {last.name}"
    place = f"#channel-{last.pk}"
    sign_in(page, web_server, bob)
    page.goto(f"{web_server}/setup/messages/")
    page.evaluate("window.isTheSamePage = true")
    page.get_by_role("button", name=button).click()
    told = page.locator(place).get_by_text("A test message is on its way")
    expect(told).to_be_in_viewport()
    assert page.evaluate("window.isTheSamePage"), "the part of the page was to be replaced alone"
    # The keyboard is where it was, and the log has come along.
    expect(page.get_by_role("button", name=button)).to_be_focused()
    expect(page.locator("#deliveries").get_by_text("Test message", exact=True)).to_be_visible()

    assert page.context.browser is not None
    plain = page.context.browser.new_page(java_script_enabled=False, base_url=web_server)
    sign_in(plain, web_server, bob)
    plain.goto("/setup/messages/")
    plain.get_by_role("button", name=button).click()
    expect(plain.locator(place).get_by_text("A test message is on its way")).to_be_in_viewport()
    plain.close()
