"""A component's change as the pages show it, and the graph of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from ..models import ComponentResult, Plan, PlannedComponent
from ..reading import canvas, from_json, graph
from ..reading.model import Change, Entry, Line, Reading, Section
from .words import types_of, visible

OPEN_UP_TO = 6  # entries that are open from the start


@dataclass(frozen=True)
class Step:
    """An entry with its neighbours, for the bar and the links from one to the next."""

    entry: Entry
    anchor: str
    before: str
    after: str
    values: list[Change]


@dataclass(frozen=True)
class Shown:
    """A reading, ready for its template."""

    reading: Reading
    name: str
    sections: list[tuple[Section, list[Step]]]
    views: list[tuple[canvas.View, SafeString, SafeString]]
    legend: list[tuple[str, str, int]]
    described: list[tuple[str, str, list[tuple[str, str]]]]
    is_open: bool

    @property
    def steps(self) -> list[Step]:
        return [step for _, steps in self.sections for step in steps]

    @property
    def tree(self) -> list[Line]:
        return self.reading.tree


def reading_of(component: PlannedComponent, *, opens_all: bool = False) -> Shown | None:
    """What changes in a component, on the branch once it is staged; None where nothing was read.

    :param opens_all: have every change open from the start.
    """
    staged = ComponentResult.objects.filter(component=component, reading__isnull=False)
    result = staged.select_related("reading").first()
    content = (result.reading if result else None) or component.reading
    if content is None:
        return None
    return shown(from_json(content.content), f"change-{component.pk}", opens_all=opens_all)


def shown(reading: Reading, prefix: str, *, opens_all: bool = False) -> Shown:
    """A reading, ready for its template.

    :param prefix: what the ids on the page begin with.
    :param opens_all: as for :func:`reading_of`.
    """
    entries = reading.entries
    steps: dict[int, Step] = {}
    for at, entry in enumerate(entries):
        steps[entry.number] = Step(
            entry,
            f"{prefix}-{entry.number}",
            f"{prefix}-{entries[at - 1].number}" if at else "",
            f"{prefix}-{entries[at + 1].number}" if at + 1 < len(entries) else "",
            entry.changes,
        )
    picture = reading.picture
    drawn = (
        canvas.views(picture, name=reading.name, prefix=prefix, spell=visible) if picture else []
    )
    return Shown(
        reading=reading,
        name=prefix,
        sections=[
            (section, [steps[entry.number] for entry in section.entries])
            for section in reading.sections
        ],
        # The drawings escape every text that they hold.
        views=[(view, mark_safe(view.across), mark_safe(view.down)) for view in drawn],  # noqa: S308
        legend=list(canvas.legend(picture)) if picture else [],
        described=canvas.described(picture) if picture else [],
        is_open=opens_all or (reading.state != "new" and len(entries) <= OPEN_UP_TO),
    )


def plan_graph(
    plan: Plan, components: Iterable[PlannedComponent], review: str = ""
) -> dict[str, Any]:
    """The dependency graph of a plan for its template; empty where there is nothing to connect.

    :param components: the plan's, with ``depends_on`` loaded.
    :param review: the address of the review that its boxes lead to; without one, to the components' own pages.
    """
    nodes = [
        graph.Component(
            id=component.dev_component_id,
            name=component.name,
            type=types_of(component.component_type),
            action=str(component.action),
            group=component.group,
            uses=component.depends_on,
            href=f"{review}?component={component.pk}#work"
            if review
            else reverse("component_difference", args=[plan.pk, component.pk]),
        )
        for component in components
    ]
    if len(nodes) < 2:
        return {}
    return {
        # The drawing escapes every text that it holds.
        "drawing": mark_safe(graph.draw(nodes, spell=visible)),  # noqa: S308
        "described": graph.describe(nodes),
        "cycles": len({each.component.group for each in graph.describe(nodes) if each.in_cycle}),
    }
