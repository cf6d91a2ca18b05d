"""`make demo` as a newcomer runs it: real processes, and none of them left afterwards."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from promo_site.demo.servers import ADDRESS, free_port
from tests.services import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PORTS = ("DEMO_WEB_PORT", "DEMO_SIMULATOR_PORT", "DEMO_REDIS_PORT")


class Demo:
    """A running `manage.py demo` on ports of its own."""

    def __init__(self, *options: str, **env: str) -> None:
        self.ports = {name: free_port() for name in PORTS}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", *options],
            cwd=PROJECT,
            env={
                **os.environ,
                **{name: str(port) for name, port in self.ports.items()},
                "PYTHONUNBUFFERED": "1",
                **env,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def wait_for(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return
        pytest.fail(f"It never said “{words}”:\n{''.join(self.said)}")

    def end(self, seconds: float = 240) -> int:
        """Reads on to its end; returns the status."""
        said, _ = self.process.communicate(timeout=seconds)
        self.said.append(said)
        return self.process.returncode

    @property
    def output(self) -> str:
        return "".join(self.said)


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.end(60)


def _family(pid: int) -> set[int]:
    """Every process that descends from this one."""
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in table.splitlines())
    parents = {int(child): int(parent) for child, parent in rows}
    found, newest = set[int](), {pid}
    while newest:
        newest = {child for child, parent in parents.items() if parent in newest}
        found |= newest
    return found


def _assert_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + 60
    while True:
        table = subprocess.run(
            ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
        ).stdout
        alive = {
            int(pid)
            for pid, state in (line.split() for line in table.splitlines())
            if not state.startswith("Z")
        }
        if not pids & alive:
            return
        assert time.monotonic() < deadline, f"still alive: {pids & alive}"
        time.sleep(0.1)


@pytest.mark.parametrize("dialect", ["guide", "published"])
def test_once_it_carries_one_promotion_to_production(demos: list[Demo], dialect: str) -> None:
    port = free_port()
    left_behind = PROJECT / "var" / f"demo-{port}" / "demo.sqlite3"
    left_behind.parent.mkdir(parents=True)
    left_behind.write_text("What an earlier run left is of no use to this one.")
    demo = Demo("--once", PARTNER_API_DIALECT=dialect, DEMO_WEB_PORT=str(port))
    demos.append(demo)
    assert demo.end(240) == 0, demo.output
    last = demo.output.strip().splitlines()[-1]
    assert re.search(
        r"Deployed: \d\d components on main, 1 package .*, 1 pack .*, 1 release, "
        r"2 deployments, 0 branches left\.$",
        last,
    ), demo.output


def test_a_promotion_that_is_not_deployed_is_a_status_and_a_sentence(demos: list[Demo]) -> None:
    demo = Demo("--once")
    demos.append(demo)
    demo.wait_for("Celery worker with beat")
    family = _family(demo.process.pid)
    simulator = f"http://{ADDRESS}:{demo.ports['DEMO_SIMULATOR_PORT']}"
    fault = {"operation": 8, "kind": "status", "status": 400, "times": -1, "message": "Not today."}
    requests.post(f"{simulator}/_control/faults", json=fault, timeout=60).raise_for_status()
    assert demo.end() == 1
    last = demo.output.strip().splitlines()[-1]
    assert last.startswith("CommandError: The promotion has failed.")
    assert "Not today." in last
    _assert_gone(family)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process(demos: list[Demo], number: signal.Signals) -> None:
    demo = Demo()
    demos.append(demo)
    demo.wait_for("Celery worker with beat")
    family = _family(demo.process.pid)
    assert len(family) >= 6
    demo.process.send_signal(number)
    demo.end()
    _assert_gone(family)


def test_a_signal_that_lands_in_a_finalizer_is_not_lost() -> None:
    program = """
import os, signal, time
import django
django.setup()
from promo_site.demo.management.commands import demo

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, demo._end)
try:
    Finalized()
    time.sleep(20)
except KeyboardInterrupt:
    print("It has ended.")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "promo_site.settings", "DEMO": "true"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert "It has ended." in done.stdout, done.stderr
    assert "Exception ignored in" in done.stderr


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("redis", "-server "),  # redis-server or valkey-server
        ("simulator", "partnerapi.simulator"),
        ("worker", "celery"),
        ("web", "gunicorn"),
    ],
)
def test_when_one_process_dies_the_others_end_and_the_demo_says_which(
    demos: list[Demo], name: str, command: str
) -> None:
    demo = Demo()
    demos.append(demo)
    demo.wait_for("Celery worker with beat")
    family = _family(demo.process.pid)
    table = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in table.splitlines()]
    [child] = [
        int(pid)
        for pid, parent, args in rows
        if int(parent) == demo.process.pid and command in args
    ]
    os.kill(child, signal.SIGKILL)
    assert demo.end() == 1
    assert f"{name} ended by itself" in demo.output
    _assert_gone(family)


@pytest.mark.parametrize("setting", PORTS)
def test_a_port_in_use_is_one_sentence(demos: list[Demo], setting: str) -> None:
    with socket.socket() as other:
        other.bind((ADDRESS, 0))
        other.listen()
        port = other.getsockname()[1]
        demo = Demo("--once", **{setting: str(port)})
        demos.append(demo)
        assert demo.end(60) == 1
        assert demo.output.strip() == (
            f"CommandError: Port {port} is in use: end what listens there, "
            f"or choose another one with {setting}."
        )
