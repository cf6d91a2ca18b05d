"""What is written down about the wire is what the code has."""

import re
from pathlib import Path

from partnerapi import errors
from partnerapi.operations import SUPPORTING

DOCS = Path(__file__).parents[2] / "docs"


def test_every_code_is_explained() -> None:
    codes = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.PartnerApiError)
    }
    table = re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "guide-dialect.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(codes)


def test_every_supporting_call_is_listed() -> None:
    listed = re.findall(
        r"^- `([^`]+)`: `(\w+) ([^`]+)`(, may name a dev account)?$",
        (DOCS / "published-dialect.md").read_text(),
        re.MULTILINE,
    )
    assert listed == [
        (call.name, call.method, call.path, ", may name a dev account" * call.overrides_account)
        for call in SUPPORTING.values()
    ]
