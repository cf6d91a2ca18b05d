"""What was promoted is deployed to further environments later: requested, approved, operation 8, nothing staged."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import Environment, Event, PromotionRequest
from promotions.pipeline.release import mark
from promotions.states import Kind, Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


@pytest.fixture
def europe(desk: Desk) -> PromotionRequest:
    """A promotion that was deployed to prod-eu only."""
    return to_europe(desk, SMALL, "1.0")


def to_europe(desk: Desk, package_id: str, version: str) -> PromotionRequest:
    plan = desk.plan(package_id)
    assert plan.can_be_submitted, list(plan.findings.values())
    promotion = services.submit(
        desk.alice,
        plan,
        package_version=version,
        environments=Environment.objects.filter(name="prod-eu"),
    )
    desk.wait_for(promotion, Status.ADMIN_REVIEW)
    desk.approve(promotion)
    return desk.wait_for(promotion, Status.DEPLOYED)


def america() -> Environment:
    return Environment.objects.get(name="prod-us")


def approved(desk: Desk, promotion: PromotionRequest) -> PromotionRequest:
    desk.approve(promotion, pack=promotion.pack)
    return desk.wait_for(promotion, Status.DEPLOYED)


def test_a_package_goes_to_a_further_environment(desk: Desk, europe: PromotionRequest) -> None:
    before = {number: desk.calls(number) for number in (2, 3, 7, 8, 10, 12, 18)}
    deployment = services.request_deployment(
        desk.alice, europe, environments=[america()], notes="The US season begins."
    )
    assert (deployment.kind, deployment.source) == (Kind.DEPLOYMENT, europe)
    assert (deployment.status, deployment.plan_id) == (Status.ADMIN_REVIEW, None)
    deployment = approved(desk, deployment)
    assert deployment.status == Status.DEPLOYED, (deployment.error_code, deployment.error)
    after = {number: desk.calls(number) for number in before}
    assert after == before | {8: before[8] + 1}
    assert not deployment.branches.exists()
    deployed = {(d["environment_id"], d["package_id"]) for d in desk.state()["deployments"]}
    packages = {package for _, package in deployed}
    assert deployed == {
        (seed.ENVIRONMENTS["prod-eu"], *packages),
        (seed.ENVIRONMENTS["prod-us"], *packages),
    }
    events = Event.objects.filter(promotion=deployment).values_list("action", flat=True)
    assert list(events) == ["deployment_requested", "approved", "deploying", "deployed"]


def test_the_approval_freezes_the_package_and_the_environments(
    desk: Desk, europe: PromotionRequest
) -> None:
    deployment = services.request_deployment(desk.alice, europe, environments=[america()])
    with pytest.raises(PromotionError) as refused:
        desk.approve(deployment, user=desk.alice, pack=deployment.pack)
    assert refused.value.code == "FORBIDDEN"
    # Somebody makes the row another environment of the platform's.
    Environment.objects.filter(name="prod-us").update(environment_id="another")
    with pytest.raises(PromotionError) as refused:
        desk.approve(deployment, pack=deployment.pack)
    assert refused.value.code == "PLAN_STALE"
    Environment.objects.filter(name="prod-us").update(environment_id=seed.ENVIRONMENTS["prod-us"])
    deployment = approved(desk, deployment)
    frozen = deployment.approved_object()
    assert frozen.package_id == europe.prod_package_id
    assert frozen.package_version == "1.0"
    assert [e.environment_id for e in frozen.environments] == [seed.ENVIRONMENTS["prod-us"]]


def test_an_admin_does_not_approve_their_own(desk: Desk, europe: PromotionRequest) -> None:
    deployment = services.request_deployment(desk.bob, europe, environments=[america()])
    with pytest.raises(PromotionError) as refused:
        desk.approve(deployment, user=desk.bob, pack=deployment.pack)
    assert refused.value.code == "SELF_REVIEW"


def test_what_is_there_or_on_its_way_is_not_asked_for_again(
    desk: Desk, europe: PromotionRequest
) -> None:
    there = Environment.objects.get(name="prod-eu")
    with pytest.raises(PromotionError) as refused:
        services.request_deployment(desk.alice, europe, environments=[there])
    assert refused.value.code == "DEPLOYED_ALREADY"
    services.request_deployment(desk.alice, europe, environments=[america()])
    with pytest.raises(PromotionError) as refused:
        services.request_deployment(desk.alice, europe, environments=[america()])
    assert refused.value.code == "DEPLOYED_ALREADY"
    assert services.further_environments(europe) == []


def test_an_older_version_never_arrives_after_a_newer_one(
    desk: Desk, europe: PromotionRequest
) -> None:
    """Both were requested before either was there, and the older one's call is still under way."""
    root = europe.plan.root_component_id
    desk.edit(action="component_xml", componentId=root, replace=[["Still there", "Still here"]])
    package = desk.edit(action="create_package", componentId=root, packageVersion="2.0")
    newer = to_europe(desk, package["packageId"], "2.0")
    assert newer.status == Status.DEPLOYED, (newer.error_code, newer.error)
    deployments = [
        services.request_deployment(desk.alice, source, environments=[america()])
        for source in (europe, newer)
    ]
    before = desk.calls(8)
    desk.simulator.fault(8, "slow", seconds=3)
    desk.approve(deployments[0], pack=europe.pack)
    desk.wait_until(lambda: desk.calls(8) > before, "the older one's call")
    desk.approve(deployments[1], pack=newer.pack)
    for deployment in deployments:
        ended = desk.wait_for(deployment, Status.DEPLOYED)
        assert ended.status == Status.DEPLOYED, (ended.error_code, ended.error)
    there = seed.ENVIRONMENTS["prod-us"]
    sent = [d["notes"] for d in desk.state()["deployments"] if d["environment_id"] == there]
    assert sent == [mark(deployment) for deployment in deployments]


def test_an_environment_that_fails_is_retried_alone(desk: Desk, europe: PromotionRequest) -> None:
    gone = Environment.objects.create(
        environment_id="00000000-0000-4000-8000-00000000dead", name="aa", classification="PROD"
    )
    deployment = services.request_deployment(desk.alice, europe, environments=[america(), gone])
    deployment = approved(desk, deployment)
    assert (deployment.status, deployment.error_code) == (Status.FAILED, "DEPLOY_FAILED")
    services.drop_environment(
        desk.bob, deployment.deployments.get(environment=gone), reason="Gone."
    )
    before = desk.calls(8)
    services.retry(desk.bob, deployment)
    deployment = desk.wait_for(deployment, Status.DEPLOYED)
    assert deployment.status == Status.DEPLOYED, (deployment.error_code, deployment.error)
    assert desk.calls(8) == before


def test_a_package_that_has_vanished_is_not_deployed(desk: Desk, europe: PromotionRequest) -> None:
    PromotionRequest.objects.filter(pk=europe.pk).update(prod_package_id="another")
    deployment = services.request_deployment(
        desk.alice, desk.fresh(europe), environments=[america()]
    )
    before = desk.calls(8)
    deployment = approved(desk, deployment)
    assert (deployment.status, deployment.error_code) == (Status.FAILED, "APPROVAL_MISSING")
    assert desk.calls(8) == before
