"""The pages that nobody wants to see, and what every page promises to a browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse


def test_the_sign_in_page_has_the_product_look(client: Client, db: None) -> None:
    shown = client.get(reverse("login")).content.decode()
    assert "Promotion Desk" in shown
    assert 'autocomplete="current-password"' in shown


def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(
    client: Client, alice: User
) -> None:
    form = {"username": "alice", "password": "wrong"}
    shown = client.post(reverse("login"), form).content.decode()
    assert "The name and the password do not match." in shown


def test_an_unknown_address_is_told(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_a_stale_page_is_told(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    response = strict.post(reverse("make_plan"))
    assert response.status_code == 403
    assert "This page was out of date" in response.content.decode()


@pytest.mark.parametrize("name", ["400.html", "500.html", "registration/locked.html"])
def test_error_pages_need_no_request(name: str) -> None:
    assert "Promotion Desk" in render_to_string(name)


def test_pages_carry_no_inline_script_or_style(client: Client, bob: User) -> None:
    client.force_login(bob)
    for name in ("home", "my_promotions", "new_promotion", "review_queue"):
        response: Any = client.get(reverse(name))
        shown = response.content.decode()
        assert "<style" not in shown
        assert " style=" not in shown
        assert " onclick=" not in shown
        assert shown.count("<script") == shown.count("<script src=")
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert "no-store" in response["Cache-Control"]
