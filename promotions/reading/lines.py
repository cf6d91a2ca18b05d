"""The difference of two texts as rows for a side-by-side view, computed by workers and stored.

Lines that occur once on both sides anchor the comparison; only what lies between two anchors is compared line by
line. A plain comparison of two large documents would take minutes.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from os.path import commonprefix

CONTEXT = 3  # unchanged lines shown around a change
MAX_ROWS = 4000  # rows that the first look shows, and that a part holds
MAX_LINE = 2000  # characters of a line that the first look shows
MAX_PART = 400_000  # characters of a part, unless a single line is longer
MAX_COMPARED = 400  # lines of a stretch that are compared with one another
MAX_MARKED = 600  # characters of a line within which words are compared

Segments = list[tuple[str, bool]]
# Kind, line number and text before, line number and text after. A fold holds the unchanged lines that it hides,
# a segment each, as its text before.
Row = tuple[str, int | None, Segments | None, int | None, Segments | None]
Stretch = tuple[int, int, int, int]


@dataclass(frozen=True)
class Difference:
    """All rows, nothing left out, and how many lines came and went."""

    rows: list[Row]
    added: int
    removed: int

    def to_json(self) -> bytes:
        return json.dumps(
            {"rows": self.rows, "added": self.added, "removed": self.removed},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()

    @property
    def parts_to_open(self) -> int:
        """How many parts it is read in where the first look does not show all of it; 0 where that does."""
        if len(self.rows) <= MAX_ROWS and not any(is_long(row) for row in self.rows):
            return 0
        return len(parts(self.rows))


def is_long(row: Row) -> bool:
    """Whether the first look cuts what has changed in this row."""
    return row[0] not in ("fold", "equal") and any(
        length(side) > MAX_LINE for side in (row[2], row[4])
    )


def length(side: Segments | None) -> int:
    """Characters of one side of a row."""
    return sum(len(text) for text, _ in side or ())


def parts(rows: Sequence[Row]) -> list[range]:
    """The rows in parts that a browser can show, each given by the places of its rows."""
    made: list[range] = []
    began = size = 0
    for at, row in enumerate(rows):
        characters = 0 if row[0] == "fold" else length(row[2]) + length(row[4])
        if at > began and (at - began == MAX_ROWS or size + characters > MAX_PART):
            made.append(range(began, at))
            began, size = at, 0
        size += characters
    return [*made, range(began, len(rows))]


def compare(old: Sequence[str], new: Sequence[str]) -> Difference:
    """Compare two texts, given as lines."""
    rows: list[Row] = []
    added = removed = 0
    stretches = [*_changed(old, new), (len(old), len(old), len(new), len(new))]
    last_old = last_new = 0
    for index, (old_from, old_to, new_from, new_to) in enumerate(stretches):
        ends = index == len(stretches) - 1
        rows.extend(_equal(old, last_old, last_new, old_from - last_old, index > 0, not ends))
        rows.extend(_replaced(old, new, (old_from, old_to, new_from, new_to)))
        removed += old_to - old_from
        added += new_to - new_from
        last_old, last_new = old_to, new_to
    return Difference(rows, added, removed)


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[Stretch]:
    """The stretches where the two differ, in order."""
    old_at = new_at = 0
    for old_to, new_to in [*_anchors(old, new), (len(old), len(new))]:
        yield from _between(old, new, (old_at, old_to, new_at, new_to))
        old_at, new_at = old_to + 1, new_to + 1


def _between(old: Sequence[str], new: Sequence[str], stretch: Stretch) -> Iterator[Stretch]:
    old_from, old_to, new_from, new_to = stretch
    while old_from < old_to and new_from < new_to and old[old_from] == new[new_from]:
        old_from, new_from = old_from + 1, new_from + 1
    while old_from < old_to and new_from < new_to and old[old_to - 1] == new[new_to - 1]:
        old_to, new_to = old_to - 1, new_to - 1
    if old_from == old_to and new_from == new_to:
        return
    if (
        old_from == old_to
        or new_from == new_to
        or max(old_to - old_from, new_to - new_from) > MAX_COMPARED
    ):
        yield old_from, old_to, new_from, new_to
        return
    matcher = SequenceMatcher(None, old[old_from:old_to], new[new_from:new_to], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield old_from + a, old_from + b, new_from + c, new_from + d


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Places of lines that occur once on both sides, in the longest order that both share."""
    once_old, once_new = Counter(old), Counter(new)
    place = {line: at for at, line in enumerate(new) if once_new[line] == 1}
    pairs = [
        (at, place[line]) for at, line in enumerate(old) if once_old[line] == 1 and line in place
    ]
    ends: list[int] = []  # smallest end of an increasing run of each length
    tails: list[int] = []
    before: list[int] = []
    for index, (_, new_at) in enumerate(pairs):
        length = bisect_left(ends, new_at)
        before.append(tails[length - 1] if length else -1)
        ends[length : length + 1] = [new_at]
        tails[length : length + 1] = [index]
    chain: list[tuple[int, int]] = []
    at = tails[-1] if tails else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _equal(
    old: Sequence[str], old_at: int, new_at: int, count: int, below: bool, above: bool
) -> Iterator[Row]:
    """Unchanged lines: a few next to each change, the rest folded into one row."""
    head = min(CONTEXT, count) if below else 0
    tail = min(CONTEXT, count - head) if above else 0
    hidden = count - head - tail
    if hidden == 1:
        head, hidden = head + 1, 0
    for offset in range(head):
        yield _equal_row(old, old_at + offset, new_at + offset)
    if hidden:
        lines = [(line, False) for line in old[old_at + head : old_at + head + hidden]]
        yield "fold", old_at + head + 1, lines, new_at + head + 1, None
    for offset in range(count - tail, count):
        yield _equal_row(old, old_at + offset, new_at + offset)


