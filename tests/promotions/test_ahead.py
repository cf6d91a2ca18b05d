"""Premises that are asked for the step that follows, beside the look that this one waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from partnerapi.errors import ApiUnavailable
from promotions.messages import PromotionError
from promotions.models import PromotionRequest, StepRun
from promotions.pipeline import ahead
from promotions.pipeline.context import StepContext
from promotions.plan import premises
from promotions.plan.premises import Moment
from promotions.worker.lease import Lease

Asked = list[Moment]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The moments whose premises were asked; all of them hold."""
    moments: Asked = []

    def check(moment: Moment, *_: Any, beside: tuple[Callable[[], object], ...], **__: Any) -> None:
        moments.append(moment)
        for look in beside:
            look()

    monkeypatch.setattr(premises, "check", check)
    return moments


@pytest.fixture
def context() -> StepContext:
    promotion = PromotionRequest(pk=1)
    client: Any = object()
    return StepContext(
        promotion, Lease(PromotionRequest, 1, 1), StepRun(tries=1), lambda _: client, {}
    )


def ask(context: StepContext, answer: str = "ready") -> str:
    return ahead.ask_ahead(context, Moment.MERGE, lambda: answer, lambda found: found == "ready")


def test_the_next_step_need_not_ask_again_once(context: StepContext, asked: Asked) -> None:
    assert ask(context) == "ready"
    assert asked == [Moment.MERGE]
    assert not ahead.has_just_asked(context, Moment.WRITING)
    assert ahead.has_just_asked(context, Moment.MERGE)
    assert not ahead.has_just_asked(context, Moment.MERGE)


def test_what_was_asked_too_early_is_asked_again(context: StepContext, asked: Asked) -> None:
    assert ask(context, "not yet") == "not yet"
    assert not ahead.has_just_asked(context, Moment.MERGE)
    # Later looks at the same thing ask for nothing else.
    context.step_run.tries = 2
    assert ask(context) == "ready"
    assert asked == [Moment.MERGE]
    assert not ahead.has_just_asked(context, Moment.MERGE)


def test_what_was_asked_some_time_ago_is_asked_again(
    context: StepContext, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(context)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + ahead.JUST_NOW)
    assert not ahead.has_just_asked(context, Moment.MERGE)


@pytest.mark.parametrize(
    "error", [PromotionError("PLAN_STALE", "It moved."), ApiUnavailable("Not now.")]
)
@pytest.mark.parametrize("looks_first", [True, False])
def test_a_premise_that_does_not_hold_is_the_next_step_s_to_find(
    context: StepContext, monkeypatch: pytest.MonkeyPatch, error: Exception, looks_first: bool
) -> None:
    def check(*_: Any, beside: tuple[Callable[[], object], ...], **__: Any) -> None:
        if looks_first:
            beside[0]()
        raise error

    monkeypatch.setattr(premises, "check", check)
    assert ask(context) == "ready"
    assert not ahead.has_just_asked(context, Moment.MERGE)
