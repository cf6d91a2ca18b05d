"""Draws a process's canvas as SVG: classes only, no ids, no scripts, nothing from outside."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from textwrap import wrap

from . import layout
from .layout import HEIGHT, WIDTH, Arrow, Laid, Xy
from .model import ADDED, CHANGED, MOVED, REMOVED, SAME, Picture, Shape, Way
from .words import count, shortened

DIFFERENCE, OLD, NEW = "difference", "old", "new"
SIGNS = {ADDED: "+", REMOVED: "−", CHANGED: "≠", MOVED: "↔"}
MARK_WORDS = {ADDED: "added", REMOVED: "removed", CHANGED: "changed", MOVED: "only moved", SAME: ""}
FOLD_FROM = 12  # shapes from which unchanged runs are folded
FOLD_RUN = 3
LETTERS = 18  # in a line of a label: in the widest font that a browser falls back on


@dataclass(frozen=True)
class View:
    """One side of the switch, in both directions."""

    name: str
    title: str
    across: str  # SVG from left to right
    down: str  # SVG from top to bottom
    folded: int  # shapes that stand folded
    wide: bool


def views(
    picture: Picture, *, name: str, prefix: str, spell: Callable[[str], str] = str
) -> list[View]:
    """Difference, the same unfolded, new and old, the first to be shown first."""
    picture = _spelled(picture, spell)
    name = spell(name)
    has_old = any(shape.old for shape in picture.shapes)
    has_new = any(shape.new for shape in picture.shapes)
    made = []
    if has_old and has_new:
        folded, hidden = fold(shown(picture, DIFFERENCE))
        made.append(_view(DIFFERENCE, "Difference", folded, hidden, name, prefix))
        if hidden:
            made.append(_view("all", "Unfolded", shown(picture, DIFFERENCE), 0, name, prefix))
    if has_new:
        made.append(_view(NEW, "New", shown(picture, NEW), 0, name, prefix))
    if has_old:
        made.append(_view(OLD, "Old", shown(picture, OLD), 0, name, prefix))
    if made and made[0].name == DIFFERENCE and mostly_new(picture):
        made.sort(key=lambda view: view.name != NEW)
    return made


def _spelled(picture: Picture, spell: Callable[[str], str]) -> Picture:
    """The picture with texts that hide nothing."""
    return Picture(
        [
            replace(shape, label=spell(shape.label), type=spell(shape.type))
            for shape in picture.shapes
        ],
        [replace(way, label=spell(way.label)) for way in picture.ways],
    )


def mostly_new(picture: Picture) -> bool:
    """Where nearly everything is new, the difference is only confusing."""
    marks = Counter(shape.mark for shape in picture.shapes)
    return marks[ADDED] + marks[REMOVED] > 0.85 * len(picture.shapes)


def _view(view: str, title: str, picture: Picture, folded: int, name: str, prefix: str) -> View:
    about = f"{title} picture of {name}: {summary(picture)}"
    plain = not any(shape.old for shape in picture.shapes)
    across = _draw(picture, down=False, about=about, prefix=prefix, plain=plain)
    down = _draw(picture, down=True, about=about, prefix=prefix, plain=plain)
    return View(view, title, across[0], down[0], folded, across[1] > 1000)


def shown(picture: Picture, view: str) -> Picture:
    """The shapes and ways of one view, each shape with its place there as ``new``."""
    if view == DIFFERENCE:
        return _merged(picture)
    if view == NEW:
        shapes = [shape for shape in picture.shapes if shape.new]
        gone = REMOVED
    else:
        shapes = [replace(shape, new=shape.old) for shape in picture.shapes if shape.old]
        gone = ADDED
    return Picture(shapes, [way for way in picture.ways if way.mark != gone])


def _merged(picture: Picture) -> Picture:
    """Both versions in one: what was removed moves along with its neighbours."""
    steps = {
        shape.id: (shape.new[0] - shape.old[0], shape.new[1] - shape.old[1])
        for shape in picture.shapes
        if shape.new and shape.old
    }
    neighbours: dict[str, list[str]] = defaultdict(list)
    for way in picture.ways:
        neighbours[way.target].append(way.source)
        neighbours[way.source].append(way.target)
    shapes = []
    for shape in picture.shapes:
        if shape.new is None and shape.old is not None:
            dx, dy = _step_near(shape.id, steps, neighbours)
            shape = replace(shape, new=(shape.old[0] + dx, shape.old[1] + dy))
        shapes.append(shape)
    return Picture(shapes, picture.ways)


def _step_near(key: str, steps: dict[str, Xy], neighbours: dict[str, list[str]]) -> Xy:
    seen, todo = {key}, [key]
    for at in todo:
        if at in steps:
            return steps[at]
        for other in neighbours[at]:
            if other and other not in seen:
                seen.add(other)
                todo.append(other)
    return 0.0, 0.0


def fold(picture: Picture) -> tuple[Picture, int]:
    """Unchanged runs, and branches in which nothing changes, as one box each.

    :returns: the picture, and how many shapes stand in those boxes.
    """
    if len(picture.shapes) < FOLD_FROM:
        return picture, 0
    inside = _Folds(picture).inside
    sizes = Counter(inside.values())
    shapes = []
    for shape in picture.shapes:
        if shape.id in sizes:
            label = count(sizes[shape.id], "unchanged shape")
            shapes.append(replace(shape, kind="fold", type="", label=label))
        elif shape.id not in inside:
            shapes.append(shape)
    ways = [
        replace(
            way,
            source=inside.get(way.source, way.source),
            target=inside.get(way.target, way.target),
        )
        for way in picture.ways
        if way.source not in inside or inside[way.source] != inside.get(way.target)
        if way.target or way.source not in inside
    ]
    return Picture(shapes, ways), len(inside)


class _Folds:
    """Which shapes stand folded, each with the shape in whose place they do."""

    def __init__(self, picture: Picture) -> None:
        self.leaving: dict[str, list[Way]] = defaultdict(list)
        self.arriving: dict[str, list[Way]] = defaultdict(list)
        for way in picture.ways:
            self.leaving[way.source].append(way)
            self.arriving[way.target].append(way)
        self.plain = {
            shape.id
            for shape in picture.shapes
            if shape.mark == SAME
            and shape.connected
            and shape.kind != "start"
            and all(way.mark == SAME for way in self.leaving[shape.id])
        }
        self.inside: dict[str, str] = {}
        for shape in picture.shapes:
            self._branch(shape.id)
        for shape in picture.shapes:
            self._run(shape.id)

    def _branch(self, head: str) -> None:
        """Everything behind ``head``, if nothing of it changes and no other way leads into it."""
        if head not in self.plain or head in self.inside:
            return
        behind, todo = {head}, [head]
        while todo:
            for way in self.leaving[todo.pop()]:
                if way.target and way.target not in behind:
                    if way.target not in self.plain:
                        return
                    behind.add(way.target)
                    todo.append(way.target)
        entered = any(
            way.source not in behind for key in behind - {head} for way in self.arriving[key]
        )
        if len(behind) >= FOLD_RUN and not entered:
            self.inside |= dict.fromkeys(behind, head)

    def _run(self, head: str) -> None:
        """Shapes in a row, each with one way to the next."""
        if not self._in_run(head):
            return
        sources = [way.source for way in self.arriving[head]]
        if len(sources) == 1 and self._in_run(sources[0]):
            return  # not the first of its run
        run = [head]
        while True:
            ways = self.leaving[run[-1]]
            after = ways[0].target if ways else ""
            if after in run or not self._in_run(after) or len(self.arriving[after]) > 1:
                break
            run.append(after)
        if len(run) >= FOLD_RUN:
            self.inside |= dict.fromkeys(run, head)

    def _in_run(self, key: str) -> bool:
        ways = self.leaving[key]
        return (
            key in self.plain
            and key not in self.inside
            and len(ways) < 2
            and all(way.target and not way.label for way in ways)
        )


def _close_up(cells: Mapping[str, layout.Cell], ways: Iterable[Way]) -> dict[str, layout.Cell]:
    """Close the gaps that folding leaves: as far left as the flow and the order in each row allow."""
    before: dict[str, list[str]] = defaultdict(list)
    for way in ways:
        before[way.target].append(way.source)
    columns: dict[str, int] = {}
    last: dict[int, int] = {}
    for key, (column, row) in sorted(cells.items(), key=lambda item: item[1]):
        after = [columns[other] for other in before[key] if cells.get(other, (column,))[0] < column]
        columns[key] = max([*after, last.get(row, -1)], default=-1) + 1
        last[row] = columns[key]
    return {key: (columns[key], row) for key, (_, row) in cells.items()}


def place(picture: Picture, *, down: bool) -> Laid:
    """Lay the shapes and ways of one view out."""
    cells = layout.grid({shape.id: shape.new for shape in picture.shapes if shape.new})
    if any(shape.kind == "fold" for shape in picture.shapes):
        cells = _close_up(cells, picture.ways)
    arrows = [
        Arrow(number, way.source, way.target, way.label) for number, way in enumerate(picture.ways)
    ]
    return layout.lay_out(cells, arrows, down=down)


def summary(picture: Picture) -> str:
    """The marks in numbers, for the text alternative."""
    marks = Counter(shape.mark for shape in picture.shapes)
    told = [f"{marks[mark]} {MARK_WORDS[mark]}" for mark in SIGNS if marks[mark]]
    return ", ".join([count(len(picture.shapes), "shape"), *told])


# --- In words --------------------------------------------------------------------------------


def described(picture: Picture) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Every shape in words with its ways: (mark, shape, [(mark, way)]), for those who do not see the picture."""
    called = {
        shape.id: f"{shape.type} “{shape.label}”" if shape.label else shape.type
        for shape in picture.shapes
    }
    ways: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for way in picture.ways:
        to = f"to {called[way.target]}" if way.target in called else "leads nowhere"
        ways[way.source].append((way.mark, f"“{way.label}” {to}" if way.label else to))
    return [
        (
            shape.mark,
            called[shape.id] + ("" if shape.connected else ", not connected"),
            ways[shape.id],
        )
        for shape in picture.shapes
    ]


