"""Replace component ids, in one pass, wherever they stand.

Ids are mostly whole attribute values, but also parts of them (`EMBEDDED|chooser|GUID`,
`definedprocess.GUID@KEY`) and glued to names whose first letter is a hex digit
(`GUIDapiStats`), so nothing is expected before or behind them. Only ids that are known are
touched: many GUIDs are names of something else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from partnerapi.componentxml.document import (
    Document,
    Edit,
    Value,
    characters,
    escape,
    parse,
    splice,
    values,
)
from partnerapi.componentxml.paths import Places

Context = Literal["reference", "script", "data"]

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SYMBOL = r"\{promotion-desk:new:" + _GUID + r"\}"
# Looking ahead, so that an unknown id does not hide a known one that begins inside it.
_ID = re.compile(rf"(?=({_SYMBOL}|{_GUID}))", re.IGNORECASE)
_KEY = re.compile(rf"{_SYMBOL}|{_GUID}", re.IGNORECASE)
_ID_BYTES = re.compile(_ID.pattern.encode(), re.IGNORECASE)
_ID_LENGTH = 36

_REFERENCE = re.compile(
    r"@(?:.*(?:id|ids|profile|cache|alias|connection)|parameter-profile)", re.IGNORECASE
)
_REFERENCE_ELEMENT = re.compile(r".*(?:Id|Ids|ComponentId|GUID)")


@dataclass(frozen=True)
class Rewrite:
    """One id that was replaced. `old` is written in small letters, whatever it was."""

    path: str
    old: str
    new: str
    context: Context


@dataclass(frozen=True)
class Rewritten:
    """A document with its ids replaced, and every replacement in order."""

    xml: bytes
    rewrites: tuple[Rewrite, ...]

    @property
    def count(self) -> int:
        """How many ids were replaced."""
        return len(self.rewrites)


def rewrite(data: bytes, ids: Mapping[str, str]) -> Rewritten:
    """Replace every id that `ids` knows, GUIDs or symbols, whatever their letter case.

    The root's attributes, which the platform makes, are left alone: `set_envelope` writes them.
    An id inside a symbol is part of the symbol. What was replaced is not looked at again.
    Raises BadXml, UnsafeXml or TooLarge; ValueError if a key of `ids` is not an id.
    """
    known = {old.lower(): new for old, new in ids.items()}
    for old in known:
        if _KEY.fullmatch(old) is None:
            raise ValueError("A component id is a GUID or a symbol that stands for one.")
    document = parse(data)
    places = Places(document)
    script_type = (document.get(document.root, "type") or "").startswith(("script", "xslt"))
    edits: list[Edit] = []
    rewrites: list[Rewrite] = []
    for value in values(document):
        if value.element is document.root and value.slot.startswith("@"):
            continue
        if value.end - value.start < _ID_LENGTH:
            continue
        found = list(_replacements(document, value, known))
        if found:
            path = places.path(value.element, value.slot)
            context = _context(value, script_type)
            for old, new, spliced in found:
                rewrites.append(Rewrite(path, old, new, context))
                edits += spliced
    return Rewritten(splice(data, edits), tuple(rewrites))


def _replacements(
    document: Document, value: Value, known: Mapping[str, str]
) -> Iterator[tuple[str, str, list[Edit]]]:
    raw = document.data[value.start : value.end]
    if b"&#" in raw or b"<" in raw:
        # An id may be spelt with character references or lie across a CDATA section's edge.
        attribute = value.slot.startswith("@")
        text, spans = (
            (raw.decode(), None)
            if value.slot == "comment()"
            else characters(raw, attribute=attribute)
        )
        if spans is None:
            spans = _plain_spans(text)
        for start, end, old, new in _find(text, known):
            first, *rest = spans[start:end]
            edits = [Edit(value.start + first[0], value.start + first[1], escape(new))]
            edits += [Edit(value.start + a, value.start + b, b"") for a, b in rest]
            yield old, new, edits
    elif _ID_BYTES.search(raw):
        # Bytes and characters agree once everything is counted in Latin-1.
        for start, end, old, new in _find(raw.decode("latin-1"), known):
            yield old, new, [Edit(value.start + start, value.start + end, escape(new))]


def _plain_spans(text: str) -> list[tuple[int, int]]:
    spans = []
    at = 0
    for character in text:
        spans.append((at, at + len(character.encode())))
        at = spans[-1][1]
    return spans


def _find(text: str, known: Mapping[str, str]) -> Iterator[tuple[int, int, str, str]]:
    """(start, end, old, new) of every known id; the leftmost of overlapping ones."""
    behind = 0
    for match in _ID.finditer(text):
        start, end = match.span(1)
        if start < behind:
            continue
        old = match[1].lower()
        if old in known:
            yield start, end, old, known[old]
            behind = end
        elif old.startswith("{"):
            behind = end


def _context(value: Value, script_type: bool) -> Context:
    name = value.element.name
    if value.slot.startswith("@"):
        # Names inside the component that happen to be an id, and what people typed.
        return "reference" if _REFERENCE.fullmatch(value.slot) else "data"
    if value.slot == "text()":
        if script_type or "script" in name.lower():
            return "script"
        if _REFERENCE_ELEMENT.fullmatch(name):
            return "reference"
    return "data"
