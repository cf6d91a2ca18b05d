"""The order of promotion."""

import random

from promotions.plan.order import dependencies_first


def test_what_is_used_comes_first() -> None:
    uses = {"process": ["map", "profile"], "map": ["profile"], "profile": []}
    assert dependencies_first(uses) == [["profile"], ["map"], ["process"]]


def test_a_diamond_has_each_component_once() -> None:
    uses = {"top": ["left", "right"], "left": ["base"], "right": ["base"], "base": []}
    groups = dependencies_first(uses)
    assert sorted(key for group in groups for key in group) == sorted(uses)
    assert groups[0] == ["base"]
    assert groups[-1] == ["top"]


def test_the_members_of_a_cycle_stand_together() -> None:
    uses = {"a": ["b"], "b": ["c"], "c": ["b", "leaf"], "leaf": []}
    assert dependencies_first(uses) == [["leaf"], ["b", "c"], ["a"]]


def test_a_component_that_uses_itself_stands_alone() -> None:
    assert dependencies_first({"a": ["a"]}) == [["a"]]


def test_what_is_not_planned_is_left_out() -> None:
    assert dependencies_first({"a": ["unknown"]}) == [["a"]]


def test_a_chain_longer_than_the_stack() -> None:
    uses = {str(n): [str(n + 1)] for n in range(5000)} | {"5000": []}
    assert dependencies_first(uses)[0] == ["5000"]


def test_any_graph_is_in_order() -> None:
    chance = random.Random(7)
    for _ in range(200):
        keys = [str(n) for n in range(chance.randint(1, 14))]
        uses = {key: chance.sample(keys, chance.randint(0, len(keys))) for key in keys}
        groups = dependencies_first(uses)
        place = {key: number for number, group in enumerate(groups) for key in group}
        assert sorted(place) == sorted(keys)
        for key in keys:
            for used in uses[key]:
                assert place[used] <= place[key]
        for group in groups:
            for key in group:
                assert reaches_all(uses, key, group)


def reaches_all(uses: dict[str, list[str]], start: str, group: list[str]) -> bool:
    seen, work = {start}, [start]
    while work:
        for used in uses[work.pop()]:
            if used not in seen:
                seen.add(used)
                work.append(used)
    return seen.issuperset(group)
