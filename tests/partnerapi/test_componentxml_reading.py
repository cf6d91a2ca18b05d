"""The quick ways through a document find what a slow and certain one finds, whatever the document looks like."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from partnerapi import componentxml
from partnerapi.componentxml import Document, candidates, suspects
from partnerapi.componentxml import document as documents
from tests.partnerapi import odd_xml
from tests.partnerapi.component_samples import component, samples
from tests.partnerapi.field_shapes import pairs

many = settings(max_examples=200, deadline=None)
anything = st.one_of(
    odd_xml.documents(), samples().map(lambda one: one.xml), pairs().map(lambda one: one.dev)
)


def tree(data: bytes) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Names, attributes and texts as lxml reads them."""
    parser = etree.XMLParser(remove_comments=False, resolve_entities=False)
    root = etree.fromstring(data, parser)
    return [
        (
            etree.QName(one).localname,
            [(etree.QName(name).localname, str(value)) for name, value in one.attrib.items()],
            _own_text(one),
        )
        for one in root.iter()
        if isinstance(one.tag, str)
    ]


def _own_text(element: etree._Element) -> str:
    texts = [element.text or "", *(child.tail or "" for child in element)]
    return "".join(texts).strip()


@many
@given(anything)
def test_a_document_says_what_it_says_to_lxml(data: bytes) -> None:
    document = Document.parse(data)
    mine = [
        (
            one.name,
            [
                (name.rpartition(":")[2], value)
                for name, value in document.said(one)
                if not documents.declares_namespace(name)
            ],
            document.text(one).strip(),
        )
        for one in document.elements
    ]
    assert mine == tree(data)


@many
@given(anything)
def test_the_pieces_of_a_document_are_its_bytes(data: bytes) -> None:
    document = Document.parse(data)
    pieces = [*document.gaps]
    for at, tag in enumerate(document.tags):
        pieces[at] += tag
    assert b"".join(pieces) == data
    values = [value for said in document.said_by_tags if said for value in said.split(b"\0")]
    starts = [one for one in document.elements if one.shape.names]
    assert values == [value for one in starts for value in one.shape.values(one.tag)]


@many
@given(anything)
def test_no_place_is_missed_by_looking_at_columns(data: bytes) -> None:
    quick = componentxml.strip(Document.parse(data), key=b"k")
    everything = lambda document: set(range(len(document.tag_of)))  # noqa: E731
    with mock.patch.object(candidates, "announced", everything):
        slow = componentxml.strip(Document.parse(data), key=b"k")
    assert quick.places == slow.places
    assert quick.document.to_bytes() == slow.document.to_bytes()


@many
@given(anything)
def test_no_secret_is_missed_by_looking_at_everything_at_once(data: bytes) -> None:
    quick = componentxml.strip(Document.parse(data), key=b"k").findings

    def every_value(said: bytes, *_: object, **__: object) -> list[int]:
        return list(range(said.count(b"\0") + 1)) if said else []

    class Everything(set[bytes]):
        def __contains__(self, _: object) -> bool:
            return True

    def looked_at() -> suspects._LookedAt:
        made = real()
        made.held = Everything()
        return made

    real = suspects._LookedAt
    with (
        mock.patch.object(suspects, "_doubtful", every_value),
        mock.patch.object(suspects, "_LookedAt", looked_at),
    ):
        slow = componentxml.strip(Document.parse(data), key=b"k").findings
    assert quick == slow


@many
@given(anything)
def test_the_form_does_not_depend_on_how_a_document_is_written(data: bytes) -> None:
    root = etree.fromstring(data, etree.XMLParser(remove_comments=True, strip_cdata=True))
    again = etree.tostring(root, encoding="UTF-8")
    assert componentxml.digest(Document.parse(data)) == componentxml.digest(Document.parse(again))


@many
@given(anything)
def test_a_changed_document_is_what_its_bytes_are(data: bytes) -> None:
    """What an edited document hands on is what reading its bytes anew gives."""
    edited = componentxml.strip(Document.parse(data), key=b"k").document
    anew = Document.parse(edited.to_bytes())
    assert (edited.tags, edited.gaps, edited.marks) == (anew.tags, anew.gaps, anew.marks)
    assert [one.names for one in edited.shapes] == [one.names for one in anew.shapes]
    assert edited.said_by_tags == anew.said_by_tags
    assert componentxml.pretty_lines(edited) == componentxml.pretty_lines(anew)
    assert componentxml.digest(edited) == componentxml.digest(anew)


@pytest.mark.parametrize(
    "value", [b"a<b", b'a" b="c', b"a&b", b"a&nope;", b"a\x01", b"a&#0;", b"\xff"]
)
def test_a_splice_that_is_no_value_is_read_before_it_is_sent(value: bytes) -> None:
    document = Document.parse(component('<x a="v" b="w"/>'))
    place = document.attribute(document.elements[-1], "a")
    assert place is not None
    edited = document.edited([documents.Edit(place.start, place.end, value)])
    with pytest.raises(componentxml.ComponentXmlError):
        componentxml.fill(edited, production=None, ids={})


def test_a_splice_that_is_a_value_is_not_read_again() -> None:
    document = Document.parse(component('<x a="v"/>'))
    place = document.attribute(document.elements[-1], "a")
    assert place is not None
    edited = document.edited([documents.Edit(place.start, place.end, b"ok &amp; well &#10;")])
    assert edited.is_proved


def numbered(count: int) -> Iterator[str]:
    for number in range(count):
        yield f'<field id="f{number}" type="string" value="v{number}"/>'


def test_a_document_of_many_pieces_is_cut_in_the_same_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = component(
        "<x>" + "".join(numbered(50)) + '<field id="url" value="https://lake.example.org"/></x>'
    )
    whole = componentxml.strip(Document.parse(data), key=b"k")
    lines = componentxml.pretty_lines(Document.parse(data))
    for module in ("document", "suspects", "normalise"):
        monkeypatch.setattr(f"partnerapi.componentxml.{module}.TOGETHER", 4, raising=False)
    again = componentxml.strip(Document.parse(data), key=b"k")
    assert again.places == whole.places
    assert again.document.to_bytes() == whole.document.to_bytes()
    assert componentxml.pretty_lines(Document.parse(data)) == lines
