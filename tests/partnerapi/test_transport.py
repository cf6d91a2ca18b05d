"""HTTP: what is sent, what is retried, and what each status and message becomes."""

import base64
import contextlib
import socket
import threading
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import responses
from responses import matchers

from partnerapi import errors, transport
from partnerapi.dialects import dialect_named
from partnerapi.operations import OPERATIONS, SUPPORTING
from partnerapi.transport import Request, _may_try_again, error_for, quote_segment
from partnerapi.wire import boomi_message
from tests.partnerapi.clients import BASE, TOKEN, USER, Recorder
from tests.partnerapi.samples import ACCOUNT, COMPONENT, DEV, component_xml
from tests.partnerapi.wire_server import Reply, WireServer

PREFIX = f"{BASE}/partner/api/rest/v1/{ACCOUNT}"
READ = Request(OPERATIONS[14], {"branch": "b"})
READ_URL = f"{PREFIX}/Branch/b"
WRITE = Request(OPERATIONS[10], body=b"{}")
WRITE_URL = f"{PREFIX}/Branch"


# -- what is sent ------------------------------------------------------------


@responses.activate
def test_a_read_from_a_dev_account() -> None:
    responses.get(
        f"{PREFIX}/Component/{COMPONENT}~7",
        body=component_xml(),
        match=[
            matchers.query_param_matcher({"overrideAccount": DEV}),
            matchers.header_matcher({"Accept": "application/xml"}),
        ],
    )
    answer = (
        Recorder()
        .transport()
        .send(Request(OPERATIONS[1], {"component": f"{COMPONENT}~7"}, account=DEV))
    )
    assert answer.body == component_xml()
    sent = responses.calls[0].request
    credentials = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert sent.headers["Authorization"] == f"Basic {credentials}"
    assert "Content-Type" not in sent.headers
    assert "~7" in str(sent.url)


@responses.activate
def test_a_write_says_its_media_type_and_no_account() -> None:
    responses.post(WRITE_URL, body=b"{}", match=[matchers.query_param_matcher({})])
    Recorder().transport().send(WRITE)
    sent = responses.calls[0].request
    assert sent.headers["Content-Type"] == sent.headers["Accept"] == "application/json"
    assert sent.body == b"{}"


@pytest.mark.parametrize("number", [n for n in OPERATIONS if n not in {1, 4, 5, 6}])
def test_only_four_operations_may_name_a_dev_account(number: int) -> None:
    values = dict.fromkeys(("component", "branch", "pack", "package", "merge_request"), "x")
    with pytest.raises(ValueError, match="never sent to a dev account"):
        Recorder().transport().send(Request(OPERATIONS[number], values, account=DEV))


@responses.activate
def test_the_next_page_is_asked_for_with_the_bare_token_as_text() -> None:
    responses.post(f"{PREFIX}/PackagedComponent/queryMore", body=b"{}")
    request = Request(OPERATIONS[6], body=b"<QueryFilter/>", account=DEV)
    Recorder().transport().send(request.more("ab/c+d=="))
    sent = responses.calls[0].request
    assert sent.body == b"ab/c+d=="
    assert sent.headers["Content-Type"] == "text/plain"
    assert sent.headers["Accept"] == "application/xml"
    assert str(sent.url).endswith(f"/PackagedComponent/queryMore?overrideAccount={DEV}")


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("id~branch", "id~branch"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("50% é 🚀", "50%25%20%C3%A9%20%F0%9F%9A%80"),
        ('"&<>', "%22%26%3C%3E"),
    ],
)
def test_values_are_quoted_as_one_segment(value: str, quoted: str) -> None:
    assert quote_segment(value) == quoted


@pytest.mark.parametrize("value", ["", " ", ".", ".."])
def test_values_that_would_change_the_address_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be an id"):
        Recorder().transport().send(Request(OPERATIONS[14], {"branch": value}))


def test_an_awkward_id_arrives_as_it_was_given() -> None:
    name = "a/b ~ é?🚀 50%&\"'" + "x" * 200
    recorder = Recorder()
    with WireServer(lambda seen: Reply(200, b"{}")) as server:
        recorder.transport(server.url).send(Request(OPERATIONS[14], {"branch": name}))
        assert server.seen[0].path == f"/partner/api/rest/v1/{ACCOUNT}/Branch/{name}"


