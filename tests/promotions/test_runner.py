"""What is around a step: the database goes away, a person ends the promotion, a worker is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from partnerapi import componentxml
from partnerapi.client import Wanted
from partnerapi.errors import ApiUnavailable, Forbidden, NotFound
from partnerapi.records import MergeRequest
from partnerapi.simulator.documents import ROOT_NAMESPACES
from promotions import partner
from promotions.messages import PromotionError
from promotions.models import (
    ComponentMapping,
    ComponentResult,
    DevAccount,
    Plan,
    PromotionRequest,
    StepRun,
)
from promotions.pipeline import cleanup, runner
from promotions.pipeline.context import Step, StepContext, Wait
from promotions.pipeline.merge import record_merged
from promotions.pipeline.steps import steps_of
from promotions.plan import build
from promotions.states import Status, StepName, StepState
from promotions.transitions import move, record_event
from promotions.worker import lease as leases
from promotions.worker.lease import _heartbeat as heartbeat
from promotions.worker.sweep import sweep
from tests.promotions import factories

pytestmark = pytest.mark.django_db

TakeStep = Callable[[Callable[[StepContext], Wait | None]], None]


@pytest.fixture
def sales() -> DevAccount:
    return factories.account()


@pytest.fixture
def promotion(sales: DevAccount, alice: User) -> PromotionRequest:
    """A promotion that is being staged and is due."""
    made = factories.plan(sales, alice)
    return factories.promotion(made, alice, Status.STAGING, next_attempt_at=timezone.now())


@pytest.fixture
def only_step(monkeypatch: pytest.MonkeyPatch, promotion: PromotionRequest) -> TakeStep:
    """The step that is next while the promotion is being staged."""
    promotion.steps.all().delete()

    def set_to(function: Callable[[StepContext], Wait | None]) -> None:
        def next_step(promotion: PromotionRequest) -> Step | None:
            done = promotion.steps.filter(step=StepName.CHECK_STAGED, state=StepState.DONE).exists()
            is_over = done or promotion.status != Status.STAGING
            return None if is_over else Step(StepName.CHECK_STAGED, function)

        monkeypatch.setattr(runner, "next_step", next_step)

    return set_to


def due(promotion: PromotionRequest, **columns: Any) -> None:
    columns.setdefault("next_attempt_at", timezone.now())
    PromotionRequest.objects.filter(pk=promotion.pk).update(**columns)


def hold_on_main(promotion: PromotionRequest) -> dict[str, bytes]:
    """Documents by production id, staged as they are on main."""
    documents = {}
    for result in promotion.written():
        document = (
            f'<bns:Component {ROOT_NAMESPACES} name="a" type="process"><bns:encryptedValues/>'
            f"<bns:object><note>{result.component.name}</note></bns:object></bns:Component>"
        ).encode()
        digest = componentxml.digest(componentxml.mask(componentxml.Document.parse(document)))
        ComponentResult.objects.filter(pk=result.pk).update(staged_digest=digest)
        documents[result.prod_component_id] = document
    return documents


def probe(promotion: PromotionRequest) -> StepRun:
    return promotion.steps.filter(step=StepName.CHECK_STAGED).latest("pk")


class TestADatabaseThatIsAway:
    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    def test_the_step_is_taken_again(
        self, promotion: PromotionRequest, only_step: TakeStep, error: type[Exception]
    ) -> None:
        tries = []

        def step(context: StepContext) -> Wait | None:
            tries.append(context.step_run.attempt)
            if len(tries) == 1:
                raise error("server closed the connection unexpectedly")
            return None

        only_step(step)
        with pytest.raises(error):
            runner.run_promotion(promotion.pk)
        promotion.refresh_from_db()
        assert (promotion.status, promotion.error_code) == (Status.STAGING, "")
        runner.run_promotion(promotion.pk)
        assert tries == [1, 2]
        assert probe(promotion).state == StepState.DONE

    def test_it_does_not_last_for_ever(
        self, promotion: PromotionRequest, only_step: TakeStep
    ) -> None:
        def step(context: StepContext) -> Wait | None:
            raise OperationalError("disk is full")

        only_step(step)
        for _ in range(runner.MAX_LOST):
            with pytest.raises(OperationalError):
                runner.run_promotion(promotion.pk)
        runner.run_promotion(promotion.pk)
        promotion.refresh_from_db()
        assert (promotion.status, promotion.error_code) == (Status.FAILED, "WORKER_LOST")

    def test_a_plan_is_made_again(
        self, sales: DevAccount, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = factories.plan(sales, alice, ready=False, next_attempt_at=timezone.now())

        def away(*_: Any) -> None:
            raise OperationalError("the database is locked")

        monkeypatch.setattr(build, "_build", away)
        with pytest.raises(OperationalError):
            build.build_plan(plan.pk)
        plan.refresh_from_db()
        assert plan.state == Plan.State.BUILDING
        for _ in range(build.MAX_CLAIMS - 1):
            with pytest.raises(OperationalError):
                build.build_plan(plan.pk)
        build.build_plan(plan.pk)
        plan.refresh_from_db()
        assert (plan.state, plan.error_code) == (Plan.State.FAILED, "WORKER_LOST")

    def test_the_heartbeat_goes_on(
        self, promotion: PromotionRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A connection that broke once must not end the beat, nor stay broken."""
        beats: list[str] = []
        stop = threading.Event()

        class Broken:
            model = PromotionRequest
            pk = promotion.pk

            def record(self, **_: Any) -> None:
                beats.append("beat")
                if len(beats) == 3:
                    stop.set()
                raise InterfaceError("connection already closed")

        class Connection:
            def close(self) -> None:
                beats.append("closed")

        monkeypatch.setattr(leases, "LEASE", 0.04)
        monkeypatch.setattr(leases, "connection", Connection())
        heartbeat(Broken(), stop)  # type: ignore[arg-type]
        assert beats[:4] == ["beat", "closed", "beat", "closed"]


