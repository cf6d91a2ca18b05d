"""Canvases: nothing overlaps, no arrow crosses a box, colour is never alone, runs are folded."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from promotions.reading import canvas, read
from promotions.reading.layout import HEIGHT, WIDTH, Arrow, Laid, grid, lay_out
from promotions.reading.model import Picture
from tests.reading import samples

coordinates = st.tuples(st.floats(-500, 3000), st.floats(-500, 3000))


@st.composite
def canvases(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float]], list[Arrow]]:
    places = {
        f"s{n}": at for n, at in enumerate(draw(st.lists(coordinates, min_size=1, max_size=24)))
    }
    keys = st.sampled_from(sorted(places))
    targets = st.one_of(keys, st.just(""))
    drawn = draw(
        st.lists(st.tuples(keys, targets, st.sampled_from(["", "True", "Catch"])), max_size=40)
    )
    return places, [Arrow(n, *each) for n, each in enumerate(drawn)]


def crossed(laid: Laid) -> list[str]:
    """Boxes that overlap, and arrows that run through a box or not at right angles."""
    faults = []
    for (one, (x, y)), (other, (u, v)) in combinations(laid.boxes.items(), 2):
        if abs(x - u) < WIDTH and abs(y - v) < HEIGHT:
            faults.append(f"{one} on {other}")
    for key, (x, y) in laid.boxes.items():
        if x < 0 or y < 0 or x + WIDTH > laid.width or y + HEIGHT > laid.height:
            faults.append(f"{key} outside")
    for number, route in laid.routes.items():
        for (ax, ay), (bx, by) in zip(route.points, route.points[1:], strict=False):
            if ax != bx and ay != by:
                faults.append(f"arrow {number} is askew")
            for key, (x, y) in laid.boxes.items():
                inside_x = min(ax, bx) < x + WIDTH - 0.01 and max(ax, bx) > x + 0.01
                inside_y = min(ay, by) < y + HEIGHT - 0.01 and max(ay, by) > y + 0.01
                if inside_x and inside_y:
                    faults.append(f"arrow {number} crosses {key}")
        if not all(0 <= x <= laid.width and 0 <= y <= laid.height for x, y in route.points):
            faults.append(f"arrow {number} leaves the picture")
    return faults


@settings(deadline=None, max_examples=150)
@given(canvases(), st.booleans())
def test_boxes_never_overlap_and_no_arrow_crosses_one(
    drawn: tuple[dict[str, tuple[float, float]], list[Arrow]], down: bool
) -> None:
    places, arrows = drawn
    laid = lay_out(grid(places), arrows, down=down)
    assert laid.boxes.keys() == places.keys()
    assert laid.routes.keys() == {arrow.key for arrow in arrows}
    assert crossed(laid) == []


@given(st.dictionaries(st.text("abc", min_size=1), coordinates, max_size=30))
def test_the_order_of_the_designer_stays(places: dict[str, tuple[float, float]]) -> None:
    cells = grid(places)
    assert len(set(cells.values())) == len(cells)
    for one, other in combinations(places, 2):
        if places[one][0] + 41 < places[other][0]:
            assert cells[one][0] < cells[other][0]
        if places[one][1] + 81 < places[other][1]:
            assert cells[one][1] < cells[other][1]


def picture(size: int) -> Picture:
    boxes = samples.large(size, 2)
    new = [replace(b, label=f"{b.label} now") if n % 25 == 8 else b for n, b in enumerate(boxes)]
    found = read(samples.process(boxes), samples.process(new), {}).picture
    assert found is not None
    return found


@pytest.mark.parametrize("size", [5, 30, 150])
@pytest.mark.parametrize("down", [False, True])
def test_whole_and_folded_canvases_keep_the_rules(size: int, down: bool) -> None:
    shown = canvas.shown(picture(size), canvas.DIFFERENCE)
    folded, hidden = canvas.fold(shown)
    for each in (shown, folded):
        assert crossed(canvas.place(each, down=down)) == []
    if size > canvas.FOLD_FROM:
        assert hidden > size / 2
        boxes = [shape for shape in folded.shapes if shape.kind == "fold"]
        assert len(folded.shapes) == len(shown.shapes) - hidden + len(boxes)
        assert {s.id for s in shown.shapes if s.mark != "same"} <= {s.id for s in folded.shapes}


def test_a_view_is_svg_with_classes_alone() -> None:
    for view in canvas.views(picture(30), name="A & <b>", prefix="change-7"):
        for drawing in (view.across, view.down):
            root = etree.fromstring(drawing.encode())
            names = {name for node in root.iter() for name in node.attrib}
            assert not names & {"style", "id", "fill", "stroke", "onclick"}
            assert "A & <b>" in str(root.get("aria-label"))


def test_each_mark_has_a_sign_and_the_number_of_its_entry() -> None:
    old = samples.small()
    new = [replace(old[0], ways=(("", "shape9"),)), *old[1:4]]
    new[2] = replace(new[2], label="Answer")
    new[3] = replace(new[3], at=(624, 400))
    new.append(samples.Box("shape9", "notify", "<notify/>", (272, 300), "Tell", (("", "shape2"),)))
    found = read(samples.process(old), samples.process(new), {})
    assert found.picture is not None
    [difference, *_] = canvas.views(found.picture, name="x", prefix="c")
    told = dict(
        re.findall(r'href="#c-(\d+)"[^>]*aria-label="Change \d+: ([^"]*)"', difference.across)
    )
    signs = re.findall(r'class="badge-text"[^>]*>(. \d+)<', difference.across)
    assert sorted(sign.split()[1] for sign in signs) == sorted(told)
    assert {sign[0] for sign in signs} == {"+", "−", "≠", "↔"}
    assert {said.rpartition(", ")[2] for said in told.values()} == {
        "added",
        "removed",
        "changed",
        "only moved",
    }
    assert {e.number for e in found.entries} == {int(number) for number in told}


def test_the_picture_in_words_tells_every_shape_and_way() -> None:
    whole = picture(30)
    described = canvas.described(whole)
    assert len(described) == len(whole.shapes)
    assert sum(len(ways) for _, _, ways in described) == len(whole.ways)


def test_where_nearly_everything_is_new_the_new_version_stands_first() -> None:
    found = read(samples.process(samples.small()), samples.process(samples.large(40, 9)), {})
    assert found.picture is not None
    names = [view.name for view in canvas.views(found.picture, name="x", prefix="c")]
    assert names[0] == canvas.NEW
    assert canvas.DIFFERENCE in names
