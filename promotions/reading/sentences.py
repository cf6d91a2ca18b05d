"""A sentence for a component, three for a plan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..states import Action
from .model import ADDED, CHANGED, NEW, REMOVED, SAME, Entry, Reading
from .words import capital, count, listed, shortened

TYPES = {
    "certificate": ("certificate", "certificates"),
    "connector-action": ("operation", "operations"),
    "connector-settings": ("connection", "connections"),
    "crossref": ("cross reference table", "cross reference tables"),
    "documentcache": ("document cache", "document caches"),
    "process": ("process", "processes"),
    "processproperty": ("process property component", "process property components"),
    "processroute": ("process route", "process routes"),
    "queue": ("queue", "queues"),
    "transform.function": ("map function", "map functions"),
    "transform.map": ("map", "maps"),
    "webservice": ("web service", "web services"),
}
# What people ask about first comes first.
PROCESS_TOPICS = (
    "error handling", "connector calls", "calls of other processes", "decisions", "mapping",
    "data processing", "properties", "messages", "notifications", "flow", "start",
)  # fmt: skip
NAMED = 3  # changes that a sentence names


def type_words(component_type: str) -> tuple[str, str]:
    """A type in the singular and plural."""
    if component_type in TYPES:
        return TYPES[component_type]
    family = component_type.partition(".")[0]
    if family in ("profile", "script"):
        return family, f"{family}s"
    return "component", "components"


# --- One component ---------------------------------------------------------------------------


def component_sentence(reading: Reading, *, outside: int) -> str:
    """What changes in a component.

    :param outside: how many values changed that no entry of its own shows.
    """
    if reading.state == SAME:
        return "Says the same as in production."
    if reading.state == NEW:
        return _new(reading)
    parts = {"process": _process, "map": _map, "profile": _profile}.get(reading.kind, _fields)(
        reading.topics, reading.entries
    )
    if outside:
        where = "outside the picture" if reading.kind == "process" else "in its settings"
        if not parts:
            return f"{count(outside, 'value')} changed {where}."
        parts.append(f"{count(outside, 'value')} changed {where}")
    if not parts and reading.notes:
        return reading.notes[-1]
    return f"{capital('; '.join(parts))}." if parts else "Changed; see the XML."


def _new(reading: Reading) -> str:
    one = type_words(reading.type)[0]
    if reading.picture is not None:
        kinds = Counter(shape.type for shape in reading.picture.shapes)
        shapes = count(len(reading.picture.shapes), "shape")
        told = [
            count(kinds[kind], noun, many)
            for kind, noun, many in (
                ("Connector", "connector call", ""),
                ("Map", "map", ""),
                ("Process Call", "process call", ""),
                ("Decision", "decision", ""),
            )
            if kinds[kind]
        ]
        return f"New {one} of {shapes}{': ' + listed(told) if told else ''}."
    number = reading.largest
    if not number or (reading.kind in ("fields", "unknown") and not reading.topics):
        return f"New {one}."
    noun = {"map": "mapping", "profile": "element"}.get(reading.kind, "part")
    if reading.kind == "map":
        number = reading.topics.get("fields added", 0)
        noun = "field"
        return f"New {one} that fills {count(number, noun)}."
    return f"New {one} of {count(number, noun)}."


def _process(topics: Mapping[str, int], entries: Sequence[Entry]) -> list[str]:
    parts = []
    for mark, verb in ((ADDED, "gains"), (REMOVED, "loses"), (CHANGED, "changes")):
        number = topics.get(f"shapes {mark}", 0)
        if number:
            parts.append(f"{verb} {_named([e for e in entries if e.mark == mark], number)}")
    if not parts and topics.get("ways"):
        parts.append(f"{count(topics['ways'], 'arrow')} lead elsewhere")
    moved = topics.get("shapes moved", 0)
    if moved:
        parts.append(f"{count(moved, 'shape')} only moved")
    return parts


def _named(entries: Sequence[Entry], number: int) -> str:
    """``Message “Ack” (text)``, or ``Message “Ack” and 4 more shapes``."""
    called = []
    for entry in entries[: NAMED if number <= NAMED else 2]:
        said = f"{entry.kind} “{shortened(entry.title, 40)}”" if entry.title else entry.kind
        if entry.mark == CHANGED and entry.changes:
            about = dict.fromkeys(change.label.rpartition(" › ")[2] for change in entry.changes)
            said += f" ({', '.join(list(about)[:2])}{'…' if len(about) > 2 else ''})"
        called.append(said)
    if number > len(called):
        called.append(f"{number - len(called)} more")
    return listed(called)


def _map(topics: Mapping[str, int], entries: Sequence[Entry]) -> list[str]:
    parts = []
    for mark, verb in ((ADDED, "gains"), (REMOVED, "loses"), (CHANGED, "changes")):
        number = topics.get(f"fields {mark}", 0)
        if number:
            mappings = [
                e.title.rpartition("/")[2]
                for e in entries
                if e.mark == mark and e.kind == "Mapping"
            ]
            more = f" and {number - NAMED} more" if number > NAMED else ""
            parts.append(f"{verb} {count(number, 'field')} ({', '.join(mappings[:NAMED])}{more})")
    for topic, one in (
        ("functions", "function"), ("inputs", "function input"), ("defaults", "default value"),
    ):  # fmt: skip
        if topics.get(topic):
            parts.append(f"{count(topics[topic], one)} changed")
    return parts


def _profile(topics: Mapping[str, int], entries: Sequence[Entry]) -> list[str]:
    parts = []
    for topic, verb in (
        ("elements added", "gains"), ("elements removed", "loses"), ("elements changed", "changes"),
        ("retyped", "retypes"), ("renamed", "renames"), ("reordered", "reorders"),
    ):  # fmt: skip
        if topics.get(topic):
            parts.append(f"{verb} {count(topics[topic], 'element')}")
    if topics.get("mandatory"):
        parts.append(f"{count(topics['mandatory'], 'element')} now mandatory")
    if len(entries) <= NAMED and parts:
        names = ", ".join(entry.title.rpartition("/")[2] for entry in entries)
        parts[-1] += f" ({names})"
    return parts


def _fields(topics: Mapping[str, int], entries: Sequence[Entry]) -> list[str]:
    parts = []
    for mark, verb in ((ADDED, "gains"), (REMOVED, "loses"), (CHANGED, "changes")):
        number = sum(count for topic, count in topics.items() if topic.endswith(f" {mark}"))
        found = [entry for entry in entries if entry.mark == mark]
        if found:
            parts.append(f"{verb} {_named(found, number or len(found))}")
    return parts


# --- The plan --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """What the sentences of a plan need to know of a component."""

    action: str  # create, update, unchanged, connection
    type: str
    state: str = SAME
    kind: str = "unknown"
    topics: Mapping[str, int] = field(default_factory=dict)
    connections: Iterable[str] = ()


def plan_sentences(planned: Sequence[Planned]) -> list[str]:
    """What changes, what is new, and what stays as it is: a sentence each."""
    updated = [each for each in planned if each.action == Action.UPDATE]
    created = [each for each in planned if each.action == Action.CREATE]
    unchanged = [each for each in planned if each.action == Action.UNCHANGED]
    connections = [each for each in planned if each.action == Action.CONNECTION]
    return [_updates(updated), _news(created, updated), _stays(unchanged, connections)]


NO_UPDATES = "Nothing that production has is changed."


def headline(sentences: Sequence[str]) -> str:
    """Of a plan's sentences the one for a list: what changes, or what is new where nothing changes."""
    return next((each for each in sentences if each != NO_UPDATES), "")


