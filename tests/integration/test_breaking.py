"""Two things that go wrong at once, or one at the worst moment."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions.models import ComponentMapping
from promotions.states import Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


@pytest.mark.parametrize("then", [409, 400])
def test_a_merge_that_nobody_saw_begin_and_that_ended_by_itself(desk: Desk, then: int) -> None:
    """The answer of 12 was lost, the account merges by itself, and 12 is refused from then on."""
    desk.edit(merge_mode="auto")
    request = desk.requested(SMALL)
    desk.simulator.fault(12, "lost_reply", times=1)
    desk.simulator.fault(12, "status", status=503, times=4)
    desk.simulator.fault(12, "status", status=then, times=100)
    desk.approve(request)
    request = desk.wait_for(request, Status.DEPLOYED)
    assert request.status == Status.DEPLOYED, (request.error_code, request.error)
    desk.wait_until_no_branch()
    assert ComponentMapping.objects.filter(source="engine").count() == 1
