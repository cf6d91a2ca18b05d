"""Sends calls and gets answers: the one place that knows about HTTP.

What is retried (guide, "pace and retries"; published API, getting started): 429 and 503 three times after 1, 2 and 4
seconds, or after what Retry-After says; for calls that only read, a lost connection or answer in the same way. 401 and
403 are never retried. A write whose answer was lost, or came from a gateway in front of Boomi, may have been done: it
is sent again from here only if the answer says in words that the rate was exceeded, and is :class:`AnswerLost`
otherwise.
"""

import json
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import escape
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.auth import HTTPBasicAuth

from partnerapi import errors, wire
from partnerapi.componentxml import hide_in_text
from partnerapi.deadline import Deadline, DeadlineAdapter
from partnerapi.operations import BASE_PATH, TEXT, Operation
from partnerapi.records import Call
from partnerapi.throttle import Throttle

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

BACKOFF_SECONDS = (1.0, 2.0, 4.0)

#: No attempt starts later than this after the first one, whatever Retry-After says.
RETRY_SECONDS = 180.0

#: Component documents reach 25 MB.
MAX_BYTES = 30 * 1024 * 1024
_MAX_ERROR_BYTES = 256 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One call to be sent.

    :param operation: the row of the table that the call follows.
    :param values: what to put into the path's placeholders.
    :param account: the dev account to read from, or None for the primary account.
    """

    operation: Operation
    values: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    account: str | None = None
    content_type: str = ""

    @property
    def path(self) -> str:
        """The path below the account, with safe values.

        :raises ValueError: a value is empty or would change the path's meaning.
        """
        safe = {name: quote_segment(value) for name, value in self.values.items()}
        return self.operation.path.format_map(safe)

    def more(self, token: str) -> "Request":
        """The call for the next page: the bare token as text (published: query paging)."""
        path = self.operation.path.rpartition("/")[0] + "/queryMore"
        return replace(
            self,
            operation=replace(self.operation, path=path),
            body=token.encode(),
            content_type=TEXT,
        )


@dataclass(frozen=True)
class Answer:
    """What came back with a status that the operation counts as success."""

    operation: Operation
    status: int
    body: bytes = field(repr=False)


def quote_segment(value: str) -> str:
    """A value as one segment of a path; ``~`` stays, because it separates ids from versions.

    :raises ValueError: the value is empty, ``.`` or ``..``.
    """
    if value.strip() in {"", ".", ".."}:
        raise ValueError(f"{value!r} cannot be an id in an address.")
    return quote(value, safe="~")


def ignore(_call: Call) -> None:
    """Record nothing."""


def nothing() -> None:
    """Nothing stands in the way of a call."""


@dataclass(frozen=True)
class _Try:
    """How one attempt ended: with an answer, or with an error that may or may not be retried."""

    status: int | None = None
    answer: Answer | None = None
    error: errors.PartnerApiError | None = None
    again: bool = False


class Transport:
    """Sends requests to one primary account.

    :param base_url: scheme and host, such as ``https://api.boomi.com``.
    :param account_id: the primary account.
    :param user: ``BOOMI_TOKEN.{e-mail}``.
    :param token: called at every attempt, so that a token can be changed without a restart.
    :param timeout: seconds to connect, and between two pieces of an answer (guide: 120); a whole answer may take twice
        as long.
    :param time_scale: factor on the pauses between attempts, for tests.
    :param record: called with every attempt.
    :param check: called before each call, in the caller's own thread; what it raises stops the caller, and of several
        calls at once those that have not started.
    :param base_path: where the API lives below the host; a different one serves only to find out why this one does not
        answer.
    """

    def __init__(
        self,
        base_url: str,
        account_id: str,
        user: str,
        token: Callable[[], str],
        *,
        throttle: Throttle,
        timeout: float = 120.0,
        time_scale: float = 1.0,
        max_bytes: int = MAX_BYTES,
        record: Callable[[Call], None] = ignore,
        check: Callable[[], None] = nothing,
        sleep: Callable[[float], None] = time.sleep,
        base_path: str = BASE_PATH,
    ) -> None:
        self.account_id = account_id
        self._base_path = base_path
        self._base_url = base_url.rstrip("/")
        self._user = user
        self._token = token
        self._throttle = throttle
        self._timeout = timeout
        self._time_scale = time_scale
        self._max_bytes = max_bytes
        self._record = record
        self._check = check
        self._sleep = sleep
        # A session is used by one thread at a time, and keeps its connection open for the next.
        self._sessions: queue.LifoQueue[requests.Session] = queue.LifoQueue()
        self._local = threading.local()
        self._unrecorded: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def send(self, request: Request) -> Answer:
        """Send a request until it is answered, refused, or no attempt is left.

        :raises ValueError: the request writes and names a dev account (those are only read).
        :raises partnerapi.errors.PartnerApiError: see :mod:`partnerapi.errors`.
        """
        operation = request.operation
        if request.account is not None and not (operation.reads and operation.overrides_account):
            raise ValueError(f"{operation.name} is never sent to a dev account.")
        path = f"{self._base_path}/{quote_segment(self.account_id)}/{request.path}"
        started = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            self.check()
            self._throttle.wait()
            ended = self._try(request, path, attempt)
            if ended.answer is not None:
                return ended.answer
            if ended.status in {429, 503}:
                self._throttle.slow_down()
            error = ended.error
            if error is None:  # one of both is always there
                raise AssertionError("a try ended with neither an answer nor an error")
            if not ended.again or attempt > len(BACKOFF_SECONDS):
                raise error
            pause = BACKOFF_SECONDS[attempt - 1] * self._time_scale
            if isinstance(error, errors.WaitAndRetry) and error.retry_after is not None:
                pause = max(pause, error.retry_after)
            if time.monotonic() - started + pause > RETRY_SECONDS:
                raise error
            self._sleep(pause)

    # -- threads ---------------------------------------------------------

    def check(self) -> None:
        """Ask whether calls may continue; for a thread of ``in_thread``, its caller asks instead."""
        if not getattr(self._local, "keeps_calls", False):
            self._check()

    def in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do work in a thread of its own: its calls are kept until ``record_waiting``.

        Whatever records calls may be bound to one thread, as a database connection is.
        """
        self._local.keeps_calls = True
        try:
            return work()
        finally:
            self._local.keeps_calls = False

    def record_waiting(self) -> None:
        """Record, in the caller's thread, the calls that other threads have made.

        A thread that keeps its calls leaves that to the thread that started it.
        """
        if getattr(self._local, "keeps_calls", False):
            return
        while True:
            try:
                call = self._unrecorded.get_nowait()
            except queue.Empty:
                return
            self._record_now(call)

    def _record_now(self, call: Call) -> None:
        try:
            self._record(call)
        except Exception:
            # The call itself may have changed something: its answer must not get lost because of this.
            logger.exception("A call could not be recorded.")

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        try:
            session = self._sessions.get_nowait()
        except queue.Empty:
            session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, DeadlineAdapter())
            # Boomi's cookies would tie a worker to one of its servers.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        try:
            yield session
        finally:
            self._sessions.put(session)

    # -- one try ---------------------------------------------------------

    def _try(self, request: Request, path: str, attempt: int) -> _Try:
        started = time.monotonic()
        ended = self._exchange(request, path)
        call = Call(
            operation=request.operation.key,
            name=request.operation.name,
            method=request.operation.method,
            path=path,
            account=request.account or self.account_id,
            attempt=attempt,
            status=ended.status,
            duration_ms=round((time.monotonic() - started) * 1000),
            error=ended.error.code if ended.error else "",
        )
        if getattr(self._local, "keeps_calls", False):
            self._unrecorded.put(call)
        else:
            self._record_now(call)
        return ended

    def _exchange(self, request: Request, path: str) -> _Try:
        operation = request.operation
        headers = {"Accept": operation.media_type, "User-Agent": "promotion-desk"}
        if operation.method == "POST":
            headers["Content-Type"] = request.content_type or operation.media_type
        deadline = Deadline(2 * self._timeout)
        token = self._token().strip()
        # Failures are handled outside the except blocks: the library's exceptions hold the
        # request with its Authorization header, and must not travel along as a cause.
        failure: Exception
        status: int | None = None
        try:
            with self._session() as session, deadline:
                response = session.request(
                    operation.method,
                    self._base_url + path,
                    params={"overrideAccount": request.account} if request.account else None,
                    data=request.body,
                    headers=headers,
                    auth=HTTPBasicAuth(self._user.encode(), token.encode()),
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    status = response.status_code
                    good = _is_success(status, operation)
                    limit = self._max_bytes if good else _MAX_ERROR_BYTES
                    body, whole = _read_body(response, limit, deadline)
                    headers_back = response.headers
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as caught:
            failure = caught
        else:
            if good and whole:
                return _Try(status, answer=Answer(operation, status, body))
            if good:
                sentence = (
                    f"The answer to {_label(operation)} did not end: more than "
                    f"{self._max_bytes // 1024} kB, or longer than {2 * self._timeout:.0f} s."
                )
                kind = errors.BadResponse if operation.repeatable else errors.AnswerLost
                error: errors.PartnerApiError = kind(
                    sentence, operation=operation.key, status=status
                )
                return _Try(status, error=error)
            # An error may quote what was sent: production's own values are in a component that is written.
            hide = _Hidden(request.body, token)
            message = hide_in_text(wire.boomi_message(body, hide))
            error = error_for(
                status,
                message,
                operation,
                account=request.account,
                location=headers_back.get("Location", ""),
                retry_after=_retry_after(headers_back.get("Retry-After")),
            )
            return _Try(status, error=error, again=_may_try_again(error, operation))
        return _lost(failure, operation, status, too_late=deadline.is_over)


def _is_success(status: int, operation: Operation) -> bool:
    """Whether the status means success; a write may also be answered as created."""
    return status in operation.success or (status == 201 and not operation.reads)


def _label(operation: Operation) -> str:
    number = "" if operation.number is None else f" (operation {operation.number})"
    return operation.name + number


#: What a message may name: these say what kind of thing was sent, or are ids and versions.
_NOT_HIDDEN = frozenset(
    [
        "type",
        "subType",
        "version",
        "deleted",
        "currentVersion",
        "operator",
        "property",
        "xsi",
        "componentId",
        "branchId",
        "folderId",
        "id",
        "packageId",
        "environmentId",
        "sourceBranchId",
        "destinationBranchId",
        "targetBranchId",
        "parentId",
        "strategy",
        "priorityBranch",
        "integrationPackId",
        "installationType",
        "operationType",
        "releaseSchedule",
        "action",
        "mergeRequestAction",
        "listenerStatus",
        "branchName",
    ]
)


_BEGINNING = 12  # characters that identify a longer value where it is cut off


class _Hidden:
    """Removes what was sent from a message: Boomi, or a proxy's page, may quote the request.

    :param body: every value in it is hidden, except ids, versions and kinds.
    :param token: hidden as well.
    """

    def __init__(self, body: bytes | None, token: str) -> None:
        self._body = body
        self._token = token

    def __call__(self, message: str) -> str:
        if self._token:
            message = message.replace(self._token, "***")
        if not message or not self._body:
            return message
        found = {value for value in wire.values_in(self._body, _NOT_HIDDEN) if len(value) > 2}
        for value in sorted(found, key=len, reverse=True):
            for spelling in _spellings(value):
                message = _without_beginning(message, spelling)
                if spelling in message:
                    # Short words are hidden as words, not inside other words.
                    edge = r"(?<!\w)" if len(value) < 8 else ""
                    end = r"(?!\w)" if len(value) < 8 else ""
                    message = re.sub(edge + re.escape(spelling) + end, "***", message)
        return message


def _spellings(value: str) -> set[str]:
    """A value as XML, JSON and an address spell it."""
    return {
        value,
        escape(value),
        escape(value, quote=False),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
    }


def _without_beginning(message: str, value: str) -> str:
    """Remove what begins like a long value: an answer may quote only the first part of it."""
    begins = value[:_BEGINNING]
    while len(value) > _BEGINNING and (start := message.find(begins)) >= 0:
        same = len(os.path.commonprefix([message[start:], value]))
        message = f"{message[:start]}***{message[start + same :]}"
    return message


def _read_body(response: requests.Response, limit: int, deadline: Deadline) -> tuple[bytes, bool]:
    """The body, and whether it is complete.

    It is read in pieces as they arrive: filling a buffer would let a server that sends one byte now and then hold the
    worker forever.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > limit or deadline.is_over:
            return b"".join(pieces)[:limit], False
    # A connection that the deadline closed looks like the end of the answer.
    return b"".join(pieces), not deadline.is_over


# -- failures without an answer ----------------------------------------------

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)


def _causes(failure: BaseException) -> list[BaseException]:
    """The failure and everything that caused it."""
    found: list[BaseException] = []
    todo: list[object] = [failure]
    while todo:
        item = todo.pop()
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            todo += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    return found


def _lost(
    failure: Exception, operation: Operation, status: int | None, *, too_late: bool = False
) -> _Try:
    """The error for a missing or incomplete answer."""
    causes = _causes(failure)
    label = _label(operation)
    key = operation.key
    if any("CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in causes):
        sentence = (
            f"{label} was not sent: the server's certificate could not be verified. Check the "
            "address, and the certificates that this machine trusts."
        )
        return _Try(error=errors.ApiUnavailable(sentence, operation=key))
    if isinstance(failure, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        sentence = f"{label} was not sent: the address of the Partner API is not a web address."
        return _Try(error=errors.ApiUnavailable(sentence, operation=key))
    if any(isinstance(cause, urllib3.exceptions.DecodeError) for cause in causes):
        sentence = f"The answer to {label} is compressed in a way that cannot be read."
        return _Try(status, error=errors.BadResponse(sentence, operation=key, status=status))
    sent = not any(isinstance(cause, _NOT_SENT) for cause in causes)
    slow = too_late or any(
        isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes
    )
    if sent and not operation.reads:
        sentence = (
            f"{label} was sent, and its answer was lost: "
            + ("none came in time." if slow else "the connection broke off.")
            + " It may have been done."
        )
        return _Try(status, error=errors.AnswerLost(sentence, operation=key, status=status))
    what = "could not be reached"
    if sent:
        what = "did not answer in time" if slow else "broke off the connection"
    sentence = f"The Partner API {what} ({label})."
    error = errors.ApiUnavailable(sentence, operation=key, status=status)
    return _Try(status, error=error, again=True)


# -- statuses ----------------------------------------------------------------


def _may_try_again(error: errors.PartnerApiError, operation: Operation) -> bool:
    """Reads are repeated while waiting helps; a write only if it is known not to have been done."""
    if isinstance(error, errors.AnswerLost):
        return False
    return isinstance(error, errors.RateLimited) or (error.waiting_helps and operation.repeatable)


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number or a date."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def error_for(
    status: int,
    message: str,
    operation: Operation,
    *,
    account: str | None = None,
    location: str = "",
    retry_after: float | None = None,
) -> errors.PartnerApiError:
    """The one map from a status (and Boomi's message) to an error.

    :param message: Boomi's own words, kept at the end of the sentence.
    :param account: the dev account that was read from, if any.
    """
    kind: type[errors.PartnerApiError]
    label = _label(operation)
    if status == 401:
        kind = errors.AuthFailed
        sentence = (
            "Boomi did not accept the sign-in: check that the API token has not expired and is "
            "of the right account, that the user name begins with BOOMI_TOKEN. and that the "
            "Partner API is enabled on the primary account."
        )
    elif status == 403 and _LOCKED.search(message):
        kind = errors.ComponentLocked
        sentence = _LOCKED_SENTENCE
    elif status == 403:
        kind = errors.Forbidden
        where = f"on account {account}" if account else "on the primary account"
        sentence = f"{label} is not allowed {where}: check the token user's privileges there."
    elif 300 <= status < 400:
        kind = errors.BadResponse
        host = urlsplit(location).hostname or "another address"
        sentence = (
            f"{label} was redirected to {host[:100]}, and redirects are not followed with "
            "credentials: check the address of the Partner API."
        )
    elif _is_too_fast(status, message, operation):
        kind = errors.RateLimited
        sentence = f"Boomi's rate limit was reached ({label})."
    elif operation.repeatable and (status >= 500 or status == 408):
        kind = errors.ApiUnavailable
        sentence = f"The Partner API is not available, status {status} ({label})."
    elif status >= 500 or status in {408, 429}:
        kind = errors.AnswerLost
        sentence = f"{label} ended with status {status}: it may have been done."
    elif status == 409 and operation.number == 3 and not _LOCKED.search(message):
        kind = errors.ChangedMeanwhile
        sentence = "Somebody else changed the component in the meantime."
    elif status == 409 and operation.number in {12, 13}:
        kind = errors.Conflict
        sentence = f"{label} met a conflict."
    elif 200 <= status < 300:
        kind = errors.BadResponse
        sentence = f"{label} was answered with status {status}, which is not expected."
    else:
        kind, sentence = _refused(status, message, operation, account)
    if message:
        sentence = f"{sentence} Boomi says: {message}"
    error = kind(sentence, operation=operation.key, status=status, boomi_message=message)
    if isinstance(error, errors.WaitAndRetry):
        error.retry_after = retry_after
    return error


# The published API answers 400 for nearly everything that it refuses, and only the message tells
# one thing from another. The first match counts.
_TOO_FAST = re.compile(
    r"\brate\b|too fast|throttl|too many (requests|calls)"
    r"|\b(requests?|calls?)( \w+){0,3} (limit|quota)|\blimit( \w+){0,3} (requests|calls)\b"
    r"|\b(requests|calls) (per|a) (second|minute)",
    re.IGNORECASE,
)
_UNAVAILABLE = re.compile(r"\b(un|not )available\b", re.IGNORECASE)


def _is_too_fast(status: int, message: str, operation: Operation) -> bool:
    """Whether the rate was exceeded, and the call therefore not carried out.

    The published 503 says "unavailable or rate exceeded" in one sentence, and a gateway's 429 may come after the call
    was carried out: for a write, the words have to be unambiguous.
    """
    if status not in {429, 503}:
        return False
    in_words = bool(_TOO_FAST.search(message))
    if operation.repeatable:
        return status == 429 or in_words
    return in_words and not _UNAVAILABLE.search(message)


# Other things may be locked as well: an environment, an account.
_LOCKED = re.compile(r"\bcomponents?\b.*\b(un)?locked\b", re.IGNORECASE | re.DOTALL)
_LOCKED_SENTENCE = (
    "The component is locked in the Boomi editor: someone has to save or close it there."
)
_ACCESS_DENIED = re.compile(r"\baccess (is |was )?denied\b", re.IGNORECASE)

_NO_SUCH_ADDRESS = re.compile(r"\bno such (address|resource|path|url)\b", re.IGNORECASE)

_REFUSALS: tuple[tuple[re.Pattern[str], type[errors.PartnerApiError], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kind, sentence)
    for pattern, kind, sentence in (
        (
            _LOCKED.pattern,
            errors.ComponentLocked,
            _LOCKED_SENTENCE,
        ),
        (
            r"\bchang(e|ed|ing) (of )?the data ?type\b",
            errors.DataTypeChanged,
            "Boomi does not let an element that is in use change its data type.",
        ),
        (
            r"branch\w*\b.*\b(not (been )?enabled|not available|disabled|no access)"
            r"|not have access to .*branch",
            errors.BranchingNotEnabled,
            "Branching is not enabled on the primary account.",
        ),
        (
            # A limit on the name's length is a different matter.
            r"(?!.*\b(name|characters?|length|description)\b)"
            r"(?:.*branch.*\b(limit|maximum)\b|.*\b(limit|maximum)\b.*branch)",
            errors.BranchLimitReached,
            "The primary account has as many branches as it may have.",
        ),
        (
            r"\b(already|been|is|was) deleted\b",
            errors.AlreadyGone,
            "What {label} is about has been deleted.",
        ),
        (
            r"already (exists?|in use|used|taken|been (used|deployed)|deployed)|\bis taken\b|must be unique|duplicate",
            errors.AlreadyExists,
            "{label} was refused because the name or version is taken.",
        ),
        (
            r"material change|immaterial|\bno changes?\b|nothing (to update|(has )?changed)",
            errors.ImmaterialUpdate,
            "The update would change nothing.",
        ),
        (
            r"\baccount\b[^.]*\b(not found|invalid|not valid|does not exist|not exist)\b"
            r"|\b(no such|unknown|invalid) account\b",
            errors.AccountNotFound,
            "The account is not known, or not one of the primary account's own.",
        ),
        (
            r"\bnot (be )?found\b|\b(does|do) not exist\b|\bno such\b"
            r"|\b(unknown|invalid) (id|component|branch|package|pack|environment|folder)\b"
            r"|\b(\w*(?<!val)id|branch|package|environment)\b[^.]{0,200}\bis (invalid|not valid)",
            errors.NotFound,
            "What {label} is about was not found.",
        ),
    )
)


def _refused(
    status: int, message: str, operation: Operation, account: str | None
) -> tuple[type[errors.PartnerApiError], str]:
    """What a 4xx without a meaning of its own says."""
    label = _label(operation)
    if status in operation.wrong_address or _NO_SUCH_ADDRESS.search(message):
        where = f"account {account}" if account else "the primary account"
        return errors.BadResponse, (
            f"{label} has no such address on the server (status {status}): check the address of "
            f"the Partner API, {where}, and the dialect."
        )
    if operation.number == 11 and status == 400 and _ACCESS_DENIED.search(message):
        return errors.BranchingNotEnabled, "Branching is not enabled on the primary account."
    # Names and ids stand in quotes or brackets, and may say anything.
    words = re.sub(r"""'[^']*'|"[^"]*"|\([^)]*\)""", "", message)
    for pattern, kind, sentence in _REFUSALS:
        if pattern.search(words):
            return kind, sentence.format(label=label)
    if status == 404:
        return errors.NotFound, f"What {label} is about was not found."
    return errors.BadRequest, f"{label} was refused with status {status}."
