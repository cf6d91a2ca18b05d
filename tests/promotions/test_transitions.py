"""The only writer of a status: allowed moves, lost races, what every end brings with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from promotions.models import (
    Acceptance,
    AppendOnlyError,
    ComponentMapping,
    Deployment,
    DevAccount,
    Environment,
    Event,
    Finding,
    Plan,
    PlannedComponent,
    PromotionBranch,
    PromotionRequest,
    Reservation,
    StepRun,
)
from promotions.states import (
    AFTER_APPROVAL,
    BEFORE_REVIEW,
    FINAL,
    OPEN,
    Action,
    HoldKind,
    Status,
    StepState,
)
from promotions.transitions import StalePromotion, move
from promotions.worker.lease import LeaseLost, claim, held

pytestmark = pytest.mark.django_db

MakeRequest = Callable[..., PromotionRequest]


@pytest.fixture
def make_request(alice: User) -> MakeRequest:
    account = DevAccount.objects.create(account_id="dev-1", name="Dev One")

    def make(**fields: Any) -> PromotionRequest:
        plan = fields.pop("plan", None) or Plan.objects.create(
            dev_account=account,
            package_id="package",
            requested_by=alice,
            state=Plan.State.READY,
            content_hash="0" * 64,
        )
        return PromotionRequest.objects.create(
            plan=plan, dev_account=account, requester=alice, package_version="1.0", **fields
        )

    return make


def test_a_move_writes_status_and_event_together(make_request: MakeRequest, bob: User) -> None:
    promotion = make_request(status=Status.ADMIN_REVIEW)
    move(promotion.pk, to=Status.REJECTED, actor=bob, note="No.", decision_reason="No.")
    promotion.refresh_from_db()
    event = promotion.events.get()
    assert promotion.status == Status.REJECTED
    assert (event.actor, event.from_status, event.to_status) == (bob, "admin_review", "rejected")


def test_the_second_of_two_decisions_is_told_where_the_request_stands(
    make_request: MakeRequest, bob: User, dora: User
) -> None:
    promotion = make_request(status=Status.ADMIN_REVIEW)
    move(promotion.pk, to=Status.APPROVED, actor=bob, approved_by=bob)
    with pytest.raises(StalePromotion) as stale:
        move(promotion.pk, to=Status.REJECTED, actor=dora, decision_reason="No.")
    assert stale.value.current == Status.APPROVED
    assert promotion.events.count() == 1


@pytest.mark.parametrize("start", Status)
@pytest.mark.parametrize("to", Status)
def test_only_the_table_allows(make_request: MakeRequest, start: Status, to: Status) -> None:
    now = timezone.now()
    fields: dict[str, Any] = {}
    if start == Status.REJECTED:
        fields["decision_reason"] = "No."
    if start == Status.DEPLOYED:
        admin = User.objects.create(username="root")
        fields.update(merged_at=now, approved_by=admin, approved_hash="f" * 64)
    promotion = make_request(status=start, **fields)
    changes: dict[str, Any] = {"decision_reason": "No."} if to == Status.REJECTED else {}
    if to == Status.DEPLOYED:
        admin, _ = User.objects.get_or_create(username="root")
        changes.update(merged_at=now, approved_by=admin, approved_hash="f" * 64)
    if start in BEFORE_REVIEW[to]:
        move(promotion.pk, to=to, **changes)
        expected = to
    else:
        with pytest.raises(StalePromotion):
            move(promotion.pk, to=to, **changes)
        expected = start
    promotion.refresh_from_db()
    assert promotion.status == expected


@pytest.mark.parametrize("table", [BEFORE_REVIEW, AFTER_APPROVAL])
def test_what_is_final_stays_final_but_for_a_retry(table: dict[Status, frozenset[Status]]) -> None:
    for to, allowed in table.items():
        assert allowed & FINAL <= ({Status.FAILED} if to == Status.DEPLOYING else set())


@pytest.mark.parametrize(
    ("start", "to", "woken"),
    [
        (Status.STAGING, Status.ADMIN_REVIEW, {HoldKind.SLOT}),
        (Status.STAGING, Status.FAILED, {HoldKind.SLOT, HoldKind.TURN}),
        (Status.DEPLOYING, Status.FAILED, {HoldKind.TURN}),
        (Status.QUEUED, Status.STAGING, set()),
    ],
)
def test_who_waits_is_woken_when_there_is_room(
    make_request: MakeRequest,
    django_capture_on_commit_callbacks: Any,
    start: Status,
    to: Status,
    woken: set[HoldKind],
) -> None:
    later = timezone.now() + timedelta(hours=1)
    rows = {
        kind: make_request(status=Status.WAITING, hold_kind=kind, next_attempt_at=later)
        for kind in HoldKind
    }
    promotion = make_request(status=start)
    with django_capture_on_commit_callbacks(execute=True):
        move(promotion.pk, to=to)
    due = PromotionRequest.objects.filter(pk__in=[row.pk for row in rows.values()])
    ready = due.due(timezone.now())
    assert {HoldKind(kind) for kind in ready.values_list("hold_kind", flat=True)} == woken


@pytest.mark.parametrize("end", sorted(FINAL))
def test_every_end_brings_the_branch_to_its_deletion(
    make_request: MakeRequest, bob: User, end: Status
) -> None:
    start = next(iter(BEFORE_REVIEW[end] & OPEN))
    promotion = make_request(status=start)
    PromotionBranch.objects.create(promotion=promotion, name="promo-1", remote_id="Qjox")
    Reservation.objects.create(
        promotion=promotion, dev_account=promotion.dev_account, dev_component_id="c"
    )
    StepRun.objects.create(promotion=promotion, step="stage_components")
    changes: dict[str, Any] = {"decision_reason": "No."} if end == Status.REJECTED else {}
    if end == Status.DEPLOYED:
        changes.update(merged_at=timezone.now(), approved_by=bob, approved_hash="f" * 64)
    move(promotion.pk, to=end, **changes)
    branch = PromotionBranch.objects.get()
    assert branch.delete_due is not None
    assert branch.next_attempt_at is not None
    assert not Reservation.objects.exists()
    assert StepRun.objects.get().state == StepState.ABANDONED


def test_a_condition_that_does_not_hold_is_a_lost_race(
    make_request: MakeRequest, alice: User
) -> None:
    promotion = make_request(status=Status.ADMIN_REVIEW)
    with pytest.raises(StalePromotion):
        move(promotion.pk, to=Status.APPROVED, actor=alice, where=~Q(requester=alice))


def test_a_worker_that_was_given_up_moves_nothing(make_request: MakeRequest) -> None:
    promotion = make_request(status=Status.QUEUED, next_attempt_at=timezone.now())
    lease = claim(PromotionRequest, promotion.pk)
    assert lease is not None
    PromotionRequest.objects.filter(pk=promotion.pk).update(lease_until=timezone.now())
    other = claim(PromotionRequest, promotion.pk)
    assert other is not None
    assert other.epoch == lease.epoch + 1
    with pytest.raises(StalePromotion):
        move(promotion.pk, to=Status.STAGING, epoch=lease.epoch)
    with pytest.raises(LeaseLost):
        lease.record(hold_words="nothing")
    with pytest.raises(LeaseLost), lease.writing():
        pytest.fail("A lost lease opens no transaction.")


def test_a_held_row_is_claimed_by_nobody_else(make_request: MakeRequest) -> None:
    promotion = make_request(status=Status.QUEUED, next_attempt_at=timezone.now())
    lease = claim(PromotionRequest, promotion.pk)
    assert lease is not None
    assert claim(PromotionRequest, promotion.pk) is None
    lease.release()
    assert claim(PromotionRequest, promotion.pk) is not None


def test_what_is_not_due_is_not_claimed(make_request: MakeRequest) -> None:
    promotion = make_request(status=Status.ADMIN_REVIEW)
    assert claim(PromotionRequest, promotion.pk) is None


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_keeps_the_lease(make_request: MakeRequest) -> None:
    promotion = make_request(status=Status.QUEUED, next_attempt_at=timezone.now())
    lease = claim(PromotionRequest, promotion.pk)
    assert lease is not None
    rows = PromotionRequest.objects.filter(pk=promotion.pk)
    with held(lease):
        rows.update(lease_until=timezone.now())
        # The next beat comes when a quarter of a whole lease is over.
        deadline = time.monotonic() + 60
        while not rows.filter(lease_until__gt=timezone.now()).exists():
            assert time.monotonic() < deadline, "No beat has prolonged the lease."
            time.sleep(0.05)
        assert claim(PromotionRequest, promotion.pk) is None
    assert claim(PromotionRequest, promotion.pk) is not None


def test_history_is_neither_changed_nor_deleted(make_request: MakeRequest, bob: User) -> None:
    promotion = make_request(status=Status.ADMIN_REVIEW)
    move(promotion.pk, to=Status.LAPSED)
    event = promotion.events.get()
    event.note = "otherwise"
    with pytest.raises(AppendOnlyError):
        event.save()
    with pytest.raises(AppendOnlyError):
        event.delete()
    for change in (
        lambda: Event.objects.update(note="otherwise"),
        lambda: promotion.events.filter(pk=event.pk).update(actor=bob),
        lambda: Event.objects.bulk_update([event], ["note"]),
        lambda: promotion.events.all().delete(),
    ):
        with pytest.raises(AppendOnlyError):
            change()


class TestTheDatabaseHoldsTheInvariants:
    def refused(self, make: Callable[[], Any]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            make()

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE promotions_event SET note = 'otherwise'", "DELETE FROM promotions_event"],
    )
    def test_an_event_is_neither_changed_nor_deleted(
        self, make_request: MakeRequest, statement: str
    ) -> None:
        promotion = make_request(status=Status.ADMIN_REVIEW)
        move(promotion.pk, to=Status.LAPSED)

        def attack() -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement)

        self.refused(attack)
        assert promotion.events.get().note == ""

    def test_the_requester_does_not_approve(self, make_request: MakeRequest, alice: User) -> None:
        self.refused(lambda: make_request(status=Status.APPROVED, approved_by=alice))

    def test_a_rejection_has_a_reason(self, make_request: MakeRequest) -> None:
        self.refused(lambda: make_request(status=Status.REJECTED))

    def test_nothing_is_deployed_that_was_not_merged(
        self, make_request: MakeRequest, bob: User
    ) -> None:
        self.refused(lambda: make_request(status=Status.DEPLOYED, approved_by=bob))

    def test_one_promotion_of_a_dev_account_is_staging(self, make_request: MakeRequest) -> None:
        make_request(status=Status.STAGING)
        self.refused(lambda: make_request(status=Status.STAGING))

    def test_a_dev_component_is_reserved_once(self, make_request: MakeRequest) -> None:
        one, other = make_request(), make_request()
        Reservation.objects.create(promotion=one, dev_account=one.dev_account, dev_component_id="c")
        self.refused(
            lambda: Reservation.objects.create(
                promotion=other, dev_account=other.dev_account, dev_component_id="c"
            )
        )

    def test_a_request_has_one_live_branch(self, make_request: MakeRequest) -> None:
        promotion = make_request()
        PromotionBranch.objects.create(promotion=promotion, name="promo-1")
        self.refused(lambda: PromotionBranch.objects.create(promotion=promotion, name="promo-1-2"))

    def test_a_dev_component_has_one_mapping(self, make_request: MakeRequest) -> None:
        account = make_request().dev_account
        mapped = {"dev_account": account, "name": "Mail", "component_type": "process"}
        ComponentMapping.objects.create(**mapped, dev_component_id="a", prod_component_id="b")
        self.refused(
            lambda: ComponentMapping.objects.create(
                **mapped, dev_component_id=" A ", prod_component_id="c"
            )
        )

    @pytest.mark.parametrize("left_out", ["dev_component_id", "prod_component_id"])
    def test_a_mapping_names_both(self, make_request: MakeRequest, left_out: str) -> None:
        ids = {"dev_component_id": "a", "prod_component_id": "b"} | {left_out: " "}
        account = make_request().dev_account
        self.refused(lambda: ComponentMapping.objects.create(dev_account=account, **ids))

    def test_a_plan_that_is_ready_has_a_hash(self, make_request: MakeRequest) -> None:
        plan = make_request().plan
        self.refused(lambda: Plan.objects.filter(pk=plan.pk).update(content_hash=""))

    def test_a_plan_is_requested_once(self, make_request: MakeRequest) -> None:
        plan = make_request().plan
        self.refused(lambda: make_request(plan=plan))

    @pytest.mark.parametrize(
        "other",
        [
            {"dev_component_id": "c", "position": 2},
            {"dev_component_id": "d", "position": 1},
            {"dev_component_id": "d", "position": 2, "action": Action.UPDATE},
            {"dev_component_id": "d", "position": 2, "prod_component_id": "p"},
        ],
        ids=["the same component", "the same place", "no twin to update", "a twin to create"],
    )
    def test_what_a_plan_says_of_its_components(
        self, make_request: MakeRequest, other: dict[str, Any]
    ) -> None:
        values = {"plan": make_request().plan, "dev_version": 1, "action": Action.CREATE}
        PlannedComponent.objects.create(**values, dev_component_id="c", position=1)
        self.refused(lambda: PlannedComponent.objects.create(**(values | other)))

    def test_a_finding_is_accepted_with_a_reason(
        self, make_request: MakeRequest, bob: User
    ) -> None:
        plan = make_request().plan
        self.refused(lambda: Finding.objects.create(plan=plan, code="X", accepted_by=bob))

    def test_an_acceptance_has_a_reason(self, make_request: MakeRequest, bob: User) -> None:
        account = make_request().dev_account
        self.refused(lambda: Acceptance.objects.create(dev_account=account, accepted_by=bob))

    def test_a_step_has_each_attempt_once(self, make_request: MakeRequest) -> None:
        promotion = make_request()
        StepRun.objects.create(promotion=promotion, step="deploy")
        self.refused(lambda: StepRun.objects.create(promotion=promotion, step="deploy"))

    def test_an_environment_is_deployed_to_once(self, make_request: MakeRequest) -> None:
        promotion = make_request()
        environment = Environment.objects.create(environment_id="e", classification="PROD")
        Deployment.objects.create(promotion=promotion, environment=environment)
        self.refused(
            lambda: Deployment.objects.create(promotion=promotion, environment=environment)
        )

    def test_a_status_is_a_known_one(self, make_request: MakeRequest) -> None:
        self.refused(lambda: make_request(status="somewhere"))


def test_this_database_is_the_one_that_was_asked_for(request: pytest.FixtureRequest) -> None:
    asked = request.config.getoption("--database")
    assert connection.vendor == asked
