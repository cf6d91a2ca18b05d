"""The one safe parser: a component's XML as tags and texts, with offsets into the original bytes.

Nothing is ever serialised again, because that changes bytes that nobody asked to change
(`xmlns=""`, `<bns:description></bns:description>`, entities). Expat, which runs without element
handlers and so at full speed, proves that the bytes are well-formed; then one regular expression
cuts them into tags and the texts between. Documents repeat themselves, so what is learned about a
tag is kept by its *shape* (its name and the names of its attributes), which is what is left of it
without its values. Only tags that could matter are ever opened. Changes are spliced in at offsets.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from copy import copy
from functools import cached_property, lru_cache
from itertools import accumulate, chain, compress
from operator import attrgetter
from typing import Any, NamedTuple
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
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
# What is left of a tag without its values: `Input default=" key="/>`.
_SHAPE = re.compile(
    rb"""(/?)([^\s/>"'=]+)((?:\s+[^\s=/>"']+\s*=\s*")*+)\s*(/?)>""",
)
_SHAPE_NAME = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*\"""")
_COMMENT = re.compile(rb"<!\[CDATA\[[\s\S]*?\]\]>|<!--([\s\S]*?)-->")
_SPECIAL_IN_TEXT = re.compile(
    rb"&(#[xX]?[0-9a-fA-F]+|\w+);|<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|\r\n?", re.DOTALL
)
_SPECIAL_IN_ATTRIBUTE = re.compile(rb"&(#[xX]?[0-9a-fA-F]+|\w+);|\r\n?|[\t\n]")
_ENTITIES = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'"}
_PLAIN = re.compile(r"[\w:{}. -]*")
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
        return declares_namespace(self.name)


def declares_namespace(name: str) -> bool:
    """Whether an attribute of this name declares a namespace."""
    return name == "xmlns" or name.startswith("xmlns:")


OPEN, CLOSE, EMPTY = 1, 2, 0  # how tags are marked: `<a>`, `</a>`, `<a/>`
# Which marks begin an element.
_BEGINS = bytes(int(mark != CLOSE) for mark in range(256))
# How each mark changes the depth, as signed bytes.
_STEPS = bytes((0, 1, 255)) + bytes(253)


class Shape:
    """What tags of the same name with the same attributes have in common; end tags have one, too."""

    __slots__ = ("local_names", "mark", "name", "names", "prefix", "regular", "tidy")

    def __init__(
        self,
        qualified_name: bytes,
        names: tuple[bytes, ...],
        *,
        mark: int,
        regular: bool,
        tidy: bool,
    ) -> None:
        prefix, _, local = qualified_name.decode().rpartition(":")
        self.name = local
        self.prefix = prefix
        self.names = tuple(name.decode() for name in names)  # as written
        self.local_names = tuple(name.rpartition(":")[2] for name in self.names)
        self.mark = mark
        self.regular = regular  # whether splitting at double quotes gives the values
        self.tidy = tidy  # whether only single blanks stand between the attributes

    def irregular(self) -> "Shape":
        """The same for tags that are written with apostrophes."""
        other = copy(self)
        other.regular = other.tidy = False
        return other

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
        self.tag_number = document.tag_of[number] if number else 0
        self.tag = document.tags[self.tag_number]
        self.shape = document.shapes[self.tag_number]
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
        """The element around this one; None for the root."""
        number = self.document.parent_of[self.number]
        return None if number < 0 else self.document.element(number)

    @property
    def children(self) -> "list[Element]":
        """The elements directly in this one, in order."""
        document, number = self.document, self.number
        found = []
        at, end = number + 1, document.after[number]
        while at < end:
            found.append(document.element(at))
            at = document.after[at]
        return found

    @property
    def has_children(self) -> bool:
        """Whether any element is in this one."""
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
        """Just behind the whole element."""
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

    def __init__(self, marks: bytes) -> None:
        parent_of: list[int] = []
        end_of: list[int] = []
        after: list[int] = []
        open_elements: list[int] = []
        parent, number = -1, 0
        for at, mark in enumerate(marks):
            if mark == CLOSE:
                end_of[parent] = at
                after[parent] = number
                parent = open_elements.pop()
                continue
            parent_of.append(parent)
            end_of.append(at)
            after.append(number + 1)
            if mark:
                open_elements.append(parent)
                parent = number
            number += 1
        self.parent_of, self.end_of, self.after = map(_packed, (parent_of, end_of, after))


def _packed(numbers: list[int]) -> "array[int]":
    return array("l", numbers)


class Document:
    """A parsed component. It never changes: what changes it answers another document."""

    def __init__(self, data: bytes, origin: "Document | None" = None) -> None:
        """Cut bytes that are known to be well-formed; `parse` is for those that are not."""
        self.data = data
        self.is_proved = False  # whether the parser has read it, or what it was made from
        self._known: dict[bytes, Shape] = {} if origin is None else origin._known
        # What has been worked out elsewhere, for those that it was edited from, too.
        self.shared: dict[str, Any] = {} if origin is None else origin.shared
        self.tags, self.gaps, self.shapes, self.marks, said = _cut(data, self._known)
        if said is not None:
            self.__dict__["said_by_tags"] = said
        self._elements: dict[int, Element] = {}
        self.memory: dict[str, Any] = {}  # what has been worked out elsewhere
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
        document.is_proved = True
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
    def depths(self) -> list[int]:
        """How many elements are open behind each tag."""
        return list(accumulate(memoryview(self.marks.translate(_STEPS)).cast("b")))

    def _check_size(self) -> None:
        if self.marks.count(OPEN) > MAX_DEPTH and max(self.depths) > MAX_DEPTH:
            raise TooLarge(f"The component's XML is nested more than {MAX_DEPTH:,} levels deep.")
        if len(self.tags) - self.marks.count(CLOSE) > MAX_ELEMENTS:
            raise TooLarge(
                f"The component's XML has more than {MAX_ELEMENTS:,} elements; "
                "split the component in Boomi."
            )

    @cached_property
    def _nesting(self) -> "_Nesting":
        return _Nesting(self.marks)

    @property
    def parent_of(self) -> "array[int]":
        """Element number -> its parent's, -1 for the root."""
        return self._nesting.parent_of

    @cached_property
    def tag_of(self) -> "array[int]":
        """Element number -> its start tag's number."""
        return array("l", compress(range(len(self.marks)), self.marks.translate(_BEGINS)))

    @cached_property
    def said_by_tags(self) -> list[bytes]:
        """The raw values of all start tags in order, with a NUL between: `TOGETHER` tags in each."""
        found = []
        for start in range(0, len(self.tags), TOGETHER):
            pairs = zip(
                self.shapes[start : start + TOGETHER],
                self.tags[start : start + TOGETHER],
                strict=True,
            )
            found.append(b"\0".join(chain.from_iterable(shape.values(tag) for shape, tag in pairs)))
        return found

    @cached_property
    def has_comments(self) -> bool:
        """Whether there are any comments or CDATA sections."""
        return holds(self.data, b"!--") or holds(self.data, b"![CDATA[")

    @property
    def values(self) -> list[bytes]:
        """The raw values of all start tags, in order."""
        return [value for said in self.said_by_tags if said for value in said.split(b"\0")]

    @cached_property
    def distinct_shapes(self) -> set[Shape]:
        """The shapes of its start tags."""
        return {shape for shape in set(self.shapes) if shape.mark != CLOSE}

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
        """The outermost element."""
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
        chosen = set(filter(wanted, self.distinct_shapes))
        if not chosen:
            return []
        shapes = self.shapes
        return [number for number, at in enumerate(self.tag_of) if shapes[at] in chosen]

    def tags_of(self, shapes: Collection[Shape]) -> Iterable[int]:
        """The numbers of the tags of these shapes, in document order."""
        every = self.shapes
        if len(shapes) > _FEW_SHAPES:
            return compress(range(len(every)), map(shapes.__contains__, every))
        found: list[int] = []
        for shape in shapes:
            at = -1
            for _ in range(every.count(shape)):
                at = every.index(shape, at + 1)
                found.append(at)
        return sorted(found)

    def named(self, name: str) -> list[Element]:
        """The elements of that name, in document order."""
        return [self.element(number) for number in self.numbers(lambda one: one.name == name)]

    def elements_with(self, needle: bytes, data: bytes | None = None) -> set[int]:
        """The numbers of the elements with `needle` in their tag or text.

        `data` are the document's bytes in another alphabet, one for one.
        """
        data = self.data if data is None else data
        found: set[int] = set()
        at = data.find(needle) if holds(data, needle) else -1
        while at >= 0:
            tag = bisect_right(self.starts, at) - 1
            behind = self.starts[tag] + len(self.tags[tag]) if tag >= 0 else 0
            if at < behind:
                found.add(self.element_of_tag(tag))
            else:
                found.add(max(self.element_of_gap(tag + 1), 0))
                behind = self.gap_span(tag + 1)[1]
            at = data.find(needle, behind)
        return found

    def element_of_tag(self, number: int) -> int:
        """The number of the element that a start tag begins."""
        if number < _FEW:
            return number - self.marks.count(CLOSE, 0, number)
        return bisect_right(self.tag_of, number) - 1

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
        declaring = {
            shape for shape in self.distinct_shapes if any(map(declares_namespace, shape.names))
        }
        for at in self.tags_of(declaring):
            shape = self.shapes[at]
            for name, value in zip(shape.names, shape.values(self.tags[at]), strict=True):
                if name == "xmlns" and value:
                    return False
                if at and name.startswith("xmlns:"):
                    return False
        return True

    def namespace(self, number: int, prefix: str) -> str:
        """What a prefix stands for at an element; "" for none."""
        if prefix == "xml":
            return "http://www.w3.org/XML/1998/namespace"
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        while number >= 0:
            at = self.tag_of[number] if number else 0
            shape = self.shapes[at]
            if name in shape.names:
                return decode_attribute(shape.values(self.tags[at])[shape.names.index(name)])
            # The root stands in nothing: no need to work out what stands in what.
            number = self.parent_of[number] if number else -1
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
        shape, tag = element.shape, element.tag
        if name not in shape.names:
            return None
        number = shape.names.index(name)
        if not (shape.regular and shape.tidy):
            return self.attributes(element)[number]
        at = tag.index(b'"')
        for _ in range(2 * number):
            at = tag.index(b'"', at + 1)
        start = element.start
        # One blank stands before the name, and `="` behind it.
        outer = start + at - len(name.encode()) - 2
        return Attribute(name, outer, start + at + 1, start + tag.index(b'"', at + 1))

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
        if not self.has_comments:
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
            return Document(data, self)
        other = Document.__new__(Document)
        other.data, other._known, other.shared = data, self._known, self.shared
        other.is_proved = self.is_proved
        other.tags, other.gaps = self.tags.copy(), self.gaps.copy()
        other.shapes = self.shapes.copy()
        for number, piece in changed.items():
            at = number // 2
            if number % 2:
                shape = _shape_of(piece, self._known)
                other.is_proved &= _is_sound_tag(piece, shape, self.tags[at], self.shapes[at])
                other.tags[at], other.shapes[at] = piece, shape
            else:
                other.is_proved &= _is_sound_text(piece, self.gaps[at])
                other.gaps[at] = piece
        other.marks = self.marks
        other._elements, other.memory = {}, {}
        # The structure is the same; what has been worked out is handed on.
        for known in ("depths", "_nesting", "tag_of"):
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


def holds(data: bytes, needle: bytes) -> bool:
    """Whether bytes hold others; a single one is looked for first, which is much quicker."""
    return needle[:1] in data and needle in data


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


# So many may be looked for one after the other.
_FEW_SHAPES = 4
# Up to here, counting is quicker than knowing every element.
_FEW = 100
# How many tags are looked at together: enough for speed, and no second copy of a large document.
TOGETHER = 1 << 12


def _cut(
    data: bytes, known: dict[bytes, Shape]
) -> tuple[list[bytes], list[bytes], list[Shape], bytes, list[bytes] | None]:
    """Tags, the texts before, between and behind them, each tag's shape and mark, what tags say."""
    if data.count(b"<") > 4 * MAX_ELEMENTS:
        raise TooLarge(
            f"The component's XML has more than {MAX_ELEMENTS:,} elements; "
            "split the component in Boomi."
        )
    if not holds(data, b"!") or b"<!" not in data:
        pieces = _QUICK.split(data)
        tags, gaps = _without_declaration(pieces[1::2], pieces[::2])
        del pieces
        at_once = _shapes_at_once(tags, known)
        if at_once is not None:
            shapes, said = at_once
            return tags, gaps, shapes, bytes(map(_mark, shapes)), said
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
    shape_of = {tag: _shape_of(tag, known) for tag in set(tags)}
    shapes = list(map(shape_of.__getitem__, tags))
    return tags, gaps, shapes, bytes(map(_mark, shapes)), None


_mark = attrgetter("mark")


def _without_declaration(tags: list[bytes], gaps: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """`<?xml …?>` is no tag: it goes with what stands before the root."""
    if tags and tags[0].startswith(b"<?"):
        return tags[1:], [gaps[0] + tags[0] + gaps[1], *gaps[2:]]
    return tags, gaps


def _shapes_at_once(
    tags: list[bytes], known: dict[bytes, Shape]
) -> tuple[list[Shape], list[bytes]] | None:
    """The shape of each tag, and what they say; None if one was cut in the wrong place, or quotes with apostrophes.

    A tag that was cut too early has an odd number of quotes, so that the next one's `<` is taken
    for a part of a value: there are fewer shapes than tags then.
    """
    shapes: list[Shape] = []
    said: list[bytes] = []
    for start in range(0, len(tags), TOGETHER):
        some = tags[start : start + TOGETHER]
        parts = b"".join(some).split(b'"')
        written = b'"'.join(parts[::2]).split(b"<")
        if len(written) != len(some) + 1 or not written[-1].endswith(b">"):
            return None
        del written[0]
        try:
            found = list(map(known.__getitem__, written))
        except KeyError:
            for one in set(written) - known.keys():
                shape = _read_shape(one)
                if shape is None:
                    return None
                known[one] = shape
            found = list(map(known.__getitem__, written))
        shapes += found
        said.append(b"\0".join(parts[1::2]))
    return shapes, said


def _shape_of(tag: bytes, known: dict[bytes, Shape]) -> Shape:
    """The shape of one tag, however it is written."""
    written = b'"'.join(tag[1:].split(b'"')[::2])
    shape = known.get(written) if tag.count(b'"') % 2 == 0 else None
    if shape is not None:
        return shape
    shape = _read_shape(written) if tag.count(b'"') % 2 == 0 else None
    if shape is not None:
        known[written] = shape
        return shape
    # With apostrophes; it is nobody else's shape.
    without = _ATTRIBUTE.sub(rb' \1="', tag[1:])
    found = _read_shape(without)
    if found is None:  # pragma: no cover - the parser has read it before
        raise BadXml("The component's XML could not be read.")
    return found.irregular()


# Components of one kind have the same shapes.
@lru_cache(maxsize=4096)
def _read_shape(written: bytes) -> Shape | None:
    """The shape that a tag has whose values were left out, None if it is not written like that."""
    match = _SHAPE.fullmatch(written)
    if match is None:
        return None
    names = tuple(_SHAPE_NAME.findall(match[3]))
    if len(names) > MAX_ATTRIBUTES:
        raise TooLarge(
            f"The component's XML has an element with more than {MAX_ATTRIBUTES:,} attributes."
        )
    mark = CLOSE if match[1] else EMPTY if match[4] else OPEN
    tidy = written == b"%b%b%b%b>" % (
        match[1],
        match[2],
        b"".join(b' %b="' % name for name in names),
        match[4],
    )
    return Shape(match[2], names, mark=mark, regular=True, tidy=tidy)


_SOUND = re.compile(rb"(?:[^<&\x00-\x08\x0b\x0c\x0e-\x1f]|&(?:amp|lt|gt|quot|apos|#\w{1,8});)*+")
_NUMBERED = re.compile(rb"&#\w+;")
_COMMON = frozenset({b"&#9;", b"&#10;", b"&#13;", b"&#xD;", b"&#39;", b"&#34;"})


def _is_sound(raw: bytes, before: bytes) -> bool:
    """Whether a value or text is well-formed for certain, as `before` is."""
    if _SOUND.fullmatch(raw) is None or not _is_utf8(raw):
        return False
    return b"&#" not in raw or set(_NUMBERED.findall(raw)) <= _COMMON.union(
        _NUMBERED.findall(before)
    )


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_sound_text(raw: bytes, before: bytes) -> bool:
    return b"]]>" not in raw and _is_sound(raw, before)


def _is_sound_tag(tag: bytes, shape: Shape, tag_before: bytes, before: Shape) -> bool:
    """Whether a changed tag is well-formed for certain, and means what it did before."""
    if shape is before and shape.regular:
        changed = [
            new
            for new, old in zip(shape.values(tag), shape.values(tag_before), strict=True)
            if new != old
        ]
        return all(_is_sound(value, tag_before) for value in changed)
    if shape.name != before.name or shape.prefix != before.prefix or shape.mark != before.mark:
        return False
    names = shape.names
    if len(set(names)) != len(names):
        return False
    if any(":" in name for name in set(names) - set(before.names)):
        return False
    if [name for name in names if declares_namespace(name)] != [
        name for name in before.names if declares_namespace(name)
    ]:
        return False
    return all(_is_sound(value, tag_before) for value in shape.values(tag))


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
    yield from text_values_of(document, element)


def text_values_of(document: Document, element: Element) -> Iterator[Value]:
    """The texts and comments of one element."""
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
    if _PLAIN.fullmatch(text):
        return text.encode()
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
