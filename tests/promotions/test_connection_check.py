"""The connection check against a real simulator: what each line says, and that it only reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from django.core.management import call_command
from django.test import Client

from partnerapi.simulator import seed, service
from promotions.models import DevAccount, Job
from promotions.setup import connection_check
from promotions.setup.connection_check import Check, Report, State
from tests.services import Simulator

pytestmark = pytest.mark.django_db

NAMES = [
    "User name", "Token", "Reachable", "TLS", "Credentials", "Partner API", "Primary account",
    "Dialect", "Branching", "Rate",
]  # fmt: skip


@pytest.fixture
def accounts(db: None) -> list[DevAccount]:
    return [
        DevAccount.objects.create(account_id=account, name=seed.ACCOUNT_NAMES[account])
        for account in seed.DEV_ACCOUNTS
    ]


@pytest.fixture(autouse=True)
def token_file(tmp_path: Path, settings: Any, redis_server: redis.Redis) -> Path:
    """The token where it should be: in a file."""
    path = tmp_path / "token"
    path.write_text(f"{service.PASSWORD}\n")
    settings.PARTNER_API_TOKEN_FILE = str(path)
    settings.PARTNER_API_TOKEN = ""
    return path


def line(report: Report, name: str) -> Check:
    [found] = [check for check in report.checks if check.name == name]
    return found


def reset(simulator: Simulator, dialect: str) -> None:
    requests.post(
        f"{simulator.url}/_control/reset", json={"dialect": dialect}, timeout=60
    ).raise_for_status()


def edit(simulator: Simulator, **modes: object) -> None:
    requests.post(f"{simulator.url}/_control/edit", json=modes, timeout=60).raise_for_status()


@pytest.mark.parametrize("dialect", ["guide", "published"])
def test_everything_is_in_order(
    simulator: Simulator, settings: Any, accounts: list[DevAccount], dialect: str
) -> None:
    reset(simulator, dialect)
    settings.PARTNER_API_DIALECT = dialect
    report = connection_check.check()
    assert report.dialect == dialect
    assert {check.name: check.state for check in report.checks if check.state != State.OK} == {
        "TLS": State.WARN,  # the simulator is on this machine
        "Privileges to write": State.SKIPPED,
    }
    assert set(NAMES) <= {check.name for check in report.checks}
    assert "10 left" in line(report, "Branching").detail
    for account in accounts:
        assert line(report, f"Dev account {account.name}").state == State.OK


@pytest.mark.parametrize("dialect", ["guide", "published"])
def test_it_never_writes(
    simulator: Simulator, settings: Any, accounts: list[DevAccount], dialect: str
) -> None:
    reset(simulator, dialect)
    before = simulator.state()
    connection_check.check()
    after = simulator.state()
    calls = after.pop("calls")
    before.pop("calls")
    assert before == after
    assert calls["last"]
    for call in calls["last"]:
        assert call["method"] == "GET" or "/query" in call["path"]


@pytest.mark.parametrize(
    ("spoken", "chosen", "state"),
    [
        ("published", "guide", State.FAIL),
        ("guide", "published", State.FAIL),
        ("published", "", State.FAIL),
        ("guide", "", State.WARN),
    ],
)
def test_it_recommends_the_dialect_that_the_server_speaks(
    simulator: Simulator,
    settings: Any,
    accounts: list[DevAccount],
    spoken: str,
    chosen: str,
    state: State,
) -> None:
    reset(simulator, spoken)
    settings.PARTNER_API_DIALECT = chosen
    report = connection_check.check()
    dialect = line(report, "Dialect")
    assert dialect.state == state
    assert f"PARTNER_API_DIALECT={spoken}" in dialect.to_do
    # What follows is looked at in the dialect that is spoken.
    assert line(report, "Branching").state == State.OK


def test_a_wrong_token_is_told_once_and_the_rest_is_left(
    simulator: Simulator, token_file: Path, accounts: list[DevAccount]
) -> None:
    token_file.write_text("another-token")
    report = connection_check.check()
    assert line(report, "Reachable").state == State.OK
    assert line(report, "Credentials").state == State.FAIL
    assert "BOOMI_TOKEN." in line(report, "Credentials").to_do
    assert line(report, "Branching").state == State.SKIPPED
    assert "another-token" not in str(report.as_json())


def test_a_token_is_changed_without_a_restart(simulator: Simulator, token_file: Path) -> None:
    token_file.write_text("another-token")
    assert line(connection_check.check(), "Credentials").state == State.FAIL
    token_file.write_text(service.PASSWORD)
    assert line(connection_check.check(), "Credentials").state == State.OK


def test_a_token_file_that_cannot_be_read(simulator: Simulator, token_file: Path) -> None:
    token_file.unlink()
    report = connection_check.check()
    assert line(report, "Token").state == State.FAIL
    assert line(report, "Reachable").state == State.SKIPPED


def test_a_token_file_that_holds_no_text(simulator: Simulator, token_file: Path) -> None:
    token_file.write_bytes(b"\xff\xfe\x00")
    report = connection_check.check()
    assert "something other than text" in line(report, "Token").detail


def test_a_user_name_without_the_prefix(simulator: Simulator, settings: Any) -> None:
    settings.PARTNER_API_USER = "promotion@example.com"
    report = connection_check.check()
    assert line(report, "User name").state == State.FAIL
    assert "commonest mistake" in line(report, "User name").to_do


def test_another_account_than_the_token_is_of(simulator: Simulator, settings: Any) -> None:
    settings.PARTNER_API_ACCOUNT = "somebody-else"
    report = connection_check.check()
    assert line(report, "Credentials").state == State.OK
    assert line(report, "Primary account").state == State.FAIL


def test_a_primary_account_that_is_also_a_dev_account(simulator: Simulator, settings: Any) -> None:
    DevAccount.objects.create(account_id=settings.PARTNER_API_ACCOUNT, name="Oops")
    assert line(connection_check.check(), "Primary account").state == State.FAIL


def test_a_server_that_is_not_there(settings: Any) -> None:
    settings.PARTNER_API_URL = "http://127.0.0.1:9"
    report = connection_check.check()
    assert line(report, "Reachable").state == State.FAIL
    assert line(report, "Credentials").state == State.SKIPPED


def test_an_unencrypted_server_elsewhere_is_a_fault(settings: Any) -> None:
    settings.PARTNER_API_URL = "http://api.example.com"
    report = Report()
    connection_check._answered(report, "api.example.com")
    assert line(report, "TLS").state == State.FAIL


def test_a_partner_api_that_is_switched_off_is_told_from_a_wrong_token(
    simulator: Simulator, accounts: list[DevAccount]
) -> None:
    reset(simulator, "published")
    # The Partner API's own door refuses; the plain one, asked next, opens.
    simulator.fault("Environment", "status", status=401, times=1)
    report = connection_check.check()
    assert line(report, "Credentials").state == State.OK
    assert line(report, "Partner API").state == State.FAIL
    assert "Partner API enabled" in line(report, "Partner API").to_do


def test_a_dev_account_that_cannot_be_read(
    simulator: Simulator, accounts: list[DevAccount]
) -> None:
    DevAccount.objects.create(account_id="not-ours", name="Not ours")
    report = connection_check.check()
    assert line(report, "Dev account Not ours").state == State.FAIL
    assert line(report, f"Dev account {accounts[0].name}").state == State.OK


def test_no_dev_account_is_known(simulator: Simulator) -> None:
    assert line(connection_check.check(), "Dev accounts").state == State.WARN


@pytest.mark.parametrize("dialect", ["guide", "published"])
def test_branching_that_is_not_enabled(simulator: Simulator, settings: Any, dialect: str) -> None:
    reset(simulator, dialect)
    settings.PARTNER_API_DIALECT = dialect
    edit(simulator, branching_enabled=False)
    branching = line(connection_check.check(), "Branching")
    assert branching.state == State.FAIL
    assert "enable branching" in branching.to_do


def test_no_branch_left(simulator: Simulator) -> None:
    edit(simulator, action="make_branches", count=10)
    branching = line(connection_check.check(), "Branching")
    assert branching.state == State.WARN
    assert "0 left" in branching.detail


@pytest.fixture
def guide(simulator: Simulator, settings: Any) -> None:
    """What the test says of faults and dialects is the guide's, whichever one the other tests speak."""
    settings.PARTNER_API_DIALECT = "guide"
    simulator._call("POST", "reset", {"dialect": "guide"})


