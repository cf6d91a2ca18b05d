"""Reading small answers and building queries, whichever of XML and JSON they come in.

An answer becomes one plain shape, :data:`Fields`: XML attributes and child elements are merged by
their local name, so that ``<Branch id="x"/>``, ``<Branch><id>x</id></Branch>`` and
``{"id": "x"}`` read the same. The published API uses all three (its ComponentMetadata example has
child elements where its schema says attributes), gives ``true`` and ``"true"``, one object where
a list of one is meant, and wraps some objects in their own name.

Component XML is not read here: it is large, and its bytes matter.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from lxml import etree

Fields = dict[str, Any]

#: A page of 100 results is a few hundred kilobytes.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_MESSAGE = 500

NAMESPACE = "http://api.platform.boomi.com/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_TYPE = f"{{{_XSI}}}type"

TYPE = "@type"
TEXT = "#text"


class Unreadable(ValueError):
    """An answer is not what was asked for; the message says how, as half a sentence."""


# -- reading -----------------------------------------------------------------


def read(body: bytes) -> Fields:
    """Read an XML or JSON answer.

    :raises Unreadable: empty, HTML, broken, too large, with a DTD, or not an object.
    """
    if len(body) > MAX_ANSWER_BYTES:
        raise Unreadable("is larger than any answer of this call can be")
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        raise Unreadable("is empty")
    return _read_json(body) if start in b'{["' else _read_xml(body)


def _read_json(body: bytes) -> Fields:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("is broken JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("is JSON without an object")
    return value


def _parser() -> etree.XMLParser:
    """A parser that opens nothing: no DTD, no entities, no network, bounded depth and size."""
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _read_xml(body: bytes) -> Fields:
    # Boomi never sends a DTD, and without one there are no entities to expand. Zero bytes are
    # dropped so that UTF-16 hides nothing.
    if re.search(rb"<!doctype|<html[\s>]", body[:100_000].replace(b"\0", b""), re.IGNORECASE):
        raise Unreadable("is an HTML page or has a document type")
    if not body.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        raise Unreadable("is neither XML nor JSON")
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("is broken XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("has a document type")
    return {TYPE: etree.QName(root).localname} | _element(root)


def _element(element: etree._Element) -> Fields:
    fields: Fields = {}
    for attribute, content in element.attrib.items():
        if attribute == _XSI_TYPE:
            fields[TYPE] = str(content).rpartition(":")[2]
        else:
            fields[etree.QName(attribute).localname] = content
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child).localname
        inside = _element(child)
        value: Any = inside if inside.keys() - {TEXT} else inside.get(TEXT, "")
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    own = (element.text or "") if not len(element) else ""
    if own.strip():
        fields[TEXT] = own
    return fields


def unwrap(fields: Fields, *names: str) -> Fields:
    """The object inside a wrapper that has its name, or the object itself."""
    inner = [name for name in fields if not name.startswith(("@", "#"))]
    if len(inner) == 1 and inner[0] in names and isinstance(fields[inner[0]], dict):
        inside: Fields = fields[inner[0]]
        return inside
    return fields


def many(fields: Fields, name: str, *, inside: str | None = None) -> list[Fields]:
    """The objects under a name, be it one, a list, wrapped under ``inside``, or none."""
    found = fields.get(name)
    if inside is not None:
        if isinstance(found, dict):
            found = found.get(inside)
        elif isinstance(found, list):
            found = [
                item.get(inside) if isinstance(item, dict) and inside in item else item
                for item in found
            ]
    return list(_objects(found))


def _objects(found: object) -> Iterable[Fields]:
    if isinstance(found, dict):
        yield found
    elif isinstance(found, list):
        for item in found:
            yield from _objects(item)


def text(fields: Fields, *names: str) -> str:
    """The first of these fields that has a value, as text; empty if none has."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get(TEXT)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float) and value != "":
            return str(value)
    return ""


