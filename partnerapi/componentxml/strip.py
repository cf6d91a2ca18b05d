"""Take secrets and environment values out of a component, and put production's own back in.

Three documents take part: the one from the dev account, its twin in production, and the plan's,
which stands between them and holds neither's values: where production has a value of its own the
plan has a marker that is derived from the place. `fill` replaces it when the document is written.
"""

import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from partnerapi.componentxml import rules, secrets
from partnerapi.componentxml.document import (
    MAX_BYTES,
    Attribute,
    Document,
    Edit,
    Element,
    Value,
    decode,
    escape,
    parse,
    splice,
    values,
)
from partnerapi.componentxml.errors import ComponentXmlError, UnsafeXml
from partnerapi.componentxml.paths import MARKER, Places, is_kept_marker, kept_marker
from partnerapi.componentxml.xpaths import Encrypted, encrypted_entries, read

Outcome = Literal["emptied", "kept", "omitted"]

_SYMBOL = re.compile(r"\{promotion-desk:new:([^{}]*)\}")
_MARKER_BYTES = MARKER.encode()
# The platform's own blobs are long and random by nature.
_BLOBS = frozenset({"cookie", "CertificateData"})


# Stands for a secret that was found, in what is shown.
HIDDEN = "{promotion-desk:hidden}"
# Nothing shorter is taken for a secret.
_SHORTEST = 4


@dataclass(frozen=True)
class Place:
    """Where something was taken out, and by which rule. Never what."""

    path: str
    rule: str
    outcome: Outcome


@dataclass(frozen=True)
class Finding:
    """Something that looks like a secret and was not taken out.

    `fingerprint` changes with the value, so that accepting one finding accepts no other.
    """

    path: str
    rule: str
    message: str
    fingerprint: str


@dataclass(frozen=True)
class Stripped:
    """A document without secrets and environment values, and what was done to it."""

    xml: bytes
    places: tuple[Place, ...]
    findings: tuple[Finding, ...]


def strip(
    data: bytes,
    *,
    production: bytes | None = None,
    key: bytes = b"",
    max_bytes: int = MAX_BYTES,
) -> Stripped:
    """Take every secret and environment value out of `data`.

    With the XML of the `production` twin, a place that has a value there gets a marker for it
    (kept), and one whose value the platform keeps encrypted is left out, so that the platform
    keeps it (omitted). Everything else is emptied. `key` is the key of the findings'
    fingerprints: without one, a short secret could be guessed from its fingerprint.

    Raises BadXml, UnsafeXml or TooLarge, for either document.
    """
    document = _parse_source(data, max_bytes)
    twin = None if production is None else _parse_source(production, max_bytes)
    encrypted, unread = _encrypted(document)
    found: dict[tuple[Element, str], str] = {}
    for target in rules.targets(document, encrypted + (_encrypted(twin)[0] if twin else [])):
        found[target.element, target.slot] = target.rule
    stripping = _Stripping(document, twin, found)
    if twin is not None:
        stripping.add_places_of_twin()
    stripping.run()
    findings = [
        _finding(f"/encryptedValues/encryptedValue[{number}]/@path", "encrypted-path", path, key)
        for number, path in unread
    ]
    findings += _findings(document, found, key)
    return Stripped(
        splice(data, stripping.edits),
        tuple(stripping.places),
        tuple(dict.fromkeys(findings)),
    )


def mask(data: bytes) -> bytes:
    """The document with every value that `strip` would keep shown as its marker.

    For showing and comparing what is in production: encrypted values are left out as `strip`
    leaves them out, so that unchanged content looks the same from both sides. Raises as `strip`.
    """
    document = _parse_source(data)
    found = {
        (target.element, target.slot): target.rule
        for target in rules.targets(document, _encrypted(document)[0])
    }
    masking = _Stripping(document, document, found)
    masking.run()
    return splice(data, masking.edits)


def hide(data: bytes) -> bytes:
    """The document with everything that `strip` would report as a finding shown as `HIDDEN`.

    For what is kept and shown: a secret in a script stops a component, and must not stand in its
    difference either. Takes a stripped, masked or planned document. Raises as `strip`.
    """
    document = parse(data)
    edits = []
    for value, text, hits in _suspicious(document, {}):
        for hit in hits:
            text = text.replace(hit.found, HIDDEN)
        edits.append(Edit(value.start, value.end, escape(text)))
    return splice(data, edits)


