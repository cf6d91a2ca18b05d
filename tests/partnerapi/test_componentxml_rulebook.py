"""The rule book, the parses of a component's way, and the rules of a team's own."""

from pathlib import Path
from typing import Any
from xml.parsers import expat

import pytest

from partnerapi import componentxml
from partnerapi.componentxml import Document, Override, Overrides
from partnerapi.componentxml import document as documents
from partnerapi.componentxml.rulebook import table
from tests.partnerapi import in_bytes
from tests.partnerapi.component_samples import component

DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0003-what-is-stripped.md"


def test_the_decision_holds_the_table_that_the_code_makes() -> None:
    assert table() in DECISION.read_text()


def test_each_document_is_parsed_once_when_it_arrives_and_once_when_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed = []

    def counted(**options: Any) -> object:
        parsed.append(options)
        return expat.ParserCreate(**options)

    class Counting:
        ExpatError, ErrorString, ParserCreate = expat.ExpatError, expat.ErrorString, counted

    monkeypatch.setattr(documents, "expat", Counting)
    body = '<field id="clientSecret" value="{}"/><script>def a = {}</script>'
    dev = Document.parse(component(body.format("one", 1)))
    production = Document.parse(component(body.format("two", 2)))
    assert len(parsed) == 2
    stripped = componentxml.strip(dev, production=production)
    planned = componentxml.rewrite(stripped.document, {}).document
    assert componentxml.digest(planned) != componentxml.digest(componentxml.mask(production))
    assert componentxml.pretty_lines(componentxml.hide(planned))
    assert len(parsed) == 2
    filled = componentxml.fill(planned, production=production, ids={})
    sent = componentxml.set_envelope(filled, component_id=None).to_bytes()
    assert len(parsed) <= 3
    assert b'value="two"' in sent
    assert b"def a = 1" in sent


def test_headers_are_told_apart_by_name_and_not_by_row() -> None:
    row = '<header key="1000000" headerName="{}" headerValue="{}" isVariable="false"/>'
    dev = component(row.format("Accept", "text/xml") + row.format("Authorization", "Bearer dev"))
    production = component(row.format("Authorization", "Bearer prod"))
    stripped = in_bytes.strip(dev, production=production)
    filled = in_bytes.fill(stripped.xml, production=production, ids={})
    assert b'headerName="Accept" headerValue="text/xml"' in filled
    assert b'headerName="Authorization" headerValue="Bearer prod"' in filled


def test_a_kept_value_that_hides_a_change_is_told() -> None:
    body = '<HttpSettings url="https://{}.example.org"/>'
    stripped = in_bytes.strip(component(body.format("d")), production=component(body.format("p")))
    assert [place.hides_change for place in stripped.places] == [True]
    same = in_bytes.strip(component(body.format("p")), production=component(body.format("p")))
    assert [place.hides_change for place in same.places] == [False]


def test_a_team_leaves_and_empties_by_path_and_by_name() -> None:
    data = component(
        '<field id="base_url" value="https://a.example.org"/><field id="pw" type="password" value="x"/>'
    )
    leave = Overrides([Override("leave", name="BASE_URL"), Override("leave", path="/**")])
    left = in_bytes.strip(data, overrides=leave)
    assert b"https://a.example.org" in left.xml
    assert {place.outcome for place in left.places} == {"left", "emptied"}
    assert b'value="x"' not in left.xml
    empty = Overrides([Override("empty", path="/object/shape/@note")])
    assert b'note=""' in in_bytes.strip(component('<shape note="n"/>'), overrides=empty).xml


def test_a_digest_carries_the_version_of_its_rules() -> None:
    document = Document.parse(component("<x/>"))
    plain = componentxml.digest(document)
    team = componentxml.digest(document, Overrides([Override("empty", name="a")]))
    assert componentxml.rules_of(plain) == componentxml.rules_version()
    assert componentxml.rules_of(team) != componentxml.rules_of(plain)
