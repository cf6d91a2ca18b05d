"""A page as the tests of pages read it: signed in as somebody, and what a person would see."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from lxml import html

# A request that htmx makes, for a part of a page.
HTMX: Any = {"HTTP_HX_REQUEST": "true"}


def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def document(response: Any) -> Any:
    """The page or fragment that was answered."""
    return html.fromstring(response.content.decode())


def text(response: Any) -> str:
    """What a person reads or hears of it, with single spaces."""
    return " ".join(document(response).text_content().split())


def is_fragment(response: Any) -> bool:
    """Whether it is a part of a page, to be put into one."""
    return "<html" not in response.content.decode()


def links(response: Any) -> set[str]:
    """Where its links and forms lead."""
    return {str(address) for address in document(response).xpath("//a/@href | //form/@action")}


def fields(response: Any, name: str) -> list[str]:
    """The values of its fields of this name."""
    return [str(field.value) for field in document(response).xpath(f"//*[@name='{name}']")]


def focused(response: Any) -> list[str]:
    """The names of the fields that the cursor is led to."""
    return [str(name) for name in document(response).xpath("//*[@autofocus]/@name")]


def polls(response: Any) -> str | None:
    """The address that the page asks by itself, again and again; None when it is at rest."""
    found = document(response).xpath("//*[starts-with(@hx-trigger, 'every')]/@hx-get")
    return str(found[0]) if found else None


def reloads(response: Any) -> bool:
    """Whether the page asks for itself again where there is no script."""
    return bool(document(response).xpath("//noscript//meta[@http-equiv='refresh']"))
