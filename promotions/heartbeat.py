"""Whether the workers and the beat are alive: the tick leaves its time in Redis.

The beat sends a tick and a worker runs it, so one recent time proves both alive.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import redis
from django.conf import settings
from django.utils import timezone

logger = logging.getLogger(__name__)

KEY = "promotion-desk:last-tick"
QUEUE = "celery"
KEPT = timedelta(days=30)
# Ticks may be late while the workers are busy; a minute is nothing to report.
LATE = timedelta(seconds=90)


@dataclass(frozen=True)
class Pulse:
    """When a worker last carried out a tick, and how many tasks wait in the queue."""

    at: datetime | None
    waiting: int

    @property
    def is_alive(self) -> bool:
        """A tick in the future proves nothing: the clock has been set back since."""
        return self.at is not None and abs(timezone.now() - self.at) < LATE


def beat() -> None:
    """Leave the time of this tick; without Redis there is nothing to leave."""
    try:
        _redis().set(KEY, timezone.now().timestamp(), ex=KEPT)
    except (redis.RedisError, OSError):
        logger.warning("The time of the tick could not be stored in Redis.")


def pulse() -> Pulse | None:
    """The last tick, or None when Redis cannot be reached."""
    try:
        with _redis().pipeline(transaction=False) as pipeline:
            pipeline.get(KEY)
            pipeline.llen(QUEUE)
            last, waiting = pipeline.execute()
    except (redis.RedisError, OSError):
        return None
    return Pulse(datetime.fromtimestamp(float(last), UTC) if last else None, int(waiting))


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
