"""The process board: who sees which process, what stands in its row, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from promotions.models import (
    ComponentResult,
    DevAccount,
    Environment,
    Job,
    PromotionRequest,
)
from promotions.states import Action, Status
from tests.promotions import factories
from tests.promotions.pages import document, links, signed_in, text

BOARD = "/processes/"


@pytest.fixture
def promoted(sales: DevAccount, alice: User, bob: User) -> PromotionRequest:
    factories.environment("Production EU")
    return _promoted(sales, alice, bob, "Order import")


def _promoted(
    account: DevAccount, alice: User, bob: User, name: str, **columns: Any
) -> PromotionRequest:
    plan = factories.plan(
        account, alice, root_name=name, package_created_at=timezone.now() - timedelta(days=3)
    )
    return factories.deployed(plan, alice, bob, prod_package_id=f"package-of-{name}", **columns)


def _rows(response: Any) -> list[str]:
    return [" ".join(row.text_content().split()) for row in document(response).xpath("//tbody/tr")]


def test_a_row_says_what_is_where(client: Client, alice: User, promoted: PromotionRequest) -> None:
    page = signed_in(client, alice).get(BOARD)
    [row] = _rows(page)
    assert "Order import" in row
    assert f"Production EU {promoted.package_version}" in row
    assert {
        promoted.get_absolute_url(),
        reverse("deploy_further", args=[promoted.pk]),
        reverse("process_history", args=[promoted.process_id]),
    } <= links(page)


def test_the_newest_deployment_of_an_environment_counts(
    client: Client, alice: User, bob: User, sales: DevAccount, promoted: PromotionRequest
) -> None:
    newer = _promoted(
        sales, alice, bob, "Order import", process_id=promoted.process_id, package_version="9.9"
    )
    us = factories.environment("Production US")
    further = factories.deployment(promoted, alice, us, status=Status.WITHDRAWN)
    further.deployments.update(deployed_at=timezone.now())
    [row] = _rows(signed_in(client, alice).get(BOARD))
    assert "Production EU 9.9" in row
    assert f"Production US {promoted.package_version}" in row
    versions = text(client.get(reverse("process_history", args=[promoted.process_id])))
    assert versions.index("9.9") < versions.index(f"Roll back to {promoted.package_version}")
    assert f"{newer.noun.capitalize()} {newer.pk}, merged" in versions


def test_what_waits_is_counted_and_linked(
    client: Client, alice: User, sales: DevAccount, promoted: PromotionRequest
) -> None:
    waiting = factories.promotion(
        factories.plan(sales, alice), alice, process_id=promoted.process_id
    )
    page = signed_in(client, alice).get(f"{BOARD}?show=waiting")
    assert "Something waits 1" in text(page)
    assert waiting.get_absolute_url() in links(page)


def test_a_newer_package_can_be_promoted_from_there(
    client: Client, alice: User, sales: DevAccount, promoted: PromotionRequest
) -> None:
    root = promoted.plan.root_component_id.upper()
    factories.package(sales, component_id=root, package_version="old", created_date=None)
    assert "Newer package 0" in text(signed_in(client, alice).get(BOARD))
    factories.package(sales, component_id=root, package_version="7.0", created_date=timezone.now())
    page = client.get(f"{BOARD}?show=newer")
    assert "Newer package 1" in text(page)
    assert "Promote 7.0" in _rows(page)[0]


def test_drift_is_told_until_it_is_promoted_over(
    client: Client, alice: User, bob: User, promoted: PromotionRequest
) -> None:
    result = promoted.results.get(component__action=Action.UPDATE)
    ComponentResult.objects.filter(pk=result.pk).update(prod_component_id="Prod-7")
    job = Job.objects.create(
        kind=Job.Kind.DRIFT,
        finished_at=timezone.now(),
        result={"changed": {"prod-7": {"name": "Order import", "version": 9}}},
    )
    page = signed_in(client, alice).get(f"{BOARD}?show=drift")
    assert "Changed in production 1" in text(page)
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert "Changed in production 0" in text(client.get(BOARD))


def test_filters_and_search(
    client: Client, alice: User, bob: User, promoted: PromotionRequest
) -> None:
    other = factories.account("Finance Dev")
    _promoted(other, alice, bob, "Invoice export")
    us = factories.environment("Production US")
    signed_in(client, alice)
    assert len(_rows(client.get(BOARD))) == 2
    assert "Invoice export" in _rows(client.get(f"{BOARD}?q=invoice"))[0]
    assert len(_rows(client.get(f"{BOARD}?account={other.pk}"))) == 1
    assert "No process here fits" in text(client.get(f"{BOARD}?environment={us.pk}"))
    eu = Environment.objects.get(name="Production EU")
    assert len(_rows(client.get(f"{BOARD}?environment={eu.pk}"))) == 2


def test_only_accounts_that_the_person_may_see(
    client: Client, alice: User, bob: User, charlie: User, promoted: PromotionRequest
) -> None:
    hidden = factories.account("Hidden Dev", group="Team B")
    theirs = _promoted(hidden, bob, alice, "Secret process")
    signed_in(client, alice)
    assert "Secret process" not in text(client.get(BOARD))
    assert client.get(reverse("process_history", args=[theirs.process_id])).status_code == 404
    assert "Nothing promoted yet" in text(signed_in(client, charlie).get(BOARD))
    assert client.get(reverse("process_history", args=[promoted.process_id])).status_code == 404
    assert len(_rows(signed_in(client, bob).get(BOARD))) == 2


def test_it_costs_the_same_for_many_processes(
    client: Client,
    alice: User,
    bob: User,
    sales: DevAccount,
    promoted: PromotionRequest,
    django_assert_num_queries: Any,
) -> None:
    signed_in(client, alice)
    with CaptureQueriesContext(connection) as few:
        client.get(BOARD)
    for number in range(12):
        made = _promoted(sales, alice, bob, f"Process {number}")
        factories.promotion(factories.plan(sales, alice), alice, process_id=made.process_id)
        factories.package(sales, component_id=made.plan.root_component_id)
    with django_assert_num_queries(len(few)):
        page = client.get(BOARD)
    assert len(_rows(page)) == 13


def test_an_admin_has_production_compared(
    client: Client, alice: User, bob: User, promoted: PromotionRequest
) -> None:
    assert signed_in(client, alice).post(reverse("look_for_drift")).status_code == 403
    signed_in(client, bob).post(reverse("look_for_drift"))
    assert Job.objects.get().kind == Job.Kind.DRIFT
    assert "Comparing with production" in text(client.get(BOARD))
