"""The paths of `encryptedValues`: the platform's own, incomplete list of secrets.

They are XPaths of a few simple shapes: `//HttpSettings/AuthSettings/@password`,
`//AwsSettings/credentials/awsSecret/text()`, `//GenericConnectionConfig/field[@type='password']`.
Only those shapes are understood; what is not is reported, because it names a secret that cannot
be found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from partnerapi.componentxml.document import Document, Element

_STEP = re.compile(r"(?:[\w.-]+:)?([\w.-]+|\*)((?:\[[^\]]*\])*)")
_CONDITION = re.compile(r"""\[\s*@(?:[\w.-]+:)?([\w.-]+)\s*=\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
_UNION = re.compile(r"\|\s*(?=/)")


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a path: names that it may have (none: any) and attributes that it must."""

    names: frozenset[str]
    conditions: tuple[tuple[str, str], ...]

    def fits(self, document: Document, element: Element) -> bool:
        """Whether an element has one of the names and all the attributes."""
        if self.names and element.name not in self.names:
            return False
        return all(_local_value(document, element, name) == want for name, want in self.conditions)


@dataclass(frozen=True, slots=True)
class Encrypted:
    """One understood path; `slot` is `@name`, `text()` or "" for a whole element."""

    steps: tuple[Step, ...]
    slot: str
    is_set: bool
    anywhere: bool  # any number of levels may lie above the first step

    def elements(self, document: Document) -> Iterator[Element]:
        """The elements that the path leads to."""
        last = self.steps[-1]
        for number in document.numbers(lambda shape: not last.names or shape.name in last.names):
            element = document.element(number)
            if self._leads_to(document, element):
                yield element

    def _leads_to(self, document: Document, element: Element) -> bool:
        at: Element | None = element
        for step in reversed(self.steps):
            if at is None or not step.fits(document, at):
                return False
            at = at.parent
        return self.anywhere or at is None


def _local_value(document: Document, element: Element, name: str) -> str | None:
    if name not in element.shape.local_names:
        return None
    written = element.shape.names[element.shape.local_names.index(name)]
    return document.get(element, written)


def encrypted_entries(document: Document) -> list[tuple[str, bool]]:
    """(path, isSet) of every `encryptedValue`, in order."""
    found = []
    # One look at the names saves building the tree of a large document.
    if not any(shape.name == "encryptedValue" for shape in document.distinct_shapes):
        return []
    for child in document.root.children:
        if child.name == "encryptedValues":
            for entry in child.children:
                path = document.get(entry, "path")
                if entry.name == "encryptedValue" and path is not None:
                    is_set = (document.get(entry, "isSet") or "").strip().lower() in ("true", "1")
                    found.append((path, is_set))
    return found


def read(path: str, is_set: bool) -> list[Encrypted] | None:
    """Understand one path; None if it has a shape that is not known."""
    found = []
    for alternative in _UNION.split(path.strip()):
        one = _read_one(alternative.strip(), is_set)
        if one is None:
            return None
        found.append(one)
    return found


def _read_one(path: str, is_set: bool) -> Encrypted | None:
    steps: list[Step] = []
    slot = ""
    at = 0
    # A path without a leading slash is looked for everywhere: nobody says where it would start.
    anywhere = path.startswith("//") or not path.startswith("/")
    while at < len(path):
        if slot:
            return None  # nothing follows an attribute or text()
        if at == 0 and path.startswith("//"):
            at = 2
        elif path.startswith("/", at):
            at += 1
        elif at:
            return None
        if path.startswith("@", at):
            name = re.match(r"@(?:[\w.-]+:)?([\w.-]+)", path[at:])
            if name is None:
                return None
            slot, at = f"@{name[1]}", at + name.end()
            continue
        if path.startswith("text()", at):
            slot, at = "text()", at + len("text()")
            continue
        names: set[str] = set()
        conditions: list[tuple[str, str]] = []
        while True:
            step = _STEP.match(path, at)
            if step is None:
                return None
            names.add(step[1])
            read_conditions = _CONDITION.findall(step[2])
            if "".join(_CONDITION.split(step[2])[::4]):
                return None  # something in brackets that is not [@name='value']
            conditions += [(name, one or two) for name, one, two in read_conditions]
            at = step.end()
            # `A|B/C`: short for either parent, as the platform's own lists are often quoted.
            if not path.startswith("|", at):
                break
            at += 1
        steps.append(Step(frozenset(names - {"*"}), tuple(conditions)))
    return Encrypted(tuple(steps), slot, is_set, anywhere) if steps else None
