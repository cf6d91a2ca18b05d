"""Answers are read in every shape that they come in, and nothing in them is opened."""

import pytest

from partnerapi import wire
from partnerapi.wire import Condition, Unreadable


@pytest.mark.parametrize(
    "body",
    [
        b'<b:Branch xmlns:b="u" id="x" ready="true"/>',
        b"<Branch><id>x</id><ready>true</ready></Branch>",
        b'<b:Branch xmlns:b="u"><b:id>x</b:id><b:ready> true </b:ready></b:Branch>',
        b'{"id": "x", "ready": true}',
        b'{"@type": "Branch", "id": "x", "ready": "true"}',
        b'\xef\xbb\xbf{"id": "x", "ready": "TRUE"}',
        b'\xef\xbb\xbf\n<Branch id="x" ready="true"/>',
        '<?xml version="1.0" encoding="UTF-16"?><Branch id="x" ready="true"/>'.encode("utf-16"),
    ],
)
def test_one_object_in_many_shapes(body: bytes) -> None:
    fields = wire.read(body)
    assert wire.text(fields, "id") == "x"
    assert wire.flag(fields, "ready") is True


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"<html><body></body></html>", "HTML"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "document type"),
        ('<!DOCTYPE a SYSTEM "http://x/">\n<a/>'.encode("utf-16-le"), "document type|broken|nor"),
        (b"<a>", "broken XML"),
        (b"<a>\xff</a>", "broken XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "broken XML"),
        (b"<a>" * 5000, "broken XML"),
        (b'{"a": ', "broken JSON"),
        (b'{"a": "\xff"}', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"[]", "without an object"),
        (b'"text"', "without an object"),
        (b"words", "neither"),
        (b"\x1f\x8b\x08", "neither"),
        (b"{" + b" " * wire.MAX_ANSWER_BYTES, "larger"),
    ],
)
def test_what_cannot_be_read(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        wire.read(body)


def test_no_file_is_opened() -> None:
    body = (
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude">'
        b'<xi:include href="file:///etc/passwd" parse="text"/></a>'
    )
    assert "root:" not in str(wire.read(body))


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (None, 0),
        ("", 0),
        ([], 0),
        ({"x": 1}, 1),
        ([{"x": 1}, {"x": 2}], 2),
        ([[{"x": 1}]], 1),
    ],
)
def test_none_one_or_many(found: object, count: int) -> None:
    assert len(wire.many({"rows": found}, "rows")) == count


@pytest.mark.parametrize(
    "found", [{"row": {"x": 1}}, {"row": [{"x": 1}]}, [{"row": {"x": 1}}], [{"x": 1}]]
)
def test_many_inside_a_wrapper(found: object) -> None:
    assert wire.many({"rows": found}, "rows", inside="row") == [{"x": 1}]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        ("3", 3),
        ("3.0", 3),
        (3.0, 3),
        (" 3 ", 3),
        ("3.5", None),
        ("", None),
        (None, None),
        ("v3", None),
        ("٣", None),
    ],
)
def test_numbers(value: object, number: int | None) -> None:
    assert wire.integer({"n": value}, "n") == number


def test_moments() -> None:
    for said in ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05"):
        found = wire.moment({"d": said}, "d")
        assert found is not None
        assert found.isoformat() == "2026-01-02T03:04:05+00:00"
    assert wire.moment({"d": "yesterday"}, "d") is None
    assert wire.moment({}, "d") is None


def test_a_wrapper_is_taken_off_only_if_it_is_one() -> None:
    inside = {"id": "x"}
    assert wire.unwrap({"@type": "t", "Branch": inside}, "Branch") == inside
    both = {"Branch": inside, "id": "y"}
    assert wire.unwrap(both, "Branch") == both
    assert wire.unwrap({"Other": inside}, "Branch") == {"Other": inside}


def test_a_page() -> None:
    rows, token = wire.read_page(
        b'<b:QueryResult xmlns:b="u" numberOfResults="1"><b:queryToken>t/+=</b:queryToken>'
        b'<b:result id="1"/></b:QueryResult>'
    )
    assert (rows, token) == ([{"id": "1"}], "t/+=")
    assert wire.read_page(b'{"@type": "QueryResult", "numberOfResults": 0}') == ([], "")
    with pytest.raises(Unreadable, match="result of a query"):
        wire.read_page(b'{"id": "x"}')


def test_what_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="XML"):
        wire.xml_query([Condition("name", "a\x00b")], wrapped=True)


@pytest.mark.parametrize("wrapped", [True, False])
def test_queries_keep_awkward_values(wrapped: bool) -> None:
    from lxml import etree

    value = "a & b <c> \"d\" 'e' ~/ 🚀 é"
    root = etree.fromstring(wire.xml_query([Condition("name", value)], wrapped=wrapped))
    assert [str(element.text) for element in root.iter("{*}argument")] == [value]
    assert etree.QName(root).localname == ("QueryConfig" if wrapped else "QueryFilter")
    assert value.encode() in wire.json_query([Condition("name", value)]).replace(b"\\", b"")
