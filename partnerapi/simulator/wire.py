"""Requests and answers as routes see them, and the encodings of objects, results and errors."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from partnerapi.simulator import schema
from partnerapi.simulator.documents import DECLARATION, ROOT_NAMESPACES, attribute, parse
from partnerapi.simulator.errors import ApiError, bad_request
from partnerapi.simulator.state import Account, World

JSON = "application/json"
XML = "application/xml"
TEXT = "text/plain"

Fields = dict[str, Any]


@dataclass(frozen=True)
class Child:
    """A value that XML writes as a child element; without this it is an attribute."""

    value: Any


@dataclass
class Request:
    """One request, after credentials, account and address have been found right."""

    world: World
    account: Account
    dialect: str
    groups: dict[str, str]
    body: bytes
    content_type: str
    accept: str
    base_url: str

    @property
    def types(self) -> bool:
        """Whether JSON names the type of every object, which the guide's does not."""
        return self.dialect == "published"

    def fields(self, kind: str, required: Iterable[str] = ()) -> Fields:
        """The body as an object of this kind, as published, in JSON or in XML."""
        if self.content_type == XML:
            sent = schema.from_xml(kind, parse(self.body, blanks=False))
        else:
            sent = schema.from_json(kind, read_json(self.body))
        require(sent, required)
        return sent

    def json(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Fields:
        """The body as a JSON object with these fields and no other (guide)."""
        sent = read_json(self.body)
        if not isinstance(sent, dict):
            raise bad_request("The request body must be a JSON object.")
        known = {*required, *optional}
        for name, value in sent.items():
            if name not in known:
                raise bad_request(f'Unrecognized field "{name}".')
            wanted = bool if name == "shareable" else str
            if value is not None and not isinstance(value, wanted):
                raise bad_request(f"The field '{name}' has the wrong type.")
        require(sent, required)
        return sent


def read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise bad_request(schema.UNREADABLE) from None


def require(fields: Fields, required: Iterable[str]) -> None:
    """Refuse an object without what has to be there; empty is not there."""
    for name in required:
        if fields.get(name) in (None, ""):
            raise bad_request(f"The field '{name}' is required.")


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: str = XML
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Answer]


def negotiate(accept: str, offered: tuple[str, ...]) -> str:
    """The type to answer with; nothing said means the first one."""
    found = parse_accept_header(accept or "*/*", MIMEAccept).best_match(offered)
    if found is None:
        raise ApiError(406, f"The requested media type is not acceptable: {accept}")
    return found


# Objects


def plain(value: Any) -> Any:
    """A value for JSON: without the marks for XML and without what is not there."""
    if isinstance(value, Child):
        return plain(value.value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if plain(item) is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _text(value: Any) -> str:
    text = _scalar(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def element(tag: str, fields: Fields, *, extra: str = "") -> str:
    """An object as an element: scalars become attributes, the rest child elements."""
    attributes, children = [], []
    for name, value in fields.items():
        inner = value.value if isinstance(value, Child) else value
        if inner is None or name == "@type":
            continue
        if isinstance(inner, dict):
            children.append(element(name, inner))
        elif isinstance(inner, list):
            children.extend(element(name, item) for item in inner)
        elif isinstance(value, Child):
            children.append(f"<bns:{name}>{_text(inner)}</bns:{name}>")
        else:
            attributes.append(f' {name}="{attribute(_scalar(inner))}"')
    start = f"<bns:{tag}{extra}{''.join(attributes)}"
    return f"{start}>{''.join(children)}</bns:{tag}>" if children else f"{start}/>"


def typed(kind: str, value: Any) -> Any:
    """JSON objects of the published API name their type, nested ones too."""
    if isinstance(value, dict):
        return {"@type": kind, **{name: typed(name, item) for name, item in value.items()}}
    if isinstance(value, list):
        return [typed(kind, item) for item in value]
    return value


def send(request: Request, kind: str, fields: Fields, *, status: int = 200) -> Answer:
    """One object in the encoding that the client wants."""
    if request.accept == JSON:
        value = typed(kind, plain(fields)) if request.types else plain(fields)
        return Answer(status, to_json(loosen(request, value)), JSON)
    body = element(kind, fields, extra=f" {ROOT_NAMESPACES}")
    return Answer(status, (DECLARATION + body).encode(), XML)


def send_results(request: Request, kind: str, results: list[Fields], token: str | None) -> Answer:
    """A page of results; the token is there only if there is more."""
    if request.accept == JSON:
        page: Fields = {"@type": "QueryResult"} if request.types else {}
        rows = [typed(kind, plain(row)) if request.types else plain(row) for row in results]
        page |= {"result": rows, "numberOfResults": len(rows)}
        if token:
            page["queryToken"] = token
        return Answer(200, to_json(loosen(request, page)), JSON)
    inner = f"<bns:queryToken>{_text(token)}</bns:queryToken>" if token else ""
    inner += "".join(element("result", row, extra=f' xsi:type="bns:{kind}"') for row in results)
    body = (
        f'{DECLARATION}<bns:QueryResult {ROOT_NAMESPACES} numberOfResults="{len(results)}">'
        f"{inner}</bns:QueryResult>"
    )
    return Answer(200, body.encode(), XML)


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def loosen(request: Request, value: Any) -> Any:
    """Answer as carelessly as the platform sometimes does, if the simulator was told to.

    Truth values and numbers come as text, and a list of one without its list.
    """
    if not request.world.modes.loose_json:
        return value
    if isinstance(value, dict):
        return {name: loosen(request, item) for name, item in value.items()}
    if isinstance(value, list):
        items = [loosen(request, item) for item in value]
        return items[0] if len(items) == 1 else items
    if isinstance(value, bool | int):
        return _scalar(value)
    return value


# Errors


def _error_shape(status: int, message: str) -> Fields:
    """Three shapes are seen in the field, and a client has to read them all."""
    if status == 400:
        return {"@type": "Error", "message": message}
    if status in {401, 409}:
        return {"error": {"message": message}}
    return {"message": message}


def send_error(accept: str, status: int, message: str) -> Answer:
    """An error in the client's encoding, in the shape that its status usually has."""
    if JSON in accept:
        return Answer(status, to_json(_error_shape(status, message)), JSON)
    body = f"{DECLARATION}<error><message>{_text(message)}</message></error>"
    return Answer(status, body.encode(), XML)
