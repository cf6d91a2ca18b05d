"""The HTTP side: connections, faults as they look on the wire, and the lock."""

import os
import socket
import struct
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from partnerapi.simulator import control, people
from partnerapi.simulator.calls import Call
from partnerapi.simulator.errors import ApiError
from partnerapi.simulator.faults import Fault, striking
from partnerapi.simulator.service import Incoming, Service
from partnerapi.simulator.wire import Answer, send_error, to_json

MAX_BODY = 64 * 1024 * 1024
ENDLESS_BYTES = 256 * 1024 * 1024

HTML = b"""<!DOCTYPE html>
<html><head><title>Service unavailable</title></head>
<body><h1>The service is unavailable</h1><p>Your request could not be handled by the proxy.</p>
</body></html>
"""

# As published, one sentence says both things that a 503 may mean.
TOO_FAST = {
    "guide": "The rate limit was exceeded.",
    "published": "The server is unavailable at present, or the account's rate limit was exceeded.",
}

DOCTYPE = b'<!DOCTYPE bns:Component [<!ENTITY file SYSTEM "file:///etc/hostname">]>'


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        self.service = service
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is shown as usual."""
        import sys

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version = "PromotionDeskSimulator"
    sys_version = ""
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """The log of calls is in the state; the terminal stays quiet."""

    def _serve(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(send_error("", 411, "A Content-Length is required."))
            return
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        service = self.server.service
        if path.startswith("/_control/"):
            self._control(service, path, query, body)
            return
        host = self.headers.get("Host") or "localhost"
        headers = {name.lower(): value for name, value in self.headers.items()}
        incoming = Incoming(self.command, path, query, headers, body, f"http://{host}")
        started = time.monotonic()
        with service.lock:
            call, in_this_second = service.calls.start(self.command, path, query)
            found = service.find_route(incoming)
            if found:
                service.calls.identify(call, found[0].operation, found[0].name)
            too_fast = 0 < service.pace_limit < in_this_second
            fault = striking(service.faults, found[0]) if found and not too_fast else None
            latency = service.latency
        is_slow = fault is not None and fault.kind == "slow"
        if latency or is_slow:
            time.sleep(latency + (fault.seconds if fault is not None and is_slow else 0))
        if too_fast:
            answer = send_error(headers.get("accept", ""), 503, TOO_FAST[service.dialect])
        elif fault is not None and fault.kind == "meanwhile":
            with service.lock:
                answer = self._meanwhile(fault, call, lambda: service.answer(incoming, call, found))
        elif fault is None or is_slow or fault.done:
            with service.lock:
                answer = service.answer(incoming, call, found)
        else:
            answer = Answer()
        call.status = answer.status
        if fault is not None:
            call.fault = call.fault or fault.kind
            self._go_wrong(fault, call, answer, incoming)
        else:
            self._send(answer)
        call.milliseconds = round((time.monotonic() - started) * 1000, 2)

    def _control(self, service: Service, path: str, query: str, body: bytes) -> None:
        with service.lock:
            try:
                answer = control.handle(service, self.command, path, query, body)
            except ApiError as error:
                answer = send_error("application/json", error.status, error.message)
            except (KeyError, TypeError, ValueError) as error:
                answer = Answer(400, to_json({"message": repr(error)}), "application/json")
        self._send(answer)

    def _send(self, answer: Answer, *, shown_length: int | None = None) -> None:
        """Write an answer in one piece, so that no part of it waits for the other."""
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        length = len(answer.body) if shown_length is None else shown_length
        self.send_header("Content-Length", str(length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        head: list[bytes] = self._headers_buffer
        self._headers_buffer: list[bytes] = []
        self.wfile.write(b"".join(head) + b"\r\n" + answer.body)

    # Faults

    def _meanwhile(self, fault: Fault, call: Call, go_on: Callable[[], Answer]) -> Answer:
        """Let other people do something right before the call (or after it: ``done``)."""
        answer = go_on() if fault.done else None
        try:
            people.do(self.server.service.world, fault.edit)
        except ApiError as error:
            call.fault = error.message
        return answer or go_on()

    def _go_wrong(self, fault: Fault, call: Call, answer: Answer, incoming: Incoming) -> None:
        """Answer a call as a fault wants it; ``answer`` is the true one where the call was done."""
        if fault.kind in {"timeout", "lost_reply", "reset"}:
            call.status = None
            self.close_connection = True
            if fault.kind == "timeout":
                time.sleep(fault.seconds)
            elif fault.kind == "reset":
                self._reset_connection()
            return
        if fault.kind == "endless":
            self._send_endlessly()
            return
        wrong = self._wrong_answer(fault, answer, incoming)
        if fault.retry_after:
            wrong.headers["Retry-After"] = fault.retry_after
        call.status = wrong.status
        if fault.kind == "truncated":
            self.close_connection = True
            length = len(wrong.body)
            wrong.body = wrong.body[: length // 2]
            self._send(wrong, shown_length=length)
        else:
            self._send(wrong)

    def _wrong_answer(self, fault: Fault, answer: Answer, incoming: Incoming) -> Answer:
        accept = incoming.headers.get("accept", "")
        if fault.kind == "status":
            return send_error(accept, fault.status, fault.message)
        if fault.kind == "error_in_200":
            return send_error(accept, 200, fault.message)
        if fault.kind == "echo":
            sent = incoming.body.decode("utf-8", "replace")
            return send_error(accept, fault.status, f"{fault.message} The request was: {sent}")
        if fault.kind == "other_status":
            return Answer(fault.status, answer.body, answer.content_type)
        if fault.kind == "html":
            return Answer(fault.status, HTML, "text/html; charset=utf-8")
        if fault.kind == "empty":
            return Answer(fault.status, b"", answer.content_type)
        if fault.kind == "redirect":
            return Answer(fault.status, b"", "text/html", {"Location": "/somewhere/else"})
        if fault.kind == "doctype":
            # As an attacker in between would: an entity that a careless parser fills with a file.
            body = answer.body.replace(b"?>", b"?>" + DOCTYPE, 1)
            return Answer(answer.status, body, answer.content_type)
        if fault.kind == "wrong_encoding":
            # UTF-16 under a header that says UTF-8: no reader can take it for what it was.
            body = answer.body.decode().encode("utf-16")
            return Answer(answer.status, body, f"{answer.content_type}; charset=utf-8")
        return answer

    def _reset_connection(self) -> None:
        """Close with a reset instead of a polite end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _send_endlessly(self) -> None:
        """A body that never ends, until the client has had enough."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"<bns:Component>")
        piece = b"<filler/>" * 8192
        for _ in range(ENDLESS_BYTES // len(piece)):
            self.wfile.write(piece)
