"""Query filters in XML and JSON, and what they say about a record."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from lxml import etree

from partnerapi.simulator.documents import BNS, XSI, parse
from partnerapi.simulator.errors import bad_request

PAGE_SIZE = 100
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
    "STARTS_WITH": (1, lambda value, args: value.startswith(args[0])),
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
        raise bad_request(f"The root element of this query must be {root_name}.")
    holder: etree._Element | None = root
    if root_name == "QueryConfig":
        holder = root.find(f"{{{BNS}}}QueryFilter")
        if holder is None:
            return None
    assert holder is not None  # noqa: S101 - for the type checker
    expression = holder.find(f"{{{BNS}}}expression")
    return None if expression is None else _from_xml(expression)


def _from_xml(element: etree._Element) -> Expression:
    kind = element.get(f"{{{XSI}}}type", "").rpartition(":")[2]
    operator = element.get("operator", "")
    if kind not in {"SimpleExpression", "GroupingExpression"}:
        raise bad_request("An expression needs xsi:type SimpleExpression or GroupingExpression.")
    if kind == "GroupingExpression":
        nested = [_from_xml(child) for child in element.findall(f"{{{BNS}}}nestedExpression")]
        return _grouping(operator, nested)
    arguments = [child.text or "" for child in element.findall(f"{{{BNS}}}argument")]
    return _simple(operator, element.get("property", ""), arguments)


def read_json(data: bytes) -> Expression | None:
    """The filter of a JSON query; an empty object or an empty filter asks for everything."""
    try:
        config = json.loads(data or b"{}")
    except ValueError:
        raise bad_request("The request body is not valid JSON.") from None
    if not isinstance(config, dict):
        raise bad_request("A query must be an object.")
    filter_ = config.get("QueryFilter") or {}
    expression = filter_.get("expression") if isinstance(filter_, dict) else None
    return None if not expression else _from_json(expression)


def _from_json(node: Any) -> Expression:
    if not isinstance(node, dict):
        raise bad_request("An expression must be an object.")
    operator = str(node.get("operator", ""))
    if "nestedExpression" in node:
        nested = node["nestedExpression"]
        return _grouping(operator, [_from_json(child) for child in nested or []])
    arguments = node.get("argument", [])
    arguments = arguments if isinstance(arguments, list) else [arguments]
    return _simple(operator, str(node.get("property", "")), [_text(a) for a in arguments])


def _grouping(operator: str, nested: list[Expression]) -> Grouping:
    if operator.lower() not in {"and", "or"} or not nested:
        raise bad_request("A grouping needs the operator 'and' or 'or' and nested expressions.")
    return Grouping(operator.lower(), tuple(nested))


def _simple(operator: str, property_: str, arguments: list[str]) -> Simple:
    if operator not in OPERATORS:
        raise bad_request(f"The operator '{operator}' is not valid.")
    if not property_:
        raise bad_request("An expression needs a property.")
    if len(arguments) < OPERATORS[operator][0]:
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
    return OPERATORS[expression.operator][1](_text(record.get(expression.property)), arguments)


def check_properties(expression: Expression | None, allowed: frozenset[str]) -> None:
    for asked in simple(expression):
        if asked.property not in allowed:
            raise bad_request(f"The property '{asked.property}' cannot be queried on this object.")
