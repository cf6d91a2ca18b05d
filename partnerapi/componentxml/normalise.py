"""One form for documents that say the same, to compare, to hash and to show differences.

Left out is what an account makes by itself: the root's ids, versions, dates, people, folders and
branches, and `encryptedValues`, which says what is set in that account and not what the component
is. Also an empty description, which the platform adds, and comments, which it does not keep.

The form is close to how Boomi writes, so that nearly every tag is in it already: attributes
sorted, in double quotes, with one blank between, and no end tag for an empty element.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain
from operator import sub
from typing import NamedTuple

from partnerapi.componentxml.document import (
    API_NAMESPACE,
    CLOSE,
    EMPTY,
    OPEN,
    TOGETHER,
    Document,
    Shape,
    declares_namespace,
    decode_attribute,
    decode_text,
)
from partnerapi.componentxml.envelope import SYSTEM_MADE

_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
_PREFIXES = {
    "": "",
    API_NAMESPACE: "bns:",
    _XSI_NAMESPACE: "xsi:",
    _XML_NAMESPACE: "xml:",
}
# Wider than a screen: one attribute per line makes a difference readable.
_WIDE = 112

_IN_ATTRIBUTE = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#xD;",
    }
)
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
# Bytes after which a value may be written otherwise than in the one form.
_ODD_IN_TAG = b"&\t\n\r'<>"
_ODD_IN_TEXT = b"&<>\r"
_ODD_SIGNS = (b"&", b"\t", b"\n", b"\r", b"'", b">")
_ODD = bytes(ord("&") if chr(code) in "&\t\n\r'" else code for code in range(256))
_LEFT_OUT = frozenset({"encryptedValues", "description"})
# An element with nothing but text in it: its tags follow each other.
_LEAF = bytes((OPEN, CLOSE))
_OPENS = bytes(int(mark == OPEN) for mark in range(256))
_ATTRIBUTE = re.compile(rb' ([^\s="<>]+="[^"]*")')


class _Written(NamedTuple):
    """A document in its one form: what is written for each tag, and the text behind it."""

    tags: list[bytes]
    texts: list[bytes]
    left_out: list[int]  # the tags, by number, that are b"": also the end tags of what is empty
    closed: list[int]  # the end tags, by number, that follow their start tags and are written


def normalise(document: Document) -> bytes:
    """The document in its one form, in UTF-8."""
    written = _written(document)
    if not any(written.texts):
        return b"".join(written.tags)
    return b"".join(chain.from_iterable(zip(written.tags, written.texts, strict=True)))


def content_hash(document: Document) -> str:
    """The SHA-256 of the normalised document, in hex, without a word about rules."""
    return hashlib.sha256(normalise(document)).hexdigest()


def pretty_lines(document: Document) -> list[str]:
    """The normalised document as indented lines, for people.

    One element begins per line; a start tag that is too wide has one attribute per line; text of
    several lines, such as a script, keeps its own.
    """
    written = _written(document)
    levels = list(map(sub, document.depths, document.marks.translate(_OPENS)))
    indents = [b"\n" + b"  " * level for level in range(max(levels) + 1)]
    before = list(map(indents.__getitem__, levels))
    texts = written.texts
    for at in written.closed:
        if b"\n" in texts[at - 1]:
            # Lines of a script begin where they begin.
            before[at] = b"\n" + texts[at - 1] + before[at]
        else:
            before[at] = texts[at - 1]
    if written.closed:
        texts = texts.copy()
        for at in written.closed:
            texts[at - 1] = b""
    for at in written.left_out:
        before[at] = b""
    before[0] = b""
    # No line is shorter than its tag, and few are much longer.
    shortest = _WIDE - 2 * max(levels)
    # One attribute alone stays where it is.
    several = set(filter(_says_several, document.distinct_shapes)) | {document.shapes[0]}
    tags = written.tags
    nearly = [at for at in document.tags_of(several) if len(tags[at]) > shortest]
    lines = [""]
    has_texts = any(texts)
    # A few at a time, so that there is no second copy of a large document.
    first = 0
    for start in range(0, len(tags), TOGETHER):
        end = start + TOGETHER
        some = tags[start:end]
        behind = bisect_left(nearly, end, first)
        _narrow(some, start, nearly[first:behind], document.shapes, levels)
        first = behind
        columns = [before[start:end], some]
        if has_texts:
            columns.append(texts[start:end])
        joined = b"".join(chain.from_iterable(zip(*columns, strict=True)))
        more = joined.decode().split("\n")
        more[0] = lines.pop() + more[0]
        lines += more
    return lines


def _narrow(
    tags: list[bytes], start: int, nearly: list[int], shapes: list[Shape], levels: list[int]
) -> None:
    """Put one attribute in each line of those tags that are too wide for one; `start` is the first's number."""
    found = list(map(levels.__getitem__, nearly))
    for level in set(found):
        widest = _WIDE - 2 * level
        numbers = [
            at
            for at, one in zip(nearly, found, strict=True)
            if one == level and len(tags[at - start]) > widest
        ]
        if not numbers:
            continue
        between = b"\n" + b"  " * (level + 2)
        block = b"\0".join([tags[at - start] for at in numbers])
        if b'=" ' in block:
            block = _ATTRIBUTE.sub(between + rb"\1", block)
        else:
            block = block.replace(b'" ', b'"' + between)
            one_of_each = dict(zip(map(shapes.__getitem__, numbers), numbers, strict=True))
            for name in {tags[at - start].partition(b" ")[0] for at in one_of_each.values()}:
                block = block.replace(name + b" ", name + between)
        for at, tag in zip(numbers, block.split(b"\0"), strict=True):
            tags[at - start] = tag


