"""Profiles: a tree of elements with what was added, removed, retyped and made mandatory."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from .compare import compare, value
from .model import ADDED, CHANGED, REMOVED, SAME, Change, Entry, Line, Reading
from .tree import Node
from .words import Names, count, listed, words

MOST_LINES = 600


@dataclass
class Element:
    """An element of a profile: what it says of itself, and the elements in it."""

    node: Node
    own: Node
    inner: list[Element]

    @property
    def name(self) -> str:
        return self.node.get("name")

    @property
    def type(self) -> str:
        return self.node.get("dataType") or words(self.node.tag)

    @property
    def mandatory(self) -> bool:
        if self.node.get("mandatory") == "true" or self.node.get("required") == "true":
            return True
        return self.node.get("minOccurs", "0") not in ("0", "")

    def size(self) -> int:
        return 1 + sum(each.size() for each in self.inner)


@dataclass
class Compared:
    tree: list[Line]
    entries: list[Entry]
    outside: list[Change]
    hidden: int = 0
    topics: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def _is_element(node: Node) -> bool:
    return "name" in node.attributes and "key" in node.attributes


def _element(node: Node) -> Element:
    """The element and those in it, which may stand inside holders without a name."""
    inner: list[Element] = []
    own: list[Node] = []
    for child in node.children:
        if _is_element(child):
            inner.append(_element(child))
        else:
            own.append(child)
    attributes = {k: v for k, v in node.attributes.items() if k not in ("key",)}
    return Element(node, Node(node.tag, attributes, node.text, own), inner)


def compare_profiles(old: Node | None, new: Node | None, names: Names) -> Compared:
    """Compare two profiles, given as what stands under ``object``."""
    comparison = _Comparison(names)
    data = [root.child("DataElements") if root else None for root in (old, new)]
    tops = [[_element(n) for n in (d.children if d else []) if _is_element(n)] for d in data]
    tree = comparison.level(tops[0], tops[1], 0, "")
    compared = comparison.compared
    compared.tree = _cut(tree)
    rest = [
        Node(
            root.tag,
            root.attributes,
            root.text,
            [
                Node(
                    child.tag,
                    child.attributes,
                    child.text,
                    [each for each in child.children if not _is_element(each)],
                )
                if child.tag == "DataElements"
                else child
                for child in root.children
            ],
        )
        if root
        else None
        for root in (old, new)
    ]
    compared.outside = compare(rest[0], rest[1], names)
    if comparison.keys:
        verb = "has another key" if comparison.keys == 1 else "have other keys"
        compared.notes.append(f"{count(comparison.keys, 'element')} {verb}.")
    return compared


class _Comparison:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.compared = Compared([], [], [])
        self.keys = 0

    def level(self, olds: list[Element], news: list[Element], depth: int, path: str) -> list[Line]:
        pairs = _pairs(olds, news)
        lines: list[Line] = []
        for before, now in pairs:
            lines += self.element(before, now, depth, path)
        shared = [before for before, now in pairs if before and now]
        if [id(e) for e in shared] != [id(e) for e in sorted(shared, key=lambda e: olds.index(e))]:
            kept = sorted(shared, key=lambda e: olds.index(e))
            now_order = [now for before, now in pairs if before and now]
            self._enter(
                CHANGED,
                path or "the profile",
                [
                    value(
                        "order",
                        ", ".join(each.name for each in kept),
                        ", ".join(each.name for each in now_order),
                        self.names,
                    )
                ],
                "reordered",
            )
            lines.append(Line(depth, "in another order", "", CHANGED, len(self.compared.entries)))
        return lines

    def _enter(self, mark: str, title: str, changes: list[Change], topic: str) -> int:
        number = len(self.compared.entries) + 1
        self.compared.entries.append(Entry(number, mark, "Element", title, changes))
        self.compared.topics[topic] += 1
        return number

    def element(
        self, before: Element | None, now: Element | None, depth: int, path: str
    ) -> list[Line]:
        element = now or before
        if element is None:
            return []
        where = f"{path}/{element.name}" if path else element.name
        if before is not None and now is not None:
            self.keys += before.node.get("key") != now.node.get("key")
            if before.node.same == now.node.same:
                return [Line(depth, element.name, element.type, SAME, folded=element.size())]
            changes = compare(before.own, now.own, self.names)
            mark, number, note = SAME, 0, ""
            if changes:
                mark, note = CHANGED, _note(before, now)
                number = self._enter(CHANGED, where, changes, _topic(before, now))
            inner = self.level(before.inner, now.inner, depth + 1, where)
            return [Line(depth, element.name, element.type, mark, number, note), *inner]
        mark = ADDED if before is None else REMOVED
        changes = compare(before.own if before else None, now.own if now else None, self.names)
        number = self._enter(mark, where, changes, f"elements {mark}")
        if mark == ADDED and element.mandatory:
            self.compared.topics["mandatory"] += 1
        note = "mandatory" if element.mandatory else ""
        inner = self.level(
            before.inner if before else [], now.inner if now else [], depth + 1, where
        )
        return [Line(depth, element.name, element.type, mark, number, note), *inner]


def _pairs(olds: list[Element], news: list[Element]) -> list[tuple[Element | None, Element | None]]:
    """By path first, that is by name among siblings, then by key; what was removed where it stood."""
    found: dict[int, Element] = {}
    taken: set[int] = set()
    for same in (
        lambda e: (e.node.tag, e.name, e.node.get("key")),
        lambda e: (e.node.tag, e.name),
        lambda e: e.name,
        lambda e: (e.node.tag, e.node.get("key")),
    ):
        waiting: dict[object, list[Element]] = defaultdict(list)
        for old in olds:
            if id(old) not in taken:
                waiting[same(old)].append(old)
        for new in news:
            if id(new) not in found and waiting[same(new)]:
                found[id(new)] = waiting[same(new)].pop(0)
                taken.add(id(found[id(new)]))
    pairs: list[tuple[Element | None, Element | None]] = [(found.get(id(n)), n) for n in news]
    behind: list[tuple[int, Element]] = []
    last = -1
    at = {id(old): number for number, (old, _) in enumerate(pairs) if old is not None}
    for old in olds:
        if id(old) in taken:
            last = at[id(old)]
        else:
            behind.append((last, old))
    for place, old in reversed(behind):
        pairs.insert(place + 1, (old, None))
    return pairs


def _note(before: Element, now: Element) -> str:
    told = []
    if before.name != now.name:
        told.append(f"was {before.name}")
    if before.type != now.type:
        told.append(f"{before.type} → {now.type}")
    if before.mandatory != now.mandatory:
        told.append("now mandatory" if now.mandatory else "no longer mandatory")
    return listed(told)


def _topic(before: Element, now: Element) -> str:
    if before.type != now.type:
        return "retyped"
    if now.mandatory and not before.mandatory:
        return "mandatory"
    return "renamed" if before.name != now.name else "elements changed"


def retyped(reading: Reading) -> list[str]:
    """The elements of a profile that both versions have with another data type, each with both types."""
    return [
        f"{entry.title} ({change.old} → {change.new})"
        for entry in reading.entries
        for change in entry.changes
        if reading.kind == "profile"
        and entry.mark == CHANGED
        and change.label == words("dataType")
        and change.old
        and change.new
    ]


def _cut(lines: list[Line]) -> list[Line]:
    """The tree without what stands under no change: neighbours that say nothing become one line."""
    made: list[Line] = []
    for line in lines:
        last = made[-1] if made else None
        if line.folded and last is not None and last.folded and last.depth == line.depth:
            made[-1] = Line(line.depth, "", "", SAME, folded=last.folded + line.folded)
        else:
            made.append(line)
    return made[:MOST_LINES]
