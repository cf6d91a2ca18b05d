"""What the database holds only once: a second row like the first is refused, whoever writes it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, models, transaction

from promotions.models import (
    Acceptance,
    ComponentMapping,
    ComponentResult,
    ComponentUses,
    Deployment,
    DevAccountAccess,
    DevPackage,
    DoneTask,
    Identity,
    PackRelease,
    PlannedComponent,
    PlanPackage,
    PolicyGroup,
    Reading,
    Reservation,
    ReviewPolicy,
    StepRun,
    Turn,
    Viewed,
)
from promotions.states import Status
from tests.promotions import factories

pytestmark = pytest.mark.django_db

UNIQUE = {
    constraint.name: model
    for model in apps.get_app_config("promotions").get_models()
    for constraint in model._meta.constraints
    if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None
}


@pytest.fixture
def rows(alice: User, bob: User) -> dict[type[models.Model], Any]:
    """A row of each model that has such a constraint."""
    account = factories.account()
    promotion = factories.promotion(factories.plan(account, alice), alice, Status.ADMIN_REVIEW)
    policy = ReviewPolicy.objects.create(name="Money")
    return {
        DevAccountAccess: account.access.get(),
        DevPackage: factories.package(account),
        PackRelease: PackRelease.objects.create(
            pack=factories.pack(), prod_component_id="a", package_version="1"
        ),
        ComponentMapping: ComponentMapping.objects.create(
            dev_account=account, dev_component_id="a", prod_component_id="b"
        ),
        ReviewPolicy: policy,
        PolicyGroup: policy.groups.create(group=Group.objects.get(name="Team A")),
        PlannedComponent: promotion.plan.components.first(),
        PlanPackage: promotion.plan.further.create(package_id="a"),
        Acceptance: Acceptance.objects.create(
            dev_account=account, accepted_by=bob, reason="A sample.", fingerprint="f"
        ),
        ComponentResult: promotion.results.first(),
        Reservation: Reservation.objects.create(
            dev_account=account, dev_component_id="a", promotion=promotion
        ),
        Reading: Reading.objects.create(person=bob, digest="d", part=1),
        StepRun: promotion.steps.first(),
        Deployment: promotion.deployments.first(),
        Identity: Identity.objects.create(user=bob, issuer="https://a", subject="b"),
        DoneTask: DoneTask.objects.create(promotion=promotion, task="values", person=bob),
        ComponentUses: ComponentUses.objects.create(
            dev_account=account, component_id="a", version=1, references=[]
        ),
        Turn: Turn.objects.create(name="merges"),
        Viewed: Viewed.objects.create(person=bob, digest="d"),
    }


@pytest.mark.parametrize("name", sorted(UNIQUE))
def test_a_second_row_is_refused(name: str, rows: dict[type[models.Model], Any]) -> None:
    row = rows[UNIQUE[name]]
    if name == "unique_component_of_plan":
        row.position += 100
    elif name == "unique_position_in_plan":
        row.dev_component_id += "-other"
    row.pk, row._state.adding = None, True
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
