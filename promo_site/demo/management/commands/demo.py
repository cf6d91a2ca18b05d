"""`make demo`: a whole stack on this machine, and one promotion through its own pages.

1. The ports are looked at, the folder of the last run is emptied.
2. Redis, the simulated Partner API and the web server start; meanwhile the database is made, with
   users, accounts, access and connection mappings.
3. A worker starts.
4. A developer requests a promotion and an admin approves it, over HTTP, as people do.
5. The stack stays up until Ctrl-C, or with --once it ends and says what the simulator holds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from partnerapi.simulator import seed, service

from ... import servers
from ...figures import NotDeployed, State, figures
from ...servers import ADDRESS, EmbeddedError, Stack
from ...visitor import VisitError
from ...walk import Walk
from .seed_demo import PASSWORD, PEOPLE

ACCOUNT_NAME = seed.ACCOUNT_NAMES[seed.ORDERS_ACCOUNT]
PROCESS_NAME = "Order to Cash"
PACK_NAME = "Order to Cash"

# The demo waits a fifth of what production waits: people are looking on.
TIME_SCALE = "0.2"
# The last thing of a promotion may still be under way when its page says that it is deployed.
SETTLE_SECONDS = 15
# The signals that end it.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = "Starts a whole stack with invented data and carries one promotion to production."
    # The database of the demo is made below.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="End by itself; status 0 only if it is deployed."
        )

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        self.began = time.monotonic()
        # SIGINT too: a shell that starts the demo in the background lets it ignore Ctrl-C's signal.
        for number in ENDING:
            signal.signal(number, _end)
        try:
            self._run(once)
        except (EmbeddedError, VisitError, NotDeployed, requests.RequestException) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.say("Everything has ended.")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _run(self, once: bool) -> None:
        web = _port("DEMO_WEB_PORT", 8000)
        simulator = _port("DEMO_SIMULATOR_PORT", 8001)
        redis = _port("DEMO_REDIS_PORT", 8002)
        folder = _fresh_folder(web)
        self.web_url = f"http://{ADDRESS}:{web}"
        self.simulator_url = f"http://{ADDRESS}:{simulator}"
        env = {
            **os.environ,
            # Nothing of a developer's own set-up: the demo is the same everywhere.
            "ENV_FILE": os.devnull,
            "DEMO": "true",
            "DEBUG": "false",
            "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
            "REDIS_URL": f"redis://{ADDRESS}:{redis}/0",
            "PARTNER_API_URL": self.simulator_url,
            "PARTNER_API_ACCOUNT": seed.PRIMARY_ACCOUNT,
            "PARTNER_API_USER": service.USER,
            "PARTNER_API_TOKEN": service.PASSWORD,
            "PARTNER_API_TOKEN_FILE": "",
            "PARTNER_API_DIALECT": settings.PARTNER_API_DIALECT or "guide",
            "PROMOTION_TIME_SCALE": os.environ.get("PROMOTION_TIME_SCALE") or TIME_SCALE,
        }
        with Stack(folder, env, settings.BASE_DIR) as self.stack:
            try:
                self._start(web, simulator, redis, folder)
                result = self._promote()
                if not once:
                    self.say(result)
                    self._stay(folder)
            finally:
                # Nothing interrupts the ending.
                for number in (signal.SIGALRM, *ENDING):
                    signal.signal(number, signal.SIG_IGN)
        self.say(result)

    def say(self, text: str) -> None:
        self.stdout.write(f"{time.monotonic() - self.began:6.1f} s  {text}")
        self.stdout.flush()

    # --- The stack ---------------------------------------------------------------------------

    def _start(self, web: int, simulator: int, redis: int, folder: Path) -> None:
        """Starts everything at once and waits in the order in which each is needed."""
        stack, dialect = self.stack, self.stack.env["PARTNER_API_DIALECT"]
        redis_server = stack.start("redis", servers.redis_command(redis, folder))
        # As strict about the pace as Boomi, unless somebody has asked for a pace of their own.
        pace = () if settings.PARTNER_API_SPACING_MS >= 100 else ("--pace-limit", "0")
        platform = stack.start(
            "simulator", servers.simulator_command(simulator, "--dialect", dialect, *pace)
        )
        site = stack.start("web", servers.web_command(web))
        self._manage("seed_demo")
        self.say("Database migrated (SQLite); users, accounts, access and mappings written")
        worker = stack.start("worker", servers.worker_command(folder))
        redis_server.wait_until(servers.redis_ready(redis))
        self.say(f"Redis server on port {redis}")
        platform.wait_until(servers.http_ready(f"{self.simulator_url}/_control/state"))
        self.say(f"Simulated Partner API on port {simulator}, {dialect} dialect")
        site.wait_until(servers.http_ready(f"{self.web_url}/accounts/login/"), seconds=60)
        self.say(f"Web server on port {web}: {self.web_url}/")
        worker.wait_until(servers.worker_ready(worker.log), seconds=60)
        self.say("Celery worker with beat")

    def _manage(self, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "manage.py", *arguments],
            cwd=self.stack.cwd,
            env=self.stack.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise EmbeddedError(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")

    def _stay(self, folder: Path) -> None:
        names = "\n".join(f"    {person.username:<8} {person.what}" for person in PEOPLE)
        self.stdout.write(
            f"\nPromotion Desk      {self.web_url}/\n"
            f"Django admin        {self.web_url}/admin/\n"
            f"Simulator's state   {self.simulator_url}/_control/state\n"
            f"Logs                {folder.relative_to(settings.BASE_DIR)}/\n"
            f"Sign in as (password: {PASSWORD})\n{names}\n"
            "\nCtrl-C ends everything."
        )
        self.stdout.flush()
        while True:
            self.stack.check()
            time.sleep(1)

    # --- The promotion -----------------------------------------------------------------------

    def _promote(self) -> str:
        before = self._state()
        walk = Walk(self.web_url, self.say, self.stack.check)
        developer, admin = PEOPLE[0].username, PEOPLE[1].username
        promotion = walk.request(developer, PASSWORD, account=ACCOUNT_NAME, process=PROCESS_NAME)
        walk.approve(admin, PASSWORD, promotion, new_pack=PACK_NAME)
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                found = figures(before, self._state(), planned=walk.planned, pack_name=PACK_NAME)
            except NotDeployed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return f"Deployed: {found}."

    def _state(self) -> State:
        answer = requests.get(f"{self.simulator_url}/_control/state?calls=0", timeout=10)
        answer.raise_for_status()
        state: State = answer.json()
        return state


def _end(number: int, frame: FrameType | None) -> NoReturn:
    # Python drops an exception that is raised inside a finalizer. So it is raised again until the
    # ending begins.
    signal.signal(signal.SIGALRM, lambda *_: _end(number, None))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _port(setting: str, default: int) -> int:
    text = os.environ.get(setting, "") or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise EmbeddedError(f"{setting}={text} is not a port number.")
    servers.require_free_port(int(text), setting)
    return int(text)


def _fresh_folder(web_port: int) -> Path:
    """An empty folder; its name keeps two demos on one machine apart."""
    folder = Path(settings.BASE_DIR) / "var" / f"demo-{web_port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
