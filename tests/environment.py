"""The environment of a test run. A pytest plugin, as it must act before the settings are read.

The addresses of Redis and of the simulator are chosen here, though the servers start only for a
test that asks for them: so the settings of this process and of every process that a test starts
are the same.
"""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from partnerapi.simulator import seed, service
from promo_site.demo.servers import ADDRESS
from tests.services import postgres_server

# Where the databases and the logs of the servers lie during the run.
FOLDER = Path(tempfile.mkdtemp(prefix="promotion-desk-tests-"))
# Where the processes of a parallel run find what is made once for all of them.
SHARED = Path(os.environ.setdefault("TESTS_SHARED_FOLDER", str(FOLDER)))
IS_ONE_OF_SEVERAL = "PYTEST_XDIST_WORKER" in os.environ

_kept_ports: dict[int, socket.socket] = {}


def keep_port() -> int:
    """A free port that nobody else is given before `release_port`, for a server that starts later."""
    kept = socket.socket()
    kept.bind((ADDRESS, 0))
    port: int = kept.getsockname()[1]
    _kept_ports[port] = kept
    return port


def release_port(port: int) -> int:
    """The port itself, for the server that listens there from now on."""
    if kept := _kept_ports.pop(port, None):
        kept.close()
    return port


REDIS_PORT = keep_port()
SIMULATOR_PORT = keep_port()

ENVIRONMENT = {
    # Not what a developer has in a file of their own.
    "ENV_FILE": os.devnull,
    "DEMO": "true",
    "DATABASE_URL": f"sqlite:///{FOLDER / 'unused.sqlite3'}",
    "REDIS_URL": f"redis://{ADDRESS}:{REDIS_PORT}/0",
    "PARTNER_API_URL": f"http://{ADDRESS}:{SIMULATOR_PORT}",
    "PARTNER_API_ACCOUNT": seed.PRIMARY_ACCOUNT,
    "PARTNER_API_USER": service.USER,
    "PARTNER_API_TOKEN": service.PASSWORD,
    "PARTNER_API_DIALECT": "guide",
    "PARTNER_API_SPACING_MS": "2",
    "PARTNER_API_TIMEOUT": "10",
    "PROMOTION_TIME_SCALE": "0.02",
    # Twice a second: asking the database more often costs more than it saves where several stacks share the cores.
    "PROMOTION_TICK_SECONDS": "25",
    # Small enough to be passed in a test; the large profile of the seed has 2 MB.
    "PROMOTION_MAX_COMPONENTS": "60",
    "PROMOTION_MAX_COMPONENT_BYTES": "3000000",
    "PROMOTION_MERGE_TIMEOUT": "120",
    # Whatever the hour is: the test that wants it says so.
    "DRIFT_HOUR": "off",
    # Receivers of messages are threads of the tests.
    "OUTBOUND_PRIVATE_NETWORKS": "127.0.0.0/8",
    "LOG_LEVEL": "INFO",
}

_servers = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default=os.environ.get("TEST_DATABASE", "sqlite"),
        help="which database the tests use; TEST_DATABASE_URL names a PostgreSQL of one's own, "
        "else the one from the locked requirements is started",
    )

    parser.addoption(
        "--dialect",
        choices=["guide", "published"],
        default="guide",
        help="which dialect of the Partner API the product and the simulator speak",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: Sequence[str]
) -> Iterator[Any]:
    # A wrapper, since it comes before pytest-django, which reads the settings in this hook.
    for name in [name for name in os.environ if name.startswith(("PARTNER_API_", "PROMOTION_"))]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)
    options = parser.parse_known_args(args)
    os.environ["PARTNER_API_DIALECT"] = ENVIRONMENT["PARTNER_API_DIALECT"] = options.dialect
    if options.database == "postgresql" and not (options.help or options.version):
        if not os.environ.get("TEST_DATABASE_URL"):
            # One server for all processes of a parallel run, which inherit the variable.
            os.environ["TEST_DATABASE_URL"] = _servers.enter_context(postgres_server())
        os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are cores, for they often wait."""
    return max(2, os.cpu_count() or 2) + 2


class ByStack(LoadScopeScheduling):
    """Hands out tests one by one; those of a folder with a costly start of its own stay together.

    As ``--dist loadgroup``, which does nothing with pytest 9.2 (pytest-xdist 3.8).
    """

    TOGETHER = {"tests/browser", "tests/docker"}

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        return folder if folder in self.TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStack:
    return ByStack(config, log)


def pytest_configure(config: pytest.Config) -> None:
    # As Ctrl-C: the fixtures end the servers that they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('--database')}, dialect: {config.getoption('--dialect')}"


def pytest_unconfigure(config: pytest.Config) -> None:
    _servers.close()
    shutil.rmtree(FOLDER, ignore_errors=True)
