"""axe on every page: in light on a desk, in dark on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from promotions import services
from promotions.models import PackRelease
from promotions.plan import contents
from promotions.reading import read
from promotions.reading.lines import compare
from promotions.states import Action, Status
from tests.promotions import factories
from tests.reading import samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# Both schemes and both widths, though not each with each: every page takes a second.
LOOKS = [("light", 1440, 900), ("dark", 390, 844)]
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Every difference that was opened is there.
LOADED = """() => [...document.querySelectorAll("details[open] > .lazy")]
    .every((place) => place.dataset.loaded)"""


def sign_in(page: Page, address: str, user: User | None) -> None:
    # A live page whose session ends would go to the sign-in page by itself.
    page.goto("about:blank")
    page.context.clear_cookies()
    if user is None:
        return
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])


def faults(page: Page, *, but_for: str = "") -> list[str]:
    """What axe finds but for one rule, in a line each, and a page that is wider than the window."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": STANDARDS}})
    assert len(found.response["passes"]) > 10, "axe has not looked at the page"
    lines = [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]}"
        for violation in found.response["violations"]
        if violation["id"] != but_for
        for node in violation["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        lines.append("The page is wider than the window.")
    return lines


# The tables whose headings stand above the columns of others, because some of either are not printed.
SHIFTED = """
(() => {
  const columns = (row) => [...row.cells]
    .filter((cell) => getComputedStyle(cell).display !== "none")
    .reduce((sum, cell) => sum + cell.colSpan, 0);
  return [...document.querySelectorAll("table")]
    .filter((table) => table.tHead && table.offsetParent && table.tBodies[0]?.rows.length)
    .filter((table) => columns(table.tHead.rows[0]) !== columns(table.tBodies[0].rows[0]))
    .map((table) => table.caption?.textContent || table.className);
})()
"""


def faults_by_page(
    browser: Browser,
    web_server: str,
    places: Mapping[str, tuple[User | None, str]],
    scheme: Any,
    width: int,
    height: int,
) -> dict[str, list[str]]:
    """What is wrong with each page, by its name; pages without a fault are left out."""
    # Not the `page` fixture: a page that refuses something is an error in the browser's console.
    page = browser.new_page(
        base_url=web_server,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": height},
    )
    found: dict[str, list[str]] = {}
    for name, (user, path) in places.items():
        sign_in(page, web_server, user)
        page.goto(path)
        # Everything that can be opened is looked at too.
        page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
        page.wait_for_function(LOADED)
        if lines := faults(page):
            found[name] = lines
    page.close()
    return found


@pytest.fixture
def places(alice: User, bob: User, charlie: User, make_user: Any) -> dict[str, tuple[Any, str]]:
    """Every page with something on it, and who looks at it."""
    sales = factories.account()
    empty = factories.account("Empty Dev")
    factories.listing(sales)
    factories.listing(empty, next_attempt_at=timezone.now(), refreshed_at=None)
    factories.package(sales)
    factories.package(sales, "Old one", shareable=False)
    factories.environment()
    building = factories.plan(
        sales, alice, ready=False, progress="Reading", progress_done=3, progress_total=9
    )
    failed = factories.plan(sales, alice, ready=False, state="failed", error_code="API_ERROR")
    ready = factories.plan(sales, alice)
    blocked = factories.plan(sales, alice)
    factories.finding(blocked, "MISSING_CONNECTION_MAPPINGS")
    for code in ("SECRET_LEFT_BEHIND", "TWIN_IN_PRODUCTION"):
        factories.finding(
            blocked, code, component=blocked.components.last(), can_be_accepted=True, path="//a"
        )
    factories.finding(blocked, "REWRITTEN_IN_DATA", blocking=False)
    waiting = factories.promotion(factories.plan(sales, alice), alice)
    root = waiting.plan.components.get(action=Action.UPDATE)
    PackRelease.objects.create(pack=factories.pack(), prod_component_id=root.prod_component_id)
    peer = make_user("fay", "Finance")
    for_peers = factories.for_peers(factories.plan(sales, alice), alice, {"Finance": 2})
    own = factories.promotion(factories.plan(sales, bob), bob)
    staging = factories.promotion(factories.plan(sales, alice), alice, Status.STAGING)
    rejected = factories.promotion(factories.plan(sales, alice), alice, Status.REJECTED)
    deployed = factories.deployed(factories.plan(sales, alice), alice, bob)
    now = timezone.now()
    after_merge = factories.promotion(
        factories.plan(sales, alice),
        alice,
        Status.FAILED,
        approved_by=bob,
        merge_started_at=now,
        merged_at=now,
        error_code="DEPLOY_FAILED",
    )
    services.comment(bob, waiting, text="Why?", component=root, place="after", line=15)
    services.comment(bob, waiting, text="Ask finance.", is_private=True)
    changed = factories.finding(
        waiting.plan,
        "CHANGED_IN_PRODUCTION",
        component=root,
        blocking=False,
        difference=contents.store(compare(factories.OLD_XML, factories.NEW_XML).to_json()),
    )
    promoted, by_hand = samples.changed_process()
    read_changed = factories.finding(
        waiting.plan,
        "CHANGED_IN_PRODUCTION",
        component=factories.read_component(waiting.plan, "Order sync", by_hand, promoted),
        blocking=False,
        difference=contents.store(compare(factories.OLD_XML, factories.NEW_XML).to_json()),
        reading=contents.store(read(promoted, by_hand, {}).to_json()),
        outcome=contents.store(read(promoted, promoted, {}).to_json()),
    )
    large = factories.plan(sales, alice)
    for number in range(20):
        factories.component(large, f"Map {number}", "transform.map", Action.CREATE, old=[])
    incomplete = factories.promotion(
        factories.plan(sales, alice),
        alice,
        Status.FAILED,
        approved_by=bob,
        merge_started_at=now,
        error_code="MERGE_INCOMPLETE",
    )
    incomplete.branches.update(delete_due=None, deleted_at=None)
    difference = reverse("component_difference", args=[waiting.plan.pk, root.pk])
    return {
        "sign-in": (None, reverse("login")),
        "no access": (make_user("eve"), "/"),
        "not found": (alice, "/nowhere/"),
        "not allowed": (alice, reverse("review_queue")),
        "home of a contributor": (alice, "/"),
        "home of an admin": (bob, "/"),
        "my promotions": (alice, reverse("my_promotions")),
        "no promotions": (charlie, reverse("my_promotions")),
        "new promotion": (alice, reverse("new_promotion")),
        "no account": (charlie, reverse("new_promotion")),
        "packages": (alice, reverse("choose_package", args=[sales.pk])),
        "packages being read": (alice, reverse("choose_package", args=[empty.pk])),
        "plan being made": (alice, building.get_absolute_url()),
        "plan that failed": (alice, failed.get_absolute_url()),
        "plan": (alice, ready.get_absolute_url()),
        "plan with findings": (bob, blocked.get_absolute_url()),
        "difference": (alice, difference),
        "promotion in staging": (alice, staging.get_absolute_url()),
        "promotion rejected": (alice, rejected.get_absolute_url()),
        "promotion deployed": (alice, deployed.get_absolute_url()),
        "calls of a promotion": (alice, reverse("promotion_calls", args=[deployed.pk])),
        "promotion to retry": (bob, after_merge.get_absolute_url()),
        "queue": (bob, reverse("review_queue")),
        "empty queue": (bob, f"{reverse('review_queue')}?account={empty.pk}"),
        "review": (bob, reverse("review", args=[waiting.pk])),
        "review of a line": (
            bob,
            f"{reverse('review', args=[waiting.pk])}?component={root.pk}&unfolded",
        ),
        "large plan": (alice, large.get_absolute_url()),
        "large promotion": (alice, factories.promotion(large, alice).get_absolute_url()),
        "change in production": (
            bob,
            reverse("changed_in_production", args=[waiting.plan.pk, changed.pk]),
        ),
        "change in production, read": (
            bob,
            reverse("changed_in_production", args=[waiting.plan.pk, read_changed.pk]),
        ),
        "promotion to give up": (bob, incomplete.get_absolute_url()),
        "review of one's own": (bob, reverse("review", args=[own.pk])),
        "review with peers": (bob, reverse("review", args=[for_peers.pk])),
        "review of a peer": (peer, reverse("review", args=[for_peers.pk])),
        "password": (alice, reverse("password_change")),
        "process board": (bob, reverse("process_board")),
        "history": (bob, reverse("history")),
        "what one is told": (alice, reverse("preferences")),
        "messages set-up": (bob, reverse("message_setup")),
        "deploy further": (alice, reverse("deploy_further", args=[deployed.pk])),
        "part of a difference": (bob, f"{difference}?part=1"),
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_every_page_is_accessible(
    browser: Browser,
    web_server: str,
    places: dict[str, tuple[User | None, str]],
    scheme: Any,
    width: int,
    height: int,
) -> None:
    assert not faults_by_page(browser, web_server, places, scheme, width, height)


def test_every_page_fits_on_paper(
    browser: Browser, web_server: str, places: dict[str, tuple[User | None, str]]
) -> None:
    """Paper does not scroll; and it is white, whatever the screen is."""
    page = browser.new_page(
        base_url=web_server, color_scheme="dark", viewport={"width": 794, "height": 1123}
    )
    page.emulate_media(media="print")
    found = {}
    for name, (user, path) in places.items():
        sign_in(page, web_server, user)
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shifted = page.evaluate(SHIFTED)
        if width > 794 or ground != "rgb(255, 255, 255)" or shifted:
            found[name] = (width, ground, shifted)
    page.close()
    assert not found, found


@pytest.mark.parametrize(("width", "height"), [(1360, 900), (390, 844)])
def test_the_page_that_asks_before_an_approval_is_accessible(
    page: Page, web_server: str, alice: User, bob: User, width: int, height: int
) -> None:
    promotion = factories.promotion(factories.mapped_plan(factories.account(), alice), alice)
    factories.pack("Order Management")
    sign_in(page, web_server, bob)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(reverse("review", args=[promotion.pk]))
    page.get_by_label("Integration Pack").select_option(label="Order Management")
    page.get_by_role("button", name="Approve and deploy").click()
    expect(page.get_by_text("What your approval does")).to_be_visible()
    assert not faults(page)


def test_the_head_of_the_page_keeps_its_lines(page: Page, web_server: str, bob: User) -> None:
    """One line where there is room, else the links on one of their own; never beside a name that is too long."""
    bob.first_name, bob.last_name = "Maximiliane", "Featherstonehaugh-Oppenheimer"
    bob.save()
    sales = factories.account()
    for _ in range(12):
        factories.promotion(factories.plan(sales, bob), bob)
    sign_in(page, web_server, bob)
    page.goto("/")
    lines = """() => {
        const top = (each) => Math.round(each.getBoundingClientRect().top / 20);
        const links = [...document.querySelectorAll(".nav a")].map(top);
        const width = document.documentElement.scrollWidth;
        const name = document.querySelector(".brand").getBoundingClientRect();
        const nav = document.querySelector(".nav").getBoundingClientRect();
        return [new Set(links).size, nav.top >= name.bottom, width];
    }"""
    for width, below in ((1440, False), (1280, False), (1279, True), (1024, True)):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(lines) == [1, below, width]
    page.set_viewport_size({"width": 720, "height": 900})
    assert page.evaluate(lines)[2] == 720
