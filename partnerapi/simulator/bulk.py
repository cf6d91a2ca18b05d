"""Bulk reads of the published dialect: 200 as a whole, a status of its own for each id."""

from collections.abc import Callable
from typing import Any

from partnerapi.simulator import components, documents
from partnerapi.simulator.documents import DECLARATION, ROOT_NAMESPACES
from partnerapi.simulator.errors import ApiError, bad_request
from partnerapi.simulator.wire import (
    JSON,
    XML,
    Answer,
    Fields,
    Handler,
    Request,
    element,
    plain,
    to_json,
    typed,
)

LIMIT = 100
COMPONENT_LIMIT = 5

Getter = Callable[[Request, str], Fields]


def asked_ids(request: Request, limit: int) -> list[str]:
    """The ids of a bulk read."""
    fields = request.fields("BulkRequest", ("type",))
    if fields["type"] != "GET":
        raise bad_request(f"The bulk type {fields['type']} is not supported.")
    ids = [str(item.get("id", "")) for item in fields.get("request", [])]
    if not all(ids):
        raise bad_request("Every request of a bulk request needs an id.")
    if len(ids) > limit:
        raise bad_request(f"At most {limit} requests are allowed in one bulk request.")
    left_out = request.world.modes.answers_leave_out if len(ids) > 1 else ()
    return [id_ for id_ in ids if id_ not in left_out]


def handler(kind: str, get: Getter) -> Handler:
    def handle(request: Request) -> Answer:
        rows: list[tuple[Fields, Fields | None]] = []
        for index, id_ in enumerate(asked_ids(request, LIMIT)):
            try:
                rows.append(({"index": index, "id": id_, "statusCode": 200}, get(request, id_)))
            except ApiError as error:
                failed = {"statusCode": 400, "errorMessage": error.message}
                rows.append(({"index": index, "id": id_, **failed}, None))
        if request.accept == JSON:
            return _json_answer(kind, rows)
        inner = "".join(
            _response(head, "" if row is None else _result(kind, row)) for head, row in rows
        )
        return _xml_answer(inner)

    return handle


def _json_answer(kind: str, rows: list[tuple[Fields, Fields | None]]) -> Answer:
    response: list[Any] = [
        {**head, **({} if row is None else {"Result": typed(kind, plain(row))})}
        for head, row in rows
    ]
    return Answer(200, to_json({"@type": "BulkResult", "response": response}), JSON)


def _xml_answer(inner: str) -> Answer:
    text = f"{DECLARATION}<bns:BulkResult {ROOT_NAMESPACES}>{inner}</bns:BulkResult>"
    return Answer(200, text.encode(), XML)


def _response(head: Fields, inner: str) -> str:
    start = element("response", head)
    return f"{start[:-2]}>{inner}</bns:response>"


def _result(kind: str, row: Fields) -> str:
    return element("Result", row, extra=f' xsi:type="bns:{kind}"')


def components_in_bulk(request: Request) -> Answer:
    """Whole components, always as XML, the attributes directly on Result."""
    inner = []
    for index, id_ in enumerate(asked_ids(request, COMPONENT_LIMIT)):
        try:
            component, version = components.find(request.account, id_)
        except ApiError as error:
            failed = {"index": index, "id": id_, "statusCode": 400, "errorMessage": error.message}
            inner.append(_response(failed, ""))
            continue
        attributes = "".join(
            f' {name}="{documents.attribute(value)}"'
            for name, value in components.header(request.account, component, version).items()
        )
        result = (
            f'<bns:Result xsi:type="bns:Component"{attributes}>{version.body.decode()}</bns:Result>'
        )
        inner.append(_response({"index": index, "id": id_, "statusCode": 200}, result))
    return _xml_answer("".join(inner))
