"""Carries one promotion on: claim it, take its next step, record the outcome, until it waits or ends."""

from __future__ import annotations

import logging

from django.db.models import Max
from django.utils import timezone

from partnerapi.errors import PartnerApiError

from ..messages import PromotionError
from ..models import ComponentResult, PromotionRequest, StepRun
from ..partner import error_of
from ..states import MERGE_INCOMPLETE, Outcome, Status, StepState
from ..transitions import StalePromotion, dialect_in_use, drop_branches, move
from ..worker.lease import DATABASE_AWAY, Lease, LeaseLost, claim, held
from ..worker.timing import RETRY_WAITS, after, backoff
from .context import StageAgain, Step, StepContext, Stop, Stopped, Wait
from .steps import next_step

logger = logging.getLogger(__name__)

MAX_STAGED = 3  # times that a branch in doubt is dropped and staged again
MAX_LOST = 5  # times that a worker may die in the same step


def run_promotion(promotion_id: int) -> float | None:
    """Carry a promotion on as far as it goes now, if it is due and no other worker is at it.

    :returns: (unscaled) seconds until it should be looked at again, or None.
    """
    lease = claim(PromotionRequest, promotion_id)
    if lease is None:
        return None
    with held(lease):
        try:
            while True:
                pause = _carry_on(lease)
                if pause is not None:
                    return pause.seconds if isinstance(pause, Wait) else None
        except LeaseLost:
            logger.warning("Promotion %s is another worker's by now.", promotion_id)
        return None


def _carry_on(lease: Lease) -> Wait | Stop | None:
    """Take one step; None says that the next one can be taken at once."""
    promotion = PromotionRequest.objects.select_related(
        "plan", "dev_account", "pack", "requester"
    ).get(pk=lease.pk)
    step = next_step(promotion)
    if step is None:
        lease.record(next_attempt_at=None)
        return Stop("nothing to do")
    begun = _begin(lease, promotion, step)
    if begun is None:
        return Stop("a person ended it")
    context = StepContext(promotion, lease, begun)
    if context.step_run.attempt > MAX_LOST and _deaths(context) >= MAX_LOST:
        return _fail(context, PromotionError("WORKER_LOST", step.label))
    try:
        _check_rules(promotion)
        wait = step.take(context)
    except Stopped:
        _close(context, StepState.ABANDONED)
        return Stop("a person ended it")
    except StageAgain as doubt:
        return _stage_again(context, doubt)
    except PartnerApiError as error:
        if error.waiting_helps and promotion.attempts < len(RETRY_WAITS):
            return _try_again(context, error)
        return _fail(context, error_of(error))
    except PromotionError as error:
        return _fail(context, error)
    except (LeaseLost, *DATABASE_AWAY):
        raise
    except Exception:
        logger.exception("Promotion %s failed at %s.", promotion.pk, step.name)
        return _fail(context, PromotionError("INTERNAL_ERROR", step.label))
    if wait is None:
        _close(context, StepState.DONE)
        if promotion.attempts:
            lease.record(attempts=0)
        return None
    _pause(context, context.step_run.detail or wait.why)
    # The platform has answered: only failures that follow one another are counted.
    lease.record(next_attempt_at=after(wait.seconds), attempts=0)
    return wait


def _check_rules(promotion: PromotionRequest) -> None:
    """A promotion is carried on by the rules that it was requested under, or not at all.

    :raises PromotionError: RULES_CHANGED.
    """
    if promotion.dialect and promotion.dialect != dialect_in_use():
        raise PromotionError(
            "RULES_CHANGED",
            f"It was requested in the {promotion.dialect} dialect; PARTNER_API_DIALECT is "
            f"{dialect_in_use()} now.",
        )


def _begin(lease: Lease, promotion: PromotionRequest, step: Step) -> StepRun | None:
    """Go on with the run of the step that waits, or begin a new attempt; a run whose worker died is abandoned.

    :returns: None when a person has ended the promotion since it was read.
    """
    with lease.writing():
        if not PromotionRequest.objects.filter(pk=promotion.pk, status=promotion.status).exists():
            return None
        waiting = promotion.steps.filter(step=step.name, state=StepState.WAITING).first()
        if waiting is not None:
            StepRun.objects.filter(pk=waiting.pk).update(state=StepState.RUNNING)
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
    """The step waits, unless it has been abandoned: by a person who ended the promotion, or for another worker."""
    context.note(detail)
    StepRun.objects.filter(pk=context.step_run.pk, state=StepState.RUNNING).update(
        state=StepState.WAITING
    )


def _close(context: StepContext, state: StepState, error: PromotionError | None = None) -> None:
    """The step has ended, unless it has been abandoned."""
    StepRun.objects.filter(pk=context.step_run.pk, state=StepState.RUNNING).update(
        state=state,
        finished_at=timezone.now(),
        error_code=error.code if error else "",
        error=error.detail if error else "",
    )


def _try_again(context: StepContext, error: PartnerApiError) -> Wait:
    seconds = backoff(RETRY_WAITS, context.promotion.attempts)
    _pause(context, f"{error.message} Trying again.")
    context.record(attempts=context.promotion.attempts + 1, next_attempt_at=after(seconds))
    return Wait(seconds, error.message)


def _stage_again(context: StepContext, doubt: StageAgain) -> Stop | None:
    """Drop the branch and everything that was done on it; the promotion goes back in line."""
    if context.promotion.staged_times >= MAX_STAGED:
        return _fail(context, PromotionError(doubt.code, doubt.why))
    try:
        with context.lease.writing():
            move(
                context.promotion.pk,
                to=Status.QUEUED,
                action="staged_again",
                note=doubt.why,
                epoch=context.lease.epoch,
                next_attempt_at=timezone.now(),
            )
            drop_branches(context.promotion.pk)
            context.promotion.steps.all().update(state=StepState.ABANDONED)
            for result in context.written():
                ComponentResult.objects.filter(pk=result.pk).update(
                    outcome=Outcome.PENDING,
                    prod_component_id=result.component.prod_component_id,
                    branch_version=None,
                    error_code="",
                    error="",
                    finished_at=None,
                )
    except StalePromotion:
        return Stop("a person ended it")
    return None


def _fail(context: StepContext, error: PromotionError) -> Stop:
    """End the promotion with the step named; the branch's deletion comes in the same transaction."""
    _close(context, StepState.FAILED, error)
    try:
        with context.lease.writing():
            context.promotion.results.filter(outcome=Outcome.PENDING).update(
                outcome=Outcome.SKIPPED
            )
            move(
                context.promotion.pk,
                to=Status.FAILED,
                note=str(error),
                epoch=context.lease.epoch,
                next_attempt_at=None,
                keep_branch=error.code == MERGE_INCOMPLETE,
                error_code=error.code,
                error=error.detail,
                failed_step=context.step_run.step,
                waiting_for="",
            )
    except StalePromotion:
        logger.info("Promotion %s was ended by a person first.", context.promotion.pk)
    return Stop(error.code)
