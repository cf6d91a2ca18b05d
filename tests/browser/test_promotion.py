"""The main job as two people do it in their browsers; ``make pictures`` takes pictures of it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from partnerapi.simulator import seed
from promotions import services
from promotions.models import PromotionRequest
from promotions.states import Status
from tests.browser.pictures import picture
from tests.conftest import PASSWORD
from tests.integration.conftest import desk  # noqa: F401  (the same desk, seen through a browser)
from tests.integration.desk import Desk

pytestmark = pytest.mark.browser

MINUTES = 90_000  # milliseconds that a whole stage may take on a busy machine


def sign_in(page: Page, username: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_a_developer_requests_and_an_admin_approves(page: Page, desk: Desk) -> None:  # noqa: F811
    sign_in(page, "alice")
    page.get_by_role("link", name="New promotion").first.click()
    page.get_by_role("link", name=re.compile("Northwind Orders Team")).first.click()
    row = page.get_by_role("row", name=re.compile("Order to Cash.*1.0", re.DOTALL)).first
    expect(row).to_be_visible(timeout=MINUTES)
    row.get_by_role("button", name=re.compile("See the plan")).click()
    request_it = page.get_by_role("button", name="Request promotion")
    expect(request_it).to_be_visible(timeout=MINUTES)
    expect(page.get_by_text("Commerce API")).not_to_have_count(0)
    page.get_by_label("Notes").fill("Ready for the season.")
    request_it.click()
    # Seen without a reload, as the worker goes on.
    expect(page.get_by_text("In admin review").first).to_be_visible(timeout=MINUTES)
    promotion = PromotionRequest.objects.get()
    assert promotion.requester == desk.alice
    expect(page.get_by_role("button", name=re.compile("Approve and deploy"))).to_have_count(0)
    sign_out(page)

    sign_in(page, "bob")
    page.goto("/queue/")
    page.get_by_role("link", name=f"Review promotion {promotion.pk}").click()
    expect(page.get_by_text("Ready for the season.").first).to_be_visible()
    page.get_by_label(re.compile("new pack", re.IGNORECASE)).fill("Order to Cash")
    page.get_by_role("button", name=re.compile("Approve and deploy")).click()
    expect(page.get_by_text("What your approval does")).to_be_visible()
    expect(page.get_by_text("2 environments")).to_be_visible()
    page.get_by_label(re.compile("Comment")).fill("Seen line by line.")
    page.get_by_role("button", name=re.compile("Yes, approve")).click()
    page.goto(f"/promotions/{promotion.pk}/")
    expect(page.locator(".phases")).to_be_visible()
    picture(page, "live")
    expect(page.get_by_text("Deployed", exact=True).first).to_be_visible(timeout=MINUTES)
    assert desk.fresh(promotion).status == Status.DEPLOYED
    assert desk.fresh(promotion).approved_by == desk.bob
    desk.wait_until_no_branch()
    assert len(desk.state()["deployments"]) == 2
    page.goto(reverse("process_board"))
    expect(page.get_by_text("Order to Cash").first).to_be_visible()
    picture(page, "board")


def test_an_admin_sees_the_difference_and_rejects(page: Page, desk: Desk) -> None:  # noqa: F811
    plans = [
        desk.plan(seed.CYCLE_PACKAGE_ID, account=desk.finance),
        desk.plan(seed.UPDATE_PACKAGE_ID),
    ]
    promotions = [desk.submit(plan, version="1.1") for plan in plans]
    for promotion in promotions:
        desk.wait_for(promotion, Status.ADMIN_REVIEW)
    update = desk.fresh(promotions[1])
    sign_in(page, "bob")
    page.goto("/queue/")
    expect(page.get_by_role("rowheader", name=re.compile("Stock Level Sync"))).to_be_visible()
    page.get_by_role("link", name=f"Review promotion {update.pk}").click()
    expect(page.get_by_text(re.compile("last released in Order Management"))).to_be_visible()
    component = update.plan.components.get(prod_component_id=seed.PROD_STOCK_SETTINGS_ID)
    page.locator(f"#pick-{component.pk}").click()
    opened = page.locator(f"#difference-{component.pk}")
    expect(opened.locator(".reading-sentence")).to_be_visible()
    opened.locator("details.xml-view > summary").click()
    expect(opened.locator(".xml-view ins").first).to_be_visible()
    expect(opened).to_contain_text("250", use_inner_text=True)
    assert "plain-willow-63" not in page.content()
    assert "prod-steady-heron-7" not in page.content()
    opened.locator("details.xml-view > summary").click()
    page.locator("#work").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('work').scrollIntoView()")
    picture(page, "review")
    page.get_by_label("Reason").fill("After the stocktaking.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("After the stocktaking.").first).to_be_visible()
    assert desk.wait_for(update, Status.REJECTED).status == Status.REJECTED
    services.reject(desk.bob, desk.fresh(promotions[0]), reason="After the stocktaking.")
    desk.wait_until_no_branch()
