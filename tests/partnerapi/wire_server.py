"""A tiny HTTP server on a socket of its own, for answers that a polite library cannot give."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request that arrived; the path is unquoted."""

    method: str
    path: str
    raw_path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer, or the lack of one.

    :param how: ``whole``; ``endless``: the body never ends; ``slow``: a byte now and then;
        ``cut``: fewer bytes than announced; ``reset``: closed without a word.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "whole"


class WireServer:
    """``with WireServer(answer) as server:``; ``server.seen`` has what arrived."""

    def __init__(self, answer: Callable[[Seen], Reply]) -> None:
        self.seen: list[Seen] = []
        self._stop = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(
                    self.command,
                    unquote(urlsplit(self.path).path),
                    self.path,
                    dict(self.headers),
                    self.rfile.read(length),
                )
                outer.seen.append(seen)
                self._send(answer(seen))

            do_GET = do_POST = do_DELETE = handle_one  # noqa: N815 (the library asks for them)

            def _send(self, reply: Reply) -> None:
                self.close_connection = True
                if reply.how == "reset":
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.how == "whole":
                    self.send_header("Content-Length", str(len(reply.body)))
                if reply.how == "cut":
                    self.send_header("Content-Length", str(len(reply.body) + 100))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(reply.body)
                try:
                    while reply.how in {"endless", "slow"} and not outer._stop.is_set():
                        self.wfile.write(b" " * (4096 if reply.how == "endless" else 1))
                        self.wfile.flush()
                        if reply.how == "slow":
                            outer._stop.wait(0.05)
                except OSError:
                    pass  # the client has had enough, as it should

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "WireServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
