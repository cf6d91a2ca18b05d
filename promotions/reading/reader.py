"""Reads a change: chooses what a component's type is read as, and leaves nothing out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from partnerapi.componentxml import Document

from . import fields, maps, process, profiles
from .compare import compare
from .model import CHANGED, NEW, SAME, Change, Entry, Reading, Section
from .sentences import component_sentence
from .tree import Node, parse
from .words import Names

MOST_ENTRIES = 400
SETTINGS = "Also changed"
OUTSIDE = "Also changed outside the picture"
# The root says who made a version and where; what the component is stands in these.
ROOT = ("name", "type", "subType")


def read(old: Document | bytes | None, new: Document | bytes, names: Mapping[str, str]) -> Reading:
    """What changes in a component.

    :param old: production's masked XML without hidden values, or None where there is none.
    :param new: the XML that would be written, masked likewise.
    :param names: names of components by id and by the placeholder of those without one.
    :raises ComponentXmlError: for what cannot be parsed.
    """
    return _Reader(parse(old) if old is not None else None, parse(new), Names(names)).reading()


class _Reader:
    def __init__(self, old: Node | None, new: Node, names: Names) -> None:
        self.old = _bare(old) if old is not None else None
        self.new, self.names = _bare(new), names
        self.type = new.get("type")
        self.body = self._bodies()
        self.sections: list[Section] = []

    def _bodies(self) -> tuple[Node | None, Node | None]:
        found = []
        for root in (self.old, self.new):
            holder = root.child("object") if root else None
            found.append(holder.children[0] if holder and holder.children else None)
        return found[0], found[1]

    def reading(self) -> Reading:
        if self.old is not None and self.old.same == self.new.same:
            state = SAME
        else:
            state = NEW if self.old is None else CHANGED
        reading = Reading("fields", state, self.type, self.new.get("name"))
        old_tag = self.body[0].tag if self.body[0] else None
        tag = self.body[1].tag if self.body[1] else ""
        if old_tag in (None, tag):
            if tag == "process":
                reading = self._process(reading)
            elif tag == "Map":
                reading = self._map(reading)
            elif tag.endswith("Profile") and self.type.startswith("profile."):
                reading = self._profile(reading)
            else:
                reading = self._fields(reading)
        else:
            reading = self._fields(reading)
        outside = sum(
            len(entry.changes)
            for section in reading.sections
            for entry in section.entries
            if section.title in (SETTINGS, OUTSIDE)
        )
        return replace(reading, sentence=component_sentence(reading, outside=outside))

    # --- By type

    def _process(self, reading: Reading) -> Reading:
        shapes = [body.child("shapes") if body else None for body in self.body]
        compared = process.compare_shapes(shapes[0], shapes[1], self.names)
        rest = compare(
            process.outside(self.body[0], self.old),
            process.outside(self.body[1], self.new),
            self.names,
        )
        return replace(
            reading,
            kind="process",
            topics=dict(compared.topics),
            connections=compared.connections,
            notes=compared.notes,
            picture=compared.picture,
            sections=self._with_rest([("Shapes", compared.entries)], rest, OUTSIDE),
        )

    def _map(self, reading: Reading) -> Reading:
        compared = maps.compare_maps(*self.body, self.names)
        found = [(section.title, section.entries) for section in compared.sections]
        rest = compared.outside + self._envelope()
        return replace(
            reading,
            kind="map",
            topics=dict(compared.topics),
            sections=self._with_rest(found, rest, SETTINGS),
        )

    def _profile(self, reading: Reading) -> Reading:
        compared = profiles.compare_profiles(*self.body, self.names)
        rest = compared.outside + self._envelope()
        return replace(
            reading,
            kind="profile",
            topics=dict(compared.topics),
            notes=compared.notes,
            tree=compared.tree,
            sections=self._with_rest([("Elements", compared.entries)], rest, SETTINGS),
        )

    def _fields(self, reading: Reading) -> Reading:
        bodies = self.body
        compared = fields.compare_fields(*bodies, self.type, self.names)
        rest = compared.outside + self._envelope()
        known = fields.is_known(self.type)
        return replace(
            reading,
            kind="fields" if known else "unknown",
            topics=dict(compared.topics),
            sections=self._with_rest([("Parts", compared.entries)], rest, SETTINGS),
        )

    # --- What is left

    def _envelope(self) -> list[Change]:
        """Name, description and whatever else stands beside the component's body."""
        sides: list[Node | None] = []
        for root, body in zip((self.old, self.new), self.body, strict=True):
            if root is None:
                sides.append(None)
                continue
            children = []
            for child in root.children:
                if child.tag == "object":
                    others = [each for each in child.children if each is not body]
                    if others or child.attributes or child.text:
                        children.append(Node(child.tag, child.attributes, child.text, others))
                else:
                    children.append(child)
            sides.append(Node(root.tag, root.attributes, root.text, children))
        return compare(sides[0], sides[1], self.names)

    def _with_rest(
        self, found: list[tuple[str, list[Entry]]], rest: list[Change], title: str
    ) -> list[Section]:
        """Sections of what is there; of a great many entries the first."""
        sections = [
            Section(name, entries[:MOST_ENTRIES], max(0, len(entries) - MOST_ENTRIES))
            for name, entries in found
            if entries
        ]
        if rest and (self.old is not None or not sections):
            number = max((e.number for s in sections for e in s.entries), default=0) + 1
            entry = Entry(number, CHANGED, "Settings", "", rest[:MOST_ENTRIES])
            sections.append(Section(title, [entry], max(0, len(rest) - MOST_ENTRIES)))
        return sections


def _bare(root: Node) -> Node:
    """The document without what an account makes by itself."""
    attributes = {name: root.get(name) for name in ROOT if root.get(name)}
    children = [
        child
        for child in root.children
        if child.tag != "encryptedValues"
        and not (child.tag == "description" and not child.text and not child.children)
    ]
    return Node(root.tag, attributes, root.text, children)