def test_the_token_is_asked_for_at_every_try() -> None:
    tokens = iter(["old", "new"])
    with responses.RequestsMock() as mock:
        mock.get(READ_URL, status=503)
        mock.get(READ_URL, body=b"{}")
        recorder = Recorder()
        sender = transport.Transport(
            BASE,
            ACCOUNT,
            USER,
            lambda: next(tokens),
            throttle=recorder.throttle,
            sleep=lambda _: None,
        )
        sender.send(READ)
        sent = [base64.b64decode(c.request.headers["Authorization"][6:]) for c in mock.calls]
    assert sent == [f"{USER}:old".encode(), f"{USER}:new".encode()]


@responses.activate
def test_a_token_and_user_outside_of_latin_1_do_not_break_the_client() -> None:
    responses.get(READ_URL, body=b"{}")
    sender = transport.Transport(
        BASE, ACCOUNT, "BOOMI_TOKEN.ж", lambda: "ж\n", throttle=Recorder().throttle
    )
    sender.send(READ)
    sent = responses.calls[0].request.headers["Authorization"]
    assert base64.b64decode(sent[6:]).decode() == "BOOMI_TOKEN.ж:ж"


@responses.activate
def test_cookies_are_not_kept() -> None:
    responses.get(READ_URL, body=b"{}", headers={"Set-Cookie": "JSESSIONID=1"})
    sender = Recorder().transport()
    sender.send(READ)
    sender.send(READ)
    assert "Cookie" not in responses.calls[1].request.headers


def test_nothing_shows_the_token() -> None:
    sender = Recorder().transport()
    assert TOKEN not in repr(sender) + str(sender) + repr(READ)


# -- retries -----------------------------------------------------------------


@responses.activate
@pytest.mark.parametrize("promotion", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("status", [429, 503])
def test_too_fast_is_tried_again_three_times(promotion: Request, status: int) -> None:
    url = READ_URL if promotion is READ else WRITE_URL
    said = {"message": "The rate limit was exceeded."}
    for _ in range(3):
        responses.add(promotion.operation.method, url, status=status, json=said)
    responses.add(promotion.operation.method, url, body=b"{}")
    recorder = Recorder()
    recorder.transport().send(promotion)
    assert recorder.slept == [1, 2, 4]
    assert recorder.throttle.turns == 4
    assert recorder.throttle.slowed == 3
    assert [(call.attempt, call.status) for call in recorder.calls] == [
        (1, status),
        (2, status),
        (3, status),
        (4, 200),
    ]


@responses.activate
@pytest.mark.parametrize("status", [401, 403, 400, 404, 409])
def test_what_waiting_does_not_help_is_tried_once(status: int) -> None:
    responses.get(READ_URL, status=status)
    recorder = Recorder()
    with pytest.raises(errors.NeedsPerson) as caught:
        recorder.transport().send(READ)
    assert not caught.value.waiting_helps
    assert len(responses.calls) == 1
    assert recorder.slept == []


@responses.activate
def test_the_time_scale_shortens_the_pauses() -> None:
    responses.get(READ_URL, status=503)
    recorder = Recorder()
    with pytest.raises(errors.ApiUnavailable):
        recorder.transport(time_scale=0.01).send(READ)
    assert recorder.slept == pytest.approx([0.01, 0.02, 0.04])


@responses.activate
def test_retry_after_in_seconds() -> None:
    responses.get(READ_URL, status=429, headers={"Retry-After": "9"})
    responses.get(READ_URL, body=b"{}")
    recorder = Recorder()
    recorder.transport().send(READ)
    assert recorder.slept == [9]


@responses.activate
def test_retry_after_as_a_date() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    responses.get(READ_URL, status=503, headers={"Retry-After": when})
    responses.get(READ_URL, body=b"{}")
    recorder = Recorder()
    recorder.transport().send(READ)
    assert recorder.slept[0] == pytest.approx(30, abs=3)


@responses.activate
@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "nan", "Mon, 01 Jan 1990 00:00:00 GMT", ""])
def test_retry_after_that_says_nothing_useful(value: str) -> None:
    responses.get(READ_URL, status=503, headers={"Retry-After": value})
    responses.get(READ_URL, body=b"{}")
    recorder = Recorder()
    recorder.transport().send(READ)
    assert recorder.slept == [1]


