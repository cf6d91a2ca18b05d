"""Processes: which shapes and ways came, went and changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .compare import compare, value
from .model import ADDED, CHANGED, MOVED, REMOVED, SAME, Change, Entry, Picture, Shape, Way
from .tree import Node
from .words import Names, capital, count, listed, shape_type, shortened, words

NEAR = (20.0, 40.0)  # what a designer does not see as a move
ERRORS = frozenset({"catcherrors", "exception"})
NOWHERE = frozenset({"", "unset"})
# What a shape of a kind is about, in the sentence of the plan.
TOPICS = {
    "branch": "flow",
    "catcherrors": "error handling",
    "connectoraction": "connector calls",
    "dataprocess": "data processing",
    "decision": "decisions",
    "documentproperties": "properties",
    "exception": "error handling",
    "flowcontrol": "flow",
    "map": "mapping",
    "message": "messages",
    "notify": "notifications",
    "processcall": "calls of other processes",
    "route": "decisions",
    "start": "start",
}


@dataclass(frozen=True)
class Point:
    """An arrow of a shape: what it means and where it leads."""

    meaning: tuple[str, str]  # identifier, text
    target: str

    @property
    def label(self) -> str:
        identifier, text = self.meaning
        return text or identifier


class Drawn:
    """One shape of one version."""

    def __init__(self, node: Node, names: Names) -> None:
        self.node = node
        self.name = node.get("name")
        self.kind = node.get("shapetype")
        self.at = _number(node.get("x")), _number(node.get("y"))
        self.user_label = node.get("userlabel").strip()
        self.configuration = node.child("configuration")
        self.label = self.user_label or derived_label(self, names)
        dragpoints = node.child("dragpoints")
        self.points = [
            Point((point.get("identifier"), point.get("text")), point.get("toShape"))
            for point in (dragpoints.children if dragpoints else [])
            if point.tag == "dragpoint"
        ]
        usual = {"image": f"{self.kind}_icon"}
        self.content = Node(
            "shape",
            {
                k: v
                for k, v in node.attributes.items()
                if k not in ("name", "x", "y", "shapetype") and usual.get(k) != v
            },
            node.text,
            [child for child in node.children if child.tag != "dragpoints"],
        )
        # What arrows have beside what is drawn; where they bend is not compared value by value.
        self.bends = {
            (number, key, said)
            for number, point in enumerate(dragpoints.children if dragpoints else [])
            for key, said in point.attributes.items()
            if key in ("x", "y")
        } | ({(-1, "", "")} if dragpoints else set())
        # Arrows by their number that lead to a shape that is not there.
        self.lost: set[tuple[int, str]] = set()
        self.rest = _rest(dragpoints, self.name)

    @property
    def type(self) -> str:
        return shape_type(self.kind)


# What of an arrow is drawn, or is only where it bends.
_ARROW = frozenset({"x", "y", "name", "identifier", "text", "toShape"})


def _rest(dragpoints: Node | None, shape: str) -> Node | None:
    """What the arrows of a shape have besides what is drawn; None for nothing, as is usual."""
    if dragpoints is None:
        return None
    kept = []
    for number, point in enumerate(dragpoints.children, 1):
        attributes = {k: v for k, v in point.attributes.items() if k not in _ARROW}
        if point.get("name") != f"{shape}.dragpoint{number}":
            attributes["name"] = point.get("name")
        if point.tag != "dragpoint" or point.children or point.text or attributes:
            kept.append(Node(point.tag, attributes, point.text, point.children))
    if not kept and not dragpoints.attributes and not dragpoints.text:
        return None
    return Node(dragpoints.tag, dragpoints.attributes, dragpoints.text, kept)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if abs(number) < 1e7 else 0.0


def derived_label(shape: Drawn, names: Names) -> str:
    """What a shape without a label is about: three of four have none."""
    configuration = shape.configuration
    if configuration is None or not configuration.children:
        return ""
    node = configuration.children[0]
    for attribute in (
        "operationId",
        "mapId",
        "processId",
        "docCache",
        "componentId",
        "connectionId",
    ):
        named = names.of(node.get(attribute))
        if named:
            action = node.get("actionType")
            return f"{action} {named}" if action else named
    if shape.kind == "start":
        known = {"noaction": "No data", "passthroughaction": "Data passthrough"}
        return known.get(node.tag, "")
    if shape.kind == "stop":
        return "" if node.get("continue", "true") == "true" else "Ends the process"
    if shape.kind == "branch":
        return node.get("numBranches") and f"{node.get('numBranches')} branches"
    found: list[str] = []
    for each in node.walk():
        if each.tag in ("documentproperty", "step", "decision", "doccacheload") and each.get(
            "name"
        ):
            found.append(each.get("name").rpartition(" - ")[2])
        elif each.tag in ("msgTxt", "exMessage", "notifyMessage", "title") and each.text.strip():
            found.append(each.text)
        named = names.of(each.get("componentId"))
        if named and each.tag in ("dataprocessscript", "dataprocessxslt"):
            found = [named]
    if found:
        return shortened(", ".join(found), 60)
    action = node.get("actionType")
    return " ".join(part for part in (action, node.get("connectorType")) if part)


# --- Which shape is which ---------------------------------------------------------------------


def pair(olds: list[Drawn], news: list[Drawn]) -> dict[int, Drawn]:
    """The old shape of each new one, by the new one's place in the list.

    By name and type; where fewer than half of them meet, as after a copy, by content, by label, and by their
    place in the flow.
    """
    by_name = _meet(olds, news, {}, lambda shape: (shape.name, shape.kind))
    if 2 * len(by_name) >= min(len(olds), len(news)):
        return by_name
    found: dict[int, Drawn] = {}
    _meet(olds, news, found, lambda shape: (shape.kind, shape.content.same))
    _meet(olds, news, found, lambda shape: (shape.kind, shape.label) if shape.label else id(shape))
    _by_flow(olds, news, found)
    return found


def _meet(
    olds: Iterable[Drawn],
    news: list[Drawn],
    found: dict[int, Drawn],
    key: Callable[[Drawn], object],
) -> dict[int, Drawn]:
    taken = {id(shape) for shape in found.values()}
    waiting: dict[object, list[Drawn]] = defaultdict(list)
    for shape in olds:
        if id(shape) not in taken:
            waiting[key(shape)].append(shape)
    for at, shape in enumerate(news):
        if at not in found and waiting[key(shape)]:
            found[at] = waiting[key(shape)].pop(0)
    return found


def _by_flow(olds: list[Drawn], news: list[Drawn], found: dict[int, Drawn]) -> None:
    """Shapes of one type that the same way of a shape leads to are the same."""
    by_name = {shape.name: shape for shape in olds}
    places = {shape.name: at for at, shape in enumerate(news)}
    taken = {id(shape) for shape in found.values()}
    todo = list(found)
    while todo:
        at = todo.pop()
        for now, before in zip(news[at].points, found[at].points, strict=False):
            target, old = places.get(now.target), by_name.get(before.target)
            if target is None or old is None or target in found or id(old) in taken:
                continue
            if news[target].kind == old.kind:
                found[target] = old
                taken.add(id(old))
                todo.append(target)


# --- What changed ----------------------------------------------------------------------------


@dataclass
class Compared:
    """A process, read."""

    picture: Picture
    entries: list[Entry]
    notes: list[str]
    topics: Counter[str] = field(default_factory=Counter)
    connections: list[str] = field(default_factory=list)


def compare_shapes(old: Node | None, new: Node | None, names: Names) -> Compared:
    """Compare the shapes of two processes, given as their ``shapes`` elements."""
    olds = [Drawn(node, names) for node in (old.children if old else []) if node.tag == "shape"]
    news = [Drawn(node, names) for node in (new.children if new else []) if node.tag == "shape"]
    return _Comparison(olds, news, names).done()


class _Comparison:
    def __init__(self, olds: list[Drawn], news: list[Drawn], names: Names) -> None:
        self.olds, self.news, self.names = olds, news, names
        self.pairs = pair(olds, news)
        kept = {id(shape) for shape in self.pairs.values()}
        for shapes in (olds, news):
            known = {shape.name for shape in shapes} | NOWHERE
            for shape in shapes:
                shape.lost = {
                    (number, point.target)
                    for number, point in enumerate(shape.points)
                    if point.target not in known
                }
                shape.bends |= {(number, "toShape", target) for number, target in shape.lost}
        self.gone = [shape for shape in olds if id(shape) not in kept]
        self.new_ids = _ids((shape.name, f"s{at}") for at, shape in enumerate(news))
        self.of_old = {id(shape): f"s{at}" for at, shape in self.pairs.items()} | {
            id(shape): f"r{at}" for at, shape in enumerate(self.gone)
        }
        self.old_ids = _ids((shape.name, self.of_old[id(shape)]) for shape in olds)
        self.labels = {f"s{at}": _called(shape) for at, shape in enumerate(news)} | {
            f"r{at}": _called(shape) for at, shape in enumerate(self.gone)
        }

    def done(self) -> Compared:
        ways = self._ways()
        moved, shifted = self._moves()
        changes: dict[str, list[Change]] = {}
        marks: dict[str, str] = {}
        bends = 0
        for at, shape in enumerate(self.news):
            key = f"s{at}"
            before = self.pairs.get(at)
            changes[key] = compare(
                before.content if before else None, shape.content, self.names
            ) + compare(before.rest if before else None, shape.rest, self.names)
            if before is None:
                marks[key] = ADDED
                continue
            changes[key] += self._rewired(before, shape, ways)
            if before.name == shape.name:
                bends += len(before.bends ^ shape.bends)
            marks[key] = CHANGED if changes[key] else MOVED if at in moved else SAME
            if marks[key] == MOVED:
                changes[key] = [value("place", _place(before.at), _place(shape.at), self.names)]
        for at, shape in enumerate(self.gone):
            marks[f"r{at}"] = REMOVED
            changes[f"r{at}"] = compare(shape.content, None, self.names)
        order = self._reading_order(marks)
        numbers = {key: number for number, key in enumerate(order, 1)}
        drawn = {f"s{at}": shape for at, shape in enumerate(self.news)} | {
            f"r{at}": shape for at, shape in enumerate(self.gone)
        }
        entries = [
            Entry(numbers[key], marks[key], drawn[key].type, drawn[key].label, changes[key])
            for key in order
        ]
        picture = Picture(self._shapes(marks, numbers, ways), ways)
        compared = Compared(picture, entries, self._notes(shifted, bends, picture))
        self._topics(compared, marks, drawn, changes, ways)
        return compared

    def _ways(self) -> list[Way]:
        """The arrows of both versions, those of both once."""
        before: dict[tuple[str, tuple[str, str], str], int] = Counter()
        for shape in self.olds:
            for point in shape.points:
                target = "" if point.target in NOWHERE else self.old_ids.get(point.target, "")
                before[(self.of_old[id(shape)], point.meaning, target)] += 1
        ways = []
        for at, shape in enumerate(self.news):
            for point in shape.points:
                target = "" if point.target in NOWHERE else self.new_ids.get(point.target, "")
                key = (f"s{at}", point.meaning, target)
                mark = ADDED
                if before.get(key):
                    before[key] -= 1
                    mark = SAME
                ways.append(Way(f"s{at}", target, point.label, mark))
        for (source, meaning, target), left in before.items():
            label = meaning[1] or meaning[0]
            ways += [Way(source, target, label, REMOVED) for _ in range(left)]
        return ways

    def _rewired(self, before: Drawn, now: Drawn, ways: list[Way]) -> list[Change]:
        """Ways that lead elsewhere, or mean something else, between shapes that were there already."""
        changes = []
        old_points = [(p.meaning, self.old_ids.get(p.target, "")) for p in before.points]
        new_points = [(p.meaning, self.new_ids.get(p.target, "")) for p in now.points]
        lost = list((Counter(old_points) - Counter(new_points)).elements())
        gained = list((Counter(new_points) - Counter(old_points)).elements())
        for meaning, target in list(lost):
            # The same way first, else the one that leads to the same shape under another name.
            again = next((each for each in gained if each[0] == meaning), None) or next(
                (each for each in gained if target and each[1] == target), None
            )
            if again is None:
                if target.startswith("r"):
                    continue
                changes.append(self._way_change(meaning, target, None, None))
                continue
            gained.remove(again)
            inserted = again[1] and self.pairs.get(int(again[1][1:])) is None
            # The list names the shape that came or went; its arrows need no entry of their own.
            if (target.startswith("r") or inserted) and meaning == again[0]:
                continue
            changes.append(self._way_change(meaning, target, *again))
        for meaning, target in gained:
            if target and self.pairs.get(int(target[1:])) is None:
                continue
            changes.append(self._way_change(None, None, meaning, target))
        return changes

    def _way_change(
        self,
        old_meaning: tuple[str, str] | None,
        old_target: str | None,
        new_meaning: tuple[str, str] | None,
        new_target: str | None,
    ) -> Change:
        def said(meaning: tuple[str, str] | None, target: str | None) -> str | None:
            if meaning is None:
                return None
            to = f"to {self.labels[target]}" if target else "leads nowhere"
            if meaning == (old_meaning if meaning is not old_meaning else new_meaning):
                return to
            identifier, text = meaning
            inner = text if text == identifier or not identifier else f"{text} [{identifier}]"
            return f"“{inner.strip()}” {to}" if inner.strip() else to

        meaning = new_meaning or old_meaning or ("", "")
        name = meaning[1] or meaning[0]
        return Change(
            f"way “{name}”" if name else "way",
            said(old_meaning, old_target),
            said(new_meaning, new_target),
        )

    def _moves(self) -> tuple[set[int], int]:
        """The new shapes that moved by themselves, and how many have other coordinates at all.

        Shapes that moved together, as those behind an inserted one do, did not move.
        """
        steps = {}
        for at, before in self.pairs.items():
            now = self.news[at]
            steps[at] = now.at[0] - before.at[0], now.at[1] - before.at[1]
        shifted = sum(step != (0.0, 0.0) for step in steps.values())
        places = {shape.name: at for at, shape in enumerate(self.news)}
        parent = {at: at for at in steps}

        def root(at: int) -> int:
            while parent[at] != at:
                parent[at] = parent[parent[at]]
                at = parent[at]
            return at

        for at in steps:
            for point in self.news[at].points:
                target = places.get(point.target)
                if target in steps and _near(steps[at], steps[target]):
                    parent[root(at)] = root(target)
        sizes = Counter(root(at) for at in steps)
        # What stands behind a shape that came or went makes room for it.
        pushed = {
            places.get(point.target)
            for at, shape in enumerate(self.news)
            if at not in steps
            for point in shape.points
        } | {
            places.get(point.target)
            for at, before in self.pairs.items()
            for point in self.news[at].points
            if any(self.old_ids.get(each.target, "").startswith("r") for each in before.points)
        }
        moved = {
            at
            for at, step in steps.items()
            if not _near(step, (0.0, 0.0)) and sizes[root(at)] == 1 and at not in pushed
        }
        return (moved if len(steps) > 1 else set()), shifted

    def _reading_order(self, marks: dict[str, str]) -> list[str]:
        """Marked shapes as one meets them from the start on, what was removed where it stood."""
        follows: dict[str, list[str]] = defaultdict(list)
        for shape in self.news:
            key = self.new_ids.get(shape.name, "")
            follows[key] += [self.new_ids.get(point.target, "") for point in shape.points]
        for shape in self.olds:
            key = self.of_old[id(shape)]
            follows[key] += [self.old_ids.get(point.target, "") for point in shape.points]
        seen: dict[str, None] = {}
        starts = [f"s{at}" for at, shape in enumerate(self.news) if shape.kind == "start"]
        todo = [*reversed([*starts, *marks])]
        while todo:
            key = todo.pop()
            if key and key not in seen:
                seen[key] = None
                todo.extend(reversed(follows[key]))
        return [key for key in seen if marks.get(key, SAME) != SAME]

    def _shapes(
        self, marks: dict[str, str], numbers: dict[str, int], ways: list[Way]
    ) -> list[Shape]:
        reached = _reached(self.news, [way for way in ways if way.mark != REMOVED])
        shapes = []
        for at, shape in enumerate(self.news):
            key = f"s{at}"
            before = self.pairs.get(at)
            shapes.append(
                Shape(
                    key,
                    shape.kind,
                    shape.type,
                    shape.label,
                    marks[key],
                    numbers.get(key, 0),
                    before.at if before else None,
                    shape.at,
                    key in reached,
                )
            )
        for at, shape in enumerate(self.gone):
            key = f"r{at}"
            shapes.append(
                Shape(
                    key,
                    shape.kind,
                    shape.type,
                    shape.label,
                    REMOVED,
                    numbers.get(key, 0),
                    shape.at,
                    None,
                    True,
                )
            )
        return shapes

    def _notes(self, shifted: int, bends: int, picture: Picture) -> list[str]:
        notes = []
        loose = [shape for shape in picture.shapes if not shape.connected]
        if loose:
            said = listed(f"{s.type} “{s.label}”" if s.label else s.type for s in loose[:5])
            more = f" and {len(loose) - 5} more" if len(loose) > 5 else ""
            notes.append(f"Not connected to the start: {said}{more}.")
        for at, shape in enumerate(self.news):
            known = self.pairs[at].lost if at in self.pairs else set()
            for _, target in sorted(shape.lost - known):
                notes.append(
                    f"An arrow of {_called(shape)} leads to “{target}”, which is not there."
                )
        if shifted or bends:
            told = [
                *([f"{count(shifted, 'shape')}"] if shifted else []),
                *([count(bends, "bend") + " of arrows"] if bends else []),
            ]
            verb = "stands" if shifted + bends == 1 else "stand"
            notes.append(f"{capital(listed(told))} {verb} elsewhere on the canvas.")
        order = [at for at, shape in enumerate(self.news) if at in self.pairs]
        of_old = {id(shape): number for number, shape in enumerate(self.olds)}
        places = [of_old[id(self.pairs[at])] for at in order]
        if places != sorted(places):
            notes.append("The shapes are stored in another order.")
        renamed = sum(before.name != self.news[at].name for at, before in self.pairs.items())
        if renamed:
            verb = "has a new internal name" if renamed == 1 else "have new internal names"
            notes.append(f"{count(renamed, 'shape')} {verb}.")
        # Arrows say the internal names of the others.
        aimed_at = {point.target for shape in self.news for point in shape.points}
        for at, shape in enumerate(self.news):
            if self.olds and at not in self.pairs and shape.name not in aimed_at:
                notes.append(f"The new {_called(shape)} has the internal name “{shape.name}”.")
        return notes

    def _topics(
        self,
        compared: Compared,
        marks: dict[str, str],
        drawn: dict[str, Drawn],
        changes: dict[str, list[Change]],
        ways: list[Way],
    ) -> None:
        topics = compared.topics
        for key, mark in marks.items():
            if mark in (ADDED, REMOVED, CHANGED):
                topics[f"shapes {mark}"] += 1
                topics[TOPICS.get(drawn[key].kind, "flow")] += 1
            elif mark == MOVED:
                topics["shapes moved"] += 1
        sources = {way.source for way in ways if way.mark != SAME}
        if any(drawn[key].kind in ERRORS for key in sources):
            topics["error handling"] += 1
        elif sources and not any(m in (ADDED, REMOVED, CHANGED) for m in marks.values()):
            topics["flow"] += 1
        topics["ways"] = sum(way.mark != SAME for way in ways)
        used = [_connections(shapes) for shapes in (self.olds, self.news)]
        compared.connections = sorted(used[1] - used[0])


def _connections(shapes: Iterable[Drawn]) -> set[str]:
    return {
        node.get("connectionId").lower()
        for shape in shapes
        for node in shape.node.walk()
        if node.get("connectionId")
    }


def _ids(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Our id by the platform's name; the first of a name counts."""
    ids: dict[str, str] = {}
    for name, key in pairs:
        ids.setdefault(name, key)
    return ids


