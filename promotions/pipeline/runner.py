"""Carries one request on: claim it, take its next step, record the outcome, until it waits or ends."""

from __future__ import annotations

import logging

from django.db.models import Max
from django.utils import timezone

from partnerapi.errors import PartnerApiError

from ..messages import PromotionError
from ..models import ComponentResult, PromotionRequest, StepRun
from ..partner import error_of
from ..states import Outcome, Status, StepState
from ..transitions import StaleRequest, drop_branches, move
from ..worker.lease import DATABASE_AWAY, Lease, LeaseLost, claim, held
from ..worker.timing import RETRY_WAITS, after, backoff
from .run import Run, StageAgain, Step, Stopped, Wait
from .steps import next_step

logger = logging.getLogger(__name__)

MAX_STAGED = 3  # times that a branch in doubt is dropped and staged again
MAX_LOST = 5  # times that a worker may die in the same step


def run_request(request_id: int) -> float | None:
    """Carry a request on as far as it goes now, if it is due and no other worker is at it.

    :returns: (unscaled) seconds until it should be looked at again, or None.
    """
    lease = claim(PromotionRequest, request_id)
    if lease is None:
        return None
    with held(lease):
        try:
            while True:
                wait = _carry_on(lease)
                if wait is not None:
                    return wait.seconds or None
        except LeaseLost:
            logger.warning("Promotion %s is another worker's by now.", request_id)
        return None


def _carry_on(lease: Lease) -> Wait | None:
    """Take one step. A Wait of 0 seconds says that there is nothing to come back for."""
    request = PromotionRequest.objects.select_related(
        "plan", "dev_account", "pack", "requester"
    ).get(pk=lease.pk)
    step = next_step(request)
    if step is None:
        lease.record(next_attempt_at=None)
        return Wait(0, "nothing to do")
    begun = _begin(lease, request, step)
    if begun is None:
        return Wait(0, "a person ended it")
    run = Run(request, lease, begun)
    if run.step.attempt > MAX_LOST and _deaths(run) >= MAX_LOST:
        return _fail(run, PromotionError("WORKER_LOST", step.label))
    try:
        wait = step.run(run)
    except Stopped:
        _close(run, StepState.ABANDONED)
        return Wait(0, "a person ended it")
    except StageAgain as doubt:
        return _stage_again(run, doubt)
    except PartnerApiError as error:
        if error.waiting_helps and request.attempts < len(RETRY_WAITS):
            return _try_again(run, error)
        return _fail(run, error_of(error))
    except PromotionError as error:
        return _fail(run, error)
    except (LeaseLost, *DATABASE_AWAY):
        raise
    except Exception:
        logger.exception("Promotion %s failed at %s.", request.pk, step.name)
        return _fail(run, PromotionError("INTERNAL_ERROR", step.label))
    if wait is None:
        _close(run, StepState.DONE)
        if request.attempts:
            lease.record(attempts=0)
        return None
    _pause(run, run.step.detail or wait.why)
    # The platform has answered: only failures that follow one another are counted.
    lease.record(next_attempt_at=after(wait.seconds), attempts=0)
    return wait


def _begin(lease: Lease, request: PromotionRequest, step: Step) -> StepRun | None:
    """Go on with the run of the step that waits, or begin a new attempt; a run whose worker died is abandoned.

    :returns: None when a person has ended the request since it was read.
    """
    with lease.writing():
        if not PromotionRequest.objects.filter(pk=request.pk, status=request.status).exists():
            return None
        waiting = request.steps.filter(step=step.name, state=StepState.WAITING).first()
        if waiting is not None:
            StepRun.objects.filter(pk=waiting.pk).update(state=StepState.RUNNING)
            return waiting
        request.steps.filter(step=step.name, state=StepState.RUNNING).update(
            state=StepState.ABANDONED, finished_at=timezone.now(), error_code="WORKER_LOST"
        )
        last = request.steps.filter(step=step.name).aggregate(Max("attempt"))["attempt__max"] or 0
        return StepRun.objects.create(request=request, step=step.name, attempt=last + 1)


def _deaths(run: Run) -> int:
    return run.request.steps.filter(step=run.step.step, error_code="WORKER_LOST").count()


def _pause(run: Run, detail: str) -> None:
    """The step waits, unless it has been abandoned: by a person who ended the request, or for another worker."""
    run.note(detail)
    StepRun.objects.filter(pk=run.step.pk, state=StepState.RUNNING).update(state=StepState.WAITING)


def _close(run: Run, state: StepState, error: PromotionError | None = None) -> None:
    """The step has ended, unless it has been abandoned."""
    StepRun.objects.filter(pk=run.step.pk, state=StepState.RUNNING).update(
        state=state,
        finished_at=timezone.now(),
        error_code=error.code if error else "",
        error=error.detail if error else "",
    )


def _try_again(run: Run, error: PartnerApiError) -> Wait:
    seconds = backoff(RETRY_WAITS, run.request.attempts)
    _pause(run, f"{error.message} Trying again.")
    run.record(attempts=run.request.attempts + 1, next_attempt_at=after(seconds))
    return Wait(seconds, error.message)


def _stage_again(run: Run, doubt: StageAgain) -> Wait | None:
    """Drop the branch and everything that was done on it; the request goes back in line."""
    if run.request.staged_times >= MAX_STAGED:
        return _fail(run, PromotionError(doubt.code, doubt.why))
    try:
        with run.lease.writing():
            move(
                run.request.pk,
                to=Status.QUEUED,
                action="staged_again",
                note=doubt.why,
                epoch=run.lease.epoch,
                next_attempt_at=timezone.now(),
            )
            drop_branches(run.request.pk)
            run.request.steps.all().update(state=StepState.ABANDONED)
            for result in run.written():
                ComponentResult.objects.filter(pk=result.pk).update(
                    outcome=Outcome.PENDING,
                    prod_component_id=result.component.prod_component_id,
                    branch_version=None,
                    error_code="",
                    error="",
                    finished_at=None,
                )
    except StaleRequest:
        return Wait(0, "a person ended it")
    return None


def _fail(run: Run, error: PromotionError) -> Wait:
    """End the request with the step named; the branch's deletion comes in the same transaction."""
    _close(run, StepState.FAILED, error)
    try:
        with run.lease.writing():
            run.request.results.filter(outcome=Outcome.PENDING).update(outcome=Outcome.SKIPPED)
            move(
                run.request.pk,
                to=Status.FAILED,
                note=str(error),
                epoch=run.lease.epoch,
                next_attempt_at=None,
                error_code=error.code,
                error=error.detail,
                failed_step=run.step.step,
                waiting_for="",
            )
    except StaleRequest:
        logger.info("Promotion %s was ended by a person first.", run.request.pk)
    return Wait(0, error.code)
