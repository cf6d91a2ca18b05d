"""What services refuse: changes that come too late, one's own findings, packs that are not for production."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from promotions import services
from promotions.messages import PromotionError
from promotions.models import DevAccount, Finding, IntegrationPack, Plan, PromotionRequest
from promotions.plan.findings import acceptance_of
from promotions.states import Status, StepState
from tests.promotions import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales() -> DevAccount:
    return factories.account()


@pytest.fixture
def failed(sales: DevAccount, alice: User, bob: User) -> PromotionRequest:
    """Merged, packaged, added to its pack, and then the release failed."""
    made = factories.plan(sales, alice)
    promotion = factories.promotion(
        made,
        alice,
        Status.FAILED,
        approved_by=bob,
        merge_started_at=timezone.now() - timedelta(minutes=1),
        merged_at=timezone.now(),
        prod_package_id="package",
        pack=factories.pack("Orders"),
        failed_step="release_pack",
        error_code="PACK_NOT_FOUND",
    )
    for name in ("create_package", "ensure_pack", "add_to_pack"):
        factories.step(promotion, name)
    return promotion


def refused(code: str, what: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(PromotionError) as error:
        what(*args, **kwargs)
    assert error.value.code == code
    return error.value.detail


class TestRetry:
    def test_another_pack_gets_the_package_before_it_is_released(
        self, failed: PromotionRequest, bob: User
    ) -> None:
        other = factories.pack("Customers")
        services.retry(bob, failed, pack=other)
        failed.refresh_from_db()
        assert failed.pack == other
        done = set(failed.steps.filter(state=StepState.DONE).values_list("step", flat=True))
        assert "create_package" in done
        assert not done & {"ensure_pack", "add_to_pack"}

    def test_the_same_pack_is_gone_on_with(self, failed: PromotionRequest, bob: User) -> None:
        services.retry(bob, failed, pack=failed.pack)
        assert failed.steps.filter(step="add_to_pack", state=StepState.DONE).exists()

    def test_another_pack_after_the_release(self, failed: PromotionRequest, bob: User) -> None:
        factories.step(failed, "release_pack")
        factories.step(failed, "await_release")
        other = factories.pack("Customers")
        refused("INVALID_TRANSITION", services.retry, bob, failed, pack=other)

    def test_another_version_after_the_package(self, failed: PromotionRequest, bob: User) -> None:
        refused("INVALID_TRANSITION", services.retry, bob, failed, package_version="9.9")
        services.retry(bob, failed, package_version=failed.package_version)

    def test_not_over_a_newer_version(
        self, failed: PromotionRequest, sales: DevAccount, alice: User, bob: User
    ) -> None:
        newer = factories.deployed(factories.plan(sales, alice), alice, bob)
        PromotionRequest.objects.filter(pk=newer.pk).update(
            merged_at=timezone.now() + timedelta(minutes=1)
        )
        Plan.objects.filter(pk=newer.plan.pk).update(
            root_component_id=failed.plan.root_component_id
        )
        assert str(newer.pk) in refused("INVALID_TRANSITION", services.retry, bob, failed)

    def test_not_while_another_goes_into_the_same_pack(
        self, failed: PromotionRequest, sales: DevAccount, alice: User, bob: User
    ) -> None:
        other = factories.promotion(
            factories.plan(sales, alice),
            alice,
            Status.DEPLOYING,
            approved_by=bob,
            merge_started_at=timezone.now(),
            new_pack_name="Orders",
        )
        assert str(other.pk) in refused("INVALID_TRANSITION", services.retry, bob, failed)
        elsewhere = factories.pack("Customers")
        services.retry(bob, failed, pack=elsewhere)


@pytest.mark.parametrize(
    "columns", [{"is_active": False}, {"purpose": IntegrationPack.Purpose.TEST}]
)
def test_only_a_pack_for_production_is_approved(
    sales: DevAccount, alice: User, bob: User, columns: dict[str, Any]
) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice)
    pack = factories.pack("Other", **columns)
    refused(
        "PACK_NOT_FOUND",
        services.approve,
        bob,
        promotion,
        plan_hash=promotion.content_hash,
        pack=pack,
    )


class TestFindings:
    @pytest.fixture
    def finding(self, sales: DevAccount, bob: User) -> Finding:
        """Of a plan that an admin has made."""
        made = factories.plan(sales, bob)
        component = made.components.get(action="update")
        return factories.finding(
            made, "SECRET_LEFT_BEHIND", component=component, can_be_accepted=True, fingerprint="f"
        )

    def test_nobody_lets_a_finding_of_their_own_plan_pass(
        self, finding: Finding, bob: User, dora: User
    ) -> None:
        refused("SELF_REVIEW", services.accept_finding, bob, finding, reason="Mine.")
        services.accept_finding(dora, finding, reason="It is revoked.")
        finding.refresh_from_db()
        assert finding.accepted_by == dora

    def test_nor_submits_a_plan_with_a_finding_that_they_let_pass(
        self, finding: Finding, bob: User, dora: User
    ) -> None:
        services.accept_finding(dora, finding, reason="It is revoked.")
        arguments = {"package_version": "1.0", "environments": [factories.environment()]}
        refused("SELF_REVIEW", services.submit, dora, finding.plan, **arguments)

    def test_an_earlier_word_does_not_hold_for_ones_own_plan(
        self, finding: Finding, sales: DevAccount, dora: User, alice: User
    ) -> None:
        services.accept_finding(dora, finding, reason="It is revoked.")
        assert finding.component
        key = finding.component.dev_component_id
        found = Finding(code="SECRET_LEFT_BEHIND", fingerprint="f", can_be_accepted=True)
        assert acceptance_of(factories.plan(sales, dora), key, found) is None
        assert acceptance_of(factories.plan(sales, alice), key, found)
