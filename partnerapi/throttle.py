"""Spacing between calls, shared by every process that calls the same account.

The guide asks for 120 ms between calls; the account has one limit, so all workers take their turns from one place.
Taking a turn and waiting for it are separate: the shared part only hands out the next free moment, and the caller
sleeps, outside any lock.

Work with an owner takes fair turns with that of other owners: few turns are handed out ahead, and the next one goes to
the waiting owner who has had the fewest. Work without an owner is what a person waits for: it gets the next turn,
whoever else is waiting.

When the platform says that the pace is too high (429, 503), all processes slow down together: the rate is halved at
once and grows back by a fixed step a second, up to the configured one.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

import redis

logger = logging.getLogger(__name__)

#: A server counts the calls that *arrive* in any second; a little more room than 1/N is needed
#: so that jitter on the way does not put one call too many into it.
MARGIN = 1.04

#: A shared next turn further away than this means a clock that was set back, not a queue.
HORIZON_SECONDS = 120

#: Seconds for which Redis is left alone after a failure: its client may try for seconds each time.
ASK_AGAIN_SECONDS = 10

#: A rate of 1 is the configured one. What is grown back in a second, and the lowest rate.
RECOVERY_A_SECOND = 0.05
LOWEST_RATE = 1 / 16

#: Refusals so close together are of one burst, and count once.
BURST_SECONDS = 1.0

# KEYS[2] holds the rate that the last slowing down led to, and when. Begins both scripts.
_RATE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local rate, since = 1, nil
local kept = redis.call('GET', KEYS[2])
if kept then
  local kept_rate, kept_since = string.match(kept, '^([%d.]+) (%d+)$')
  if kept_rate then
    since = tonumber(kept_since)
    local grown = math.max(0, now - since) / 1000000 * tonumber(ARGV[1])
    rate = math.min(1, tonumber(kept_rate) + grown)
  end
end
"""

_SLOW_DOWN = (
    _RATE
    + """
if not since or now < since or now - since >= tonumber(ARGV[2]) * 1000000 then
  rate = math.max(rate / 2, tonumber(ARGV[3]))
  redis.call('SET', KEYS[2], string.format('%.6f %.0f', rate, now), 'PX', 60000)
end
return 0
"""
)

#: Turns handed out ahead to work with an owner: enough to be sent in time.
TURNS_AHEAD = 2
LEAST_AHEAD_SECONDS = 0.05

#: A turn that is taken so late, or by a whole interval, is lost.
LATE_SECONDS = 0.1

#: Seconds after which an owner that has not asked for a turn is no longer waiting for one.
WAITS_SECONDS = 0.3

# KEYS[1] holds the next free moment in microseconds of the Redis server's own clock, so that the
# workers' clocks do not matter. Answers how many microseconds the caller has to wait; where it is
# negative, the caller has no turn yet and asks again after so many.
_TAKE_TURN = (
    _RATE
    + """
local interval = tonumber(ARGV[2]) / rate
local horizon = tonumber(ARGV[3])
local turn = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if turn < now or turn > now + horizon then
  turn = now
end
local owner = ARGV[4]
if owner ~= '' then
  -- How many turns each owner has had, counted from what the owner served last had, and since when it waits.
  local had, least = nil, nil
  local served = tonumber(redis.call('HGET', KEYS[3], '') or '0') or 0
  local rows = redis.call('HGETALL', KEYS[3])
  for at = 1, #rows, 2 do
    local count, asked = string.match(rows[at + 1], '^(%d+) (%d+)$')
    if count then
      if rows[at] == owner then
        had = tonumber(count)
      elseif math.abs(now - tonumber(asked)) < tonumber(ARGV[6]) then
        least = math.min(least or tonumber(count), tonumber(count))
      elseif now - tonumber(asked) > horizon and tonumber(count) <= served then
        redis.call('HDEL', KEYS[3], rows[at])
      end
    end
  end
  had = math.max(had or 0, served)
  local wait = turn - now - math.max(interval * tonumber(ARGV[5]), tonumber(ARGV[7]))
  if wait <= 0 and least and least < had then
    wait = interval / 2
  end
  if wait > 0 then
    redis.call('HSET', KEYS[3], owner, string.format('%.0f %.0f', had, now))
    redis.call('PEXPIRE', KEYS[3], 600000)
    return -math.ceil(math.min(wait, tonumber(ARGV[6]) / 2))
  end
  redis.call('HSET', KEYS[3], owner, string.format('%.0f 0', had + 1), '', string.format('%.0f', had))
  redis.call('PEXPIRE', KEYS[3], 600000)
end
redis.call('SET', KEYS[1], string.format('%.0f', turn + interval), 'PX',
  math.ceil((horizon + interval) / 1000))
return turn - now
"""
)


