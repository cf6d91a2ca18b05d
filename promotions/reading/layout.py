"""Where the boxes of a canvas stand and how its arrows run, in a grid that keeps the designer's order.

Places snap to columns and rows. Arrows run in the channels between them, at right angles, one trunk for each source,
so that no arrow crosses a box. Everything is computed along a main axis and one across it: left to right on a wide
screen, top to bottom on a phone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 144.0, 58.0
SNAP_X, SNAP_Y = 20.0, 40.0
LANE = 9.0  # between two lines in one channel
LETTER = 6.4  # width of a letter of a way's label
MARGIN = 18.0
STUB = 20.0

Cell = tuple[int, int]
Xy = tuple[float, float]


@dataclass(frozen=True)
class Arrow:
    """An arrow to be laid out: its key says which it is; without a target it is a stub."""

    key: int
    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Route:
    """The corners of an arrow, and where its label stands."""

    points: list[Xy]
    label_at: Xy


@dataclass(frozen=True)
class Laid:
    """A canvas in pixels: the upper left corner of each box, and the arrows by key."""

    width: float
    height: float
    boxes: dict[str, Xy]
    routes: dict[int, Route]


def grid(places: Mapping[str, Xy]) -> dict[str, Cell]:
    """Column and row of each shape: near places share one, no two shapes share both."""
    columns = _snap([x for x, _ in places.values()], SNAP_X)
    rows = _snap([y for _, y in places.values()], SNAP_Y)
    taken: set[tuple[int, tuple[int, int]]] = set()
    found: dict[str, tuple[int, tuple[int, int]]] = {}
    for key, (x, y) in sorted(places.items(), key=lambda item: (item[1][0], item[1][1])):
        column, row, below = columns[x], rows[y], 0
        while (column, (row, below)) in taken:
            below += 1
        taken.add((column, (row, below)))
        found[key] = column, (row, below)
    # Rows for those that stood on one another are put in between.
    ranks = {row: rank for rank, row in enumerate(sorted({row for _, row in found.values()}))}
    return {key: (column, ranks[row]) for key, (column, row) in found.items()}


def _snap(values: Iterable[float], near: float) -> dict[float, int]:
    found: dict[float, int] = {}
    rank, begins = -1, float("-inf")
    for value in sorted(set(values)):
        if value - begins > near:
            rank, begins = rank + 1, value
        found[value] = rank
    return found


def lay_out(cells: Mapping[str, Cell], arrows: Sequence[Arrow], *, down: bool) -> Laid:
    """Place boxes and arrows.

    :param cells: column and row of each box, each cell used once.
    :param down: from top to bottom instead of left to right: x and y change places.
    """
    return _Layout(cells, arrows, down=down).laid()


class _Layout:
    def __init__(self, cells: Mapping[str, Cell], arrows: Sequence[Arrow], *, down: bool) -> None:
        self.cells = dict(cells)
        self.down = down
        self.arrows = [
            arrow
            for arrow in arrows
            if arrow.source in cells and (not arrow.target or arrow.target in cells)
        ]
        self.size = (HEIGHT, WIDTH) if down else (WIDTH, HEIGHT)  # along, across
        self.base = (34.0, 26.0) if down else (40.0, 32.0)
        self.taken = set(self.cells.values())
        self.last = (
            max((c for c, _ in self.taken), default=0),
            max((r for _, r in self.taken), default=0),
        )
        self._plan()
        self._measure()

    def laid(self) -> Laid:
        boxes = {
            key: self._turn((self.along[column], self.across[row]))
            for key, (column, row) in self.cells.items()
        }
        routes = {arrow.key: self._route(arrow) for arrow in self.arrows}
        # Half of the channel that no line uses is margin.
        end = (
            self.along[self.last[0]] + self.size[0] + self.channel[self.last[0] + 1],
            self.across[self.last[1]] + self.size[1] + self.gap[self.last[1] + 1],
        )
        width, height = self._turn(end)
        return Laid(width, height, boxes, routes)

    def _turn(self, point: Xy) -> Xy:
        return (point[1], point[0]) if self.down else point

    # What kind of way each arrow takes, and which lanes that needs

    def _plan(self) -> None:
        self.straight: set[int] = set()
        self.around: set[int] = set()
        trunks: dict[str, list[float]] = defaultdict(list)  # source -> rows it spans
        entries: dict[str, list[float]] = defaultdict(list)
        bridges: dict[str, list[float]] = defaultdict(list)  # target -> columns it spans
        for arrow in self.arrows:
            if not arrow.target:
                continue
            (column, row), (to, to_row) = self.cells[arrow.source], self.cells[arrow.target]
            free = to > column and all(
                (between, to_row) not in self.taken for between in range(column + 1, to)
            )
            if free and to_row == row:
                self.straight.add(arrow.key)
            elif free:
                trunks[arrow.source] += [row, to_row]
            else:
                self.around.add(arrow.key)
                # The bridge runs in the channel before the target's row.
                trunks[arrow.source] += [row, to_row - 0.5]
                entries[arrow.target] += [to_row - 0.5, to_row]
                bridges[arrow.target] += [column + 0.5, to - 0.5]
        self.trunk_lane = self._lanes(trunks, lambda key: self.cells[key][0] + 1)
        self.entry_lane = self._lanes(entries, lambda key: self.cells[key][0])
        self.bridge_lane = self._lanes(bridges, lambda key: self.cells[key][1])

    def _lanes(
        self, spans: Mapping[str, Sequence[float]], channel_of: Callable[[str], int]
    ) -> dict[str, int]:
        """A lane for each line, so that those in one channel that overlap have different ones."""
        ends: dict[int, list[float]] = defaultdict(list)
        lanes: dict[str, int] = {}
        for key, span in sorted(spans.items(), key=lambda item: (min(item[1]), item[0])):
            used = ends[channel_of(key)]
            free = next((lane for lane, end in enumerate(used) if end < min(span)), len(used))
            if free == len(used):
                used.append(max(span))
            else:
                used[free] = max(span)
            lanes[key] = free
        return lanes

    # How wide the channels are

    def _measure(self) -> None:
        exits: dict[int, int] = defaultdict(int)
        entries: dict[int, int] = defaultdict(int)
        bridges: dict[int, int] = defaultdict(int)
        labels: dict[int, float] = defaultdict(float)
        for key, lane in self.trunk_lane.items():
            column = self.cells[key][0] + 1
            exits[column] = max(exits[column], lane + 1)
        for key, lane in self.entry_lane.items():
            column = self.cells[key][0]
            entries[column] = max(entries[column], lane + 1)
        for key, lane in self.bridge_lane.items():
            row = self.cells[key][1]
            bridges[row] = max(bridges[row], lane + 1)
        for arrow in self.arrows:
            if arrow.label:
                column = self.cells[arrow.source][0] + 1
                room = 15.0 if self.down else label_width(arrow.label) + 6
                labels[column] = max(labels[column], room)
            elif not arrow.target:
                column = self.cells[arrow.source][0] + 1
                labels[column] = max(labels[column], STUB)
        self.exits = exits
        self.channel = {
            column: max(
                self.base[0] if 0 < column <= self.last[0] else MARGIN,
                14 + LANE * (exits[column] + entries[column]) + labels[column] + 10
                if exits[column] or entries[column] or labels[column]
                else 0,
            )
            for column in range(self.last[0] + 2)
        }
        self.gap = {
            row: max(
                self.base[1] if 0 < row <= self.last[1] else MARGIN,
                12 + LANE * bridges[row] if bridges[row] else 0,
            )
            for row in range(self.last[1] + 2)
        }
        self.along, self.across = [], []
        at = 0.0
        for column in range(self.last[0] + 1):
            at += self.channel[column]
            self.along.append(at)
            at += self.size[0]
        at = 0.0
        for row in range(self.last[1] + 1):
            at += self.gap[row]
            self.across.append(at)
            at += self.size[1]

    # Corners

    def _route(self, arrow: Arrow) -> Route:
        column, row = self.cells[arrow.source]
        out = self.along[column] + self.size[0]
        middle = self.across[row] + self.size[1] / 2
        if not arrow.target:
            points = [(out, middle), (out + STUB, middle)]
            return self._made(points, (out + 4, middle))
        to, to_row = self.cells[arrow.target]
        into = self.along[to]
        to_middle = self.across[to_row] + self.size[1] / 2
        if arrow.key in self.straight:
            trunk = self._trunk(arrow.source) if arrow.source in self.trunk_lane else out
            return self._made([(out, middle), (into, to_middle)], (trunk + 4, middle))
        trunk = self._trunk(arrow.source)
        if arrow.key not in self.around:
            points = [(out, middle), (trunk, middle), (trunk, to_middle), (into, to_middle)]
            return self._made(points, (trunk + 4, to_middle))
        bridge = self.across[to_row] - 8 - LANE * self.bridge_lane[arrow.target]
        entry = into - 12 - LANE * self.entry_lane[arrow.target]
        points = [
            (out, middle),
            (trunk, middle),
            (trunk, bridge),
            (entry, bridge),
            (entry, to_middle),
            (into, to_middle),
        ]
        return self._made(points, (trunk + 4, bridge))

    def _trunk(self, source: str) -> float:
        column = self.cells[source][0]
        return self.along[column] + self.size[0] + 8 + LANE * self.trunk_lane[source]

    def _made(self, points: list[Xy], label_at: Xy) -> Route:
        kept = [points[0]]
        for point in points[1:]:
            if point != kept[-1]:
                kept.append(point)
        return Route([self._turn(point) for point in kept], self._turn(label_at))


def label_width(label: str) -> float:
    return LETTER * min(len(label), 16)
