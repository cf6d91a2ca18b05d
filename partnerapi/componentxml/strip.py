"""Take secrets and environment values out of a component, and put production's own back in.

Three documents take part: the one from the dev account, its twin in production, and the plan's,
which stands between them and holds neither's values: where production has a value of its own the
plan has a marker that is derived from the place. `fill` replaces it when the document is written.
"""

import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from partnerapi.componentxml import candidates, rules, secrets
from partnerapi.componentxml.document import (
    MAX_BYTES,
    Attribute,
    Document,
    Edit,
    Element,
    Value,
    decode,
    decode_attribute,
    decode_text,
    escape,
    holds,
    prove,
    values_of,
)
from partnerapi.componentxml.errors import ComponentXmlError, UnsafeXml
from partnerapi.componentxml.overrides import NO_OVERRIDES, Overrides
from partnerapi.componentxml.paths import (
    MARKER,
    PARTS,
    Places,
    is_kept_marker,
    kept_marker,
    with_hyphens,
    without_positions,
)
from partnerapi.componentxml.rewrite import known_ids
from partnerapi.componentxml.rules import Outcome, Place
from partnerapi.componentxml.suspects import suspicious
from partnerapi.componentxml.vocabulary import MASK
from partnerapi.componentxml.xpaths import Encrypted, encrypted_entries, read

_SYMBOL = re.compile(r"\{promotion-desk:new:([^{}]*)\}")
_MARKER_BYTES = MARKER.encode()
# How a marker may begin.
_BRACE = re.compile(rb"\{|&#(?:0*123|[xX]0*7[bB]);")

# Stands for a secret that was found, in what is shown.
HIDDEN = "{promotion-desk:hidden}"


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

    document: Document
    places: tuple[Place, ...]
    findings: tuple[Finding, ...]


def strip(
    document: Document,
    *,
    production: Document | None = None,
    key: bytes = b"",
    overrides: Overrides = NO_OVERRIDES,
) -> Stripped:
    """Take every secret and environment value out of a document.

    With the `production` twin, a place that has a value there gets a marker for it (kept), and
    one whose value the platform keeps encrypted is left out, so that the platform keeps it
    (omitted). Everything else is emptied. `key` is the key of the fingerprints: without one, a
    short secret could be guessed from its fingerprint. `overrides` are a team's own rules.

    :raises UnsafeXml: when either document holds this system's own markers.
    """
    _refuse_markers(document)
    if production is not None:
        _refuse_markers(production)
    encrypted, unread = _encrypted(document)
    of_both = encrypted + (_encrypted(production)[0] if production is not None else [])
    names = Places(document)
    found: dict[tuple[Element, str], str] = {}
    left: list[Place] = []
    for target in rules.targets(document, of_both):
        if target.rule in rules.LEFT_RULES:
            left.append(Place(names.path(target.element, target.slot), target.rule, "left"))
        else:
            found[target.element, target.slot] = target.rule
    left += overrides.apply(document, names, found)
    stripping = _Stripping(document, production, found, names, key, overrides)
    stripping.add_places_of_twin()
    stripping.run()
    findings = [
        _finding(f"/encryptedValues/encryptedValue[{number}]/@path", "encrypted-path", path, key)
        for number, path in unread
    ]
    findings += [_finding(path, rule, found, key) for path, rule, found in stripping.uncertain]
    findings += _findings(document, found, names, key)
    return Stripped(
        document.edited(stripping.edits),
        (*stripping.places, *left),
        tuple(dict.fromkeys(findings)),
    )


def mask(document: Document, *, overrides: Overrides = NO_OVERRIDES) -> Document:
    """The document with every value that `strip` would keep shown as its marker.

    For showing and comparing what is in production: encrypted values are left out as `strip`
    leaves them out, so that unchanged content looks the same from both sides. Raises as `strip`.
    """
    _refuse_markers(document)
    names = Places(document)
    found = {
        (target.element, target.slot): target.rule
        for target in rules.targets(document, _encrypted(document)[0])
        if target.rule not in rules.LEFT_RULES
    }
    overrides.apply(document, names, found)
    masking = _Stripping(document, document, found, names, b"", overrides)
    masking.run()
    return document.edited(masking.edits)


