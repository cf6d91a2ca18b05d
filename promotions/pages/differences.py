"""Differences as the pages show them: at a glance, in full in parts, and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..models import Content
from ..reading.lines import MAX_LINE, MAX_ROWS, Row, Segments, is_long, length, parts
from .words import visible


@dataclass(frozen=True)
class Side:
    """One line on one side of the table.

    :param hidden: how many of its characters are left out here.
    :param threads: the keys of the comments on it.
    """

    number: int
    segments: Segments
    hidden: int = 0
    threads: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class DifferenceRow:
    """One line, side by side; a fold hides ``folded`` unchanged lines."""

    kind: str
    old: Side | None = None
    new: Side | None = None
    folded: int = 0


@dataclass(frozen=True)
class Difference:
    """A stored difference, with the rows that one view of it shows.

    :param part: which part this is, counted from 1; 0 for the first glance, which cuts long lines.
    :param parts: the number of parts it takes to show everything.
    :param hidden_rows: how many rows the first glance leaves out.
    :param long_lines: how many rows the first glance cuts.
    """

    rows: list[DifferenceRow]
    added: int
    removed: int
    one_sided: bool
    part: int
    parts: int
    unfolded: bool
    hidden_rows: int = 0
    long_lines: int = 0

    @property
    def is_cut(self) -> bool:
        return bool(self.hidden_rows or self.long_lines)

    def sides(self) -> dict[tuple[str, int | None], Side]:
        """The lines that are shown, by "before" or "after" and their number."""
        found: dict[tuple[str, int | None], Side] = {}
        for row in self.rows:
            for name, side in (("before", row.old), ("after", row.new)):
                if side is not None:
                    found[name, side.number] = side
        return found


def glance(content: Content) -> Difference:
    """The beginning of a difference, with long lines cut and a note of what is left out."""
    stored = json.loads(content.content)
    rows: list[Row] = stored["rows"]
    shown = [_row(row, limit=MAX_LINE) for row in rows[:MAX_ROWS]]
    return Difference(
        rows=shown,
        added=stored["added"],
        removed=stored["removed"],
        one_sided=_one_sided(rows),
        part=0,
        parts=len(parts(rows)),
        unfolded=False,
        hidden_rows=len(rows) - len(shown),
        long_lines=sum(is_long(row) for row in rows[:MAX_ROWS]),
    )


def part_of(content: Content, part: int, *, unfolded: bool) -> Difference:
    """One part of a difference, with every line in full.

    :param part: counted from 1; the nearest one if it does not exist.
    :param unfolded: show the unchanged lines of this part as well.
    """
    stored = json.loads(content.content)
    rows: list[Row] = stored["rows"]
    ranges = parts(rows)
    part = min(max(part, 1), len(ranges))
    shown: list[DifferenceRow] = []
    for at in ranges[part - 1]:
        row = rows[at]
        shown.extend(_unfold(row) if unfolded and row[0] == "fold" else [_row(row)])
    return Difference(
        rows=shown,
        added=stored["added"],
        removed=stored["removed"],
        one_sided=_one_sided(rows),
        part=part,
        parts=len(ranges),
        unfolded=unfolded,
    )


def as_text(content: Content) -> str:
    """The whole difference as lines of a file: unchanged lines begin with a blank, the others with + or -.

    Invisible characters are spelled out.
    """
    lines: list[str] = []
    for row in json.loads(content.content)["rows"]:
        kind, _, old, _, new = row
        if kind == "fold":
            lines.extend(f"  {text}" for text, _ in old)
        elif kind == "equal":
            lines.append(f"  {_text(old)}")
        else:
            lines.extend(f"{sign} {_text(side)}" for sign, side in (("-", old), ("+", new)) if side)
    return "".join(f"{visible(line)}\n" for line in lines)


def _one_sided(rows: list[Row]) -> bool:
    """A new component has nothing to stand beside."""
    return all(row[0] in ("add", "fold") for row in rows)


def _text(side: Segments) -> str:
    return "".join(text for text, _ in side)


def _row(row: Row, limit: int | None = None) -> DifferenceRow:
    kind, old_no, old, new_no, new = row
    if kind == "fold":
        return DifferenceRow(kind, folded=len(old or ()))
    return DifferenceRow(kind, _side(old_no, old, limit), _side(new_no, new, limit))


def _side(number: int | None, segments: Segments | None, limit: int | None) -> Side | None:
    if number is None or segments is None:
        return None
    if limit is None:
        return Side(number, segments)
    kept: Segments = []
    left = limit
    for text, differs in segments:
        if left <= 0:
            break
        kept.append((text[:left], differs))
        left -= len(text)
    return Side(number, kept, hidden=max(0, length(segments) - limit))


def _unfold(row: Row) -> Iterator[DifferenceRow]:
    _, old_from, lines, new_from, _ = row
    for offset, segment in enumerate(lines or ()):
        yield DifferenceRow(
            "equal",
            Side((old_from or 0) + offset, [segment]),
            Side((new_from or 0) + offset, [segment]),
        )
