"""Every wait of the system, in seconds of the guide, scaled by one setting so that tests take seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

BRANCH_POLL = 5.0  # guide, operation 14: every 5 s, at most 6 times
MERGE_POLL = 2.0  # guide, operation 19
RELEASE_POLL = 5.0
FIRST_LOOK = 0.3  # what is quick is seen quickly: the first looks come sooner than the guide's
SLOT_POLL = 15.0  # a promotion that waits for a branch slot or its turn looks again
TURN_POLL = 5.0
# Longer than the HTTP timeout, so that no second worker begins while a call of the first may still be answered.
LEASE = 180.0
# No row is put off further than this: were the clock set back, that would be lost on top.
LONGEST_WAIT = LEASE
# After the transport's own retries: how long until it is tried again, for as long as the patience lasts.
PLATFORM_WAITS = (15.0, 30.0, 60.0, 120.0, LONGEST_WAIT)
DELETE_WAITS = (2.0, 5.0, 15.0, 60.0, LONGEST_WAIT)
# What a person waits for at a page gives up earlier than a promotion: it is begun anew with one click.
SHORT_PATIENCE = 900.0
# (Real) seconds. What Retry-After asks for is honoured up to here.
LONGEST_RETRY_AFTER = 3600.0


def scaled(seconds: float) -> float:
    """Seconds as they are waited here."""
    return seconds * float(settings.PROMOTION_TIME_SCALE)


def after(seconds: float) -> datetime:
    """The moment that is so many (scaled) seconds from now."""
    return timezone.now() + timedelta(seconds=scaled(seconds))


def backoff(waits: tuple[float, ...], attempt: int) -> float:
    """The wait after the given number of failed attempts; the last one repeats."""
    return waits[min(attempt, len(waits) - 1)]
