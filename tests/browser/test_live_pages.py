"""What a person has open, typed and focused survives when a live page changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from promotions.models import PackageListing, StepRun
from promotions.states import Status, StepState
from promotions.transitions import touch
from tests.promotions import factories

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route
    from redis import Redis


def sign_in(page: Page, address: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])


def test_a_live_promotion_keeps_what_is_open_typed_and_focused(
    page: Page, web_server: str, alice: User
) -> None:
    promotion = factories.promotion(
        factories.plan(factories.account(), alice), alice, Status.STAGING
    )
    sign_in(page, web_server, alice)
    page.goto(promotion.get_absolute_url())
    component = page.locator("details[id^=difference]").last
    component.locator("summary").click()
    component.locator("table.difference").wait_for()
    page.get_by_text("Withdraw…").click()
    page.locator("#withdraw-reason").fill("I am not done ty")

    StepRun.objects.filter(promotion=promotion, state=StepState.RUNNING).update(detail="2 of 2")
    touch(promotion.pk)
    page.get_by_text("2 of 2", exact=True).wait_for()

    page.keyboard.type("ping")
    expect(page.locator("#withdraw-reason")).to_have_value("I am not done typing")
    expect(component.locator("table.difference")).to_be_visible()
    expect(component.locator("table.difference")).to_have_count(1)

    # Nothing has changed since, so nothing is replaced.
    page.evaluate("document.getElementById('promotion').dataset.seenByTest = 'yes'")
    page.wait_for_timeout(1500)
    expect(page.locator("#promotion[data-seen-by-test]")).to_have_count(1)


def test_packages_appear_while_one_waits_and_are_searched_while_one_types(
    page: Page, web_server: str, alice: User
) -> None:
    sales = factories.account()
    factories.listing(sales, next_attempt_at=timezone.now(), refreshed_at=None)
    sign_in(page, web_server, alice)
    page.goto(reverse("choose_package", args=[sales.pk]))
    page.get_by_text("A worker is reading the packages").wait_for()

    factories.package(sales, "Order import")
    factories.package(sales, "Invoice export")
    PackageListing.objects.update(next_attempt_at=None, refreshed_at=timezone.now())
    page.get_by_text("Order import").first.wait_for()

    page.keyboard.press("/")
    page.keyboard.type("invoice")
    page.locator("#packages", has_text="1 package for “invoice”").wait_for()
    expect(page.get_by_text("Order import")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?q=invoice$"))
    expect(page.locator("#search")).to_have_value("invoice")


def test_a_page_whose_session_ended_goes_to_the_sign_in(
    page: Page, web_server: str, alice: User
) -> None:
    promotion = factories.promotion(
        factories.plan(factories.account(), alice), alice, Status.STAGING
    )
    sign_in(page, web_server, alice)
    page.goto(promotion.get_absolute_url())
    page.context.clear_cookies()
    page.wait_for_url(f"**/accounts/login/?next={promotion.get_absolute_url()}")


def test_the_queue_changes_its_tab_in_place(page: Page, web_server: str, bob: User) -> None:
    alice = User.objects.create(username="alice")
    sales = factories.account()
    factories.promotion(factories.plan(sales, alice), alice, Status.REJECTED)
    sign_in(page, web_server, bob)
    page.goto(reverse("review_queue"))
    page.get_by_text("The desk is clear").wait_for()
    page.get_by_role("link", name="Recent").click()
    page.get_by_text("Rejected").wait_for()
    expect(page).to_have_url(re.compile(r"\?tab=recent$"))
    page.go_back()
    page.get_by_text("The desk is clear").wait_for()


def tab_to(page: Page, place: str) -> None:
    """On with the tabulator, as far as the place; whatever has the focus on the way shows it."""
    for _ in range(150):
        page.keyboard.press("Tab")
        at = page.locator(":focus")
        shown = at.evaluate(
            "e => { const s = getComputedStyle(e); return s.outlineStyle + s.boxShadow }"
        )
        assert shown != "nonenone", f"Nothing shows the focus on {at.evaluate('e => e.outerHTML')}"
        if at.and_(page.locator(place)).count():
            return
    raise AssertionError(f"The tabulator does not lead to {place}.")


def test_a_promotion_is_rejected_with_the_keyboard_alone(
    page: Page, web_server: str, redis_server: Redis, alice: User, bob: User
) -> None:
    promotion = factories.promotion(factories.plan(factories.account(), alice), alice)
    sign_in(page, web_server, bob)
    page.goto(reverse("review_queue"))
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content", use_inner_text=True)
    page.keyboard.press("Enter")
    tab_to(page, f"a[href='{reverse('review', args=[promotion.pk])}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('review', args=[promotion.pk])}")
    updated = promotion.plan.components.get(action="update")
    tab_to(page, f"#pick-{updated.pk}")
    page.keyboard.press("Enter")
    page.locator(f"#difference-{updated.pk} table.difference").wait_for()
    tab_to(page, ".work-done a")
    page.keyboard.press("Enter")
    tab_to(page, "textarea[name=reason]")
    page.keyboard.type("Not in the season.")
    tab_to(page, "button:has-text('Reject')")
    page.keyboard.press("Enter")
    page.get_by_text("Not in the season.").first.wait_for()
    promotion.refresh_from_db()
    assert (promotion.status, promotion.decision_reason) == (Status.REJECTED, "Not in the season.")


def test_without_javascript_a_live_page_loads_itself_again(
    browser: Browser, page: Page, web_server: str, alice: User
) -> None:
    promotion = factories.promotion(
        factories.plan(factories.account(), alice), alice, Status.STAGING
    )
    context = browser.new_context(base_url=web_server, java_script_enabled=False)
    plain = context.new_page()
    sign_in(plain, web_server, alice)
    plain.goto(promotion.get_absolute_url())
    expect(plain.locator("meta[http-equiv=refresh]")).to_have_count(1)
    expect(plain.get_by_role("link", name="Refresh")).to_be_visible()
    plain.locator("details[id^=difference] summary").last.click()
    plain.get_by_role("link", name="Open the difference").last.click()
    expect(plain.locator("table.difference")).to_be_visible()
    context.close()


def test_a_review_is_worked_through_without_javascript(
    browser: Browser, page: Page, web_server: str, alice: User, bob: User
) -> None:
    promotion = factories.promotion(factories.plan(factories.account(), alice), alice)
    context = browser.new_context(base_url=web_server, java_script_enabled=False)
    plain = context.new_page()
    sign_in(plain, web_server, bob)
    plain.goto(reverse("review", args=[promotion.pk]))
    plain.get_by_role("button", name="Viewed, go on").click()
    expect(plain.locator("#work-name")).to_have_text("Order import", use_inner_text=True)
    plain.get_by_label("Only what I have not viewed").check()
    plain.get_by_role("button", name="Filter").click()
    expect(plain.locator(".work-row-name")).to_have_text(["Order import"], use_inner_text=True)
    plain.get_by_role("link", name="Unfold unchanged lines").click()
    expect(plain.get_by_text('name="shape1"').first).to_be_visible()
    plain.get_by_label("About").select_option("after")
    plain.get_by_label("Number of the line or change").fill("15")
    plain.get_by_label("Comment", exact=True).fill("Only the open ones?")
    plain.get_by_role("button", name="Send the comment").first.click()
    expect(plain.locator("#work .thread")).to_contain_text(
        "Only the open ones?", use_inner_text=True
    )
    expect(plain.locator("#work .thread a")).to_have_text("line after 15", use_inner_text=True)
    expect(plain.locator("td[id$='after-15'] a")).to_have_count(1)
    context.close()


def test_a_click_on_a_line_comments_on_it(
    page: Page, web_server: str, alice: User, bob: User
) -> None:
    promotion = factories.promotion(factories.plan(factories.account(), alice), alice)
    root = promotion.plan.components.get(action="update")
    sign_in(page, web_server, bob)
    page.goto(f"{reverse('review', args=[promotion.pk])}?component={root.pk}")
    page.locator(f"#line-{root.pk}-before-15").click()
    expect(page.get_by_label("About")).to_have_value("before")
    expect(page.get_by_label("Number of the line or change")).to_have_value("15")
    page.keyboard.type("What does it read?")
    page.get_by_role("button", name="Send the comment").first.click()
    page.locator("#work .thread").get_by_text("line before 15").wait_for()


def test_a_button_tells_that_it_is_busy(page: Page, web_server: str, alice: User) -> None:
    promotion = factories.promotion(factories.plan(factories.account(), alice), alice)
    sign_in(page, web_server, alice)
    page.goto(promotion.get_absolute_url())
    held: list[Route] = []
    page.route("**/withdraw/", lambda route: held.append(route))
    page.get_by_text("Withdraw…").click()
    button = page.get_by_role("button", name="Withdraw this promotion")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    button.click(force=True)
    held[0].continue_()
    page.get_by_text("The promotion is withdrawn.").wait_for()
    assert len(held) == 1


def test_what_was_done_takes_the_focus_and_the_place_of_older_words(
    page: Page, web_server: str, alice: User
) -> None:
    promotion = factories.promotion(factories.plan(factories.account(), alice), alice)
    sign_in(page, web_server, alice)
    page.goto(promotion.get_absolute_url())
    page.evaluate("document.getElementById('messages').textContent = 'It has been requested.'")
    page.get_by_text("Withdraw…").click()
    page.get_by_role("button", name="Withdraw this promotion").click()
    done = page.locator("[data-takes-focus]")
    done.wait_for()
    assert done.evaluate("each => each === document.activeElement")
    expect(page.locator("#messages")).to_have_text("", use_inner_text=True)


def test_the_marks_of_a_long_difference_stay_in_its_frame(
    page: Page, web_server: str, alice: User
) -> None:
    plan = factories.plan(factories.account(), alice)
    sign_in(page, web_server, alice)
    page.goto(plan.get_absolute_url())
    component = page.locator("details[id^=difference]").last
    component.locator("summary").click()
    frame = component.locator(".difference-scroll")
    frame.wait_for()
    # The marks are placed absolutely: what they are placed in has to be what scrolls.
    assert frame.evaluate("each => getComputedStyle(each).position") == "relative"