@responses.activate
def test_retries_have_an_upper_bound_in_time() -> None:
    responses.get(READ_URL, status=429, headers={"Retry-After": "3600"})
    recorder = Recorder()
    with pytest.raises(errors.RateLimited) as caught:
        recorder.transport().send(READ)
    assert recorder.slept == []
    assert caught.value.retry_after == 3600


@responses.activate
@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_failing_server_is_asked_again_but_not_told_again(status: int) -> None:
    responses.get(READ_URL, status=status)
    responses.post(WRITE_URL, status=status)
    with pytest.raises(errors.ApiUnavailable):
        Recorder().transport().send(READ)
    assert len(responses.calls) == 4
    with pytest.raises(errors.AnswerLost):
        Recorder().transport().send(WRITE)
    assert len(responses.calls) == 5


def test_a_write_that_could_not_be_sent_is_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    recorder = Recorder()
    with pytest.raises(errors.ApiUnavailable, match="could not be reached"):
        recorder.transport(f"http://127.0.0.1:{port}").send(WRITE)
    assert recorder.slept == [1, 2, 4]
    assert all(call.status is None and call.error for call in recorder.calls)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(errors.ApiUnavailable, match="could not be reached"):
        Recorder().transport("https://nowhere.invalid").send(WRITE)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(errors.ApiUnavailable):
        Recorder().transport(url).send(READ)


@responses.activate
def test_a_certificate_that_cannot_be_verified_is_not_tried_again() -> None:
    responses.get(
        READ_URL,
        body=requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"),
    )
    with pytest.raises(errors.ApiUnavailable, match="certificate"):
        Recorder().transport().send(READ)
    assert len(responses.calls) == 1


# -- answers that do not end well --------------------------------------------


@pytest.mark.parametrize("promotion", [READ, WRITE], ids=["read", "write"])
def test_no_answer_in_time(promotion: Request) -> None:
    recorder = Recorder()
    with WireServer(lambda seen: Reply(200, b"{", how="slow")) as server:
        # The bytes keep coming, so only a bound on the whole answer ends this.
        kind = errors.BadResponse if promotion is READ else errors.AnswerLost
        with pytest.raises(kind, match="did not end"):
            recorder.transport(server.url, timeout=0.5).send(promotion)
        assert len(server.seen) == 1


def test_an_answer_that_stops_half_way() -> None:
    with WireServer(lambda seen: Reply(200, b'{"id":', how="cut")) as server:
        with pytest.raises(errors.ApiUnavailable, match="broke off"):
            Recorder().transport(server.url).send(READ)
        assert len(server.seen) == 4
        with pytest.raises(errors.AnswerLost, match="may have been done"):
            Recorder().transport(server.url).send(WRITE)
        assert len(server.seen) == 5


def test_silence_after_the_request() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with listener, pytest.raises(errors.AnswerLost, match="none came in time"):
        Recorder().transport(url, timeout=0.5).send(WRITE)


def test_an_endless_error_still_says_what_it_is() -> None:
    reply = Reply(403, b'{"message": "No."}', how="endless")
    with WireServer(lambda seen: reply) as server, pytest.raises(errors.Forbidden):
        Recorder().transport(server.url).send(READ)


def test_compressed_answers_are_read_and_bounded() -> None:
    def squeezed(body: bytes) -> Reply:
        return Reply(200, zlib.compress(body), {"Content-Encoding": "deflate"})

    with WireServer(lambda seen: squeezed(b"{}" + b" " * 1000)) as server:
        assert Recorder().transport(server.url).send(READ).body.strip() == b"{}"
    bomb = squeezed(b" " * 5_000_000)
    with (
        WireServer(lambda seen: bomb) as server,
        pytest.raises(errors.BadResponse, match="did not end"),
    ):
        Recorder().transport(server.url, max_bytes=100_000).send(READ)


def test_a_wrong_content_encoding() -> None:
    reply = Reply(200, b"not compressed at all", {"Content-Encoding": "gzip"})
    with (
        WireServer(lambda seen: reply) as server,
        pytest.raises(errors.BadResponse, match="compressed"),
    ):
        Recorder().transport(server.url).send(WRITE)


def test_a_redirect_is_not_followed() -> None:
    with WireServer(lambda seen: Reply(200, b"{}")) as elsewhere:
        reply = Reply(307, b"", {"Location": f"{elsewhere.url}/x"})
        with (
            WireServer(lambda seen: reply) as server,
            pytest.raises(errors.BadResponse, match="redirected to 127.0.0.1"),
        ):
            Recorder().transport(server.url).send(READ)
        assert elsewhere.seen == []


