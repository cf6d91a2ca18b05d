"""Several packages of one dev account in one promotion: one plan, one branch, one merge; then each goes its own way."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions import partner, services
from promotions.messages import PromotionError
from promotions.models import (
    Approval,
    ComponentMapping,
    Environment,
    IntegrationPack,
    PackRelease,
    Plan,
    PromotionPackage,
    PromotionRequest,
)
from promotions.services.approvals import PackChoice
from promotions.states import Action, Status
from tests.integration.desk import Desk

ORDERS, RETURNS, HEARTBEAT = (
    seed.DEMO_PACKAGE_ID,
    seed.RETURNS_PACKAGE_ID,
    seed.SINGLE_COMPONENT_PACKAGE_ID,
)
SHARED = seed.uid(seed.ORDERS_ACCOUNT, "handle-error")
VERSIONS = {RETURNS: "2.0", HEARTBEAT: "3.0"}


def planned(desk: Desk, *packages: str) -> Plan:
    plan = services.make_plan(desk.alice, desk.orders, *packages)
    desk.wait_until(lambda: desk.fresh(plan).state != Plan.State.BUILDING, "the plan")
    return Plan.objects.get(pk=plan.pk)


def requested(desk: Desk, *packages: str) -> PromotionRequest:
    plan = planned(desk, *packages)
    assert plan.can_be_submitted, (plan.error_code, list(plan.findings.values()))
    promotion = services.submit(
        desk.alice,
        plan,
        package_version="1.0",
        further_versions=VERSIONS,
        environments=Environment.objects.filter(classification="PROD"),
    )
    return desk.wait_for(promotion, Status.ADMIN_REVIEW)


def of(promotion: PromotionRequest, package_id: str) -> PromotionPackage:
    return promotion.further.get(planned__package_id=package_id)


def approve(desk: Desk, promotion: PromotionRequest, heartbeat: PackChoice) -> None:
    """Orders and returns go into one new pack, the heartbeat into its own."""
    desk.approve(
        promotion,
        new_pack_name="Orders and returns",
        further_packs={of(promotion, HEARTBEAT).pk: heartbeat},
    )


def repackaged(desk: Desk, component: str, version: str) -> str:
    """A new package of a component of the orders account, by its id."""
    made = desk.edit(
        action="create_package",
        componentId=seed.uid(seed.ORDERS_ACCOUNT, component),
        packageVersion=version,
    )
    return str(made["packageId"])


def packs_by_name(desk: Desk) -> dict[str, dict[str, object]]:
    return {pack["name"]: pack for pack in desk.state()["packs"]}


class TestThePlan:
    def test_it_holds_each_component_once(self, desk: Desk) -> None:
        alone = [planned(desk, package) for package in (ORDERS, RETURNS, HEARTBEAT)]
        together = planned(desk, ORDERS, RETURNS, HEARTBEAT)
        ids = [set(plan.components.values_list("dev_component_id", flat=True)) for plan in alone]
        assert SHARED in ids[0] & ids[1]
        held = list(together.components.values_list("dev_component_id", flat=True))
        assert set(held) == set.union(*ids)
        assert len(held) == len(set(held))
        assert [together.held_by(package) for package in together.packages] == ids
        assert [package.root_name for package in together.packages] == [
            plan.root_name for plan in alone
        ]
        assert together.called == f"{alone[0].root_name} and 2 more"
        assert together.content_hash not in {plan.content_hash for plan in alone}

    def test_dependencies_of_all_come_before_what_uses_them(self, desk: Desk) -> None:
        plan = planned(desk, RETURNS, ORDERS)
        position = dict(plan.components.values_list("dev_component_id", "position"))
        group = dict(plan.components.values_list("dev_component_id", "group"))
        for key, uses in plan.components.values_list("dev_component_id", "depends_on"):
            assert all(position[used] < position[key] or group[used] == group[key] for used in uses)

    def test_two_versions_of_one_component_block_and_are_named(self, desk: Desk) -> None:
        """In the guide's dialect there is only the newest, and that a package is older blocks by itself."""
        desk.edit(action="touch", componentId=SHARED)
        package = repackaged(desk, "returns-intake", "1.2")
        plan = planned(desk, ORDERS, package)
        if not partner.client().capabilities.pins_versions:
            older = plan.findings.get(code="PACKAGE_OLDER", subject_id__iexact=SHARED)
            assert older.blocking
            return
        finding = plan.findings.get(code="VERSIONS_DIFFER")
        assert finding.blocking
        assert not finding.can_be_accepted
        assert finding.subject_id.lower() == SHARED.lower()
        assert "version 1 in the package 1.0" in finding.message
        assert "version 2 in the package 1.2" in finding.message
        with pytest.raises(PromotionError) as refused:
            services.submit(
                desk.alice,
                plan,
                package_version="1.0",
                further_versions={package: "1.0"},
                environments=Environment.objects.filter(classification="PROD"),
            )
        assert refused.value.code == "VERSIONS_DIFFER"

    def test_two_packages_of_one_process_are_refused(self, desk: Desk) -> None:
        plan = planned(desk, seed.UPDATE_PACKAGE_ID, seed.OLD_UPDATE_PACKAGE_ID)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "ONE_PROCESS_TWICE")


