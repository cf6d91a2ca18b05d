"""What the published description says, and whether a body keeps to it.

``published.toml`` holds it: every object's fields with their place, type and allowed words. An
object is read from JSON or XML into plain fields, lists as lists and truth values as such.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from partnerapi.simulator.documents import BNS
from partnerapi.simulator.errors import bad_request

DESCRIBED: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("published.toml").read_text(encoding="utf-8")
)
OPERATORS = frozenset(DESCRIBED["operators"])
GROUPINGS = frozenset(DESCRIBED["groupings"])
# Of objects that stand in other pages of Boomi's documentation only.
BEYOND = {
    "Atom": "id name hostName status type",
    "EnvironmentAtomAttachment": "atomId environmentId",
}
UNREADABLE = "Unable to read message body."

Fields = dict[str, Any]

JSON_TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int, "object": dict}


@dataclass(frozen=True)
class Field:
    """A field of an object: ``@`` is an attribute in XML, ``[X]`` a list, ``A|B`` allowed words."""

    name: str
    described: str

    @property
    def is_attribute(self) -> bool:
        return self.described.startswith("@")

    @property
    def is_list(self) -> bool:
        return self.described.startswith("[")

    @property
    def kind(self) -> str:
        """A type of :data:`JSON_TYPES`, or the name of an object."""
        bare = self.described.strip("@[]")
        return "string" if "|" in bare else bare

    @property
    def words(self) -> list[str]:
        """The only values that it may have, if it is such a field."""
        return self.described.strip("@").split("|") if "|" in self.described else []


@cache
def fields_of(kind: str) -> dict[str, Field]:
    """The fields of an object by name."""
    return {n: Field(n, said) for n, said in DESCRIBED["objects"][kind].items()}


def fields_if_known(kind: str) -> dict[str, Field]:
    """The same, of objects that are only ever read, too: nothing is known of their fields."""
    return fields_of(kind) if kind in DESCRIBED["objects"] else {}


@cache
def queryable(kind: str) -> frozenset[str]:
    """The properties that an object can be queried by."""
    return frozenset({**DESCRIBED["queried_by"], **BEYOND}.get(kind, "").split())


def _check_word(field: Field, value: str) -> None:
    if field.words and value not in field.words:
        raise bad_request(f"{field.name} must be one of {', '.join(field.words)}.")


# JSON


def from_json(kind: str, value: object) -> Fields:
    """An object of this kind as it was sent in JSON.

    :raises ApiError: 400, when a field is unknown, of the wrong type, or none of its words.
    """
    if not isinstance(value, dict):
        raise bad_request(f"{kind} must be a JSON object.")
    if not str(value.get("@type", kind)).endswith(kind):  # ComponentBulkRequest is one too
        raise bad_request(f"The type {value['@type']} is not {kind}.")
    read: Fields = {}
    for name, inner in value.items():
        field = fields_of(kind).get(name)
        if field is None and name != "@type":
            raise bad_request(f'Unrecognized field "{name}" in {kind}.')
        if field is not None and inner is not None:
            read[name] = _json_value(field, inner)
    return read


def _json_value(field: Field, value: object) -> Any:
    if field.is_list:
        if not isinstance(value, list):
            raise bad_request(f"{field.name} must be a list.")
        return [_json_item(field, item) for item in value]
    return _json_item(field, value)


def _json_item(field: Field, value: object) -> Any:
    wanted = JSON_TYPES.get(field.kind)
    if wanted is None:
        return from_json(field.kind, value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise bad_request(f"{field.name} must be of type {field.kind}.")
    if isinstance(value, str):
        _check_word(field, value)
    return value


# XML


def from_xml(kind: str, element: etree._Element, *, root: bool = True) -> Fields:
    """The same as it was sent in XML.

    :raises ApiError: 400, when the namespace or the root is another one, a field is unknown or
        stands in the wrong place, or its value is of the wrong type.
    """
    if root and element.tag != f"{{{BNS}}}{kind}":
        raise bad_request(UNREADABLE)
    attributes = {str(name): str(text) for name, text in element.attrib.items()}
    read: Fields = from_attributes(kind, attributes)
    for child in element:
        tag = etree.QName(child)
        field = fields_of(kind).get(tag.localname)
        if tag.namespace != BNS:
            raise bad_request(UNREADABLE)
        if field is None or field.is_attribute:
            raise bad_request(f"Invalid content was found starting with element '{tag.localname}'.")
        value = _xml_value(field, child)
        if field.is_list:
            read.setdefault(field.name, []).append(value)
        elif field.name in read:
            raise bad_request(f"The element '{field.name}' may stand only once.")
        elif value is not None:
            read[field.name] = value
    return read


def from_attributes(kind: str, attributes: Mapping[str, str]) -> Fields:
    """The attributes of an element that stands for an object of this kind."""
    read: Fields = {}
    for name, text in attributes.items():
        if "}" in name:  # xsi:type and the like
            continue
        field = fields_of(kind).get(name)
        if field is None or not field.is_attribute:
            raise bad_request(f"Attribute '{name}' is not allowed to appear in element '{kind}'.")
        value = _typed_text(field, text)
        if value is not None:
            read[field.name] = value
    return read


def _xml_value(field: Field, element: etree._Element) -> Any:
    if field.kind not in JSON_TYPES:
        return from_xml(field.kind, element, root=False)
    if len(element) or element.attrib:
        raise bad_request(f"The element '{field.name}' holds text only.")
    return _typed_text(field, element.text or "")


def _typed_text(field: Field, text: str) -> Any:
    """A text as the type of its field; an empty one says nothing, except where text is meant."""
    if field.kind == "string":
        if text:
            _check_word(field, text)
        return text
    if not text:
        return None
    if field.kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if field.kind == "integer" and text.lstrip("-").isdigit():
        return int(text)
    raise bad_request(f"'{text[:100]}' is not a valid value for '{field.name}'.")
