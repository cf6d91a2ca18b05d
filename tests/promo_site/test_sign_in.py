"""Failed sign-ins are throttled, by name and address, and nobody is locked out by a stranger."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from promo_site.client_address import client_address
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client: Client, name: str, password: str, address: str = "192.0.2.1") -> Any:
    return client.post(
        "/accounts/login/", {"username": name, "password": password}, REMOTE_ADDR=address
    )


def test_after_a_few_failures_the_pair_of_name_and_address_is_locked(
    client: Client, alice: User, settings: Any
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        last = sign_in(client, "alice", "wrong")
    assert last.status_code == 429
    assert "again" in last.content.decode()
    assert sign_in(client, "alice", PASSWORD).status_code == 429
    assert sign_in(client, "alice", PASSWORD, address="192.0.2.2").status_code == 302


def test_the_sign_in_of_the_admin_pages_is_no_way_around(
    client: Client, bob: User, settings: Any
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        client.post("/admin/login/", {"username": "bob", "password": "wrong"})
    locked = client.post("/admin/login/", {"username": "bob", "password": PASSWORD})
    assert locked.status_code == 429
    assert "_auth_user_id" not in client.session


def test_a_success_begins_the_count_again(alice: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    passwords = ("wrong", "wrong", PASSWORD, "wrong", "wrong", PASSWORD)
    answers = [sign_in(Client(), "alice", password).status_code for password in passwords]
    assert answers == [200, 200, 302, 200, 200, 302]


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.7, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "10.0.0.2", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_an_address_is_believed_as_far_as_our_own_proxies_saw_it(
    settings: Any, count: int, forwarded: str, address: str
) -> None:
    settings.PROXY_COUNT = count
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.1")
    assert client_address(request) == address


def test_an_address_that_tries_many_names_is_locked(alice: User, settings: Any) -> None:
    settings.SIGN_IN_ADDRESS_LIMIT = 5
    for number in range(5):
        assert sign_in(Client(), f"name{number}", "wrong").status_code == 200
    assert sign_in(Client(), "alice", PASSWORD).status_code == 429
    assert sign_in(Client(), "alice", PASSWORD, address="192.0.2.2").status_code == 302


def test_a_name_that_is_tried_from_many_addresses_is_slowed_down_and_never_locked(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    slept: list[float] = []
    monkeypatch.setattr("promo_site.sign_in.time.sleep", slept.append)
    for number in range(8):
        sign_in(Client(), "alice", "wrong", address=f"192.0.2.{number}")
    assert slept == [0.25, 0.5, 1, 2, 2]
    slept.clear()
    assert sign_in(Client(), "Alice ".strip().lower(), PASSWORD, "192.0.2.99").status_code == 302
    assert slept == [2]
    assert sign_in(Client(), "alice", PASSWORD, "192.0.2.98").status_code == 302


def test_an_address_is_not_made_up(alice: User, settings: Any) -> None:
    """A client that writes its own X-Forwarded-For is not another one each time."""
    settings.SIGN_IN_ADDRESS_LIMIT = 3
    for number in range(4):
        last = Client(headers={"X-Forwarded-For": f"203.0.113.{number}"}).post(
            "/accounts/login/", {"username": f"name{number}", "password": "wrong"}
        )
    assert last.status_code == 429
