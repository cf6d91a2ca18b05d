"""Environments do not depend on one another, and one that is gone is no dead end."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import Environment, Event, PromotionRequest
from promotions.states import Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID
GONE = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture
def gone(desk: Desk) -> Environment:
    """An environment that the platform does not know any more; it comes first."""
    return Environment.objects.create(
        environment_id=GONE, name="aa retired production", classification="PROD"
    )


def ended(desk: Desk) -> PromotionRequest:
    promotion = desk.requested(SMALL)
    desk.approve(promotion)
    return desk.wait_for(promotion, Status.DEPLOYED)


def reached(promotion: PromotionRequest) -> set[str]:
    done = promotion.deployments.filter(deployed_at__isnull=False)
    return set(done.values_list("environment__name", flat=True))


def test_one_that_fails_does_not_hold_up_the_others(desk: Desk, gone: Environment) -> None:
    promotion = ended(desk)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "DEPLOY_FAILED")
    assert gone.name in promotion.error
    assert reached(promotion) == {"prod-eu", "prod-us"}
    told = promotion.deployments.get(environment=gone)
    assert told.error_code == "DEPLOY_FAILED"
    assert told.error


def test_a_retry_takes_up_only_what_failed(desk: Desk, gone: Environment) -> None:
    promotion = ended(desk)
    before = desk.calls(8)
    services.retry(desk.bob, promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.error_code == "DEPLOY_FAILED"
    assert desk.calls(8) == before + 1
    assert len(desk.state()["deployments"]) == 2


def test_one_that_is_switched_off_is_passed_by(desk: Desk, gone: Environment) -> None:
    promotion = ended(desk)
    Environment.objects.filter(pk=gone.pk).update(is_active=False)
    services.retry(desk.bob, promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    left_out = promotion.deployments.get(environment=gone)
    assert left_out.dropped_at
    assert left_out.note
    assert Event.objects.filter(promotion=promotion, action="environment_dropped").exists()


def test_an_admin_leaves_one_out_with_a_reason(desk: Desk, gone: Environment) -> None:
    promotion = ended(desk)
    deployment = promotion.deployments.get(environment=gone)
    with pytest.raises(PromotionError) as refused:
        services.drop_environment(desk.alice, deployment, reason="Gone.")
    assert refused.value.code == "FORBIDDEN"
    with pytest.raises(PromotionError) as refused:
        services.drop_environment(desk.bob, deployment, reason=" ")
    assert refused.value.code == "REASON_REQUIRED"
    services.drop_environment(desk.bob, deployment, reason="Retired in May.")
    with pytest.raises(PromotionError) as refused:
        services.drop_environment(desk.bob, deployment, reason="Again.")
    assert refused.value.code == "INVALID_TRANSITION"
    services.retry(desk.bob, promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    event = Event.objects.get(promotion=promotion, action="environment_dropped")
    assert (event.actor, event.subject, event.note) == (desk.bob, gone.name, "Retired in May.")


def test_nothing_is_deployed_when_every_environment_is_left_out(
    desk: Desk, gone: Environment
) -> None:
    promotion = desk.requested(SMALL)
    promotion.deployments.exclude(environment=gone).delete()
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    services.drop_environment(
        desk.bob, promotion.deployments.get(environment=gone), reason="Retired."
    )
    services.retry(desk.bob, promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "NO_ENVIRONMENT")
