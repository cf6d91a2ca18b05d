"""Premises that the next step needs, asked together with the look that this one waits for.

The API answers a call after some tenths of a second, whatever else is asked meanwhile. So what the next step would
ask first goes out beside the look that decides whether there is a next step yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from partnerapi.errors import PartnerApiError

from ..messages import PromotionError
from ..plan import premises
from ..plan.premises import Moment
from .context import StepContext

#: (Real) seconds for which what one step has asked is what the next would be answered.
JUST_NOW = 2.0

_Answer = TypeVar("_Answer")


def ask_ahead(
    context: StepContext,
    moment: Moment,
    look: Callable[[], _Answer],
    is_time: Callable[[_Answer], bool],
) -> _Answer:
    """Make a look, and ask the premises of a moment beside it the first time.

    A premise that does not hold is the next step's to find: it asks again.

    :param look: one call; it uses no database.
    :param is_time: whether the next step follows at once upon this answer.
    :returns: what the look answered.
    :raises PartnerApiError: the look failed.
    """
    if context.step_run.tries > 1:
        return look()
    found: list[_Answer] = []
    began = time.monotonic()
    try:
        check(context, moment, lambda: found.append(look()))
    except (PromotionError, PartnerApiError):
        return found[0] if found else look()
    if is_time(found[0]):
        context.asked[moment] = began
    return found[0]


def has_just_asked(context: StepContext, moment: Moment) -> bool:
    """Whether the step before has asked the premises of this moment, so that they need not be asked again."""
    began = context.asked.pop(moment, None)
    return began is not None and time.monotonic() - began < JUST_NOW


def check(context: StepContext, moment: Moment, *beside: Callable[[], object]) -> None:
    """The premises must hold; see :func:`promotions.plan.premises.check`."""
    promotion = context.promotion
    premises.check(
        moment, promotion.plan, promotion=promotion, client=context.client, beside=beside
    )
