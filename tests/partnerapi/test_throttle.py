"""Calls keep their distance, within a process and across processes."""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from partnerapi.throttle import (
    ASK_AGAIN_SECONDS,
    BURST_SECONDS,
    MARGIN,
    TURNS_AHEAD,
    LocalThrottle,
    RedisThrottle,
)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_the_first_call_goes_at_once_and_the_next_ones_wait() -> None:
    clock = Clock()
    throttle = LocalThrottle(100, sleep=clock.sleep, clock=clock)
    for _ in range(3):
        throttle.wait()
    assert clock.slept == pytest.approx([0.1 * MARGIN, 0.1 * MARGIN])


def test_a_pause_is_not_saved_up_for_a_burst() -> None:
    clock = Clock()
    throttle = LocalThrottle(100, sleep=clock.sleep, clock=clock)
    throttle.wait()
    clock.now += 60
    throttle.wait()
    throttle.wait()
    assert clock.slept == pytest.approx([0.1 * MARGIN])


def test_threads_share_one_pace() -> None:
    times: list[float] = []
    throttle = LocalThrottle(20)

    def call() -> None:
        for _ in range(5):
            throttle.wait()
            times.append(time.monotonic())

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(times) - min(times) >= 19 * 0.02


def _unreachable() -> redis.Redis:
    return redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))


def test_without_redis_calls_are_spaced_and_the_log_says_it_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    throttle = RedisThrottle(
        _unreachable(), key="pace", interval_ms=500, sleep=clock.sleep, clock=clock
    )
    with caplog.at_level(logging.WARNING):
        for _ in range(30):
            throttle.wait()
    assert clock.slept == pytest.approx([0.5 * MARGIN] * 29)
    assert len(caplog.records) == 1


def _calls(port: int, count: int, times: "multiprocessing.Queue[float]") -> None:
    connection = redis.Redis(port=port)
    throttle = RedisThrottle(connection, key="pace", interval_ms=20)
    for _ in range(count):
        throttle.wait()
        times.put(time.time())