def test_three_packages_reach_production_by_one_merge(desk: Desk) -> None:
    before = {number: desk.calls(number) for number in (9, 10, 13, 18)}
    promotion = requested(desk, ORDERS, RETURNS, HEARTBEAT)
    approve(desk, promotion, PackChoice(new_pack_name="Monitoring"))
    approved = desk.fresh(promotion).approved_object()
    assert [one.package_version for one in approved.packages] == ["1.0", "2.0", "3.0"]
    assert [one.pack_name for one in approved.packages] == [
        "Orders and returns",
        "Orders and returns",
        "Monitoring",
    ]
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    # One branch, one merge; two packs are made and each of them is released once.
    assert {number: desk.calls(number) - before[number] for number in before} == {
        9: 2,
        10: 1,
        13: 1,
        18: 2,
    }
    assert promotion.plan.components.filter(dev_component_id=SHARED).count() == 1
    assert (
        ComponentMapping.objects.filter(dev_account=desk.orders, dev_component_id=SHARED).count()
        == 1
    )
    packages = {p["id"]: p for p in desk.state()["packages"]}
    for row, version in zip(promotion.packages, ("1.0", "2.0", "3.0"), strict=True):
        package = packages[row.prod_package_id]
        assert package["version"] == version
        assert package["component_id"].lower() == row.process_id
        assert PackRelease.objects.filter(pack=row.pack, package_version=version).exists()
    packs = packs_by_name(desk)
    assert len(packs["Orders and returns"]["entries"]) == 2  # type: ignore[arg-type]
    assert len(packs["Monitoring"]["entries"]) == 1  # type: ignore[arg-type]
    assert promotion.deployments.filter(deployed_at__isnull=False).count() == 6
    assert not desk.branches()


def test_what_is_being_created_is_held_by_the_package_that_brings_it(desk: Desk) -> None:
    promotion = requested(desk, ORDERS, RETURNS, HEARTBEAT)
    heartbeat = of(promotion, HEARTBEAT)
    held = promotion.reservations.filter(package=heartbeat)
    assert [row.dev_component_id for row in held] == [heartbeat.planned.root_component_id]
    assert promotion.reservations.get(dev_component_id=SHARED).package is None
    services.withdraw(desk.alice, promotion)
    assert not promotion.reservations.exists()
    desk.wait_until_no_branch()


