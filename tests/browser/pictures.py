"""The pictures of the README, taken by the tests that show what they show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def picture(page: Page, name: str) -> None:
    """Take a picture where ``make pictures`` asks for it: PICTURES is the folder that it goes to."""
    if folder := os.environ.get("PICTURES"):
        page.set_viewport_size({"width": 1360, "height": 900})
        # Hiding the caret would put a style into the page, which its policy forbids.
        page.screenshot(path=Path(folder) / f"{name}.png", caret="initial")
