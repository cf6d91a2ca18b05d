"""The list of premises and its table in the documents."""

from __future__ import annotations

from pathlib import Path

from promotions.plan.premises import PREMISES, Moment, Source, as_table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "premises.md"


def test_the_document_shows_what_is_asked_when() -> None:
    assert as_table() in DOCUMENT.read_text()


def test_pages_ask_only_the_database() -> None:
    for premise in PREMISES:
        if premise.source is Source.PLATFORM:
            assert not premise.moments & {Moment.SUBMISSION, Moment.APPROVAL}, premise.name
        else:
            assert premise.moments >= set(Moment) - {Moment.PLAN}, premise.name