@responses.activate
def test_a_page_that_echoes_the_token_does_not_show_it() -> None:
    responses.get(READ_URL, status=403, json={"message": f"user x with {TOKEN} may not"})
    with pytest.raises(errors.Forbidden) as caught:
        Recorder().transport().send(READ)
    assert TOKEN not in str(caught.value)
    assert caught.value.boomi_message == "user x with *** may not"


@responses.activate
def test_an_error_that_quotes_a_secret_of_the_component_does_not_show_it() -> None:
    quoted = 'The value "https://ann:s3cret99@db" of <password>Winter2026</password> is not valid'
    responses.get(READ_URL, status=400, json={"message": quoted})
    with pytest.raises(errors.BadRequest) as caught:
        Recorder().transport().send(READ)
    assert "s3cret99" not in str(caught.value)
    assert "Winter2026" not in str(caught.value)
    assert "is not valid" in str(caught.value)


# -- recording ---------------------------------------------------------------


@responses.activate
def test_a_call_is_recorded_without_body_or_credentials() -> None:
    responses.post(WRITE_URL, status=400, json={"message": "no"})
    recorder = Recorder()
    with pytest.raises(errors.BadRequest):
        recorder.transport().send(Request(OPERATIONS[10], body=b'{"name": "private"}'))
    (call,) = recorder.calls
    assert (call.operation, call.name, call.method) == (10, "POST Branch", "POST")
    assert call.path == f"/partner/api/rest/v1/{ACCOUNT}/Branch"
    assert (call.account, call.attempt, call.status) == (ACCOUNT, 1, 400)
    assert call.error == "BAD_REQUEST"
    assert call.duration_ms >= 0
    assert "private" not in repr(call)
    assert TOKEN not in repr(call)


@responses.activate
def test_a_supporting_call_is_recorded_under_its_name_and_account() -> None:
    responses.post(f"{PREFIX}/ComponentMetadata/query", body=b"{}")
    recorder = Recorder()
    recorder.transport().send(
        Request(SUPPORTING["QUERY ComponentMetadata"], body=b"{}", account=DEV)
    )
    assert recorder.calls[0].operation == "QUERY ComponentMetadata"
    assert recorder.calls[0].account == DEV


@responses.activate
def test_a_recorder_that_fails_does_not_lose_the_answer() -> None:
    responses.post(WRITE_URL, body=b"{}")

    def fail(_call: object) -> None:
        raise RuntimeError("the database is away")

    assert Recorder().transport(record=fail).send(WRITE).body == b"{}"


# -- statuses and messages ---------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "Component 1 is currently locked by another user. To complete this action, the "
            "component must be unlocked.",
            errors.ComponentLocked,
        ),
        ("The component (FAKEID) is not found.", errors.NotFound),
        ("ComponentId 123 is invalid", errors.NotFound),
        ("Branch 'x' is not valid", errors.NotFound),
        ("No such process", errors.NotFound),
        ("The environment is locked by an administrator.", errors.BadRequest),
        ("The component 'locked by design' (duplicate) is not found.", errors.NotFound),
        ("Package does not exist.", errors.NotFound),
        ("Specified branch is already deleted.", errors.AlreadyGone),
        ("The component has been deleted.", errors.AlreadyGone),
        ("Account dev-X is not found.", errors.AccountNotFound),
        ("Invalid account dev-X", errors.AccountNotFound),
        ("The update has no material changes.", errors.ImmaterialUpdate),
        ("No changes were made to the component.", errors.ImmaterialUpdate),
        ("A branch with that name already exists.", errors.AlreadyExists),
        ("Package version 1.0 must be unique to previously packaged components", errors.AlreadyExists),
        ("This would be a duplicate deployment.", errors.AlreadyExists),
        ("You have reached the maximum number of branches.", errors.BranchLimitReached),
        ("The branch limit of 20 was reached.", errors.BranchLimitReached),
        ("Branching is not enabled for this account.", errors.BranchingNotEnabled),
        ("Your account does not have access to the branching feature: not enabled.",
         errors.BranchingNotEnabled),
        ("The XML is invalid: unknown attribute foo", errors.BadRequest),
        ("Component XML is not valid against the schema.", errors.BadRequest),
        ("", errors.BadRequest),
    ],
)  # fmt: skip
def test_a_400_is_told_apart_by_its_message(
    message: str, kind: type[errors.PartnerApiError]
) -> None:
    error = error_for(400, message, OPERATIONS[3])
    assert type(error) is kind
    assert error.boomi_message == message
    assert str(error).endswith(message)
    assert "{" not in error.message


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "", errors.AuthFailed),
        (403, "", errors.Forbidden),
        (404, "", errors.NotFound),
        (404, "Specified branch is already deleted.", errors.AlreadyGone),
        (405, "", errors.BadResponse),
        (409, "", errors.BadRequest),
        (410, "", errors.BadResponse),
        (415, "", errors.BadRequest),
        (429, "", errors.RateLimited),
        (503, "Your request rate is too high", errors.RateLimited),
        (503, "", errors.ApiUnavailable),
        (500, "", errors.ApiUnavailable),
        (302, "", errors.BadResponse),
        (204, "", errors.BadResponse),
    ],
)
def test_a_status_becomes_an_error(
    status: int, message: str, kind: type[errors.PartnerApiError]
) -> None:
    error = error_for(status, message, OPERATIONS[14])
    assert type(error) is kind
    assert error.status == status
    assert error.operation == 14


