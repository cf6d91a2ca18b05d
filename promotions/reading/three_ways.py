"""A change that was made by hand in production, as last promoted, now, and after a promotion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .model import ADDED, MOVED, REMOVED, Change, Entry, Reading

THERE, NOT_THERE = "there", "not there"
# What becomes of a change by hand.
TAKEN_BACK, REPLACED, STAYS = "taken back", "changed again", "stays"


@dataclass(frozen=True)
class ThreeWays:
    """One value that was changed by hand.

    :ivar number: of its entry in the reading of the change by hand.
    :ivar label: of the value; empty for a part that came or went as a whole.
    :ivar promoted: as promoted last; None where it was not set, or where ``is_long``.
    :ivar fate: what the promotion does to the change.
    :ivar is_long: the values are long texts, which the readings show line by line.
    """

    number: int
    kind: str
    title: str
    label: str
    promoted: str | None
    now: str | None
    incoming: str | None
    fate: str
    is_long: bool = False


def three_ways(by_hand: Reading, outcome: Reading) -> list[ThreeWays]:
    """What was changed by hand, and what a promotion makes of it.

    Both begin at the same version, so what the outcome does not tell of is as it was promoted. Where the two call a
    part by other names, as its label or text is other, it is known by a value from which both begin.

    :param by_hand: from what was promoted last to what production has now.
    :param outcome: from what was promoted last to what production would have.
    """
    coming = list(outcome.entries)
    named = {(entry.kind, entry.title) for entry in by_hand.entries}
    rows: list[ThreeWays] = []
    for entry in by_hand.entries:
        if entry.mark == MOVED:
            continue
        found = _counterpart(entry, coming, named)
        if found is not None:
            coming.remove(found)
        rows += _rows(entry, found)
    return rows


def _counterpart(entry: Entry, coming: list[Entry], named: set[tuple[str, str]]) -> Entry | None:
    """The entry of the outcome for the same part: of several of its name the equal one; else one with its beginning.

    :param named: kinds and titles that have an entry of their own.
    """
    alike = [each for each in coming if (each.kind, each.title) == (entry.kind, entry.title)]
    alike = alike or [
        each
        for each in coming
        if each.kind == entry.kind
        and (each.kind, each.title) not in named
        and _beginnings(each) & _beginnings(entry)
    ]
    equal = [each for each in alike if _says(each) == _says(entry)]
    return next(iter([*equal, *alike]), None)


def _beginnings(entry: Entry) -> set[tuple[str, str | None]]:
    if entry.mark in (ADDED, REMOVED):
        return set()
    return {(change.label, change.old) for change in entry.changes}


def _says(entry: Entry) -> tuple[str, list[Change]]:
    return entry.mark, entry.changes


def _rows(entry: Entry, coming: Entry | None) -> Iterator[ThreeWays]:
    of_entry = (entry.number, entry.kind, entry.title)
    if entry.mark in (ADDED, REMOVED):
        before, now = (NOT_THERE, THERE) if entry.mark == ADDED else (THERE, NOT_THERE)
        if coming is None:
            yield ThreeWays(*of_entry, "", before, now, before, TAKEN_BACK)
        else:
            after = NOT_THERE if coming.mark == REMOVED else THERE
            fate = STAYS if _says(coming) == _says(entry) else REPLACED
            yield ThreeWays(*of_entry, "", before, now, after, fate)
    elif coming is not None and coming.mark == REMOVED:
        yield ThreeWays(*of_entry, "", THERE, THERE, NOT_THERE, REPLACED)
    else:
        changes: dict[str, list[Change]] = defaultdict(list)
        for each in coming.changes if coming else ():
            changes[each.label].append(each)
        for change in entry.changes:
            same = changes[change.label]
            other = same.pop(same.index(change) if change in same else 0) if same else None
            fate = TAKEN_BACK if other is None else STAYS if other == change else REPLACED
            if change.rows is not None or (other is not None and other.rows is not None):
                yield ThreeWays(*of_entry, change.label, None, None, None, fate, is_long=True)
            else:
                after_all = change.old if other is None else other.new
                yield ThreeWays(*of_entry, change.label, change.old, change.new, after_all, fate)
