"""Boomi's published description, where it is found, as a judge of requests.

It judges address, method, media type, and every field's name, place and type. It is too large
and not ours to carry along, so what the code relies on is held by other tests as well.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

PROJECT = Path(__file__).resolve().parents[2]
DESCRIPTION = PROJECT.parent / "shared" / "spec" / "platform-openapi.json"

_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def is_there() -> bool:
    """Whether the description lies beside the project."""
    return DESCRIPTION.is_file()


@cache
def _described() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return described


def operation(method: str, path: str) -> dict[str, Any] | None:
    """What the description says about an address below the account, or None."""
    paths = _described()["paths"]
    # `Branch/query` is not the branch whose id is "query".
    for template in sorted(paths, key=lambda template: str(template).count("{")):
        methods = paths[template]
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, f"/{path}") and method.lower() in methods:
            found: dict[str, Any] = methods[method.lower()]
            return found
    return None


def problems(method: str, path: str, media_type: str, body: bytes) -> list[str]:
    """Everything that is wrong with a request."""
    described = operation(method, path)
    if described is None:
        return [f"{method} {path} is not described"]
    content = described.get("requestBody", {}).get("content", {})
    if not content:
        return [f"{method} {path} has a body"] if body else []
    if media_type not in content:
        return [f"{method} {path} takes {', '.join(content)}, not {media_type}"]
    schema = content[media_type]["schema"]
    if media_type == "text/plain":
        return []
    if media_type == "application/xml":
        return list(_xml_problems(etree.fromstring(body), schema, path, root=True))
    return list(_json_problems(json.loads(body), schema, path))


def example_fields(method: str, path: str, media_type: str) -> set[str]:
    """The fields of a request's own example, which are what it needs.

    The schemas' lists of required fields name fields of answers.
    """
    described = operation(method, path) or {}
    example = described["requestBody"]["content"][media_type]["example"]
    return {name for name in example if not name.startswith("@")}


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references followed and its parts put together."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(_described()["components"]["schemas"][name])
    if "allOf" in schema:
        properties: dict[str, Any] = {}
        for part in schema["allOf"]:
            properties |= _resolved(part).get("properties", {})
        return {"type": "object", "properties": properties}
    return schema


_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "array": list,
    "object": dict,
}


def _json_problems(value: object, schema: dict[str, Any], at: str) -> Iterator[str]:
    schema = _resolved(schema)
    if "oneOf" in schema:
        schema = _resolved(schema["oneOf"]["nestedExpression" in value])  # type: ignore[operator]
    kind = schema["type"]
    if not isinstance(value, _JSON_TYPES[kind]):
        yield f"{at} is not of type {kind}"
    elif isinstance(value, dict):
        yield from _missing(value.keys(), schema, at)
        for name, inside in value.items():
            described = schema.get("properties", {}).get(name)
            if described is None:
                yield f"{at} has no field {name}"
            else:
                yield from _json_problems(inside, described, f"{at}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _json_problems(item, schema["items"], f"{at}[]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{at} may not be {value}"


def _missing(names: object, schema: dict[str, Any], at: str) -> Iterator[str]:
    """Queries are requests only, so their lists of required fields can be trusted."""
    for name in ("QueryFilter", "expression", "operator", "property"):
        if name in schema.get("required", ()) and name not in names:  # type: ignore[operator]
            yield f"{at} lacks {name}"


def _xml_problems(
    element: etree._Element, schema: dict[str, Any], at: str, *, root: bool = False
) -> Iterator[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = _resolved(schema)
    if "oneOf" in schema:
        grouping = element.get(_XSI_TYPE, "") == "GroupingExpression"
        if element.get(_XSI_TYPE) not in {"GroupingExpression", "SimpleExpression"}:
            yield f"{at} does not say which kind of expression it is"
        schema = _resolved(schema["oneOf"][grouping])
    tag = etree.QName(element)
    if tag.namespace != "http://api.platform.boomi.com/":
        yield f"{at} is in the wrong namespace"
    if root and tag.localname != schema.get("xml", {}).get("name", name):
        yield f"{at} has the root {tag.localname}"
    properties = schema.get("properties")
    if properties is None:
        return  # text, or an object that the description leaves open
    for attribute in map(str, element.attrib):
        described = properties.get(attribute)
        if attribute == _XSI_TYPE:
            continue
        if described is None or not described.get("xml", {}).get("attribute"):
            yield f"{at} has no attribute {attribute}"
        elif "enum" in described and element.get(attribute) not in described["enum"]:
            yield f"{at}.{attribute} may not be {element.get(attribute)}"
    yield from _missing(
        {*map(str, element.attrib), *(etree.QName(child).localname for child in element)},
        schema,
        at,
    )
    for child in element:
        inside = etree.QName(child).localname
        described = properties.get(inside)
        if described is None or described.get("xml", {}).get("attribute"):
            yield f"{at} has no element {inside}"
            continue
        if described.get("type") == "array":
            described = described["items"]
        yield from _xml_problems(child, described, f"{at}.{inside}")
