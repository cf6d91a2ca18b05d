"""The course of a promotion as people see it: a few phases with their steps, and people's decision among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import services, votes
from ..models import Event, PromotionRequest
from ..pipeline.steps import TimelineEntry, timeline
from ..states import Stage, Status, StepName, StepState

COPY = "Copy to a branch"
DECISION = "Decision"
TITLES = {
    COPY: {
        StepName.RESERVE_BRANCH,
        StepName.CREATE_BRANCH,
        StepName.AWAIT_BRANCH,
        StepName.STAGE_COMPONENTS,
        StepName.CHECK_STAGED,
        StepName.SYNCHRONISE_PACKS,
    },
    "Merge into main": {
        StepName.CHECK_PACK,
        StepName.TAKE_MERGE_TURN,
        StepName.VERIFY,
        StepName.CREATE_MERGE_REQUEST,
        StepName.AWAIT_DRAFT,
        StepName.EXECUTE_MERGE,
        StepName.AWAIT_MERGED,
        StepName.DELETE_BRANCH,
    },
    "Package and release": {
        StepName.CREATE_PACKAGE,
        StepName.ENSURE_PACK,
        StepName.ADD_TO_PACK,
        StepName.RELEASE_PACK,
        StepName.AWAIT_RELEASE,
    },
    "Deploy": {StepName.DEPLOY},
}

# States of a step that is under way or stuck, the one that matters most first.
BUSY = (StepState.FAILED, StepState.RUNNING, StepState.WAITING)

# Events of the decision.
DECISIONS = ("approved", "rejected", "approved_as_peer", "approved_as_admin")


@dataclass(frozen=True)
class Phase:
    """Some steps under one title, or the decision.

    :param state: the state of a step, or "pending".
    :param says: what to say about it at once.
    :param events: for the decision: who decided what.
    """

    title: str
    state: str
    says: str = ""
    steps: list[TimelineEntry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether its steps are shown from the start: somebody should look at them now."""
        return self.state in (StepState.RUNNING, StepState.WAITING, StepState.FAILED)


def phases(promotion: PromotionRequest, events: Sequence[Event]) -> list[Phase]:
    """The phases in the order of the work, with the decision where people take it.

    :param events: of the promotion, with their actors.
    """
    entries = timeline(promotion)
    found = []
    for title, names in TITLES.items():
        steps = [entry for entry in entries if entry.name in names]
        if steps:
            found.append(_phase(promotion, title, steps))
    decision = _decision(promotion, events)
    if decision is None:
        return found
    copied = bool(found) and found[0].title == COPY
    at = 1 if copied and promotion.stage == Stage.BEFORE_REVIEW else 0
    return [*found[:at], decision, *found[at:]]


def _phase(promotion: PromotionRequest, title: str, steps: list[TimelineEntry]) -> Phase:
    state = _state(promotion, steps)
    return Phase(title, state, "" if state == StepState.DONE else _says(steps), steps)


def _state(promotion: PromotionRequest, steps: list[TimelineEntry]) -> str:
    states = [step.state for step in steps]
    for state in BUSY:
        if state in states:
            return state
    if StepState.DONE not in states:
        return states[-1]
    if "pending" in states and not promotion.is_final and promotion.status != Status.ADMIN_REVIEW:
        return StepState.RUNNING
    return StepState.DONE


def _says(steps: Iterable[TimelineEntry]) -> str:
    """The step it is at, or how far it has got."""
    steps = list(steps)
    busy = next((s for s in steps if s.state in BUSY), None)
    if busy is not None:
        return busy.label
    done = sum(step.state == StepState.DONE for step in steps)
    return f"{done} of {len(steps)} steps" if 0 < done < len(steps) else ""


def _decision(promotion: PromotionRequest, events: Sequence[Event]) -> Phase | None:
    """Who decides, or has decided; None if the promotion ended before anybody was asked."""
    events = [event for event in events if event.action in DECISIONS]
    if promotion.status == Status.ADMIN_REVIEW:
        return Phase(DECISION, StepState.WAITING, waits_for(promotion), events=events)
    if promotion.status == Status.REJECTED:
        return Phase(DECISION, StepState.FAILED, events=events)
    if promotion.status == Status.LAPSED:
        return Phase(DECISION, StepState.FAILED, "Nobody decided in time.", events=events)
    if promotion.approved_by_id:
        return Phase(DECISION, StepState.DONE, events=events)
    if promotion.is_final:
        return None
    return Phase(DECISION, "pending", events=events)


def waits_for(promotion: PromotionRequest) -> str:
    """Whom or what a promotion waits for, in words; empty while it is being worked on, or when it is over."""
    if promotion.status == Status.ADMIN_REVIEW:
        asks_one_admin = not promotion.demand
        found = (
            votes.Votes(promotion, promotion.demanded)
            if asks_one_admin
            else services.votes_so_far(promotion)
        )
        return votes.in_words(found)
    return str(promotion.waiting_for)
