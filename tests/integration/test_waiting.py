"""Trouble that passes ends nothing: what waits for the platform goes on by itself, and people may end it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.contrib.auth.models import User
from django.utils import timezone

from partnerapi.simulator import seed
from promotions import services
from promotions.models import Plan, PrimaryAccount, PromotionRequest
from promotions.states import Status
from promotions.worker import platform
from promotions.worker.sweep import sweep
from promotions.worker.timing import LONGEST_WAIT, after
from tests import environment
from tests.integration.desk import Desk, furnish
from tests.services import Simulator, celery_worker

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def away(desk: Desk, kind: str = "status", status: int = 503, times: int = -1) -> None:
    desk.simulator.fault("*", kind, status=status, times=times)


def back(desk: Desk) -> None:
    desk.simulator._call("POST", "faults", {"clear": True})


def on_hold(desk: Desk, promotion: PromotionRequest) -> None:
    desk.wait_until(lambda: desk.fresh(promotion).hold_kind == "platform", "the hold")


def everybody_waits(desk: Desk) -> None:
    desk.wait_until(lambda: platform.closed() is not None, "the platform to be known to be away")


def deployed(desk: Desk, promotion: PromotionRequest) -> None:
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert not promotion.hold_kind


@pytest.mark.parametrize(("kind", "status"), [("status", 503), ("status", 401), ("html", 200)])
def test_an_outage_in_every_phase(desk: Desk, kind: str, status: int) -> None:
    """While it plans, while it stages, after the approval and after the merge."""
    away(desk, kind, status, times=6)
    plan = desk.plan(SMALL)
    assert plan.can_be_submitted, (plan.error_code, plan.error)
    away(desk, kind, status)
    promotion = desk.submit(plan)
    on_hold(desk, promotion)
    back(desk)
    promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    away(desk, kind, status)
    desk.approve(promotion)
    on_hold(desk, promotion)
    assert desk.fresh(promotion).approved_by == desk.bob
    assert desk.branches()
    back(desk)
    desk.wait_until(lambda: desk.fresh(promotion).merged_at is not None, "the merge")
    away(desk, kind, status, times=9)
    deployed(desk, promotion)


def test_the_middle_of_staging(desk: Desk) -> None:
    plan = desk.plan(seed.DEMO_PACKAGE_ID)
    desk.simulator.fault(2, "status", status=503, times=9, after=5)
    promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)


def test_everybody_waits_while_one_worker_asks(desk: Desk) -> None:
    first = desk.submit(desk.plan(SMALL))
    first = desk.wait_for(first, Status.ADMIN_REVIEW)
    away(desk, status=401)
    desk.approve(first)
    everybody_waits(desk)
    second = services.make_plan(desk.alice, desk.orders, seed.UPDATE_PACKAGE_ID)
    desk.wait_until(lambda: desk.fresh(second).hold_kind == "platform", "the plan to wait")
    before = desk.calls(6)
    desk.wait_until(lambda: PrimaryAccount.current().hold_tries > 2, "some questions")
    assert desk.calls(6) == before, "The plan has not called with credentials that are refused."
    assert desk.fresh(second).hold_tries == 0
    back(desk)
    desk.wait_until(lambda: desk.fresh(second).state == Plan.State.READY, "the plan")
    deployed(desk, first)
    assert platform.closed() is None


def test_people_may_end_it_while_it_waits(desk: Desk) -> None:
    promotion = desk.submit(desk.plan(SMALL))
    desk.wait_for(promotion, Status.ADMIN_REVIEW)
    away(desk)
    desk.approve(promotion)
    on_hold(desk, promotion)
    services.cancel(desk.dora, promotion, reason="Not today.")
    assert desk.fresh(promotion).status == Status.CANCELLED
    back(desk)
    desk.wait_until_no_branch()


def test_an_admin_says_try_again(desk: Desk) -> None:
    promotion = desk.requested(SMALL)
    away(desk, status=401)
    desk.approve(promotion)
    everybody_waits(desk)
    desk.wait_until(lambda: PrimaryAccount.current().hold_tries > 3, "growing pauses")
    desk.worker.rest()
    back(desk)
    PrimaryAccount.objects.update(next_attempt_at=after(LONGEST_WAIT))
    services.ask_platform_again(desk.dora)
    assert PrimaryAccount.objects.due(timezone.now()).exists()
    desk.worker.resume()
    desk.wait_until(lambda: platform.closed() is None, "the answer")
    deployed(desk, promotion)


def test_what_retry_after_says_holds_across_tries(desk: Desk) -> None:
    promotion = desk.requested(SMALL)
    desk.simulator.fault(16, "status", status=429, times=4, retry_after=1)
    desk.approve(promotion)
    deployed(desk, promotion)


@pytest.fixture
def hasty(
    transactional_db: None,
    database_url: str,
    redis_server: redis.Redis,
    simulator: Simulator,
    alice: User,
    bob: User,
    dora: User,
) -> Iterator[Desk]:
    """A worker with little patience: 100 seconds, scaled."""
    env = {"DATABASE_URL": database_url, "PROMOTION_PATIENCE": "100"}
    with celery_worker(environment.FOLDER, env) as worker:
        furnish()
        yield Desk(simulator, worker, alice, bob, dora)


@pytest.mark.parametrize("status", [429, 503])
def test_patience_has_an_end(hasty: Desk, status: int) -> None:
    """Neither answer says whether the branch was made, so that each try looks before it sends the call once more."""
    plan = hasty.plan(SMALL)
    hasty.simulator.fault(10, "status", status=status, times=-1)
    promotion = hasty.wait_for(hasty.submit(plan), Status.ADMIN_REVIEW)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "API_UNAVAILABLE")
    assert promotion.failed_step == "create_branch"
    assert promotion.steps.filter(step="create_branch").count() == 1
    assert 4 <= hasty.calls(10) <= 6
    assert not hasty.branches()


@pytest.mark.django_db
def test_a_clock_that_was_set_back(alice: User) -> None:
    """Nothing lies further ahead than any wait."""
    ahead = timezone.now() + timedelta(hours=1)
    furnish()
    account = PrimaryAccount.current()
    PrimaryAccount.objects.filter(pk=account.pk).update(
        next_attempt_at=ahead, lease_until=ahead, lease_owner="gone"
    )
    sweep()
    account.refresh_from_db()
    assert account.next_attempt_at
    assert account.next_attempt_at <= timezone.now()
    assert account.lease_until
    assert account.lease_until <= timezone.now() + timedelta(seconds=180)
