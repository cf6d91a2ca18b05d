"""What is read from a component, as plain data that is stored as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

ADDED, CHANGED, REMOVED, MOVED, SAME = "added", "changed", "removed", "moved", "same"

NEW = "new"  # a reading without anything to compare with


@dataclass(frozen=True)
class Change:
    """One value: before and after, None where there is none; long texts as rows of a difference."""

    label: str
    old: str | None = None
    new: str | None = None
    rows: list[Any] | None = None


@dataclass(frozen=True)
class Entry:
    """One numbered change of a component, which opens to its values."""

    number: int
    mark: str
    kind: str
    title: str
    changes: list[Change] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)  # of a map: source, function, target


@dataclass(frozen=True)
class Section:
    """Entries of one sort."""

    title: str
    entries: list[Entry]
    hidden: int = 0  # entries beyond what is kept


@dataclass(frozen=True)
class Shape:
    """One shape of a process's canvas; a place is None where the version does not have it."""

    id: str
    kind: str
    type: str
    label: str
    mark: str
    number: int
    old: tuple[float, float] | None
    new: tuple[float, float] | None
    connected: bool = True


@dataclass(frozen=True)
class Way:
    """An arrow; ``target`` is empty for one that leads nowhere."""

    source: str
    target: str
    label: str
    mark: str


@dataclass(frozen=True)
class Picture:
    """A canvas, of both versions at once."""

    shapes: list[Shape]
    ways: list[Way]


@dataclass(frozen=True)
class Line:
    """One line of a profile's tree; ``folded`` elements stand for themselves."""

    depth: int
    name: str
    type: str
    mark: str
    number: int = 0
    note: str = ""
    folded: int = 0


@dataclass(frozen=True)
class Reading:
    """What a change of a component means."""

    kind: str  # process, map, profile, fields, unknown
    state: str  # new, changed, same
    type: str
    name: str
    sentence: str = ""
    topics: dict[str, int] = field(default_factory=dict)
    connections: list[str] = field(default_factory=list)  # ids that only the new version uses
    notes: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    picture: Picture | None = None
    tree: list[Line] = field(default_factory=list)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def entries(self) -> list[Entry]:
        return [entry for section in self.sections for entry in section.entries]

    @property
    def largest(self) -> int:
        """How many entries there are, with those that are not kept."""
        return sum(len(section.entries) + section.hidden for section in self.sections)


def from_json(data: bytes) -> Reading:
    """What ``Reading.to_json`` wrote."""
    stored = json.loads(data)
    picture = stored["picture"]
    stored["sections"] = [
        Section(
            section["title"],
            [
                Entry(**entry | {"changes": [Change(**each) for each in entry["changes"]]})
                for entry in section["entries"]
            ],
            section["hidden"],
        )
        for section in stored["sections"]
    ]
    stored["tree"] = [Line(**line) for line in stored["tree"]]
    if picture is not None:
        stored["picture"] = Picture(
            [
                Shape(
                    **shape
                    | {
                        name: tuple(shape[name])
                        for name in ("old", "new")
                        if shape[name] is not None
                    }
                )
                for shape in picture["shapes"]
            ],
            [Way(**way) for way in picture["ways"]],
        )
    return Reading(**stored)
