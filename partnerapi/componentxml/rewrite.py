"""Replace component ids, in one pass, wherever they stand.

Ids are mostly whole attribute values, but also parts of them (`EMBEDDED|chooser|GUID`,
`definedprocess.GUID@KEY`), glued to names whose first letter is a hex digit (`GUIDapiStats`), and
now and then written without hyphens; so nothing is expected before or behind them. Only ids that
are known are touched: many GUIDs are names of something else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from partnerapi.componentxml.document import (
    EMPTY,
    Document,
    Edit,
    Element,
    Value,
    characters,
    declares_namespace,
    decode,
    escape,
    text_values_of,
    values_of,
)
from partnerapi.componentxml.errors import ComponentXmlError
from partnerapi.componentxml.paths import Places, with_hyphens

Context = Literal["reference", "script", "data"]

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_BARE = r"[0-9a-f]{32}"
_SYMBOL = r"\{promotion-desk:new:(?:" + _GUID + "|" + _BARE + r")\}"
# Looking ahead, so that an unknown id does not hide a known one that begins inside it.
_ID = re.compile(rf"(?=({_SYMBOL}|{_GUID}|{_BARE}))", re.IGNORECASE)
_KEY = re.compile(rf"{_SYMBOL}|{_GUID}|{_BARE}", re.IGNORECASE)
# Every hex digit as `h`, hyphens as they are: two plain searches then find all that may be an id.
_HEX = bytes(
    ord("h") if chr(code) in "0123456789abcdefABCDEF" else code if chr(code) == "-" else 0
    for code in range(256)
)
_HYPHENED = b"-hhhh-hhhh-hhhh-"
_HEX_RUN = b"h" * 32
_ID_LENGTH = 32

_REFERENCE = re.compile(
    r"@(?:.*(?:id|ids|profile|cache|alias|connection)|parameter-profile)", re.IGNORECASE
)
_REFERENCE_ELEMENT = re.compile(r".*(?:Id|Ids|ComponentId|GUID)")


@dataclass(frozen=True)
class Rewrite:
    """One id that was replaced. `old` is in small letters and as it was spelt otherwise."""

    path: str
    old: str
    new: str
    context: Context


@dataclass(frozen=True)
class Rewritten:
    """A document with its ids replaced, and every replacement in order."""

    document: Document
    rewrites: tuple[Rewrite, ...]

    @property
    def count(self) -> int:
        """How many ids were replaced."""
        return len(self.rewrites)


def known_ids(ids: Mapping[str, str]) -> dict[str, str]:
    """The mapping by ids in small letters, with and without hyphens.

    :raises ValueError: when a key is neither a GUID nor a symbol that stands for one.
    :raises ComponentXmlError: MAPPING_AMBIGUOUS when two keys are one id in different spelling
        and lead to different ids.
    """
    known: dict[str, str] = {}
    for old, new in ids.items():
        lower = old.lower()
        if _KEY.fullmatch(lower) is None:
            raise ValueError("A component id is a GUID or a symbol that stands for one.")
        if not lower.startswith("{"):
            lower = with_hyphens(lower)
        if known.setdefault(lower, new).lower() != new.lower():
            raise ComponentXmlError(
                f"Two mappings of the id {lower} differ only in spelling and lead to "
                "different ids; remove one of them.",
                "MAPPING_AMBIGUOUS",
            )
    return known | {_bare(old): _bare(new) for old, new in known.items()}


def _bare(component_id: str) -> str:
    """An id, or the symbol for one, without hyphens."""
    if not component_id.startswith("{"):
        return component_id.replace("-", "")
    head, _, tail = component_id.rpartition(":")
    return f"{head}:{tail.replace('-', '')}"


def rewrite(document: Document, ids: Mapping[str, str]) -> Rewritten:
    """Replace every id that `ids` knows, GUIDs or symbols, however they are spelt.

    The root's attributes, which the platform makes, are left alone: `set_envelope` writes them.
    An id inside a symbol is part of the symbol. What was replaced is not looked at again.

    :raises ValueError: when a key of `ids` is not an id.
    :raises ComponentXmlError: MAPPING_AMBIGUOUS, see `known_ids`.
    """
    known = known_ids(ids)
    places = Places(document)
    script_type = (document.get(document.root, "type") or "").startswith(("script", "xslt"))
    edits: list[Edit] = []
    rewrites: list[Rewrite] = []
    for number in _elements_with_ids(document):
        element = document.element(number)
        for slot, old, new, spliced in _replaced_in(document, element, known):
            context = _context(element, slot, script_type)
            rewrites.append(Rewrite(places.path(element, slot), old, new, context))
            edits += spliced
    return Rewritten(document.edited(edits), tuple(rewrites))


def _replaced_in(
    document: Document, element: Element, known: Mapping[str, str]
) -> Iterator[tuple[str, str, str, list[Edit]]]:
    """(slot, old, new, edits) of every known id in an element."""
    tag, shape = element.tag, element.shape
    values: Iterable[Value]
    if element.number == 0:
        values = text_values_of(document, element)
    elif shape.regular and b"&#" not in tag:
        # The tag as it stands: an id cannot reach beyond the quotes of one value.
        start = element.start
        for begin, end, old, new in _find(tag.decode("latin-1"), known):
            place, inside = divmod(tag.count(b'"', 0, begin), 2)
            if inside and not declares_namespace(shape.names[place]):
                edit = Edit(start + begin, start + end, escape(new))
                yield f"@{shape.names[place]}", old, new, [edit]
        values = () if shape.mark == EMPTY else text_values_of(document, element)
    else:
        values = values_of(document, element)
    for value in values:
        if value.end - value.start >= _ID_LENGTH:
            for old, new, spliced in _replacements(document, value, known):
                yield value.slot, old, new, spliced


def component_ids(document: Document) -> frozenset[str]:
    """Every id in a document that may be a component's, in small letters and with hyphens."""
    found: set[str] = set()
    for number in _elements_with_ids(document):
        for value in values_of(document, document.element(number)):
            if number or not value.slot.startswith("@"):
                text = decode(document, value).lower()
                found.update(
                    with_hyphens(match[1])
                    for match in _ID.finditer(text)
                    if not match[1].startswith("{") and _is_whole(text, match)
                )
    return frozenset(found)


