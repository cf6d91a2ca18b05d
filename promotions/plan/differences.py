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

CONTEXT = 3  # unchanged lines shown around a change
MAX_ROWS = 4000  # rows kept for a page
MAX_LINE = 2000  # characters of a line that are shown
MAX_COMPARED = 400  # lines of a stretch that are compared with one another
MAX_MARKED = 600  # characters of a line within which changes are marked

Segments = list[tuple[str, bool]]
Row = tuple[str, int | None, Segments | None, int | None, Segments | None]
Stretch = tuple[int, int, int, int]


@dataclass(frozen=True)
class Difference:
    """Rows for the page, and how many lines came and went."""

    rows: list[Row]
    added: int
    removed: int
    truncated: bool

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "rows": self.rows,
                "added": self.added,
                "removed": self.removed,
                "truncated": self.truncated,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()


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
    return Difference(rows[:MAX_ROWS], added, removed, len(rows) > MAX_ROWS)


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
        yield "fold", hidden, None, None, None
    for offset in range(count - tail, count):
        yield _equal_row(old, old_at + offset, new_at + offset)


def _equal_row(old: Sequence[str], old_at: int, new_at: int) -> Row:
    text: Segments = [(_cut(old[old_at]), False)]
    return "equal", old_at + 1, text, new_at + 1, text


def _replaced(old: Sequence[str], new: Sequence[str], stretch: Stretch) -> Iterator[Row]:
    old_from, old_to, new_from, new_to = stretch
    paired = min(old_to - old_from, new_to - new_from)
    for offset in range(paired):
        before, now = _marked(old[old_from + offset], new[new_from + offset])
        yield "change", old_from + offset + 1, before, new_from + offset + 1, now
    for at in range(old_from + paired, old_to):
        yield "remove", at + 1, [(_cut(old[at]), False)], None, None
    for at in range(new_from + paired, new_to):
        yield "add", None, None, at + 1, [(_cut(new[at]), False)]


def _marked(old: str, new: str) -> tuple[Segments, Segments]:
    """Both lines in segments, those that differ marked."""
    if max(len(old), len(new)) > MAX_MARKED:
        return [(_cut(old), True)], [(_cut(new), True)]
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


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}…"
