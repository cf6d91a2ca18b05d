"""A team's own rules: for a path or a property, whether its value is kept or emptied."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from partnerapi.componentxml import rules
from partnerapi.componentxml.document import Document, Element
from partnerapi.componentxml.paths import Places
from partnerapi.componentxml.rules import Place
from partnerapi.componentxml.vocabulary import VALUED

Decision = Literal["leave", "empty"]


@dataclass(frozen=True)
class Override:
    """One rule of a team's.

    `path` is a place as plans show it, where `*` stands for anything but a slash and `**` for
    anything; `name` is that of a property, field or header, whatever its letter case. One of them
    is given. `component_type` limits it to one type of component.
    `leave` promotes the dev account's value as it is; `empty` takes it out like an environment
    value.
    """

    decision: Decision
    path: str = ""
    name: str = ""
    component_type: str = ""

    def __post_init__(self) -> None:
        if bool(self.path) == bool(self.name):
            raise ValueError("An override names either a path or a property.")


class Overrides:
    """All overrides that hold for a promotion."""

    def __init__(self, overrides: Iterable[Override] = ()) -> None:
        self.all = tuple(
            sorted(overrides, key=lambda one: (one.path, one.name, one.component_type))
        )

    def __bool__(self) -> bool:
        return bool(self.all)

    def apply(
        self, document: Document, names: Places, found: dict[tuple[Element, str], str]
    ) -> list[Place]:
        """Take out of `found` what is left as it is, add what is emptied; answers what was left.

        What the platform marks as secret, masks and passwords are never left.
        """
        root_type = document.get(document.root, "type") or ""
        chosen = [one for one in self.all if one.component_type in ("", root_type)]
        if not chosen:
            return []
        left: list[Place] = []
        judge = rules.Judge(document)
        leave = [_Matcher(one, judge) for one in chosen if one.decision == "leave"]
        for element, slot in list(found) if leave else ():
            if found[element, slot] in rules.ALWAYS_TAKEN_OUT:
                continue
            path = names.path(element, slot)
            if any(one.fits(element, path) for one in leave):
                del found[element, slot]
                left.append(Place(path, rules.OVERRIDDEN, "left"))
        empty = [_Matcher(one, judge) for one in chosen if one.decision == "empty"]
        if empty:
            _add(document, names, found, empty)
        return left


class _Matcher:
    """Tells whether a place is the one that an override names."""

    def __init__(self, override: Override, judge: rules.Judge) -> None:
        self._judge = judge
        self._name = override.name.casefold()
        pattern = re.escape(override.path).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        self._path = re.compile(pattern) if override.path else None
        self._slot = override.path.rpartition("/")[2]

    def may_fit(self, element: Element, attribute: str) -> bool:
        """A cheap look: whether an attribute could be the place at all."""
        if self._path is not None:
            return "*" in self._slot or self._slot == f"@{attribute}"
        return attribute in VALUED

    def fits(self, element: Element, path: str) -> bool:
        """Whether this place is meant."""
        if self._path is not None:
            return self._path.fullmatch(path) is not None
        return self._name in self._judge.names(element)


def _add(
    document: Document,
    names: Places,
    found: dict[tuple[Element, str], str],
    empty: list["_Matcher"],
) -> None:
    """Add what is to be emptied to `found`."""
    zones = rules.Zones(document)
    for element in document.elements[1:]:
        if zones.of(element.number) == "left":
            continue
        slots = [
            f"@{name}"
            for name, local in zip(element.shape.names, element.shape.local_names, strict=True)
            if any(one.may_fit(element, local) for one in empty)
        ]
        if not element.has_children and not element.self_closing:
            slots.append("text()")
        for slot in slots:
            if (element, slot) in found:
                continue
            path = names.path(element, slot)
            if any(one.fits(element, path) for one in empty):
                found[element, slot] = rules.OVERRIDDEN


NO_OVERRIDES = Overrides()
