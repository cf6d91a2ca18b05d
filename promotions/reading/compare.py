"""The difference of two elements as values in words. Nothing that differs is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import lines
from .model import Change
from .tree import Node
from .words import SHAPES, Names, shortened, words

# Attributes that tell siblings apart, the best first.
IDENTITY = ("key", "id", "propertyId", "propertyKey", "headerName", "name", "elementId", "index")
# Elements that only hold others: their names would say nothing.
SILENT = frozenset(
    {
        "Configuration",
        "Component",
        "configuration",
        "object",
        "shapes",
        "sourcevalues",
        "DataFormat",
    }
)
LONG = 90  # characters from which a text is compared by words within its lines
Path = tuple[str, ...]


def compare(old: Node | None, new: Node | None, names: Names, path: Path = ()) -> list[Change]:
    """Every value that differs between two elements, one of which may be absent."""
    return list(_compare(old, new, names, path))


def _compare(old: Node | None, new: Node | None, names: Names, path: Path) -> Iterator[Change]:
    if old is not None and new is not None and old.same == new.same:
        return
    before = old.attributes if old else {}
    now = new.attributes if new else {}
    empty = True
    for name in {**now, **before}:
        empty = False
        if before.get(name) != now.get(name):
            yield value(_label(path, words(name)), before.get(name), now.get(name), names)
    texts = (old.text if old else "") or None, (new.text if new else "") or None
    if texts[0] != texts[1]:
        yield value(_label(path), texts[0], texts[1], names)
    children = (old.children if old else []), (new.children if new else [])
    if (old is None) != (new is None) and empty and not any(texts) and not any(children):
        yield Change(
            _label(path, _unsaid(old or new)),
            None if old is None else "present",
            None if new is None else "present",
        )
    if old is not None and new is not None and _is_bare(new):
        yield Change(_label(path, _unsaid(new)), "with content", "empty")
    pairs, order = match(*children)
    for one, other in pairs:
        yield from _compare(one, other, names, (*path, *_step(other or one, names)))
    if order:
        before_order, now_order = (
            ", ".join(_short(node, names) for node in side) for side in order
        )
        yield value(_label((*path, "order")), before_order, now_order, names)


def _unsaid(node: Node | None) -> str:
    """The name of an element that its path does not say."""
    return words(node.tag) if node is not None and not _step(node, Names({})) else ""


def _is_bare(node: Node) -> bool:
    return not (node.attributes or node.text or node.children)


def value(label: str, old: str | None, new: str | None, names: Names) -> Change:
    """A value before and after; of long texts the lines that differ."""
    before = None if old is None else names.say(old)
    now = None if new is None else names.say(new)
    if before == now and old != new:
        # Two components of one name: their ids tell them apart.
        before, now = f"{before} ({(old or '')[:8]})", f"{now} ({(new or '')[:8]})"
    if max(len(before or ""), len(now or "")) > LONG or "\n" in f"{before}{now}".strip():
        compared = lines.compare((before or "").splitlines(), (now or "").splitlines())
        if compared.rows:
            return Change(label, None, None, _plain(compared.rows[:400]))
    return Change(label, before, now)


def _plain(rows: Sequence[lines.Row]) -> list[Any]:
    """Rows as JSON gives them back."""
    return [
        [list(map(list, cell)) if isinstance(cell, list) else cell for cell in row] for row in rows
    ]


def _label(path: Path, name: str = "") -> str:
    return " › ".join([*path, *([name] if name else [])]) or "value"


def _step(node: Node | None, names: Names) -> Path:
    if node is None or node.tag in SILENT or node.tag in SHAPES:
        return ()
    return (_short(node, names),)


def _short(node: Node, names: Names) -> str:
    """An element in a few words."""
    told = (
        node.get("name")
        or node.get("label")
        or node.get("toNamePath")
        or next((child.text for child in node.children if child.tag in ("label", "name")), "")
        or next((node.get(name) for name in IDENTITY if node.get(name)), "")
    )
    said = shortened(names.say(told), 60) if told else ""
    return f"{words(node.tag)} {said}" if said else words(node.tag)


def identity(node: Node) -> tuple[str, str]:
    for name in IDENTITY:
        found = node.attributes.get(name)
        if found:
            return node.tag, f"{name}={found}"
    return node.tag, ""


Pairs = list[tuple[Node | None, Node | None]]


def match(
    olds: Sequence[Node],
    news: Sequence[Node],
    identify: Callable[[Node], tuple[str, str]] = identity,
) -> tuple[Pairs, tuple[list[Node], list[Node]] | None]:
    """Pair siblings, in the new order with what was removed last.

    By what identifies them where it does so on both sides; else what is equal; else by their turn.

    :returns: the pairs, and those that both sides have in either order if their order differs.
    """
    paired: dict[int, Node] = {}  # id of a new node -> the old one
    left_old, left_new = list(olds), list(news)

    def take(key: Callable[[Node], object], *, once: bool) -> None:
        nonlocal left_old, left_new
        counts = Counter(map(key, left_old)), Counter(map(key, left_new))
        waiting: dict[object, list[Node]] = defaultdict(list)
        for node in reversed(left_old):
            waiting[key(node)].append(node)
        used: set[int] = set()
        rest = []
        for node in left_new:
            same = key(node)
            if waiting[same] and not (once and (counts[0][same] > 1 or counts[1][same] > 1)):
                found = waiting[same].pop()
                paired[id(node)] = found
                used.add(id(found))
            else:
                rest.append(node)
        left_new, left_old = rest, [node for node in left_old if id(node) not in used]

    take(lambda node: identify(node) if identify(node)[1] else id(node), once=True)
    take(lambda node: node.same, once=False)
    anonymous = {id(n) for n in (*left_old, *left_new) if not identify(n)[1]}
    take(lambda node: node.tag if id(node) in anonymous else id(node), once=False)
    take(lambda node: identify(node) if identify(node)[1] else id(node), once=False)
    if identify is identity:
        # An id in what identifies them may be that of another component by now.
        take(lambda node: (node.tag, node.get("name")) if node.get("name") else id(node), once=True)
        take(lambda node: node.tag, once=True)
    pairs: Pairs = [(paired.get(id(node)), node) for node in news]
    pairs += [(node, None) for node in left_old]
    shared = [paired[id(node)] for node in news if id(node) in paired]
    at = {id(node): number for number, node in enumerate(olds)}
    places = [at[id(node)] for node in shared]
    if places == sorted(places):
        return pairs, None
    return pairs, (
        sorted(shared, key=lambda node: at[id(node)]),
        [node for node in news if id(node) in paired],
    )
