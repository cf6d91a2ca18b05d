"""Every wait of the system, in the guide's seconds, scaled by one setting so that tests are quick."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

BRANCH_POLL = 5.0  # guide, operation 14: every 5 s, at most 6 times
MERGE_POLL = 2.0  # guide, operation 19
RELEASE_POLL = 5.0
FIRST_LOOK = 0.3  # quick work is noticed quickly: the first looks come sooner than the guide's
SLOT_POLL = 15.0  # when a promotion that waits for a slot or its turn looks again
TURN_POLL = 5.0
# Longer than the HTTP timeout, so that no second worker starts while the first may still get an answer.
LEASE = 180.0
# No row is put off longer than this, which limits what a clock that is set back can cost.
LONGEST_WAIT = LEASE
# After the transport's own retries: pauses between attempts, until the row's patience runs out.
PLATFORM_WAITS = (15.0, 30.0, 60.0, 120.0, LONGEST_WAIT)
DELETE_WAITS = (2.0, 5.0, 15.0, 60.0, LONGEST_WAIT)
# Work that a person waits for on a page gives up earlier than a promotion: one click starts it again.
SHORT_PATIENCE = 900.0
# (Real) seconds. A Retry-After is honoured up to here.
LONGEST_RETRY_AFTER = 3600.0


def scaled(seconds: float) -> float:
    """Seconds as they are waited here."""
    return seconds * float(settings.PROMOTION_TIME_SCALE)


def after(seconds: float) -> datetime:
    """The time this many (scaled) seconds from now."""
    return timezone.now() + timedelta(seconds=scaled(seconds))


def backoff(waits: tuple[float, ...], attempt: int) -> float:
    """The wait after this many failed attempts; the last one repeats."""
    return waits[min(attempt, len(waits) - 1)]