def test_a_sign_in_that_fails_says_what_to_check() -> None:
    said = str(error_for(401, "Unauthorized", OPERATIONS[1]))
    for word in ("expired", "BOOMI_TOKEN.", "Partner API"):
        assert word in said


def test_boomi_s_message_is_bounded_to_one_line() -> None:
    long = boomi_message(b'{"message": "a\\nb\\u0000c ' + b"x" * 5000 + b'"}')
    assert len(long) == 500
    assert long.startswith("a b c xx")
    assert long.endswith("…")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<error><message>m</message></error>", "m"),
        (b'<e:Fault xmlns:e="u"><faultstring>m</faultstring></e:Fault>', "m"),
        (b'{"message": "m"}', "m"),
        (b'{"error": {"message": "m"}}', "m"),
        (b'{"error": "m"}', "m"),
        (b'{"@type": "Error", "message": "m"}', "m"),
        (b'{"errors": [{"message": "m"}, {"message": "n"}]}', "m; n"),
        (b"<html><head><title>502 &amp; so on</title></head></html>", "502 & so on"),
        (b"<html><body><h1>Bad <b>Gateway</b></h1></body></html>", "Bad Gateway"),
        (b"plain words", "plain words"),
        (b"<error><message>cut off</message>", "cut off"),
        (b"", ""),
        (b"\xff\xfe\x00", ""),
        (b"[1, 2]", "[1, 2]"),
        (b'{"a": ' * 100_000, ""),
        (
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
            b"<error><message>&e;</message></error>",
            "&e;",
        ),
    ],
)
def test_boomi_s_message_is_found_in_every_shape(body: bytes, message: str) -> None:
    from partnerapi.wire import boomi_message

    assert boomi_message(body) == message


# -- writes that were answered badly -----------------------------------------

WRITES = [2, 3, 7, 8, 9, 12, 13, 17, 18]

UNCLEAR = [
    (429, b""),
    (503, b""),
    (503, b'{"message": "Service unavailable or the rate limit was exceeded."}'),
    (503, b"<html><title>503 Service Unavailable</title></html>"),
    (429, b'{"message": "The size limit of the queue was exceeded."}'),
]


@pytest.mark.parametrize("dialect", ["guide", "published"])
@pytest.mark.parametrize("number", WRITES)
@pytest.mark.parametrize(("status", "body"), UNCLEAR)
def test_a_write_that_may_have_been_done_is_sent_once(
    dialect: str, number: int, status: int, body: bytes
) -> None:
    operation = dialect_named(dialect).operations[number]
    error = error_for(status, boomi_message(body), operation, retry_after=7)
    assert type(error) is errors.AnswerLost
    assert error.retry_after == 7
    assert not _may_try_again(error, operation)


@pytest.mark.parametrize("dialect", ["guide", "published"])
@pytest.mark.parametrize("number", WRITES)
@pytest.mark.parametrize("status", [429, 503])
def test_a_write_is_repeated_where_the_rate_is_named(
    dialect: str, number: int, status: int
) -> None:
    operation = dialect_named(dialect).operations[number]
    error = error_for(status, "Your account's rate limit was exceeded.", operation)
    assert type(error) is errors.RateLimited
    assert _may_try_again(error, operation)


