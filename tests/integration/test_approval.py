"""What was approved is exactly what reaches production: attacks on each sentence of that promise."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from partnerapi import componentxml
from partnerapi.simulator import seed
from promotions import partner, services
from promotions.messages import PromotionError
from promotions.models import (
    Approval,
    DevAccount,
    DevAccountAccess,
    Environment,
    IntegrationPack,
    PromotionRequest,
)
from promotions.pipeline.proof import seal
from promotions.states import Stage, Status
from tests import environment
from tests.integration.desk import Desk
from tests.services import celery_worker

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID


def heartbeats(desk: Desk) -> list[dict[str, Any]]:
    return [c for c in desk.production().values() if c["name"] == "Nightly Heartbeat"]


def refused(code: str, what: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(PromotionError) as error:
        what(*args, **kwargs)
    assert error.value.code == code, error.value
    return error.value.detail


class TestRulesOfTheSubmission:
    def test_a_promotion_keeps_the_stage_that_it_was_submitted_under(
        self, desk: Desk, settings: Any, database_url: str
    ) -> None:
        plan = desk.plan(SMALL)
        desk.worker.rest()
        promotion = desk.submit(plan)
        settings.STAGE = Stage.AFTER_APPROVAL
        env = {"DATABASE_URL": database_url, "STAGE": "after_approval"}
        with celery_worker(environment.FOLDER, env):
            promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
            assert promotion.status == Status.ADMIN_REVIEW
            assert promotion.merged_at is None
            assert not heartbeats(desk)
            desk.approve(promotion)
            promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        assert promotion.approved_by == desk.bob

    def test_and_the_other_way_round(self, desk: Desk, settings: Any, database_url: str) -> None:
        """Approved before anything was staged, then the setting is switched back."""
        settings.STAGE = Stage.AFTER_APPROVAL
        plan = desk.plan(SMALL)
        desk.worker.rest()
        promotion = desk.submit(plan)
        assert promotion.status == Status.ADMIN_REVIEW
        desk.approve(promotion)
        settings.STAGE = Stage.BEFORE_REVIEW
        env = {"DATABASE_URL": database_url, "STAGE": "before_review"}
        with celery_worker(environment.FOLDER, env):
            promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)

    def test_another_dialect_ends_it_before_anything_is_sent(self, desk: Desk) -> None:
        plan = desk.plan(SMALL)
        desk.worker.rest()
        promotion = desk.submit(plan)
        PromotionRequest.objects.filter(pk=promotion.pk).update(dialect="klingon")
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "RULES_CHANGED")
        assert desk.calls(10) == 0

    def test_environment_values_are_kept_as_they_were_planned(
        self, desk: Desk, settings: Any
    ) -> None:
        plan = desk.plan(seed.UPDATE_PACKAGE_ID)
        settings.ENVIRONMENT_VALUES = "empty"
        promotion = desk.submit(plan, version="1.1")
        assert promotion.environment_values == "keep"


class TestTheMergeDemandsAnApproval:
    def test_the_database_refuses_a_merge_that_nobody_approved(self, desk: Desk) -> None:
        promotion = desk.requested(SMALL)
        rows = PromotionRequest.objects.filter(pk=promotion.pk)
        for columns in (
            {"merge_started_at": timezone.now()},
            {"merge_request_id": "MR"},
            {"merge_executed_at": timezone.now()},
            {"merged_at": timezone.now()},
            {"merged_at": timezone.now(), "approved_by": desk.bob},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                rows.update(**columns)

    @pytest.mark.parametrize(
        "forged",
        [
            {},
            {"approved_hash": "f" * 64},
            {"approved_hash": "f" * 64, "approved": {"content_hash": "x"}},
        ],
    )
    def test_a_status_that_was_written_by_hand_merges_nothing(
        self, desk: Desk, forged: dict[str, Any]
    ) -> None:
        promotion = desk.requested(SMALL)
        PromotionRequest.objects.filter(pk=promotion.pk).update(
            status=Status.APPROVED,
            approved_by=desk.bob if forged else None,
            next_attempt_at=timezone.now(),
            new_pack_name="Orders to Cash",
            **forged,
        )
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "APPROVAL_MISSING")
        assert not heartbeats(desk)
        desk.wait_until_no_branch()

    @pytest.mark.parametrize(
        "forged",
        ["component", "rules", "stage", "lapsed", "alias of the requester", "frozen object"],
    )
    def test_what_was_changed_behind_the_approval_merges_nothing(
        self, desk: Desk, make_user: Any, forged: str
    ) -> None:
        """Written straight into the database after the approval."""
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        desk.approve(promotion)
        row = PromotionRequest.objects.filter(pk=promotion.pk)
        if forged == "component":
            promotion.plan.components.update(digest="f" * 64)
        elif forged == "rules":
            row.update(environment_values="empty")
        elif forged == "stage":
            other = {Stage.BEFORE_REVIEW: Stage.AFTER_APPROVAL}
            row.update(stage=other.get(Stage(promotion.stage), Stage.BEFORE_REVIEW))
        elif forged == "lapsed":
            Approval.objects.update(until=timezone.now())
        elif forged == "frozen object":
            row.update(approved=desk.fresh(promotion).approved | {"package_version": "6.6.6"})
        else:
            twin = make_user("second", "Admins")
            type(twin).objects.filter(pk=twin.pk).update(email=" Alice@example.COM")
            approval = Approval.objects.get()
            approval.person = twin
            approval.seal = approval.make_seal()
            approval.save()
            row.update(approved_by=twin)
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        expected = "SELF_REVIEW" if "alias" in forged else "APPROVAL_MISSING"
        assert (promotion.status, promotion.error_code) == (Status.FAILED, expected)
        assert promotion.error
        assert not heartbeats(desk)
        desk.wait_until_no_branch()

    def test_a_branch_that_was_changed_together_with_its_rows_merges_nothing(
        self, desk: Desk
    ) -> None:
        """Somebody writes to the branch and gives the rows the hashes of what is there now."""
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        [result] = promotion.results.filter(component__action="create")
        branch = promotion.branch
        assert branch is not None
        desk.edit(
            action="component_xml",
            componentId=result.prod_component_id,
            branchId=branch.remote_id,
            replace=[["Still there", "Nobody read this"]],
        )
        client = partner.client()
        on_branch = client.get_component(result.prod_component_id, branch_id=branch.remote_id)
        assert b"Nobody read this" in on_branch.xml
        masked = componentxml.mask(on_branch.document)
        promotion.results.filter(pk=result.pk).update(
            staged_digest=componentxml.digest(masked),
            staged_seal=seal(on_branch.document),
            branch_version=on_branch.version,
        )
        desk.approve(promotion)
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "PLAN_STALE")
        assert not heartbeats(desk)

    def test_an_approval_row_that_was_removed_merges_nothing(self, desk: Desk) -> None:
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        desk.approve(promotion)
        Approval.objects.filter(promotion=promotion).delete()
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "APPROVAL_MISSING")
        assert not heartbeats(desk)

    @pytest.mark.parametrize("stage", Stage)
    def test_a_lapsed_approval_is_asked_for_again(
        self, desk: Desk, settings: Any, stage: Stage
    ) -> None:
        settings.STAGE = stage
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        settings.PROMOTION_APPROVAL_DAYS = 1 / 86_400
        desk.approve(promotion)
        assert desk.fresh(promotion).status == Status.APPROVED
        time.sleep(1.1)
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
        assert promotion.events.filter(action="approval_lapsed").exists()
        assert (promotion.status, promotion.approved_by) == (Status.ADMIN_REVIEW, None)
        assert not heartbeats(desk)
        settings.PROMOTION_APPROVAL_DAYS = 1
        desk.approve(promotion, user=desk.dora)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        assert promotion.approved_by == desk.dora
        assert len(heartbeats(desk)) == 1
        desk.wait_until_no_branch()

    def test_one_that_lapses_with_a_merge_request_made_is_asked_for_again(self, desk: Desk) -> None:
        """Between the operations 12 and 13: the merge request that nobody executes harms nothing."""
        promotion = desk.requested(SMALL)
        desk.approve(promotion)
        desk.simulator.latency(1000)
        desk.wait_until(
            lambda: desk.fresh(promotion).merge_request_id != "", "the merge request to be made"
        )
        approval = promotion.approvals.get()
        approval.until = timezone.now()
        approval.seal = approval.make_seal()
        approval.save()
        desk.simulator.latency(0)
        desk.wait_until(
            lambda: promotion.events.filter(action="approval_lapsed").exists(), "the new review"
        )
        promotion = desk.fresh(promotion)
        assert (promotion.status, promotion.merge_request_id) == (Status.ADMIN_REVIEW, "")
        desk.approve(promotion, user=desk.dora)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        assert len(heartbeats(desk)) == 1


class TestWhatIsFrozen:
    def test_an_environment_that_is_swapped_after_the_approval_is_not_deployed_to(
        self, desk: Desk
    ) -> None:
        """The row is edited under the approval: the id that was approved is the one that is used."""
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        desk.approve(promotion)
        for row in Environment.objects.filter(classification="PROD"):
            Environment.objects.filter(pk=row.pk).update(environment_id=f"swapped-{row.pk}")
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        reached = {row["environment_id"] for row in desk.state()["deployments"]}
        assert reached == {seed.ENVIRONMENTS["prod-eu"], seed.ENVIRONMENTS["prod-us"]}

    def test_one_that_is_swapped_before_the_approval_is_told(self, desk: Desk) -> None:
        promotion = desk.requested(SMALL)
        row = Environment.objects.get(name="prod-eu")
        Environment.objects.filter(pk=row.pk).update(environment_id="another")
        assert "prod-eu" in refused("PLAN_STALE", desk.approve, promotion)

    @pytest.mark.parametrize("column", ["package_version", "notes"])
    def test_version_and_notes_are_those_of_the_approval(self, desk: Desk, column: str) -> None:
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        desk.approve(promotion)
        PromotionRequest.objects.filter(pk=promotion.pk).update(**{column: "6.6.6"})
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        accounts = desk.state()["accounts"][seed.PRIMARY_ACCOUNT]
        assert "6.6.6" not in str(accounts["packages"])

    def test_the_pack_is_that_of_the_approval(self, desk: Desk) -> None:
        chosen = IntegrationPack.objects.get(pack_id=seed.PACKS["orders"])
        other = IntegrationPack.objects.get(pack_id=seed.PACKS["customers"])
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        desk.approve(promotion, pack=chosen)
        PromotionRequest.objects.filter(pk=promotion.pk).update(pack=other)
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        packs = {pack["id"]: str(pack) for pack in desk.state()["packs"]}
        [twin] = heartbeats(desk)
        assert twin["id"] in packs[seed.PACKS["orders"]]
        assert twin["id"] not in packs[seed.PACKS["customers"]]

    def test_another_environment_that_slips_in_is_not_deployed_to(self, desk: Desk) -> None:
        promotion = desk.requested(SMALL)
        desk.worker.rest()
        desk.approve(promotion)
        test = Environment.objects.filter(classification="TEST").first()
        assert test is not None
        promotion.deployments.create(environment=test, platform_id=test.environment_id)
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "APPROVAL_MISSING")
        assert not desk.state()["deployments"]


class TestRetry:
    """A retry is no way around a review."""

    @pytest.fixture
    def failed(self, desk: Desk) -> PromotionRequest:
        """Merged, and its requester has become an admin."""
        desk.simulator.fault(7, "status", status=400, times=1, message="Not today.")
        promotion = desk.requested(SMALL)
        desk.approve(promotion)
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.can_be_retried
        desk.alice.groups.add(Group.objects.get(name="Admins"))
        return promotion

    def test_its_requester_changes_nothing(self, desk: Desk, failed: PromotionRequest) -> None:
        other = IntegrationPack.objects.get(pack_id=seed.PACKS["customers"])
        refused("SELF_REVIEW", services.retry, desk.alice, failed, package_version="6.6.6")
        refused("SELF_REVIEW", services.retry, desk.alice, failed, pack=other)
        fresh = desk.fresh(failed)
        assert (fresh.status, fresh.package_version, fresh.pack) == (Status.FAILED, "1.0", None)
        assert fresh.approvals.count() == 1

    def test_its_requester_accepts_no_changed_production(
        self, desk: Desk, failed: PromotionRequest
    ) -> None:
        desk.edit(action="touch", componentId=failed.results.get().prod_component_id)
        services.retry(desk.alice, failed)
        failed = desk.wait_for(failed, Status.DEPLOYED)
        assert failed.error_code == "PRODUCTION_CHANGED"
        refused("SELF_REVIEW", services.retry, desk.alice, failed)
        services.retry(desk.dora, failed)
        failed = desk.wait_for(failed, Status.DEPLOYED)
        assert failed.status == Status.DEPLOYED, (failed.error_code, failed.error)
        assert list(failed.approvals.values_list("person", flat=True)) == [
            desk.bob.pk,
            desk.dora.pk,
        ]

    def test_what_another_admin_changes_is_a_new_approval_and_on_record(
        self, desk: Desk, failed: PromotionRequest
    ) -> None:
        services.retry(desk.dora, failed, package_version="1.1")
        event = failed.events.get(action="retried")
        assert "1.0 → 1.1" in event.note
        failed = desk.wait_for(failed, Status.DEPLOYED)
        assert failed.status == Status.DEPLOYED, (failed.error_code, failed.error)
        assert failed.approved_by == desk.dora
        assert failed.approved["package_version"] == "1.1"


class TestPeople:
    @pytest.mark.parametrize(
        ("email", "username"),
        [
            ("ALICE@Example.com", "second"),
            (" alice@example.com ", "second"),
            ("alice@ example.com", "second"),
            ("", "ALICE"),
            ("", "alice@example.com"),
            ("\uff41lice@example.com", "second"),
        ],
    )
    def test_the_same_person_is_recognised(
        self, desk: Desk, make_user: Any, email: str, username: str
    ) -> None:
        promotion = desk.requested(SMALL)
        twin = make_user("second-account", "Admins")
        type(twin).objects.filter(pk=twin.pk).update(email=email, username=username)
        twin.refresh_from_db()
        refused("SELF_REVIEW", desk.approve, promotion, user=twin)

    def test_two_people_without_an_email_are_two(self, desk: Desk, make_user: Any) -> None:
        for person in (desk.alice, desk.bob):
            person.email = ""
            person.save()
        promotion = desk.requested(SMALL)
        desk.approve(promotion)
        assert desk.fresh(promotion).approved_by == desk.bob

    @pytest.mark.parametrize(
        ("what", "when"),
        [
            *itertools.product(
                ["requester", "account", "environment", "access"], ["before", "after"]
            ),
            ("approver", "after"),
        ],
    )
    def test_who_was_switched_off_stops_it(self, desk: Desk, what: str, when: str) -> None:
        promotion = desk.requested(SMALL)
        if when == "after":
            desk.worker.rest()
            desk.approve(promotion)
        if what == "requester":
            type(desk.alice).objects.filter(pk=desk.alice.pk).update(is_active=False)
        elif what == "account":
            DevAccount.objects.filter(pk=promotion.dev_account_id).update(is_active=False)
        elif what == "environment":
            Environment.objects.filter(name="prod-eu").update(is_active=False)
        elif what == "access":
            DevAccountAccess.objects.all().update(is_active=False)
        else:
            desk.bob.groups.clear()
        if when == "before":
            refused("SWITCHED_OFF", desk.approve, promotion)
            return
        desk.worker.resume()
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "SWITCHED_OFF")
        assert promotion.error
        assert not heartbeats(desk)
        desk.wait_until_no_branch()
