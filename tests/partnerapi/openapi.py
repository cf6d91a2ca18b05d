"""What Boomi's published description says, as a judge of requests.

The description itself is large and not ours to carry along. What the code relies on is written
down in ``partnerapi/simulator/published.toml``: names, places, types and allowed words. That it
still agrees with the description is told, and mended with --write, by

    python -m tests.partnerapi.openapi platform-openapi.json [--write]
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from partnerapi.simulator import documents, queries, schema
from partnerapi.simulator.errors import ApiError

FACTS = Path(schema.__file__).with_name("published.toml")
JSON, XML, TEXT = "application/json", "application/xml", "text/plain"

ADDRESSES = {
    ("POST", ""): "create",
    ("GET", "{id}"): "get",
    ("POST", "{id}"): "update",
    ("DELETE", "{id}"): "delete",
    ("POST", "bulk"): "bulk",
    ("POST", "query"): "query",
    ("POST", "queryMore"): "queryMore",
    ("POST", "execute/{id}"): "execute",
}


def operation(method: str, path: str) -> tuple[str, str] | None:
    """The object of an address below the account and what is done with it, if it is described."""
    kind, _, rest = path.partition("/")
    if rest not in {"", "bulk", "query", "queryMore"}:
        rest = "execute/{id}" if rest.startswith("execute/") else "{id}"
    verb = ADDRESSES.get((method, rest), "")
    described = schema.DESCRIBED["verbs"].get(kind, "").split()
    return (kind, verb) if verb in described else None


def problems(method: str, path: str, media_type: str, body: bytes) -> list[str]:
    """What is wrong with a request; the first thing that is."""
    found = operation(method, path)
    if found is None:
        return [f"{method} {path} is not described"]
    kind, verb = found
    if verb in {"get", "delete"}:
        return [f"{method} {path} has a body"] if body else []
    taken = (TEXT,) if verb == "queryMore" else (JSON, XML)
    taken = (XML,) if kind == "Component" and verb != "bulk" else taken
    if media_type not in taken:
        return [f"{method} {path} takes {', '.join(taken)}, not {media_type}"]
    try:
        _judge(kind, verb, media_type, body)
    except ApiError as error:
        return [f"{path}: {error.message}"]
    return []


def _judge(kind: str, verb: str, media_type: str, body: bytes) -> None:
    in_xml = media_type == XML
    if verb == "query":
        asked = queries.read_xml(body, "QueryConfig") if in_xml else queries.read_json(body)
        queries.check(asked, kind)
    elif kind == "Component" and verb in {"create", "update"}:
        schema.from_attributes(kind, documents.read_component(body).attributes)
    elif verb != "queryMore":
        wanted = "BulkRequest" if verb == "bulk" else kind
        if in_xml:
            schema.from_xml(wanted, documents.parse(body, blanks=False))
        else:
            schema.from_json(wanted, json.loads(body))


def example_fields(method: str, path: str) -> set[str]:
    """The fields of the description's own example of a request, which are what it needs.

    Its lists of required fields name fields of answers.
    """
    found = operation(method, path)
    return set(schema.DESCRIBED["examples"][" ".join(found)].split()) if found else set()


# Writing the facts down


class Description:
    """The description, and what of it is worth writing down."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._paths: dict[str, Any] = described["paths"]
        self._schemas: dict[str, Any] = described["components"]["schemas"]
        self.verbs: dict[str, list[str]] = {}
        self.examples: dict[str, str] = {}
        self.objects: dict[str, dict[str, str]] = {}
        for path, methods in self._paths.items():
            for method, operation_ in methods.items():
                self._take(path, method, operation_)
        self._visit("BranchBulkRequest", "BulkRequest")

    def _take(self, path: str, method: str, described: dict[str, Any]) -> None:
        kind, _, rest = re.sub(r"\{\w+\}", "{id}", path[1:]).partition("/")
        verb = ADDRESSES[method.upper(), rest]
        self.verbs.setdefault(kind, []).append(verb)
        if verb in {"create", "update", "execute"}:
            self._visit(kind, kind)
            example = described["requestBody"]["content"].get(JSON, {}).get("example")
            if example:
                fields = " ".join(name for name in example if not name.startswith("@"))
                self.examples[f"{kind} {verb}"] = fields

    def _visit(self, name: str, called: str) -> None:
        if called not in self.objects:
            self.objects[called] = {}
            for field, said in self._properties(self._schemas[name]).items():
                self.objects[called][field] = self._word(said)

    def _properties(self, said: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = dict(said.get("properties", {}))
        for part in said.get("allOf", ()):
            name = _referred(part)
            found |= self._properties(self._schemas[name] if name else part)
        return found

    def _word(self, said: dict[str, Any]) -> str:
        name = _referred(said) or _referred(said.get("items", {}))
        if name:
            self._visit(name, name)
        if said.get("type") == "array":
            return f"[{name or said['items']['type']}]"
        place = "@" if said.get("xml", {}).get("attribute") else ""
        return name or place + "|".join(said.get("enum") or [said["type"]])

    @property
    def queried_by(self) -> dict[str, str]:
        """The properties of each object: as they are listed, or as the examples name them.

        Where neither says much, they are taken to be the fields of the object.
        """
        found = {}
        for kind in self.verbs:
            said = self._schemas.get(f"{kind}SimpleExpression")
            if said is not None:
                names = said["properties"]["property"].get("enum") or self._in_examples(kind)
                found[kind] = " ".join(names if len(names) > 1 else self.objects[kind])
        return found

    def _in_examples(self, kind: str) -> list[str]:
        content = self._paths[f"/{kind}/query"]["post"]["requestBody"]["content"][JSON]
        names: dict[str, None] = {}
        for example in content["examples"].values():
            names |= dict.fromkeys(_properties(example["value"]["QueryFilter"]["expression"]))
        return [name for name in names if name != "anotherProperty"]

    @property
    def operators(self) -> list[str]:
        return list(self._schemas["BranchSimpleExpression"]["properties"]["operator"]["enum"])


def _referred(said: dict[str, Any]) -> str:
    return str(said.get("$ref", "")).rpartition("/")[2]


def _properties(expression: dict[str, Any]) -> Iterator[str]:
    if "property" in expression:
        yield expression["property"]
    for nested in expression.get("nestedExpression", ()):
        yield from _properties(nested)


HEAD = """\
# What the published description of the Platform API says about the objects that are used here: their
# fields with place and type, what can be done with them, and what they can be queried by.
#
# A field: @ is an attribute in XML (else an element), [X] a list of X, A|B one of these words.
# Made from the description by `python -m tests.partnerapi.openapi DESCRIPTION --write`.
"""


def written(description: Description) -> str:
    """The facts as they stand in the file."""
    lines = [
        HEAD,
        f"operators = {json.dumps(description.operators)}",
        'groupings = ["and", "or"]',
    ]
    tables = {
        "verbs": {kind: " ".join(verbs) for kind, verbs in description.verbs.items()},
        "queried_by": description.queried_by,
        "examples": description.examples,
        **{f"objects.{kind}": fields for kind, fields in sorted(description.objects.items())},
    }
    for name, table in tables.items():
        rows = table.items() if name.startswith("objects.") else sorted(table.items())
        lines += ["", f"[{name}]"]
        lines += [f"{_key(key)} = {json.dumps(value)}" for key, value in rows]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return json.dumps(name) if " " in name else name


def main(arguments: list[str]) -> int:
    described = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    text = written(Description(described))
    if "--write" in arguments:
        FACTS.write_text(text, encoding="utf-8")
    agrees = FACTS.read_text(encoding="utf-8") == text
    sys.stdout.write(f"{FACTS} {'agrees' if agrees else 'does not agree'} with {arguments[0]}\n")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