def _called(shape: Drawn) -> str:
    return f"{shape.type} “{shortened(shape.label, 40)}”" if shape.label else shape.type


def _place(at: tuple[float, float]) -> str:
    return f"{at[0]:g}, {at[1]:g}"


def _near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] - other[0]) <= NEAR[0] and abs(one[1] - other[1]) <= NEAR[1]


def _reached(shapes: list[Drawn], ways: list[Way]) -> set[str]:
    follows: dict[str, list[str]] = defaultdict(list)
    for way in ways:
        follows[way.source].append(way.target)
    todo = [f"s{at}" for at, shape in enumerate(shapes) if shape.kind == "start"]
    if not todo:
        return {f"s{at}" for at in range(len(shapes))}
    seen: set[str] = set()
    while todo:
        key = todo.pop()
        if key and key not in seen:
            seen.add(key)
            todo.extend(follows[key])
    return seen


def outside(process: Node | None, component: Node | None) -> Node | None:
    """What a process has besides its shapes."""
    if component is None:
        return None
    rest = component.without("object", "encryptedValues")
    if process is None:
        return rest
    shapes = process.child("shapes")
    kept = process.without("shapes")
    if shapes is not None:
        other = [child for child in shapes.children if child.tag != "shape"]
        if other or shapes.attributes or shapes.text:
            kept = Node(
                kept.tag,
                kept.attributes,
                kept.text,
                [*kept.children, Node(words("shapes"), shapes.attributes, shapes.text, other)],
            )
    return Node(rest.tag, {}, rest.text, [*rest.children, kept])
