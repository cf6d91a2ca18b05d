"""A real simulator process for a test module, and its controls."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests

from partnerapi.simulator.seed import PRIMARY_ACCOUNT

PROJECT = Path(__file__).resolve().parents[2]
USER = "BOOMI_TOKEN.promotion@example.com"
TOKEN = "simulator-token"

XML = "application/xml"
JSON = "application/json"

_Found = TypeVar("_Found")


class Controls:
    """Speaks to one simulator: the API as any client, and the control endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.auth = (USER, TOKEN)

    def call(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        *,
        json: Any = None,
        account: str = "",
        media: str = XML,
        accept: str = "",
        prefix: str = f"/partner/api/rest/v1/{PRIMARY_ACCOUNT}/",
        auth: tuple[str, str] | None = None,
        timeout: float = 20,
    ) -> requests.Response:
        """One API call; with ``json`` both ways are JSON, otherwise XML."""
        media = JSON if json is not None else media
        headers = {"Accept": accept or (media if media != "text/plain" else XML)}
        if body is not None or json is not None or method == "POST":
            headers["Content-Type"] = media
        return self.session.request(
            method,
            f"{self.url}{prefix}{path}",
            data=body.encode() if isinstance(body, str) else body,
            json=json,
            headers=headers,
            params={"overrideAccount": account} if account else None,
            auth=auth,
            timeout=timeout,
            allow_redirects=False,
        )

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.session.get(f"{self.url}/_control/state", timeout=60).json()
        return found

    def raw(self, component_id: str, branch: str = "") -> str:
        """The stored XML with its real secrets."""
        address = f"{self.url}/_control/component/{component_id}"
        answer = self.session.get(address, params={"branch": branch}, timeout=60)
        assert answer.ok, answer.text
        return answer.content.decode()

    def control(self, name: str, /, **body: Any) -> dict[str, Any]:
        answer = self.session.post(f"{self.url}/_control/{name}", json=body, timeout=60)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def edit(self, **body: Any) -> dict[str, Any]:
        return self.control("edit", **body)

    def fault(self, operation: int | str, kind: str, **more: Any) -> None:
        self.control("faults", operation=operation, kind=kind, **more)


def until(ask: Callable[[], _Found], done: Callable[[_Found], bool]) -> _Found:
    """Ask again until it is done, for at most a minute."""
    end = time.monotonic() + 60
    while not done(found := ask()):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


@contextmanager
def running(*options: str) -> Iterator[Controls]:
    """A simulator in a process of its own, on a free port."""
    command = [sys.executable, "-m", "partnerapi.simulator", "--port", "0", "--pace-limit", "0"]
    command += options  # the last of two counts
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "ready on" in line, line
            yield Controls(line.split(" on ")[1].split()[0])
        finally:
            process.terminate()
            process.wait(timeout=60)
