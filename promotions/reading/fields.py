"""Everything that is neither process, map nor profile: its parts, each with its fields."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .compare import compare, match
from .model import ADDED, CHANGED, REMOVED, Change, Entry
from .tree import Node
from .words import Names, capital, shortened, words

# What a component of a type consists of; everything else is compared field by field.
PARTS = {
    "crossref": ("row", "column", "columnHeader"),
    "documentcache": ("Index",),
    "processproperty": ("definedProcessProperty",),
    "processroute": ("processEntry",),
    "webservice": ("route",),
}
OPERATION_PARTS = ("field", "ConnectorField", "Field", "element", "header")
KNOWN = (
    "connector-action",
    "connector-settings",
    "crossref",
    "customlibrary",
    "documentcache",
    "flowservice",
    "processproperty",
    "processroute",
    "queue",
    "script.mapping",
    "script.processing",
    "tporganization",
    "transform.function",
    "webservice",
)
CALLED = {
    "ConnectorField": "Field",
    "columnHeader": "Column",
    "definedProcessProperty": "Process property",
    "element": "Path element",
    "processEntry": "Route",
}


@dataclass
class Compared:
    entries: list[Entry]
    outside: list[Change]
    topics: Counter[str] = field(default_factory=Counter)


def is_known(component_type: str) -> bool:
    return component_type in KNOWN


def compare_fields(
    old: Node | None, new: Node | None, component_type: str, names: Names
) -> Compared:
    """Compare what stands under ``object`` of two components of one type."""
    tags = PARTS.get(component_type, ())
    if component_type == "connector-action":
        tags = OPERATION_PARTS
    parts = [_parts(root, tags) for root in (old, new)]
    rests = [_without(root, tags) for root in (old, new)]
    compared = Compared([], [])
    identify = _row if component_type == "crossref" else _part
    pairs, order = match(parts[0], parts[1], identify)
    for one, other in pairs:
        node = other or one or Node("", {}, "", [])
        changes = compare(one, other, names)
        if not changes:
            continue
        mark = ADDED if one is None else REMOVED if other is None else CHANGED
        kind = CALLED.get(node.tag, capital(words(node.tag)))
        number = len(compared.entries) + 1
        compared.entries.append(Entry(number, mark, kind, names.say(_title(node)), changes))
        compared.topics[f"{kind.lower()} {mark}"] += 1
    compared.outside = compare(rests[0], rests[1], names)
    if order:
        said = [", ".join(_title(node) for node in side) for side in order]
        compared.outside.append(Change("order", said[0], said[1]))
    return compared


def _parts(root: Node | None, tags: tuple[str, ...]) -> list[Node]:
    if root is None or not tags:
        return []
    found: list[Node] = []
    todo = [root]
    while todo:
        node = todo.pop()
        if node.tag in tags:
            found.append(node)
        else:
            todo.extend(reversed(node.children))
    return found


def _without(root: Node | None, tags: tuple[str, ...]) -> Node | None:
    if root is None or not tags:
        return root
    children = [_without(child, tags) for child in root.children if child.tag not in tags]
    return Node(root.tag, root.attributes, root.text, [child for child in children if child])


def _row(node: Node) -> tuple[str, str]:
    """A row is known by its first value, as people look it up."""
    if node.tag != "row":
        return _part(node)
    first = next((child.get("value") for child in node.children if child.get("value")), "")
    return "row", first


def _part(node: Node) -> tuple[str, str]:
    for name in ("key", "id", "name", "index", "objectName", "processId"):
        if node.get(name):
            return node.tag, f"{name}={node.get(name)}"
    return node.tag, ""


def _title(node: Node) -> str:
    label = node.child("label")
    if label is not None and label.text:
        return label.text
    if node.tag == "row":
        return shortened(" | ".join(child.get("value") for child in node.children), 80)
    for name in ("label", "name", "id", "objectName", "headerName", "processId", "key"):
        if node.get(name):
            return node.get(name)
    return ""
