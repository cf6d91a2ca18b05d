"""Query filters in XML and JSON, and what they say about a record."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from lxml import etree

from partnerapi.simulator import schema
from partnerapi.simulator.documents import BNS, XSI, parse
from partnerapi.simulator.errors import bad_request

PAGE_SIZE = 100
MOST_TERMS = 1000
ANYTHING = re.compile(".*", re.DOTALL)
VALUES = {"boolean": re.compile("true|false"), "integer": re.compile("-?[0-9]+")}
# Asked for in whichever letter case.
ID_PROPERTIES = frozenset({"componentId", "parentComponentId"})

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Simple:
    operator: str
    property: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Grouping:
    operator: str
    nested: tuple["Simple | Grouping", ...]


Expression = Simple | Grouping


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), value, re.DOTALL) is not None


def _number_or_text(value: str) -> tuple[int, float, str]:
    return (0, float(value), "") if re.fullmatch(r"-?\d+(\.\d+)?", value) else (1, 0.0, value)


OPERATORS: dict[str, tuple[int, Callable[[str, tuple[str, ...]], bool]]] = {
    "EQUALS": (1, lambda value, args: value == args[0]),
    "NOT_EQUALS": (1, lambda value, args: value != args[0]),
    "LIKE": (1, lambda value, args: _like(value, args[0])),
    "CONTAINS": (1, lambda value, args: args[0] in value),
    "NOT_CONTAINS": (1, lambda value, args: args[0] not in value),
    "IS_NULL": (0, lambda value, args: not value),
    "IS_NOT_NULL": (0, lambda value, args: bool(value)),
    "BETWEEN": (
        2,
        lambda value, args: (
            _number_or_text(args[0]) <= _number_or_text(value) <= _number_or_text(args[1])
        ),
    ),
    "GREATER_THAN": (1, lambda value, args: _number_or_text(value) > _number_or_text(args[0])),
    "GREATER_THAN_OR_EQUAL": (
        1,
        lambda value, args: _number_or_text(value) >= _number_or_text(args[0]),
    ),
    "LESS_THAN": (1, lambda value, args: _number_or_text(value) < _number_or_text(args[0])),
    "LESS_THAN_OR_EQUAL": (
        1,
        lambda value, args: _number_or_text(value) <= _number_or_text(args[0]),
    ),
}


def read_xml(data: bytes, root_name: str) -> Expression | None:
    """The filter of an XML query: a QueryFilter (guide), or one in a QueryConfig (published)."""
    root = parse(data, blanks=False)
    if root.tag != f"{{{BNS}}}{root_name}":
        raise bad_request(schema.UNREADABLE)
    if root_name == "QueryFilter":
        found = _children(root, "expression")
        return _from_xml(found[0]) if found else None
    holder = _children(root, "QueryFilter")
    found = _children(holder[0], "expression") if holder else []
    if not found:
        raise bad_request("The QueryFilter of a query needs an expression.")
    return _from_xml(found[0])


def _children(
    element: etree._Element, name: str, attributes: frozenset[str] = frozenset(), most: int = 1
) -> list[etree._Element]:
    """The children of an element that may hold nothing else; and only these attributes."""
    for attribute in map(str, element.attrib):
        if attribute not in attributes:
            raise bad_request(f"Attribute '{attribute}' is not allowed to appear in a query.")
    for child in element:
        if etree.QName(child).namespace != BNS:
            raise bad_request(schema.UNREADABLE)
        if etree.QName(child).localname != name:
            raise bad_request(f"Invalid content was found starting with element '{child.tag}'.")
    if len(element) > most:
        raise bad_request(f"There may be only one {name}.")
    return list(element)


def _from_xml(element: etree._Element) -> Expression:
    kind = element.get(f"{{{XSI}}}type", "").rpartition(":")[2]
    operator = element.get("operator", "")
    allowed = frozenset({f"{{{XSI}}}type", "operator"})
    if kind == "GroupingExpression":
        nested = _children(element, "nestedExpression", allowed, most=MOST_TERMS)
        return _grouping(operator, [_from_xml(child) for child in nested])
    if kind != "SimpleExpression":
        raise bad_request("An expression needs xsi:type SimpleExpression or GroupingExpression.")
    arguments = _children(element, "argument", allowed | {"property"}, most=MOST_TERMS)
    return _simple(operator, element.get("property", ""), [child.text or "" for child in arguments])


def read_json(data: bytes, *, required: bool = True) -> Expression | None:
    """The filter of a JSON query; where it is not required an empty object asks for everything."""
    try:
        config = json.loads(data or b"{}")
    except ValueError:
        raise bad_request(schema.UNREADABLE) from None
    filter_ = _object(config, "QueryFilter").get("QueryFilter")
    expression = None if filter_ is None else _object(filter_, "expression").get("expression")
    if expression is None and (required or filter_ is not None):
        raise bad_request("The QueryFilter of a query needs an expression.")
    return None if expression is None else _from_json(expression)


def _object(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request("A query and its parts must be objects.")
    for name in value:
        if name not in {*names, "@type"}:
            raise bad_request(f'Unrecognized field "{name}" in a query.')
    return value


def _from_json(node: Any) -> Expression:
    if isinstance(node, dict) and "nestedExpression" in node:
        nested = _object(node, "operator", "nestedExpression")["nestedExpression"]
        if not isinstance(nested, list):
            raise bad_request("nestedExpression must be a list.")
        return _grouping(node.get("operator"), [_from_json(child) for child in nested])
    arguments = _object(node, "operator", "property", "argument").get("argument", [])
    if not isinstance(arguments, list) or not all(isinstance(a, str) for a in arguments):
        raise bad_request("argument must be a list of strings.")
    return _simple(node.get("operator"), node.get("property"), arguments)


def _grouping(operator: Any, nested: list[Expression]) -> Grouping:
    if operator not in schema.GROUPINGS or not nested:
        raise bad_request("A grouping needs the operator 'and' or 'or' and nested expressions.")
    return Grouping(operator, tuple(nested))


def _simple(operator: Any, property_: Any, arguments: list[str]) -> Simple:
    if operator not in schema.OPERATORS:
        raise bad_request(f"The operator '{operator}' is not valid.")
    if not property_ or not isinstance(property_, str):
        raise bad_request("An expression needs a property.")
    if len(arguments) != OPERATORS[operator][0]:
        raise bad_request(f"The operator {operator} needs {OPERATORS[operator][0]} argument(s).")
    return Simple(operator, property_, tuple(arguments))


def simple(expression: Expression | None) -> Iterator[Simple]:
    """Every comparison of a filter."""
    if isinstance(expression, Simple):
        yield expression
    elif expression is not None:
        for nested in expression.nested:
            yield from simple(nested)


def alternatives(expression: Expression | None) -> list[tuple[Simple, ...]]:
    """The ways in which a record may pass: for each, comparisons that must all be true."""
    if expression is None:
        return [()]
    if isinstance(expression, Simple):
        return [(expression,)]
    ways = [alternatives(nested) for nested in expression.nested]
    if expression.operator == "or":
        return [way for nested in ways for way in nested]
    return [tuple(chain.from_iterable(chosen)) for chosen in product(*ways)]


def matches(expression: Expression | None, record: Record) -> bool:
    """Whether a record passes; a property that records of its kind do not have is an error."""
    if expression is None:
        return True
    if isinstance(expression, Grouping):
        results = [matches(nested, record) for nested in expression.nested]
        return all(results) if expression.operator == "and" else any(results)
    arguments = expression.arguments
    if expression.property in ID_PROPERTIES:
        arguments = tuple(map(str.lower, arguments))
    value = record.get(expression.property)
    if value is None:  # the description itself writes some properties in capitals
        wanted = expression.property.lower()
        value = next((v for name, v in record.items() if name.lower() == wanted), None)
    return OPERATORS[expression.operator][1](_text(value), arguments)


def check(expression: Expression | None, kind: str) -> None:
    """Refuse properties that objects of this kind are not queried by, and values of another type."""
    allowed, fields = schema.queryable(kind), schema.fields_if_known(kind)
    for asked in simple(expression):
        if not {asked.property, asked.property.upper()} & allowed:
            raise bad_request(f"The property '{asked.property}' cannot be queried on this object.")
        wanted = fields[asked.property].kind if asked.property in fields else "string"
        for value in asked.arguments:
            if not VALUES.get(wanted, ANYTHING).fullmatch(value):
                raise bad_request(f"'{value[:100]}' is not a valid value for '{asked.property}'.")
