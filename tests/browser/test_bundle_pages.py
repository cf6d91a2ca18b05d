"""Several packages promoted together: ticked in a browser, and axe on the pages that show them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from promotions.models import Plan
from promotions.states import Status
from tests.browser.test_accessibility import LOOKS, faults_by_page, sign_in
from tests.promotions import factories

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def places(alice: User, bob: User) -> dict[str, tuple[User, str]]:
    """Every page that shows several packages, and who looks at it."""
    sales = factories.account()
    factories.listing(sales)
    for name in ("Order import", "Returns", "Invoices"):
        factories.package(sales, name)
    factories.pack()
    ready = factories.bundle_plan(sales, alice)
    waiting = factories.bundle(factories.bundle_plan(sales, alice), alice)
    now = timezone.now() - timedelta(days=1)
    deployed = factories.bundle(
        factories.bundle_plan(sales, alice),
        alice,
        Status.DEPLOYED,
        approved_by=bob,
        merge_started_at=now,
        merged_at=now,
        deployed_at=now,
        pack=factories.pack("Store"),
        prod_package_id="made-orders",
    )
    deployed.further.update(
        prod_package_id="made-returns",
        package_error_code="RELEASE_FAILED",
        package_error="The platform says no.",
    )
    further = deployed.further.get()
    failed = factories.bundle(
        factories.bundle_plan(sales, alice),
        alice,
        Status.FAILED,
        approved_by=bob,
        merge_started_at=now,
        merged_at=now,
        error_code="DEPLOY_FAILED",
        error="“Returns” to Production EU: it says no.",
        prod_package_id="made-orders-too",
    )
    return {
        "packages": (alice, reverse("choose_package", args=[sales.pk])),
        "plan": (alice, ready.get_absolute_url()),
        "review": (bob, reverse("review", args=[waiting.pk])),
        "promotion": (alice, deployed.get_absolute_url()),
        "failed, with a retry": (bob, failed.get_absolute_url()),
        "promotion of an admin": (bob, deployed.get_absolute_url()),
        "deploy one further": (
            alice,
            f"{reverse('deploy_further', args=[deployed.pk])}?package={further.pk}",
        ),
        "board": (alice, reverse("process_board")),
        "versions": (alice, reverse("process_history", args=["prod-returns"])),
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_every_page_is_accessible(
    browser: Browser,
    web_server: str,
    places: dict[str, tuple[User, str]],
    scheme: Any,
    width: int,
    height: int,
) -> None:
    assert not faults_by_page(browser, web_server, places, scheme, width, height)


def test_ticked_packages_make_one_plan(
    page: Page, web_server: str, places: dict[str, tuple[User, str]], alice: User
) -> None:
    sign_in(page, web_server, alice)
    page.goto(places["packages"][1])
    for name in ("Returns", "Invoices"):
        page.get_by_role("checkbox", name=f"Promote {name}").check()
    page.get_by_role("button", name="See one plan for the ticked packages").click()
    page.wait_for_url("**/plans/*/")
    plan = Plan.objects.latest("pk")
    assert {package.root_name for package in plan.packages} == {"Returns", "Invoices"}