def test_processes_share_one_pace(redis_server: redis.Redis) -> None:
    port = redis_server.connection_pool.connection_kwargs["port"]
    context = multiprocessing.get_context("spawn")
    times: multiprocessing.Queue[float] = context.Queue()
    workers = [context.Process(target=_calls, args=(port, 10, times)) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = sorted(times.get(timeout=60) for _ in range(30))
    for worker in workers:
        worker.join()
    # The turns are exact, and a process may wake late from one: so what is promised is about
    # many calls. A sleep never ends early.
    assert found[-1] - found[0] >= 29 * 0.02 * 0.9


def test_turns_are_given_by_the_server(redis_server: redis.Redis) -> None:
    slept: list[float] = []
    one = RedisThrottle(redis_server, key="pace", interval_ms=1000, sleep=slept.append)
    other = RedisThrottle(redis_server, key="pace", interval_ms=1000, sleep=slept.append)
    one.wait()
    other.wait()
    one.wait()
    assert slept[0] == pytest.approx(1 * MARGIN, abs=0.3)
    assert slept[1] == pytest.approx(2 * MARGIN, abs=0.3)


def test_keys_are_independent(redis_server: redis.Redis) -> None:
    slept: list[float] = []
    for key in ("one", "other"):
        RedisThrottle(redis_server, key=key, interval_ms=5000, sleep=slept.append).wait()
    assert slept == []


def test_a_clock_that_was_set_back_stops_nobody(redis_server: redis.Redis) -> None:
    far = (time.time() + 86_400) * 1_000_000
    redis_server.set("pace", f"{far:.0f}")
    slept: list[float] = []
    RedisThrottle(redis_server, key="pace", interval_ms=100, sleep=slept.append).wait()
    assert slept == []


def test_the_key_does_not_stay_for_ever(redis_server: redis.Redis) -> None:
    RedisThrottle(redis_server, key="pace", interval_ms=100).wait()
    assert 0 < redis_server.pttl("pace") <= 130_000


def test_rubbish_under_the_key_does_no_harm(redis_server: redis.Redis) -> None:
    redis_server.set("pace", "not a number")
    RedisThrottle(redis_server, key="pace", interval_ms=100).wait()


def test_it_comes_back_to_redis(
    redis_server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    throttle = RedisThrottle(redis_server, key="pace", interval_ms=1, clock=clock)
    redis_server.lpush("pace", "a list: the script fails")
    with caplog.at_level(logging.INFO):
        throttle.wait()
        redis_server.delete("pace")
        throttle.wait()
        assert not redis_server.exists("pace")
        clock.now += ASK_AGAIN_SECONDS
        throttle.wait()
    assert redis_server.exists("pace")
    assert [record.levelname for record in caplog.records if "spaced" in record.message] == [
        "WARNING",
        "INFO",
    ]


# -- refused for the pace ----------------------------------------------------


def _gaps(throttle: LocalThrottle, clock: Clock, turns: int) -> list[float]:
    """How long the turns are apart."""
    times = []
    for _ in range(turns):
        throttle.wait()
        times.append(clock.now)
    return [later - earlier for earlier, later in pairwise(times)]


def test_a_refusal_halves_the_rate_and_a_burst_counts_once() -> None:
    clock = Clock()
    throttle = LocalThrottle(100, sleep=clock.sleep, clock=clock)
    for _ in range(5):
        throttle.slow_down()
    assert _gaps(throttle, clock, 2) == [pytest.approx(0.2 * MARGIN)]
    clock.now += BURST_SECONDS
    throttle.slow_down()
    assert _gaps(throttle, clock, 2)[-1] > 0.3 * MARGIN


def test_the_rate_grows_back_by_steps_and_no_further_than_configured() -> None:
    clock = Clock()
    throttle = LocalThrottle(100, sleep=clock.sleep, clock=clock)
    throttle.slow_down()
    gaps = _gaps(throttle, clock, 200)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(0.1 * MARGIN)
    # Half the rate is grown back at a twentieth a second.
    assert sum(gap > 0.101 * MARGIN for gap in gaps) == pytest.approx(73, abs=8)


def test_the_rate_never_falls_to_nothing() -> None:
    clock = Clock()
    throttle = LocalThrottle(100, sleep=clock.sleep, clock=clock)
    for _ in range(20):
        throttle.slow_down()
        clock.now += BURST_SECONDS
    assert _gaps(throttle, clock, 2)[0] <= 1.6 * MARGIN


def test_all_processes_slow_down_together(redis_server: redis.Redis) -> None:
    key = f"pace-{time.monotonic_ns()}"
    one = RedisThrottle(redis_server, key=key, interval_ms=2000)
    # Nobody sleeps, so that each turn is further away than the one before.
    away: list[float] = []
    other = RedisThrottle(redis_server, key=key, interval_ms=2000, sleep=away.append)
    for _ in range(3):
        other.wait()
    for _ in range(3):
        one.slow_down()
    for _ in range(3):
        other.wait()
    gaps = [later - sooner for sooner, later in pairwise(away)]
    # The next turn had been given out before; those that follow come at about half the rate.
    assert gaps == pytest.approx([2 * MARGIN, 2 * MARGIN, 4 * MARGIN, 4 * MARGIN], abs=0.8)


# -- whose turn it is ---------------------------------------------------------


@contextmanager
def busy(throttle: RedisThrottle, threads: int, turns: list[float]) -> Iterator[None]:
    """Threads that take one turn after the other."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            throttle.wait()
            turns.append(time.monotonic())

    working = [threading.Thread(target=work) for _ in range(threads)]
    for thread in working:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in working:
            thread.join()


def holds(measured: Callable[[], bool]) -> bool:
    """A busy machine may spoil a measurement of real time; a throttle that is wrong fails every one."""
    return any(measured() for _ in range(4))


def test_owners_take_fair_turns_however_many_threads_they_have(redis_server: redis.Redis) -> None:
    def turns_are_fair() -> bool:
        key = f"pace-{time.monotonic_ns()}"
        many: list[float] = []
        few: list[float] = []
        eager = RedisThrottle(redis_server, key=key, interval_ms=40, owner="eager")
        modest = RedisThrottle(redis_server, key=key, interval_ms=40, owner="modest")
        with busy(eager, 6, many), busy(modest, 2, few):
            time.sleep(3)
        # No turn is lost by it.
        none_is_lost = len(many) + len(few) > 0.9 * 3 / (0.04 * MARGIN)
        return none_is_lost and 0.7 < len(many) / len(few) < 1.4

    assert holds(turns_are_fair)


def test_an_owner_that_comes_later_has_saved_up_no_turns(redis_server: redis.Redis) -> None:
    def turns_are_shared() -> bool:
        key = f"pace-{time.monotonic_ns()}"
        first: list[float] = []
        later: list[float] = []
        one = RedisThrottle(redis_server, key=key, interval_ms=20, owner="first")
        other = RedisThrottle(redis_server, key=key, interval_ms=20, owner="later")
        with busy(one, 2, first):
            time.sleep(1)
            before = len(first)
            with busy(other, 2, later):
                time.sleep(1)
        return (len(first) - before) / len(later) > 0.6

    assert holds(turns_are_shared)


def test_a_person_who_waits_comes_first(redis_server: redis.Redis) -> None:
    def is_served_soon() -> bool:
        key = f"pace-{time.monotonic_ns()}"
        owners = [
            RedisThrottle(redis_server, key=key, interval_ms=100, owner=f"owner {number}")
            for number in range(3)
        ]
        urgent = RedisThrottle(redis_server, key=key, interval_ms=100)
        with ExitStack() as stack:
            for owner in owners:
                stack.enter_context(busy(owner, 4, []))
            time.sleep(0.5)
            began = time.monotonic()
            for _ in range(5):
                urgent.wait()
            took = time.monotonic() - began
        # Twelve threads wait; each of the five calls comes after the few turns that were given out ahead.
        return took < 5 * 0.1 * MARGIN * (TURNS_AHEAD + 1.5)

    assert holds(is_served_soon)


def test_who_wakes_up_too_late_takes_another_turn(redis_server: redis.Redis) -> None:
    key = f"pace-{time.monotonic_ns()}"
    clock = Clock()
    late = [1.0]

    def oversleep(seconds: float) -> None:
        clock.sleep(seconds + (late.pop() if late else 0))

    throttle = RedisThrottle(redis_server, key=key, interval_ms=500, sleep=oversleep, clock=clock)
    throttle.wait()
    throttle.wait()
    # The second call's first turn was lost; the third turn is its own.
    assert len(clock.slept) == 2
    assert clock.slept[1] == pytest.approx(2 * 0.5 * MARGIN, abs=0.2)
