"""Whatever dies on the way: a promotion ends as it should, with one of everything and no branch left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from partnerapi.simulator import seed
from promotions import services, tasks
from promotions.models import ComponentMapping, Event, Plan, PromotionRequest
from promotions.partner import client
from promotions.pipeline.branch import name_of
from promotions.states import Status, StepState
from tests.integration.desk import Desk
from tests.services import Worker

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def kill_and_replace(worker: Worker) -> None:
    worker.kill()
    worker.start()


def one_of_everything(desk: Desk, before: dict[str, int]) -> None:
    state = desk.state()
    assert len(desk.production()) == before["components"] + 1
    assert len(state["packages"]) == before["packages"] + 1
    assert len(state["packs"]) == before["packs"] + 1
    assert len(state["deployments"]) == 2
    assert ComponentMapping.objects.filter(source="engine").count() == 1


def figures(desk: Desk) -> dict[str, int]:
    state = desk.state()
    return {
        "components": len(desk.production()),
        "packages": len(state["packages"]),
        "packs": len(state["packs"]),
    }


def during(desk: Desk, promotion: PromotionRequest, step: str) -> Callable[[], bool]:
    return lambda: promotion.steps.filter(step=step, state=StepState.RUNNING).exists()


@pytest.mark.parametrize(
    "step", ["create_branch", "await_branch", "stage_components", "synchronise_packs"]
)
def test_a_worker_that_dies_before_the_review(desk: Desk, step: str) -> None:
    before = figures(desk)
    plan = desk.plan(SMALL)
    desk.simulator.latency(150)
    promotion = desk.submit(plan)
    desk.wait_until(during(desk, promotion, step), step)
    kill_and_replace(desk.worker)
    desk.simulator.latency(0)
    promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    assert promotion.steps.filter(step=step, error_code="WORKER_LOST").exists()
    desk.approve(promotion)
    assert desk.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED
    desk.wait_until_no_branch()
    one_of_everything(desk, before)


@pytest.mark.parametrize(
    "step",
    [
        "verify",
        "create_merge_request",
        "execute_merge",
        "await_merged",
        "create_package",
        "ensure_pack",
        "add_to_pack",
        "release_pack",
        "deploy",
    ],
)
def test_a_worker_that_dies_after_the_approval(desk: Desk, step: str) -> None:
    before = figures(desk)
    promotion = desk.requested(SMALL)
    desk.simulator.latency(120)
    desk.approve(promotion)
    desk.wait_until(during(desk, promotion, step), step)
    kill_and_replace(desk.worker)
    desk.simulator.latency(0)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    one_of_everything(desk, before)


def test_a_worker_that_dies_while_it_plans(desk: Desk) -> None:
    desk.simulator.latency(60)
    plan = services.make_plan(desk.alice, desk.orders, seed.DEMO_PACKAGE_ID)
    desk.wait_until(lambda: desk.fresh(plan).progress_done > 2, "the plan to be under way")
    kill_and_replace(desk.worker)
    desk.simulator.latency(0)
    desk.wait_until(lambda: desk.fresh(plan).state != Plan.State.BUILDING, "the plan")
    assert desk.fresh(plan).can_be_submitted


def test_a_worker_that_dies_at_every_try_ends_the_request(desk: Desk) -> None:
    before = desk.production()
    plan = desk.plan(SMALL)
    promotion = desk.submit(plan)
    desk.wait_until(lambda: desk.fresh(promotion).status == Status.ADMIN_REVIEW, "the review")
    # As if five workers had died in it.
    for attempt in range(1, 6):
        promotion.steps.create(
            step="take_merge_turn",
            attempt=attempt,
            state=StepState.ABANDONED,
            error_code="WORKER_LOST",
        )
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "WORKER_LOST")
    desk.wait_until_no_branch()
    assert desk.production() == before


def test_a_message_that_was_lost_is_sent_again_by_the_tick(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = desk.plan(SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "enqueue", lambda *args, **kwargs: None)
        promotion = desk.submit(plan)
    assert desk.wait_for(promotion, Status.ADMIN_REVIEW).status == Status.ADMIN_REVIEW


def test_a_stray_branch_of_ours_is_swept_and_others_are_left_alone(desk: Desk) -> None:
    api = client()
    parent = next(b.branch_id for b in api.query_branches() if b.is_main)
    ours = name_of(4711)
    api.create_branch(ours, "Of ours", parent_id=parent)
    api.create_branch("promo-summer", "A campaign of the shop team", parent_id=parent)
    api.create_branch("promo-4712-0a1b2c3d", "Of another installation", parent_id=parent)
    desk.wait_until(lambda: ours not in desk.branches(), "the sweep")
    assert desk.branches() == ["promo-summer", "promo-4712-0a1b2c3d"]
    assert Event.objects.filter(action="stray_branch_deleted", subject=ours).exists()
