"""Names for places: what people read, what finds the same place in the twin, and markers.

A step is the element's name and, where it has one, the attribute that tells it from its siblings
(`field[@id="url"]`), so that a field that a developer adds in front does not move the others.
Where nothing tells siblings apart they are counted, and a place is the same one only if there are
equally many: otherwise production's value could land in somebody else's field.
"""

import hashlib
import re
from collections import Counter

from partnerapi.componentxml.document import Document, Element

MARKER = "{promotion-desk:"
_KEPT = "{promotion-desk:kept:"
_NEW = "{promotion-desk:new:"

# Attributes that tell siblings apart, the best first.
_TELLING = (
    "key",
    "id",
    "name",
    "headerName",
    "propertyKey",
    "propertyId",
    "elementToSetId",
    "toKey",
)
# Their GUIDs are names inside the component and the same in the twin; other GUIDs may be those of
# components, which differ between accounts.
_OWN_GUIDS = frozenset({"key", "propertyKey"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Whatever else such an attribute holds must not be shown: it could be a value.
_SHOWN = re.compile(r"[A-Za-z0-9_.:@ +-]{1,64}")
_TELLING_BYTES = re.compile(
    rb"\s(?:key|id|name|headerName|property(?:Key|Id)|elementToSetId|toKey)="
)


def _telling(document: Document, element: Element) -> str:
    """`[@id="url"]`, or "" if no attribute tells the element from its siblings."""
    if _TELLING_BYTES.search(document.data, element.start, element.tag_end) is None:
        return ""
    found = {
        attribute.name: attribute
        for attribute in document.attributes(element)
        if attribute.name in _TELLING
    }
    for name in _TELLING:
        if name not in found:
            continue
        value = document.value(found[name])
        guid = _GUID.search(value)
        if _SHOWN.fullmatch(value) is None or (guid and name not in _OWN_GUIDS):
            continue
        if guid is None and re.search(r"[A-Za-z0-9]{24}", value) and re.search(r"\d", value):
            continue  # might be a secret in the wrong place; never shown
        return f'[@{name}="{value}"]'
    return ""


def _steps(document: Document, parent: Element) -> list[tuple[str, int, int]]:
    """(step, ordinal, how many) of each child."""
    names = [child.name + _telling(document, child) for child in parent.children]
    totals = Counter(names)
    seen: Counter[str] = Counter()
    steps = []
    for name in names:
        seen[name] += 1
        steps.append((name, seen[name], totals[name]))
    return steps


class Places:
    """Names the places of one document; remembers what it has worked out."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._steps: dict[Element, dict[Element, tuple[str, int, int]]] = {}

    def _chain(self, element: Element) -> list[tuple[str, int, int]]:
        chain = []
        while element.parent is not None:
            parent = element.parent
            if parent not in self._steps:
                steps = _steps(self._document, parent)
                self._steps[parent] = dict(zip(parent.children, steps, strict=True))
            chain.append(self._steps[parent][element])
            element = parent
        return chain[::-1]

    def path(self, element: Element, slot: str) -> str:
        """The place as people see it, below the root element."""
        steps = [
            name + (f"[{ordinal}]" if total > 1 else "")
            for name, ordinal, total in self._chain(element)
        ]
        return "/" + "/".join([*steps, slot])

    def key(self, element: Element) -> str:
        """What an element has in common with the same element of the twin."""
        return "/".join(
            name + (f"[{ordinal}/{total}]" if total > 1 else "")
            for name, ordinal, total in self._chain(element)
        )

    def token(self, element: Element, slot: str) -> str:
        """The marker for production's value at a place: the same in both twins."""
        return kept_marker(self.key(element), slot)


def kept_marker(key: str, slot: str) -> str:
    """The marker for the place that `Places.key` and `slot` name."""
    return f"{_KEPT}{hashlib.sha256(f'{key}/{slot}'.encode()).hexdigest()[:32]}}}"


def is_kept_marker(value: str) -> bool:
    """Whether a value is nothing but a marker for production's value."""
    return re.fullmatch(re.escape(_KEPT) + r"[0-9a-f]{32}\}", value) is not None


def symbol(dev_component_id: str) -> str:
    """What stands for the id of a component that the promotion has yet to create."""
    return f"{_NEW}{dev_component_id.lower()}}}"