class TestAPersonEndsIt:
    def end(self, promotion: PromotionRequest) -> None:
        move(promotion.pk, to=Status.WITHDRAWN)

    def test_while_the_step_polls(self, promotion: PromotionRequest, only_step: TakeStep) -> None:
        def step(context: StepContext) -> Wait | None:
            self.end(promotion)
            return Wait(5, "Not ready yet")

        only_step(step)
        runner.run_promotion(promotion.pk)
        assert probe(promotion).state == StepState.ABANDONED

    def test_while_the_step_fails_for_lack_of_its_branch(
        self, promotion: PromotionRequest, only_step: TakeStep
    ) -> None:
        def step(context: StepContext) -> Wait | None:
            self.end(promotion)
            assert context.branch
            return None

        only_step(step)
        runner.run_promotion(promotion.pk)
        run = probe(promotion)
        assert (run.state, run.error_code) == (StepState.ABANDONED, "")

    def test_while_the_platform_is_away(
        self, promotion: PromotionRequest, only_step: TakeStep
    ) -> None:
        def step(context: StepContext) -> Wait | None:
            self.end(promotion)
            raise ApiUnavailable("Away.")

        only_step(step)
        runner.run_promotion(promotion.pk)
        assert probe(promotion).state == StepState.ABANDONED

    def test_just_before_a_step_begins(
        self, promotion: PromotionRequest, only_step: TakeStep, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken = []
        only_step(lambda context: taken.append(context.step_run.step))
        before = runner.next_step

        def next_step(promotion: PromotionRequest) -> Step | None:
            step = before(promotion)
            if step is not None:
                self.end(promotion)
            return step

        monkeypatch.setattr(runner, "next_step", next_step)
        runner.run_promotion(promotion.pk)
        assert not taken
        assert not promotion.steps.filter(step=StepName.CHECK_STAGED).exists()


class TestAWorkerThatWasGivenUp:
    def test_it_does_not_finish_a_step_that_another_has_taken_over(
        self, promotion: PromotionRequest, only_step: TakeStep
    ) -> None:
        def step(context: StepContext) -> Wait | None:
            due(promotion, lease_epoch=context.lease.epoch + 1)
            StepRun.objects.filter(pk=context.step_run.pk).update(state=StepState.ABANDONED)
            return None

        only_step(step)
        runner.run_promotion(promotion.pk)
        assert probe(promotion).state == StepState.ABANDONED


def test_only_failures_that_follow_one_another_are_counted(
    promotion: PromotionRequest, only_step: TakeStep
) -> None:
    """A promotion may wait for days; now and then the platform is away for a moment."""
    answers: list[Wait | None] = []

    def step(context: StepContext) -> Wait | None:
        answers.append(None)
        if len(answers) % 2:
            raise ApiUnavailable("Away.")
        return Wait(5, "All branches are in use.")

    only_step(step)
    for _ in range(12):
        due(promotion)
        runner.run_promotion(promotion.pk)
    promotion.refresh_from_db()
    assert (len(answers), promotion.status) == (12, Status.STAGING)


def _twin(xml: bytes) -> Any:
    return type("Twin", (), {"version": 8, "document": componentxml.Document.parse(xml)})


class TestTheMerge:
    @pytest.fixture
    def merging(self, sales: DevAccount, alice: User, bob: User) -> PromotionRequest:
        made = factories.plan(sales, alice)
        promotion = factories.promotion(
            made,
            alice,
            Status.DEPLOYING,
            approved_by=bob,
            merge_started_at=timezone.now() - timedelta(minutes=1),
            merge_request_id="MR",
        )
        for result in promotion.written():
            result.prod_component_id = result.component.prod_component_id or "new-in-production"
            result.save()
        factories.step(promotion, "create_merge_request")
        return promotion

    def test_a_mapping_that_somebody_made_meanwhile_is_told(
        self, merging: PromotionRequest, sales: DevAccount
    ) -> None:
        new = merging.written().get(component__action="create")
        ComponentMapping.objects.create(
            dev_account=sales,
            dev_component_id=new.component.dev_component_id,
            prod_component_id="somebody-elses",
            name="Mapped by hand",
            component_type="transform.map",
        )
        lease = leases.Lease(PromotionRequest, merging.pk, merging.lease_epoch)
        record_merged(lease, merging, {result.pk: 8 for result in merging.written()})
        mapping = sales.mappings.get(dev_component_id=new.component.dev_component_id)
        assert mapping.prod_component_id == "new-in-production"
        event = merging.events.get(action="mapping_replaced")
        assert event.note == "somebody-elses → new-in-production"

    def test_one_that_came_to_nothing_holds_nobody_up_although_its_branch_stays(
        self, merging: PromotionRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        move(merging.pk, to=Status.FAILED, error_code="MERGE_FAILED")

        class Api:
            def get_merge_request(self, _: str) -> MergeRequest:
                return MergeRequest("MR", "FAILED_TO_MERGE")

            def delete_branch(self, _: str) -> None:
                raise Forbidden("Not allowed.")

        monkeypatch.setattr(partner, "client", lambda **_: Api())
        cleanup.delete_branch(merging.branches.get().pk)
        branch = merging.branches.get()
        assert (branch.deleted_at, branch.delete_error) == (None, "Not allowed.")
        assert not PromotionRequest.objects.merging().exists()

    @pytest.mark.parametrize("executed", [True, False])
    def test_one_that_failed_and_ends_late_holds_up_the_next(
        self, merging: PromotionRequest, executed: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where it was never executed: some accounts merge by themselves."""
        if executed:
            due(merging, merge_executed_at=timezone.now())
        move(merging.pk, to=Status.FAILED, error_code="MERGE_TIMEOUT")
        assert merging in PromotionRequest.objects.merging()
        stage = "MERGING"

        class Api:
            def get_merge_request(self, _: str) -> MergeRequest:
                return MergeRequest("MR", stage)

            def each_component(self, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Any]]:
                return ((one, _twin(on_main[one.component_id])) for one in wanted)

            def delete_branch(self, _: str) -> None:
                deleted.append(_)

        deleted: list[str] = []
        on_main = hold_on_main(merging)
        monkeypatch.setattr(partner, "client", lambda **_: Api())
        branch = merging.branches.get()
        cleanup.delete_branch(branch.pk)
        assert not deleted
        stage = "MERGED"
        merging.branches.update(next_attempt_at=timezone.now())
        cleanup.delete_branch(branch.pk)
        merging.refresh_from_db()
        assert deleted
        assert merging.merged_at is not None
        assert merging not in PromotionRequest.objects.merging()
        assert merging.dev_account.mappings.count() == 2

    def test_one_that_ends_late_and_leaves_something_out_keeps_its_branch(
        self, merging: PromotionRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        move(merging.pk, to=Status.FAILED, error_code="MERGE_TIMEOUT")
        on_main = hold_on_main(merging)
        left_out = merging.written().get(component__action="create")
        del on_main[left_out.prod_component_id]

        class Api:
            def get_merge_request(self, _: str) -> MergeRequest:
                return MergeRequest("MR", "MERGED")

            def each_component(self, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Any]]:
                gone = NotFound("The component is not found.")
                for one in wanted:
                    is_there = one.component_id in on_main
                    yield one, _twin(on_main[one.component_id]) if is_there else gone

            def delete_branch(self, _: str) -> None:
                raise AssertionError("The branch holds what was left out.")

        monkeypatch.setattr(partner, "client", lambda **_: Api())
        cleanup.delete_branch(merging.branches.get().pk)
        merging.refresh_from_db()
        assert merging.error_code == "MERGE_INCOMPLETE"
        assert left_out.component.name in merging.error
        assert merging.merged_at is None
        assert merging.holds_unmerged_content
        assert merging.can_be_retried
        assert merging.dev_account.mappings.count() == 1
        sweep()
        assert merging.branches.get().delete_due is None


class TestTheChangeStamp:
    """Whatever a worker writes, the page of the promotion is told of."""

    def stamp(self, promotion: PromotionRequest) -> int:
        return PromotionRequest.objects.values_list("change_stamp", flat=True).get(pk=promotion.pk)

    @pytest.mark.parametrize("write", ["note", "record", "writing", "event", "move"])
    def test_grows_with_every_write(
        self, promotion: PromotionRequest, only_step: TakeStep, write: str
    ) -> None:
        stamps: list[int] = []

        def step(context: StepContext) -> Wait | None:
            stamps.append(self.stamp(promotion))
            if write == "note":
                context.note("half way")
            elif write == "record":
                context.record(merge_request_id="")
            elif write == "writing":
                with context.writing():
                    promotion.results.update(error="told")
            elif write == "event":
                record_event("told", promotion=promotion)
            else:
                context.move(Status.ADMIN_REVIEW)
            stamps.append(self.stamp(promotion))
            return None

        begun = self.stamp(promotion)
        only_step(step)
        runner.run_promotion(promotion.pk)
        assert begun < stamps[0] < stamps[1] < self.stamp(promotion)

    def test_grows_when_a_step_waits_and_when_it_fails(
        self, promotion: PromotionRequest, only_step: TakeStep
    ) -> None:
        seen: list[int] = []

        def waits(context: StepContext) -> Wait | None:
            seen.append(self.stamp(promotion))
            return Wait(60, "Wait for it.")

        only_step(waits)
        runner.run_promotion(promotion.pk)
        assert probe(promotion).state == StepState.WAITING
        assert seen[0] < self.stamp(promotion)

        def fails(context: StepContext) -> Wait | None:
            seen.append(self.stamp(promotion))
            raise PromotionError("PLAN_STALE", "It has changed.")

        PromotionRequest.objects.update(next_attempt_at=timezone.now())
        only_step(fails)
        runner.run_promotion(promotion.pk)
        promotion.refresh_from_db()
        assert promotion.status == Status.FAILED
        assert seen[1] < self.stamp(promotion)


class Deployer:
    """The platform as far as a deployment asks it; it remembers what went where."""

    capabilities = SimpleNamespace(deploys_released_package=False)

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def query_pack_environments(self, pack_id: str) -> list[str]:
        return []

    def query_deployed_packages(self, **asked: str) -> list[Any]:
        return []

    def create_deployed_package(
        self, environment_id: str, package_id: str, **more: Any
    ) -> SimpleNamespace:
        self.sent.append((environment_id, package_id))
        return SimpleNamespace(deployment_id="deployment-1")

    def as_they_come(self, calls: list[Callable[[], Any]]) -> Iterator[tuple[int, Any]]:
        yield from ((number, call()) for number, call in enumerate(calls))


def test_what_waited_is_not_deployed_over_what_was_merged_later(
    sales: DevAccount, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release may take a day; meanwhile a newer version can come by another pack."""
    platform = Deployer()
    monkeypatch.setattr(partner, "client", lambda **about: platform)
    shared, own = factories.environment("EU"), factories.environment("US")
    first = factories.mapped_plan(sales, alice)
    older = factories.promotion(
        first,
        alice,
        Status.DEPLOYING,
        approved_by=bob,
        merge_started_at=timezone.now(),
        merged_at=timezone.now() - timedelta(hours=2),
        prod_package_id="older-package",
        next_attempt_at=timezone.now(),
    )
    older.deployments.create(environment=own, platform_id=own.environment_id)
    factories.approve(older, bob)
    for step in steps_of(Status.DEPLOYING, older.stage):
        if step.name not in (StepName.DEPLOY, StepName.FINISH):
            factories.step(older, step.name)
    newer = factories.deployed(factories.plan(sales, alice), alice, bob)
    PromotionRequest.objects.filter(pk=newer.pk).update(process_id=older.process_id)
    runner.run_promotion(older.pk)
    older.refresh_from_db()
    assert (older.status, older.error) == (Status.DEPLOYED, "")
    assert platform.sent == [(own.environment_id, "older-package")]
    left_out = older.deployments.get(environment=shared)
    assert left_out.dropped_at is not None
    assert newer.package_version in left_out.note
