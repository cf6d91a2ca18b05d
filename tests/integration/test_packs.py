"""The Integration Pack that a promotion goes into is the one that the approval named."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from partnerapi.simulator import seed
from promotions import partner
from promotions.messages import PromotionError
from promotions.models import IntegrationPack, PackRelease
from promotions.states import Status
from tests.integration.desk import Desk
from tests.promotions.pages import text

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def pack_of(name: str) -> IntegrationPack:
    return IntegrationPack.objects.get(pack_id=seed.PACKS[name])


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


class TestWhereAProcessLives:
    def test_a_process_that_is_in_a_pack_already_is_told(self, desk: Desk) -> None:
        plan = desk.plan(seed.UPDATE_PACKAGE_ID)
        told = plan.findings.get(code="IN_PACKS")
        assert not told.blocking
        assert "“Order Management” holds version 1.0" in told.message
        assert "“Order Management (Test)” holds version 1.0" in told.message
        if partner.client().query_all_pack_environments() is None:
            assert "is not known: the platform does not say" in told.message
        else:
            assert "reaches no environment of the primary account automatically" in told.message
        assert plan.can_be_submitted
        assert not desk.plan(SMALL).findings.filter(code="IN_PACKS").exists()

    def test_and_again_where_another_pack_is_chosen(self, desk: Desk, client: Client) -> None:
        promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
        home, other = pack_of("orders"), pack_of("customers")
        client.force_login(desk.bob)
        desk.read(promotion, desk.bob)

        def asked(pack: IntegrationPack) -> str:
            sent = {"plan_hash": promotion.content_hash, "pack": str(pack.pk)}
            return text(client.post(reverse("approve", args=[promotion.pk]), sent))

        assert "“Order Management” holds 1.0" in asked(other)
        assert "“Order Management” holds 1.0" not in asked(home)
        if partner.client().query_all_pack_environments() is None:
            assert "Whom a release reaches is not known" in asked(other)
        else:
            assert "reaches these environments automatically: prod-us." in asked(other)
            assert "Which other accounts have installed the pack is not known" in asked(other)
        assert "Stock Level Sync goes into “Customer Master” although" in asked(other)
        assert "goes into" not in asked(home)

    def test_another_pack_is_accepted_explicitly(self, desk: Desk) -> None:
        """Also where nobody has synchronised packs since the process came into its own."""
        PackRelease.objects.all().delete()
        promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
        desk.worker.rest()
        for pack in ({"new_pack_name": "Another"}, {"pack": pack_of("customers")}):
            with pytest.raises(PromotionError) as refused:
                desk.approve(promotion, other_pack_accepted=False, **pack)
            assert refused.value.code == "OTHER_PACK"
            assert "“Order Management”" in refused.value.detail
        assert not promotion.approvals.exists()
        desk.approve(promotion, pack=pack_of("customers"))
        assert desk.fresh(promotion).status == Status.APPROVED
        assert promotion.events.filter(action="other_pack_accepted", actor=desk.bob).exists()

    def test_its_own_needs_no_acceptance(self, desk: Desk) -> None:
        promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
        desk.worker.rest()
        desk.approve(promotion, pack=pack_of("orders"), other_pack_accepted=False)
        assert desk.fresh(promotion).status == Status.APPROVED
