"""The one loop around a row of work: claim it, hold it, do the work, and settle the result.

Promotions, plans, package listings, jobs and branch deletions all end in one of these ways:

- done, or waiting for something that the work itself has named (:class:`Wait`, :class:`Stop`);
- lost: another worker has taken the row, and nothing more is written;
- passing trouble: the row waits for the platform, with growing pauses, until its patience runs out;
- failed, with a code that people can look up;
- the database is away: nothing is decided, and a worker resumes the row later.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.utils import timezone

from partnerapi.errors import PartnerApiError

from ..messages import PromotionError
from ..models import NAME, NO_HOLD, Leased
from ..partner import error_of
from ..states import HoldKind
from . import platform
from .lease import DATABASE_AWAY, Lease, LeaseLost, claim, held
from .timing import LONGEST_RETRY_AFTER, LONGEST_WAIT, PLATFORM_WAITS, after, backoff, scaled
from .trouble import passes

logger = logging.getLogger(__name__)

L = TypeVar("L", bound=Leased)

_TOLD_EVERY = 0.3  # seconds


@dataclass(frozen=True)
class Wait:
    """The work is not finished: come back in this many (unscaled) seconds. No worker sleeps in the meantime.

    :param why: in words for people.
    :param kind: what the pages say it waits for: a slot, or its turn.
    """

    seconds: float
    why: str
    kind: HoldKind | None = None


@dataclass(frozen=True)
class Stop:
    """There is nothing for a worker to come back for: the work is done, or it is up to people now."""

    why: str


class Work(ABC, Generic[L]):
    """One kind of work. Each instance works on one row, once."""

    model: type[L]
    #: (Unscaled) seconds that passing trouble may last.
    patience: float = math.inf
    #: How many workers in a row may die at one row.
    most_workers: int | None = None
    #: Pauses between attempts.
    waits: tuple[float, ...] = PLATFORM_WAITS
    #: Whether to leave the platform alone while it is known not to answer.
    heeds_platform = True

    def read(self, pk: int) -> L:
        """The row, joined with what the work needs from other tables."""
        return self.model._default_manager.get(pk=pk)

    @abstractmethod
    def take(self, row: L, lease: Lease) -> Wait | Stop | None:
        """Do one step of the work and record the result; None means that the next step can follow at once."""

    @abstractmethod
    def fail(self, row: L, lease: Lease, error: PromotionError) -> None:
        """Record that the work has failed for good."""

    def held_up(self, row: L, lease: Lease, error: PartnerApiError) -> None:
        """Make the row wait because of this error, and check whether everybody has to wait."""
        platform.suspect(error)


def carry_on(work: Work[L], pk: int) -> float | None:
    """Work on a row for as long as it can proceed now, if it is due and no other worker has it.

    :returns: (unscaled) seconds until somebody should look at it again, or None.
    """
    lease = claim(work.model, pk)
    if lease is None:
        return None
    with held(lease):
        try:
            while True:
                outcome = _once(work, work.read(pk), lease)
                if outcome is not None:
                    return outcome.seconds if isinstance(outcome, Wait) else None
        except LeaseLost:
            logger.warning(
                "%s %s was called off, or is another worker's by now.", work.model.__name__, pk
            )
        return None


def _once(work: Work[L], row: L, lease: Lease) -> Wait | Stop | None:
    try:
        if work.most_workers is not None and row.unfinished > work.most_workers:
            raise PromotionError("WORKER_LOST")
        wait = _may_not_call(work, row, lease)
        if wait is not None:
            return wait
        outcome = work.take(row, lease)
    except (LeaseLost, *DATABASE_AWAY):
        raise
    except PartnerApiError as error:
        return _trouble(work, row, lease, error)
    except PromotionError as error:
        work.fail(row, lease, error)
        return Stop(error.code)
    except Exception:
        logger.exception("%s %s failed.", work.model.__name__, row.pk)
        work.fail(row, lease, PromotionError("INTERNAL_ERROR"))
        return Stop("INTERNAL_ERROR")
    if isinstance(outcome, Wait):
        _wait(row, lease, outcome)
    elif row.hold_kind:
        lease.record(**NO_HOLD)
    return outcome


def _wait(row: Leased, lease: Lease, wait: Wait) -> None:
    """The platform has answered, so the count of failures in a row starts over."""
    columns: dict[str, object] = dict(NO_HOLD)
    if wait.kind is not None:
        is_same = row.hold_kind == wait.kind and row.hold_since is not None
        columns |= {
            "hold_kind": wait.kind,
            "hold_since": row.hold_since if is_same else timezone.now(),
            "hold_words": wait.why,
        }
    lease.record(next_attempt_at=after(wait.seconds), **columns)


# -- passing trouble ---------------------------------------------------------------------


def _may_not_call(work: Work[L], row: L, lease: Lease) -> Wait | None:
    """No call is made before the time that the platform named, or while one worker asks again for everybody.

    :raises PromotionError: what keeps everybody waiting, once the row's patience has run out.
    """
    now = timezone.now()
    until = row.hold_until
    if (
        row.hold_kind == HoldKind.PLATFORM
        and until is not None
        and now < until <= now + timedelta(seconds=LONGEST_RETRY_AFTER)
    ):
        return _sleep(lease, until)
    account = platform.closed() if work.heeds_platform else None
    if account is None:
        return None
    since = _since(row)
    if not _is_patient(work, since):
        raise PromotionError(account.hold_code, account.hold_words)
    return _sleep(
        lease,
        account.next_attempt_at or after(PLATFORM_WAITS[0]),
        hold_kind=HoldKind.PLATFORM,
        hold_since=since,
        hold_until=None,
        hold_code=account.hold_code,
        hold_words=account.hold_words,
    )


def _trouble(work: Work[L], row: L, lease: Lease, error: PartnerApiError) -> Wait | Stop:
    since = _since(row)
    if not (passes(error) and _is_patient(work, since)):
        if passes(error):
            platform.suspect(error)
        work.fail(row, lease, error_of(error))
        return Stop(error.code)
    tries = row.hold_tries if row.hold_kind == HoldKind.PLATFORM else 0
    until = after(backoff(work.waits, tries))
    # The platform has named this time, so no scale shortens it.
    told = min(getattr(error, "retry_after", None) or 0.0, LONGEST_RETRY_AFTER)
    named = timezone.now() + timedelta(seconds=told) if told else None
    until = max(until, named or until)
    wait = _sleep(
        lease,
        until,
        hold_kind=HoldKind.PLATFORM,
        hold_since=since,
        hold_until=named,
        hold_tries=tries + 1,
        hold_code=error.code,
        hold_words=error.message,
    )
    work.held_up(row, lease, error)
    return wait


def _sleep(lease: Lease, until: datetime, **columns: object) -> Wait:
    """Come back at this time, but never after the longest wait, so that a clock set back costs no more than that."""
    until = min(until, after(LONGEST_WAIT))
    lease.record(next_attempt_at=until, **columns)
    seconds = max(0.0, (until - timezone.now()).total_seconds())
    return Wait(seconds / (scaled(1) or 1), "It waits for the platform.")


def _since(row: Leased) -> datetime:
    waits = row.hold_kind == HoldKind.PLATFORM and row.hold_since is not None
    return row.hold_since if waits and row.hold_since else timezone.now()


def _is_patient(work: Work[L], since: datetime) -> bool:
    return (timezone.now() - since).total_seconds() < scaled(work.patience)


class Progress:
    """Tells the page how far the work is; repeats the same words only a few times a second at most."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._told = ("", 0.0)

    def __call__(self, text: str, **counts: int) -> None:
        """Record the words, and the columns ``progress_done`` and ``progress_total`` where the row has them."""
        if self._told[0] == text and time.monotonic() - self._told[1] < _TOLD_EVERY:
            return
        self._told = (text, time.monotonic())
        self._lease.record(progress=text[:NAME], **counts)
