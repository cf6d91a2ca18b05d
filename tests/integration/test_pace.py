"""The platform's own limit on calls is on: it is kept by all workers together, and being too fast is survived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis
from django.contrib.auth.models import User

from partnerapi.simulator import seed
from promotions.models import ApiCall
from promotions.states import Status
from tests import environment
from tests.integration.desk import Desk, furnish
from tests.services import Simulator, celery_worker

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID

# The spacing that the guide asks for, which the other tests shorten.
SPACING_MS = "120"
# What the platform allows within any second.
LIMIT = 10


def too_fast() -> int:
    """How many calls the platform has refused because they came too fast."""
    return ApiCall.objects.filter(status=503).count()


@pytest.fixture
def paced(
    transactional_db: None,
    database_url: str,
    redis_server: redis.Redis,
    simulator: Simulator,
    alice: User,
    bob: User,
    dora: User,
) -> Iterator[Desk]:
    """Two workers that space their calls as in production."""
    env = {"DATABASE_URL": database_url, "PARTNER_API_SPACING_MS": SPACING_MS}
    with ExitStack() as stack:
        workers = [stack.enter_context(celery_worker(environment.FOLDER, env)) for _ in range(2)]
        furnish()
        yield Desk(simulator, workers[0], alice, bob, dora)


def test_all_workers_together_keep_within_the_limit(paced: Desk) -> None:
    paced.simulator.pace(LIMIT)
    plans = [
        paced.plan(SMALL),
        paced.plan(seed.CYCLE_PACKAGE_ID, account=paced.finance),
    ]
    promotions = [paced.submit(plan) for plan in plans]
    for number, promotion in enumerate(promotions):
        reviewed = paced.wait_for(promotion, Status.ADMIN_REVIEW, seconds=120)
        paced.approve(reviewed, new_pack_name=f"Pack {number}")
    for promotion in promotions:
        ended = paced.wait_for(promotion, Status.DEPLOYED, seconds=120)
        assert ended.status == Status.DEPLOYED, (ended.error_code, ended.error)
    paced.wait_until_no_branch()
    assert too_fast() == 0
    # One more than this would have been too many; fewer than half of it would be a waste.
    assert LIMIT / 2 < paced.state()["calls"]["max_per_second"] < LIMIT


def test_a_promotion_that_is_too_fast_for_the_platform_waits_and_succeeds(desk: Desk) -> None:
    before = desk.state()
    production = desk.production()
    desk.simulator.pace(LIMIT)
    promotion = desk.promoted(SMALL)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    assert too_fast() > 0
    after = desk.state()
    assert len(desk.production()) == len(production) + 1
    for what, more in (("packages", 1), ("packs", 1), ("merges", 1), ("deployments", 2)):
        assert len(after[what]) == len(before[what]) + more
