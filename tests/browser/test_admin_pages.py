"""axe on Django's admin pages that people use, and on the pages that tell of an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from promotions import models
from promotions.setup.roles import set_up_roles
from tests.browser.test_accessibility import LOOKS, faults, sign_in
from tests.promotions import factories
from tests.promotions.test_admin import EDITED, RECORDS, mapping
from tests.promotions.test_admin import page as admin_page

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Route

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ERRORS = ["400.html", "403_csrf.html", "500.html", "registration/locked.html"]


def addresses(alice: User) -> list[str]:
    """Lists, forms and what is done with many mappings at once."""
    sales = factories.account()
    factories.promotion(factories.plan(sales, alice), alice)
    known = mapping(sales)
    factories.pack()
    found = [reverse("admin:index")]
    for model in [*EDITED, *RECORDS]:
        row = model._default_manager.first()
        assert row is not None
        found += [admin_page(model, "changelist"), admin_page(model, "change", row.pk)]
    for model in EDITED:
        found.append(admin_page(model, "add"))
    found += [
        admin_page(models.ComponentMapping, "changelist") + "?q=nothing-like-it",
        admin_page(models.ComponentMapping, "delete", known.pk),
        admin_page(models.ComponentMapping, "history", known.pk),
        admin_page(models.ComponentMapping, "import"),
        admin_page(models.ComponentMapping, "export"),
        reverse("admin:password_change"),
    ]
    return found


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_the_admin_pages_are_accessible(
    browser: Browser,
    web_server: str,
    alice: User,
    bob: User,
    scheme: Any,
    width: int,
    height: int,
) -> None:
    set_up_roles()
    page = browser.new_page(
        base_url=web_server, color_scheme=scheme, viewport={"width": width, "height": height}
    )
    found = {}
    sign_in(page, web_server, bob)
    for path in addresses(alice):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        # Django's own table of inline rows has two columns without a heading.
        if lines := faults(page, but_for="empty-table-header"):
            found[path] = lines
    page.close()
    assert not found, found


def answer_with(body: str) -> Callable[[Route], None]:
    """What the server would send; the styles still come from there."""
    return lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8")


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_the_pages_of_errors_are_accessible(
    browser: Browser, web_server: str, scheme: Any, width: int, height: int
) -> None:
    page = browser.new_page(
        base_url=web_server, color_scheme=scheme, viewport={"width": width, "height": height}
    )
    found = {}
    for name in ERRORS:
        page.route(f"**/{name}", answer_with(render_to_string(name)))
        page.goto(f"/{name}")
        assert page.evaluate("document.styleSheets.length") > 0
        if lines := faults(page):
            found[name] = lines
    page.close()
    assert not found, found
