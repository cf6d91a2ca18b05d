"""Each fault of the guide, each to its end state: what is told, what is left on the platform, what a retry does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from partnerapi.simulator import seed, seed_xml
from partnerapi.simulator.documents import ROOT_NAMESPACES
from promotions import services
from promotions.messages import MESSAGES, PromotionError
from promotions.models import ApiCall, ComponentMapping, IntegrationPack, Plan, PromotionRequest
from promotions.partner import client
from promotions.states import Action, Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def failed(desk: Desk, promotion: PromotionRequest, code: str, step: str) -> PromotionRequest:
    """The promotion has failed with this code at this step, its branch is gone, and the page can say why."""
    promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
    if promotion.status == Status.ADMIN_REVIEW:
        desk.approve(promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code, promotion.failed_step) == (
        Status.FAILED,
        code,
        step,
    ), promotion.error
    assert code in MESSAGES
    desk.wait_until_no_branch()
    return promotion


def contents(components: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {key: component["sha"] for key, component in components.items()}


def nothing_reached_production(desk: Desk, before: dict[str, Any]) -> None:
    assert contents(desk.production()) == contents(before)
    assert not ComponentMapping.objects.filter(source="engine").exists()
    assert not desk.state()["deployments"]


class TestBeforeTheMerge:
    def test_a_refused_token_is_waited_for_and_says_what_to_check(self, desk: Desk) -> None:
        before = desk.production()
        plan = desk.plan(SMALL)
        desk.simulator.fault("*", "status", status=401, times=-1)
        promotion = desk.submit(plan)
        desk.wait_until(lambda: desk.fresh(promotion).hold_kind == "platform", "the hold")
        hold = desk.fresh(promotion).hold
        assert hold.code == "AUTH_FAILED"
        assert "simulator-token" not in hold.words
        assert "BOOMI_TOKEN." in MESSAGES["AUTH_FAILED"].to_do
        services.withdraw(desk.alice, promotion)
        assert desk.fresh(promotion).status == Status.WITHDRAWN
        nothing_reached_production(desk, before)

    def test_an_account_that_is_refused_is_tried_once(self, desk: Desk) -> None:
        before = desk.production()
        plan = desk.plan(SMALL)
        desk.simulator.fault(2, "status", status=403, times=1)
        failed(desk, desk.submit(plan), "FORBIDDEN_ACCOUNT", "stage_components")
        assert desk.calls(2) == 1
        nothing_reached_production(desk, before)

    def test_a_plan_of_a_refused_account(self, desk: Desk) -> None:
        desk.simulator.fault(6, "status", status=403, times=9)
        plan = desk.plan(SMALL)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "FORBIDDEN_ACCOUNT")
        assert desk.calls(6) == 1

    def test_a_plan_waits_for_a_token_that_is_accepted(self, desk: Desk) -> None:
        desk.simulator.fault(6, "status", status=401, times=2)
        plan = desk.plan(SMALL)
        assert plan.state == Plan.State.READY, (plan.error_code, plan.error)
        assert not plan.hold_kind

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_short_outage_is_waited_for(self, desk: Desk, status: int) -> None:
        plan = desk.plan(SMALL)
        for operation in (2, 10, 12, 7, 18, 8):
            desk.simulator.fault(operation, "status", status=status, times=2, retry_after=0)
        promotion = desk.submit(plan)
        desk.approve(desk.wait_for(promotion, Status.ADMIN_REVIEW))
        assert desk.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED

    def test_what_retry_after_says_is_waited_for(self, desk: Desk) -> None:
        """It is the platform's own word, so the tests' short waits do not shorten it."""
        plan = desk.plan(SMALL)
        desk.simulator.fault(10, "status", status=503, times=1, retry_after=2)
        promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
        assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
        refused, done = ApiCall.objects.filter(promotion=promotion, operation="10").order_by("pk")
        assert (refused.status, done.status) == (503, 200)
        assert (done.at - refused.at).total_seconds() > 2 - done.duration_ms / 1000
        desk.approve(promotion)
        assert desk.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED

    def test_a_component_that_is_gone(self, desk: Desk) -> None:
        plan = desk.plan(seed.DELETED_REFERENCE_PACKAGE_ID)
        finding = plan.findings.get(code="UNRESOLVED_REFERENCES")
        assert finding.subject_id == seed.DELETED_COMPONENT_ID
        assert not plan.can_be_submitted

    def test_a_packaged_component_that_is_gone(self, desk: Desk) -> None:
        root = desk.plan(SMALL).root_component_id
        desk.edit(action="delete_component", componentId=root)
        plan = desk.plan(SMALL)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "COMPONENT_NOT_FOUND")

    def test_a_package_that_is_not_shareable(self, desk: Desk) -> None:
        plan = desk.plan(seed.NOT_SHAREABLE_PACKAGE_ID)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "PACKAGE_NOT_SHAREABLE")

    def test_a_package_that_vanished_before_the_plan(self, desk: Desk) -> None:
        desk.edit(action="delete_package", packageId=SMALL)
        plan = desk.plan(SMALL)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "PACKAGE_NOT_FOUND")

    def test_a_package_that_vanished_between_plan_and_submit(self, desk: Desk) -> None:
        before = desk.production()
        plan = desk.plan(SMALL)
        desk.edit(action="delete_package", packageId=SMALL)
        failed(desk, desk.submit(plan), "PACKAGE_NOT_FOUND", "stage_components")
        nothing_reached_production(desk, before)

    def test_a_branch_that_never_gets_ready(self, desk: Desk) -> None:
        before = desk.production()
        plan = desk.plan(SMALL)
        desk.edit(branch_mode="never_ready")
        promotion = failed(desk, desk.submit(plan), "BRANCH_CREATION_TIMEOUT", "await_branch")
        assert promotion.steps.get(step="await_branch").polls == 6
        nothing_reached_production(desk, before)

    def test_at_the_branch_limit_requests_wait_in_order_and_say_their_place(
        self, desk: Desk
    ) -> None:
        desk.edit(action="make_branches", count=10)
        others = desk.state()["branches"]
        first = desk.submit(desk.plan(SMALL))
        second_plan = desk.plan(seed.CYCLE_PACKAGE_ID, account=desk.finance, user=desk.bob)
        second = desk.submit(second_plan, user=desk.bob)
        desk.wait_until(lambda: "Place in line: 1" in desk.fresh(first).waiting_for, "place 1")
        desk.wait_until(lambda: "Place in line: 2" in desk.fresh(second).waiting_for, "place 2")
        assert desk.fresh(first).status == desk.fresh(second).status == Status.WAITING
        assert not desk.branches()
        free = next(b["id"] for b in others if b["name"].startswith("somebody-"))
        desk.edit(action="delete_branch", branchId=free)
        assert desk.wait_for(first, Status.ADMIN_REVIEW).status == Status.ADMIN_REVIEW
        assert desk.fresh(second).status == Status.WAITING
        services.reject(desk.bob, first, reason="Not now.")
        assert desk.wait_for(second, Status.ADMIN_REVIEW).status == Status.ADMIN_REVIEW
        assert len(desk.state()["branches"]) == 11  # main, nine of other people, ours

    def test_the_platforms_own_branch_limit(self, desk: Desk) -> None:
        plan = desk.plan(SMALL)
        desk.edit(branch_limit=0)
        failed(desk, desk.submit(plan), "BRANCH_LIMIT_REACHED", "create_branch")

    def test_a_package_version_that_is_taken_is_found_before_the_merge(self, desk: Desk) -> None:
        before = desk.production()
        prod_root = next(
            twin
            for (account, dev), twin in seed.TWINS.items()
            if dev == desk.plan(seed.UPDATE_PACKAGE_ID).root_component_id
        )
        plan = desk.plan(seed.UPDATE_PACKAGE_ID)
        # Nobody knew of it when the version was typed.
        desk.edit(action="create_package", componentId=prod_root, packageVersion="9.0")
        failed(desk, desk.submit(plan, version="9.0"), "PACKAGE_VERSION_EXISTS", "check_staged")
        with pytest.raises(PromotionError, match="PACKAGE_VERSION_EXISTS"):
            desk.submit(desk.plan(seed.UPDATE_PACKAGE_ID), version="9.0")
        nothing_reached_production(desk, before)

    def test_a_locked_component(self, desk: Desk) -> None:
        before = desk.production()
        plan = desk.plan(seed.UPDATE_PACKAGE_ID)
        desk.edit(action="lock", componentId=seed.PROD_STOCK_SETTINGS_ID)
        promotion = desk.submit(plan, version="1.1")
        promotion = failed(desk, promotion, "COMPONENT_LOCKED", "stage_components")
        assert promotion.results.filter(error_code="COMPONENT_LOCKED").count() == 1
        nothing_reached_production(desk, before)

    @pytest.mark.parametrize("kind", ["html", "empty"])
    def test_a_component_whose_xml_does_not_parse(self, desk: Desk, kind: str) -> None:
        desk.simulator.fault(1, kind, times=100)
        plan = desk.plan(SMALL)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "BAD_RESPONSE")
        assert not plan.components.exists()

    def test_answers_that_break_off_are_read_again_and_then_told(self, desk: Desk) -> None:
        desk.simulator.fault(1, "truncated", times=1)
        assert desk.plan(SMALL).can_be_submitted
        desk.simulator.fault(1, "truncated", times=1000)
        plan = desk.plan(SMALL)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "API_UNAVAILABLE")
        assert not plan.components.exists()

    def test_a_component_with_a_dtd_or_an_entity_is_never_read(self, desk: Desk) -> None:
        desk.simulator.fault(1, "doctype", times=100)
        plan = desk.plan(SMALL)
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "BAD_RESPONSE")
        assert "document type" in plan.error.lower() or "dtd" in plan.error.lower(), plan.error

    def test_a_component_over_the_size_bound(self, desk: Desk) -> None:
        root = desk.plan(SMALL).root_component_id
        xml = desk.raw(root)
        filler = "x" * 3_100_000
        desk.edit(action="touch", componentId=root, description=filler)
        assert len(desk.raw(root)) > len(xml) + 3_000_000
        package = desk.edit(action="create_package", componentId=root, packageVersion="8.0")
        plan = desk.plan(package["packageId"])
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "COMPONENT_TOO_LARGE")

    def test_too_many_components(self, desk: Desk) -> None:
        desk.simulator._call("POST", "reset", {"seed": "large"})
        account = desk.orders
        package = max(
            desk.state()["accounts"][account.account_id]["packages"],
            key=lambda package: len(package["manifest"]),
        )
        assert len(package["manifest"]) > 60
        plan = desk.plan(package["id"])
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "TOO_MANY_COMPONENTS")
        assert not plan.components.exists()

    def test_a_change_in_dev_after_the_plan_never_travels(self, desk: Desk) -> None:
        """What the plan has prepared is what is written, and what is approved."""
        plan = desk.plan(SMALL)
        desk.edit(action="touch", componentId=plan.root_component_id)
        desk.approve(desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW))
        promotion = desk.wait_for(PromotionRequest.objects.get(plan=plan), Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        assert "Touched" not in desk.raw(promotion.results.get().prod_component_id)

    def test_a_platform_that_ignores_the_branch_is_noticed_at_the_first_write(
        self, desk: Desk
    ) -> None:
        plan = desk.plan()
        desk.edit(branching_enabled=False)
        promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
        assert promotion.status == Status.FAILED
        assert desk.calls(2) <= 1
        assert not ComponentMapping.objects.filter(source="engine").exists()


class TestTheMerge:
    @pytest.mark.parametrize("operation", [12, 13])
    def test_a_conflict(self, desk: Desk, operation: int) -> None:
        before = desk.production()
        step = {12: "create_merge_request", 13: "execute_merge"}[operation]
        desk.simulator.fault(operation, "status", status=409, times=1)
        failed(desk, desk.submit(desk.plan(SMALL)), "MERGE_CONFLICT", step)
        nothing_reached_production(desk, before)

    def test_a_merge_that_fails(self, desk: Desk) -> None:
        before = desk.production()
        desk.edit(merge_mode="fail")
        failed(desk, desk.submit(desk.plan(SMALL)), "MERGE_FAILED", "await_merged")
        nothing_reached_production(desk, before)

    def test_a_draft_that_fails(self, desk: Desk) -> None:
        before = desk.production()
        desk.edit(merge_mode="fail_draft")
        failed(desk, desk.submit(desk.plan(SMALL)), "MERGE_FAILED", "await_draft")
        nothing_reached_production(desk, before)

    def test_a_merge_that_needs_no_execution(self, desk: Desk) -> None:
        desk.edit(merge_mode="auto")
        promotion = desk.promoted(SMALL)
        assert promotion.status == Status.DEPLOYED
        # It may be seen as REVIEWING just before it goes on by itself; then 13 is refused and 19 settles it.
        assert desk.calls(13) <= 1
        assert len(desk.state()["merges"]) == 1

    def test_a_merge_that_ends_late_is_recorded_before_its_branch_goes(self, desk: Desk) -> None:
        desk.edit(merge_mode="stuck")
        promotion = desk.requested(SMALL)
        desk.approve(promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "MERGE_TIMEOUT")
        assert desk.branches()
        assert not ComponentMapping.objects.filter(source="engine").exists()
        desk.edit(merge_mode="normal")
        desk.wait_until_no_branch()
        promotion = desk.fresh(promotion)
        assert promotion.merged_at is not None
        twin = ComponentMapping.objects.get(source="engine").prod_component_id
        assert twin in desk.production()
        services.retry(desk.bob, promotion)
        assert desk.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED

    def test_production_that_moved_since_the_plan(self, desk: Desk) -> None:
        promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
        desk.edit(action="touch", componentId=seed.PROD_STOCK_SETTINGS_ID)
        before = desk.production()
        failed(desk, promotion, "PLAN_STALE", "verify")
        nothing_reached_production(desk, before)

    def test_a_component_that_is_only_packaged_along_moved_since_the_plan(self, desk: Desk) -> None:
        first = desk.promoted()
        assert first.status == Status.DEPLOYED
        root = first.plan.root_component_id
        desk.edit(action="touch", componentId=root)
        package = desk.edit(action="create_package", componentId=root, packageVersion="1.1")
        promotion = desk.requested(package["packageId"], version="1.1")
        along = promotion.results.filter(component__action=Action.UNCHANGED).first()
        assert along is not None
        desk.edit(action="touch", componentId=along.prod_component_id)
        before = desk.production()
        promotion = failed(desk, promotion, "PLAN_STALE", "verify")
        assert along.component.name in promotion.error
        assert contents(desk.production()) == contents(before)

    def test_a_branch_that_somebody_changed_after_the_review(self, desk: Desk) -> None:
        promotion = desk.requested(SMALL)
        result = promotion.results.get()
        branch = promotion.branch
        assert branch is not None
        change_on_branch(desk, result.prod_component_id, branch.remote_id)
        before = desk.production()
        failed(desk, promotion, "PLAN_STALE", "verify")
        nothing_reached_production(desk, before)

    def test_a_component_that_somebody_made_on_the_branch_after_the_review(
        self, desk: Desk
    ) -> None:
        promotion = desk.requested(SMALL)
        branch = promotion.branch
        assert branch is not None
        desk.edit(
            action="create_component",
            branchId=branch.remote_id,
            xml=f'<bns:Component {ROOT_NAMESPACES} name="Nobody planned this" type="script.processing">'
            "<bns:encryptedValues/><bns:description/>"
            f"<bns:object>{seed_xml.processing_script('1')}</bns:object></bns:Component>",
        )
        before = desk.production()
        failed(desk, promotion, "PLAN_STALE", "verify")
        nothing_reached_production(desk, before)

    def test_a_branch_that_somebody_changed_while_the_merge_was_asked_for(self, desk: Desk) -> None:
        """After the look at the branch: the draft tells its own versions, where the platform tells them."""
        promotion = desk.requested(SMALL)
        [result], branch = promotion.results.all(), promotion.branch
        assert branch is not None
        before = desk.production()
        desk.simulator.latency(1500)
        desk.approve(promotion)
        desk.wait_until(
            lambda: promotion.steps.filter(step="create_merge_request").exists(), "the request"
        )
        desk.edit(action="touch", componentId=result.prod_component_id, branchId=branch.remote_id)
        desk.simulator.latency(0)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        if client().capabilities.reports_merge_details:
            assert promotion.error_code == "PLAN_STALE"
            nothing_reached_production(desk, before)
        else:
            assert promotion.error_code == "MERGE_INCOMPLETE"
            assert not promotion.prod_package_id

    def test_a_value_that_somebody_changed_on_the_branch_after_the_review(self, desk: Desk) -> None:
        """The review shows no environment value, and the approval covers them all the same."""
        promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
        branch = promotion.branch
        assert branch is not None
        change_on_branch(
            desk,
            seed.PROD_STOCK_SETTINGS_ID,
            branch.remote_id,
            b"https://stock.example.com",
            b"https://elsewhere.example.com",
        )
        before = desk.production()
        failed(desk, promotion, "PLAN_STALE", "verify")
        nothing_reached_production(desk, before)

    def test_a_mapping_that_appeared_since_the_plan(self, desk: Desk) -> None:
        promotion = desk.requested(SMALL)
        component = promotion.plan.components.get()
        ComponentMapping.objects.create(
            dev_account=desk.orders,
            dev_component_id=component.dev_component_id,
            prod_component_id=seed.PROD_STOCK_SETTINGS_ID,
            name="Elsewhere",
            component_type="process",
        )
        before = desk.production()
        with pytest.raises(PromotionError, match="PLAN_STALE"):
            desk.approve(promotion)
        assert desk.fresh(promotion).status == Status.ADMIN_REVIEW
        assert contents(desk.production()) == contents(before)


def change_on_branch(
    desk: Desk,
    component_id: str,
    branch_id: str,
    old: bytes = rb"<bns:description>[^<]*</bns:description>",
    new: bytes = b"<bns:description>Changed by somebody</bns:description>",
) -> None:
    """Somebody opens the branch in the Boomi editor and saves something else."""
    api = client()
    now = api.get_component(component_id, branch_id=branch_id)
    changed = re.sub(old, new, now.xml)
    assert changed != now.xml
    api.update_component(component_id, changed, branch_id=branch_id)


class TestAfterTheMerge:
    """There is only forward: the promotion fails with its step named, and a retry goes on from there."""

    def merged_once(self, desk: Desk, promotion: PromotionRequest) -> None:
        assert [desk.calls(number) for number in (10, 12, 13)] == [1, 1, 1]
        assert desk.calls(2) == 1

    @pytest.mark.parametrize(
        ("operation", "code", "step"),
        [
            (7, "BAD_REQUEST", "create_package"),
            (9, "BAD_REQUEST", "ensure_pack"),
            (17, "BAD_REQUEST", "add_to_pack"),
            (18, "RELEASE_FAILED", "release_pack"),
            (8, "DEPLOY_FAILED", "deploy"),
        ],
    )
    def test_a_step_that_fails_is_retried_from_there(
        self, desk: Desk, operation: int, code: str, step: str
    ) -> None:
        desk.simulator.fault(operation, "status", status=400, times=1, message="Not today.")
        promotion = failed(desk, desk.submit(desk.plan(SMALL)), code, step)
        assert "Not today." in promotion.error
        assert promotion.merged_at is not None
        services.retry(desk.bob, promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        self.merged_once(desk, promotion)
        assert len(desk.state()["deployments"]) == 2
        assert promotion.steps.filter(step=step).count() == 2
        assert not promotion.steps.exclude(step=step).filter(attempt__gt=1).exists()

    def test_what_somebody_changed_after_the_merge_is_packaged_only_when_an_admin_says_so(
        self, desk: Desk
    ) -> None:
        desk.simulator.fault(7, "status", status=400, times=1)
        promotion = failed(desk, desk.submit(desk.plan(SMALL)), "BAD_REQUEST", "create_package")
        result = promotion.results.get()
        desk.edit(action="touch", componentId=result.prod_component_id)
        services.retry(desk.bob, promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.error_code, promotion.failed_step) == (
            "PRODUCTION_CHANGED",
            "create_package",
        )
        result.refresh_from_db()
        assert promotion.error.endswith(f"in production, not at {result.merged_version}.")
        assert not desk.state()["deployments"]
        # Another change is another matter: what was told is what may be accepted.
        desk.edit(action="touch", componentId=result.prod_component_id)
        services.retry(desk.bob, promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.error_code == "PRODUCTION_CHANGED"
        services.retry(desk.bob, promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)

    def test_the_second_environment_fails_and_only_it_is_deployed_again(self, desk: Desk) -> None:
        desk.simulator.fault(8, "status", status=400, times=1, after=1)
        promotion = failed(desk, desk.submit(desk.plan(SMALL)), "DEPLOY_FAILED", "deploy")
        assert promotion.deployments.filter(deployed_at__isnull=False).count() == 1
        services.retry(desk.bob, promotion)
        assert desk.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED
        assert desk.calls(8) == 3
        assert len(desk.state()["deployments"]) == 2

    def test_a_release_that_ends_in_an_error_is_made_again(self, desk: Desk) -> None:
        """The platform took the release and says later, or in its answer, that it came to nothing."""
        desk.edit(release_mode="error")
        in_background = client().capabilities.releases_asynchronously
        step = "await_release" if in_background else "release_pack"
        promotion = failed(desk, desk.submit(desk.plan(SMALL)), "RELEASE_FAILED", step)
        assert not desk.state()["deployments"]
        desk.edit(release_mode="normal")
        services.retry(desk.bob, promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        self.merged_once(desk, promotion)
        assert len(desk.state()["deployments"]) == 2

    def test_a_pack_that_vanished_is_replaced_by_another(self, desk: Desk) -> None:
        pack = IntegrationPack.objects.get(pack_id=seed.PACKS["store"])
        promotion = desk.requested(SMALL)
        desk.edit(action="delete_pack", packId=pack.pack_id)
        desk.approve(promotion, pack=pack)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.error_code, promotion.failed_step) == ("PACK_NOT_FOUND", "ensure_pack")
        other = IntegrationPack.objects.get(pack_id=seed.PACKS["customers"])
        services.retry(desk.bob, promotion, pack=other)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        packs = {p["id"]: p for p in desk.state()["packs"]}
        assert promotion.prod_package_id in [e["released"] for e in packs[other.pack_id]["entries"]]

    def test_a_package_version_that_was_taken_during_the_review(self, desk: Desk) -> None:
        promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="9.0")
        root = promotion.results.get(
            component__dev_component_id=promotion.plan.root_component_id
        ).prod_component_id
        desk.edit(action="create_package", componentId=root, packageVersion="9.0")
        promotion = failed(desk, promotion, "PACKAGE_VERSION_EXISTS", "create_package")
        services.retry(desk.bob, promotion, package_version="9.1")
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.package_version) == (Status.DEPLOYED, "9.1")

    def test_a_pack_keeps_its_other_content(self, desk: Desk) -> None:
        pack = IntegrationPack.objects.get(pack_id=seed.PACKS["orders"])
        before = {p["id"]: p for p in desk.state()["packs"]}[pack.pack_id]["entries"]
        promotion = desk.promoted(SMALL, pack={"pack": pack})
        assert promotion.status == Status.DEPLOYED
        after = {p["id"]: p for p in desk.state()["packs"]}[pack.pack_id]["entries"]
        kept = [e for e in after if e["released"] != promotion.prod_package_id]
        assert [e["released"] for e in kept] == [e["released"] for e in before]
        assert len(after) == len(before) + 1


@pytest.mark.parametrize("operation", [2, 7, 8, 9, 10, 12, 13, 15, 17, 18])
def test_a_lost_answer_does_nothing_twice(desk: Desk, operation: int) -> None:
    """The write was done and its answer never came: look first, so that there is one of everything."""
    before = desk.production()
    packs = len(desk.state()["packs"])
    packages = len(desk.state()["packages"])
    desk.simulator.fault(operation, "lost_reply", times=1)
    promotion = desk.promoted(SMALL)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    state = desk.state()
    assert len(desk.production()) == len(before) + 1
    assert len(state["packs"]) == packs + 1
    assert len(state["packages"]) == packages + 1
    assert len(state["deployments"]) == 2
    assert [fault["times"] for fault in state["faults"]] == [0], "The fault was never met."


def test_a_lost_answer_of_an_update(desk: Desk) -> None:
    before = desk.production()
    desk.simulator.fault(3, "lost_reply", times=1)
    promotion = desk.promoted(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    assert desk.production().keys() == before.keys()


@pytest.mark.parametrize("operation", [1, 4, 5, 6, 11, 14, 16, 19])
def test_a_read_that_is_lost_is_read_again(desk: Desk, operation: int) -> None:
    desk.simulator.fault(operation, "reset", times=1)
    promotion = desk.promoted(SMALL)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
