"""Several calls at once: a bounded pool of threads, all paced by the shared throttle."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from partnerapi.errors import AuthFailed, PartnerApiError
from partnerapi.transport import Transport

DEFAULT_THREADS = 6

_Result = TypeVar("_Result")


def as_they_come(
    transport: Transport,
    calls: Sequence[Callable[[], _Result]],
    *,
    threads: int,
    more: Callable[[], Sequence[Callable[[], _Result]]] | None = None,
) -> Generator[tuple[int, _Result | PartnerApiError]]:
    """Make several calls at once; the caller works on one result while others are on their way.

    Calls are recorded in the caller's thread, so ``calls`` themselves must not touch a database. After a refused
    sign-in nothing further is sent: whatever has not started fails in the same way. Close the iterator if it is not
    read to the end: it waits for the running calls.

    :param calls: what to do, each thread-safe.
    :param threads: the most calls at once; 1 makes them in order in the caller's own thread.
    :param more: asked after each result for calls that can be made by now; their places follow those of ``calls``.
    :returns: the index of a call in ``calls`` and its result, or the error it failed with.
    :raises Exception: whatever else a call, or the transport's check, raises, once the running calls have ended.
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

    queue = list(calls)
    if threads <= 1 or (len(queue) <= 1 and more is None):
        for number, call in enumerate(queue):  # which grows meanwhile
            yield number, attempt(call)
            queue += more() if more else ()
        return
    workers = threads if more else min(threads, len(queue))
    with ThreadPoolExecutor(workers, thread_name_prefix="partner-api") as pool:
        # Only the iterator holds what has come, so that large results can go.
        places: dict[Future[_Result | PartnerApiError], int] = {}
        sent = 0
        try:
            while sent < len(queue) or places:
                for call in queue[sent:]:
                    places[pool.submit(in_thread, call)] = sent
                    sent += 1
                ended, _ = wait(places, return_when=FIRST_COMPLETED)
                while ended:
                    future = ended.pop()
                    transport.record_waiting()
                    transport.check()
                    yield places.pop(future), future.result()
                    del future
                    queue += more() if more else ()
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            transport.record_waiting()


def concurrently(
    transport: Transport, calls: Sequence[Callable[[], _Result]], *, threads: int
) -> list[_Result | PartnerApiError]:
    """Make several calls at once and wait for all of them; see :func:`as_they_come`.

    :returns: results in the order of the calls, with the error in place of a failed one's.
    """
    came = dict(as_they_come(transport, calls, threads=threads))
    return [came[number] for number in range(len(calls))]
