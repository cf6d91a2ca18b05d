"""Spacing between calls, shared by every process that calls the same account.

The guide asks for 120 ms between calls; the account has one limit, so all workers take their
turns from one place. Taking a turn and waiting for it are two steps: the shared part only gives
out the next free moment, and the sleeping is done by the caller, outside of any lock.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import redis

logger = logging.getLogger(__name__)

#: A server counts the calls that *arrive* in any second; a little more room than 1/N is needed
#: so that jitter on the way does not put one call too many into it.
MARGIN = 1.04

#: A shared next turn further away than this is a clock that was set back, not a queue.
HORIZON_SECONDS = 120

#: After a failure Redis is left alone for so long: its client may try for seconds each time.
ASK_AGAIN_SECONDS = 10

# KEYS[1] holds the next free moment in microseconds of the Redis server's own clock, so that the
# workers' clocks do not matter. Answers how many microseconds the caller has to wait.
_TAKE_TURN = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval = tonumber(ARGV[1])
local horizon = tonumber(ARGV[2])
local turn = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if turn < now or turn > now + horizon then
  turn = now
end
redis.call('SET', KEYS[1], string.format('%.0f', turn + interval), 'PX',
  math.ceil((horizon + interval) / 1000))
return turn - now
"""


class Throttle(Protocol):
    """Whatever lets calls through one after another."""

    def wait(self) -> None:
        """Return when the caller may send its call."""


class LocalThrottle:
    """Spacing within one process, safe for threads.

    :param interval_ms: time between two calls (guide: 120).
    """

    def __init__(
        self,
        interval_ms: float = 120,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = interval_ms * MARGIN / 1000
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Take the next free moment and sleep until it comes."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)


class RedisThrottle:
    """Spacing shared by all processes that use the same Redis server and key.

    Without Redis the calls are still spaced within each process: a throttle that fails must not
    stop a promotion. The first failure is logged, and so is the return.

    :param connection: its socket timeouts bound how long a turn may take to get.
    :param key: one per limit, which is one per primary account.
    :param interval_ms: time between two calls (guide: 120).
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        key: str,
        interval_ms: float = 120,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take_turn = connection.register_script(_TAKE_TURN)
        self._key = key
        self._interval_us = round(interval_ms * MARGIN * 1000)
        self._sleep = sleep
        self._clock = clock
        self._fallback = LocalThrottle(interval_ms, sleep=sleep, clock=clock)
        self._failing = False
        self._ask_again = 0.0

    def wait(self) -> None:
        """Take the next free moment of all processes and sleep until it comes."""
        if self._failing and self._clock() < self._ask_again:
            self._fallback.wait()
            return
        try:
            delay_us = int(
                self._take_turn(
                    keys=[self._key], args=[self._interval_us, HORIZON_SECONDS * 1_000_000]
                )
            )
        except (redis.RedisError, OSError) as error:
            if not self._failing:
                logger.warning(
                    "Calls are spaced within each process only, for Redis cannot be asked: %s",
                    error,
                )
            self._failing = True
            self._ask_again = self._clock() + ASK_AGAIN_SECONDS
            self._fallback.wait()
            return
        if self._failing:
            logger.info("Calls are spaced across all processes again.")
            self._failing = False
        if delay_us > 0:
            self._sleep(delay_us / 1_000_000)