class Throttle(Protocol):
    """Whatever lets calls through one after another."""

    def wait(self) -> None:
        """Return when the caller may send its call."""

    def slow_down(self) -> None:
        """The platform refused a call for the pace, or cannot keep up."""


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
        self._rate = 1.0
        self._rate_since = -math.inf

    def _rate_at(self, now: float) -> float:
        if self._rate == 1:
            return 1.0
        return min(1.0, self._rate + (now - self._rate_since) * RECOVERY_A_SECOND)

    def slow_down(self) -> None:
        """Halve the rate, once for each burst of refusals."""
        with self._lock:
            now = self._clock()
            if now - self._rate_since >= BURST_SECONDS:
                self._rate = max(self._rate_at(now) / 2, LOWEST_RATE)
                self._rate_since = now

    def wait(self) -> None:
        """Take the next free moment and sleep until it comes."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval / self._rate_at(now)
        if turn > now:
            self._sleep(turn - now)


class RedisThrottle:
    """Spacing shared by all processes that use the same Redis server and key.

    Without Redis the calls are still spaced within each process: a throttle that fails must not
    stop a promotion. The first failure is logged, and so is the return.

    :param connection: its socket timeouts bound how long a turn may take to get.
    :param key: one per limit, which is one per primary account.
    :param interval_ms: time between two calls (guide: 120).
    :param owner: whose calls these are; "" for what a person waits for.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        key: str,
        interval_ms: float = 120,
        owner: str = "",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take_turn = connection.register_script(_TAKE_TURN)
        self._slow_down = connection.register_script(_SLOW_DOWN)
        self._keys = [key, f"{key}:rate", f"{key}:turns"]
        self._owner = owner
        # Threads that have no turn yet ask one at a time.
        self._asking = threading.Lock()
        self._interval_us = round(interval_ms * MARGIN * 1000)
        self._sleep = sleep
        self._clock = clock
        self._fallback = LocalThrottle(interval_ms, sleep=sleep, clock=clock)
        self._failing = False
        self._ask_again = 0.0

    def slow_down(self) -> None:
        """Halve the rate of all processes, once for each burst of refusals."""
        self._fallback.slow_down()
        if self._failing:
            return
        try:
            self._slow_down(
                keys=self._keys[:2], args=[RECOVERY_A_SECOND, BURST_SECONDS, LOWEST_RATE]
            )
        except (redis.RedisError, OSError) as error:
            logger.warning("Other processes were not told to slow down: %s", error)

    def wait(self) -> None:
        """Take the next free moment of all processes and sleep until it comes.

        Who wakes up so late that the next turns have come takes another one: calls must not bunch.
        """
        if self._wait() > max(self._interval_us / 1_000_000, LATE_SECONDS):
            self._wait()

    def _wait(self) -> float:
        """Sleep until a turn. Returns how many seconds too late that ended."""
        if self._failing and self._clock() < self._ask_again:
            self._fallback.wait()
            return 0.0
        try:
            with self._asking:
                while (delay_us := self._ask()) < 0:
                    self._sleep(-delay_us / 1_000_000)
        except (redis.RedisError, OSError) as error:
            if not self._failing:
                logger.warning(
                    "Calls are spaced within each process only, for Redis cannot be asked: %s",
                    error,
                )
            self._failing = True
            self._ask_again = self._clock() + ASK_AGAIN_SECONDS
            self._fallback.wait()
            return 0.0
        if self._failing:
            logger.info("Calls are spaced across all processes again.")
            self._failing = False
        turn = self._clock() + delay_us / 1_000_000
        if delay_us > 0:
            self._sleep(delay_us / 1_000_000)
        return self._clock() - turn

    def _ask(self) -> int:
        """Microseconds until the turn; negative until the next question where there is none yet."""
        args: list[str | int | float] = [
            RECOVERY_A_SECOND,
            self._interval_us,
            HORIZON_SECONDS * 1_000_000,
            self._owner,
            TURNS_AHEAD,
            round(WAITS_SECONDS * 1_000_000),
            round(LEAST_AHEAD_SECONDS * 1_000_000),
        ]
        return int(self._take_turn(keys=self._keys, args=args))
