"""Several workers and several promotions at once: limits hold, merges follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.utils import timezone

from partnerapi.simulator import seed
from promotions.models import DevAccount, DevAccountAccess, StepRun
from promotions.states import Status
from tests import environment
from tests.integration.desk import Desk, furnish
from tests.services import Simulator, celery_worker


@pytest.fixture
def desk(
    transactional_db: None,
    database_url: str,
    redis_server: redis.Redis,
    simulator: Simulator,
    alice: User,
    bob: User,
    dora: User,
) -> Iterator[Desk]:
    """Two workers with two processes each."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(celery_worker(environment.FOLDER, {"DATABASE_URL": database_url}))
            for _ in range(2)
        ]
        furnish()
        DevAccountAccess.objects.create(
            group=Group.objects.get(name="Team A"),
            dev_account=DevAccount.objects.get(account_id=seed.LOGISTICS_ACCOUNT),
        )
        yield Desk(simulator, workers[0], alice, bob, dora)


def test_three_accounts_promote_at_once(desk: Desk) -> None:
    logistics = DevAccount.objects.get(account_id=seed.LOGISTICS_ACCOUNT)
    desk.simulator.latency(15)
    plans = [
        desk.plan(seed.SINGLE_COMPONENT_PACKAGE_ID),
        desk.plan(seed.CYCLE_PACKAGE_ID, account=desk.finance),
        desk.plan(seed.AWKWARD_PACKAGE_ID, account=logistics),
        desk.plan(seed.UPDATE_PACKAGE_ID),
    ]
    before = desk.production()
    promotions = [desk.submit(plan, version=f"7.{n}") for n, plan in enumerate(plans)]
    for number, promotion in enumerate(promotions):
        reviewed = desk.wait_for(promotion, Status.ADMIN_REVIEW)
        assert reviewed.status == Status.ADMIN_REVIEW, (reviewed.error_code, reviewed.error)
        desk.approve(reviewed, new_pack_name=f"Pack {number}")
    for promotion in promotions:
        ended = desk.wait_for(promotion, Status.DEPLOYED, seconds=120)
        assert ended.status == Status.DEPLOYED, (ended.error_code, ended.error)
    desk.wait_until_no_branch()
    created = sum(plan.components.filter(action="create").count() for plan in plans)
    assert len(desk.production()) == len(before) + created
    assert not desk.state()["dangling_references"]
    assert_merges_follow_each_other()
    assert_staging_of_one_account_follows(desk)


def assert_merges_follow_each_other() -> None:
    turns = sorted(
        (run.promotion.merge_started_at, run.promotion.merged_at)
        for run in StepRun.objects.filter(step="finish").select_related("promotion")
    )
    assert len(turns) == 4
    for (_, ended), (began, _) in zip(turns, turns[1:], strict=False):
        assert ended is not None
        assert began is not None
        assert ended <= began


def assert_staging_of_one_account_follows(desk: Desk) -> None:
    spans = []
    for promotion in desk.orders.promotions.order_by("pk"):
        moves = dict(promotion.events.exclude(to_status="").values_list("to_status", "at"))
        spans.append((moves["staging"], moves["admin_review"]))
    spans.sort()
    for (_, ended), (began, _) in zip(spans, spans[1:], strict=False):
        assert ended <= began


def test_the_branch_limit_holds_however_many_decide_at_once(desk: Desk) -> None:
    desk.edit(action="make_branches", count=9)
    logistics = DevAccount.objects.get(account_id=seed.LOGISTICS_ACCOUNT)
    promotions = [
        desk.submit(desk.plan(seed.SINGLE_COMPONENT_PACKAGE_ID)),
        desk.submit(desk.plan(seed.CYCLE_PACKAGE_ID, account=desk.finance)),
        desk.submit(desk.plan(seed.AWKWARD_PACKAGE_ID, account=logistics)),
    ]
    highest = 0

    def one_is_reviewed() -> bool:
        nonlocal highest
        highest = max(highest, len(desk.state()["branches"]))
        return any(desk.fresh(r).status == Status.ADMIN_REVIEW for r in promotions)

    desk.wait_until(one_is_reviewed, "one review")
    end = timezone.now() + timedelta(seconds=2)
    while timezone.now() < end:
        one_is_reviewed()
    assert highest == 11  # main, nine of other people, one of ours
    assert sorted(desk.fresh(r).status for r in promotions) == [
        Status.ADMIN_REVIEW,
        Status.WAITING,
        Status.WAITING,
    ]
