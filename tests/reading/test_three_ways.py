"""A change by hand beside what a promotion would make of it: stays, changed again, taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from promotions.reading import read
from promotions.reading.three_ways import ThreeWays, three_ways
from tests.reading.samples import (
    changed,
    changed_process,
    element,
    map_of,
    mapping,
    process,
    profile,
    small,
)
from tests.reading.test_nothing_is_left_out import DOCUMENTS, places, with_changes


def of(promoted: bytes, now: bytes, incoming: bytes) -> list[ThreeWays]:
    return three_ways(read(promoted, now, {}), read(promoted, incoming, {}))


def fates(rows: list[ThreeWays]) -> dict[str, str]:
    return {f"{row.title} {row.label}".strip(): row.fate for row in rows}


def test_each_value_that_was_changed_by_hand() -> None:
    promoted = map_of([mapping("id", "number", 3), mapping("total", "amount", 4)])
    now = changed(promoted, "Order/total", "Order/gross")
    [row] = of(promoted, now, promoted)
    assert (row.title, row.label) == ("Invoice/amount", "source")
    assert (row.promoted, row.now, row.incoming) == ("Order/total", "Order/gross", "Order/total")
    assert row.fate == "taken back"
    [row] = of(promoted, now, changed(now, "Order/gross", "Order/net"))
    assert (row.incoming, row.fate) == ("Order/net", "changed again")
    # The promotion changes something else: what was changed by hand is in the dev account as well.
    [row] = of(promoted, now, changed(now, "Order/id", "Order/key"))
    assert (row.incoming, row.fate) == ("Order/gross", "stays")


def test_what_came_and_went_by_hand() -> None:
    promoted = profile(element("id", 2) + element("zip", 4))
    now = profile(element("id", 2) + element("country", 5))
    by_hand = fates(of(promoted, now, promoted))
    assert by_hand == {"Order/zip": "taken back", "Order/country": "taken back"}
    rows = of(promoted, now, now)
    assert [(row.promoted, row.now, row.incoming) for row in rows] == [
        ("there", "not there", "not there"),
        ("not there", "there", "there"),
    ]
    assert {row.fate for row in rows} == {"stays"}
    # What was changed by hand goes with its element.
    retyped = profile(element("id", 2, "number") + element("zip", 4))
    [gone] = of(promoted, retyped, profile(element("zip", 4)))
    assert (gone.now, gone.incoming, gone.fate) == ("there", "not there", "changed again")


def test_a_part_that_goes_by_another_name_is_found() -> None:
    """A message without a label is called by its text."""
    boxes = small()
    first = process([*boxes[:2], replace(boxes[2], label=""), *boxes[3:]])
    now = changed(first, "Received {1}", "Received {1}, hot fix")
    [row] = of(first, now, changed(first, "Received {1}", "Got {1}"))
    assert (row.promoted, row.now, row.incoming) == (
        "Received {1}",
        "Received {1}, hot fix",
        "Got {1}",
    )
    assert row.fate == "changed again"
    [row] = of(first, now, first)
    assert (row.incoming, row.fate) == ("Received {1}", "taken back")


def test_a_long_text_leads_to_its_lines() -> None:
    old, new = changed_process()
    text = next(row for row in of(old, new, old) if row.label == "text")
    assert (text.is_long, text.fate, text.now) == (True, "taken back", None)
    assert fates(of(old, new, new))["Ack text"] == "stays"
    assert fates(of(old, new, changed(new, "Thank you", "Thanks")))["Ack text"] == "changed again"


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_that_is_taken_back_is_said_to_stay(name: str, data: st.DataObject) -> None:
    """The one mistake that would mislead a reviewer, over all types of components."""
    promoted = DOCUMENTS[name]
    everywhere = places(etree.fromstring(promoted))
    chosen = data.draw(st.lists(st.sampled_from(everywhere), min_size=1, max_size=4, unique=True))
    now = with_changes(promoted, chosen)
    assert {row.fate for row in of(promoted, now, promoted)} <= {"taken back"}
    assert {row.fate for row in of(promoted, now, now)} <= {"stays"}
