"""Nobody meets a link that ends in "you cannot": every link of every page that a role reaches is followed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone

from promotions import access, services
from promotions.management.commands.setup_roles import set_up_roles
from promotions.models import Channel, ComponentResult, Deputy, Job
from promotions.plan import contents
from promotions.reading.lines import compare
from promotions.states import Action, Kind, Status
from tests.promotions import factories
from tests.promotions.pages import document, links
from tests.promotions.test_adoption import job_with, proposal

pytestmark = pytest.mark.django_db

# The admin pages are Django's own: what leads to them is followed, what they hold is not.
NOT_READ = "/admin/"


@pytest.fixture
def world(alice: User, bob: User, make_user: Callable[..., User]) -> dict[str, User]:
    """Something of everything, and who looks at it."""
    set_up_roles()
    sales, other = factories.account(), factories.account("Finance Dev", group="Team B")
    people = {
        "without access": make_user("nora", "Contributors"),
        "developer": alice,
        "reviewer": make_user("fay", "Finance"),
        "deputy": make_user("dean", "Contributors"),
        "admin": bob,
        "superuser": make_user("sue", is_superuser=True, is_staff=True),
        "superuser without the admin pages": make_user("sam", is_superuser=True),
    }
    Deputy.objects.create(
        admin=bob,
        deputy=people["deputy"],
        starts_at=timezone.now(),
        ends_at=timezone.now() + timedelta(days=1),
    )
    factories.environment()
    factories.pack()
    factories.package(sales)
    for account in (sales, other):
        factories.listing(account)
        factories.plan(account, alice, ready=False)
        factories.plan(account, alice, ready=False, state="failed", error_code="API_ERROR")
        _findings(factories.plan(account, alice), alice)
        large = factories.plan(account, alice)
        for number in range(20):
            factories.component(large, f"Map {number}", "transform.map", Action.CREATE, old=[])
        for status in (Status.STAGING, Status.REJECTED, Status.FAILED, Status.WITHDRAWN):
            factories.promotion(factories.plan(account, alice), alice, status)
        _waiting(factories.promotion(factories.mapped_plan(account, alice), alice), bob)
        factories.for_peers(factories.plan(account, alice), alice, {"Finance": 1})
        factories.promotion(factories.plan(account, bob), bob)
        done = factories.deployed(
            factories.plan(account, alice), alice, bob, process_id=f"process-{account.pk}"
        )
        factories.promotion(
            factories.rollback_plan(done, alice), alice, kind=Kind.ROLLBACK, source=done
        )
        job_with(account, proposal())
    Job.objects.create(
        kind=Job.Kind.LISTING, argument="connector-settings", finished_at=timezone.now()
    )
    Channel.objects.create(name="Operations", kind=Channel.Kind.SLACK, told=[])
    return people


def _findings(plan: Any, asker: User) -> None:
    missing = factories.finding(plan, "MISSING_CONNECTION_MAPPINGS")
    factories.finding(
        plan, "TWIN_IN_PRODUCTION", component=plan.components.last(), can_be_accepted=True
    )
    factories.finding(
        plan,
        "CHANGED_IN_PRODUCTION",
        component=plan.components.last(),
        difference=contents.store(compare(["<a/>"], ["<b/>"]).to_json()),
    )
    if access.plans(asker).filter(pk=plan.pk).exists():
        services.ask_admin(asker, missing, words="Please.")


def _waiting(promotion: Any, admin: User) -> None:
    root = promotion.plan.components.get(action=Action.UPDATE)
    ComponentResult.objects.filter(promotion=promotion).update(prod_component_id="prod-x")
    services.comment(admin, promotion, text="Why?", component=root, place="after", line=15)


def dead_ends(client: Client) -> dict[str, str]:
    """Links that end in a refusal, and forms that lead nowhere: address -> the page it stands on, and the answer."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = deque([("/", "the address bar")])
    while waiting:
        address, page = waiting.popleft()
        parts = urlsplit(address)
        key = (parts.path, frozenset(parse_qs(parts.query, keep_blank_values=True)))
        if key in seen:
            continue
        seen.add(key)
        answer = client.get(address, follow=True)
        if answer.status_code >= 400:
            found[address] = f"{answer.status_code}, on {page}"
        if answer.status_code != 200 or parts.path.startswith(NOT_READ):
            continue
        if not answer.headers["Content-Type"].startswith("text/html"):
            continue
        shown = document(answer)
        for link in shown.xpath("//a/@href | //*/@hx-get"):
            target = urldefrag(urljoin(address, str(link))).url
            if urlsplit(target).netloc in ("", "testserver") and not target.startswith("mailto:"):
                waiting.append((target.removeprefix("http://testserver"), address))
        for action in shown.xpath("//form/@action"):
            try:
                resolve(urlsplit(urljoin(address, str(action))).path)
            except Resolver404:
                found[str(action)] = f"no such address, on {address}"
    assert len(seen) > 5, "it has not got far"
    return found


@pytest.mark.parametrize(
    "role",
    [
        "without access",
        "developer",
        "reviewer",
        "deputy",
        "admin",
        "superuser",
        "superuser without the admin pages",
    ],
)
def test_no_link_ends_in_a_refusal(client: Client, world: dict[str, User], role: str) -> None:
    client.force_login(world[role])
    assert dead_ends(client) == {}


def test_who_may_not_promote_is_not_led_to_it(client: Client, world: dict[str, User]) -> None:
    for role, led in (("without access", False), ("reviewer", False), ("developer", True)):
        client.force_login(world[role])
        for address in ("/", "/plans/mine/", "/promotions/"):
            assert ("/promotions/new/" in links(client.get(address))) == led, (role, address)
