"""Attacks on "what was approved is exactly what reaches production", through pages, Django admin and the database.

Each class is one sentence of that promise. What needs a platform to be shown stands in
tests/integration/test_approval.py; docs/approval.md lists both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import access, migrations, services
from promotions.messages import PromotionError
from promotions.models import (
    Approval,
    Approved,
    Demand,
    DevAccount,
    DevAccountAccess,
    Environment,
    Finding,
    Installation,
    IntegrationPack,
    Plan,
    PromotionRequest,
    Reading,
)
from promotions.models.approved import hash_of
from promotions.pipeline import merge, runner
from promotions.pipeline.context import Step
from promotions.plan import content_hash, premises
from promotions.plan.premises import Look, Moment, Premise
from promotions.services import approvals
from promotions.states import Stage, Status, StepName, StepState
from promotions.worker import lease as leases
from tests.promotions import factories
from tests.promotions.pages import fields, signed_in, text

pytestmark = pytest.mark.django_db

Carried = Callable[[], tuple[Status, str]]

GOES_ON = (Status.DEPLOYING, "")
STOPPED = (Status.FAILED, "APPROVAL_MISSING")
ASKED_AGAIN = (Status.ADMIN_REVIEW, "")


@pytest.fixture
def waiting(sales: DevAccount, alice: User) -> PromotionRequest:
    """A promotion that waits for an admin."""
    plan = factories.mapped_plan(sales, alice)
    of_rows = content_hash(plan.package_id, plan.components.all())
    Plan.objects.filter(pk=plan.pk).update(content_hash=of_rows)
    plan.refresh_from_db()
    return factories.promotion(plan, alice)


@pytest.fixture
def approved(waiting: PromotionRequest, bob: User) -> PromotionRequest:
    """The same, after an admin has approved it and before a worker has taken it up."""
    services.approve(
        bob, waiting, plan_hash=waiting.content_hash, new_pack_name="Orders", comment="Read."
    )
    waiting.refresh_from_db()
    return waiting


@pytest.fixture
def carried(approved: PromotionRequest, monkeypatch: pytest.MonkeyPatch) -> Carried:
    """Has a worker begin with what was approved; where that ends."""

    def next_step(promotion: PromotionRequest) -> Step | None:
        begins = promotion.status == Status.APPROVED
        return Step(StepName.BEGIN, merge.begin) if begins else None

    monkeypatch.setattr(runner, "next_step", next_step)
    # No platform is there to be asked whether it still has the branch.
    approved.branches.update(remote_id="")

    def carry() -> tuple[Status, str]:
        row(approved).update(next_attempt_at=timezone.now())
        runner.run_promotion(approved.pk)
        approved.refresh_from_db()
        return Status(approved.status), approved.error_code

    return carry


def row(promotion: PromotionRequest) -> Any:
    return PromotionRequest.objects.filter(pk=promotion.pk)


def decide(client: Client, promotion: PromotionRequest, **sent: str) -> Any:
    """Approve through the pages: ask, then confirm what is shown."""
    address = reverse("approve", args=[promotion.pk])
    asked = client.post(
        address, {"plan_hash": promotion.content_hash, "new_pack_name": "Orders", **sent}
    )
    names = ("plan_hash", "pack", "new_pack_name", "confirmed_hash")
    return client.post(address, {name: fields(asked, name)[0] for name in names} | sent)


def refused(user: User, waiting: PromotionRequest) -> None:
    """An approval by the user is, and nothing of it is on record."""
    with pytest.raises(PromotionError) as error:
        services.approve(user, waiting, plan_hash=waiting.content_hash, new_pack_name="Orders")
    assert error.value.code == "APPROVAL_MISSING"
    assert not waiting.approvals.exists()


def admin_page(model: Any, pk: int) -> str:
    return reverse(f"admin:promotions_{model._meta.model_name}_change", args=[pk])


def test_an_approval_that_nobody_attacks_goes_on(carried: Carried) -> None:
    assert carried() == GOES_ON


class TestWhatIsApprovedCoversEverythingThatTheDeploymentUses:
    FORGED: dict[str, Any] = {
        "content_hash": "f" * 64,
        "package_id": "another-package",
        "package_version": "6.6.6",
        "pack_id": "another-pack",
        "pack_name": "Another",
        "notes": "Nothing to see.",
        "stage": "after_approval",
        "dialect": "klingon",
        "environment_values": "empty",
        "rules_version": 999,
        "environments": [{"environment_id": "test", "name": "Test", "classification": "TEST"}],
        "findings": [
            {
                "code": "TWIN_IN_PRODUCTION",
                "component_id": "c",
                "fingerprint": "f",
                "reason": "Fine.",
                "accepted_by": "bob",
            }
        ],
        "production_changes": "“Order import” is at version 9.",
        "demand": {
            "policies": ["Nobody"],
            "peers": 0,
            "groups": [],
            "admins": 0,
            "excluded_groups": [],
            "excluded_people": [],
        },
        "pause_listeners": True,
        "further": [
            {"package_id": "b", "package_version": "1", "pack_id": "p", "pack_name": "Another"}
        ],
        "version": 1,
    }

    def test_every_part_of_it_is_attacked_here(self) -> None:
        assert set(self.FORGED) == set(Approved.__dataclass_fields__)

    @pytest.mark.parametrize("part", FORGED)
    def test_in_the_database(self, approved: PromotionRequest, carried: Carried, part: str) -> None:
        row(approved).update(approved=approved.approved | {part: self.FORGED[part]})
        assert carried() == STOPPED

    @pytest.mark.parametrize("part", FORGED)
    def test_in_the_database_with_a_hash_that_fits(
        self, approved: PromotionRequest, carried: Carried, part: str
    ) -> None:
        forged = approved.approved | {part: self.FORGED[part]}
        row(approved).update(approved=forged, approved_hash=hash_of(forged))
        assert carried() == STOPPED

    @pytest.mark.parametrize("part", FORGED)
    def test_in_the_database_with_a_record_that_fits(
        self, approved: PromotionRequest, carried: Carried, part: str
    ) -> None:
        """Only the seal tells: its key is not in the database."""
        forged = approved.approved | {part: self.FORGED[part]}
        row(approved).update(approved=forged, approved_hash=hash_of(forged))
        Approval.objects.update(approved_hash=hash_of(forged))
        assert carried() == STOPPED
        assert "was changed" in approved.error

    @pytest.mark.parametrize("column", ["name", "pack_id"])
    def test_through_the_pages_a_pack_that_changed_since_it_was_confirmed(
        self, client: Client, bob: User, waiting: PromotionRequest, column: str
    ) -> None:
        pack = factories.pack()
        signed_in(client, bob)
        address = reverse("approve", args=[waiting.pk])
        asked = client.post(address, {"plan_hash": waiting.content_hash, "pack": str(pack.pk)})
        names = ("plan_hash", "pack", "new_pack_name", "confirmed_hash")
        confirmed = {name: fields(asked, name)[0] for name in names}
        IntegrationPack.objects.filter(pk=pack.pk).update(**{column: "another"})
        assert "PLAN_STALE" in text(client.post(address, confirmed))
        waiting.refresh_from_db()
        assert waiting.status == Status.ADMIN_REVIEW

    def test_through_the_pages_fields_that_the_form_does_not_have(
        self, client: Client, bob: User, waiting: PromotionRequest
    ) -> None:
        decide(
            signed_in(client, bob),
            waiting,
            package_version="6.6.6",
            notes="Nothing to see.",
            environments="1",
            content_hash="f" * 64,
        )
        waiting.refresh_from_db()
        frozen = waiting.approved_object()
        assert frozen.package_version == waiting.plan.package_version
        assert frozen.notes == waiting.notes
        assert frozen.content_hash == waiting.content_hash
        targets = [environment.environment_id for environment in frozen.environments]
        assert targets == [waiting.deployments.get().platform_id]

    def test_through_the_pages_a_finding_that_nobody_has_accepted(
        self, client: Client, bob: User, waiting: PromotionRequest
    ) -> None:
        factories.finding(waiting.plan, "TWIN_IN_PRODUCTION", can_be_accepted=True)
        answer = decide_blindly(signed_in(client, bob), waiting)
        assert "TWIN_IN_PRODUCTION" in text(answer)
        waiting.refresh_from_db()
        assert waiting.status == Status.ADMIN_REVIEW

    def test_in_the_database_a_finding_that_its_requester_has_accepted(
        self, client: Client, alice: User, bob: User, waiting: PromotionRequest
    ) -> None:
        factories.finding(
            waiting.plan, "TWIN_IN_PRODUCTION", accepted_by=alice, accepted_reason="Fine."
        )
        assert "SELF_REVIEW" in text(decide_blindly(signed_in(client, bob), waiting))
        waiting.refresh_from_db()
        assert waiting.status == Status.ADMIN_REVIEW

    def test_in_the_admin(self, client: Client, bob: User, approved: PromotionRequest) -> None:
        bob.is_superuser = bob.is_staff = True
        bob.save()
        signed_in(client, bob)
        for model, pk in ((PromotionRequest, approved.pk), (Plan, approved.plan.pk)):
            sent = {"package_version": "6.6.6", "notes": "x", "approved": "{}", "content_hash": "f"}
            assert client.post(admin_page(model, pk), sent).status_code == 403
        before = approved.approved
        approved.refresh_from_db()
        assert approved.approved == before


def decide_blindly(client: Client, promotion: PromotionRequest) -> Any:
    """Send the approval without having been asked: what a script would do."""
    sent = {"plan_hash": promotion.content_hash, "new_pack_name": "Orders"}
    return client.post(reverse("approve", args=[promotion.pk]), sent)


class TestItIsFrozenAndTheWorkerUsesTheFrozenValues:
    def test_in_the_database_an_environment_that_slips_in(
        self, approved: PromotionRequest, carried: Carried
    ) -> None:
        test = factories.environment("Test", classification="TEST")
        approved.deployments.create(environment=test, platform_id=test.environment_id)
        assert carried() == STOPPED

    def test_in_the_database_an_environment_that_is_swapped(
        self, approved: PromotionRequest, carried: Carried
    ) -> None:
        approved.deployments.update(platform_id="another")
        assert carried() == STOPPED

    @pytest.mark.parametrize(
        "column", ["digest", "prod_component_id", "prod_version", "dev_version", "action"]
    )
    def test_in_the_database_a_component(
        self, approved: PromotionRequest, carried: Carried, column: str
    ) -> None:
        updated = approved.plan.components.filter(action="update")
        assert updated.update(
            **{
                column: {"prod_version": 99, "dev_version": 99, "action": "unchanged"}.get(
                    column, "x"
                )
            }
        )
        assert carried() == STOPPED

    @pytest.mark.parametrize("frozen", [True, False])
    def test_in_the_database_a_finding_that_is_accepted_after_the_approval(
        self,
        approved: PromotionRequest,
        bob: User,
        monkeypatch: pytest.MonkeyPatch,
        frozen: bool,
    ) -> None:
        """Premises go by the findings that were frozen: neither a later word counts, nor that an earlier is gone."""
        component = approved.plan.components.filter(action="create").get()

        def broken(look: Look) -> list[Finding]:
            return [
                Finding(
                    code="TWIN_IN_PRODUCTION",
                    component=component,
                    fingerprint="f",
                    message="There is one.",
                )
            ]

        always = Premise("a", "b", premises.Source.DATABASE, frozenset(Moment), broken)
        monkeypatch.setattr(premises, "PREMISES", (always,))
        accepted = factories.finding(
            approved.plan,
            "TWIN_IN_PRODUCTION",
            component=component,
            fingerprint="f",
            accepted_by=bob,
            accepted_reason="Fine.",
        )
        if frozen:
            frozen_now = approvals.freeze(approved, pack=None, new_pack_name="Orders")
            row(approved).update(**approvals.columns_of(bob, frozen_now))
            approved.refresh_from_db()
            approvals.keep(approved, bob, frozen_now)
            Finding.objects.filter(pk=accepted.pk).update(accepted_by=None, accepted_reason="")
            premises.check(Moment.MERGE, approved.plan, promotion=approved)
        else:
            with pytest.raises(PromotionError) as refused:
                premises.check(Moment.MERGE, approved.plan, promotion=approved)
            assert refused.value.code == "TWIN_IN_PRODUCTION"

    @pytest.mark.parametrize(
        ("model", "column"), [(Environment, "environment_id"), (IntegrationPack, "pack_id")]
    )
    def test_in_the_admin_ids_on_the_platform_are_read_only_once_used(
        self, client: Client, bob: User, approved: PromotionRequest, model: Any, column: str
    ) -> None:
        if model is IntegrationPack:
            row(approved).update(pack=factories.pack())
        used = model.objects.get()
        bob.is_superuser = bob.is_staff = True
        bob.save()
        signed_in(client, bob)
        form = client.get(admin_page(model, used.pk)).context["adminform"].form
        assert column not in form.fields
        sent = {name: form[name].value() or "" for name in form.fields} | {column: "swapped"}
        assert client.post(admin_page(model, used.pk), sent).status_code == 302
        before = getattr(used, column)
        used.refresh_from_db()
        assert getattr(used, column) == before


class TestTheMergeItselfDemandsAnApproval:
    def test_through_the_pages_a_contributor_and_the_requester_approve_nothing(
        self, client: Client, alice: User, make_user: Any, waiting: PromotionRequest
    ) -> None:
        for user in (alice, make_user("carol", access.CONTRIBUTORS, "Team A")):
            assert decide_blindly(signed_in(client, user), waiting).status_code == 403
        alice.groups.add(*make_user("x", access.ADMINS).groups.all())
        assert "SELF_REVIEW" in text(decide_blindly(signed_in(client, alice), waiting))
        waiting.refresh_from_db()
        assert (waiting.status, waiting.approved_by) == (Status.ADMIN_REVIEW, None)

    @pytest.mark.parametrize(
        "column", ["merge_started_at", "merge_executed_at", "merged_at", "merge_request_id"]
    )
    def test_in_the_database_a_constraint_refuses_it(
        self, waiting: PromotionRequest, column: str
    ) -> None:
        value = "MR" if column == "merge_request_id" else timezone.now()
        with pytest.raises(IntegrityError), transaction.atomic():
            row(waiting).update(**{column: value})

    def test_in_the_database_an_approval_that_was_taken_away(
        self, approved: PromotionRequest, carried: Carried
    ) -> None:
        row(approved).update(approved_by=None, approved_hash="")
        assert carried() == STOPPED
        assert approved.error == "Nobody has approved it."

    def test_in_the_database_a_record_that_was_removed(self, carried: Carried) -> None:
        Approval.objects.all().delete()
        assert carried() == STOPPED

    def test_in_the_database_a_record_in_somebody_elses_name(
        self, approved: PromotionRequest, dora: User, carried: Carried
    ) -> None:
        """Dora never said yes: her name is written over the one who did."""
        Approval.objects.update(person=dora)
        row(approved).update(approved_by=dora)
        assert carried() == STOPPED

    def test_in_the_database_a_record_of_another_promotion(
        self, approved: PromotionRequest, carried: Carried
    ) -> None:
        """A real approval, with its real seal, is moved to a promotion that nobody approved."""
        other = factories.promotion(
            factories.mapped_plan(approved.dev_account, approved.requester), approved.requester
        )
        Approval.objects.update(promotion=other)
        row(other).update(
            approved=approved.approved,
            approved_hash=approved.approved_hash,
            approved_by=approved.approved_by,
        )
        other.refresh_from_db()
        with pytest.raises(PromotionError) as refused:
            other.approved_object()
        assert refused.value.code == "APPROVAL_MISSING"
        assert carried() == STOPPED

    def test_in_the_database_a_demand_that_asks_for_less(
        self, waiting: PromotionRequest, bob: User
    ) -> None:
        """Two admins are asked; with SQL it is one, before the first of them decides."""
        factories.seal(waiting, demand=Demand(policies=("Two",), admins=2).as_json())
        row(waiting).update(demand={}, approvals_missing=1)
        waiting.refresh_from_db()
        refused(bob, waiting)

    def test_in_the_database_another_requester(self, waiting: PromotionRequest, bob: User) -> None:
        """Whoever requested it approves it, after somebody else is written down as the requester."""
        factories.seal(waiting, requester=bob)
        row(waiting).update(requester=waiting.plan.requested_by)
        waiting.refresh_from_db()
        refused(bob, waiting)

    @pytest.mark.parametrize("part", ["demand", "requester"])
    def test_in_the_database_what_was_requested_after_the_approval(
        self, approved: PromotionRequest, dora: User, carried: Carried, part: str
    ) -> None:
        """With a frozen object, a hash and a record that fit: only the seal of the submission tells."""
        if part == "requester":
            row(approved).update(requester=dora)
        else:
            demand = Demand(policies=("Nobody",), admins=0).as_json()
            frozen = approved.approved | {"demand": demand}
            row(approved).update(demand=demand, approved=frozen, approved_hash=hash_of(frozen))
            sealed(approved, approved_hash=hash_of(frozen))
        assert carried() == STOPPED

    def test_in_the_database_a_second_vote_that_nobody_gave(
        self, waiting: PromotionRequest, bob: User, dora: User
    ) -> None:
        """Two admins are asked, and one of the two rows is written with SQL."""
        factories.seal(waiting, demand=Demand(policies=("Two",), admins=2).as_json())
        services.approve(
            bob, waiting, plan_hash=waiting.content_hash, new_pack_name="Orders", comment="Read."
        )
        waiting.refresh_from_db()
        assert waiting.status == Status.ADMIN_REVIEW
        vote = waiting.approvals.get()
        vote.pk, vote.person = None, dora
        vote.save()
        assert services.votes_so_far(waiting).admins_missing == 1
        vote.seal = vote.make_seal()
        vote.save()
        assert services.votes_so_far(waiting).admins_missing == 0

    def test_in_the_database_an_approval_that_goes_as_the_merge_is_executed(
        self, approved: PromotionRequest
    ) -> None:
        """After the last check and before the call: the UPDATE that allows the call looks itself."""
        row(approved).update(next_attempt_at=timezone.now())
        lease = leases.claim(PromotionRequest, approved.pk)
        assert lease is not None
        Approval.objects.update(until=timezone.now())
        now = timezone.now()
        with pytest.raises(leases.LeaseLost):
            lease.record_among(
                PromotionRequest.objects.with_standing_approval(now), merge_executed_at=now
            )
        approved.refresh_from_db()
        assert approved.merge_executed_at is None


class TestAPromotionKeepsTheRulesThatItWasSubmittedUnder:
    @pytest.mark.parametrize(
        ("rule", "value"), [("stage", "after_approval"), ("environment_values", "empty")]
    )
    def test_in_the_database(
        self, approved: PromotionRequest, carried: Carried, rule: str, value: str
    ) -> None:
        row(approved).update(**{rule: value})
        assert carried() == STOPPED

    @pytest.mark.parametrize("rule", ["dialect", "rules_version"])
    def test_what_cannot_be_kept_sends_nothing_and_says_why(
        self, approved: PromotionRequest, carried: Carried, rule: str
    ) -> None:
        row(approved).update(**{rule: {"dialect": "klingon"}.get(rule, 999)})
        assert carried() == (Status.FAILED, "RULES_CHANGED")
        assert approved.error

    def test_under_newer_rules_it_is_planned_and_looked_at_anew(
        self, approved: PromotionRequest, alice: User, carried: Carried
    ) -> None:
        """An upgrade: a click requests it again, and no approval goes over."""
        row(approved).update(rules_version=approved.rules_version - 1)
        frozen = approved.approved | {"rules_version": approved.rules_version - 1}
        row(approved).update(approved=frozen, approved_hash=hash_of(frozen))
        sealed(approved, approved_hash=hash_of(frozen))
        assert carried() == (Status.FAILED, "RULES_CHANGED")
        plan = services.resubmit(alice, approved)
        assert plan.resubmits == approved
        assert plan.state == Plan.State.BUILDING
        assert not PromotionRequest.objects.filter(plan=plan).exists()

    def test_by_the_settings(self, carried: Carried, settings: Any) -> None:
        settings.STAGE, settings.ENVIRONMENT_VALUES = "after_approval", "empty"
        assert carried() == GOES_ON


class TestAnApprovalLastsItsTime:
    def test_then_somebody_looks_again(
        self,
        client: Client,
        dora: User,
        approved: PromotionRequest,
        carried: Carried,
    ) -> None:
        sealed(approved, until=timezone.now())
        assert carried() == ASKED_AGAIN
        assert approved.approved_by is None
        assert approved.branch is not None
        assert approved.branch.delete_due is None
        assert "It lasted until" in approved.events.get(action="approval_lapsed").note
        page = signed_in(client, dora).get(approved.get_absolute_url())
        assert "The approval is no longer valid" in text(page)
        # Another admin says yes to the very same object.
        services.approve(dora, approved, plan_hash=approved.content_hash, new_pack_name="Orders")
        assert carried() == GOES_ON

    def test_so_does_each_of_two(
        self, approved: PromotionRequest, dora: User, carried: Carried
    ) -> None:
        """The second admin's approval lasts, and the first one's has lapsed."""
        demand = Demand(policies=("Two",), admins=2)
        frozen = approved.approved | {"demand": demand.as_json()}
        factories.seal(approved, demand=demand.as_json())
        row(approved).update(
            approved=frozen,
            approved_hash=hash_of(frozen),
            approved_by=dora,
        )
        sealed(approved, approved_hash=hash_of(frozen), until=timezone.now())
        second = approved.approvals.get()
        second.pk, second.person, second.until = None, dora, None
        second.seal = second.make_seal()
        second.save()
        assert carried() == ASKED_AGAIN
        assert "It lasted until" in approved.events.get(action="approval_lapsed").note

    def test_what_comes_after_the_approval_is_staged_anew(
        self, approved: PromotionRequest, carried: Carried
    ) -> None:
        frozen = approved.approved | {"stage": Stage.AFTER_APPROVAL.value}
        columns = {"approved": frozen, "approved_hash": hash_of(frozen)}
        row(approved).update(stage=Stage.AFTER_APPROVAL, **columns)
        sealed(approved, approved_hash=hash_of(frozen), until=timezone.now())
        assert carried() == ASKED_AGAIN
        assert not approved.branches.filter(delete_due__isnull=True).exists()
        assert not approved.steps.filter(state=StepState.DONE).exists()

    def test_in_the_database_it_cannot_be_made_longer(self, carried: Carried) -> None:
        Approval.objects.update(until=timezone.now() + timedelta(days=999))
        assert carried() == STOPPED

    def test_for_ever_where_it_is_set_so(
        self, approved: PromotionRequest, settings: Any, bob: User
    ) -> None:
        settings.PROMOTION_APPROVAL_DAYS = 0
        approvals.keep(approved, bob, approved.approved_object())
        assert approved.approvals.last().until is None  # type: ignore[union-attr]

    def test_an_older_one_leads_to_a_new_look(
        self, approved: PromotionRequest, carried: Carried
    ) -> None:
        """An upgrade: what was frozen then has no version and lacks what is covered now."""
        old = {k: v for k, v in approved.approved.items() if k not in ("version", "notes")}
        old["notes"] = approved.notes
        row(approved).update(approved=old, approved_hash=hash_of(old))
        sealed(approved, approved_hash=hash_of(old))
        assert carried() == ASKED_AGAIN
        note = approved.events.get(action="approval_lapsed").note
        assert "another version of Promotion Desk" in note

    def test_the_upgrade_seals_those_that_were_given_before_it(
        self, approved: PromotionRequest
    ) -> None:
        Approval.objects.update(seal="")
        [migration] = Path(migrations.__path__[0]).glob("*_seal_approvals.py")
        import_module(f"promotions.migrations.{migration.stem}").seal(apps, None)
        assert approved.approved_object().hash == approved.approved_hash

    def test_the_upgrade_seals_what_was_requested_before_it(
        self, approved: PromotionRequest, bob: User, carried: Carried
    ) -> None:
        Reading.objects.create(person=bob, digest="f" * 64, part=1)
        for model in (PromotionRequest, Reading):
            model.objects.update(seal="")
        [migration] = Path(*migrations.__path__).glob("*_seal_what_decides.py")
        import_module(f"promotions.migrations.{migration.stem}").seal(apps, None)
        reading = Reading.objects.get()
        assert reading.seal == reading.make_seal(Installation.load())
        assert carried() == GOES_ON

    def test_after_the_merge_there_is_only_forward(self, approved: PromotionRequest) -> None:
        old = {k: v for k, v in approved.approved.items() if k != "version"}
        row(approved).update(approved=old, approved_hash=hash_of(old), merged_at=timezone.now())
        sealed(approved, approved_hash=hash_of(old), until=timezone.now())
        approved.refresh_from_db()
        assert approved.standing_approval().notes == approved.notes


def sealed(promotion: PromotionRequest, **columns: Any) -> None:
    """An approval as an installation has sealed it at another time."""
    approval = promotion.approvals.get()
    for name, value in columns.items():
        setattr(approval, name, value)
    approval.seal = approval.make_seal()
    approval.save()


class TestWhoWasSwitchedOffStopsIt:
    @pytest.mark.parametrize("what", [Environment, DevAccount, DevAccountAccess])
    def test_in_the_admin_it_is_switched_off(
        self, client: Client, bob: User, approved: PromotionRequest, carried: Carried, what: Any
    ) -> None:
        used = what.objects.get()
        bob.is_superuser = bob.is_staff = True
        bob.save()
        form = signed_in(client, bob).get(admin_page(what, used.pk)).context["adminform"].form
        sent = {name: form[name].value() or "" for name in form.fields}
        sent |= {"access-TOTAL_FORMS": "0", "access-INITIAL_FORMS": "0"}
        del sent["is_active"]
        assert client.post(admin_page(what, used.pk), sent).status_code == 302
        assert carried() == (Status.FAILED, "SWITCHED_OFF")
        assert approved.error


def test_the_table_of_the_attacks_names_tests_that_exist() -> None:
    root = Path(__file__).parents[2]
    named = set(re.findall(r"`(test_\w+)`", (root / "docs/approval.md").read_text()))
    written = {
        name
        for file in (root / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    assert named
    assert named <= written
