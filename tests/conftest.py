"""What every test can ask for: the usual people, and real servers where a test needs them."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import pkgutil
import shutil
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import pytest
import redis
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from tests import databases, environment, services

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django import DjangoDbBlocker

PASSWORD = "a-password-for-tests"

# The same examples each time, so that a run says something of the change that was made. New ones are looked for with
# HYPOTHESIS_PROFILE=default.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# A fixture that a test asks for, also by way of another one -> the marker that it gets.
MARKERS = {
    "db": "database",
    "transactional_db": "database",
    "redis_server": "integration",
    "simulator": "integration",
    "worker": "integration",
    "page": "browser",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        markers = {marker for fixture, marker in MARKERS.items() if fixture in fixtures}
        if item.get_closest_marker("django_db"):
            markers.add("database")
        for marker in markers:
            item.add_marker(marker)
    # In one process, a fault in a rule shows at once, before anything waits for servers. In
    # several, what takes long comes first, so that no process is left with it in the end.
    parallel = hasattr(config, "workerinput")
    items.sort(key=_kind, reverse=parallel)


def pytest_collection_finish() -> None:
    # What is loaded by now stays to the end: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()


def _kind(item: pytest.Item) -> int:
    if item.get_closest_marker("browser"):
        return 2
    return 1 if item.get_closest_marker("integration") else 0


# --- Database --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Names the test database. The processes of a parallel run get copies of one that is migrated once."""
    from django.db import connection

    test = connection.settings_dict["TEST"]
    if connection.vendor == "sqlite":
        # A file, because another process cannot see a database in memory.
        test["NAME"] = str(environment.FOLDER / "test.sqlite3")
    if not environment.IS_ONE_OF_SEVERAL:
        return
    with django_db_blocker.unblock():
        migrated = databases.migrated_once(environment.SHARED)
    if connection.vendor == "sqlite":
        shutil.copyfile(migrated, test["NAME"])
    else:
        test["TEMPLATE"] = migrated


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """The copy of a file is there already; it goes with its folder."""
    from django.db import connection

    return django_db_keepdb or (connection.vendor == "sqlite" and environment.IS_ONE_OF_SEVERAL)