def hide(document: Document) -> Document:
    """The document with everything that `strip` would report as a finding shown as `HIDDEN`.

    For what is kept and shown: a secret in a script stops a component, and must not stand in its
    difference either. Takes a stripped, masked or planned document.
    """
    edits = []
    for value, text, hits in suspicious(document, {}):
        for hit in hits:
            text = text.replace(hit.found, HIDDEN)
        edits.append(Edit(value.start, value.end, escape(text)))
    return document.edited(edits)


def hide_in_text(text: str) -> str:
    """Plain words of somebody else's, such as an error's, without the secrets that they quote."""
    for hit in secrets.search(text, random_strings=False):
        text = text.replace(hit.found, HIDDEN)
    return text


def fill(document: Document, *, production: Document | None, ids: Mapping[str, str]) -> Document:
    """Turn a planned document into the one that is written.

    Markers become the bytes that production has in those places now, and symbolic ids the ids
    that `ids` (dev id -> production id) has for them. The result is proved well-formed once more:
    a wrong splice must never leave the house.

    :raises ComponentXmlError: PLAN_STALE if production no longer has such a value or an id is
        missing, SECRET_LEFT_BEHIND if a masked secret would be written, MAPPING_AMBIGUOUS.
    """
    if production is not None:
        _refuse_markers(production)
    known = known_ids({old: new for old, new in ids.items() if new})
    nothing = {with_hyphens(old.lower()) for old, new in ids.items() if not new}
    known |= {one: "" for old in nothing for one in (old, old.replace("-", ""))}
    kept: list[tuple[Value, str]] = []
    edits: list[Edit] = []
    for number in sorted(document.elements_with(_MARKER_BYTES) | candidates.masked(document)):
        for value in values_of(document, document.element(number)):
            raw = document.data[value.start : value.end]
            if _MARKER_BYTES in raw:
                text = decode(document, value)
                if is_kept_marker(text):
                    kept.append((value, text))
                else:
                    edits.append(Edit(value.start, value.end, _with_ids(raw.decode(), known)))
            elif len(raw) >= 128 and MASK.fullmatch(decode(document, value)):
                raise ComponentXmlError(
                    "A masked secret would have been written; plan the promotion again.",
                    "SECRET_LEFT_BEHIND",
                )
    edits += _production_values(document, production, kept)
    filled = document.edited(edits)
    if holds(filled.data, _MARKER_BYTES):
        raise _stale()
    if not filled.is_proved or len(filled.data) > MAX_BYTES:
        prove(filled.data, 2 * MAX_BYTES)
    return filled


def _stale() -> ComponentXmlError:
    return ComponentXmlError(
        "The component has changed in production since it was planned; plan the promotion again.",
        "PLAN_STALE",
    )


def _refuse_markers(document: Document) -> None:
    """A document that came from the platform must not hold markers, however they are spelt."""
    data = document.data
    # Also where no value stands: in namespaces and between values.
    if holds(data, _MARKER_BYTES) or any(map(_spells_marker, _spelt_pieces(document))):
        raise UnsafeXml("The component's XML holds this system's own markers.")


def _spelt_pieces(document: Document) -> Iterator[bytes]:
    """Tags and texts with characters that may be spelt in another way than as themselves."""
    for sign in (b"&#", b"<![CDATA["):
        if holds(document.data, sign[1:]):
            yield from (piece for piece in chain(document.tags, document.gaps) if sign in piece)


