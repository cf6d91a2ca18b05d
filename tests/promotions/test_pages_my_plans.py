"""My plans: state, age, outdated since; sharing by address; comparing two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from promotions.models import ComponentMapping, ComponentResult, DevAccount, Plan, PromotionRequest
from promotions.states import Action
from promotions.transitions import record_event
from tests.promotions import factories
from tests.promotions.pages import links, signed_in, text

PLANS = "/plans/mine/"


def test_each_plan_says_where_it_stands(client: Client, alice: User, sales: DevAccount) -> None:
    factories.plan(sales, alice, root_name="Ready one")
    blocked = factories.plan(sales, alice, root_name="Blocked one")
    factories.finding(blocked, "TWO_WRITERS")
    idle = factories.plan(sales, alice, root_name="Idle one")
    idle.components.filter(action__in=(Action.CREATE, Action.UPDATE)).delete()
    factories.plan(sales, alice, ready=False, root_name="Young one")
    factories.plan(sales, alice, ready=False, state="failed", root_name="Failed one")
    factories.plan(sales, alice, ready=False, state="cancelled", root_name="Stopped one")
    requested = factories.promotion(factories.plan(sales, alice, root_name="Asked for"), alice)
    shown = text(signed_in(client, alice).get(PLANS))
    for words in ("Ready", "Blocked", "Nothing to do", "Being made", "Failed", "Cancelled"):
        assert words in shown
    assert f"Promotion {requested.pk}" in shown
    assert "Made by me 7" in shown


def test_a_plan_is_outdated_once_something_it_compared_was_written(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    plan = factories.mapped_plan(sales, alice)
    twin = plan.components.get(action=Action.UPDATE).prod_component_id
    other = factories.deployed(factories.plan(sales, alice), alice, bob)
    page = signed_in(client, alice).get(PLANS)
    assert "Outdated" not in text(page)
    result = other.results.get(component__action=Action.UPDATE)
    ComponentResult.objects.filter(pk=result.pk).update(prod_component_id=twin)
    assert "Outdated since" in text(client.get(PLANS))
    assert "Outdated since" in text(client.get(plan.get_absolute_url()))
    before = timezone.now() - timedelta(days=1)
    PromotionRequest.objects.filter(pk=other.pk).update(merged_at=before)
    assert "Outdated" not in text(client.get(PLANS))
    Plan.objects.filter(pk=plan.pk).update(rules_version=0)
    rules = text(client.get(PLANS))
    assert "Outdated The rules for secrets and environment values are newer." in rules


def test_a_plan_is_outdated_once_a_mapping_is_another(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    """Added, removed or pointed elsewhere: said in words, with the time of the change."""
    plan = factories.mapped_plan(sales, alice)
    factories.mapped_plan(factories.account("Finance Dev"), alice)
    addresses = (PLANS, plan.get_absolute_url())
    signed_in(client, alice)
    for address in addresses:
        assert "Outdated" not in text(client.get(address))
    mapping = ComponentMapping.objects.get(dev_account=sales, name="Order profile")
    mapping.prod_component_id = "another-twin"
    mapping.save()
    said = "“Order profile” has been mapped to another production component."
    for address in addresses:
        page = text(client.get(address))
        assert said in page
        assert "Outdated since" not in page, "nobody knows when"
    event = record_event(
        "componentmapping_changed", actor=bob, subject=f"component mapping {mapping.pk}: {mapping}"
    )
    record_event("componentmapping_changed", subject="component mapping 9: Another (process)")
    since = f"Outdated since {event.at.day} {event.at:%b %Y, %H:%M} UTC"
    for address in addresses:
        assert since in text(client.get(address))
    mapping.delete()
    assert "The mapping of “Order profile” was removed." in text(client.get(PLANS))
    new = plan.components.get(action=Action.CREATE)
    ComponentMapping.objects.create(
        dev_account=sales,
        dev_component_id=new.dev_component_id,
        prod_component_id="new-twin",
        name=new.name,
        component_type=new.component_type,
    )
    shown = text(client.get(plan.get_absolute_url()))
    assert f"“{new.name}” has been mapped to a production component." in shown
    # Once it was requested, its promotion's page tells.
    factories.promotion(plan, alice)
    assert "Outdated" not in text(client.get(PLANS))


def test_a_letter_case_is_no_other_mapping(client: Client, alice: User, sales: DevAccount) -> None:
    plan = factories.mapped_plan(sales, alice)
    for mapping in ComponentMapping.objects.all():
        mapping.prod_component_id = mapping.prod_component_id.upper()
        mapping.save()
    assert "Outdated" not in text(signed_in(client, alice).get(plan.get_absolute_url()))


def test_who_may_see_the_account_sees_the_plan(
    client: Client, alice: User, bob: User, charlie: User, sales: DevAccount, make_user: Any
) -> None:
    plan = factories.plan(sales, alice)
    colleague = make_user("carol", "Contributors", "Team A")
    page = signed_in(client, colleague).get(plan.get_absolute_url())
    assert f"http://testserver{plan.get_absolute_url()}" in text(page)
    assert "Made by me 0" in text(client.get(PLANS))
    assert plan.get_absolute_url() in links(client.get(f"{PLANS}?show=all"))
    signed_in(client, charlie)
    assert client.get(plan.get_absolute_url()).status_code == 404
    assert client.get(reverse("compare_plans", args=[plan.pk])).status_code == 404
    assert "Everybody's 0" in text(client.get(f"{PLANS}?show=all"))


def test_two_plans_of_a_process_are_compared(
    client: Client, alice: User, sales: DevAccount
) -> None:
    old = factories.plan(sales, alice)
    new = factories.plan(sales, alice, root_component_id=old.root_component_id)
    stranger = factories.plan(sales, alice)
    new.components.all().delete()
    for component in old.components.all():
        component.pk, component.plan = None, new
        component.save()
    finding = factories.finding(new, "TWO_WRITERS")
    address = reverse("compare_plans", args=[new.pk])
    same = text(signed_in(client, alice).get(f"{address}?with={old.pk}"))
    assert "Both plans say the same about every component." in same
    assert f"Findings that are new{finding.message}" in same
    new.components.filter(action=Action.UPDATE).update(dev_version=9)
    new.components.get(action=Action.CREATE).delete()
    page = text(client.get(f"{address}?with={old.pk}"))
    assert "dev v9" in page
    assert "not in it" in page
    assert "2 components the same in both" in page
    assert client.get(f"{address}?with={stranger.pk}").status_code == 404


def test_it_costs_the_same_for_many_plans(
    client: Client, alice: User, sales: DevAccount, django_assert_num_queries: Any
) -> None:
    factories.plan(sales, alice)
    signed_in(client, alice)
    with CaptureQueriesContext(connection) as few:
        client.get(PLANS)
    for _ in range(8):
        factories.promotion(factories.plan(sales, alice), alice)
    with django_assert_num_queries(len(few)):
        client.get(PLANS)
