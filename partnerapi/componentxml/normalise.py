"""One form for documents that say the same, to compare, to hash and to show differences.

Left out is what an account makes by itself: the root's ids, versions, dates, people, folders and
branches, and `encryptedValues`, which says what is set in that account and not what the component
is. Also an empty description, which the platform adds, and comments, which it does not keep.

The form is close to how Boomi writes, so that nearly every tag is in it already; elements are
always written with an end tag, attributes sorted, in double quotes.
"""

import hashlib
from itertools import chain

from partnerapi.componentxml.document import (
    API_NAMESPACE,
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
_WIDE = 110
_SLASH = ord("/")

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
# Stands between the attributes of a tag until it is known whether they share a line: no XML
# document can hold it.
_BETWEEN = b"\0"


def normalise(document: Document) -> bytes:
    """The document in its one form, in UTF-8."""
    forms = _forms(document)
    texts = _texts(document)
    return b"".join(chain.from_iterable(zip(forms, texts, strict=True))).replace(_BETWEEN, b" ")


def content_hash(document: Document) -> str:
    """The SHA-256 of the normalised document, in hex, without a word about rules."""
    return hashlib.sha256(normalise(document)).hexdigest()


def pretty_lines(document: Document) -> list[str]:
    """The normalised document as indented lines, for people.

    One element begins per line; a start tag that is too wide has one attribute per line; text of
    several lines, such as a script, keeps its own.
    """
    indents = [b"\n" + b"  " * depth for depth in range(max(document.depths) + 1)]
    parts: list[bytes] = []
    add = parts.append
    is_open = False  # the last tag was a start tag whose bracket is still to be written
    inside = b""  # the text behind it
    for form, text, step, depth in zip(
        _forms(document), _texts(document), document.steps, document.depths, strict=True
    ):
        if not form:
            if text:
                add(text)
            continue
        if step < 0:
            if not is_open:
                add(indents[depth] + form)
            elif not inside:
                add(b"/>")
            elif b"\n" in inside:
                # Lines of a script begin where they begin.
                add(b">\n" + inside + indents[depth] + form)
            else:
                add(b">" + inside + form)
            is_open = False
            if text:
                add(text)
            continue
        if is_open:
            add(b">" + inside)
        if step:
            start, is_open, inside = form[:-1], True, text
            indent = indents[depth - 1]
        else:
            start, is_open = form[: form.rindex(b"></")], False
            indent = indents[depth]
        if len(start) + 2 * depth > _WIDE and start.count(_BETWEEN) > 1:
            start = start.replace(_BETWEEN, indent + b"    ")
        add(indent + start)
        if not is_open:
            add(b"/>" + text)
    return b"".join(parts)[1:].replace(_BETWEEN, b" ").decode().split("\n")


def _texts(document: Document) -> list[bytes]:
    """The text behind each tag in the one form; white space only where it may be a value."""
    gaps = document.gaps[1:]
    gaps[-1] = b""  # behind the root
    form_of = {gap: _text(gap) for gap in set(gaps)}
    form_of[b""] = b""
    texts = list(map(form_of.__getitem__, gaps))
    if any(gap.isspace() for gap in form_of):
        steps = document.steps
        for at, text in enumerate(texts[:-1]):
            if text.isspace() and not (steps[at] > 0 and steps[at + 1] < 0):
                texts[at] = b""
    for start, end in _skipped(document):
        for at in range(start, end):
            texts[at] = b""
    return texts


def _text(raw: bytes) -> bytes:
    if len(raw.translate(None, _ODD_IN_TEXT)) == len(raw):
        return raw
    return decode_text(raw).translate(_IN_TEXT).encode()


def _forms(document: Document) -> list[bytes]:
    """Each tag in the one form; `<a/>` as a start and an end tag, b"" for what is left out."""
    plain = document.plain_namespaces
    forms = (_plain_forms if plain else _scoped_forms)(document)
    for start, end in _skipped(document):
        forms[start : end + 1] = [b""] * (end + 1 - start)
    return forms


def _skipped(document: Document) -> list[tuple[int, int]]:
    """The numbers of the first and last tag of each element that is left out."""
    found = []
    if not any(
        shape.name in ("encryptedValues", "description") for shape in document.book.values()
    ):
        return []
    # They are children of the root, which closes with the last tag.
    depths, steps, tags = document.depths, document.steps, document.tags
    at = 1
    while 0 < at < len(tags) - 1:
        end = at if not steps[at] else depths.index(1, at)
        shape = document.book[tags[at]]
        if (
            shape.name == "encryptedValues"
            and _is_api(document, tags[at])
            or (
                shape.name == "description"
                and end <= at + 1
                and (end == at or not decode_text(document.gaps[end]).strip())
                and _is_api(document, tags[at])
            )
        ):
            found.append((at, end))
        at = end + 1
    return found


def _is_api(document: Document, tag: bytes) -> bool:
    """Whether a child of the root belongs to the platform's envelope."""
    scope = dict(document.said(document.root))
    shape = document.book[tag]
    scope |= zip(shape.names, map(decode_attribute, shape.values(tag)), strict=True)
    return scope.get(f"xmlns:{shape.prefix}" if shape.prefix else "xmlns") == API_NAMESPACE


class _Scope:
    """What each prefix stands for at the elements of a document, asked in their order."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._now: dict[str, str] = {"": "", "xml": _XML_NAMESPACE}
        self._open: list[tuple[int, dict[str, str | None]]] = []

    def enter(self, raw: bytes, number: int) -> dict[str, str]:
        """Prefix -> namespace at the element of that number, which must be behind the last."""
        while self._open and self._open[-1][0] <= number:
            for prefix, before in self._open.pop()[1].items():
                if before is None:
                    del self._now[prefix]
                else:
                    self._now[prefix] = before
        shape = self._document.book[raw]
        if any(map(declares_namespace, shape.names)):
            before_it: dict[str, str | None] = {}
            for name, value in zip(shape.names, shape.values(raw), strict=True):
                if declares_namespace(name):
                    prefix = name.partition(":")[2]
                    before_it[prefix] = self._now.get(prefix)
                    self._now[prefix] = decode_attribute(value)
            self._open.append((self._document.after[number], before_it))
        return self._now


def _written_prefixes(document: Document) -> tuple[dict[str, str], bytes]:
    """Namespace -> prefix in the form, and the declarations of those that are not Boomi's.

    Every other namespace gets a prefix in the order in which they are used.
    """
    known = _PREFIXES.copy()
    declared: list[str] = []
    scope = _Scope(document)
    for number, at in enumerate(document.tag_of):
        raw = document.tags[at]
        now = scope.enter(raw, number)
        uris = {now[prefix] for prefix in _used(document.book[raw])}
        for uri in sorted(uris - known.keys()):
            name = f"n{len(declared) + 1}"
            known[uri] = f"{name}:"
            declared.append(f'\0xmlns:{name}="{uri.translate(_IN_ATTRIBUTE)}"')
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
            places.append(((uri, local), at, f'\0{known[uri]}{local}="'.encode()))
        places.sort()
        self.places = [(at, before) for _, at, before in places]
        self.as_written = (
            shape.tidy
            and declared is None
            and element == (f"{shape.prefix}:" if shape.prefix else "")
            and [(at, f'\0{name}="'.encode()) for at, name in enumerate(shape.names)] == self.places
        )

    def of(self, raw: bytes) -> bytes:
        """A tag of this shape in the one form."""
        plain = len(raw.translate(None, _ODD_IN_TAG)) == len(raw) - 2
        empty = raw[-2] == _SLASH
        if self.as_written and plain and b'=" ' not in raw:
            start = (raw[:-2] if empty else raw[:-1]).rstrip()
            start = start.replace(b" ", _BETWEEN, 1).replace(b'" ', b'"' + _BETWEEN)
        else:
            start = self._put_together(raw, plain=plain)
        return b"%b></%b>" % (start, self.name) if empty else start + b">"

    def _put_together(self, raw: bytes, *, plain: bool) -> bytes:
        values = self.shape.values(raw)
        if not plain:
            values = [decode_attribute(value).translate(_IN_ATTRIBUTE).encode() for value in values]
        parts = [b"<", self.name]
        if self.declared is not None:
            parts.append(f'\0xmlns:bns="{API_NAMESPACE}"\0xmlns:xsi="{_XSI_NAMESPACE}"'.encode())
            parts.append(self.declared)
        for at, before in self.places:
            parts += (before, values[at], b'"')
        return b"".join(parts)


def _plain_forms(document: Document) -> list[bytes]:
    """Prefixes mean the same everywhere, so that a tag's form depends on its bytes alone."""
    root = document.tags[0]
    now = _Scope(document).enter(root, 0)
    known, declared = _PREFIXES, b""
    if not set(now.values()) <= _PREFIXES.keys():
        known, declared = _written_prefixes(document)
    forms: dict[Shape, _Form] = {}
    made: dict[bytes, bytes] = {}
    book = document.book
    for tag in set(document.tags):
        if tag[1] == _SLASH:
            prefix, _, local = tag[2:-1].rstrip().decode().rpartition(":")
            made[tag] = f"</{known[now[prefix]]}{local}>".encode()
            continue
        shape = book[tag]
        form = forms.get(shape)
        if form is None:
            form = forms[shape] = _Form(shape, now, known, None)
        made[tag] = form.of(tag)
    written = list(map(made.__getitem__, document.tags))
    written[0] = _Form(book[root], now, known, declared).of(root)
    return written


def _scoped_forms(document: Document) -> list[bytes]:
    """Elements declare prefixes of their own, so that every tag is looked at."""
    known, declared = _written_prefixes(document)
    scope = _Scope(document)
    forms: list[bytes] = []
    names: list[bytes] = []
    number = 0
    for tag, step in zip(document.tags, document.steps, strict=True):
        if step < 0:
            forms.append(b"</%b>" % names.pop())
            continue
        shape = document.book[tag]
        form = _Form(shape, scope.enter(tag, number), known, None if number else declared)
        forms.append(form.of(tag))
        if step:
            names.append(form.name)
        number += 1
    return forms
