"""What open tabs cost: `python -m tests.benchmarks.tabs`.

Each tab shows a promotion that is at work and asks for news as often as its page says. Nothing has changed, which is
what nearly all of these questions find. Web server, database and Redis are processes of their own; how long they were
on a core is what the operating system says (Linux).
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path

import requests

from promo_site.demo import servers
from tests import services
from tests.benchmarks.conditions import Row, tell

TABS = 100
SECONDS = 20.0
WANTED = 0.10  # of one core
LIVE = re.compile(r'hx-get="([^"]*/progress/[^"]*)" hx-trigger="every (\d+)(ms|s)"')


@dataclass(frozen=True)
class Tab:
    """A promotion's page in a browser.

    :param address: what it asks for news.
    :param every: seconds between two questions.
    :param cookies: its session.
    """

    address: str
    every: float
    cookies: dict[str, str]


def measure() -> float:
    """The part of one core that the servers are busy with."""
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="promo-tabs-")))
        port = servers.free_port()
        started.enter_context(services.redis_server(port, folder))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "promo_site.settings",
            "ENV_FILE": os.devnull,
            "DEBUG": "true",
            "DATABASE_URL": started.enter_context(services.postgres_server()),
            "REDIS_URL": f"redis://{servers.ADDRESS}:{port}/0",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        web = started.enter_context(services.web_server(folder, {}))
        tabs = _open(web)
        before, began = _busy(), time.monotonic()
        _poll(tabs, until=began + SECONDS)
        return (_busy() - before) / (time.monotonic() - began)


def _open(web: str) -> list[Tab]:
    """Each tab of a session and a promotion of its own; a worker is alive and at none of them."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from promotions import heartbeat
    from promotions.states import Status
    from tests.promotions import factories

    heartbeat.beat()
    admin = User.objects.create_superuser("admin")
    sales = factories.account()
    since = timezone.now() - timedelta(hours=1)
    tabs = []
    for _ in range(TABS):
        client = Client(SERVER_NAME="localhost")
        client.force_login(admin)
        promotion = factories.promotion(
            factories.plan(sales, admin), admin, Status.DEPLOYING, updated_at=since
        )
        page = client.get(promotion.get_absolute_url()).content.decode()
        [(address, number, unit)] = LIVE.findall(page)
        tabs.append(
            Tab(
                web + unescape(address),
                int(number) / (1000 if unit == "ms" else 1),
                {name: morsel.value for name, morsel in client.cookies.items()},
            )
        )
    connection.close()
    return tabs


def _poll(tabs: list[Tab], *, until: float) -> None:
    """Every tab asks at its own moments, spread evenly; each question is a connection, as after a pause."""
    began = time.monotonic()
    moments = sorted(
        (began + tab.every * (number / len(tabs) + turn), number)
        for number, tab in enumerate(tabs)
        for turn in range(int((until - began) / tab.every))
    )

    def ask(tab: Tab) -> int:
        headers = {"HX-Request": "true"}
        return requests.get(
            tab.address, cookies=tab.cookies, headers=headers, timeout=10
        ).status_code

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = []
        for moment, number in moments:
            time.sleep(max(0.0, moment - time.monotonic()))
            answers.append(pool.submit(ask, tabs[number]))
        statuses = {answer.result() for answer in answers}
    assert statuses == {204}, statuses


def _busy() -> float:
    """Seconds that the processes below this one have been on a core."""
    parents, seconds = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        pid = int(stat.parent.name)
        parents[pid] = int(fields[1])
        seconds[pid] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def is_ours(pid: int) -> bool:
        while pid in parents and pid != os.getpid():
            pid = parents[pid]
        return pid == os.getpid()

    return sum(seconds[pid] for pid in parents if pid != os.getpid() and is_ours(pid))


def rows() -> list[Row]:
    """For the table of `make bench`."""
    found = measure()
    return [
        (f"{TABS} open tabs", f"{found:.1%}", "", f"{found / WANTED:.2f}", "of a tenth of a core")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    tell(rows(), as_json=parser.parse_args().json)


if __name__ == "__main__":
    main()
