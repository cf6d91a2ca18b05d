"""Lists after years of use: the same number of queries, nothing counted to its end, everything found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from promotions.models import ComponentMapping, DevAccount, Event, PromotionRequest
from promotions.pages import paging
from promotions.pages.paging import ShortPaginator, count
from promotions.plan.premises import Look, Moment
from promotions.states import Status
from tests.promotions import factories
from tests.promotions.pages import signed_in, text

pytestmark = pytest.mark.django_db

LISTS = [
    ("bob", "/"),
    ("alice", "/"),
    ("bob", "/queue/"),
    ("bob", "/queue/?tab=recent"),
    ("alice", "/promotions/"),
    ("alice", "/promotions/?show=all&q=import"),
    ("bob", "/admin/promotions/promotionrequest/"),
    ("bob", "/admin/promotions/promotionrequest/?q=import"),
    ("bob", "/admin/promotions/componentmapping/"),
    ("bob", "/admin/promotions/event/"),
    ("bob", "/admin/promotions/apicall/"),
]


@pytest.mark.parametrize(("who", "address"), LISTS)
def test_more_rows_do_not_mean_more_queries(
    client: Client, alice: User, bob: User, sales: DevAccount, who: str, address: str
) -> None:
    bob.is_superuser = bob.is_staff = True
    bob.save()
    signed_in(client, {"alice": alice, "bob": bob}[who])

    def add() -> None:
        factories.promotion(factories.mapped_plan(sales, alice), alice)
        factories.deployed(factories.plan(sales, alice), alice, bob)

    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(address).status_code == 200
        return [query["sql"] for query in seen]

    add()
    few = queries()
    for _ in range(4):
        add()
    many = queries()
    assert len(many) == len(few)
    for query in many:
        assert "COUNT(" not in query or "LIMIT" in query or "GROUP BY" in query, query


@pytest.mark.parametrize(("status", "most"), [(Status.STAGING, 12), (Status.ADMIN_REVIEW, 13)])
def test_the_page_of_a_promotion_asks_a_dozen_times(
    client: Client, alice: User, sales: DevAccount, status: Status, most: int
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, status)
    signed_in(client, alice)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(promotion.get_absolute_url()).status_code == 200
    assert len(seen) <= most


@pytest.mark.parametrize(("rows", "told"), [(0, "0"), (3, "3"), (4, "3+"), (5, "3+")])
def test_what_is_more_than_anybody_counts_is_told_as_such(
    alice: User, sales: DevAccount, rows: int, told: str
) -> None:
    for _ in range(rows):
        factories.plan(sales, alice, ready=False)
    assert str(count(alice.plans.all(), most=3)) == told


def test_the_last_page_says_where_older_ones_are(
    client: Client, alice: User, sales: DevAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(27):
        factories.promotion(factories.plan(sales, alice), alice, Status.QUEUED)
    page = text(signed_in(client, alice).get("/promotions/?page=2"))
    assert "Page 2 of 2 (27 in all)" in page
    monkeypatch.setattr(ShortPaginator, "most", 26)
    page = text(client.get("/promotions/?page=9"))
    assert "Page 2 of 2 (the first 26; older ones are found by search and filters)" in page
    assert paging.MOST == 1000


def test_a_search_finds_names_and_versions_in_any_case(alice: User, sales: DevAccount) -> None:
    by_name = factories.promotion(
        factories.plan(sales, alice, root_name="Invoice export", package_version="3.4"), alice
    )
    by_version = factories.promotion(
        factories.plan(sales, alice, root_name="Other", package_version="Invoice-2"), alice
    )
    factories.promotion(factories.plan(sales, alice, root_name="Order import"), alice)
    found = PromotionRequest.objects.named("iNVOICE")
    assert set(found) == {by_name, by_version}


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("componentmapping/?q=profile", "Order profile"),
        ("componentmapping/?q=DEV-", "Order profile"),
        ("componentmapping/?q=Prod-", "Order profile"),
        ("event/?q=4711", "Ticket 4711"),
        ("event/?action=submitted", "Ticket 4711"),
        ("promotionrequest/?q=import", "Order import"),
        ("apicall/?q=branch", "Create Branch"),
        ("steprun/?q={pk}", "create_branch"),
    ],
)
def test_the_admin_finds_it(
    client: Client, alice: User, bob: User, sales: DevAccount, address: str, found: str
) -> None:
    promotion = factories.promotion(factories.mapped_plan(sales, alice), alice)
    bob.is_superuser = bob.is_staff = True
    bob.save()
    page = signed_in(client, bob).get(f"/admin/promotions/{address.format(pk=promotion.pk)}")
    assert found in text(page) or "1 event" in text(page)
    nothing = text(client.get(f"/admin/promotions/{address.split('?')[0]}?q=xyzzy"))
    assert "0 " in nothing


def test_premises_read_only_the_mappings_of_the_plan(alice: User, sales: DevAccount) -> None:
    mapped = factories.mapped_plan(sales, alice)
    ours = set(sales.mappings.values_list("prod_component_id", flat=True))
    for number in range(3):
        ComponentMapping.objects.create(
            dev_account=sales,
            dev_component_id=f"other-{number}",
            prod_component_id=f"twin-{number}",
        )
    look = Look(Moment.SUBMISSION, mapped, list(mapped.components.all()))
    assert set(look.mapped.values()) == ours
    spelled = [prod_id.swapcase() for prod_id in ours]
    found = ComponentMapping.objects.of_twins(spelled)
    assert set(found.values_list("prod_component_id", flat=True)) == ours


def test_the_newest_event_comes_first_in_the_admin(client: Client, bob: User, db: Any) -> None:
    bob.is_superuser = bob.is_staff = True
    bob.save()
    old = Event.objects.create(action="first_told", at=timezone.now() - timedelta(days=9))
    new = Event.objects.create(action="last_told")
    page = signed_in(client, bob).get("/admin/promotions/event/").content.decode()
    assert page.index(new.action) < page.index(old.action)
    assert not ComponentMapping.objects.exists()
