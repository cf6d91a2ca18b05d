import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from promo_site.demo import servers
from promo_site.demo.servers import ADDRESS, Child, EmbeddedError, Stack
from tests.services import PROJECT

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def _gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_a_port_in_use_is_one_sentence_with_the_setting() -> None:
    with socket.socket() as other:
        other.bind((ADDRESS, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"^Port {port} is in use: .* DEMO_WEB_PORT.$"):
            servers.require_free_port(port, "DEMO_WEB_PORT")
    servers.require_free_port(port, "DEMO_WEB_PORT")


def test_without_redis_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(servers, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match="apt-get install redis-server"):
        servers.redis_executable()


def test_a_child_that_ends_as_it_starts_is_reported_with_its_log(tmp_path: Path) -> None:
    child = Child(
        "oracle",
        [sys.executable, "-c", "print('no entrails'); raise SystemExit(3)"],
        log=tmp_path / "log",
    )
    with pytest.raises(EmbeddedError, match=r"(?s)oracle ended .*status 3.*no entrails"):
        child.wait_until(lambda: False)


def test_a_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    with Stack(tmp_path, os.environ, tmp_path) as stack:
        with pytest.raises(EmbeddedError, match="sleeper was not ready after 0.2 s"):
            stack.start("sleeper", SLEEP, lambda: False, seconds=0.2)
        [child] = stack.children
        assert child.alive
    assert not child.alive


def test_stopping_a_child_ends_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(grandchild.pid))\n"
        "time.sleep(60)\n"
    )
    child = Child("family", [sys.executable, "-c", code], log=tmp_path / "log")
    child.wait_until(lambda: note.exists() and bool(note.read_text()))
    child.stop()
    grandchild = int(note.read_text())
    deadline = time.monotonic() + 60
    while not _gone(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stack_notices_a_child_that_ended_by_itself(tmp_path: Path) -> None:
    with Stack(tmp_path, os.environ, tmp_path) as stack:
        child = stack.start("sleeper", SLEEP, lambda: True)
        stack.check()
        child.process.kill()
        child.process.wait()
        with pytest.raises(EmbeddedError, match="sleeper ended by itself"):
            stack.check()


def test_children_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import pathlib, sys, time\n"
        "from promo_site.demo.servers import Child\n"
        f"child = Child('sleeper', {SLEEP!r}, log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.process.pid))\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    pid = int(note.read_text())
    while not _gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