@pytest.fixture(scope="session", autouse=True)
def _flush_takes_events_along() -> None:
    """Between two tests SQLite's tables are emptied by DELETE, which the history refuses: off and on around it."""
    from django.db import connection

    if connection.vendor != "sqlite":
        return
    from promotions import migrations

    names = [module.name for module in pkgutil.iter_modules(migrations.__path__)]
    modules = [importlib.import_module(f"promotions.migrations.{name}") for name in names]
    fences = [module for module in modules if hasattr(module, "REFUSED")]
    operations: Any = type(connection.ops)
    plain = operations.sql_flush

    def sql_flush(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        statements = plain(self, *args, **kwargs)
        down = [one for fence in fences for one in fence.DROP["sqlite"]]
        up = [one for fence in fences for one in fence.CREATE["sqlite"]]
        return [*down, *statements, *up]

    operations.sql_flush = sql_flush


@pytest.fixture(autouse=True)
def _no_heartbeat_beside_a_transaction(request: pytest.FixtureRequest) -> None:
    """A test that runs in a transaction locks SQLite: a lease's heartbeat would wait 20 s for it, and its work too."""
    item = request.node
    marker = item.get_closest_marker("django_db")
    is_transactional = "transactional_db" in item.fixturenames or (
        marker is not None and marker.kwargs.get("transaction")
    )
    if item.get_closest_marker("database") and not is_transactional:
        monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        monkeypatch.setattr("promotions.worker.lease._heartbeat", lambda lease, stop: None)


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The test database, for a process that a test starts."""
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


# --- People ----------------------------------------------------------------------------------


# The product's own way, of fewer rounds: hundreds of tests sign in. How many it takes stands in each hash, so that a
# web server checks these, too.
PBKDF2PasswordHasher.iterations = 1_000


@functools.cache
def _password_hash() -> str:
    return make_password(PASSWORD)


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Makes a user in groups: ``make_user("eve", "Contributors", "Team A")``."""

    def make(username: str, *groups: str, **fields: Any) -> User:
        from django.contrib.auth.models import Group, User

        user = User.objects.create(
            username=username,
            email=f"{username}@example.com",
            first_name=username.capitalize(),
            password=_password_hash(),
            **fields,
        )
        user.groups.set(Group.objects.get_or_create(name=name)[0] for name in groups)
        return user

    return make


@pytest.fixture
def alice(make_user: Callable[..., User]) -> User:
    """A contributor whose team has access."""
    from promotions import access

    return make_user("alice", access.CONTRIBUTORS, "Team A")


@pytest.fixture
def bob(make_user: Callable[..., User]) -> User:
    """An admin."""
    from promotions import access

    return make_user("bob", access.ADMINS, is_staff=True)


@pytest.fixture
def charlie(make_user: Callable[..., User]) -> User:
    """A contributor without access to any account."""
    from promotions import access

    return make_user("charlie", access.CONTRIBUTORS)


@pytest.fixture
def dora(make_user: Callable[..., User]) -> User:
    """A second admin."""
    from promotions import access

    return make_user("dora", access.ADMINS, is_staff=True)


# --- Servers ---------------------------------------------------------------------------------
# They start once for a run; what they hold is emptied before each test that uses them.


@pytest.fixture(scope="session")
def _redis_process() -> Iterator[services.Child]:
    port = environment.release_port(environment.REDIS_PORT)
    with services.redis_server(port, environment.FOLDER) as child:
        yield child


@pytest.fixture
def redis_server(_redis_process: services.Child) -> Iterator[redis.Redis]:
    """A client of a real Redis server that holds nothing."""
    client = redis.Redis.from_url(environment.ENVIRONMENT["REDIS_URL"])
    # Not Celery's own bindings: a producer declares a queue only once in its life.
    if keys := [key for key in client.scan_iter() if not key.startswith(b"_kombu.binding.")]:
        client.delete(*keys)
    yield client
    client.close()


@pytest.fixture(scope="session")
def _simulator_process() -> Iterator[services.Simulator]:
    dialect = environment.ENVIRONMENT["PARTNER_API_DIALECT"]
    port = environment.release_port(environment.SIMULATOR_PORT)
    with services.simulator(port, environment.FOLDER, "--dialect", dialect) as started:
        yield started


@pytest.fixture
def simulator(_simulator_process: services.Simulator) -> services.Simulator:
    """The simulated Partner API, as it was in the beginning."""
    _simulator_process.reset()
    return _simulator_process


@pytest.fixture(scope="session")
def _worker_process(database_url: str, _redis_process: services.Child) -> Iterator[services.Worker]:
    with services.celery_worker(environment.FOLDER, {"DATABASE_URL": database_url}) as started:
        # It waits for the first test that wants it.
        started.rest()
        yield started


@pytest.fixture
def worker(
    transactional_db: None,
    _worker_process: services.Worker,
    redis_server: redis.Redis,
    simulator: services.Simulator,
    request: pytest.FixtureRequest,
) -> Iterator[services.Worker]:
    """A real worker with beat, on the test database, against an empty Redis and the simulator."""
    if _worker_process.child.alive:
        _worker_process.resume()
    else:
        # The test before has killed it and failed.
        _worker_process.start()
    yield _worker_process
    if _worker_process.child.alive:
        _worker_process.rest()


@pytest.fixture(scope="session")
def _web_process(database_url: str) -> Iterator[str]:
    with services.web_server(environment.FOLDER, {"DATABASE_URL": database_url}) as url:
        yield url


@pytest.fixture
def web_server(transactional_db: None, _web_process: str) -> str:
    """The address of a real web server on the test database."""
    return _web_process


# --- When a test fails -----------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the servers wrote last, for the cause is often there."""
    report = yield
    if report.failed and (
        item.get_closest_marker("integration") or item.get_closest_marker("browser")
    ):
        for log in sorted(environment.FOLDER.rglob("*.log")):
            text = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
            if text and log.name != "redis.log":
                report.sections.append((f"end of {log.name}", text))
    return report
