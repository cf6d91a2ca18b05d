"""Nothing is merged without every approval that the policies of the submission ask for: attacks, with a worker."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import Approval, PromotionRequest, ReviewPolicy
from promotions.states import Status
from tests.integration.desk import Desk


@pytest.fixture
def fay(make_user: Any) -> User:
    made: User = make_user("fay", "Finance")
    return made


@pytest.fixture
def promotion(desk: Desk, fay: User) -> PromotionRequest:
    """Approved by a peer and an admin, while the worker rests."""
    policy = ReviewPolicy.objects.create(name="Money")
    policy.groups.create(group=Group.objects.get(name="Finance"))
    made = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert made.status == Status.ADMIN_REVIEW, (made.error_code, made.error)
    desk.worker.rest()
    with pytest.raises(PromotionError) as error:
        desk.approve(made)
    assert error.value.code == "PEERS_MISSING"
    services.approve_as_peer(fay, made, plan_hash=made.content_hash)
    desk.approve(made)
    return made


def merged(desk: Desk) -> bool:
    return any(c["name"] == "Nightly Heartbeat" for c in desk.production().values())


def lapse(approval: Approval) -> None:
    """As if its time had come: written as the service would have, with an earlier end."""
    approval.until = timezone.now()
    approval.seal = approval.make_seal()
    approval.save()


def test_with_all_of_them_it_is_deployed(desk: Desk, promotion: PromotionRequest) -> None:
    desk.worker.resume()
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert merged(desk)


@pytest.mark.parametrize(
    "forged", ["no row", "a row by SQL", "another role", "left the group", "another demand"]
)
def test_without_one_of_them_nothing_is_merged(
    desk: Desk, promotion: PromotionRequest, fay: User, make_user: Any, forged: str
) -> None:
    peers = Approval.objects.filter(promotion=promotion, role=Approval.Role.PEER)
    if forged == "no row":
        peers.delete()
    elif forged == "a row by SQL":
        peers.update(person=make_user("finn", "Finance"))
    elif forged == "another role":
        peers.update(role=Approval.Role.ADMIN)
    elif forged == "left the group":
        fay.groups.clear()
    else:
        PromotionRequest.objects.filter(pk=promotion.pk).update(demand={})
    desk.worker.resume()
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "APPROVAL_MISSING")
    assert not merged(desk)
    desk.wait_until_no_branch()


def test_after_a_lapse_the_peer_and_the_admin_look_again(
    desk: Desk, promotion: PromotionRequest, fay: User
) -> None:
    lapse(promotion.approvals.get(person=fay))
    desk.worker.resume()
    desk.wait_until(
        lambda: promotion.events.filter(action="approval_lapsed").exists(), "the review again"
    )
    promotion = desk.fresh(promotion)
    assert promotion.status == Status.ADMIN_REVIEW
    assert not merged(desk)
    services.approve_as_peer(fay, promotion, plan_hash=promotion.content_hash)
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