def hide_in_text(text: str) -> str:
    """Plain words of somebody else's, such as an error's, without the secrets that they quote."""
    for hit in secrets.search(text, random_strings=False):
        text = text.replace(hit.found, HIDDEN)
    return text


def environment_places(data: bytes) -> tuple[Place, ...]:
    """The places of a document that hold a secret or an environment value. Raises as `strip`."""
    return strip(data).places


def fill(xml: bytes, *, production: bytes | None, ids: Mapping[str, str]) -> bytes:
    """Turn a planned document into the one that is written.

    Markers become the bytes that production has in those places now, and symbolic ids the ids
    that `ids` (dev id -> production id) has for them. Raises ComponentXmlError with the code
    PLAN_STALE if production no longer has such a value or an id is missing, with
    SECRET_LEFT_BEHIND if a masked secret would be written, and as `strip` for bad XML.
    """
    document = parse(xml)
    twin = None if production is None else _parse_source(production)
    known = {old.lower(): new for old, new in ids.items()}
    kept: list[tuple[Value, str]] = []
    edits: list[Edit] = []
    for value in values(document):
        raw = xml[value.start : value.end]
        if _MARKER_BYTES in raw:
            text = decode(document, value)
            if is_kept_marker(text):
                kept.append((value, text))
            else:
                edits.append(Edit(value.start, value.end, _with_ids(raw.decode(), known)))
        elif len(raw) >= 128 and rules.MASK.fullmatch(decode(document, value)):
            raise ComponentXmlError(
                "A masked secret would have been written; plan the promotion again.",
                "SECRET_LEFT_BEHIND",
            )
    edits += _production_values(document, twin, kept)
    filled = splice(xml, edits)
    # What goes to production is read once more: a wrong splice must never leave the house.
    parse(filled, max_bytes=2 * MAX_BYTES)
    if _MARKER_BYTES in filled:
        raise _stale()
    return filled


def _stale() -> ComponentXmlError:
    return ComponentXmlError(
        "The component has changed in production since it was planned; plan the promotion again.",
        "PLAN_STALE",
    )


def _parse_source(data: bytes, max_bytes: int = MAX_BYTES) -> Document:
    """Parse a document that came from the platform and so must not hold markers."""
    document = parse(data, max_bytes=max_bytes)
    if b"promotion-desk" in data or b"&#" in data or b"<![CDATA[" in data:
        for value in values(document):
            raw = data[value.start : value.end]
            if (b"{" in raw or b"&#" in raw) and MARKER in decode(document, value):
                raise UnsafeXml("The component's XML holds this system's own markers.")
        # Also where no value stands: in namespaces and between values.
        if _MARKER_BYTES in data:
            raise UnsafeXml("The component's XML holds this system's own markers.")
    return document


def _encrypted(document: Document) -> tuple[list[Encrypted], list[tuple[int, str]]]:
    """The platform's paths that are understood, and (number, path) of those that are not."""
    understood: list[Encrypted] = []
    unread: list[tuple[int, str]] = []
    for number, (path, is_set) in enumerate(encrypted_entries(document), start=1):
        one = read(path, is_set)
        if one is not None:
            understood += one
        elif is_set:
            unread.append((number, path))
    return understood, unread


