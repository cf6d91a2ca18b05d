"""The rows of a side-by-side difference."""

import json
import time

from promotions.plan.differences import MAX_ROWS, compare


def text(segments: list[tuple[str, bool]] | None) -> str:
    return "".join(part for part, _ in segments or [])


def test_equal_texts_are_one_fold() -> None:
    difference = compare(["a"] * 9, ["a"] * 9)
    assert difference.rows == [("fold", 9, None, None, None)]
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
    assert [row[1] for row in difference.rows if row[0] == "fold"] == [47, 47]
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
    began = time.perf_counter()
    difference = compare(old, new)
    assert time.perf_counter() - began < 10
    assert difference.added > 0


def test_what_is_kept_for_a_page_is_bounded() -> None:
    difference = compare(["x"] * 30_000, ["y"] * 30_000)
    assert difference.truncated
    assert len(difference.rows) == MAX_ROWS
    assert json.loads(difference.to_json())["truncated"] is True
