"""A branch that somebody deletes, and answers that are lost: before the merge a branch can be made again."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions import services
from promotions.models import PromotionBranch, PromotionRequest, Reservation
from promotions.pipeline.cleanup import sweep_branches
from promotions.states import Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def vanish(desk: Desk) -> str:
    """Somebody deletes our branch on the platform."""
    ours = next(b for b in desk.state()["branches"] if b["name"].startswith("promo-"))
    desk.edit(action="delete_branch", branchId=ours["id"])
    return str(ours["name"])


def in_review(desk: Desk, promotion: PromotionRequest, seconds: float = 60) -> PromotionRequest:
    promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW, seconds=seconds)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    return promotion


def deployed(desk: Desk, promotion: PromotionRequest) -> PromotionRequest:
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    return promotion


def test_a_branch_that_vanishes_while_it_is_staged(desk: Desk) -> None:
    plan = desk.plan(seed.DEMO_PACKAGE_ID)
    desk.simulator.latency(60)
    promotion = desk.submit(plan)
    desk.wait_until(lambda: promotion.results.filter(outcome="done").count() >= 3, "some")
    name = vanish(desk)
    desk.simulator.latency(0)
    promotion = in_review(desk, promotion)
    assert promotion.staged_times == 2
    assert promotion.events.filter(action="branch_vanished", subject=name).exists()
    assert not promotion.events.filter(action="branch_deleted", subject=name).exists()
    assert not promotion.results.filter(outcome="failed").exists()


def test_a_branch_that_vanishes_in_review_is_made_again(desk: Desk) -> None:
    promotion = desk.requested(SMALL)
    vanish(desk)
    sweep_branches()
    promotion = in_review(desk, promotion)
    assert desk.branches()
    desk.approve(promotion)
    deployed(desk, promotion)


def test_what_was_approved_needs_no_second_approval(desk: Desk) -> None:
    production = desk.production()
    promotion = desk.requested(SMALL)
    vanish(desk)
    desk.approve(promotion)
    promotion = deployed(desk, promotion)
    assert promotion.events.filter(action="approved").count() == 1
    assert promotion.staged_times == 2
    assert len(desk.production()) == len(production) + 1
    desk.wait_until_no_branch()


@pytest.mark.parametrize("operation", [12, 19, 13])
def test_a_branch_that_vanishes_at_the_merge(desk: Desk, operation: int) -> None:
    """Before the merge request is made, between it and its execution, and as it is executed."""
    promotion = desk.requested(SMALL)
    edit = {"action": "delete_branch", "branch": "promo-"}
    desk.simulator.fault(operation, "meanwhile", edit=edit)
    desk.approve(promotion)
    promotion = deployed(desk, promotion)
    assert len([m for m in desk.state()["merges"] if m["stage"] == "MERGED"]) == 1
    desk.wait_until_no_branch()


def test_a_branch_that_vanishes_again_and_again_is_told(desk: Desk) -> None:
    edit = {"action": "delete_branch", "branch": "promo-"}
    plan = desk.plan(SMALL)
    desk.simulator.fault(2, "meanwhile", edit=edit, times=-1)
    promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "BRANCH_GONE")
    assert "promo-" in promotion.error
    desk.wait_until_no_branch()


def test_lost_answers_spread_over_many_components(desk: Desk) -> None:
    plan = desk.plan(seed.DEMO_PACKAGE_ID)
    production = desk.production()
    for after in (3, 9, 15, 21):
        desk.simulator.fault(2, "lost_reply", times=1, after=after)
    promotion = in_review(desk, desk.submit(plan), seconds=120)
    desk.approve(promotion)
    deployed(desk, promotion)
    created = promotion.results.filter(component__action="create").count()
    assert len(desk.production()) == len(production) + created


@pytest.mark.parametrize("ends", ["withdrawn", "cancelled"])
def test_an_end_while_a_step_writes_leaves_nothing(desk: Desk, ends: str) -> None:
    plan = desk.plan(seed.DEMO_PACKAGE_ID)
    desk.simulator.latency(40)
    promotion = desk.submit(plan)
    desk.wait_until(lambda: promotion.results.filter(outcome="done").count() >= 2, "some")
    if ends == "withdrawn":
        services.withdraw(desk.alice, promotion)
    else:
        services.cancel(desk.dora, promotion, reason="Not now.")
    desk.simulator.latency(0)
    desk.wait_until_no_branch()
    desk.wait_until(lambda: not desk.fresh(promotion).lease_owner, "the step to end")
    assert not Reservation.objects.exists()
    assert not PromotionBranch.objects.filter(deleted_at__isnull=True).exists()


def test_a_failed_promotion_is_requested_again_in_one_click(desk: Desk) -> None:
    plan = desk.plan(SMALL)
    desk.simulator.fault(12, "status", status=409, times=1)
    failed = desk.submit(plan, version="4.2")
    desk.approve(in_review(desk, failed))
    for component in failed.plan.components.all():
        if digest := services.shown_digest(component):
            services.mark_viewed(desk.bob, component, digest, viewed=True)
    failed = desk.wait_for(failed, Status.DEPLOYED)
    assert failed.status == Status.FAILED
    again = services.resubmit(desk.alice, failed)
    desk.wait_until(lambda: PromotionRequest.objects.filter(plan=again).exists(), "the request")
    promotion = in_review(desk, PromotionRequest.objects.get(plan=again))
    assert (promotion.package_version, promotion.notes) == ("4.2", failed.notes)
    assert promotion.deployments.count() == failed.deployments.count()
    assert promotion.approved_by is None
    # What a reviewer has viewed is viewed, though the new branch gives other ids.
    digests = {services.shown_digest(each) for each in promotion.plan.components.all()} - {""}
    assert digests
    assert services.seen_by(desk.bob, digests) == digests
    desk.approve(promotion)
    deployed(desk, promotion)