class _Twin:
    """The production document, asked by the keys of places."""

    def __init__(self, document: Document, names: Collection[str]) -> None:
        self.document = document
        self.places = Places(document)
        self._elements = {
            self.places.key(element): element
            for element in document.elements
            if element.name in names
        }
        self._kept_by_platform = {
            (element, slot)
            for path in _encrypted(document)[0]
            if path.is_set
            for element in path.elements(document)
            for slot in rules.slots_of(document, element, path)
        }

    def element(self, key: str) -> Element | None:
        return self._elements.get(key)

    def has(self, element: Element, slot: str) -> bool:
        """Whether the slot is there at all; text always is."""
        return slot == "text()" or self.document.attribute(element, slot[1:]) is not None

    def value(self, element: Element, slot: str) -> str:
        if slot == "text()":
            return self.document.text(element).strip()
        return (self.document.get(element, slot[1:]) or "").strip()

    def is_encrypted(self, element: Element, slot: str) -> bool:
        """Whether the platform holds the value and never gives it away."""
        return (element, slot) in self._kept_by_platform or (
            rules.MASK.fullmatch(self.value(element, slot)) is not None
        )

    def raw(self, element: Element, slot: str, quote: bytes) -> bytes:
        """The value's own bytes, fit to stand in `quote` if it is an attribute's."""
        data = self.document.data
        if slot == "text()":
            return b"".join(data[start:end] for start, end in element.texts)
        attribute = self.document.attribute(element, slot[1:])
        if attribute is None:
            return b""
        escaped = b"&quot;" if quote == b'"' else b"&apos;"
        return data[attribute.start : attribute.end].replace(quote, escaped)


class _Stripping:
    """Works out the edits for the places in `found`; `twin` says what to put there."""

    def __init__(
        self,
        document: Document,
        twin: Document | None,
        found: dict[tuple[Element, str], str],
    ) -> None:
        self.document = document
        self.found = found
        self.places: list[Place] = []
        self.edits: list[Edit] = []
        self._names = Places(document)
        self._twin: _Twin | None = None
        if twin is not None:
            self._twin_targets = list(rules.targets(twin, _encrypted(twin)[0]))
            wanted = {element.name for element, _ in found}
            wanted |= {target.element.name for target in self._twin_targets}
            self._twin = _Twin(twin, wanted)

    def add_places_of_twin(self) -> None:
        """A place in production is one here, too, even if nothing here shows it.

        An empty or missing value here must not empty production's, and a value that looks
        harmless here must not replace what is a URL there.
        """
        if self._twin is None:
            return
        names = {target.element.name for target in self._twin_targets}
        elements = {
            self._names.key(element): element
            for element in self.document.elements
            if element.name in names
        }
        for target in self._twin_targets:
            element = elements.get(self._twin.places.key(target.element))
            if element is not None and not rules.is_variable(self.document, element):
                self.found.setdefault((element, target.slot), target.rule)

    def run(self) -> None:
        """Fill `edits` and `places`, in the document's order."""
        for (element, slot), rule in sorted(
            self.found.items(), key=lambda item: (item[0][0].start, item[0][1])
        ):
            outcome = self._one(element, slot)
            if outcome is not None:
                self.places.append(Place(self._names.path(element, slot), rule, outcome))

    def _one(self, element: Element, slot: str) -> Outcome | None:
        key = self._names.key(element)
        twin = self._twin
        other = twin.element(key) if twin is not None else None
        # The name of a variable is no value to be kept.
        if twin is not None and other is not None and rules.is_variable(twin.document, other):
            other = None
        if twin is not None and other is not None:
            if twin.is_encrypted(other, slot):
                self._omit(element, slot)
                return "omitted"
            if twin.value(other, slot):
                self._put(element, slot, kept_marker(key, slot).encode())
                return "kept"
            if not twin.has(other, slot) and self._attribute(element, slot) is not None:
                # Production's own "nothing" is kept as it is: no attribute.
                empty = not self._value(element, slot)
                self._omit(element, slot)
                return None if empty else "emptied"
        if not self._value(element, slot):
            return None
        self._put(element, slot, b"")
        return "emptied"

    def _attribute(self, element: Element, slot: str) -> Attribute | None:
        return None if slot == "text()" else self.document.attribute(element, slot[1:])

    def _value(self, element: Element, slot: str) -> str:
        if slot == "text()":
            return self.document.text(element).strip()
        return (self.document.get(element, slot[1:]) or "").strip()

    def _omit(self, element: Element, slot: str) -> None:
        """Leave the attribute out; for text the element, because an empty one means "clear"."""
        if slot != "text()":
            attribute = self._attribute(element, slot)
            if attribute is not None:
                self.edits.append(Edit(attribute.outer_start, attribute.end + 1, b""))
        elif element.children:
            self._put(element, slot, b"")
        else:
            self.edits.append(Edit(element.start, element.end, b""))

    def _put(self, element: Element, slot: str, new: bytes) -> None:
        """Make `new` the value, whether or not there is one yet."""
        if slot == "text()":
            self._put_text(element, new)
            return
        attribute = self._attribute(element, slot)
        if attribute is not None:
            self.edits.append(Edit(attribute.start, attribute.end, new))
        elif new:
            attributes = self.document.attributes(element)
            name = self.document.qualified_name(element)
            at = attributes[-1].end + 1 if attributes else element.start + 1 + len(name)
            self.edits.append(Edit(at, at, b' %s="%s"' % (slot[1:].encode(), new)))

    def _put_text(self, element: Element, new: bytes) -> None:
        for number, (start, end) in enumerate(element.texts):
            self.edits.append(Edit(start, end, b"" if number else new))
        if element.texts or not new:
            return
        if element.self_closing:
            name = self.document.qualified_name(element)
            self.edits.append(Edit(element.end - 2, element.end, b">%s</%s>" % (new, name)))
        else:
            # White space alone is no value; the new one takes its place.
            end = element.tag_end if element.children else element.close
            self.edits.append(Edit(element.tag_end, end, new))


