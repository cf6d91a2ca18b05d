"""What a prototype over many real processes taught about canvases, a test for each sentence that has no other."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from lxml import etree

from promotions.reading import canvas, read
from promotions.reading.layout import HEIGHT, WIDTH, Arrow, grid, lay_out
from promotions.reading.model import Picture
from promotions.reading.words import SHAPES
from tests.reading import samples
from tests.reading.test_drawing import canvases, picture


def test_near_places_snap_and_far_ones_are_capped() -> None:
    """X within 20 and y within 40 are one column and one row; a gap is as wide as its neighbours, never as drawn."""
    cells = grid({"a": (100, 100), "b": (119, 300), "c": (121, 139), "d": (9000, 141)})
    assert cells["a"][0] == cells["b"][0] != cells["c"][0]
    assert cells["a"][1] == cells["c"][1] != cells["d"][1]
    near = lay_out(grid({"a": (0, 0), "b": (200, 0)}), [], down=False)
    far = lay_out(grid({"a": (0, 0), "b": (20_000, 0)}), [], down=False)
    assert near == far


@settings(deadline=None, max_examples=100)
@given(canvases())
def test_columns_are_184_apart_and_rows_90(
    drawn: tuple[dict[str, tuple[float, float]], list[Arrow]],
) -> None:
    places, arrows = drawn
    laid = lay_out(grid(places), arrows, down=False)
    lefts = sorted({x for x, _ in laid.boxes.values()})
    tops = sorted({y for _, y in laid.boxes.values()})
    assert all(right - left > 183.999 for left, right in pairwise(lefts))
    assert all(below - above > 89.999 for above, below in pairwise(tops))


def test_boxes_are_144_by_58_with_a_type_and_a_label_of_two_lines() -> None:
    assert (WIDTH, HEIGHT) == (144, 58)
    boxes = samples.small()
    long = replace(
        boxes[2], label="Answer the shop with everything that it has asked for, and more"
    )
    found = read(samples.process(boxes), samples.process([*boxes[:2], long, *boxes[3:]]), {})
    assert found.picture is not None
    for view in canvas.views(found.picture, name="x", prefix="c"):
        root = etree.fromstring(view.across.encode())
        for box in root.iter("{*}rect"):
            if "box" in str(box.get("class", "")).split():
                assert (float(box.get("width", 0)), float(box.get("height", 0))) == (144, 58)
        for shape in root.iter("{*}g"):
            if "shape" in str(shape.get("class", "")).split():
                texts = [t for t in shape.iter("{*}text") if "badge" not in str(t.get("class"))]
                assert 1 <= len(texts) <= 3


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_a_shape_of_any_type_says_what_it_is_without_a_label(kind: str) -> None:
    """Three of four shapes have none."""
    box = samples.Box("shape1", kind, "<nothing/>", (0, 0))
    found = read(None, samples.process([box]), {}).picture
    assert found is not None
    [shape] = found.shapes
    assert shape.type or shape.label
    assert (shape.type or shape.label)[0].isupper()
    assert shape.type != kind or kind.istitle()


def test_where_the_arrows_bend_does_not_matter() -> None:
    xml = samples.process(samples.large(40, 3))
    elsewhere = re.sub(rb'(<dragpoint [^>]*? x=)"[^"]*"( y=)"[^"]*"', rb'\1"-7.0"\2"9999.0"', xml)
    assert elsewhere != xml
    pictures = [read(None, each, {}).picture for each in (xml, elsewhere)]
    assert pictures[0] == pictures[1]


@settings(deadline=None, max_examples=100)
@given(canvases())
def test_each_source_has_one_trunk(
    drawn: tuple[dict[str, tuple[float, float]], list[Arrow]],
) -> None:
    places, arrows = drawn
    arrows = [arrow for arrow in arrows if arrow.target]
    laid = lay_out(grid(places), arrows, down=False)
    starts = defaultdict(set)
    for arrow in arrows:
        starts[arrow.source].add(laid.routes[arrow.key].points[0])
    assert all(len(points) == 1 for points in starts.values())


def test_an_arrow_to_nowhere_is_a_stub() -> None:
    boxes = samples.small()
    boxes[0] = replace(boxes[0], ways=(("", "unset"),))
    found = read(None, samples.process(boxes), {}).picture
    assert found is not None
    assert [way.target for way in found.ways if way.source == found.shapes[0].id] == [""]
    laid = canvas.place(found, down=False)
    route = next(laid.routes[number] for number, way in enumerate(found.ways) if not way.target)
    (ax, ay), (bx, by) = route.points[0], route.points[-1]
    assert 0 < abs(ax - bx) + abs(ay - by) < 60


def test_colour_means_change_and_nothing_else() -> None:
    """What is the same has one look, whatever its type: its mark is the only class that tells shapes apart."""
    shown = canvas.shown(picture(30), canvas.DIFFERENCE)
    drawing = canvas.views(picture(30), name="x", prefix="c")[0].across
    looks = set(re.findall(r'class="(shape[^"]*)"', drawing))
    kinds = {shape.kind for shape in shown.shapes}
    marks = {shape.mark for shape in shown.shapes}
    assert len(kinds) > len(marks)
    assert looks - {"shape fold"} == {f"shape {mark}" for mark in marks}


def _line(size: int, changed: int) -> Picture:
    """A row of shapes of which one is changed."""
    boxes = [
        samples.Box(
            f"shape{n}",
            "start" if n == 0 else "notify",
            "<noaction/>" if n == 0 else f'<notify title="{n}"/>',
            (n * 200.0, 0),
            f"Step {n}",
            (("", f"shape{n + 1}"),) if n < size - 1 else (),
        )
        for n in range(size)
    ]
    new = [replace(box, label="Other") if n == changed else box for n, box in enumerate(boxes)]
    found = read(samples.process(boxes), samples.process(new), {}).picture
    assert found is not None
    return canvas.shown(found, canvas.DIFFERENCE)


@pytest.mark.parametrize(("after", "folds"), [(1, 0), (2, 0), (3, 1), (4, 1), (9, 1)])
def test_runs_of_three_and_more_are_folded(after: int, folds: int) -> None:
    """Counted behind the changed shape; the run before it is long enough to be folded always."""
    size = 14 + after
    folded, _ = canvas.fold(_line(size, size - 1 - after))
    boxes = [shape for shape in folded.shapes if shape.kind == "fold"]
    assert len(boxes) == 1 + folds


def test_ids_are_unique_where_a_page_has_many_pictures() -> None:
    """A drawing has none of its own, and its links carry the prefix of its reading."""
    pictures = [
        view.across + view.down
        for prefix in ("change-1", "change-2")
        for view in canvas.views(picture(30), name="x", prefix=prefix)
    ]
    assert not any(re.search(r'\sid="', each) for each in pictures)
    for each, prefix in zip(pictures, ["change-1"] * (len(pictures) // 2), strict=False):
        assert set(re.findall(r'href="#([a-z]+-\d+)-', each)) <= {prefix}


def test_what_moved_together_has_not_moved() -> None:
    boxes = samples.small()
    moved = [replace(box, at=(box.at[0] + 300, box.at[1] + 120)) for box in boxes]
    found = read(samples.process(boxes), samples.process(moved), {})
    assert found.picture is not None
    assert {shape.mark for shape in found.picture.shapes} == {"same"}


def test_a_mapping_is_known_by_where_it_leads() -> None:
    """Keys of a regenerated profile are others; the path of the target is the same."""
    old = samples.map_of([samples.mapping("id", "number", 3)])
    new = samples.changed(old, 'fromNamePath="Order/id"', 'fromNamePath="Order/code"')
    [entry] = read(old, new, {}).entries
    assert (entry.mark, entry.cells[2]) == ("changed", "Invoice/number")


def test_an_element_is_known_by_its_path_before_its_key() -> None:
    old = samples.profile(samples.element("id", 2) + samples.element("total", 3))
    new = samples.profile(samples.element("id", 12) + samples.element("total", 13))
    found = read(old, new, {})
    assert not [entry for entry in found.entries if entry.mark in ("added", "removed")]
