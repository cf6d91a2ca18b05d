"""The order of promotion: dependencies first, the members of a reference cycle together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def dependencies_first(uses: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of ids, ordered so that whatever a group uses is in an earlier one.

    :param uses: id -> the ids that it uses; ids that are not keys are ignored.
    :returns: groups of one id, or of all the ids of one reference cycle, otherwise in the order of the keys.

    Tarjan's algorithm, without recursion because chains of components may be longer than Python's stack.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_path: set[str] = set()
    path: list[str] = []
    groups: list[list[str]] = []
    place = {key: number for number, key in enumerate(uses)}
    for start in uses:
        if start in index:
            continue
        work = [(start, iter([used for used in uses[start] if used in uses]))]
        index[start] = low[start] = len(index)
        path.append(start)
        on_path.add(start)
        while work:
            key, remaining = work[-1]
            step = next((used for used in remaining if used not in index or used in on_path), None)
            if step is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[key])
                if low[key] == index[key]:
                    at = path.index(key)
                    group = path[at:]
                    del path[at:]
                    on_path.difference_update(group)
                    groups.append(sorted(group, key=place.__getitem__))
            elif step in index:
                low[key] = min(low[key], index[step])
            else:
                index[step] = low[step] = len(index)
                path.append(step)
                on_path.add(step)
                work.append((step, iter([used for used in uses[step] if used in uses])))
    return groups
