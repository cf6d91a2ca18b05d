"""Where in a document something looks like a secret: everything that it says is looked at at once."""

import re
from collections.abc import Callable, Iterator, Mapping

from partnerapi.componentxml import candidates, rules, secrets
from partnerapi.componentxml.document import (
    TOGETHER,
    Document,
    Element,
    Shape,
    Value,
    decode,
    decode_attribute,
    decode_text,
    values_of,
)
from partnerapi.componentxml.vocabulary import NAMING, VALUED

# The platform's own blobs are long and random by nature.
_BLOBS = frozenset({"cookie", "CertificateData"})
_TABLE = re.compile(r"CrossRef(?:erence)?Table")
# Nothing shorter is taken for a secret.
_SHORTEST = 4
# What has none of these signs or words, and no run of letters and digits this long, holds none.
_RUN_LENGTH = 15
_SIGNS = bytes(
    ord("!")
    if chr(code) in "=:(<,@&"
    else ord("w")
    if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "+/_~.-")
    else 0
    if code == 0
    else ord(" ")
    for code in range(256)
)
_RUN = b"w" * _RUN_LENGTH
# Each with the blank beside it: most documents hold none at all.
_WORDS = (
    b"basic ",
    b"bearer ",
    b"private ",
    b"identified ",
    b"password ",
    b"pass ",
    b"pwd ",
    b" pw ",
    b"wort ",
    b"secret ",
    b"phrase ",
    b"zip -p",
)
_BLANKS = (b" ", b"\n", b"\t", b"\r")
# Small letters, and a blank for all white space.
_SMALL = bytes(ord(" ") if chr(code) in "\t\n\r\f\v" else code for code in range(256)).lower()
_BARE = tuple(trigger.encode() for trigger in secrets.BARE_TRIGGERS)

Suspect = tuple[Value, str, list[secrets.Hit]]


def suspicious(document: Document, found: Mapping[tuple[Element, str], str]) -> Iterator[Suspect]:
    """Values outside the places in `found` that hold something like a secret, with their text."""
    known = document.memory.get("suspects")
    if known is None:
        known = document.memory["suspects"] = list(_suspects(document))
    for value, text, hits in known:
        # Comments go with the text that they stand in.
        slot = "text()" if value.slot == "comment()" else value.slot
        if (value.element, slot) not in found:
            yield value, text, hits


def _suspects(document: Document) -> Iterator[Suspect]:
    zones = rules.Zones(document)
    looked_at: _LookedAt = document.shared.setdefault("looked at", _LookedAt())
    cells = _secret_cells(document)
    for number in sorted({*_elements(document, zones, looked_at), *cells}):
        element = document.element(number)
        for value in values_of(document, element):
            if number in cells and value.slot == "@value":
                text = decode(document, value)
                yield value, text, [secrets.Hit("assigned-secret", text, 0)]
                continue
            raw = document.data[value.start : value.end]
            if len(raw) < _SHORTEST or not (raw in looked_at.held or document.has_comments):
                continue
            is_random_odd = _random_strings_are_odd(element, value.slot, zones)
            text = decode(document, value)
            hits = [
                hit
                for hit in looked_at.hits(raw, text, random_strings=is_random_odd)
                if hit.rule != "random-string" or not _names_an_id(document, element, value.slot)
            ]
            if hits:
                yield value, text, hits


class _LookedAt:
    """What was found in values, so that none is searched twice."""

    def __init__(self) -> None:
        self._hits: dict[tuple[bytes, bool], list[secrets.Hit]] = {}
        self.held: set[bytes] = set()  # the raw values that hold something

    def hits(
        self, raw: bytes, text: str, *, random_strings: bool, signs: bool = True
    ) -> list[secrets.Hit]:
        """What is found in a value; whether random strings count there, and there are signs of more."""
        known = self._hits.get((raw, random_strings))
        if known is None and not random_strings and (raw, True) in self._hits:
            return [hit for hit in self._hits[raw, True] if hit.rule != "random-string"]
        if known is None:
            known = secrets.search(text, random_strings=random_strings, signs=signs)
            if len(text) >= 128:
                known += secrets.masks(text, known)
            self._hits[raw, random_strings] = known
        return known


# --- which elements to open -------------------------------------------------------------------


def _elements(document: Document, zones: rules.Zones, looked_at: _LookedAt) -> list[int]:
    """The numbers of the elements that may hold something, in document order."""
    # A profile's names may be long; only its overrides are no data.
    runs = not zones.all_data or any(
        shape.name == "processOverrides" for shape in document.distinct_shapes
    )
    found = set(candidates.masked(document))
    first = 0
    for said in document.said_by_tags:
        shapes = document.shapes[first : first + TOGETHER]
        places = _doubtful(said, decode_attribute, looked_at, runs=runs)
        if places:
            found.update(document.element_of_tag(first + at) for at in _owners(shapes, places))
        first += TOGETHER
    # Nothing but comments can stand outside the root.
    texts = document.gaps if document.has_comments else [b"", *document.gaps[1:-1]]
    distinct = list(set(texts))
    gaps: list[int] = []
    # Between most tags stands nothing, or the same.
    few = 2 * len(distinct) < len(texts)
    if not few or _doubtful(b"\0".join(distinct), decode_text, looked_at, runs=True):
        gaps = _doubtful(b"\0".join(texts), decode_text, looked_at, runs=True)
    found.update(max(document.element_of_gap(gap), 0) for gap in gaps)
    return sorted(found)


def _owners(shapes: list[Shape], places: list[int]) -> Iterator[int]:
    """Number of a value -> number of the tag that it stands in; both ascend."""
    wanted = iter(places)
    place = next(wanted)
    behind = 0
    for at, shape in enumerate(shapes):
        behind += len(shape.names)
        if behind > place:
            yield at
            while place < behind:
                following = next(wanted, None)
                if following is None:
                    return
                place = following


