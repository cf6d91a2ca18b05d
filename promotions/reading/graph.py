"""The components of a plan and who uses whom, drawn as SVG: what is used stands right of what uses it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, sqrt

from ..states import Action
from .words import shortened

WIDTH, HEIGHT = 246.0, 50.0
GAP_X, GAP_Y = 64.0, 14.0
WRAPPED_X = 26.0  # between the columns that one layer is wrapped into
MARGIN = 16.0
SIGNS: Mapping[str, str] = {
    Action.CREATE: "+",
    Action.UPDATE: "≠",
    Action.UNCHANGED: "=",
    Action.CONNECTION: "⇄",
}
SAID: Mapping[str, str] = {
    Action.CREATE: "new",
    Action.UPDATE: "updated",
    Action.UNCHANGED: "unchanged",
    Action.CONNECTION: "connection",
}


@dataclass(frozen=True)
class Component:
    """One component of the graph.

    :param group: members of a reference cycle share a number.
    :param uses: ids of the components that it uses; others are left out.
    """

    id: str
    name: str
    type: str
    action: str
    group: int
    uses: Sequence[str]
    href: str = ""


@dataclass(frozen=True)
class Described:
    """A component in words, for those who do not see the picture."""

    component: Component
    said: str
    uses: list[Component]
    used_by: list[Component]
    in_cycle: bool


def describe(components: Sequence[Component]) -> list[Described]:
    """Every component with what it uses and what uses it."""
    known = {component.id: component for component in components}
    used_by: dict[str, list[Component]] = defaultdict(list)
    for component in components:
        for key in dict.fromkeys(component.uses):
            if key in known:
                used_by[key].append(component)
    groups = Counter(component.group for component in components)
    return [
        Described(
            component,
            SAID.get(component.action, component.action),
            [known[key] for key in dict.fromkeys(component.uses) if key in known],
            used_by[component.id],
            groups[component.group] > 1 or component.id in component.uses,
        )
        for component in components
    ]


def layers(components: Sequence[Component]) -> list[list[Component]]:
    """Components by how far they stand from what nothing uses; cycles stay together."""
    group_of = {component.id: component.group for component in components}
    used: dict[int, set[int]] = defaultdict(set)
    for component in components:
        for key in component.uses:
            if key in group_of and group_of[key] != component.group:
                used[component.group].add(group_of[key])
    depth = _depths(set(group_of.values()), used)
    users: dict[str, list[str]] = defaultdict(list)
    for component in components:
        for key in component.uses:
            users[key].append(component.id)
    found: dict[int, list[Component]] = defaultdict(list)
    for component in components:
        found[depth[component.group]].append(component)
    place: dict[str, float] = {}
    ordered = []
    for level in sorted(found):
        middle: dict[int, list[float]] = defaultdict(list)
        for component in found[level]:
            middle[component.group] += [place[key] for key in users[component.id] if key in place]

        def order(
            component: Component, middle: Mapping[int, list[float]] = middle
        ) -> tuple[float, int, str]:
            places = middle[component.group]
            mean = sum(places) / len(places) if places else 0.0
            return mean, component.group, component.name.casefold()

        row = sorted(found[level], key=order)
        for number, component in enumerate(row):
            place[component.id] = number / len(row)
        ordered.append(row)
    return ordered


def _depths(groups: set[int], used: Mapping[int, set[int]]) -> dict[int, int]:
    """The longest way to each group from one that no other uses."""
    waiting = Counter(target for targets in used.values() for target in targets)
    depth = dict.fromkeys(groups, 0)
    todo = [group for group in sorted(groups) if not waiting[group]]
    while todo:
        group = todo.pop()
        for target in used.get(group, ()):
            depth[target] = max(depth[target], depth[group] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                todo.append(target)
    return depth


def draw(components: Sequence[Component], *, spell: Callable[[str], str] = str) -> str:
    """The graph as SVG, with a link on each component."""
    rows = layers(components)
    tallest = max(12, ceil(sqrt(len(components) * 2.2)))
    at: dict[str, tuple[float, float]] = {}
    left, height = MARGIN, 0.0
    heights = []
    for row in rows:
        columns = [row[n : n + tallest] for n in range(0, len(row), tallest)]
        for number, column in enumerate(columns):
            for place, component in enumerate(column):
                at[component.id] = left, MARGIN + place * (HEIGHT + GAP_Y)
            heights.append((len(column), [each.id for each in column]))
            left += WIDTH + (WRAPPED_X if number < len(columns) - 1 else GAP_X)
    most = max((count for count, _ in heights), default=0)
    for count, keys in heights:
        # Short columns stand in the middle.
        down = (most - count) * (HEIGHT + GAP_Y) / 2
        for key in keys:
            at[key] = at[key][0], at[key][1] + down
    height = 2 * MARGIN + most * (HEIGHT + GAP_Y) - GAP_Y
    width = left - GAP_X + MARGIN
    told = Counter(component.action for component in components)
    about = "What uses what: " + ", ".join(
        f"{told[action]} {SAID[action]}" for action in SIGNS if told[action]
    )
    parts = [
        f'<svg class="graph{" graph-many" if len(components) > 40 else ""}" viewBox="0 0 {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}" role="group" aria-label="{escape(about)}">'
    ]
    described = describe(components)
    for each in described:
        parts += [
            _line(
                at[each.component.id],
                at[used.id],
                each.in_cycle and used.group == each.component.group,
            )
            for used in each.uses
        ]
    parts += [_box(each, at[each.component.id], spell) for each in described]
    parts.append("</svg>")
    return "".join(parts)


def _line(start: tuple[float, float], end: tuple[float, float], cycle: bool) -> str:
    x, y = start[0] + WIDTH, start[1] + HEIGHT / 2
    to_y = end[1] + HEIGHT / 2
    if end[0] > start[0]:
        to_x = end[0]
        bend = max(24.0, min(90.0, (to_x - x) / 2))
        path = f"M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"
        head = f"M{to_x:g} {to_y:g}l-7 -3.5v7z"
    else:
        to_x = end[0] + WIDTH
        bend = max(x, to_x) + 34
        path = f"M{x:g} {y - 8:g}C{bend:g} {y - 8:g} {bend:g} {to_y + 8:g} {to_x:g} {to_y + 8:g}"
        head = f"M{to_x:g} {to_y + 8:g}l7 -3.5v7z"
    kind = "use cycle" if cycle else "use"
    return f'<g class="{kind}"><path d="{path}"/><path class="head" d="{head}"/></g>'


def _box(each: Described, at: tuple[float, float], spell: Callable[[str], str]) -> str:
    x, y = at
    component = each.component
    notes = [each.said]
    if each.in_cycle:
        notes.append("↻ cycle")
    if len(each.used_by) > 1:
        notes.append(f"used by {len(each.used_by)}")
    name = escape(shortened(spell(component.name), 25))
    full = escape(spell(f"{component.name}, {component.type}: {', '.join(notes)}"))
    kind = " ".join(
        ["node", component.action, *(["in-cycle"] if each.in_cycle else []),
         *(["shared"] if len(each.used_by) > 1 else [])]
    )  # fmt: skip
    inner = (
        f"<title>{full}</title>"
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{WIDTH:g}" height="{HEIGHT:g}" rx="9"/>'
        f'<circle class="mark" cx="{x + 19:g}" cy="{y + HEIGHT / 2:g}" r="10.5"/>'
        f'<text class="sign" x="{x + 19:g}" y="{y + HEIGHT / 2 + 5:g}">{SIGNS.get(component.action, "·")}</text>'
        f'<text class="name" x="{x + 38:g}" y="{y + 21:g}">{name}</text>'
        f'<text class="note" x="{x + 38:g}" y="{y + 38:g}">'
        f"{escape(shortened(' · '.join([component.type, *notes[1:]]), 32))}</text>"
    )
    if not component.href:
        return f'<g class="{kind}">{inner}</g>'
    return f'<a class="{kind}" href="{escape(component.href)}" aria-label="{full}">{inner}</a>'