def _says_several(shape: Shape) -> bool:
    """Whether more than one attribute is written for tags of a shape."""
    return sum(not declares_namespace(name) for name in shape.names) > 1


def _written(document: Document) -> _Written:
    """The one form, worked out once for digest and lines."""
    known: _Written | None = document.memory.get("written")
    if known is not None:
        return known
    tags = _forms(document)
    texts = _texts(document)
    skipped = _skipped(document)
    for start, end in skipped:
        tags[start : end + 1] = [b""] * (end + 1 - start)
        texts[start:end] = [b""] * (end - start)
        texts[end] = b""
    closed: list[int] = []
    left_out = [at for start, end in skipped for at in range(start, end + 1)]
    marks = document.marks
    at = marks.find(_LEAF)
    while at >= 0:
        if texts[at]:
            closed.append(at + 1)
        elif tags[at]:
            tags[at] = tags[at][:-1] + b"/>"
            tags[at + 1] = b""
            left_out.append(at + 1)
        at = marks.find(_LEAF, at + 2)
    written = document.memory["written"] = _Written(tags, texts, left_out, closed)
    return written


def _texts(document: Document) -> list[bytes]:
    """The text behind each tag in the one form; white space only where it may be a value."""
    texts = document.gaps[1:]
    texts[-1] = b""  # behind the root
    distinct = set(texts)
    joined = b"".join(distinct)
    if len(joined.translate(None, _ODD_IN_TEXT)) != len(joined):
        form_of = {text: _text(text) for text in distinct}
        texts = list(map(form_of.__getitem__, texts))
        distinct = set(form_of.values())
    if any(map(bytes.isspace, distinct)):
        marks = document.marks
        for at, text in enumerate(texts[:-1]):
            if text.isspace() and not (marks[at] == OPEN and marks[at + 1] == CLOSE):
                texts[at] = b""
    return texts


def _text(raw: bytes) -> bytes:
    if len(raw.translate(None, _ODD_IN_TEXT)) == len(raw):
        return raw
    return decode_text(raw).translate(_IN_TEXT).encode()


def _forms(document: Document) -> list[bytes]:
    """Each tag in the one form."""
    return (_plain_forms if document.plain_namespaces else _scoped_forms)(document)


