"""The steps of a promotion in their order, and which of them belong to which status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..models import PromotionRequest, StepRun
from ..states import Stage, Status, StepState
from . import branch, merge, release, staging
from .context import Step, StepFunction


def _unless_merged(take: StepFunction) -> StepFunction:
    """A retry after a merge that ended late finds nothing left to do in the step that failed."""
    return lambda context: None if context.promotion.merged_at else take(context)


RESERVE = (Step("reserve_branch", "Wait for a branch", branch.reserve_branch),)
STAGE = (
    Step("create_branch", "Create the branch", branch.create_branch),
    Step("await_branch", "Wait until the branch is ready", branch.await_branch),
    Step("stage_components", "Copy the components", staging.stage_components),
    Step("check_staged", "Read the branch back", staging.check_staged),
    Step("synchronise_packs", "Read the Integration Packs", staging.synchronise_packs),
)
OFFER = (Step("offer_for_review", "Offer for review", staging.offer_for_review),)
BEGIN = (Step("begin", "Begin the deployment", merge.begin),)
BEGIN_DEPLOYING = (Step("begin_deploying", "Begin the deployment", merge.begin_deploying),)
DEPLOY = (
    Step("check_pack", "Check the Integration Pack", release.check_pack),
    Step("take_merge_turn", "Wait for the turn to merge", merge.take_merge_turn),
    Step("verify", "Check that it is what was approved", merge.verify),
    Step(
        "create_merge_request",
        "Create the merge request",
        _unless_merged(merge.create_merge_request),
    ),
    Step("await_draft", "Wait until it can be merged", _unless_merged(merge.await_draft)),
    Step("execute_merge", "Merge", _unless_merged(merge.execute_merge)),
    Step("await_merged", "Wait until it is merged", _unless_merged(merge.await_merged)),
    Step("delete_branch", "Delete the branch", release.delete_branch),
    Step("create_package", "Package", release.create_package),
    Step("ensure_pack", "Find or create the Integration Pack", release.ensure_pack),
    Step("add_to_pack", "Add to the Integration Pack", release.add_to_pack),
    Step("release_pack", "Release the Integration Pack", release.release_pack),
    Step("await_release", "Wait for the release", release.await_release),
    Step("deploy", "Deploy", release.deploy),
    Step("finish", "Finish", release.finish),
)
# What has to be done again when a merge left something out.
MERGE_STEPS = (
    "take_merge_turn",
    "verify",
    "create_merge_request",
    "await_draft",
    "execute_merge",
    "await_merged",
)
# What has to be done again when a retry names another pack.
AFTER_PACK = ("ensure_pack", "add_to_pack", "release_pack", "await_release", "deploy")


def steps_of(status: Status, stage: str) -> tuple[Step, ...]:
    """The steps that a worker takes while a promotion has this status.

    :param stage: the ``STAGE`` that the promotion was submitted under.
    """
    after_approval = stage == Stage.AFTER_APPROVAL
    return {
        Status.QUEUED: RESERVE,
        Status.WAITING: RESERVE,
        Status.STAGING: STAGE + (BEGIN_DEPLOYING if after_approval else OFFER),
        Status.APPROVED: BEGIN,
        Status.DEPLOYING: DEPLOY,
    }.get(status, ())


def next_step(promotion: PromotionRequest) -> Step | None:
    """The first step of the present status that is not done."""
    done = set(promotion.steps.filter(state=StepState.DONE).values_list("step", flat=True))
    return next(
        (s for s in steps_of(Status(promotion.status), promotion.stage) if s.name not in done), None
    )


@dataclass(frozen=True)
class TimelineEntry:
    """One step as the page shows it."""

    name: str
    label: str
    state: str
    detail: str = ""
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error_code: str = ""
    error: str = ""


# Bookkeeping that tells a reader nothing beside the status itself.
HIDDEN = frozenset({"offer_for_review", "begin", "begin_deploying", "finish"})


def timeline(promotion: PromotionRequest) -> list[TimelineEntry]:
    """Every step that a person should see, with its newest attempt, in the order of the work."""
    newest = {step_run.step: step_run for step_run in promotion.steps.order_by("pk")}
    return [
        _entry(step, newest.get(step.name))
        for step in _all_steps()
        if step.name not in HIDDEN and (step.name in newest or not promotion.is_final)
    ]


def _all_steps() -> Iterator[Step]:
    yield from RESERVE
    yield from STAGE
    yield from DEPLOY


def _entry(step: Step, step_run: StepRun | None) -> TimelineEntry:
    if step_run is None:
        return TimelineEntry(step.name, step.label, "pending")
    return TimelineEntry(
        step.name,
        step.label,
        step_run.state,
        detail=step_run.detail,
        attempt=step_run.attempt,
        started_at=step_run.started_at,
        finished_at=step_run.finished_at,
        error_code=step_run.error_code,
        error=step_run.error,
    )
