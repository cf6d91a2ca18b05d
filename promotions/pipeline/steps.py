"""The steps of a promotion in order, and which of them belong to which status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..models import PromotionRequest, StepRun
from ..states import Kind, Stage, Status, StepName, StepState
from . import branch, merge, read_back, release, staging
from .context import Step, StepFunction


def _unless_merged(take: StepFunction) -> StepFunction:
    """In a retry after a merge that ended late, the failed step has nothing left to do."""
    return lambda context: None if context.promotion.merged_at else take(context)


RESERVE = (Step(StepName.RESERVE_BRANCH, branch.reserve_branch),)
STAGE = (
    Step(StepName.CREATE_BRANCH, branch.create_branch),
    Step(StepName.AWAIT_BRANCH, branch.await_branch),
    Step(StepName.STAGE_COMPONENTS, staging.stage_components),
    Step(StepName.CHECK_STAGED, read_back.check_staged),
    Step(StepName.SYNCHRONISE_PACKS, read_back.synchronise_packs),
)
OFFER = (Step(StepName.OFFER_FOR_REVIEW, read_back.offer_for_review),)
BEGIN = (Step(StepName.BEGIN, merge.begin),)
BEGIN_DEPLOYING = (Step(StepName.BEGIN_DEPLOYING, merge.begin_deploying),)
DEPLOY = (
    Step(StepName.CHECK_PACK, release.check_pack),
    Step(StepName.TAKE_MERGE_TURN, merge.take_merge_turn),
    Step(StepName.VERIFY, merge.verify),
    Step(StepName.CREATE_MERGE_REQUEST, _unless_merged(merge.create_merge_request)),
    Step(StepName.AWAIT_DRAFT, _unless_merged(merge.await_draft)),
    Step(StepName.EXECUTE_MERGE, _unless_merged(merge.execute_merge)),
    Step(StepName.AWAIT_MERGED, _unless_merged(merge.await_merged)),
    Step(StepName.DELETE_BRANCH, release.delete_branch),
    Step(StepName.CREATE_PACKAGE, release.create_package),
    Step(StepName.ENSURE_PACK, release.ensure_pack),
    Step(StepName.ADD_TO_PACK, release.add_to_pack),
    Step(StepName.RELEASE_PACK, release.release_pack),
    Step(StepName.AWAIT_RELEASE, release.await_release),
    Step(StepName.DEPLOY, release.deploy),
    Step(StepName.FINISH, release.finish),
)
# An existing package is deployed to further environments; nothing is staged or merged.
DEPLOY_FURTHER = (
    Step(StepName.CHECK_PACKAGE, release.check_package),
    Step(StepName.DEPLOY, release.deploy),
    Step(StepName.FINISH, release.finish),
)
# What has to be repeated after another review.
AFTER_REVIEW = tuple(
    step.name for step in (*OFFER, *BEGIN, *BEGIN_DEPLOYING, *DEPLOY, *DEPLOY_FURTHER)
)
# What has to be repeated when a merge left something out.
MERGE_STEPS = (
    StepName.TAKE_MERGE_TURN,
    StepName.VERIFY,
    StepName.CREATE_MERGE_REQUEST,
    StepName.AWAIT_DRAFT,
    StepName.EXECUTE_MERGE,
    StepName.AWAIT_MERGED,
)
# What has to be repeated when a retry names another pack.
AFTER_PACK = (
    StepName.ENSURE_PACK,
    StepName.ADD_TO_PACK,
    StepName.RELEASE_PACK,
    StepName.AWAIT_RELEASE,
    StepName.DEPLOY,
)


# What a retry goes through again for the packages of a bundle that have failed.
PACKAGE_STEPS = (StepName.CREATE_PACKAGE, *AFTER_PACK)


def steps_of(status: Status, stage: str, kind: str = Kind.PROMOTION) -> tuple[Step, ...]:
    """The steps that a worker runs while a promotion has this status.

    :param stage: the ``STAGE`` that the promotion was submitted under.
    :param kind: the promotion's ``Kind``.
    """
    after_approval = stage == Stage.AFTER_APPROVAL
    if kind == Kind.DEPLOYMENT:
        return {Status.APPROVED: BEGIN, Status.DEPLOYING: DEPLOY_FURTHER}.get(status, ())
    return {
        Status.QUEUED: RESERVE,
        Status.WAITING: RESERVE,
        Status.STAGING: STAGE + (BEGIN_DEPLOYING if after_approval else OFFER),
        Status.APPROVED: BEGIN,
        Status.DEPLOYING: DEPLOY,
    }.get(status, ())


def next_step(promotion: PromotionRequest) -> Step | None:
    """The first step of the current status that is not done."""
    done = set(promotion.steps.filter(state=StepState.DONE).values_list("step", flat=True))
    steps = steps_of(Status(promotion.status), promotion.stage, promotion.kind)
    return next((step for step in steps if step.name not in done), None)


@dataclass(frozen=True)
class TimelineEntry:
    """One step as the page shows it."""

    name: StepName
    label: str
    #: Of its latest run; a step that has not started has none.
    state: str = "pending"
    detail: str = ""
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error_code: str = ""
    error: str = ""


# Bookkeeping that adds nothing for a reader to the status itself.
HIDDEN = frozenset(
    {StepName.OFFER_FOR_REVIEW, StepName.BEGIN, StepName.BEGIN_DEPLOYING, StepName.FINISH}
)


def timeline(promotion: PromotionRequest) -> list[TimelineEntry]:
    """Every step that a person should see, with its latest attempt, in the order of the work."""
    newest = {step_run.step: step_run for step_run in promotion.steps.order_by("pk")}
    return [
        _entry(step, newest.get(step.name))
        for step in _all_steps(promotion)
        if step.name not in HIDDEN and (step.name in newest or not promotion.is_final)
    ]


def _all_steps(promotion: PromotionRequest) -> Iterator[Step]:
    if promotion.is_deployment:
        yield from DEPLOY_FURTHER
        return
    yield from RESERVE
    yield from STAGE
    yield from DEPLOY


def _entry(step: Step, step_run: StepRun | None) -> TimelineEntry:
    if step_run is None:
        return TimelineEntry(step.name, step.name.label)
    return TimelineEntry(
        step.name,
        step.name.label,
        step_run.state,
        detail=step_run.detail,
        attempt=step_run.attempt,
        started_at=step_run.started_at,
        finished_at=step_run.finished_at,
        error_code=step_run.error_code,
        error=step_run.error,
    )
