"""Words for what the XML calls by names of its own, and for numbers of things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SHAPES = {
    "branch": "Branch",
    "businessrules": "Business Rules",
    "catcherrors": "Try/Catch",
    "cleanse": "Cleanse",
    "connectoraction": "Connector",
    "dataprocess": "Data Process",
    "decision": "Decision",
    "doccacheload": "Add to Cache",
    "doccacheremove": "Remove from Cache",
    "doccacheretrieve": "Retrieve from Cache",
    "documentproperties": "Set Properties",
    "exception": "Exception",
    "findchanges": "Find Changes",
    "flowcontrol": "Flow Control",
    "map": "Map",
    "message": "Message",
    "notify": "Notify",
    "processcall": "Process Call",
    "processroute": "Process Route",
    "programcmd": "Program Command",
    "returndocuments": "Return Documents",
    "route": "Route",
    "start": "Start",
    "stop": "Stop",
}
NAMES = {
    "abort": "abort on error",
    "allowSimultaneous": "allow simultaneous executions",
    "colIdx": "column",
    "dataType": "data type",
    "exMessage": "message",
    "fromKey": "source key",
    "fromKeyPath": "source key path",
    "fromNamePath": "source",
    "fromType": "source type",
    "maxOccurs": "most occurrences",
    "minOccurs": "least occurrences",
    "toKey": "target key",
    "toKeyPath": "target key path",
    "toNamePath": "target",
    "toType": "target type",
    "connectionId": "connection",
    "crossRefTableId": "cross reference table",
    "docCache": "document cache",
    "documentproperty": "property",
    "field": "field",
    "fromProfile": "source profile",
    "mapId": "map",
    "msgTxt": "text",
    "operationId": "operation",
    "parameter-profile": "parameter profile",
    "parametervalue": "value",
    "processId": "process",
    "profileId": "profile",
    "requestProfile": "request profile",
    "responseProfile": "response profile",
    "sql": "SQL",
    "staticproperty": "static value",
    "toProfile": "target profile",
    "userlabel": "label",
    "x": "place (x)",
    "y": "place (y)",
}
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDS = re.compile(
    r"\{promotion-desk:([a-z]+):?([^{}]*)\}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?<![0-9a-fA-F])[0-9a-f]{128}(?![0-9a-fA-F])"
)
_MARKERS = {"hidden": "(hidden)", "kept": "(production’s own value)"}


def words(name: str) -> str:
    """``followRedirects`` as people write it: ``follow redirects``."""
    known = NAMES.get(name)
    if known is not None:
        return known
    parts = _PARTS.findall(name)
    return " ".join(part if part.isupper() else part.lower() for part in parts) or name


def shape_type(kind: str) -> str:
    return SHAPES.get(kind) or words(kind).capitalize()


def count(number: int, one: str, many: str = "") -> str:
    """``1 shape``, ``1,200 shapes``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(parts: Iterable[str]) -> str:
    """``a, b and c``."""
    parts = list(parts)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def shortened(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


class Names:
    """Component names by id, and by the placeholder of what has no id in production yet."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {key.lower(): name for key, name in names.items() if name}

    def of(self, value: str) -> str:
        """The name of the component whose id is ``value``, or "" if it is not known."""
        return self._names.get(value.strip().lower(), "")

    def say(self, value: str) -> str:
        """A value as people read it: with names for ids and nothing of what is hidden."""
        if len(value) < 18:
            return value
        whole = self.of(value)
        return f"“{whole}”" if whole else _IDS.sub(self._said, value)

    def _said(self, match: re.Match[str]) -> str:
        found = match[0]
        name = self.of(found)
        if name:
            return f"“{name}”"
        if match[1]:
            return _MARKERS.get(match[1], "(a component of this plan)")
        return "(hidden)" if len(found) == 128 else found