def _spells_marker(piece: bytes) -> bool:
    return _BRACE.search(piece) is not None and (
        MARKER in decode_attribute(piece) or MARKER in decode_text(piece)
    )


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

    def __init__(
        self, document: Document, names: Collection[str], places: Places | None = None
    ) -> None:
        self.document = document
        self.places = places or Places(document)
        self._elements = {
            self.places.key(element): element
            for name in sorted(names)
            for element in document.named(name)
        }
        self._values_like: dict[tuple[str, str], set[str]] = {}
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
            MASK.fullmatch(self.value(element, slot)) is not None
        )

    def values_like(self, element: Element, slot: str) -> set[str]:
        """The values of this slot in all the elements that only their positions tell from this one."""
        wanted = without_positions(self.places.key(element))
        known = self._values_like.get((wanted, slot))
        if known is None:
            known = self._values_like[wanted, slot] = {
                self.value(one, slot)
                for one in self.document.named(element.name)
                if without_positions(self.places.key(one)) == wanted
            }
        return known

    def has_places_like(self, element: Element, slot: str) -> bool:
        """Whether an element of the same names all the way up has a value in this slot."""
        way = [element.name, *(one.name for one in element.ancestors())]
        return any(
            self.value(other, slot)
            and way == [other.name, *(one.name for one in other.ancestors())]
            for other in self.document.named(element.name)
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
        names: Places,
        key: bytes,
        overrides: Overrides,
    ) -> None:
        self.document = document
        self.found = found
        self.places: list[Place] = []
        self.uncertain: list[tuple[str, str, str]] = []  # path, rule, what was found
        self.edits: list[Edit] = []
        self._names = names
        self._key = key
        self._same = twin is document
        self._twin: _Twin | None = None
        self._twin_targets: dict[tuple[Element, str], str] = {}
        if twin is not None:
            if not self._same:
                twin_names = Places(twin)
                self._twin_targets = {
                    (target.element, target.slot): target.rule
                    for target in rules.targets(twin, _encrypted(twin)[0])
                    if target.rule not in rules.LEFT_RULES
                }
                overrides.apply(twin, twin_names, self._twin_targets)
            wanted = {element.name for element, _ in found}
            wanted |= {element.name for element, _ in self._twin_targets}
            self._twin = _Twin(twin, wanted, names if self._same else twin_names)

    def add_places_of_twin(self) -> None:
        """A place in production is one here, too, even if nothing here shows it.

        An empty or missing value here must not empty production's, and a value that looks
        harmless here must not replace what is a URL there.
        """
        if self._twin is None or not self._twin_targets:
            return
        names = {element.name for element, _ in self._twin_targets}
        elements = {
            self._names.key(element): element
            for name in sorted(names)
            for element in self.document.named(name)
        }
        for (target, slot), rule in self._twin_targets.items():
            element = elements.get(self._twin.places.key(target))
            if element is not None and not rules.is_variable(self.document, element):
                self.found.setdefault((element, slot), rule)

    def run(self) -> None:
        """Fill `edits` and `places`, in the document's order."""
        for (element, slot), rule in sorted(
            self.found.items(), key=lambda item: (item[0][0].number, item[0][1])
        ):
            dev_value = self._value(element, slot)
            outcome = self._one(element, slot, rule)
            if outcome is None:
                continue
            path = self._names.path(element, slot)
            hidden = outcome == "kept" and not self._same and self._hides_change(element, slot)
            said = "\0".join((path, dev_value)).encode()
            fingerprint = hmac.new(self._key, said, "sha256").hexdigest() if hidden else ""
            self.places.append(Place(path, rule, outcome, hidden, fingerprint))

    def _hides_change(self, element: Element, slot: str) -> bool:
        """Whether the dev account has another value of its own than the one that is kept."""
        twin = self._twin
        other = twin.element(self._names.key(element)) if twin is not None else None
        mine = self._value(element, slot)
        if twin is None or other is None or not mine or MASK.fullmatch(mine):
            return False
        return mine != twin.value(other, slot)

    def _one(self, element: Element, slot: str, rule: str) -> Outcome | None:
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
                if self._is_certain(element, other, slot):
                    self._keep(element, other, slot)
                    return "kept"
                self._tell_uncertain(element, slot, "uncertain-place")
            elif not twin.has(other, slot) and self._attribute(element, slot) is not None:
                # Production's own "nothing" is kept as it is: no attribute.
                empty = not self._value(element, slot)
                self._omit(element, slot)
                return None if empty else "emptied"
        elif twin is not None and self._is_lost_among_siblings(element, slot):
            self._tell_uncertain(element, slot, "uncertain-place")
        if not self._value(element, slot):
            return None
        self._put(element, slot, b"")
        return "emptied"

    def _keep(self, element: Element, other: Element, slot: str) -> None:
        """Put a marker where production has a value of its own.

        What is no place in production, such as a path where the dev account has a URL, may be
        seen: it is written out, so that both sides look the same.
        """
        twin = self._twin
        if twin is None or self._same or (other, slot) in self._twin_targets:
            self._put(element, slot, kept_marker(self._names.key(element), slot).encode())
            return
        attribute = self._attribute(element, slot)
        quote = b'"' if attribute is None else self.document.data[attribute.end : attribute.end + 1]
        self._put(element, slot, twin.raw(other, slot, quote))

    def _is_certain(self, element: Element, other: Element, slot: str) -> bool:
        """Whether production's value belongs here; it does if nobody could tell the difference."""
        if self._same or self._names.is_certain(element):
            return True
        twin = self._twin
        if twin is None:
            return False
        is_the_same = self._value(element, slot) == twin.value(other, slot)
        return is_the_same or len(twin.values_like(other, slot)) == 1

    def _is_lost_among_siblings(self, element: Element, slot: str) -> bool:
        """Whether production has such places beside, and none of them is this one for certain.

        A new field or header is no such place; a new choice of a list is, and one of several
        rows without names.
        """
        if self._twin is None or not self._value(element, slot):
            return False
        list_of_parts = _list_of_parts(element)
        if list_of_parts is not None:
            return self._has_parts(list_of_parts)
        if self._names.is_certain(element) and not _is_choice(element):
            return False
        return self._twin.has_places_like(element, slot)

    def _has_parts(self, list_of_parts: Element) -> bool:
        """Whether production's list of the same name holds a value of its own, in whichever part."""
        return self._names.key(list_of_parts) in self._lists_of_twin

    @cached_property
    def _lists_of_twin(self) -> set[str]:
        """The keys of production's lists of parts that hold a value of its own."""
        lists = (_list_of_parts(target) for target, _ in self._twin_targets)
        return {self._twin.places.key(one) for one in lists if self._twin and one is not None}

    def _tell_uncertain(self, element: Element, slot: str, rule: str) -> None:
        path = self._names.path(element, slot)
        self.uncertain.append((path, rule, self._value(element, slot)))

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
        elif element.has_children:
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
            end = element.tag_end if element.has_children else element.close
            self.edits.append(Edit(element.tag_end, end, new))


def _list_of_parts(element: Element) -> Element | None:
    """The list that an element is a part of, where parts are told by their order."""
    for one in (element, *element.ancestors()):
        if one.name in PARTS:
            return one.parent
    return None


def _is_choice(element: Element) -> bool:
    """Whether an element is one of the values that a property allows."""
    return any(one.name == "allowedValue" for one in (element, *element.ancestors()))


def _findings(
    document: Document, found: Mapping[tuple[Element, str], str], places: Places, key: bytes
) -> Iterator[Finding]:
    """What looks like a secret outside the places that were stripped."""
    for value, _, hits in suspicious(document, found):
        for hit in hits:
            yield _finding(places.path(value.element, value.slot), hit.rule, hit.found, key)


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
        for name, wanted in slots.items()
        for element in twin.named(name)
        for slot in wanted
    }
    for value, marker in kept:
        if marker not in by_marker:
            raise _stale()
        element, slot = by_marker[marker]
        if asked.is_encrypted(element, slot) or not asked.value(element, slot):
            raise _stale()
        quote = document.data[value.start - 1 : value.start]
        yield Edit(value.start, value.end, asked.raw(element, slot, quote))