# --- SVG -------------------------------------------------------------------------------------


def _draw(
    picture: Picture, *, down: bool, about: str, prefix: str, plain: bool
) -> tuple[str, float]:
    laid = place(picture, down=down)
    width, height = round(laid.width), round(laid.height)
    parts = [
        f'<svg class="canvas{" canvas-plain" if plain else ""}" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="group" aria-label="{escape(about)}">'
    ]
    order = {SAME: 0, REMOVED: 1, ADDED: 2}
    for number, way in sorted(enumerate(picture.ways), key=lambda each: order[each[1].mark]):
        if number in laid.routes:
            parts.append(_way(way, laid.routes[number], down=down))
    for shape in picture.shapes:
        if shape.id in laid.boxes:
            parts.append(_shape(shape, laid.boxes[shape.id], prefix))
    parts.append("</svg>")
    return "".join(parts), laid.width


def _way(way: Way, route: layout.Route, *, down: bool) -> str:
    points = route.points
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    (ax, ay), (x, y) = points[-2], points[-1]
    if way.target:
        dx, dy = (x > ax) - (x < ax), (y > ay) - (y < ay)
        back, side = (x - 7 * dx, y - 7 * dy), (4 * dy, 4 * dx)
        end = (
            f'<path class="head" d="M{x:g} {y:g}L{back[0] + side[0]:g} {back[1] + side[1]:g}'
            f'L{back[0] - side[0]:g} {back[1] - side[1]:g}z"/>'
        )
    else:
        end = f'<circle class="end" cx="{x:g}" cy="{y:g}" r="3.5"/>'
    label = ""
    if way.label:
        lx, ly = route.label_at
        lx, ly = (lx + 5, ly + 9) if down else (lx, ly - 5)
        label = f'<text x="{lx:g}" y="{ly:g}">{escape(shortened(way.label, 16))}</text>'
    return f'<g class="way {way.mark}"><path d="{path}"/>{end}{label}</g>'


