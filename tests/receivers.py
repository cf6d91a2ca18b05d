"""Real receivers of messages, in threads of the test: a mail server and a web server."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from promo_site.demo.servers import ADDRESS, free_port


@dataclass(frozen=True)
class Posted:
    """One request that a web server got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class WebReceiver:
    """A web server that takes whatever is posted.

    :param statuses: answered one after the other; 200 when there are no more.
    :param dribbles: answer a byte at a time, and never to the end.
    """

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    dribbles: bool = False


@contextmanager
def web_receiver(certificate: Path | None = None) -> Iterator[WebReceiver]:
    """:param certificate: a file with a certificate and its key, for HTTPS."""
    receiver = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posted.append(Posted(self.path, dict(self.headers), body))
            with suppress(OSError):
                while receiver.dribbles:
                    self.wfile.write(b"H")
                    time.sleep(0.5)
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what arrived is asserted."""

    server = ThreadingHTTPServer((ADDRESS, 0), Handler)
    receiver.url = f"http://{ADDRESS}:{server.server_port}"
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def web_proxy(target: str) -> Iterator[WebReceiver]:
    """A proxy that makes tunnels, all of them to one receiver; what it was asked for is in ``posted``.

    :param target: the receiver's address.
    """
    proxy = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.posted.append(Posted(self.path, dict(self.headers), b""))
            parts = urlsplit(target)
            with socket.create_connection((parts.hostname, parts.port)) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
                back.start()
                pump(self.connection, there)
                back.join()
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what was asked for is asserted."""

    def pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    server = ThreadingHTTPServer((ADDRESS, 0), Handler)
    proxy.url = f"http://{ADDRESS}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path, name: str) -> Path:
    """A file with a certificate for a name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@dataclass
class MailReceiver:
    """A mail server that keeps what it gets.

    :param answers: given one after the other instead of taking a mail.
    """

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.answers:
            return self.answers.pop(0)
        content = cast(bytes, envelope.content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    receiver = MailReceiver(free_port())
    controller = Controller(receiver, hostname=ADDRESS, port=receiver.port)
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The part of a mail that a mail program shows: ``plain`` or ``html``."""
    part = mail.get_body((kind,))
    assert part is not None, f"The mail has no {kind} part."
    return str(part.get_content())
