"""Runs one promotion: its next step, and the next, until it waits or ends."""

from __future__ import annotations

import logging
from collections.abc import Hashable

from django.conf import settings
from django.db.models import F, Max
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NeedsPerson, PartnerApiError

from .. import partner
from ..messages import PromotionError
from ..models import ApprovalLapsed, ComponentResult, PromotionRequest, StepRun
from ..plan import check_rules
from ..states import FINAL, MERGE_INCOMPLETE, Outcome, Status, StepState
from ..transitions import StalePromotion, move, touch
from ..worker.lease import Lease
from ..worker.loop import Stop, Wait, Work, carry_on
from ..worker.timing import BRANCH_POLL
from ..worker.trouble import is_not_found, passes
from .context import MAX_MISSES, BranchGone, StageAgain, Step, StepContext, Stopped
from .rereview import review_again
from .restaging import MAX_STAGED, record_vanished, stage_again
from .steps import next_step

logger = logging.getLogger(__name__)

MAX_LOST = 5  # times that a worker may die in the same step


def run_promotion(promotion_id: int) -> float | None:
    """Run a promotion for as long as it can proceed now, if it is due and no other worker has it.

    :returns: (unscaled) seconds until somebody should look at it again, or None.
    """
    return carry_on(PromotionWork(), promotion_id)


class PromotionWork(Work[PromotionRequest]):
    """One step after another; the step's run records what it did."""

    model = PromotionRequest

    def __init__(self) -> None:
        self.patience = float(settings.PROMOTION_PATIENCE)
        self._context: StepContext | None = None
        self._client: PartnerApiClient | None = None
        self._asked: dict[Hashable, float] = {}

    def read(self, pk: int) -> PromotionRequest:
        """The promotion with its plan, account, pack and requester."""
        return PromotionRequest.objects.select_related(
            "plan", "dev_account", "pack", "requester"
        ).get(pk=pk)

    def take(self, row: PromotionRequest, lease: Lease) -> Wait | Stop | None:
        """Run one step; None means that the next one can follow at once."""
        self._context = None
        step = next_step(row)
        if step is None:
            lease.record(next_attempt_at=None)
            return Stop("nothing to do")
        begun = _begin(lease, row, step)
        if begun is None:
            return Stop("a person ended it")
        # What a client has learnt, and its connections, serve the next step as well.
        context = self._context = StepContext(row, lease, begun, self._client_of, self._asked)
        if begun.attempt > MAX_LOST and _deaths(context) >= MAX_LOST:
            raise PromotionError("WORKER_LOST", step.name.label)
        try:
            check_rules(row)
            wait = step.take(context)
        except Stopped:
            _close(context, StepState.ABANDONED)
            return Stop("a person ended it")
        except StageAgain as doubt:
            return _stage_again(context, doubt)
        except ApprovalLapsed as lapsed:
            return _review_again(context, lapsed)
        except (NeedsPerson, PromotionError) as error:
            return self._look_again(context, error)
        if wait is None:
            _close(context, StepState.DONE)
        else:
            _pause(context, begun.detail or wait.why)
        return wait

    def _client_of(self, promotion: PromotionRequest) -> PartnerApiClient:
        if self._client is None:
            self._client = partner.client(promotion=promotion)
        return self._client

    def _look_again(
        self, context: StepContext, error: NeedsPerson | PromotionError
    ) -> Wait | Stop | None:
        """A vanished branch is no fault of what was on it, and something brand new may not be found at once.

        :raises NeedsPerson, PromotionError: the error, if neither explains it.
        """
        if isinstance(error, NeedsPerson) and passes(error):
            raise error
        gone = context.vanished_branch()
        if gone is not None:
            return _stage_again(context, BranchGone(gone))
        run = context.step_run
        if is_not_found(error) and run.misses < MAX_MISSES:
            words = f"{error.message if isinstance(error, NeedsPerson) else error} Looking again."
            context.note(words, misses=run.misses + 1)
            _pause(context, words)
            return Wait(BRANCH_POLL, words)
        raise error

    def held_up(self, row: PromotionRequest, lease: Lease, error: PartnerApiError) -> None:
        """Show the platform's message at the step, and wait."""
        if self._context is not None:
            _pause(self._context, error.message)
        super().held_up(row, lease, error)

    def fail(self, row: PromotionRequest, lease: Lease, error: PromotionError) -> None:
        """End the promotion and name the step; the branch's deletion is in the same transaction."""
        step = ""
        if self._context is not None:
            step = self._context.step_run.step
            _close(self._context, StepState.FAILED, error)
        elif (waiting := next_step(row)) is not None:
            step = waiting.name
        try:
            with lease.writing():
                row.results.filter(outcome=Outcome.PENDING).update(outcome=Outcome.SKIPPED)
                move(
                    row.pk,
                    to=Status.FAILED,
                    note=str(error),
                    epoch=lease.epoch,
                    next_attempt_at=None,
                    keep_branch=error.code == MERGE_INCOMPLETE,
                    error_code=error.code,
                    error=error.detail,
                    failed_step=step,
                )
        except StalePromotion:
            logger.info("Promotion %s was ended by a person first.", row.pk)


