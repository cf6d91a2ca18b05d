"""Who decides, in a browser: peers of two groups and an admin, an approval that lapses, and a single sign-on."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from partnerapi.simulator import seed
from promotions import access
from promotions.models import Approval, ReviewPolicy
from promotions.states import Status
from tests import environment, services
from tests.browser.test_promotion import MINUTES, sign_in, sign_out
from tests.integration.conftest import desk  # noqa: F401  (the same desk, seen through a browser)
from tests.integration.desk import Desk
from tests.promotions import factories
from tests.provider import CLIENT_ID, provider

pytestmark = pytest.mark.browser


def lapse(approval: Approval) -> None:
    """As if its time had come: written as the service would have, with an earlier end."""
    approval.until = timezone.now()
    approval.seal = approval.make_seal()
    approval.save()


def approve_as_peer(page: Page, username: str, promotion: int) -> None:
    sign_in(page, username)
    page.goto("/queue/")
    page.get_by_role("link", name=f"Review promotion {promotion}").click()
    page.get_by_role("button", name="Approve as a peer").click()
    expect(page.get_by_text(re.compile("You have approved it"))).to_be_visible()
    sign_out(page)


def test_two_peers_of_two_groups_and_an_admin_decide(
    page: Page,
    desk: Desk,  # noqa: F811
    make_user: Any,
) -> None:
    make_user("fay", "Finance")
    make_user("pam", "Platform")
    policy = ReviewPolicy.objects.create(name="Order processes", folder="Promoted")
    for name in ("Finance", "Platform"):
        policy.groups.create(group=Group.objects.get(name=name))
    other = ReviewPolicy.objects.create(name="Invoices", folder="Somewhere else", peers=9)
    promotion = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert promotion.demanded.policies == ("Order processes",)
    assert other.name not in promotion.demanded.policies

    # An admin reads who is needed, and cannot go before them.
    sign_in(page, "bob")
    page.goto(f"/queue/{promotion.pk}/")
    decision = page.locator("#decision")
    expect(decision).to_contain_text("Order processes")
    expect(decision).to_contain_text("1 peer from Finance still needed")
    expect(decision).to_contain_text("1 peer from Platform still needed")
    expect(page.get_by_role("button", name=re.compile("Approve"))).to_have_count(0)
    sign_out(page)

    approve_as_peer(page, "fay", promotion.pk)
    approve_as_peer(page, "pam", promotion.pk)

    # Fay's approval lapses before the admin comes.
    lapse(promotion.approvals.get(person__username="fay"))
    sign_in(page, "bob")
    page.goto(f"/queue/{promotion.pk}/")
    expect(decision).to_contain_text("Pam approved as a peer")
    expect(decision).to_contain_text("Fay: the approval no longer counts")
    expect(decision).to_contain_text("Still needed: 1 peer from Finance and an admin.")
    sign_out(page)
    approve_as_peer(page, "fay", promotion.pk)

    sign_in(page, "bob")
    page.goto("/queue/")
    page.get_by_role("link", name=f"Review promotion {promotion.pk}").click()
    page.get_by_label("Name of the new pack").fill("Order to Cash")
    page.get_by_role("button", name=re.compile("Approve and deploy")).click()
    page.get_by_role("button", name=re.compile("Yes, approve")).click()
    page.goto(f"/promotions/{promotion.pk}/")
    expect(page.get_by_text("Deployed", exact=True).first).to_be_visible(timeout=MINUTES)
    promotion = desk.fresh(promotion)
    assert promotion.status == Status.DEPLOYED
    assert promotion.approved_by == desk.bob
    counted = promotion.approvals.filter(until__gt=timezone.now())
    assert sorted(str(approval.person) for approval in counted) == ["bob", "fay", "pam"]
    desk.wait_until_no_branch()


def test_somebody_signs_in_at_the_provider_and_out_again(
    browser: Browser, transactional_db: None, database_url: str
) -> None:
    factories.account(group=access.CONTRIBUTORS)
    # Not the `page` fixture: the provider's own page asks for things that are not there.
    page = browser.new_page()
    faults: list[str] = []
    with provider(environment.FOLDER) as idp:
        settings = {
            "DATABASE_URL": database_url,
            "OIDC_ISSUER": idp.url,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": "secret-of-a-test",
            "OIDC_GROUPS": f"desk-people={access.CONTRIBUTORS}",
            "OIDC_NAME": "Example Login",
            "LOCAL_ACCOUNTS": "false",
        }
        idp.person("s-1", preferred_username="ida", given_name="Ida", groups=["desk-people"])
        with services.web_server(environment.FOLDER, settings) as url:
            page.on(
                "console",
                lambda message: (
                    faults.append(message.text)
                    if message.type == "error" and message.location["url"].startswith(url)
                    else None
                ),
            )
            page.goto(f"{url}/promotions/")
            expect(page.get_by_label("Password")).to_have_count(0)
            page.get_by_role("link", name="Sign in with Example Login").click()
            page.locator("input[name=sub]").fill("s-1")
            page.get_by_role("button", name="Authorize").click()
            # Where she wanted to go, with her role.
            expect(page).to_have_url(f"{url}/promotions/")
            expect(page.get_by_text("Ida").first).to_be_visible()
            expect(page.get_by_role("link", name="New promotion").first).to_be_visible()
            assert User.objects.get().username == "ida"
            sign_out(page)
            page.goto(f"{url}/promotions/")
            expect(page).to_have_url(re.compile("/accounts/login/"))
            assert not faults
            page.get_by_role("link", name="Sign in with Example Login").click()
            page.get_by_role("button", name="Deny").click()
            expect(page.get_by_text("The identity provider did not let you in.")).to_be_visible()
            page.close()