def _updates(updated: Sequence[Planned]) -> str:
    if not updated:
        return NO_UPDATES
    groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    numbers: Counter[tuple[str, str]] = Counter()
    for each in updated:
        one, many = type_words(each.type)
        for key, number in _about(each).items():
            groups[(one, many)][key] += number
        numbers[(one, many)] += 1
    said = []
    for (one, many), topics in groups.items():
        number = numbers[(one, many)]
        verb = "" if number > 1 else "s"
        said.append(f"{count(number, one, many)} {_topics_said(topics, verb, number)}")
    return f"{'; '.join(said)}."


def _about(planned: Planned) -> dict[str, int]:
    topics = planned.topics
    if planned.kind == "process":
        told = [topic for topic in PROCESS_TOPICS if topics.get(topic)]
        return {f"change:{topic}": 1 for topic in told[:2]} or {"change:settings": 1}
    if planned.kind == "map":
        told_numbers = {
            f"{verb}:field": topics.get(f"fields {mark}", 0)
            for mark, verb in ((ADDED, "gain"), (REMOVED, "lose"), (CHANGED, "alter"))
            if topics.get(f"fields {mark}")
        }
        return told_numbers or {
            "change:functions" if topics.get("functions") else "change:settings": 1
        }
    if planned.kind == "profile":
        told_numbers = {
            f"{verb}:element": topics.get(topic, 0)
            for topic, verb in (
                ("elements added", "gain"), ("elements removed", "lose"), ("retyped", "retype"),
            )
            if topics.get(topic)
        }  # fmt: skip
        return told_numbers or {"change:elements": 1}
    return {"change:": 1}


def _topics_said(topics: Counter[str], verb: str, number: int) -> str:
    whose = "their" if number > 1 else "its"
    parts = []
    changes = [key.partition(":")[2] for key in topics if key.startswith("change:")]
    named = [change for change in changes if change]
    if named:
        parts.append(f"change{verb} {whose} {listed(named[:3])}")
    elif changes:
        parts.append(f"change{verb}")
    for key, total in topics.items():
        what, _, noun = key.partition(":")
        if what in ("gain", "lose", "alter", "retype"):
            ending = {"lose": "loses", "alter": "alters"}.get(what, f"{what}s") if verb else what
            parts.append(f"{ending} {count(total, noun)}")
    return listed(parts)


def _news(created: Sequence[Planned], updated: Sequence[Planned]) -> str:
    first: set[str] = {each for planned in (*updated, *created) for each in planned.connections}
    used = {each for planned in updated for each in planned.connections}
    parts = []
    if created:
        kinds = Counter(type_words(each.type) for each in created)
        said = [count(number, one, many) for (one, many), number in kinds.most_common()]
        verb = "is" if len(created) == 1 else "are"
        parts.append(f"{listed(said)} {verb} new")
    if used:
        verb = "is" if len(used) == 1 else "are"
        parts.append(f"{count(len(used), 'connection')} {verb} used for the first time")
    elif first:
        parts.append(f"what is new uses {count(len(first), 'connection')}")
    return f"{capital('; '.join(parts))}." if parts else "Nothing is new."


def _stays(unchanged: Sequence[Planned], connections: Sequence[Planned]) -> str:
    parts = []
    if unchanged:
        verb = "stays" if len(unchanged) == 1 else "stay"
        parts.append(
            f"{count(len(unchanged), 'component')} {verb} as production has "
            f"{'it' if len(unchanged) == 1 else 'them'}"
        )
    if connections:
        verb = "is" if len(connections) == 1 else "are"
        parts.append(f"{count(len(connections), 'connection')} {verb} never promoted")
    return f"{capital('; '.join(parts))}." if parts else "Everything in it is written."