def _skipped(document: Document) -> list[tuple[int, int]]:
    """The numbers of the first and last tag of each element that is left out."""
    found: list[tuple[int, int]] = []
    if not any(shape.name in _LEFT_OUT for shape in document.distinct_shapes):
        return found
    # They are children of the root, which closes with the last tag.
    depths, marks, shapes = document.depths, document.marks, document.shapes
    at = 1
    while 0 < at < len(shapes) - 1:
        end = at if marks[at] == EMPTY else depths.index(1, at)
        name = shapes[at].name
        if name in _LEFT_OUT and _is_api(document, at):
            empty = end <= at + 1 and (end == at or not decode_text(document.gaps[end]).strip())
            if name == "encryptedValues" or empty:
                found.append((at, end))
        at = end + 1
    return found


def _is_api(document: Document, at: int) -> bool:
    """Whether a child of the root belongs to the platform's envelope."""
    scope = dict(document.said(document.root))
    shape = document.shapes[at]
    scope |= zip(shape.names, map(decode_attribute, shape.values(document.tags[at])), strict=True)
    return scope.get(f"xmlns:{shape.prefix}" if shape.prefix else "xmlns") == API_NAMESPACE


class _Scope:
    """What each prefix stands for at the elements of a document, asked in their order."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._now: dict[str, str] = {"": "", "xml": _XML_NAMESPACE}
        self._open: list[tuple[int, dict[str, str | None]]] = []
        self.version = 0  # another one wherever prefixes may mean something else

    def enter(self, raw: bytes, shape: Shape, number: int) -> dict[str, str]:
        """Prefix -> namespace at the element of that number, which must be behind the last."""
        while self._open and self._open[-1][0] <= number:
            for prefix, before in self._open.pop()[1].items():
                if before is None:
                    del self._now[prefix]
                else:
                    self._now[prefix] = before
            self.version += 1
        if any(map(declares_namespace, shape.names)):
            before_it: dict[str, str | None] = {}
            for name, value in zip(shape.names, shape.values(raw), strict=True):
                if declares_namespace(name):
                    prefix = name.partition(":")[2]
                    before_it[prefix] = self._now.get(prefix)
                    self._now[prefix] = decode_attribute(value)
            # The root stays open to the end; what stands in what need not be known for it.
            end = self._document.after[number] if number else len(self._document.tags)
            self._open.append((end, before_it))
            self.version += 1
        return self._now


def _written_prefixes(document: Document) -> tuple[dict[str, str], bytes]:
    """Namespace -> prefix in the form, and the declarations of those that are not Boomi's.

    Every other namespace gets a prefix in the order in which they are used.
    """
    known = _PREFIXES.copy()
    declared: list[str] = []
    scope = _Scope(document)
    looked_at: set[tuple[Shape, int]] = set()
    for number, at in enumerate(document.tag_of):
        shape = document.shapes[at]
        now = scope.enter(document.tags[at], shape, number)
        if (shape, scope.version) in looked_at:
            continue
        looked_at.add((shape, scope.version))
        uris = {now[prefix] for prefix in _used(shape)}
        for uri in sorted(uris - known.keys()):
            name = f"n{len(declared) + 1}"
            known[uri] = f"{name}:"
            declared.append(f' xmlns:{name}="{uri.translate(_IN_ATTRIBUTE)}"')
    return known, "".join(declared).encode()


def _used(shape: Shape) -> set[str]:
    """The prefixes that a shape uses, declarations left aside."""
    found = {shape.prefix}
    for name in shape.names:
        if ":" in name and not declares_namespace(name):
            found.add(name.partition(":")[0])
    return found


class _Form:
    """How tags of one shape are written where the prefixes mean what they mean."""

    def __init__(
        self, shape: Shape, now: dict[str, str], known: dict[str, str], declared: bytes | None
    ) -> None:
        element = known[now[shape.prefix]]
        self.shape = shape
        self.name = f"{element}{shape.name}".encode()
        self.declared = declared  # of the root's start tag only
        places = []
        for at, name in enumerate(shape.names):
            if declares_namespace(name) or (declared is not None and name in SYSTEM_MADE):
                continue
            prefix, _, local = name.rpartition(":")
            uri = now[prefix] if prefix else ""
            places.append(((uri, local), at, f' {known[uri]}{local}="'.encode()))
        places.sort()
        self.places = [(at, before) for _, at, before in places]
        self.as_written = (
            shape.tidy
            and declared is None
            and element == (f"{shape.prefix}:" if shape.prefix else "")
            and [(at, f' {name}="'.encode()) for at, name in enumerate(shape.names)] == self.places
        )

    def of(self, raw: bytes) -> bytes:
        """A tag of this shape in the one form."""
        plain = len(raw.translate(None, _ODD_IN_TAG)) == len(raw) - 2
        if self.as_written and plain:
            return raw
        end = b"/>" if self.shape.mark == EMPTY else b">"
        return self._put_together(raw, plain=plain) + end

    def _put_together(self, raw: bytes, *, plain: bool) -> bytes:
        values = self.shape.values(raw)
        if not plain:
            values = [decode_attribute(value).translate(_IN_ATTRIBUTE).encode() for value in values]
        parts = [b"<", self.name]
        if self.declared is not None:
            parts.append(f' xmlns:bns="{API_NAMESPACE}" xmlns:xsi="{_XSI_NAMESPACE}"'.encode())
            parts.append(self.declared)
        for at, before in self.places:
            parts += (before, values[at], b'"')
        return b"".join(parts)


def _plain_forms(document: Document) -> list[bytes]:
    """Prefixes mean the same everywhere, so that a tag's form depends on its bytes alone."""
    root = document.root
    now = _Scope(document).enter(root.tag, root.shape, 0)
    known, declared = _PREFIXES, b""
    if not set(now.values()) <= _PREFIXES.keys():
        known, declared = _written_prefixes(document)
    tags, shapes = document.tags, document.shapes
    forms: dict[Shape, _Form] = {}
    ends: dict[Shape, bytes] = {}
    for shape in set(shapes):
        if shape.mark != CLOSE:
            forms[shape] = _Form(shape, now, known, None)
        elif not shape.tidy or known[now[shape.prefix]] != (shape.prefix and f"{shape.prefix}:"):
            ends[shape] = f"</{known[now[shape.prefix]]}{shape.name}>".encode()
    written = tags.copy()
    other = {shape for shape, form in forms.items() if not form.as_written}
    if other or ends:
        other |= ends.keys()
        made: dict[tuple[Shape, bytes], bytes] = {}
        for at in document.tags_of(other):
            shape = shapes[at]
            if shape in ends:
                written[at] = ends[shape]
                continue
            key = shape, tags[at]
            if key not in made:
                made[key] = forms[shape].of(tags[at])
            written[at] = made[key]
    for at in _odd_tags(document):
        if shapes[at].mark != CLOSE:
            written[at] = forms[shapes[at]].of(tags[at])
    written[0] = _Form(root.shape, now, known, declared).of(root.tag)
    return written


