"""Small documents in the shapes of the field, with what becomes of each of their values in a table beside them."""

from pathlib import Path

import pytest

from partnerapi import componentxml
from partnerapi.componentxml import Document
from partnerapi.componentxml.document import decode, values
from partnerapi.componentxml.paths import Places

CORPUS = Path(__file__).parent / "corpus"
Verdicts = dict[str, tuple[str, str]]  # path -> verdict, rule


def table() -> dict[str, Verdicts]:
    """The verdicts by file."""
    found: dict[str, Verdicts] = {file.stem: {} for file in sorted(CORPUS.glob("*.xml"))}
    for line in (CORPUS / "verdicts.txt").read_text().splitlines():
        if not line.startswith("#"):
            file, verdict, rule, path = line.split(maxsplit=3)
            found[file][path] = verdict, rule.strip("-")
    return found


def said(document: Document) -> dict[str, str]:
    """Every value by its path."""
    places = Places(document)
    return {
        places.path(value.element, value.slot): decode(document, value)
        for value in values(document)
    }


TABLE = table()


@pytest.mark.parametrize("file", TABLE)
def test_each_value_has_the_verdict_of_the_table(file: str) -> None:
    document = Document.parse((CORPUS / f"{file}.xml").read_bytes())
    stripped = componentxml.strip(document, key=b"k")
    found: Verdicts = {place.path: (place.outcome, place.rule) for place in stripped.places}
    found |= {finding.path: ("blocked", finding.rule) for finding in stripped.findings}
    wanted = {path: verdict for path, verdict in TABLE[file].items() if verdict[0] != "kept"}
    assert found == wanted
    before, after = said(document), said(stripped.document)
    for path, (verdict, _) in TABLE[file].items():
        assert before[path]
        if verdict == "emptied":
            assert not after.get(path)
        else:
            assert after[path] == before[path]


@pytest.mark.parametrize("file", TABLE)
def test_production_keeps_its_own_and_nothing_is_left_of_the_dev_account(file: str) -> None:
    """The same document with other values in production: written is production's, place by place."""
    data = (CORPUS / f"{file}.xml").read_bytes()
    dev = Document.parse(data)
    production = Document.parse(
        data.replace(b"reed", b"pond").replace(b"lake", b"pool").replace(b"4711", b"1174")
    )
    planned = componentxml.strip(dev, production=production, key=b"k")
    assert [place for place in planned.places if place.outcome == "emptied"] == []
    filled = componentxml.fill(planned.document, production=production, ids={})
    mine, theirs, written = said(dev), said(production), said(filled)
    for place in planned.places:
        if place.outcome == "kept":
            assert written[place.path] == theirs[place.path]
            assert place.hides_change == (mine[place.path] != theirs[place.path])
        if place.outcome == "left":
            assert written[place.path] == mine[place.path]
    handled = {place.path for place in planned.places}
    assert {path: value for path, value in written.items() if path not in handled} == {
        path: value for path, value in mine.items() if path not in handled
    }


def test_the_table_names_every_file() -> None:
    named = {file for file, verdicts in TABLE.items() if verdicts}
    silent = {file.stem for file in CORPUS.glob("*.xml")} - named
    assert silent == {"certificate-public"}
