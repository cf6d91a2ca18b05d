"""The one safe parser: a component's XML as tags and texts, with offsets into the original bytes.

Nothing is ever serialised again, because that changes bytes that nobody asked to change
(`xmlns=""`, `<bns:description></bns:description>`, entities). Expat, which runs without element
handlers and so at full speed, proves that the bytes are well-formed; then one regular expression
cuts them into tags and the texts between. Documents repeat themselves, so what is learned about a
tag is kept by its *shape* (its name and the names of its attributes), and only tags that could
matter are ever opened. Changes are spliced in at offsets.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import accumulate, chain
from typing import NamedTuple
from xml.parsers import expat

from partnerapi.componentxml.errors import BadXml, TooLarge, UnsafeXml

MAX_BYTES = 25 * 1024 * 1024
# Bounds on what a small number of bytes can cost; the largest profile that is known (6 MB) stays
# two orders below the first, and no real component comes near the others.
MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 1_000
MAX_ATTRIBUTES = 1_000
MAX_PREFIXES = 200

API_NAMESPACE = "http://api.platform.boomi.com/"

_TAG = rb"""<[^"'>]*+(?:"[^"]*+"[^"'>]*+|'[^']*+'[^"'>]*+)*+>"""
# Boomi writes `>` in values as an entity, so the next `>` nearly always ends the tag; whether it
# did is told by the number of quotes.
_QUICK = re.compile(rb"(<[^>]*+>)")
_EXACT = re.compile(rb"(<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|" + _TAG + rb")")
_NAME = re.compile(rb"""<([^\s/>"']+)""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_ATTRIBUTE_NAME = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*\Z""")
_COMMENT = re.compile(rb"<!\[CDATA\[[\s\S]*?\]\]>|<!--([\s\S]*?)-->")
_SPECIAL_IN_TEXT = re.compile(
    rb"&(#[xX]?[0-9a-fA-F]+|\w+);|<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|\r\n?", re.DOTALL
)
_SPECIAL_IN_ATTRIBUTE = re.compile(rb"&(#[xX]?[0-9a-fA-F]+|\w+);|\r\n?|[\t\n]")
_ENTITIES = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'"}
_NOT_PLAIN = re.compile(rb"[&<\r\n\t]")
_SLASH = ord("/")


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
        return declares_namespace(self.name)


def declares_namespace(name: str) -> bool:
    """Whether an attribute of this name declares a namespace."""
    return name == "xmlns" or name.startswith("xmlns:")


class Shape:
    """What start tags of the same name with the same attributes have in common."""

    __slots__ = ("local_names", "may_hold_text", "name", "names", "prefix", "regular", "tidy")

    def __init__(
        self, qualified_name: bytes, names: tuple[bytes, ...], *, regular: bool, tidy: bool
    ) -> None:
        prefix, _, local = qualified_name.decode().rpartition(":")
        self.name = local
        self.prefix = prefix
        self.names = tuple(name.decode() for name in names)  # as written
        self.local_names = tuple(name.rpartition(":")[2] for name in self.names)
        self.may_hold_text = False  # whether any is written with an end tag
        self.regular = regular  # whether splitting at double quotes gives the values
        self.tidy = tidy  # whether only single blanks stand between the attributes

    def values(self, tag: bytes) -> list[bytes]:
        """The raw values of a tag of this shape, in the order of `names`."""
        if self.regular:
            return tag.split(b'"')[1::2]
        return [match[2][1:-1] for match in _ATTRIBUTE.finditer(tag)]


class Element:
    """An element of a document; made when somebody asks for it."""

    __slots__ = ("document", "name", "number", "shape", "tag", "tag_number")

    def __init__(self, document: "Document", number: int) -> None:
        self.document = document
        self.number = number  # in document order, the root is 0
        self.tag_number = document.tag_of[number]
        self.tag = document.tags[self.tag_number]
        self.shape = document.book[self.tag]
        self.name = self.shape.name

    @property
    def uri(self) -> str:
        """The namespace of its name, "" for none."""
        return self.document.namespace(self.number, self.shape.prefix)

    @property
    def is_api(self) -> bool:
        """Whether it is one of the platform's envelope, such as `bns:object`."""
        return self.uri == API_NAMESPACE

    @property
    def parent(self) -> "Element | None":
        number = self.document.parent_of[self.number]
        return None if number < 0 else self.document.element(number)

    @property
    def children(self) -> "list[Element]":
        document, number = self.document, self.number
        found = []
        at, end = number + 1, document.after[number]
        while at < end:
            found.append(document.element(at))
            at = document.after[at]
        return found

    @property
    def has_children(self) -> bool:
        return self.document.after[self.number] > self.number + 1

    @property
    def start(self) -> int:
        """Where the start tag begins."""
        return self.document.starts[self.tag_number]

    @property
    def tag_end(self) -> int:
        """Just behind the start tag."""
        return self.start + len(self.tag)

    @property
    def close(self) -> int:
        """Where the end tag begins; the same as `end` in `<a/>`."""
        if self.self_closing:
            return self.end
        return self.document.starts[self.document.end_of[self.number]]

    @property
    def end(self) -> int:
        number = self.document.end_of[self.number]
        return self.document.starts[number] + len(self.document.tags[number])

    @property
    def self_closing(self) -> bool:
        """Whether it is written `<a/>`."""
        return self.document.end_of[self.number] == self.tag_number

    @property
    def gaps(self) -> list[int]:
        """The numbers of the texts between its tags, its children's own left out."""
        document = self.document
        if self.self_closing:
            return []
        found = [self.tag_number + 1]
        at, end = self.number + 1, document.after[self.number]
        while at < end:
            found.append(document.end_of[at] + 1)
            at = document.after[at]
        return found

    @property
    def texts(self) -> list[tuple[int, int]]:
        """Runs between tags that are not only white space."""
        gaps = self.document.gaps
        return [
            self.document.gap_span(number)
            for number in self.gaps
            if gaps[number] and not gaps[number].isspace()
        ]

    def ancestors(self) -> "Iterator[Element]":
        """Its parent, the parent's parent and so on to the root."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent


class _Nesting:
    """Which element lies in which, worked out when somebody asks."""

    def __init__(self, steps: list[int]) -> None:
        parent_of, tag_of = array("l"), array("l")
        end_of, after = array("l"), array("l")
        open_elements = [-1]
        number = 0
        for at, step in enumerate(steps):
            if step < 0:
                closed = open_elements.pop()
                end_of[closed] = at
                after[closed] = number
                continue
            parent_of.append(open_elements[-1])
            tag_of.append(at)
            end_of.append(at)
            if step:
                after.append(0)
                open_elements.append(number)
                number += 1
            else:
                number += 1
                after.append(number)
        self.parent_of, self.tag_of = parent_of, tag_of
        self.end_of, self.after = end_of, after


class Document:
    """A parsed component. It never changes: what changes it answers another document."""

    def __init__(self, data: bytes, book: dict[bytes, Shape] | None = None) -> None:
        """Cut bytes that are known to be well-formed; `parse` is for those that are not."""
        self.data = data
        self.book: dict[bytes, Shape] = {} if book is None else book
        self.tags, self.gaps = _cut(data, self.book)
        self._elements: dict[int, Element] = {}
        self._check_size()

    @staticmethod
    def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> "Document":
        """Read a component's XML: the one place where bytes become a document.

        :raises TooLarge: for more than `max_bytes`, or more elements, attributes, prefixes or
            levels than any component has.
        :raises BadXml: for what is not well-formed UTF-8 XML with a `Component` of the platform's
            namespace as its root.
        :raises UnsafeXml: for a DTD, an entity declaration or a processing instruction.
        """
        prove(data, max_bytes)
        document = Document(data)
        root = document.root
        if root.name != "Component" or not root.is_api:
            raise BadXml(f"The answer is not a component: its root element is `{root.name[:80]}`.")
        return document

    def to_bytes(self) -> bytes:
        """The document as it is sent and kept."""
        return self.data

    # --- structure ---------------------------------------------------------------------------

    @cached_property
    def starts(self) -> "array[int]":
        """Where each tag begins."""
        lengths = map(len, chain.from_iterable(zip(self.gaps, self.tags, strict=False)))
        return array("q", accumulate(lengths))[::2]

    @cached_property
    def steps(self) -> list[int]:
        """1 for each tag that opens an element, -1 for one that closes it, 0 for `<a/>`."""
        step_of = {
            tag: -1 if tag[1] == _SLASH else int(tag[-2] != _SLASH) for tag in set(self.tags)
        }
        return list(map(step_of.__getitem__, self.tags))

    @cached_property
    def depths(self) -> list[int]:
        """How many elements are open behind each tag."""
        return list(accumulate(self.steps))

    def _check_size(self) -> None:
        if max(self.depths) > MAX_DEPTH:
            raise TooLarge(f"The component's XML is nested more than {MAX_DEPTH:,} levels deep.")
        if len(self.tags) - self.steps.count(-1) > MAX_ELEMENTS:
            raise TooLarge(
                f"The component's XML has more than {MAX_ELEMENTS:,} elements; "
                "split the component in Boomi."
            )

    @cached_property
    def _nesting(self) -> "_Nesting":
        return _Nesting(self.steps)

    @property
    def parent_of(self) -> "array[int]":
        """Element number -> its parent's, -1 for the root."""
        return self._nesting.parent_of

    @property
    def tag_of(self) -> "array[int]":
        """Element number -> its start tag's number."""
        return self._nesting.tag_of

    @property
    def end_of(self) -> "array[int]":
        """Element number -> its end tag's number, the start tag's in `<a/>`."""
        return self._nesting.end_of

    @property
    def after(self) -> "array[int]":
        """Element number -> the first one behind it and all that is in it."""
        return self._nesting.after

    @property
    def root(self) -> Element:
        return self.element(0)

    @property
    def elements(self) -> list[Element]:
        """Every element in document order. Costly for large documents: ask for numbers instead."""
        return [self.element(number) for number in range(len(self.tag_of))]

    def element(self, number: int) -> Element:
        """The element of that number in document order."""
        found = self._elements.get(number)
        if found is None:
            found = self._elements[number] = Element(self, number)
        return found

    def numbers(self, wanted: Callable[[Shape], bool]) -> list[int]:
        """The numbers of the elements whose shape is wanted, in document order."""
        shapes = {shape for shape in set(self.book.values()) if wanted(shape)}
        if not shapes:
            return []
        chosen = {tag for tag, shape in self.book.items() if shape in shapes}
        tags = self.tags
        return [number for number, at in enumerate(self.tag_of) if tags[at] in chosen]

    @cached_property
    def named(self) -> dict[str, list[int]]:
        """Element name -> the numbers of the elements of that name, in document order."""
        found: dict[str, list[int]] = {}
        by_tag = {tag: found.setdefault(shape.name, []) for tag, shape in self.book.items()}
        tags = self.tags
        for number, at in enumerate(self.tag_of):
            by_tag[tags[at]].append(number)
        return found

    @cached_property
    def element_of_gap(self) -> Callable[[int], int]:
        """Answers the number of the element that a text between two tags belongs to."""
        tag_of, end_of, parent_of = self.tag_of, self.end_of, self.parent_of

        def owner(gap: int) -> int:
            # The last element that begins before the gap, or the nearest above it still open.
            number = bisect_right(tag_of, gap - 1) - 1
            while number >= 0 and end_of[number] < gap:
                number = parent_of[number]
            return number

        return owner

    @cached_property
    def plain_namespaces(self) -> bool:
        """Whether only the root declares prefixes, and nothing else a namespace of its own."""
        root = self.root
        for tag, shape in self.book.items():
            if not any(map(declares_namespace, shape.names)):
                continue
            for name, value in zip(shape.names, shape.values(tag), strict=True):
                if name == "xmlns" and value:
                    return False
                if name.startswith("xmlns:") and tag is not root.tag and tag != root.tag:
                    return False
        return True

    def namespace(self, number: int, prefix: str) -> str:
        """What a prefix stands for at an element; "" for none."""
        if prefix == "xml":
            return "http://www.w3.org/XML/1998/namespace"
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        while number >= 0:
            tag = self.tags[self.tag_of[number]]
            shape = self.book[tag]
            if name in shape.names:
                return decode_attribute(shape.values(tag)[shape.names.index(name)])
            number = self.parent_of[number]
        return ""

    # --- values ------------------------------------------------------------------------------

    def attributes(self, element: Element) -> list[Attribute]:
        """The attributes of a start tag, in order, namespace declarations included."""
        start = element.start
        return [
            Attribute(
                match[1].decode(),
                start + match.start(),
                start + match.start(2) + 1,
                start + match.end(2) - 1,
            )
            for match in _ATTRIBUTE.finditer(element.tag)
        ]

    def attribute(self, element: Element, name: str) -> Attribute | None:
        """The attribute that is written `name`, or None."""
        if name not in element.shape.names:
            return None
        return self.attributes(element)[element.shape.names.index(name)]

    def value(self, attribute: Attribute) -> str:
        """What the attribute says, entities resolved."""
        return decode_attribute(self.data[attribute.start : attribute.end])

    def get(self, element: Element, name: str) -> str | None:
        """The value of the attribute that is written `name`, or None if there is none."""
        shape = element.shape
        if name not in shape.names:
            return None
        return decode_attribute(shape.values(element.tag)[shape.names.index(name)])

    def said(self, element: Element) -> list[tuple[str, str]]:
        """(name as written, value) of every attribute."""
        shape = element.shape
        values = map(decode_attribute, shape.values(element.tag))
        return list(zip(shape.names, values, strict=True))

    def gap_span(self, number: int) -> tuple[int, int]:
        """Where a text between two tags stands."""
        end = self.starts[number] if number < len(self.starts) else len(self.data)
        return end - len(self.gaps[number]), end

    def text(self, element: Element) -> str:
        """The element's own text, without its children's; "" if only white space."""
        if element.self_closing:
            return ""
        gaps = self.gaps
        return "".join(
            decode_text(gaps[number])
            for number in element.gaps
            if gaps[number] and not gaps[number].isspace()
        )

    def comments(self, element: Element) -> list[tuple[int, int]]:
        """The comments in an element; those outside the root are the root's."""
        if b"<!--" not in self.data:
            return []
        gaps = element.gaps
        if element.number == 0:
            gaps = [0, *gaps, len(self.gaps) - 1]
        found = []
        for number in gaps:
            if b"<!--" in self.gaps[number]:
                start, _ = self.gap_span(number)
                found += [
                    (start + match.start(1), start + match.end(1))
                    for match in _COMMENT.finditer(self.gaps[number])
                    if match[1] is not None
                ]
        return found

    def qualified_name(self, element: Element) -> bytes:
        """The element's name as written, with its prefix."""
        shape = element.shape
        return f"{shape.prefix}:{shape.name}".encode() if shape.prefix else shape.name.encode()

    # --- changes -----------------------------------------------------------------------------

    def edited(self, edits: "Iterable[Edit]") -> "Document":
        """The document with all edits made; the result is well-formed if the edits are.

        Edits within a start tag or within a text leave the structure as it is, so that only the
        tags that changed are looked at again. Others are cut anew, without another proof.
        """
        edits = sorted(edits, key=lambda edit: (edit.start, -edit.end))
        if not edits:
            return self
        data = splice(self.data, edits)
        changed = self._changed_pieces(edits)
        if changed is None:
            return Document(data, self.book)
        other = Document.__new__(Document)
        other.data, other.book = data, self.book
        other.tags, other.gaps = self.tags.copy(), self.gaps.copy()
        for number, piece in changed.items():
            if number % 2:
                other.tags[number // 2] = piece
                if piece not in other.book:
                    _learn(piece, other.book)
            else:
                other.gaps[number // 2] = piece
        other._elements = {}
        # The structure is the same; what has been worked out is handed on.
        for known in ("steps", "depths", "_nesting"):
            if known in self.__dict__:
                other.__dict__[known] = self.__dict__[known]
        return other

    def _changed_pieces(self, edits: "list[Edit]") -> dict[int, bytes] | None:
        """Piece number (odd for tags) -> its new bytes; None if an edit reaches beyond one."""
        by_piece: dict[int, list[Edit]] = {}
        at = 0
        for edit in edits:
            if edit.start < at:
                continue
            at = edit.end
            tag = bisect_right(self.starts, edit.start) - 1
            start = self.starts[tag] if tag >= 0 else 0
            end = start + len(self.tags[tag]) if tag >= 0 else 0
            if tag >= 0 and start < edit.start and edit.end < end and b">" not in edit.new:
                number, base = tag * 2 + 1, start
            elif edit.start >= end and b"<" not in edit.new:
                number, base = (tag + 1) * 2, end
                if edit.end > self.gap_span(tag + 1)[1]:
                    return None
            else:
                return None
            by_piece.setdefault(number, []).append(
                Edit(edit.start - base, edit.end - base, edit.new)
            )
        return {
            number: splice((self.tags if number % 2 else self.gaps)[number // 2], piece_edits)
            for number, piece_edits in by_piece.items()
        }


def prove(data: bytes, max_bytes: int = MAX_BYTES) -> None:
    """Let expat read bytes; nothing is kept. Raises as `Document.parse`, but for the root."""
    if len(data) > max_bytes:
        raise TooLarge(
            f"The component's XML is larger than {max_bytes // (1024 * 1024)} MB; "
            "split the component in Boomi."
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        raise BadXml("The component's XML is not encoded in UTF-8.")
    parser = expat.ParserCreate(namespace_separator=" ")
    prefixes = 0

    def declaration(version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise BadXml("The component's XML declares another encoding than UTF-8.")

    def doctype(*_: object) -> None:
        raise UnsafeXml("The component's XML has a document type or declares entities.")

    def instruction(target: str, content: str) -> None:
        raise UnsafeXml("The component's XML has a processing instruction.")

    def namespace(prefix: str | None, uri: str | None) -> None:
        nonlocal prefixes
        prefixes += prefix is not None
        if prefixes > MAX_PREFIXES:
            raise TooLarge(f"The component's XML declares more than {MAX_PREFIXES} prefixes.")

    parser.XmlDeclHandler = declaration
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.ProcessingInstructionHandler = instruction
    parser.StartNamespaceDeclHandler = namespace
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadXml(
            f"The component's XML cannot be parsed: line {error.lineno}, "
            f"column {error.offset + 1}: {expat.ErrorString(error.code)}."
        ) from None
    except UnicodeDecodeError:
        raise BadXml("The component's XML is not valid UTF-8.") from None


def _cut(data: bytes, book: dict[bytes, Shape]) -> tuple[list[bytes], list[bytes]]:
    """The tags, and the texts before, between and behind them; learns every new tag."""
    if data.count(b"<") > 4 * MAX_ELEMENTS:
        raise TooLarge(
            f"The component's XML has more than {MAX_ELEMENTS:,} elements; "
            "split the component in Boomi."
        )
    if b"<!" not in data:
        pieces = _QUICK.split(data)
        tags, gaps = pieces[1::2], pieces[::2]
        del pieces
        tags, gaps = _without_declaration(tags, gaps)
        if _learn_all(tags, book, exact=False):
            return tags, gaps
    pieces = _EXACT.split(data)
    tags, gaps = [], []
    gap = pieces[0]
    for token, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if token.startswith(b"<!"):
            gap += token + text
        else:
            tags.append(token)
            gaps.append(gap)
            gap = text
    gaps.append(gap)
    tags, gaps = _without_declaration(tags, gaps)
    _learn_all(tags, book, exact=True)
    return tags, gaps


def _without_declaration(tags: list[bytes], gaps: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """`<?xml …?>` is no tag: it goes with what stands before the root."""
    if tags and tags[0].startswith(b"<?"):
        return tags[1:], [gaps[0] + tags[0] + gaps[1], *gaps[2:]]
    return tags, gaps


def _learn_all(tags: list[bytes], book: dict[bytes, Shape], *, exact: bool) -> bool:
    """Put every start tag into the book; False if one was cut in the wrong place."""
    shapes: dict[bytes, Shape] = {}
    for tag in set(tags):
        if tag[1] == _SLASH or tag in book:
            continue
        between = b'"'.join(tag.split(b'"')[::2])
        shape = shapes.get(between)
        if shape is None:
            # An odd number of quotes: the tag ends later; an apostrophe: it may.
            if not exact and (tag.count(b'"') % 2 or b"'" in between):
                return False
            shape = _shape(tag, between)
            if shape.regular:
                shapes[between] = shape
        elif not exact and tag.count(b'"') % 2:
            return False
        if tag[-2] != _SLASH:
            shape.may_hold_text = True
        book[tag] = shape
    return True


def _learn(tag: bytes, book: dict[bytes, Shape]) -> None:
    """Put one start tag into the book."""
    shape = book[tag] = _shape(tag, b'"'.join(tag.split(b'"')[::2]))
    shape.may_hold_text = tag[-2] != _SLASH


def _shape(tag: bytes, joined: bytes) -> Shape:
    regular = tag.count(b'"') % 2 == 0 and b"'" not in joined
    between = tuple(joined.split(b'"'))
    name = _NAME.match(tag)
    if name is None:  # pragma: no cover - the parser has read it before
        raise BadXml("The component's XML could not be read.")
    if regular:
        first = between[0][name.end() :]
        found = [_ATTRIBUTE_NAME.match(piece) for piece in (first, *between[1:-1])]
        names = tuple(match[1] for match in found if match is not None)
        regular = len(between) == 1 or len(names) == len(found)
        if len(between) == 1:
            names = ()
    if not regular:
        names = tuple(match[1] for match in _ATTRIBUTE.finditer(tag))
    if len(names) > MAX_ATTRIBUTES:
        raise TooLarge(
            f"The component's XML has an element with more than {MAX_ATTRIBUTES:,} attributes."
        )
    tidy = regular and between[:-1] == tuple(
        b" %b=" % one if at else b"<%b %b=" % (name[1], one) for at, one in enumerate(names)
    )
    return Shape(name[1], names, regular=regular, tidy=tidy or (regular and not names))


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
        yield from values_of(document, element)


def values_of(document: Document, element: Element) -> Iterator[Value]:
    """Every value of one element."""
    for attribute in document.attributes(element):
        if not attribute.declares_namespace:
            yield Value(element, f"@{attribute.name}", attribute.start, attribute.end)
    for start, end in element.texts:
        yield Value(element, "text()", start, end)
    for start, end in document.comments(element):
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
