"""A deadline for a whole answer, which a server cannot stretch.

Socket timeouts only limit the time between two pieces of an answer: a server that sends one byte of its status line,
headers, body or trailers now and then would hold a worker forever. At the deadline the connection is shut down,
whatever is being read.
"""

import contextlib
import socket
import threading
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_current = threading.local()


class Deadline:
    """Closes the connection that a thread is using when its time is up.

    :param seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer: threading.Timer | None = None

    def __enter__(self) -> "Deadline":
        _current.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        _current.deadline = None
        if self._timer is not None:
            self._timer.cancel()

    @property
    def is_over(self) -> bool:
        """Whether the time is up, whatever has arrived until then."""
        return time.monotonic() >= self._end

    def watch(self, connection: HTTPConnection) -> None:
        """From now on, the answer is read from this connection."""
        if connection.sock is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(
            max(0.0, self._end - time.monotonic()), _shut_down, (connection.sock,)
        )
        self._timer.daemon = True
        self._timer.start()


def _shut_down(sock: socket.socket) -> None:
    # Under TLS the connection is shut down below it: its own method is not for two threads.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def getresponse(self) -> Any:
        deadline: Deadline | None = getattr(_current, "deadline", None)
        if deadline is not None:
            deadline.watch(self)
        return super().getresponse()


class _WatchedWithTls(HTTPSConnection):
    def getresponse(self) -> Any:
        deadline: Deadline | None = getattr(_current, "deadline", None)
        if deadline is not None:
            deadline.watch(self)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolWithTls(HTTPSConnectionPool):
    ConnectionCls = _WatchedWithTls


class DeadlineAdapter(HTTPAdapter):
    """Opens connections that the thread's deadline can close."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Use pools whose connections register with the thread's deadline."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolWithTls}