def _doubtful(
    said: bytes, read: Callable[[bytes], str], looked_at: _LookedAt, *, runs: bool
) -> list[int]:
    """Which of the values, by number, may hold a secret; a NUL stands between two of them."""
    signs = said.translate(_SIGNS)
    hits = set(_starts(signs, b"!"))
    if any(blank in said for blank in _BLANKS):
        small = said.translate(_SMALL)
        for word in _WORDS:
            hits.update(_starts(small, word))
    long = {start: _piece(said, start) for start in _starts(signs, _RUN)}
    if long and not runs:
        # In a profile a long name is nothing odd, but a token of a well-known service is.
        together = b"\0".join(set(long.values())).lower()
        bare = [trigger for trigger in _BARE if trigger in together]
        long = {
            start: piece
            for start, piece in long.items()
            if any(trigger in piece.lower() for trigger in bare)
        }
    hits.update(long)
    places = [
        (start, piece) for start in sorted(hits) if len(piece := _piece(said, start)) >= _SHORTEST
    ]
    if not places:
        return []
    held = set()
    for piece, more in _readable(list(dict.fromkeys(piece for _, piece in places)), runs=runs):
        # With comments, a text is read where it stands.
        if b"<" in piece or looked_at.hits(piece, read(piece), random_strings=runs, signs=more):
            held.add(piece)
    looked_at.held |= held
    found = []
    number = at = 0
    for start, piece in places:
        if piece in held:
            number += said.count(b"\0", at, start)
            at = start
            found.append(number)
    return found


def _piece(said: bytes, start: int) -> bytes:
    """The value that begins there."""
    end = said.find(b"\0", start)
    return said[start : end if end >= 0 else len(said)]


def _starts(signs: bytes, sign: bytes) -> Iterator[int]:
    """Where each value with a sign begins."""
    at = signs.find(sign)
    while at >= 0:
        yield signs.rfind(b"\0", 0, at) + 1
        behind = signs.find(b"\0", at)
        if behind < 0:
            return
        at = signs.find(sign, behind)


def _readable(pieces: list[bytes], *, runs: bool) -> Iterator[tuple[bytes, bool]]:
    """The raw values that must be read to know what they hold; whether for more than their length."""
    small = b"\0".join(pieces).lower().decode()
    triggers = [one for one in secrets.TRIGGERS if one in small]
    urls = "://" in small and "@" in small
    long = runs and any(map(_is_long, pieces))
    if not triggers and not urls and not long and "&" not in small and "<" not in small:
        return
    for piece, said in zip(pieces, small.split("\0"), strict=True):
        # What is spelt with references is read first.
        signs = "&" in said or "<" in said or (urls and "://" in said and "@" in said)
        if not signs:
            for trigger in triggers:
                if trigger in said:
                    signs = True
                    break
        if signs or (long and _is_long(piece)):
            yield piece, signs


def _is_long(raw: bytes) -> bool:
    return _RUN in raw.translate(_SIGNS)


# --- what stands around a value ---------------------------------------------------------------


def _random_strings_are_odd(element: Element, slot: str, zones: rules.Zones) -> bool:
    """Where values live: text, and attributes that hold one. Not ids, names and blobs."""
    if element.name in _BLOBS or any(
        one.name in _BLOBS for one, _ in zip(element.ancestors(), range(3), strict=False)
    ):
        return False
    zone = zones.of(element.number)
    values_live_here = not slot.startswith("@") or slot[1:] in VALUED
    return zone != "data" and (values_live_here or zone == "settings")


def _column(document: Document, element: Element) -> str:
    """The header of the column that a cell of a cross reference table stands in; "" for none."""
    index = document.get(element, "colIdx")
    if element.name != "ref" or index is None:
        return ""
    table = next((one for one in element.ancestors() if _TABLE.fullmatch(one.name)), None)
    if table is None:
        return ""
    headers: dict[int, dict[str, str]] = document.memory.setdefault("columns", {})
    if table.number not in headers:
        headers[table.number] = {
            document.get(header, "index") or str(at): document.get(header, "name")
            or document.text(header)
            for part in table.children
            if part.name == "ColumnHeaders"
            for at, header in enumerate(part.children)
        }
    return headers[table.number].get(index, "")


def _secret_cells(document: Document) -> set[int]:
    """The cells of cross reference tables that hold a secret under a header that says so.

    A column of keys or tokens is looked up; what stands under "Password" and looks like one is one.
    """
    if not any(shape.name == "columnHeader" for shape in document.distinct_shapes):
        return set()
    return {
        cell.number
        for cell in document.named("ref")
        if secrets.is_secret_of(_column(document, cell), document.get(cell, "value") or "")
    }


def _names_an_id(document: Document, element: Element, slot: str) -> bool:
    """Whether the names beside a value say that it is an id, a sheet, a search or a checksum."""
    names = [value for name, value in document.said(element) if name in NAMING]
    if not slot.startswith("@") or slot[1:] not in VALUED:
        names.append(slot[1:] if slot.startswith("@") else element.name)
    names.append(_column(document, element))
    if element.name == "staticparameter":
        for above, _ in zip(element.ancestors(), range(3), strict=False):
            names += [value for name, value in document.said(above) if name in NAMING]
    if element.name in ("defaultValue", "value", "allowedValue") and element.parent is not None:
        names += [
            document.text(sibling)
            for sibling in element.parent.children
            if sibling.name in ("label", "name", "key")
        ]
    return any(map(secrets.names_an_id, names))
