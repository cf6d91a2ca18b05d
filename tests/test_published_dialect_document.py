"""The table of the published dialect's rules names tests and places that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/published-dialect.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| rule")
]
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", path.read_text())
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0][:40])
def test_a_rule_has_its_place_and_its_test(row: list[str]) -> None:
    rule, where, tests = row
    named = re.findall(r"`(test_\w+)`", tests)
    assert named or where.startswith("not used"), rule
    assert set(named) <= TESTS
    for path in re.findall(r"`(\w+(?:/\w+)*\.(?:py|html))`", where):
        assert any((ROOT / base / path).is_file() for base in ("", "partnerapi", "promotions")), (
            path
        )
