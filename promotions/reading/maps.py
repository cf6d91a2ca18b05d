"""Maps: mappings as source path → function → target path, functions, defaults and the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .compare import Pairs, compare, match
from .model import ADDED, CHANGED, REMOVED, Change, Entry, Section
from .tree import Node
from .words import Names, listed, words


@dataclass
class Compared:
    sections: list[Section]
    outside: list[Change]
    topics: Counter[str] = field(default_factory=Counter)


class _Side:
    """The mappings of one version, and what their functions are called."""

    def __init__(self, root: Node | None) -> None:
        self.root = root
        self.mappings = _under(root, "Mappings", "Mapping")
        self.functions = _under(root, "Functions", "FunctionStep")
        self.defaults = _under(root, "Defaults", "Default")
        self.called = {node.get("key"): _called(node) for node in self.functions}
        self.into: dict[str, list[str]] = defaultdict(list)
        self.out_of: dict[str, list[str]] = defaultdict(list)
        self.names: dict[str, str] = {}
        for node in self.mappings:
            if node.get("toFunction"):
                self.into[node.get("toFunction")].append(source(node))
            elif node.get("fromFunction"):
                self.out_of[node.get("fromFunction")].append(target(node))
            if not node.get("toFunction"):
                self.names[node.get("toKey")] = target(node)

    def cells(self, node: Node) -> list[str]:
        """Source, function and target of a mapping in words."""
        before, after = node.get("fromFunction"), node.get("toFunction")
        if after:
            where = f"{self.called.get(after, 'function')} · input {node.get('toKey')}"
            begins = self.called.get(before, "") if before else source(node)
            return [begins, where, listed(self.out_of[after])]
        if before:
            return [listed(self.into[before]), self.called.get(before, "function"), target(node)]
        return [source(node), "", target(node)]

    def rest(self) -> Node | None:
        """The map without what is listed by itself."""
        if self.root is None:
            return None
        kept = []
        for child in self.root.children:
            listed_tag = {"Mappings": "Mapping", "Functions": "FunctionStep", "Defaults": "Default"}
            kept.append(child.without(listed_tag[child.tag]) if child.tag in listed_tag else child)
        return Node(self.root.tag, self.root.attributes, self.root.text, kept)


def _under(root: Node | None, holder: str, tag: str) -> list[Node]:
    found = root.child(holder) if root else None
    return [node for node in found.children if node.tag == tag] if found else []


def _called(node: Node) -> str:
    return node.get("name") or words(node.get("type")).capitalize() or "Function"


def source(node: Node) -> str:
    return node.get("fromNamePath") or f"element {node.get('fromKey')}"


def target(node: Node) -> str:
    return node.get("toNamePath") or f"element {node.get('toKey')}"


def compare_maps(old: Node | None, new: Node | None, names: Names) -> Compared:
    """Compare two maps, given as their ``Map`` elements."""
    return _Comparison(_Side(old), _Side(new), names).done()


class _Comparison:
    def __init__(self, before: _Side, now: _Side, names: Names) -> None:
        self.before, self.now, self.names = before, now, names
        self.compared = Compared([], [])
        self.number = 0
        self.functions, _ = match(before.functions, now.functions, _function)
        # A function that has another key is the same one by type, name and inputs.
        self.keys = {
            other.get("key"): one.get("key")
            for one, other in self.functions
            if one is not None and other is not None
        }

    def done(self) -> Compared:
        self._mappings()
        self._functions()
        self._defaults()
        self.compared.outside += compare(self.before.rest(), self.now.rest(), self.names)
        return self.compared

    def _section(self, title: str, pairs: Pairs, enter: Callable[[Node, _Side], Entry]) -> None:
        entries = []
        for one, other in pairs:
            node = other or one
            changes = compare(one, other, self.names)
            if node is None or not changes:
                continue
            self.number += 1
            mark = ADDED if one is None else REMOVED if other is None else CHANGED
            made = enter(node, self.before if other is None else self.now)
            entries.append(replace(made, number=self.number, mark=mark, changes=changes))
            self.compared.topics[self._topic(node, mark)] += 1
        if entries:
            self.compared.sections.append(Section(title, entries))

    @staticmethod
    def _topic(node: Node, mark: str) -> str:
        if node.tag == "Mapping":
            return "inputs" if node.get("toFunction") else f"fields {mark}"
        return "functions" if node.tag == "FunctionStep" else "defaults"

    def _mappings(self) -> None:
        current = {id(node) for node in self.now.mappings}

        def identify(node: Node) -> tuple[str, str]:
            function = node.get("toFunction")
            if not function:
                path = node.get("toKeyPath") or node.get("toNamePath") or node.get("toKey")
                return "target", path
            key = self.keys.get(function, function) if id(node) in current else function
            return "function", f"{key} {node.get('toKey')}"

        def enter(node: Node, side: _Side) -> Entry:
            cells = side.cells(node)
            return Entry(0, "", "Mapping", cells[2] or cells[1], cells=cells)

        pairs, order = match(self.before.mappings, self.now.mappings, identify)
        self._section("Mappings", pairs, enter)
        if order:
            said = [", ".join(target(node) for node in side) for side in order]
            self.compared.outside.append(Change("order of the mappings", said[0], said[1]))

    def _functions(self) -> None:
        self._section(
            "Functions", self.functions, lambda node, _: Entry(0, "", "Function", _called(node))
        )

    def _defaults(self) -> None:
        def enter(node: Node, side: _Side) -> Entry:
            key = node.get("toKey")
            return Entry(0, "", "Default", side.names.get(key) or f"element {key}")

        pairs, _ = match(
            self.before.defaults, self.now.defaults, lambda node: ("default", node.get("toKey"))
        )
        self._section("Default values", pairs, enter)


def _function(node: Node) -> tuple[str, str]:
    inputs = node.child("Inputs")
    named = [each.get("name") or each.get("key") for each in inputs.children] if inputs else []
    return "function", f"{node.get('type')} {node.get('name')} {node.get('id')} {named}"