def test_one_that_cannot_be_deployed_holds_up_no_other(desk: Desk) -> None:
    promotion = requested(desk, ORDERS, RETURNS, HEARTBEAT)
    # In the guide's dialect a release is what is deployed: one call for both packages of a pack.
    of_others = 2 if partner.client().capabilities.deploys_released_package else 4
    desk.simulator.fault(8, "status", status=400, after=of_others, times=1)
    approve(desk, promotion, PackChoice(new_pack_name="Monitoring"))
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "DEPLOY_FAILED")
    heartbeat = of(promotion, HEARTBEAT)
    assert heartbeat.planned.root_name in promotion.error
    done = promotion.deployments.filter(deployed_at__isnull=False)
    assert done.exclude(package=heartbeat).count() == 4
    failed = promotion.deployments.get(deployed_at__isnull=True)
    assert failed.package == heartbeat
    calls = {number: desk.calls(number) for number in (7, 9, 17, 18)}
    before = desk.calls(8)
    services.retry(desk.bob, promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert desk.calls(8) == before + 1
    assert {number: desk.calls(number) for number in calls} == calls


def test_one_that_cannot_be_packaged_holds_up_no_other(desk: Desk) -> None:
    promotion = requested(desk, ORDERS, RETURNS, HEARTBEAT)
    desk.simulator.fault(7, "status", status=400, after=1, times=1)
    approve(desk, promotion, PackChoice(new_pack_name="Monitoring"))
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.FAILED
    returns = of(promotion, RETURNS)
    assert returns.package_error_code == promotion.error_code
    assert returns.planned.root_name in promotion.error
    assert not returns.prod_package_id
    done = promotion.deployments.filter(deployed_at__isnull=False)
    assert done.exclude(package=returns).count() == done.count() == 4
    before = {number: desk.calls(number) for number in (7, 9, 13, 18)}
    services.retry(desk.bob, promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    # Its pack is released once more, for it alone was missing there.
    assert {number: desk.calls(number) - before[number] for number in before} == {
        7: 1,
        9: 0,
        13: 0,
        18: 1,
    }
    assert not of(promotion, RETURNS).package_error_code
    assert len(packs_by_name(desk)["Orders and returns"]["entries"]) == 2  # type: ignore[arg-type]
    assert promotion.deployments.filter(deployed_at__isnull=False).count() == 6


def test_one_whose_pack_is_gone_goes_into_another_at_a_retry(desk: Desk) -> None:
    promotion = requested(desk, ORDERS, RETURNS, HEARTBEAT)
    gone = IntegrationPack.objects.create(pack_id=seed.uid("nobody", "gone"), name="Gone")
    approve(desk, promotion, PackChoice(gone))
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "PACK_NOT_FOUND")
    heartbeat = of(promotion, HEARTBEAT)
    assert heartbeat.package_error_code == "PACK_NOT_FOUND"
    assert promotion.deployments.filter(deployed_at__isnull=False).count() == 4
    other = IntegrationPack.objects.get(pack_id=seed.PACKS["customers"])
    before = desk.calls(18)
    desk.read(promotion, desk.dora)
    services.retry(desk.dora, promotion, pack=other, package=heartbeat)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert desk.calls(18) == before + 1
    assert of(promotion, HEARTBEAT).pack == other
    assert promotion.pack_name == "Orders and returns"
    # Another pack is another approval, of all of it.
    assert promotion.approved_by == desk.dora
    assert Approval.objects.filter(promotion=promotion).count() == 2


def test_what_follows_is_done_for_each_process(desk: Desk) -> None:
    """Deployed further, promoted alone, and rolled back to what the bundle has brought."""
    plan = planned(desk, ORDERS, HEARTBEAT)
    europe, america = (Environment.objects.get(name=name) for name in ("prod-eu", "prod-us"))
    promotion = services.submit(
        desk.alice,
        plan,
        package_version="1.0",
        further_versions=VERSIONS,
        environments=[europe],
    )
    desk.wait_for(promotion, Status.ADMIN_REVIEW)
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    heartbeat = of(promotion, HEARTBEAT)
    assert services.further_environments(heartbeat) == [america]
    further = services.request_deployment(desk.alice, heartbeat, environments=[america])
    assert further.called == heartbeat.planned.root_name
    assert (further.package_version, further.process_id) == ("3.0", heartbeat.process_id)
    desk.approve(further, pack=promotion.pack)
    further = desk.wait_for(further, Status.DEPLOYED)
    assert further.status == Status.DEPLOYED, (further.error_code, further.error)
    assert services.further_environments(heartbeat) == []
    assert services.further_environments(promotion) == [america]
    assert not services.may_be_restored(heartbeat)
    desk.edit(action="touch", componentId=seed.uid(seed.ORDERS_ACCOUNT, "heartbeat"))
    package = repackaged(desk, "heartbeat", "1.1")
    newer = desk.promoted(package, version="3.1", pack={"pack": promotion.pack})
    assert newer.status == Status.DEPLOYED, (newer.error_code, newer.error)
    assert newer.process_id == heartbeat.process_id
    assert services.may_be_restored(heartbeat)
    assert not services.may_be_restored(promotion)
    back = services.plan_rollback(desk.alice, heartbeat)
    desk.wait_until(lambda: desk.fresh(back).state != Plan.State.BUILDING, "the rollback's plan")
    back = Plan.objects.get(pk=back.pk)
    assert [c.action for c in back.components.all()] == [Action.UPDATE], back.error
    rolled = services.submit(
        desk.alice,
        back,
        package_version=services.suggested_version(back),
        environments=[europe],
        notes="The newer one is wrong.",
    )
    assert rolled.package_version == "3.0-restored-1"
    desk.wait_for(rolled, Status.ADMIN_REVIEW)
    desk.approve(rolled, pack=promotion.pack)
    rolled = desk.wait_for(rolled, Status.DEPLOYED)
    assert rolled.status == Status.DEPLOYED, (rolled.error_code, rolled.error)
