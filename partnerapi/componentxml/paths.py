"""Names for places: what people read, what finds the same place in the twin, and markers.

A step is the element's name and, where it has one, the attribute that tells it from its siblings
(`field[@id="url"]`, `header[@headerName="Accept"]`), so that a field that a developer adds in
front does not move the others. What only counts rows, as `key` does in lists of headers, tells
nothing. Where nothing tells siblings apart their identity is uncertain, and no value of
production's is put there: it could land in somebody else's field.
"""

import hashlib
import re
from collections import Counter
from functools import cached_property
from typing import NamedTuple

from partnerapi.componentxml.document import OPEN, Document, Element, decode_attribute

MARKER = "{promotion-desk:"
_KEPT = "{promotion-desk:kept:"
_NEW = "{promotion-desk:new:"

# Attributes that tell siblings apart, the best first. A number tells less than any name: it may
# count rows.
_TELLING = (
    "headerName",
    "header",
    "childKey",
    "id",
    "propertyKey",
    "propertyId",
    "name",
    "paramName",
    "parameterName",
    "fieldName",
    "title",
    "key",
    "elementToSetId",
    "toKey",
    "processproperty",
)
# Rows that are numbered by `key`; a new row moves the numbers.
_NUMBERED = frozenset({"header", "parametervalue"})
# Parts of one composed value: their order is their meaning.
PARTS = frozenset({"parametervalue"})
# Told apart by what stands in an element inside.
_LABELLED = frozenset({"allowedValue"})
# Their GUIDs are names inside the component and the same in the twin; other GUIDs may be those of
# components, which differ between accounts.
_OWN_GUIDS = frozenset({"key", "propertyKey"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SYMBOL = re.compile(r"\{promotion-desk:new:([0-9a-f]{32}|[0-9a-f-]{36})\}")
# Whatever else such an attribute holds must not be shown: it could be a value.
_SHOWN = re.compile(r"[\w.:@ +-]{1,64}")
_NUMBER = re.compile(r'\[@(?:id|key)="\s*\d+\s*"\]')
_LONG_RUN = re.compile(r"[A-Za-z0-9]{24}")


_POSITION = re.compile(r'\[\d+/\d+\]|\[@(?:id|key)="\s*\d+\s*"\]')
# Their names mean the same in capitals.
_ANY_CASE = re.compile(r'\[@(?:headerName|header|childKey)="[^"]*"\]')
# Elements whose text tells the element that they stand in.
_LABELS = frozenset({"name", "key", "label", "headerName", "paramName", "fieldName"})


class _Step(NamedTuple):
    shown: str  # with the number of the sibling where there are several of the name
    key: str  # what the same element of the twin has in common
    is_certain: bool  # whether more than its number tells it from its siblings


def _fit(name: str, value: str) -> bool:
    guid = _GUID.search(value)
    if _SHOWN.fullmatch(value) is None or (guid and name not in _OWN_GUIDS):
        return False
    # Might be a secret in the wrong place; never shown.
    return bool(guid) or not (_LONG_RUN.search(value) and re.search(r"\d", value))


def _only_numbered(telling: list[str]) -> bool:
    """Whether nothing but a number tells an element, which may count rows."""
    return bool(telling) and _NUMBER.fullmatch(telling[0]) is not None


class Places:
    """Names the places of one document; remembers what it has worked out."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._steps: dict[int, _Step] = {}
        self._by_name: dict[int, dict[str, list[int]]] = {}  # of each parent's children
        self._marks: dict[int, str] = {}
        self._marks_of: dict[str, str] = {}
        self._ways: dict[int, _Step] = {0: _Step("", "", True)}
        self._tellings: dict[bytes, list[str]] = {}

    @cached_property
    def _labels(self) -> dict[int, Element]:
        """Element number -> the first element in it whose text is its name."""
        document = self._document
        found: dict[int, Element] = {}
        for number in document.numbers(lambda one: one.mark == OPEN and one.name in _LABELS):
            parent = document.parent_of[number]
            if parent > 0:
                found.setdefault(parent, document.element(number))
        return found

    def _telling(self, element: Element) -> list[str]:
        """`[@id="url"]` and what else tells the element from its siblings, the best first."""
        found = self._tellings.get(element.tag)
        if found is None:
            found = []
            if not set(element.shape.names).isdisjoint(_TELLING):
                names, values = element.shape.names, element.shape.values(element.tag)
                numbers: list[str] = []
                for name in _TELLING:
                    if name in names and not (name == "key" and element.name in _NUMBERED):
                        said = decode_attribute(values[names.index(name)])
                        if _fit(name, said):
                            told = numbers if said.strip().isdecimal() else found
                            told.append(f'[@{name}="{said}"]')
                found += numbers
            self._tellings[element.tag] = found
        if (not found or _only_numbered(found)) and element.number in self._labels:
            label = self._labels[element.number]
            said = self._document.text(label).strip()
            if _fit(label.name, said) and not said.isdecimal():
                return [f'[{label.name}="{said}"]', *found]
        if element.name in _LABELLED:
            labels = [
                self._document.text(child).strip()
                for child in element.children
                if child.name == "label"
            ] or [self._document.get(element, "label") or ""]
            return [f'[label="{labels[0]}"]'] if _fit("label", labels[0]) else []
        return found

    def _name_siblings(self, number: int, parent: int) -> None:
        """Name an element and its siblings of the same name; the others have nothing to do with it."""
        document = self._document
        shapes, tag_of, after = document.shapes, document.tag_of, document.after
        by_name = self._by_name.get(parent)
        if by_name is None:
            by_name = self._by_name[parent] = {}
            at, end = parent + 1, after[parent]
            while at < end:
                by_name.setdefault(shapes[tag_of[at]].name, []).append(at)
                at = after[at]
        children = list(map(document.element, by_name[shapes[tag_of[number]].name]))
        if len(children) == 1:
            # Nothing to be told from.
            telling = self._telling(children[0])
            name = children[0].name + (telling[0] if telling else "")
            self._steps[number] = _Step(name, _in_any_case(name), True)
            return
        tellings = [self._telling(child) for child in children]
        names = [
            child.name + (telling[0] if telling else "")
            for child, telling in zip(children, tellings, strict=True)
        ]
        totals = Counter(names)
        for at, telling in enumerate(tellings):
            # Functions of a map share their names and differ in their keys.
            if totals[names[at]] > 1 and len(telling) > 1:
                names[at] += "".join(telling[1:])
        totals = Counter(names)
        parts = "+".join(
            self._document.get(child, "valueType") or ""
            for child in children
            if child.name in PARTS
        )
        seen: Counter[str] = Counter()
        keys = [
            _in_any_case(name)
            if totals[name] == 1
            else f"{name}({parts if child.name in PARTS else self._structure(child)})"
            for child, name in zip(children, names, strict=True)
        ]
        key_totals, keys_seen = Counter(keys), Counter[str]()
        for child, telling, name, key in zip(children, tellings, names, keys, strict=True):
            seen[name] += 1
            keys_seen[key] += 1
            total = key_totals[key]
            self._steps[child.number] = _Step(
                f"{name}[{seen[name]}]" if totals[name] > 1 else name,
                f"{key}[{keys_seen[key]}/{total}]" if total > 1 else key,
                (total == 1 and not (len(children) > 1 and _only_numbered(telling)))
                or child.name in PARTS,
            )

    def _structure(self, element: Element) -> str:
        """A mark of the names in an element: tells siblings apart that have no name themselves."""
        document = self._document
        first, end = element.number, document.after[element.number]
        marks, parent_of = self._marks, document.parent_of
        if first not in marks:
            inside: dict[int, list[str]] = {}
            for number in range(end - 1, first - 1, -1):
                one = document.element(number)
                said = "".join((one.name, *self._telling(one), *sorted(inside.pop(number, []))))
                mark = self._marks_of.get(said)
                if mark is None:
                    mark = hashlib.sha256(said.encode()).hexdigest()[:12]
                    self._marks_of[said] = mark
                marks[number] = mark
                inside.setdefault(parent_of[number], []).append(marks[number])
        return marks[first]

    def _step(self, number: int) -> _Step:
        known = self._steps.get(number)
        if known is None:
            self._name_siblings(number, self._document.parent_of[number])
            known = self._steps[number]
        return known

    def _way(self, number: int) -> _Step:
        """The way from the root to an element as one step; what leads to it is remembered."""
        parent_of, ways = self._document.parent_of, self._ways
        ahead = []
        while number not in ways:
            ahead.append(number)
            number = parent_of[number]
        way = ways[number]
        while ahead:
            number = ahead.pop()
            step = self._step(number)
            way = _Step(
                f"{way.shown}/{step.shown}",
                f"{way.key}/{step.key}" if way.key else step.key,
                way.is_certain and step.is_certain,
            )
            if ahead:
                ways[number] = way
        return way

    def path(self, element: Element, slot: str) -> str:
        """The place as people see it, below the root element."""
        return f"{self._way(element.number).shown}/{slot}"

    def key(self, element: Element) -> str:
        """What an element has in common with the same element of the twin."""
        return self._way(element.number).key

    def is_certain(self, element: Element) -> bool:
        """Whether more than its position tells the element from others."""
        return self._way(element.number).is_certain

    def token(self, element: Element, slot: str) -> str:
        """The marker for production's value at a place: the same in both twins."""
        return kept_marker(self.key(element), slot)


def kept_marker(key: str, slot: str) -> str:
    """The marker for the place that `Places.key` and `slot` name."""
    return f"{_KEPT}{hashlib.sha256(f'{key}/{slot}'.encode()).hexdigest()[:32]}}}"


def _in_any_case(name: str) -> str:
    return _ANY_CASE.sub(lambda match: match[0].casefold(), name) if "[@" in name else name


def without_positions(key: str) -> str:
    """A key without the numbers that tell one of several alike from the others."""
    return _POSITION.sub("", key)


def is_kept_marker(value: str) -> bool:
    """Whether a value is nothing but a marker for production's value."""
    return re.fullmatch(re.escape(_KEPT) + r"[0-9a-f]{32}\}", value) is not None


def symbol(dev_component_id: str) -> str:
    """What stands for the id of a component that the promotion has yet to create."""
    return f"{_NEW}{dev_component_id.lower()}}}"


def symbols(document: Document) -> frozenset[str]:
    """The dev ids, with hyphens, of the components that symbols in a document stand for."""
    if MARKER.encode() not in document.data:
        return frozenset()
    found = _SYMBOL.findall(document.data.decode())
    return frozenset(with_hyphens(one) for one in found)


def with_hyphens(component_id: str) -> str:
    """A component id in its usual spelling; 32 hex digits mean the same."""
    if len(component_id) != 32:
        return component_id
    return "-".join(
        (
            component_id[:8],
            component_id[8:12],
            component_id[12:16],
            component_id[16:20],
            component_id[20:],
        )
    )