@pytest.mark.usefixtures("guide")
def test_a_privilege_that_is_missing(simulator: Simulator) -> None:
    simulator.fault(16, "status", status=403, times=-1, message="The user lacks the privilege.")
    report = connection_check.check()
    packs = line(report, "Privilege: Integration Packs, publisher")
    assert packs.state == State.FAIL
    assert "lacks the privilege" in packs.detail
    # The references tell the dialect alone.
    assert report.dialect == "guide"


def test_calls_that_were_refused_for_their_pace(simulator: Simulator) -> None:
    simulator.fault("Account", "status", status=429, times=1)
    assert line(connection_check.check(), "Rate").state == State.WARN


@pytest.mark.usefixtures("guide")
def test_the_command_says_it_all_and_ends_with_zero(
    simulator: Simulator, accounts: list[DevAccount], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("check_partner_api")
    told = capsys.readouterr().out
    assert "Credentials" in told
    assert service.PASSWORD not in told
    assert Job.objects.get().result["dialect"] == "guide"


def test_the_command_ends_with_one_when_something_is_at_fault(
    simulator: Simulator, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token_file.write_text("wrong")
    with pytest.raises(SystemExit) as ended:
        call_command("check_partner_api")
    assert ended.value.code == 1
    assert "FAULT" in capsys.readouterr().out


def test_the_page_shows_the_last_result(
    client: Client, make_user: Callable[..., object], bob: object, simulator: Simulator
) -> None:
    call_command("check_partner_api")
    client.force_login(bob)  # type: ignore[arg-type]
    page = client.get("/setup/connection/").content.decode()
    assert "It works, with" in page
    assert "The platform accepts the user and the token." in page