def _shape(shape: Shape, at: Xy, prefix: str) -> str:
    x, y = at
    lines = _lines(shape.label)
    full = f"{shape.type} “{shape.label}”" if shape.label else shape.type
    if shape.kind == "fold":
        text = (
            f'<text class="fold" x="{x + WIDTH / 2:g}" y="{y + 33:g}">{escape(shape.label)}</text>'
        )
        return f'<g class="shape fold">{_box(x, y)}{text}</g>'
    if not lines:
        text = f'<text class="type alone" x="{x + WIDTH / 2:g}" y="{y + 33:g}">{escape(shape.type)}</text>'
    else:
        top = y + (17 if len(lines) > 1 else 23)
        text = (
            f'<text class="type" x="{x + 10:g}" y="{top:g}">{escape(shape.type)}</text>'
            + "".join(
                f'<text class="label" x="{x + 10:g}" y="{top + 16 + 14 * number:g}">{escape(line)}</text>'
                for number, line in enumerate(lines)
            )
        )
    kind = f"shape {shape.mark}{'' if shape.connected else ' loose'}"
    said = ", ".join(part for part in (full, MARK_WORDS[shape.mark]) if part)
    if not shape.connected:
        said += ", not connected"
    inner = f"<title>{escape(said)}</title>{_box(x, y)}{text}"
    if not shape.number:
        return f'<g class="{kind}">{inner}</g>'
    sign = f"{SIGNS[shape.mark]} {shape.number}"
    wide = 16 + 7 * len(sign)
    badge = (
        f'<rect class="badge" x="{x + WIDTH - wide + 8:g}" y="{y - 10:g}" width="{wide}" height="20" rx="10"/>'
        f'<text class="badge-text" x="{x + WIDTH + 8 - wide / 2:g}" y="{y + 4.5:g}">{sign}</text>'
    )
    return (
        f'<a href="#{escape(prefix)}-{shape.number}" class="{kind}"'
        f' aria-label="{escape(f"Change {shape.number}: {said}")}">{inner}{badge}</a>'
    )


def _box(x: float, y: float) -> str:
    return f'<rect class="box" x="{x:g}" y="{y:g}" width="{WIDTH:g}" height="{HEIGHT:g}" rx="9"/>'


def _lines(label: str) -> Sequence[str]:
    """A label in two lines at most."""
    lines = wrap(" ".join(label.split()), LETTERS, break_long_words=True)
    if len(lines) > 2:
        lines = [lines[0], shortened(" ".join(lines[1:]), LETTERS)]
    return lines


def legend(picture: Picture) -> Iterable[tuple[str, str, int]]:
    """(mark, sign, how many) of each mark that occurs."""
    marks = Counter(shape.mark for shape in picture.shapes)
    return [(mark, sign, marks[mark]) for mark, sign in SIGNS.items() if marks[mark]]
