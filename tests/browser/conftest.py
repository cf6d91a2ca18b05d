"""The browser and its pages."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import services

PATIENCE_MS = 30_000  # how long a page may take on a busy machine

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of this folder; it ends with them, for what it leaves in its thread others cannot use."""
    executable = services.chromium_executable()
    # Playwright runs an event loop in this thread, and Django would refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=executable, args=services.CHROMIUM_ARGUMENTS
        )
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, web_server: str) -> Iterator[Page]:
    """A fresh browser page; a fault in the console or in a script fails the test."""
    context = browser.new_context(base_url=web_server)
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    faults: list[str] = []
    opened.on(
        "console",
        lambda message: (
            faults.append(f"{message.text} {message.location}") if message.type == "error" else None
        ),
    )
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert not faults, faults
