"""What a person waits for before anything is promoted: `python -m tests.benchmarks.waits`.

- From `make demo` to the first page, with everything installed.
- From the click on *Refresh* to the first packages of a dev account that has 2,000, and to the last.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

from promo_site.demo import servers
from tests.benchmarks.conditions import Row, tell
from tests.benchmarks.desk import people, stack
from tests.benchmarks.family import plant
from tests.services import PROJECT

PACKAGES, PROCESSES = 2000, 50
DEMO_SECONDS = 120


def demo() -> float:
    """Seconds until the demo's first page is there."""
    ports = {
        name: servers.free_port()
        for name in ("DEMO_WEB_PORT", "DEMO_SIMULATOR_PORT", "DEMO_REDIS_PORT")
    }
    page = f"http://{servers.ADDRESS}:{ports['DEMO_WEB_PORT']}/accounts/login/"
    is_there = servers.http_ready(page)
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"],
            cwd=PROJECT,
            env={
                **{name: value for name, value in os.environ.items() if "DJANGO" not in name},
                **{name: str(port) for name, port in ports.items()},
                "DEMO": "true",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not is_there():
                assert process.poll() is None, "The demo has ended."
                assert time.monotonic() - began < DEMO_SECONDS, "The demo shows no page."
                time.sleep(0.05)
            return time.monotonic() - began
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def listing(dialect: str, packages: int = PACKAGES) -> tuple[float, float]:
    """Seconds until a dev account's first packages are shown, and until all of them are."""
    with stack(dialect) as api:
        from promotions import services

        desk = people()
        processes = [plant(api, f"Listed {number}", 1).root for number in range(PROCESSES)]
        for number in range(packages):
            api.edit(
                action="create_package",
                componentId=processes[number % PROCESSES],
                packageVersion=f"9.{number}",
            )
        began = time.monotonic()
        made = services.refresh_packages(desk.alice, desk.orders)
        desk.wait_until(desk.orders.packages.exists, "the first packages", seconds=DEMO_SECONDS)
        first = time.monotonic() - began
        assert desk.fresh(made).is_refreshing, "They came all at once."
        desk.wait_until(
            lambda: not desk.fresh(made).is_refreshing, "the last packages", seconds=DEMO_SECONDS
        )
        assert desk.orders.packages.count() >= packages
        return first, time.monotonic() - began


def rows(dialect: str = "published") -> list[Row]:
    """For the table of `make bench`."""
    first, last = listing(dialect)
    return [
        ("make demo: first page", f"{demo():.1f} s", "", "", "from the command"),
        (f"list of {PACKAGES:,} packages: first shown", f"{first:.1f} s", "", "", "from the click"),
        (f"list of {PACKAGES:,} packages: all shown", f"{last:.1f} s", "", "", "from the click"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    tell(rows(), as_json=parser.parse_args().json)


if __name__ == "__main__":
    main()