def required(fields: Fields, *names: str) -> str:
    """Like :func:`text`.

    :raises Unreadable: none of the fields has a value.
    """
    found = text(fields, *names)
    if not found:
        raise Unreadable(f"has no {names[0]}")
    return found


def flag(fields: Fields, name: str, default: bool = False) -> bool:
    """A truth value that comes as ``true`` or ``"true"``."""
    found = text(fields, name).strip().lower()
    return found in {"true", "1"} if found else default


def integer(fields: Fields, *names: str) -> int | None:
    """A number that may come as ``3``, ``"3"`` or ``"3.0"`` (componentVersion does)."""
    found = text(fields, *names).strip()
    match = re.fullmatch(r"(-?[0-9]{1,18})(?:\.0*)?", found)
    return int(match[1]) if match else None


def required_integer(fields: Fields, *names: str) -> int:
    """Like :func:`integer`.

    :raises Unreadable: there is no number.
    """
    found = integer(fields, *names)
    if found is None:
        raise Unreadable(f"has no {names[0]}")
    return found


def moment(fields: Fields, name: str) -> datetime | None:
    """A date and time; without a zone it is taken as UTC."""
    try:
        found = datetime.fromisoformat(text(fields, name))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# -- what went wrong ---------------------------------------------------------


def is_error(fields: Fields) -> bool:
    """Whether an answer is an error although its status says that all is well."""
    if text(fields, TYPE).lower() in {"error", "fault"}:
        return True
    return any(name.lower() in {"error", "errors", "errormessage"} for name in fields)


def boomi_message(body: bytes, hide: Callable[[str], str] = str) -> str:
    """Boomi's own words in an error: one line of at most 500 characters, or nothing.

    XML ``<error><message>``, the three JSON shapes of the published API, the title of a proxy's
    HTML page, or plain text. Never raises.

    :param hide: takes out of the whole message what must not be shown, before it is shortened.
    """
    try:
        found = _message_in(read(body), depth=0)
    except Unreadable:
        found = _message_in_page(body)
    line = " ".join(_printable(hide(found)).split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"


def _message_in(value: object, depth: int) -> str:
    if isinstance(value, str):
        return value
    if depth > 4:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_message_in(item, depth + 1) for item in value[:5])))
    if isinstance(value, dict):
        by_name = {str(name).lower(): item for name, item in value.items()}
        for name in ("message", "errormessage", "error", "errors", "fault", "faultstring"):
            if found := _message_in(by_name.get(name), depth + 1):
                return found
        return _message_in(value.get(TEXT), depth + 1)
    return ""


def _message_in_page(body: bytes) -> str:
    page = body[:20_000].decode("utf-8", "replace")
    for tag in ("title", "h1", "message"):
        if match := re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.IGNORECASE | re.DOTALL):
            return unescape(re.sub(r"<[^>]*>", " ", match[1]))
    return "" if re.search(r"[<{\ufffd]", page) else page


def _printable(value: str) -> str:
    return "".join(char if char.isprintable() else " " for char in value[: 4 * MAX_MESSAGE])


def values_in(body: bytes, names_left_out: Collection[str]) -> Iterator[str]:
    """Every value in a body that is sent: texts and attributes, strings and numbers.

    :param names_left_out: attributes and JSON members whose values are left out.
    """
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            yield from _json_values(json.loads(body), names_left_out)
        except (ValueError, RecursionError):
            yield body.decode("utf-8", "replace")
        return
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError):
        yield body.decode("utf-8", "replace")
        return
    for element in root.iter(etree.Element):
        is_envelope = element is root
        for attribute, value in element.attrib.items():
            # Only the envelope's ids and kinds are ours to name.
            if not is_envelope or etree.QName(attribute).localname not in names_left_out:
                yield str(value).strip()
        for text_ in (element.text, element.tail):
            if text_ and text_.strip():
                yield text_.strip()
                yield from (line.strip() for line in text_.splitlines() if line.strip())


