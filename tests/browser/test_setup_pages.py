"""axe on the pages of the set-up, and a set-up as an admin goes through it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from partnerapi.simulator import seed
from promotions.models import ComponentMapping, DevAccount, Job
from tests.browser.test_accessibility import LOOKS, faults, sign_in
from tests.promotions import factories
from tests.promotions.test_adoption import proposal

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Page

    from tests.services import Worker

pytestmark = pytest.mark.browser

CHECKS = [
    {"name": name, "state": state, "detail": "So it is.", "to_do": "Do this."}
    for name, state in (("A", "ok"), ("B", "warn"), ("C", "fail"), ("D", "skipped"))
]


def done(kind: str, **columns: object) -> Job:
    return Job.objects.create(kind=kind, finished_at=timezone.now(), **columns)


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_nothing_stands_in_anybodys_way(
    browser: Browser,
    web_server: str,
    alice: User,
    bob: User,
    charlie: User,
    scheme: str,
    width: int,
    height: int,
) -> None:
    account = factories.account()
    factories.finding(factories.plan(account, alice), "MISSING_CONNECTION_MAPPINGS")
    told = {"seen": 2, "new": ["One"], "changed": ["name: A → B"], "gone": ["Two"]}
    done(Job.Kind.ACCOUNTS, result={"accounts": told, "problems": ["Something was wrong."]})
    done(Job.Kind.CONNECTION_CHECK, result={"checks": CHECKS})
    proposals = [
        proposal(),
        proposal(prod_component_id="prod-b", how="namesake"),
        proposal(dev_component_id="dev-c", prod_component_id="prod-c", how="name only"),
    ]
    found = {"proposals": [asdict(p) for p in proposals]}
    found |= {"looked_at": 9, "mapped": 1, "without_twin": 5}  # type: ignore[dict-item]
    argument = f"account:{account.pk}"
    looked = done(Job.Kind.ADOPTION, argument=argument, result=found)
    nothing = {"proposals": [], "looked_at": 0, "mapped": 0, "without_twin": 0}
    empty = done(Job.Kind.ADOPTION, argument=argument, result=nothing)
    failed = done(Job.Kind.ADOPTION, argument=argument, error_code="API_UNAVAILABLE")
    live = Job.objects.create(kind=Job.Kind.ADOPTION, argument=argument, progress="Reading")
    context = browser.new_context(
        base_url=web_server,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": height},
    )
    page = context.new_page()
    sign_in(page, web_server, bob)
    wrong = {}
    jobs = (looked, empty, failed, live)
    for path in (
        "/setup/",
        "/setup/connection/",
        "/setup/adoption/",
        *(f"/setup/adoption/{job.pk}/" for job in jobs),
    ):
        page.goto(path)
        if lines := faults(page):
            wrong[path] = lines
    context.close()
    assert not wrong


def test_an_admin_sets_up_from_nothing(
    page: Page, web_server: str, worker: Worker, bob: User
) -> None:
    sign_in(page, web_server, bob)
    page.goto("/setup/")
    page.get_by_text("No dev account is known").wait_for()
    page.get_by_role("button", name="Synchronise with the platform").click()
    page.get_by_text("3 dev accounts", exact=True).wait_for()
    page.get_by_role("link", name="Connection", exact=True).click()
    page.get_by_role("button", name="Check the connection").click()
    page.get_by_text("It works, with").wait_for(timeout=60_000)
    page.get_by_role("link", name="Adopt twins").click()
    page.get_by_label("Dev account").select_option(
        label=DevAccount.objects.get(account_id=seed.ORDERS_ACCOUNT).name
    )
    page.get_by_role("button", name="Look for twins").click()
    page.get_by_text("was copied from this dev component").wait_for(timeout=60_000)
    page.get_by_role("button", name="Map the ticked ones").click()
    page.get_by_text("mapped: ").wait_for()
    assert ComponentMapping.objects.filter(prod_component_id=seed.COPIED_TWIN_ID).exists()
    # What is not sure stays for a person to look at.
    expect(page.get_by_role("checkbox")).not_to_have_count(0)
    expect(page.locator("input[name=proposal]:checked")).to_have_count(0)