def _odd_tags(document: Document) -> Iterator[int]:
    """The numbers of the tags with a value that may be written otherwise than in the one form."""
    if not any(sign in said for said in document.said_by_tags for sign in _ODD_SIGNS):
        return
    tags = document.tags
    joined = b"".join(tags).translate(_ODD)
    if joined.count(b">") != len(tags):
        yield from range(len(tags))
        return
    at = joined.find(b"&")
    number = behind = 0
    while at >= 0:
        # Every tag ends with the only bracket of its kind.
        number += joined.count(b">", behind, at)
        yield number
        behind = joined.find(b">", at)
        at = joined.find(b"&", behind)


def _scoped_forms(document: Document) -> list[bytes]:
    """Elements declare prefixes of their own, so that every tag is looked at."""
    known, declared = _written_prefixes(document)
    scope = _Scope(document)
    forms: list[bytes] = []
    names: list[bytes] = []
    made: dict[tuple[Shape, int], _Form] = {}
    number = 0
    for tag, shape in zip(document.tags, document.shapes, strict=True):
        if shape.mark == CLOSE:
            forms.append(b"</%b>" % names.pop())
            continue
        now = scope.enter(tag, shape, number)
        form = made.get((shape, scope.version)) if number else None
        if form is None:
            form = _Form(shape, now, known, None if number else declared)
            made[shape, scope.version] = form
        forms.append(form.of(tag))
        if shape.mark == OPEN:
            names.append(form.name)
        number += 1
    return forms