@pytest.mark.parametrize("dialect", ["guide", "published"])
@pytest.mark.parametrize(
    ("number", "status", "message", "kind"),
    [
        (11, 400, "Access denied", errors.BranchingNotEnabled),
        (9, 400, "Access denied", errors.BadRequest),
        (3, 409, "", errors.ChangedMeanwhile),
        (3, 409, "Component x is currently locked by another user.", errors.ComponentLocked),
        (3, 403, "Component x is currently locked by another user.", errors.ComponentLocked),
        (3, 403, "No privilege.", errors.Forbidden),
        (8, 400, "The package is already deployed.", errors.AlreadyExists),
        (8, 409, "The package has already been deployed.", errors.AlreadyExists),
        (8, 409, "Duplicate deployment", errors.AlreadyExists),
        (8, 409, "", errors.BadRequest),
        (12, 409, "", errors.Conflict),
        (13, 409, "", errors.Conflict),
        (12, 400, "Source branch promo-1 was deleted.", errors.AlreadyGone),
        (10, 400, "The branch name may not exceed the limit of 50.", errors.BadRequest),
        (10, 400, "The branch limit of 20 was reached.", errors.BranchLimitReached),
        (3, 400, "Changing the data type of element a is not allowed.", errors.DataTypeChanged),
    ],
)
def test_refusals_are_read_as_what_they_are(
    dialect: str, number: int, status: int, message: str, kind: type[errors.PartnerApiError]
) -> None:
    error = error_for(status, message, dialect_named(dialect).operations[number])
    assert type(error) is kind


@responses.activate
@pytest.mark.parametrize(
    ("body", "echo"),
    [
        (
            b'<c:Component xmlns:c="u" name="Orders"><c:object url="https://prod.example/x?a=1&amp;b=2">'
            b"<pin>4711</pin></c:object></c:Component>",
            "Orders: https://prod.example/x?a=1&b=2 and 4711 (or https://prod.example/x?a=1&amp;b=2)",
        ),
        (
            b'{"name": "Orders", "notes": "https://prod.example/x?a=1&b=2", "n": [4711]}',
            "Orders: https://prod.example/x?a=1&b=2 and 4711",
        ),
        (
            b'{"name": "Orders", "notes": "https://prod.example/\\"x\\"/\\u00e9", "n": [4711]}',
            'Orders: https://prod.example/\\"x\\"/\\u00e9, https%3A%2F%2Fprod.example%2F%22x%22%2F%C3%A9, 4711',
        ),
        (
            b'{"name": "Orders", "notes": "https://prod.example/a/long/path", "n": [4711]}',
            "Orders: https://prod.example/a/lo\u2026 is too long, 4711",
        ),
    ],
    ids=["xml", "json", "escaped", "cut off"],
)
def test_an_error_never_carries_a_value_that_was_sent(body: bytes, echo: str) -> None:
    said = f"Refused {'.' * 430} {echo}"
    responses.add(WRITE.operation.method, WRITE_URL, status=400, json={"message": said})
    with pytest.raises(errors.BadRequest) as caught:
        Recorder().transport().send(replace(WRITE, body=body))
    for text in (str(caught.value), caught.value.boomi_message):
        assert text.count("***") >= 3
        for value in ("Orders", "prod.example", "4711"):
            assert value not in text


@responses.activate
def test_a_write_may_be_answered_as_created() -> None:
    responses.add(WRITE.operation.method, WRITE_URL, status=201, body=b"{}")
    assert Recorder().transport().send(WRITE).status == 201


# -- the deadline of a whole answer ------------------------------------------


@pytest.mark.parametrize("dripping", ["headers", "body", "unsized body", "trailers"])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_a_slow_answer_ends_at_its_deadline(dripping: str, request_: Request) -> None:
    start = {
        "headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        "unsized body": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Slow: ",
    }[dripping]
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(start)
            while not over.wait(0.1):
                connection.sendall(b"x")

    server = threading.Thread(target=serve)
    server.start()
    sender = Recorder().transport(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.5)
    started = time.monotonic()
    try:
        ended = sender._try(request_, "/x", 1)
    finally:
        over.set()
        server.join()
        listener.close()
    assert 0.9 <= time.monotonic() - started < 10
    assert ended.answer is None
    if request_ is WRITE:
        assert type(ended.error) is errors.AnswerLost
