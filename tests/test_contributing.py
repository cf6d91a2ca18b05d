"""CONTRIBUTING.md names files: each of them exists, so that a recipe leads somewhere."""

from __future__ import annotations

import re

import pytest

from tests.services import PROJECT

TEXT = (PROJECT / "CONTRIBUTING.md").read_text()
# `a/path.py`, `a/folder/`, `name.py` of a folder that was named before, and links.
NAMED = re.findall(r"`([\w./*-]+(?:\.(?:py|in|css|html|example)|/))`|\]\(([\w./-]+)\)", TEXT)


@pytest.mark.parametrize("name", sorted({first or second for first, second in NAMED}))
def test_what_it_names_is_there(name: str) -> None:
    # What was made by tools has such names too.
    left_out = {".venv", "var", "staticfiles"}
    pattern = name.rstrip("/") if "/" in name.rstrip("/") else f"**/{name.rstrip('/')}"
    found = [
        path for path in PROJECT.glob(pattern) if path.relative_to(PROJECT).parts[0] not in left_out
    ]
    assert found


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z]+)", TEXT))))
def test_what_it_says_to_make_can_be_made(target: str) -> None:
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)
