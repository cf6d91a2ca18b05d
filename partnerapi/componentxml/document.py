"""The one safe parser: a component's XML as elements with byte offsets into the original.

Nothing is ever serialised again, because that changes bytes that nobody asked to change
(`xmlns=""`, `<bns:description></bns:description>`, entities). Expat says where every element
begins and ends; values are read from the bytes between, and changes are spliced in there.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.parsers import expat

from partnerapi.componentxml.errors import BadXml, TooLarge, UnsafeXml

MAX_BYTES = 25 * 1024 * 1024
# Bounds on what a small number of bytes can cost in memory; the largest profile that is known
# (6 MB) stays two orders below the first, and no real component comes near the second.
MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 1_000

API_NAMESPACE = "http://api.platform.boomi.com/"

_START_TAG = re.compile(rb"""<([^\s/>"']+)(?:[^"'>]|"[^"]*"|'[^']*')*+>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_SPECIAL_IN_TEXT = re.compile(
    rb"&(#[xX]?[0-9a-fA-F]+|\w+);|<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|\r\n?", re.DOTALL
)
_SPECIAL_IN_ATTRIBUTE = re.compile(rb"&(#[xX]?[0-9a-fA-F]+|\w+);|\r\n?|[\t\n]")
_ENTITIES = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'"}
_NOT_PLAIN = re.compile(rb"[&<\r\n\t]")


class Attribute(NamedTuple):
    """An attribute in a start tag; `start:end` is the value between its quotes."""

    name: str  # as written, with its prefix
    outer_start: int  # with the white space before the name
    start: int
    end: int

    @property
    def local(self) -> str:
        """The name without its prefix."""
        return self.name.rpartition(":")[2]

    @property
    def declares_namespace(self) -> bool:
        """Whether it is `xmlns` or `xmlns:…`, which is not a value."""
        return self.name == "xmlns" or self.name.startswith("xmlns:")


class Element:
    """An element and where its parts stand in the bytes."""

    __slots__ = (
        "children",
        "close",
        "comments",
        "end",
        "name",
        "parent",
        "start",
        "tag_end",
        "texts",
        "uri",
    )

    def __init__(self, uri: str, name: str, parent: "Element | None", start: int) -> None:
        self.uri = uri
        self.name = name
        self.parent = parent
        self.start = start
        self.tag_end = start  # just behind the start tag's `>`
        self.close = start  # where the end tag begins; equals `end` in `<a/>`
        self.end = start
        self.children: list[Element] = []
        self.texts: list[tuple[int, int]] = []  # runs between tags that are not only white space
        self.comments: list[tuple[int, int]] = []

    @property
    def self_closing(self) -> bool:
        """Whether it is written `<a/>`."""
        return self.close == self.end

    def ancestors(self) -> "Iterator[Element]":
        """Its parent, the parent's parent and so on to the root."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent


class Document:
    """A parsed component: `elements` in document order, the root first."""

    def __init__(self, data: bytes, elements: list[Element]) -> None:
        self.data = data
        self.elements = elements

    @property
    def root(self) -> Element:
        return self.elements[0]

    def attributes(self, element: Element) -> list[Attribute]:
        """The attributes of a start tag, in order, namespace declarations included."""
        data = self.data
        return [
            Attribute(match[1].decode(), match.start(), match.start(2) + 1, match.end(2) - 1)
            for match in _ATTRIBUTE.finditer(data, element.start + 1, element.tag_end)
        ]

    def attribute(self, element: Element, name: str) -> Attribute | None:
        """The attribute that is written `name`, or None."""
        if data_has(self.data, name.encode(), element.start, element.tag_end):
            for attribute in self.attributes(element):
                if attribute.name == name:
                    return attribute
        return None

    def value(self, attribute: Attribute) -> str:
        """What the attribute says, entities resolved."""
        return decode_attribute(self.data[attribute.start : attribute.end])

    def get(self, element: Element, name: str) -> str | None:
        """The value of the attribute `name`, or None if there is none."""
        attribute = self.attribute(element, name)
        return None if attribute is None else self.value(attribute)

    def text(self, element: Element) -> str:
        """The element's own text, without its children's; "" if only white space."""
        return "".join(decode_text(self.data[start:end]) for start, end in element.texts)

    def qualified_name(self, element: Element) -> bytes:
        """The element's name as written, with its prefix."""
        match = _START_TAG.match(self.data, element.start, element.tag_end)
        if match is None:  # pragma: no cover - the parser has matched it before
            raise BadXml("The component's XML could not be read.")
        return match[1]


def data_has(data: bytes, needle: bytes, start: int, end: int) -> bool:
    """Whether `needle` stands in `data[start:end]`, without copying."""
    return data.find(needle, start, end) >= 0


def _resolve(reference: bytes) -> str:
    if reference.startswith(b"#"):
        digits = reference[1:]
        number = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
        return chr(number)
    return _ENTITIES[reference]


def _pieces(raw: bytes, *, attribute: bool) -> Iterator[tuple[str, int, int, bool]]:
    """Yield (text, start, end, plain); a piece that is not plain stands for its text as a whole."""
    special = _SPECIAL_IN_ATTRIBUTE if attribute else _SPECIAL_IN_TEXT
    at = 0
    for match in special.finditer(raw):
        if match.start() > at:
            yield raw[at : match.start()].decode(), at, match.start(), True
        at = match.end()
        token = match[0]
        if token.startswith(b"&"):
            yield _resolve(match[1]), match.start(), at, False
        elif token.startswith(b"<![CDATA["):
            inner = match[2].decode()
            if "\r" in inner:
                inner = inner.replace("\r\n", "\n").replace("\r", "\n")
                yield inner, match.start(2), match.end(2), False
            elif inner:
                yield inner, match.start(2), match.end(2), True
        elif not token.startswith(b"<!--"):
            yield (" " if attribute else "\n"), match.start(), at, False
    if at < len(raw):
        yield raw[at:].decode(), at, len(raw), True


def decode_attribute(raw: bytes) -> str:
    """An attribute's value as XML reads it: entities resolved, white space made blanks."""
    if _NOT_PLAIN.search(raw) is None:
        return raw.decode()
    return "".join(piece[0] for piece in _pieces(raw, attribute=True))


def decode_text(raw: bytes) -> str:
    """A run of text as XML reads it: entities and CDATA resolved, comments left out."""
    if _NOT_PLAIN.search(raw) is None:
        return raw.decode()
    return "".join(piece[0] for piece in _pieces(raw, attribute=False))


def characters(raw: bytes, *, attribute: bool) -> tuple[str, list[tuple[int, int]]]:
    """The value and, for each of its characters, the bytes of `raw` that stand for it."""
    value: list[str] = []
    spans: list[tuple[int, int]] = []
    for text, start, end, plain in _pieces(raw, attribute=attribute):
        value.append(text)
        if plain:
            at = start
            for character in text:
                spans.append((at, at + len(character.encode())))
                at = spans[-1][1]
        else:
            # More than one character only for CDATA with carriage returns: all bytes go with
            # the first, which loses nothing because no id holds one.
            spans.append((start, end))
            spans.extend([(end, end)] * (len(text) - 1))
    return "".join(value), spans


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> Document:
    """Read a component's XML.

    Raises TooLarge for more than `max_bytes` or an absurd number of elements, BadXml for what is
    not well-formed UTF-8 XML with a `Component` of the platform's namespace as its root, and
    UnsafeXml for a DTD, an entity declaration or a processing instruction.
    """
    if len(data) > max_bytes:
        raise TooLarge(
            f"The component's XML is larger than {max_bytes // (1024 * 1024)} MB; "
            "split the component in Boomi."
        )
    builder = _Builder(data)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadXml(
            f"The component's XML cannot be parsed: line {error.lineno}, "
            f"column {error.offset + 1}: {expat.ErrorString(error.code)}."
        ) from None
    except UnicodeDecodeError:
        raise BadXml("The component's XML is not valid UTF-8.") from None
    root = builder.elements[0]
    if (root.uri, root.name) != (API_NAMESPACE, "Component"):
        raise BadXml(f"The answer is not a component: its root element is `{root.name[:80]}`.")
    return Document(data, builder.elements)


class _Builder:
    """Expat's callbacks; they note offsets and refuse what a component never has."""

    def __init__(self, data: bytes) -> None:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
            raise BadXml("The component's XML is not encoded in UTF-8.")
        self.data = data
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.behind = 0  # just behind the last tag
        self.early_comments: list[tuple[int, int]] = []
        self.last: Element | None = None
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CommentHandler = self._comment
        self.parser = parser

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise BadXml("The component's XML declares another encoding than UTF-8.")

    def _doctype(self, *_: object) -> None:
        raise UnsafeXml("The component's XML has a document type or declares entities.")

    def _instruction(self, target: str, content: str) -> None:
        raise UnsafeXml("The component's XML has a processing instruction.")

    def _run(self, until: int) -> None:
        """Note the text between the last tag and this one."""
        if self.open and until > self.behind:
            raw = self.data[self.behind : until]
            if not raw.isspace():
                self.open[-1].texts.append((self.behind, until))

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        self._run(at)
        if len(self.elements) >= MAX_ELEMENTS or len(self.open) >= MAX_DEPTH:
            raise TooLarge("The component's XML has too many elements.")
        uri, _, local = name.rpartition(" ")
        parent = self.open[-1] if self.open else None
        element = Element(uri, local, parent, at)
        match = _START_TAG.match(self.data, at)
        if match is None:
            raise BadXml("The component's XML could not be read.")
        element.tag_end = self.behind = match.end()
        if parent is not None:
            parent.children.append(element)
        else:
            element.comments.extend(self.early_comments)
        self.elements.append(element)
        self.open.append(element)

    def _finish(self, name: str) -> None:
        element = self.open[-1]
        if self.data[element.tag_end - 2 : element.tag_end] == b"/>":
            element.close = element.end = element.tag_end
        else:
            at = self.parser.CurrentByteIndex
            self._run(at)
            element.close = at
            element.end = self.data.index(b">", at) + 1
        self.behind = element.end
        self.open.pop()

    def _comment(self, text: str) -> None:
        at = self.parser.CurrentByteIndex
        span = (at + len(b"<!--"), self.data.index(b"-->", at))
        if self.open:
            self.open[-1].comments.append(span)
        elif self.elements:
            self.elements[0].comments.append(span)
        else:
            self.early_comments.append(span)


class Edit(NamedTuple):
    """Put `new` in the place of `data[start:end]`."""

    start: int
    end: int
    new: bytes


def splice(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with all edits made; an edit inside one that removes more goes with it."""
    parts: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start < at:
            continue
        parts += (data[at : edit.start], edit.new)
        at = edit.end
    parts.append(data[at:])
    return b"".join(parts)


class Value(NamedTuple):
    """Something a document says: an attribute's value, a run of text or a comment."""

    element: Element
    slot: str  # `@name`, `text()` or `comment()`
    start: int
    end: int


def values(document: Document) -> Iterator[Value]:
    """Every value in the document, in the order of the elements; namespaces are not values."""
    for element in document.elements:
        for attribute in document.attributes(element):
            if not attribute.declares_namespace:
                yield Value(element, f"@{attribute.name}", attribute.start, attribute.end)
        for start, end in element.texts:
            yield Value(element, "text()", start, end)
        for start, end in element.comments:
            yield Value(element, "comment()", start, end)


def decode(document: Document, value: Value) -> str:
    """What a value says."""
    raw = document.data[value.start : value.end]
    if value.slot.startswith("@"):
        return decode_attribute(raw)
    # Entities are not resolved in comments; to read them so hides nothing from a search.
    return raw.decode() if value.slot == "comment()" else decode_text(raw)


def escape(text: str) -> bytes:
    """The text as it may stand in an attribute or between tags."""
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&apos;")
        .replace("\r", "&#xD;")
        .replace("\n", "&#10;")
        .replace("\t", "&#9;")
        .encode()
    )
