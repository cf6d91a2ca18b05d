"""The Integration Pack that a promotion goes into is the one that the approval named."""

from __future__ import annotations

import pytest

from partnerapi.simulator import seed
from promotions.messages import PromotionError
from promotions.models import IntegrationPack
from promotions.states import Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def entries(desk: Desk, pack_id: str) -> list[object]:
    return list(next(p for p in desk.state()["packs"] if p["id"] == pack_id)["entries"])


@pytest.mark.parametrize("spelling", [str, str.upper, lambda name: f" {name} "])
@pytest.mark.parametrize("known", [{"purpose": "test"}, {"is_active": False}, {}])
def test_the_name_of_a_new_pack_is_new(desk: Desk, known: dict[str, object], spelling) -> None:
    """Whatever the pack of that name is for, and whether it is switched on."""
    pack_id = seed.PACKS["orders-test"]
    name = next(p for p in desk.state()["packs"] if p["id"] == pack_id)["name"]
    promotion = desk.requested(SMALL)
    IntegrationPack.objects.filter(pack_id=pack_id).update(name=name, **known)
    with pytest.raises(PromotionError) as refused:
        desk.approve(promotion, new_pack_name=spelling(name))
    assert refused.value.code == "PACK_EXISTS"
    assert desk.fresh(promotion).status == Status.ADMIN_REVIEW


def test_a_name_that_only_the_platform_knows_is_found_before_the_merge(desk: Desk) -> None:
    pack_id = seed.PACKS["orders-test"]
    name = next(p for p in desk.state()["packs"] if p["id"] == pack_id)["name"]
    before = entries(desk, pack_id)
    promotion = desk.requested(SMALL)
    IntegrationPack.objects.filter(pack_id=pack_id).update(name="Not read yet")
    desk.approve(promotion, new_pack_name=name)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "PACK_EXISTS")
    assert promotion.merged_at is None
    assert entries(desk, pack_id) == before
    desk.wait_until_no_branch()
