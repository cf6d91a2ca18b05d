"""The rows of a side-by-side difference."""

import json
import time

import pytest

from promotions.reading.lines import MAX_LINE, MAX_PART, MAX_ROWS, compare, parts


def text(segments: list[tuple[str, bool]] | None) -> str:
    return "".join(part for part, _ in segments or [])


def test_equal_texts_are_one_fold() -> None:
    difference = compare(["a"] * 9, ["a"] * 9)
    assert difference.rows == [("fold", 1, [("a", False)] * 9, 1, None)]
    assert (difference.added, difference.removed) == (0, 0)


def test_a_change_within_a_line_is_marked() -> None:
    difference = compare(['<a url="old"/>'], ['<a url="new"/>'])
    kind, old_number, old, new_number, new = difference.rows[0]
    assert (kind, old_number, new_number) == ("change", 1, 1)
    assert [part for part, marked in old or [] if marked] == ["old"]
    assert [part for part, marked in new or [] if marked] == ["new"]


def test_lines_around_a_change_are_shown_and_the_rest_is_folded() -> None:
    old = [f"line {n}" for n in range(100)]
    difference = compare(old, [*old[:50], "inserted", *old[50:]])
    kinds = [row[0] for row in difference.rows]
    assert kinds == ["fold", *["equal"] * 3, "add", *["equal"] * 3, "fold"]
    folds = [(row[1], len(row[2] or []), row[3]) for row in difference.rows if row[0] == "fold"]
    assert folds == [(1, 47, 1), (54, 47, 55)]
    assert (difference.added, difference.removed) == (1, 0)


def test_a_new_text_is_all_added() -> None:
    difference = compare([], ["a", "b"])
    assert [(row[0], text(row[4])) for row in difference.rows] == [("add", "a"), ("add", "b")]


def test_the_rows_rebuild_both_texts() -> None:
    old = [f"<e{n % 7}>" for n in range(60)]
    new = [line for n, line in enumerate(old) if n % 9] + ["<end>"]
    difference = compare(old, new)
    assert len(old) - difference.removed + difference.added == len(new)


def test_two_large_texts_are_compared_quickly() -> None:
    old = [f"<element{n % 50}>" for n in range(60_000)]
    new = [line if n % 977 else f"<changed{n}>" for n, line in enumerate(old)]
    # Of the processor's time, for others may be at work beside it.
    began = time.process_time()
    difference = compare(old, new)
    assert time.process_time() - began < 10
    assert difference.added > 0


def test_nothing_is_left_out_of_what_is_kept() -> None:
    old = [f"x{n}" for n in range(30_000)]
    new = [*(f"y{n}" for n in range(30_000)), "z" * 50_000]
    stored = json.loads(compare(old, new).to_json())["rows"]
    assert [text(row[2]) for row in stored if row[2] is not None] == old
    assert [text(row[4]) for row in stored if row[4] is not None] == new


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["a"], ["b"], 0),
        ([], ["x"] * MAX_ROWS, 0),
        ([], ["x"] * (MAX_ROWS + 1), 2),
        ([], ["x" * MAX_LINE], 0),
        ([], ["x" * (MAX_LINE + 1)], 1),
        (["x" * (MAX_LINE + 1), "a"], ["x" * (MAX_LINE + 1), "b"], 0),
    ],
)
def test_how_many_parts_there_are_to_open(old: list[str], new: list[str], expected: int) -> None:
    """Only what has changed has to be opened: an unchanged long line does not."""
    assert compare(old, new).parts_to_open == expected


def test_parts_hold_every_row_once_and_are_bounded() -> None:
    lines = ["x" * 3000, *(["y"] * 9000), "z" * (2 * MAX_PART), "end"]
    rows = compare([], lines).rows
    ranges = parts(rows)
    assert [at for part in ranges for at in part] == list(range(len(rows)))
    for part in ranges:
        size = sum(len(text(rows[at][4])) for at in part)
        assert len(part) <= MAX_ROWS
        assert size <= MAX_PART or len(part) == 1


def test_in_a_long_line_what_differs_is_marked() -> None:
    before, now = "a" * 5000 + "OLD" + "b" * 5000, "a" * 5000 + "NEW!" + "b" * 5000
    _, _, old, _, new = compare([before], [now]).rows[0]
    assert [part for part, marked in old or [] if marked] == ["OLD"]
    assert [part for part, marked in new or [] if marked] == ["NEW!"]
    assert (text(old), text(new)) == (before, now)


def test_a_long_line_that_only_grew_is_marked_where_it_did() -> None:
    _, _, old, _, new = compare(["ab" * 400], ["ab" * 401]).rows[0]
    assert (text(old), text(new)) == ("ab" * 400, "ab" * 401)
    assert [part for part, marked in old or [] if marked] == []
    assert [part for part, marked in new or [] if marked] == ["ab"]
