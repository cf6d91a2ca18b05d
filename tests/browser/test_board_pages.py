"""axe on the pages about what has been promoted, in light on a desk and in dark on a phone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.models import ComponentResult, Job, Plan, PromotionRequest
from promotions.states import Action, Status
from tests.browser.test_accessibility import LOOKS, faults_by_page
from tests.promotions import factories

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def places(alice: User, bob: User, dora: User) -> dict[str, tuple[User, str]]:
    """Every page with something on it, and who looks at it."""
    sales = factories.account()
    factories.environment()
    source = factories.deployed(
        factories.plan(sales, alice),
        alice,
        bob,
        pack=factories.pack(),
        prod_package_id="prod-package-1",
    )
    us = factories.environment("Production US")
    everywhere = factories.deployed(
        factories.plan(sales, alice), alice, bob, prod_package_id="prod-package-2"
    )
    factories.deployment(everywhere, alice, us, status=Status.WITHDRAWN)
    deployment = factories.deployment(source, alice, us)
    newer = factories.deployed(
        factories.plan(sales, alice),
        alice,
        bob,
        process_id=source.process_id,
        prod_package_id="prod-package-3",
    )
    PromotionRequest.objects.filter(pk=newer.pk).update(merged_at=timezone.now())
    rollback_plan = factories.rollback_plan(source, alice)
    rollback = factories.promotion(
        factories.rollback_plan(source, alice), alice, kind="rollback", source=source
    )
    factories.package(
        sales,
        component_id=newer.plan.root_component_id,
        created_date=timezone.now() + timedelta(hours=1),
    )
    Plan.objects.filter(pk=newer.plan.pk).update(package_created_at=timezone.now())
    changed = newer.results.get(component__action=Action.UPDATE)
    ComponentResult.objects.filter(pk=changed.pk).update(prod_component_id="prod-1")
    Job.objects.create(
        kind=Job.Kind.DRIFT,
        created_at=timezone.now() + timedelta(hours=1),
        finished_at=timezone.now(),
        result={"changed": {"prod-1": {"name": "Order import", "version": 9}}, "seen": 3},
    )
    blocked = factories.plan(sales, alice)
    missing = factories.finding(blocked, "MISSING_CONNECTION_MAPPINGS")
    secret = factories.finding(
        blocked, "SECRET_LEFT_BEHIND", component=blocked.components.last(), can_be_accepted=True
    )
    ask = services.ask_admin(alice, secret, words="It is a public key.")
    services.answer(bob, ask, outcome="declined", words="It is none.")
    services.ask_admin(alice, missing, words="For the season.")
    Job.objects.create(
        kind=Job.Kind.LISTING,
        argument="connector-settings",
        finished_at=timezone.now(),
        result={
            "components": [
                {"id": "p1", "name": "Orders", "sub_type": "http", "folder": "X", "version": 2}
            ]
        },
    )
    return {
        "plan with an answer": (alice, blocked.get_absolute_url()),
        "plan of an admin": (bob, blocked.get_absolute_url()),
        "inbox": (bob, reverse("asks")),
        "own questions": (alice, f"{reverse('asks')}?show=answered"),
        "twins": (bob, reverse("pick_twin", args=[missing.pk])),
        "twins not read": (bob, reverse("pick_twin", args=[secret.pk])),
        "my plans": (alice, reverse("my_plans")),
        "no plans": (dora, reverse("my_plans")),
        "compared plans": (
            alice,
            f"{reverse('compare_plans', args=[rollback_plan.pk])}?with={source.plan.pk}",
        ),
        "process board": (bob, reverse("process_board")),
        "board of a contributor": (alice, reverse("process_board") + "?show=newer"),
        "no process": (alice, reverse("process_board") + "?q=nothing"),
        "versions": (alice, reverse("process_history", args=[source.process_id])),
        "plan of a rollback": (alice, rollback_plan.get_absolute_url()),
        "former promotion": (alice, source.get_absolute_url()),
        "rollback": (alice, rollback.get_absolute_url()),
        "review of a rollback": (dora, reverse("review", args=[rollback.pk])),
        "deploy further": (alice, reverse("deploy_further", args=[everywhere.pk])),
        "nowhere left": (alice, reverse("deploy_further", args=[source.pk])),
        "deployment": (alice, deployment.get_absolute_url()),
        "review of a deployment": (dora, reverse("review", args=[deployment.pk])),
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