def _equal_row(old: Sequence[str], old_at: int, new_at: int) -> Row:
    text: Segments = [(old[old_at], False)]
    return "equal", old_at + 1, text, new_at + 1, text


def _replaced(old: Sequence[str], new: Sequence[str], stretch: Stretch) -> Iterator[Row]:
    old_from, old_to, new_from, new_to = stretch
    paired = min(old_to - old_from, new_to - new_from)
    for offset in range(paired):
        before, now = _marked(old[old_from + offset], new[new_from + offset])
        yield "change", old_from + offset + 1, before, new_from + offset + 1, now
    for at in range(old_from + paired, old_to):
        yield "remove", at + 1, [(old[at], False)], None, None
    for at in range(new_from + paired, new_to):
        yield "add", None, None, at + 1, [(new[at], False)]


def _marked(old: str, new: str) -> tuple[Segments, Segments]:
    """Both lines in segments, those that differ marked."""
    if max(len(old), len(new)) > MAX_MARKED:
        return _ends_apart(old, new)
    old_words, new_words = _words(old), _words(new)
    before: Segments = []
    now: Segments = []
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        differs = tag != "equal"
        if a < b:
            before.append(("".join(old_words[a:b]), differs))
        if c < d:
            now.append(("".join(new_words[c:d]), differs))
    return before, now


def _words(line: str) -> list[str]:
    return re.findall(r"\w+|\W", line)


def _ends_apart(old: str, new: str) -> tuple[Segments, Segments]:
    """Two long lines: marked is everything between the first and the last character that differs."""
    head = len(commonprefix((old, new)))
    tail = len(commonprefix((old[head:][::-1], new[head:][::-1])))

    def split(line: str) -> Segments:
        end = len(line) - tail
        pieces = [(line[:head], False), (line[head:end], True), (line[end:], False)]
        return [piece for piece in pieces if piece[0]]

    return split(old), split(new)
