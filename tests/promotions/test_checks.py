"""Each system check speaks up when it should, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connection

from promo_site.demo.management.commands import seed_demo
from promotions import checks as own

PRODUCTION: dict[str, Any] = {
    "DEBUG": False,
    "DEMO": False,
    "STAGE": "before_review",
    "ENVIRONMENT_VALUES": "keep",
    "PARTNER_API_URL": "https://api.boomi.com",
    "PARTNER_API_ACCOUNT": "example-A1B2C3",
    "PARTNER_API_USER": "BOOMI_TOKEN.someone@example.com",
    "PARTNER_API_TOKEN": "not-a-real-token",
    "PARTNER_API_TOKEN_FILE": "",
    "PARTNER_API_DIALECT": "published",
    "PROMOTION_TIME_SCALE": 1.0,
}
POSTGRESQL = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"
Found = Callable[..., list[CheckMessage]]


@pytest.fixture
def found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Found:
    """What our own checks find in a production set-up with these settings changed."""

    def run(*, deploy: bool = True, engine: str = POSTGRESQL, **changes: Any) -> list[CheckMessage]:
        monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
        for name, value in {**PRODUCTION, **changes}.items():
            setattr(settings, name, value)
        messages: list[CheckMessage] = []
        for check in checks.registry.registry.get_checks(include_deployment_checks=deploy):
            if check.__module__ == own.__name__:
                messages += check(app_configs=None, databases=None)
        return messages

    return run


def _ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_a_production_set_up_has_nothing_to_say(found: Found) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "identifier"),
    [
        ({"STAGE": "sometimes"}, "promotions.E001"),
        ({"ENVIRONMENT_VALUES": "lose"}, "promotions.E002"),
        ({"PARTNER_API_DIALECT": "klingon"}, "promotions.E003"),
        ({"DRIFT_HOUR": "24"}, "promotions.E021"),
        ({"PARTNER_API_DIALECT": ""}, "promotions.E004"),
        ({"PARTNER_API_USER": "someone@example.com"}, "promotions.E011"),
    ],
)
def test_a_mistake_in_the_settings_is_named_in_every_set_up(
    found: Found, changes: dict[str, Any], identifier: str
) -> None:
    [message] = found(deploy=False, **changes)
    assert message.id == identifier
    assert message.level == checks.ERROR
    [name] = changes
    assert name in message.msg
    assert message.hint


@pytest.mark.parametrize(
    ("changes", "identifier", "level"),
    [
        ({"DEMO": True}, "promotions.E005", checks.ERROR),
        ({"PARTNER_API_ACCOUNT": ""}, "promotions.E006", checks.ERROR),
        ({"PARTNER_API_USER": ""}, "promotions.E007", checks.ERROR),
        ({"PARTNER_API_TOKEN": ""}, "promotions.E008", checks.ERROR),
        ({"PARTNER_API_URL": "http://127.0.0.1:8001"}, "promotions.E009", checks.ERROR),
        ({"PROMOTION_TIME_SCALE": 0.2}, "promotions.E010", checks.ERROR),
        ({"DEBUG": True}, "promotions.E012", checks.ERROR),
        ({"PARTNER_API_TOKEN_FILE": "/no/such/file"}, "promotions.E013", checks.ERROR),
        ({"engine": SQLITE}, "promotions.W001", checks.WARNING),
    ],
)
def test_what_production_must_not_be_is_named_by_the_deployment_check_alone(
    found: Found, changes: dict[str, Any], identifier: str, level: int
) -> None:
    assert found(deploy=False, **changes) == []
    [message] = found(**changes)
    assert (message.id, message.level) == (identifier, level)
    assert message.hint


def test_a_dialect_need_not_be_chosen_for_another_host_than_boomis(found: Found) -> None:
    assert found(PARTNER_API_DIALECT="", PARTNER_API_URL="https://proxy.example.com") == []


def test_a_host_that_only_ends_like_boomis_is_another_one(found: Found) -> None:
    assert found(PARTNER_API_DIALECT="", PARTNER_API_URL="https://notboomi.com") == []
    assert _ids(found(PARTNER_API_DIALECT="", PARTNER_API_URL="https://boomi.com")) == [
        "promotions.E004"
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "holds something other than text"),
        (b"not-a-real-token\n", ""),
    ],
)
def test_a_token_file_has_to_hold_a_token(
    found: Found, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    messages = found(PARTNER_API_TOKEN="", PARTNER_API_TOKEN_FILE=str(file))
    if not sentence:
        assert messages == []
        return
    [message] = messages
    assert message.id == "promotions.E013"
    assert sentence in message.msg


# --- Demo users ------------------------------------------------------------------------------


def _demo_users_found() -> list[CheckMessage]:
    return own.check_demo_users(databases=["default"])


def test_the_check_knows_the_people_that_the_demo_writes() -> None:
    assert set(own.DEMO_USERS) == {person.username for person in seed_demo.PEOPLE}
    assert own.DEMO_PASSWORD == seed_demo.PASSWORD


@pytest.mark.django_db
def test_demo_users_are_an_error_in_a_production_database(settings: Any) -> None:
    settings.DEMO = False
    for name in own.DEMO_USERS:
        User.objects.create_user(name, password=own.DEMO_PASSWORD)
    [message] = _demo_users_found()
    assert message.id == "promotions.E014"
    assert message.level == checks.ERROR
    assert "alice, bob, charlie, dora" in message.msg


@pytest.mark.django_db
def test_a_colleague_who_has_the_name_of_a_demo_user_is_none(settings: Any) -> None:
    settings.DEMO = False
    User.objects.create_user("alice", password="a-password-of-her-own")
    User.objects.create_user("bob", password=own.DEMO_PASSWORD, is_active=False)
    User.objects.create_user("charlie", password=None)
    assert _demo_users_found() == []


@pytest.mark.django_db
def test_before_the_first_migration_there_is_nobody_to_find(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = False
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert _demo_users_found() == []


def test_without_a_database_nobody_is_asked_for(settings: Any) -> None:
    settings.DEMO = False
    assert own.check_demo_users(databases=None) == []


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"OIDC_CLIENT_ID": "desk", "OIDC_CLIENT_SECRET": "secret"}, []),
        ({"OIDC_CLIENT_ID": "desk", "OIDC_CLIENT_SECRET": ""}, ["promotions.E015"]),
        ({"OIDC_ISSUER": "", "LOCAL_ACCOUNTS": False}, ["promotions.E016"]),
        (
            {
                "OIDC_ISSUER": "http://login.example.com",
                "OIDC_CLIENT_ID": "desk",
                "OIDC_CLIENT_SECRET": "secret",
            },
            ["promotions.E017"],
        ),
    ],
)
def test_an_identity_provider_is_set_whole(
    found: Found, changes: dict[str, Any], ids: list[str]
) -> None:
    assert _ids(found(**{"OIDC_ISSUER": "https://login.example.com", **changes})) == ids


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"OUTBOUND_PRIVATE_NETWORKS": ["10.1.2.0/24", "10.1.3.7"]}, []),
        ({"OUTBOUND_PRIVATE_NETWORKS": ["10.1.2.0/24", "intranet"]}, ["promotions.E018"]),
        ({"OUTBOUND_PROXY": "proxy.example.com:3128"}, ["promotions.E021"]),
        ({"OUTBOUND_PROXY": "http://proxy.example.com:3128"}, []),
        ({"AUDIT_ANCHOR_KEY": "whsec_c2VjcmV0"}, []),
        ({"AUDIT_ANCHOR_KEY": "whsec_"}, ["promotions.E019"]),
        ({"SITE_URL": "desk.example.com"}, ["promotions.E020"]),
    ],
)
def test_what_messages_and_anchors_need(
    found: Found, changes: dict[str, Any], ids: list[str]
) -> None:
    assert [message.id for message in found(**changes)] == ids
