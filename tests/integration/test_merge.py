"""The merge and what follows are checked, not believed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import ComponentMapping, IntegrationPack, PromotionRequest
from promotions.partner import client
from promotions.states import Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def decided(desk: Desk, package_id: str = seed.DEMO_PACKAGE_ID) -> PromotionRequest:
    promotion = desk.requested(package_id)
    desk.approve(promotion)
    return desk.wait_for(promotion, Status.DEPLOYED)


def leave_out(desk: Desk, how: str, *names: str) -> None:
    desk.edit(merge_leaves_out=list(names), merge_leaves_out_as=how)


def tells_what_it_merges() -> bool:
    return client().capabilities.reports_merge_details


def _stage(desk: Desk) -> str:
    [merge] = desk.state()["merges"] or [{"stage": ""}]
    return str(merge["stage"])


class TestBeforeItIsExecuted:
    @pytest.mark.parametrize("how", ["missing", "excluded", "keep_destination", "locked"])
    def test_a_component_that_would_be_left_out_stops_it(self, desk: Desk, how: str) -> None:
        before = desk.production()
        left_out = desk.plan().components.filter(action="create").order_by("-position").first()
        assert left_out is not None
        leave_out(desk, how, left_out.name)
        promotion = decided(desk)
        if tells_what_it_merges():
            code = "COMPONENT_LOCKED" if how == "locked" else "MERGE_DIFFERS"
            assert (promotion.status, promotion.error_code) == (Status.FAILED, code)
            assert left_out.name in promotion.error
            assert promotion.merge_executed_at is None
            assert desk.production().keys() == before.keys()
            desk.wait_until_no_branch()
        else:
            assert (promotion.status, promotion.error_code) == (Status.FAILED, "MERGE_INCOMPLETE")

    def test_details_that_the_platform_promises_are_missed(self, desk: Desk) -> None:
        desk.edit(merge_details="none")
        promotion = decided(desk, SMALL)
        if tells_what_it_merges():
            assert (promotion.status, promotion.error_code) == (Status.FAILED, "MERGE_DIFFERS")
            desk.wait_until_no_branch()
        else:
            assert promotion.status == Status.DEPLOYED


class TestWhatMainHoldsAfterwards:
    def test_what_is_packaged_is_what_was_staged(self, desk: Desk) -> None:
        """Where the platform tells what it has merged by versions, contents are read before they are packaged."""
        promotion = desk.requested(SMALL)
        [result] = promotion.results.all()
        row = promotion.results.filter(pk=result.pk)
        desk.simulator.latency(800)
        desk.approve(promotion)
        desk.wait_until(lambda: desk.fresh(promotion).merged_at is not None, "the merge")
        # As if the version that was told held something else.
        row.update(staged_digest=f"{result.staged_digest[:-8]}{'0' * 8}")
        desk.simulator.latency(0)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        if not tells_what_it_merges():
            assert promotion.status == Status.DEPLOYED  # it has been read already
            return
        assert (promotion.error_code, promotion.failed_step) == (
            "PRODUCTION_CHANGED",
            "create_package",
        )
        assert f"“{result.component.name}” in production is not what was staged." in promotion.error
        assert desk.calls(7) == 0
        row.update(staged_digest=result.staged_digest)
        services.retry(desk.dora, promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)

    def test_what_somebody_saves_on_main_at_once_is_not_taken_for_the_merge(
        self, desk: Desk
    ) -> None:
        promotion = desk.requested(SMALL)
        [result] = promotion.results.all()
        desk.simulator.latency(800)
        desk.approve(promotion)
        desk.wait_until(lambda: _stage(desk) == "MERGED", "the merge")
        desk.edit(action="touch", componentId=result.prod_component_id)
        desk.simulator.latency(0)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.FAILED
        assert promotion.error_code in {"MERGE_INCOMPLETE", "PRODUCTION_CHANGED"}
        assert desk.calls(7) == 0

    @pytest.fixture
    def incomplete(self, desk: Desk) -> PromotionRequest:
        """The platform says MERGED, and one component is not on main."""
        plan = desk.plan()
        left_out = plan.components.filter(action="create").order_by("-position").first()
        assert left_out is not None
        leave_out(desk, "skipped", left_out.name)
        promotion = decided(desk)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "MERGE_INCOMPLETE")
        assert left_out.name in promotion.error
        return promotion

    def test_it_is_never_packaged_and_the_branch_stays(
        self, desk: Desk, incomplete: PromotionRequest
    ) -> None:
        assert incomplete.merged_at is None
        assert desk.calls(7) == 0
        assert not desk.state()["deployments"]
        assert len(desk.branches()) == 1
        production = desk.production()
        written = incomplete.written().count()
        mapped = ComponentMapping.objects.filter(source="engine")
        assert mapped.count() == written - 1
        assert all(row.prod_component_id in production for row in mapped)
        assert not PromotionRequest.objects.merging().exists()

    def test_an_admin_has_the_rest_merged(self, desk: Desk, incomplete: PromotionRequest) -> None:
        leave_out(desk, "skipped")
        services.retry(desk.dora, incomplete)
        promotion = desk.wait_for(incomplete, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        desk.wait_until_no_branch()
        assert not desk.state()["dangling_references"]
        assert promotion.approved_by == desk.bob

    def test_an_admin_gives_the_rest_up(self, desk: Desk, incomplete: PromotionRequest) -> None:
        with pytest.raises(PromotionError) as refused:
            services.give_up_rest(desk.alice, incomplete, reason="No.")
        assert refused.value.code == "FORBIDDEN"
        with pytest.raises(PromotionError) as refused:
            services.give_up_rest(desk.dora, incomplete, reason=" ")
        assert refused.value.code == "REASON_REQUIRED"
        services.give_up_rest(desk.dora, incomplete, reason="We do it by hand.")
        desk.wait_until_no_branch()
        promotion = desk.fresh(incomplete)
        assert promotion.status == Status.FAILED
        assert not promotion.can_be_retried
        with pytest.raises(PromotionError):
            services.retry(desk.dora, promotion)

    def test_its_page_offers_both(self, desk: Desk, incomplete: PromotionRequest) -> None:
        from django.test import Client

        browser = Client()
        browser.force_login(desk.bob)
        page = browser.get(incomplete.get_absolute_url()).content.decode()
        assert reverse("give_up_rest", args=[incomplete.pk]) in page
        assert reverse("retry", args=[incomplete.pk]) in page


def test_what_somebody_took_out_of_the_pack_is_not_released_by_us(desk: Desk) -> None:
    """A release lists every package of the pack, and so would take the other's removal along."""
    pack = IntegrationPack.objects.get(pack_id=seed.PACKS["orders"])
    entries = next(p for p in desk.state()["packs"] if p["id"] == pack.pack_id)["entries"]
    assert entries
    desk.edit(
        action="remove_from_pack", packId=pack.pack_id, componentId=entries[0]["component_id"]
    )
    promotion = desk.requested(SMALL)
    desk.approve(promotion, pack=pack)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    if not tells_what_it_merges():
        # The guide's packs tell of no removal that waits.
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        return
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "PACK_PENDING")
    assert promotion.merged_at is None