def _findings(
    document: Document, found: Mapping[tuple[Element, str], str], key: bytes
) -> Iterator[Finding]:
    """What looks like a secret outside the places that were stripped."""
    places = Places(document)
    for value, _, hits in _suspicious(document, found):
        for hit in hits:
            yield _finding(places.path(value.element, value.slot), hit.rule, hit.found, key)


def _suspicious(
    document: Document, found: Mapping[tuple[Element, str], str]
) -> Iterator[tuple[Value, str, list[secrets.Hit]]]:
    """Values outside the places in `found` that hold something like a secret, with their text."""
    zones = dict(rules.zoned(document))
    for value in values(document):
        element, slot = value.element, value.slot
        # Comments go with the text that they stand in.
        if (element, "text()" if slot == "comment()" else slot) in found:
            continue
        text = decode(document, value)
        if len(text) < _SHORTEST:
            continue
        # Where values live: text, and attributes that hold one. Not ids, names and blobs.
        values_live_here = not slot.startswith("@") or slot[1:] in rules.VALUED
        random = (
            zones[element] != "data"
            and element.name not in _BLOBS
            and (values_live_here or zones[element] == "settings")
        )
        hits = secrets.search(text, random_strings=random)
        if len(text) >= 128:
            hits += secrets.masks(text, hits)
        if hits:
            yield value, text, hits


def _finding(path: str, rule: str, found: str, key: bytes) -> Finding:
    said = "\0".join((path, rule, found)).encode()
    return Finding(path, rule, secrets.MESSAGES[rule], hmac.new(key, said, "sha256").hexdigest())


def _with_ids(raw: str, known: Mapping[str, str]) -> bytes:
    def one(match: re.Match[str]) -> str:
        new = known.get(match[1].lower())
        if new is None:
            raise _stale()
        return escape(new).decode()

    return _SYMBOL.sub(one, raw).encode()


def _production_values(
    document: Document, twin: Document | None, kept: Iterable[tuple[Value, str]]
) -> Iterator[Edit]:
    """The edits that put production's values in the places of their markers."""
    kept = list(kept)
    if not kept:
        return
    if twin is None:
        raise _stale()
    asked = _Twin(twin, {value.element.name for value, _ in kept})
    slots: dict[str, set[str]] = {}
    for value, _ in kept:
        slots.setdefault(value.element.name, set()).add(value.slot)
    by_marker = {
        asked.places.token(element, slot): (element, slot)
        for element in twin.elements
        for slot in slots.get(element.name, ())
    }
    for value, marker in kept:
        if marker not in by_marker:
            raise _stale()
        element, slot = by_marker[marker]
        if asked.is_encrypted(element, slot) or not asked.value(element, slot):
            raise _stale()
        quote = document.data[value.start - 1 : value.start]
        yield Edit(value.start, value.end, asked.raw(element, slot, quote))


__all__ = [
    "HIDDEN",
    "Finding",
    "Place",
    "Stripped",
    "environment_places",
    "fill",
    "hide",
    "mask",
    "strip",
]
