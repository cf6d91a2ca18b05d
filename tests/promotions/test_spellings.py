"""Production ids are the same in any letter case, as accounts may have them mapped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from promotions import services
from promotions.models import DevAccount, Plan, PromotionRequest
from promotions.pages.places import places_of
from promotions.plan import premises
from promotions.plan.rollback import built_upon
from promotions.states import Action
from promotions.transitions import open_promotion
from tests.promotions import factories

pytestmark = pytest.mark.django_db


def merged(plan: Plan, spelling: str, requester: User, admin: User, days: int) -> PromotionRequest:
    """A promotion of a plan, merged some days ago, whose root has its production id in this spelling."""
    plan.components.filter(dev_component_id=plan.root_component_id).update(
        prod_component_id=spelling
    )
    with transaction.atomic():
        opened = open_promotion(
            requester=requester,
            plan=plan,
            notes="",
            environments=[],
            package_version=f"{days} days old",
        )
    PromotionRequest.objects.filter(pk=opened.pk).update(
        approved_by=admin,
        approved_hash="0" * 64,
        approvals_missing=0,
        merged_at=timezone.now() - timedelta(days=days),
    )
    return PromotionRequest.objects.get(pk=opened.pk)


def test_a_process_of_two_accounts_is_one_process(
    sales: DevAccount, alice: User, bob: User
) -> None:
    service = factories.account("Service Dev")
    older = merged(factories.plan(sales, alice), "prod-A1", alice, bob, days=2)
    newer = merged(factories.plan(service, alice), "PROD-a1", alice, bob, days=1)
    europe = factories.environment("EU")
    newer.deployments.create(
        environment=europe, platform_id=europe.environment_id, deployed_at=timezone.now()
    )
    assert premises.newer_versions(older, [europe]) == {europe: "1 days old"}
    assert services.may_be_restored(older)
    assert not services.may_be_restored(newer)
    [places] = places_of([older.process_id]).values()
    assert [place.promotion for place in places] == [newer]


def test_a_rollback_sees_who_builds_upon_what_it_takes_back(
    sales: DevAccount, alice: User, bob: User
) -> None:
    source = factories.deployed(factories.plan(sales, alice), alice, bob)
    other = factories.deployed(factories.plan(sales, alice), alice, bob)
    PromotionRequest.objects.filter(pk=source.pk).update(
        merged_at=timezone.now() - timedelta(days=1)
    )
    source.refresh_from_db()
    plan = factories.rollback_plan(source, alice)
    taken_back = plan.components.get(action=Action.UPDATE)
    written = other.results.filter(component__action=Action.UPDATE)
    written.update(prod_component_id=taken_back.prod_component_id.upper())
    assert list(built_upon(source, plan.components.all())) == [(taken_back, other)]
