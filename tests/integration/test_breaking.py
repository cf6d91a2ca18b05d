"""Two things that go wrong at once, or one at the worst moment."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions import services
from promotions.models import ComponentMapping
from promotions.partner import client
from promotions.pipeline.branch import name_of
from promotions.pipeline.cleanup import sweep_branches
from promotions.states import Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


@pytest.mark.parametrize("then", [409, 400])
def test_a_merge_that_nobody_saw_begin_and_that_ended_by_itself(desk: Desk, then: int) -> None:
    """The answer of 12 was lost, the account merges by itself, and 12 is refused from then on."""
    desk.edit(merge_mode="auto")
    promotion = desk.requested(SMALL)
    desk.simulator.fault(12, "lost_reply", times=1)
    desk.simulator.fault(12, "status", status=503, times=4)
    desk.simulator.fault(12, "status", status=then, times=100)
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    assert ComponentMapping.objects.filter(source="engine").count() == 1


def test_production_that_moves_between_the_check_and_the_merge(desk: Desk) -> None:
    """The platform was away in between: the branch would win over what somebody has written to main since."""
    promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
    desk.simulator.fault(12, "status", status=503, times=12)
    desk.approve(promotion)
    desk.wait_until(lambda: desk.calls(12) >= 4, "the outage")
    desk.edit(action="touch", componentId=seed.PROD_STOCK_SETTINGS_ID)
    before = {key: twin["sha"] for key, twin in desk.production().items()}
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "PLAN_STALE")
    desk.wait_until_no_branch()
    assert {key: twin["sha"] for key, twin in desk.production().items()} == before


def test_a_branch_of_another_installation_is_left_alone(desk: Desk) -> None:
    """Both count their promotions from 1, and have one token user: the mark in the name tells them apart."""
    plan = desk.plan(SMALL)
    number = desk.requested(seed.CYCLE_PACKAGE_ID, account=desk.finance).pk + 1
    api = client()
    parent = next(b.branch_id for b in api.query_branches() if b.is_main)
    theirs = api.create_branch(
        f"promo-{number}-0a1b2c3d", "Of another installation", parent_id=parent
    )
    promotion = desk.submit(plan)
    assert promotion.pk == number
    promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    assert promotion.branch is not None
    assert promotion.branch.name == name_of(number)
    services.withdraw(desk.alice, promotion)
    rows = promotion.branches.filter(deleted_at__isnull=True)
    desk.wait_until(lambda: not rows.exists(), "the row to be settled")
    sweep_branches()
    assert desk.branches() == [name_of(number - 1), theirs.name]


def test_two_that_go_into_one_pack_follow_each_other(desk: Desk) -> None:
    """Adding reads the pack and writes it back, and a release concerns all of it."""
    first = desk.requested(SMALL)
    second = desk.requested(seed.CYCLE_PACKAGE_ID, account=desk.finance, version="2.0")
    for promotion in (first, second):
        desk.approve(promotion)
    for promotion in (first, second):
        ended = desk.wait_for(promotion, Status.DEPLOYED)
        assert ended.status == Status.DEPLOYED, (ended.error_code, ended.error)
    one, other = sorted((desk.fresh(first), desk.fresh(second)), key=lambda r: r.merge_started_at)
    assert one.deployed_at <= other.merge_started_at
    packs = [pack for pack in desk.state()["packs"] if pack["name"] == "Orders to Cash"]
    assert len(packs) == 1
    released = {entry["released"] for entry in packs[0]["entries"]}
    assert released == {desk.fresh(first).prod_package_id, desk.fresh(second).prod_package_id}
