"""``STAGE=after_approval``: the review works from the frozen plan, and a branch lives for minutes."""

from __future__ import annotations

from typing import Any

import pytest

from partnerapi.simulator import seed
from promotions import services
from promotions.states import Stage, Status
from tests.integration.desk import Desk


@pytest.fixture
def desk(desk: Desk, settings: Any) -> Desk:
    """Submits under this stage; what a worker does hangs on the promotion's own."""
    settings.STAGE = Stage.AFTER_APPROVAL
    return desk


def test_nothing_is_staged_before_the_approval(desk: Desk) -> None:
    promotion = desk.requested()
    assert promotion.status == Status.ADMIN_REVIEW
    assert desk.calls(10) == 0
    assert promotion.content_hash == promotion.plan.content_hash
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    moves = promotion.events.exclude(to_status="").values_list("to_status", flat=True)
    assert list(moves) == [
        "admin_review",
        "approved",
        "queued",
        "staging",
        "deploying",
        "deployed",
    ]
    assert not desk.state()["dangling_references"]


def test_an_update_keeps_productions_values(desk: Desk) -> None:
    promotion = desk.promoted(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert "https://stock.example.com" in desk.raw(seed.PROD_STOCK_SETTINGS_ID)


def test_production_that_moved_since_the_plan_is_not_touched(desk: Desk) -> None:
    promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
    desk.edit(action="touch", componentId=seed.PROD_STOCK_SETTINGS_ID)
    before = desk.production()
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "PLAN_STALE")
    desk.wait_until_no_branch()
    assert desk.production() == before


def test_reject_and_withdraw(desk: Desk) -> None:
    one = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    services.reject(desk.bob, one, reason="Not now.")
    other = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    services.withdraw(desk.alice, other)
    assert desk.fresh(one).status == Status.REJECTED
    assert desk.fresh(other).status == Status.WITHDRAWN
    assert desk.calls(10) == 0
