"""Random graphs of processes, cycles among them: promoted, changed, promoted again and rolled back.

What must hold of each: every reference in production points to something that is there, nothing is made twice, and a
rollback brings back the content of then; what was created since stays and is named.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partnerapi.simulator import seed
from promotions.models import PlannedComponent, PromotionRequest
from promotions.states import Action, Status
from tests.integration.desk import Desk
from tests.integration.test_rollback import content, planned, rolled_back

_numbers = itertools.count(1)
# Each promotion takes seconds of a real worker's time.
few = settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Graph:
    """Which process calls which, by number; 0 is the one that is packaged, and reaches all others.

    :ivar changed: those that are changed before the second promotion.
    :ivar grows: whether the first one calls a new process by then.
    """

    calls: dict[int, set[int]]
    changed: set[int]
    grows: bool


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(2, 5))
    nodes = st.integers(0, size - 1)
    calls: dict[int, set[int]] = {node: set() for node in range(size)}
    for node in range(1, size):
        calls[draw(st.integers(0, node - 1))].add(node)
    for caller, called in draw(st.lists(st.tuples(nodes, nodes), max_size=5)):
        if caller != called:
            calls[caller].add(called)
    return Graph(calls, draw(st.sets(nodes, min_size=1)), draw(st.booleans()))


def process_xml(name: str, text: str, called: list[str]) -> str:
    """A process that says something and calls others."""
    shapes = [
        f'<shape image="processcall_icon" name="shape{number}" shapetype="processcall" userlabel="" '
        f'x="{number * 160}.0" y="96.0"><configuration>'
        f'<processcall abort="true" processId="{key}" wait="true"><parameters/></processcall>'
        "</configuration><dragpoints/></shape>"
        for number, key in enumerate(called, start=3)
    ]
    return (
        '<bns:Component xmlns:bns="http://api.platform.boomi.com/" '
        f'name="{name}" type="process"><bns:description/><bns:object>'
        '<process xmlns="" allowSimultaneous="false" workload="general"><shapes>'
        '<shape image="start_icon" name="shape1" shapetype="start" userlabel="" x="96.0" y="96.0"><configuration>'
        "<noaction/></configuration><dragpoints/></shape>"
        '<shape image="message_icon" name="shape2" shapetype="message" userlabel="" x="256.0" y="96.0"><configuration>'
        f'<message combined="false"><msgTxt>{text}</msgTxt></message></configuration><dragpoints/></shape>'
        f"{''.join(shapes)}</shapes></process></bns:object></bns:Component>"
    )


class Dev:
    """The processes of one graph in the dev account."""

    def __init__(self, desk: Desk, calls: dict[int, set[int]]) -> None:
        self.desk, self.calls = desk, {node: set(called) for node, called in calls.items()}
        self.batch = next(_numbers)
        # First without what they call, which need not be there yet.
        self.ids = {node: self._create(node) for node in calls}
        for node in calls:
            self.save(node, "first")

    def name(self, node: int) -> str:
        return f"Graph {self.batch} node {node}"

    def _create(self, node: int) -> str:
        made = self.desk.edit(
            action="create_component",
            account=seed.ORDERS_ACCOUNT,
            folder="Northwind Orders Team/Graphs",
            xml=process_xml(self.name(node), "new", []),
        )
        return str(made["componentId"])

    def save(self, node: int, text: str) -> None:
        called = [self.ids[one] for one in sorted(self.calls[node])]
        xml = process_xml(self.name(node), text, called)
        self.desk.edit(action="component_xml", componentId=self.ids[node], xml=xml)

    def grow(self) -> int:
        """A new process that the packaged one calls from now on."""
        node = len(self.ids)
        self.calls[node] = set()
        self.ids[node] = self._create(node)
        self.calls[0].add(node)
        return node

    def promoted(self, version: str) -> PromotionRequest:
        package = self.desk.edit(
            action="create_package", componentId=self.ids[0], packageVersion=version
        )
        promotion = self.desk.promoted(package["packageId"], version=version)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        return promotion


def in_order(components: list[PlannedComponent]) -> bool:
    """Whether what is used stands before its users, but within a cycle."""
    place = {component.dev_component_id: component for component in components}
    return all(
        place[used].position < component.position or place[used].group == component.group
        for component in components
        for used in component.depends_on
    )


@few
@given(graphs())
def test_every_graph_is_promoted_whole_and_comes_back(desk: Desk, graph: Graph) -> None:
    dev = Dev(desk, graph.calls)
    created = desk.calls(2)
    first = dev.promoted("1.0")
    assert in_order(list(first.plan.components.all()))
    assert desk.calls(2) == created + len(graph.calls), "Something was made twice."
    names = [found["name"] for found in desk.production().values()]
    assert all(names.count(dev.name(node)) == 1 for node in graph.calls)
    assert not desk.state()["dangling_references"]
    before = content(desk)

    grown = dev.grow() if graph.grows else None
    for node in graph.changed | {0}:
        dev.save(node, "second")
    second = dev.promoted("2.0")
    written = second.results.filter(component__action=Action.UPDATE)
    assert written.count() == len(graph.changed | {0})
    assert not desk.state()["dangling_references"]
    assert {name for name in before if content(desk)[name] != before[name]} == {
        dev.name(node) for node in graph.changed | {0}
    }

    named = set(
        planned(desk, first)
        .findings.filter(code="CREATED_STAYS")
        .values_list("subject_name", flat=True)
    )
    rolled_back(desk, first)
    after = content(desk)
    assert {name: after[name] for name in before} == before
    stays = {dev.name(grown)} if grown is not None else set()
    assert set(after) - set(before) == stays == named
    assert not desk.state()["dangling_references"]
