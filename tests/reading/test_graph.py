"""The dependency graph: layers, cycles, what is shared, and nothing on anything else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.reading import graph
from promotions.reading.graph import HEIGHT, WIDTH, Component


def component(key: str, *uses: str, group: int | None = None, action: str = "update") -> Component:
    number = int(key[1:]) if group is None else group
    return Component(key, f"Name {key}", "process", action, number, uses, f"/{key}/")


def test_what_is_used_stands_right_of_what_uses_it_and_cycles_stay_together() -> None:
    found = graph.layers(
        [
            component("c1", "c2", "c4"),
            component("c2", "c3", group=2),
            component("c3", "c2", "c4", group=2),
            component("c4"),
        ]
    )
    assert [{each.id for each in layer} for layer in found] == [{"c1"}, {"c2", "c3"}, {"c4"}]


def test_cycles_and_what_is_shared_are_said() -> None:
    described = {
        each.component.id: each
        for each in graph.describe(
            [
                component("c1", "c2", "c3"),
                component("c2", "c3", group=2),
                component("c3", "c2", group=2),
            ]
        )
    }
    assert [each.in_cycle for each in described.values()] == [False, True, True]
    assert [used.id for used in described["c3"].used_by] == ["c1", "c2"]
    drawing = graph.draw([each.component for each in described.values()])
    assert drawing.count("↻ cycle") >= 2
    assert "used by 2" in drawing


@pytest.mark.parametrize("size", [5, 200])
def test_each_component_is_a_link_and_has_its_mark(size: int) -> None:
    components = [
        component("c0", *[f"c{n}" for n in range(1, size)]),
        *[component(f"c{n}", action="create") for n in range(1, size)],
    ]
    drawing = graph.draw(components)
    found = re.findall(r'href="/(c\d+)/"', drawing)
    assert sorted(found) == sorted(each.id for each in components)
    assert drawing.count('class="sign"') == size
    assert "style=" not in drawing


@given(st.integers(1, 40), st.data())
def test_no_box_stands_on_another(size: int, data: st.DataObject) -> None:
    numbers = st.lists(st.integers(0, size - 1), max_size=4)
    components = [
        component(f"c{n}", *[f"c{m}" for m in data.draw(numbers) if m > n]) for n in range(size)
    ]
    boxes = [
        (float(x), float(y))
        for x, y in re.findall(r'class="box" x="([\d.]+)" y="([\d.]+)"', graph.draw(components))
    ]
    assert len(boxes) == size
    for number, (x, y) in enumerate(boxes):
        for u, v in boxes[number + 1 :]:
            assert abs(x - u) >= WIDTH or abs(y - v) >= HEIGHT
