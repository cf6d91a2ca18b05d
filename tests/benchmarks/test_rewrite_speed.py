"""Ids are rewritten in one pass: it does not matter how many mappings are known."""

from __future__ import annotations

import random
import uuid

from partnerapi import componentxml
from partnerapi.componentxml import Document
from tests.benchmarks.componentxml import best
from tests.partnerapi.component_samples import component

MAPPINGS = 5_000
USED = 200
SIZE = 1_000_000


def mappings(count: int) -> dict[str, str]:
    numbers = random.Random(count)
    ids = [str(uuid.UUID(int=numbers.getrandbits(128))) for _ in range(2 * count)]
    return dict(zip(ids[:count], ids[count:], strict=True))


def process(used: list[str]) -> bytes:
    """A process of a megabyte that calls these components."""
    calls = "".join(
        f'<shape name="shape{number}" shapetype="processcall"><configuration>'
        f'<processcall abort="true" processId="{used_id}" wait="true"/></configuration></shape>'
        for number, used_id in enumerate(used)
    )
    note = f"<note>{'A long note in which no id stands. ' * 20}</note>"
    notes = note * ((SIZE - len(calls)) // len(note) + 1)
    return component(f'<process xmlns="">{calls}{notes}</process>', type="process")


def one_after_the_other(data: bytes, ids: dict[str, str]) -> bytes:
    for old, new in ids.items():
        data = data.replace(old.encode(), new.encode())
    return data


def test_five_thousand_mappings_are_rewritten_in_one_pass() -> None:
    ids = mappings(MAPPINGS)
    data = process(list(ids)[:USED])
    document = Document.parse(data)
    assert len(data) > SIZE
    assert componentxml.rewrite(document, ids).document.to_bytes() == one_after_the_other(data, ids)
    naive = best(lambda: one_after_the_other(data, ids), runs=2)
    assert best(lambda: componentxml.rewrite(document, ids), runs=7) * 20 < naive


def test_more_known_mappings_cost_next_to_nothing() -> None:
    ids = mappings(MAPPINGS)
    used = list(ids)[:USED]
    document = Document.parse(process(used))
    few = best(lambda: componentxml.rewrite(document, {key: ids[key] for key in used}))
    # Twenty-five times as many; what is left is reading the mappings themselves.
    assert best(lambda: componentxml.rewrite(document, ids)) < 3 * few
