"""Each of the 19 operations meets each fault, in both dialects."""

import re
import traceback
from collections.abc import Iterator

import pytest
import requests
from requests.adapters import HTTPAdapter

from partnerapi import errors
from partnerapi.dialects import dialect_named
from partnerapi.transport import Transport
from tests.partnerapi import samples
from tests.partnerapi.clients import TOKEN, Recorder
from tests.partnerapi.samples import CALLS, each_operation
from tests.partnerapi.wire_server import Reply, Seen, WireServer

SAID = "Something went wrong over here."
FAULTS = [
    "401",
    "403",
    "404",
    "409",
    "429",
    "503",
    "html",
    "empty",
    "truncated",
    "wrong_encoding",
    "endless",
    "redirect",
    "error_inside_xml",
    "error_inside_json",
    "xml_400",
    "html_502",
    "empty_400",
    "truncated_400",
    "wrong_encoding_400",
    "timeout",
    "reset",
]


def _fault(name: str, good: bytes) -> Reply:  # noqa: C901 (a table)
    json_body = samples.to_json({"@type": "Error", "message": SAID})
    match name:
        case "401" | "403" | "404" | "409" | "429" | "503":
            return Reply(int(name), json_body)
        case "html":
            return Reply(200, f"<!DOCTYPE html><html><title>{SAID}</title></html>".encode())
        case "empty":
            return Reply(200, b"")
        case "truncated":
            return Reply(200, good[: len(good) // 2])
        case "wrong_encoding":
            wrong = good if "é".encode() in good else good.replace(b"}", "é}".encode())
            return Reply(200, wrong.decode().encode("latin-1"))
        case "endless":
            return Reply(200, good, how="endless")
        case "redirect":
            return Reply(302, b"", {"Location": "https://elsewhere.example.test/x"})
        case "error_inside_xml":
            return Reply(200, f"<error><message>{SAID}</message></error>".encode())
        case "error_inside_json":
            return Reply(200, samples.to_json({"error": {"message": SAID}}))
        case "xml_400":
            return Reply(400, f"<error><message>{SAID}</message></error>".encode())
        case "html_502":
            return Reply(502, f"<html><head><title>{SAID}</title></head></html>".encode())
        case "empty_400":
            return Reply(400, b"")
        case "truncated_400":
            return Reply(400, json_body[: len(json_body) // 2])
        case "wrong_encoding_400":
            return Reply(400, '{"message": "Größe"}'.encode("latin-1"))
        case "reset":
            return Reply(how="reset")
    raise AssertionError(name)


class _TimesOut(HTTPAdapter):
    """Waits for nothing: the operation under test gets no answer in time."""

    def __init__(self, target: samples.Target) -> None:
        super().__init__()
        self.target = target
        self.tries = 0

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **options: object
    ) -> requests.Response:
        path = samples.below_account((request.path_url or "").partition("?")[0])
        if (request.method, path) == (self.target.method, self.target.path):
            self.tries += 1
            raise requests.ReadTimeout("Read timed out.", request=request)
        return super().send(request, **options)  # type: ignore[arg-type]


CONFLICTS = {3: errors.ChangedMeanwhile, 12: errors.Conflict, 13: errors.Conflict}


def _expected(  # noqa: C901 (a table)
    dialect: str, number: int, fault: str
) -> tuple[type[errors.PartnerApiError] | None, int]:
    """The error, or none, and how often the operation is tried."""
    operation = dialect_named(dialect).operations[number]
    match fault:
        case "401":
            return errors.AuthFailed, 1
        case "403":
            return errors.Forbidden, 1
        case "404" if number == 15:
            return None, 1
        case "404":
            wrong_address = 404 in operation.wrong_address
            return (errors.BadResponse if wrong_address else errors.NotFound), 1
        case "409":
            return CONFLICTS.get(number, errors.BadRequest), 1
        case "429" | "503" if not operation.repeatable:
            # Nothing says that Boomi itself refused it for its pace.
            return errors.AnswerLost, 1
        case "429":
            return errors.RateLimited, 4
        case "503":
            return errors.ApiUnavailable, 4
        case "empty" if number == 15:
            return None, 1
        case _ if fault.endswith("_400"):
            # 400 is an empty list where the guide asks for references.
            return (None if (dialect, number) == ("guide", 4) else errors.BadRequest), 1
        case "html_502":
            return (errors.ApiUnavailable, 4) if operation.repeatable else (errors.AnswerLost, 1)
        case "timeout" | "reset":
            return (errors.ApiUnavailable, 4) if operation.reads else (errors.AnswerLost, 1)
        case "redirect":
            return errors.BadResponse, 1
    return (errors.BadResponse if operation.repeatable else errors.AnswerLost), 1


def _cases() -> Iterator[object]:
    for dialect, number in each_operation():
        for fault in FAULTS:
            yield pytest.param(dialect, number, fault, id=f"{dialect}-{number}-{fault}")


@pytest.mark.parametrize(("dialect", "number", "fault"), list(_cases()))
def test_fault(dialect: str, number: int, fault: str) -> None:
    good = samples.answers(dialect)
    target = samples.target(dialect, number)
    if fault == "404" and number == 15 and dialect == "published":
        # The list of branches is what settles it there.
        good["POST", "Branch/query"] = samples.query_json(samples.MAIN_JSON)

    def answer(seen: Seen) -> Reply:
        key = (seen.method, samples.below_account(seen.path))
        if key == (target.method, target.path):
            return _fault(fault, good[key])
        return Reply(200, good[key])

    recorder = Recorder()
    with WireServer(answer) as server:
        transport = recorder.transport(server.url, max_bytes=64 * 1024)
        silence = _TimesOut(target)
        if fault == "timeout":
            session = requests.Session()
            session.mount("http://", silence)
            transport._sessions.put(session)
        kind, tries = _expected(dialect, number, fault)
        if kind is None:
            _call(dialect, number, transport)
            return
        with pytest.raises(errors.PartnerApiError) as caught:
            _call(dialect, number, transport)
        arrived = [
            seen
            for seen in server.seen
            if (seen.method, samples.below_account(seen.path)) == (target.method, target.path)
        ]
    error = caught.value
    assert type(error) is kind
    assert error.operation == number
    assert len(arrived) + silence.tries == tries
    assert [call.attempt for call in recorder.calls if call.operation == number] == [
        *range(1, tries + 1)
    ]
    assert len(recorder.slept) == tries - 1
    if fault[0] in "45" or fault.startswith(("error", "html", "xml")):
        assert error.boomi_message == SAID
        assert str(error).endswith(SAID)
    _assert_no_secret(error)


def _call(dialect: str, number: int, transport: Transport) -> object:

    return CALLS[number](dialect_named(dialect)(transport))


def _assert_no_secret(error: BaseException) -> None:
    """Neither in what the error says nor in what stands behind it."""
    shown = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert TOKEN not in shown
    assert not re.search(r"Authorization|Basic ", shown)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


@pytest.mark.parametrize(("dialect", "number"), list(each_operation()))
def test_no_fault(dialect: str, number: int) -> None:
    """The same calls against a healthy server, so that the faults above are what fails."""
    good = samples.answers(dialect)
    recorder = Recorder()
    with WireServer(
        lambda seen: Reply(200, good[seen.method, samples.below_account(seen.path)])
    ) as server:
        _call(dialect, number, recorder.transport(server.url))
    assert all(call.status == 200 and not call.error for call in recorder.calls)
    assert number in {call.operation for call in recorder.calls}
