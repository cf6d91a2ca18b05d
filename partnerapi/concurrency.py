"""Several calls at once: a bounded pool of threads, all paced by the shared throttle."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

from partnerapi.errors import AuthFailed, PartnerApiError
from partnerapi.transport import Transport

DEFAULT_THREADS = 6

_Result = TypeVar("_Result")


def concurrently(
    transport: Transport, calls: Sequence[Callable[[], _Result]], *, threads: int
) -> list[_Result | PartnerApiError]:
    """Make calls at once and wait for all of them.

    Calls are recorded in the caller's thread, so ``calls`` themselves must not touch a database.
    After a refused sign-in nothing further is sent: what was not begun fails in the same way.

    :param calls: what to do, each thread-safe.
    :param threads: at most so many at once; 1 does them in order in the caller's own thread.
    :returns: results in the order of the calls; a failed one's place holds its error.
    :raises Exception: whatever else a call raises, once the running ones have ended.
    """
    refused: list[AuthFailed] = []
    stop = Event()

    def attempt(call: Callable[[], _Result]) -> _Result | PartnerApiError:
        if refused:
            return refused[0]
        try:
            return call()
        except AuthFailed as error:
            refused.append(error)
            return error
        except PartnerApiError as error:
            return error

    def in_thread(call: Callable[[], _Result]) -> _Result | PartnerApiError:
        if stop.is_set():
            raise RuntimeError("another call of the same batch failed unexpectedly")
        return transport.in_thread(lambda: attempt(call))

    if threads <= 1 or len(calls) <= 1:
        return [attempt(call) for call in calls]
    with ThreadPoolExecutor(min(threads, len(calls)), thread_name_prefix="partner-api") as pool:
        futures: list[Future[_Result | PartnerApiError]] = [
            pool.submit(in_thread, call) for call in calls
        ]
        try:
            for future in as_completed(futures):
                transport.record_waiting()
                future.result()
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            transport.record_waiting()
    return [future.result() for future in futures]