def _is_whole(text: str, match: re.Match[str]) -> bool:
    """Whether 32 hex digits are not a part of a longer number, such as a checksum."""
    if "-" in match[1]:
        return True
    start, end = match.span(1)
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    return not any(one in "0123456789abcdef" for one in around)


def _may_hold_id(raw: bytes) -> bool:
    if len(raw) < _ID_LENGTH:
        return False
    digits = raw.translate(_HEX)
    return _HYPHENED in digits or _HEX_RUN in digits or b"&#" in raw or b"<![CDATA[" in raw


def _elements_with_ids(document: Document) -> list[int]:
    """The numbers of the elements whose tag or text may hold an id, in document order."""
    digits = document.data.translate(_HEX)
    # The root's own ids, which are left alone, do not count.
    root = len(document.gaps[0]) + len(document.tags[0])
    digits = bytes(root) + digits[root:] if b"<!--" not in document.gaps[0] else digits
    found = document.elements_with(_HYPHENED, digits) | document.elements_with(_HEX_RUN, digits)
    for sign in (b"#", b"![CDATA["):
        found |= document.elements_with(sign)
    return sorted(found)


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
    elif _may_hold_id(raw):
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


def _context(element: Element, slot: str, script_type: bool) -> Context:
    name = element.name
    if slot.startswith("@"):
        # Names inside the component that happen to be an id, and what people typed.
        return "reference" if _REFERENCE.fullmatch(slot) else "data"
    if slot == "text()":
        if script_type or "script" in name.lower():
            return "script"
        if _REFERENCE_ELEMENT.fullmatch(name):
            return "reference"
    return "data"