def _json_values(value: object, names_left_out: Collection[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in names_left_out:
                yield from _json_values(item, names_left_out)
    elif isinstance(value, list):
        for item in value:
            yield from _json_values(item, names_left_out)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value).strip()


# -- queries -----------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """One comparison in a query; all conditions of a query have to hold."""

    field: str
    argument: str | None = None
    operator: str = "EQUALS"

    @property
    def arguments(self) -> list[str]:
        """What stands in the query: operators such as IS_NOT_NULL compare with nothing."""
        return [] if self.argument is None else [self.argument]


@dataclass(frozen=True)
class AnyOf:
    """Alternatives in a query: one of them has to hold."""

    terms: tuple["Term", ...]


@dataclass(frozen=True)
class AllOf:
    """Conditions in a query that all have to hold, where they are an alternative themselves."""

    terms: tuple["Term", ...]


Term = Condition | AnyOf | AllOf


def any_of(terms: Iterable[Term]) -> Term:
    """One of these; a single one stands for itself."""
    found = tuple(terms)
    return found[0] if len(found) == 1 else AnyOf(found)


def present(name: str) -> Condition:
    """A condition that every object meets: the published queries may not be without one."""
    return Condition(name, None, "IS_NOT_NULL")


def json_query(conditions: Sequence[Term]) -> bytes:
    """A query's body as JSON; without conditions ``{}``, which asks for all (guide)."""
    if not conditions:
        return b"{}"
    term = conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))
    return json_body({"QueryFilter": {"expression": _json_expression(term)}})


def _json_expression(term: Term) -> Fields:
    if isinstance(term, Condition):
        return {"operator": term.operator, "property": term.field, "argument": term.arguments}
    return {
        "operator": "or" if isinstance(term, AnyOf) else "and",
        "nestedExpression": [_json_expression(inner) for inner in term.terms],
    }


def json_body(value: object) -> bytes:
    """A JSON body in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode()


_EMPTY_QUERY = f'<QueryConfig xmlns="{NAMESPACE}" xmlns:xsi="{_XSI}"><QueryFilter/></QueryConfig>'


def xml_query(conditions: Sequence[Term], *, wrapped: bool) -> bytes:
    """A query's body as XML.

    :param wrapped: whether the root is ``QueryConfig`` (published) or ``QueryFilter`` (guide).
    :raises ValueError: an argument has a character that XML cannot carry.
    """
    root = etree.fromstring(_EMPTY_QUERY)
    query_filter = root[0]
    if not wrapped:
        root = query_filter
    if len(conditions) == 1:
        _expression(query_filter, "expression", conditions[0])
    elif conditions:
        _expression(query_filter, "expression", AllOf(tuple(conditions)))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _expression(parent: etree._Element, tag: str, condition: Term) -> None:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    if not isinstance(condition, Condition):
        element.set("operator", "or" if isinstance(condition, AnyOf) else "and")
        element.set(_XSI_TYPE, "GroupingExpression")
        for term in condition.terms:
            _expression(element, "nestedExpression", term)
        return
    element.set("operator", condition.operator)
    element.set("property", condition.field)
    element.set(_XSI_TYPE, "SimpleExpression")
    for argument in condition.arguments:
        etree.SubElement(element, f"{{{NAMESPACE}}}argument").text = argument


def xml_bulk(ids: Sequence[str]) -> bytes:
    """The body of a bulk read as XML (published: bulk)."""
    root = etree.Element(f"{{{NAMESPACE}}}BulkRequest", nsmap={"bns": NAMESPACE})
    root.set("type", "GET")
    for id_ in ids:
        etree.SubElement(root, f"{{{NAMESPACE}}}request").set("id", id_)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def read_page(body: bytes) -> tuple[list[Fields], str]:
    """One page of a query: its results, and the token for the next page, or nothing.

    :raises Unreadable: the answer is not a query's.
    """
    fields = unwrap(read(body), "QueryResult")
    if is_error(fields) or not (
        text(fields, TYPE) == "QueryResult" or fields.keys() & {"numberOfResults", "result"}
    ):
        raise Unreadable("is not the result of a query")
    return many(fields, "result"), text(fields, "queryToken")