def _begin(lease: Lease, promotion: PromotionRequest, step: Step) -> StepRun | None:
    """Resume the waiting step's run, or start a new attempt; a run whose worker died is abandoned.

    :returns: None when a person has ended the promotion since it was read.
    """
    with lease.writing():
        if not PromotionRequest.objects.filter(pk=promotion.pk, status=promotion.status).exists():
            return None
        waiting = promotion.steps.filter(step=step.name, state=StepState.WAITING).first()
        if waiting is not None:
            StepRun.objects.filter(pk=waiting.pk).update(
                state=StepState.RUNNING, tries=F("tries") + 1
            )
            waiting.refresh_from_db()
            return waiting
        promotion.steps.filter(step=step.name, state=StepState.RUNNING).update(
            state=StepState.ABANDONED, finished_at=timezone.now(), error_code="WORKER_LOST"
        )
        last = promotion.steps.filter(step=step.name).aggregate(Max("attempt"))["attempt__max"] or 0
        return StepRun.objects.create(promotion=promotion, step=step.name, attempt=last + 1)


def _deaths(context: StepContext) -> int:
    return context.promotion.steps.filter(
        step=context.step_run.step, error_code="WORKER_LOST"
    ).count()


def _pause(context: StepContext, detail: str) -> None:
    """The step waits, unless it was abandoned: because a person ended the promotion, or for another worker."""
    context.note(detail)
    StepRun.objects.filter(pk=context.step_run.pk, state=StepState.RUNNING).update(
        state=StepState.WAITING
    )
    touch(context.promotion.pk)


def _close(context: StepContext, state: StepState, error: PromotionError | None = None) -> None:
    """The step has ended, unless it was abandoned."""
    StepRun.objects.filter(pk=context.step_run.pk, state=StepState.RUNNING).update(
        state=state,
        finished_at=timezone.now(),
        error_code=error.code if error else "",
        error=error.detail if error else "",
    )
    touch(context.promotion.pk)


def _review_again(context: StepContext, lapsed: ApprovalLapsed) -> Stop:
    try:
        with context.lease.writing():
            _close(context, StepState.ABANDONED)
            review_again(context.promotion, lapsed, epoch=context.lease.epoch)
    except StalePromotion as stale:
        if stale.current not in FINAL:
            raise lapsed from stale
    return Stop("people look again")


def _stage_again(context: StepContext, doubt: StageAgain) -> Stop | None:
    """Drop the branch and stage again, unless the same doubt has come up too often."""
    if doubt.times(context) >= MAX_STAGED:
        raise PromotionError(doubt.code, doubt.why)
    try:
        with context.lease.writing():
            if isinstance(doubt, BranchGone):
                record_vanished(doubt.branch)
            stage_again(context.promotion, doubt.why, epoch=context.lease.epoch)
            if doubt.result is not None:
                ComponentResult.objects.filter(pk=doubt.result.pk).update(losses=F("losses") + 1)
    except StalePromotion as stale:
        if stale.current not in FINAL:
            raise PromotionError(doubt.code, doubt.why) from stale
        return Stop("a person ended it")
    return None
