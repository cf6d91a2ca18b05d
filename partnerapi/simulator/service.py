"""One running simulator without its sockets: from a request's parts to an answer."""

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from werkzeug.datastructures import Authorization
from werkzeug.http import parse_options_header

from partnerapi.simulator import branches, guide, packages, published, seed
from partnerapi.simulator.calls import Call, CallLog
from partnerapi.simulator.errors import ApiError
from partnerapi.simulator.faults import Fault
from partnerapi.simulator.routing import Route
from partnerapi.simulator.state import TOKEN_USER, Account
from partnerapi.simulator.wire import Answer, Request, negotiate, send_error

USER = f"BOOMI_TOKEN.{TOKEN_USER}"
# What api.boomi.com allows an account.
CALLS_A_SECOND = 10
PASSWORD = "simulator-token"  # noqa: S105 - it opens nothing but this simulator

KIND = re.compile(r"(?:/partner)?/api/rest/v1/[^/]+/([^/]+).*")
# The operations of the guide that look into another account.
GUIDE_OVERRIDES = frozenset({1, 4, 5, 6})
TABLES = {"guide": guide.TABLE, "published": published.TABLE}


@dataclass
class Incoming:
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    base_url: str


@dataclass
class Service:
    """The world and everything that stands around it. ``lock`` guards all of it."""

    dialect: str
    speed: float
    pace_limit: int = 0
    latency: float = 0.0
    seed_directory: Path = seed.NORTHWIND
    faults: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._first_dialect = self.dialect
        self._first_pace_limit = self.pace_limit
        self.reset()

    def reset(self, seed_name: str = "default", dialect: str = "") -> None:
        """Start again from a seed; the dialect stays as it was at the start unless one is named."""
        dialect = dialect or self._first_dialect
        if dialect not in TABLES:
            raise ApiError(400, f"The dialect {dialect} is not one of {', '.join(TABLES)}.")
        self.world = seed.build(seed_name, self.speed, self.seed_directory)
        self.dialect = dialect
        self.calls = CallLog()
        self.faults.clear()
        self.latency = 0.0
        self.pace_limit = self._first_pace_limit

    def find_route(self, incoming: Incoming) -> tuple[Route, dict[str, str]] | None:
        """The route of an address in the dialect that is spoken, with what its path names."""
        return TABLES[self.dialect].find(incoming.method, incoming.path)

    def answer(
        self, incoming: Incoming, call: Call, found: tuple[Route, dict[str, str]] | None
    ) -> Answer:
        """Answer a request by the rules. The caller holds the lock."""
        accept = incoming.headers.get("accept", "")
        try:
            check_credentials(incoming.headers.get("authorization", ""))
            if found is None:
                raise self._no_route(incoming)
            branches.settle(self.world)
            packages.settle(self.world)
            request = self._request(incoming, *found)
            call.account = request.account.id
            return found[0].handler(request)
        except ApiError as error:
            # The published API says 400 where the guide says 404.
            missing = error.status == 404 and found and self.dialect == "published"
            answer = send_error(accept, 400 if missing else error.status, error.message)
            if error.status == 401:
                answer.headers["WWW-Authenticate"] = 'Basic realm="Boomi"'
            return answer

    def _no_route(self, incoming: Incoming) -> ApiError:
        """Nothing answers this address. A known object with the wrong verb gets an answer of its own."""
        kind = KIND.fullmatch(incoming.path)
        if self.dialect == "published" and kind and kind[1] in published.TABLE.kinds:
            verb = {"POST": "create", "DELETE": "delete"}.get(incoming.method, "get")
            return ApiError(400, f"Unknown objectType for {verb} operation: {kind[1]}")
        return ApiError(404, f"No such address: {incoming.path}")

    def _request(self, incoming: Incoming, route: Route, groups: dict[str, str]) -> Request:
        account = self._account(groups["account"], route, incoming)
        accept = negotiate(incoming.headers.get("accept", ""), route.accepts)
        content_type = parse_options_header(incoming.headers.get("content-type"))[0].lower()
        if route.media and content_type not in route.media:
            raise ApiError(415, f"The media type '{content_type}' is not supported.")
        return Request(
            world=self.world,
            account=account,
            dialect=self.dialect,
            groups=groups,
            body=incoming.body,
            content_type=content_type,
            accept=accept,
            base_url=incoming.base_url,
        )

    def _account(self, account_id: str, route: Route, incoming: Incoming) -> Account:
        """The account that a call works on: the primary one, or a sub-account that is read."""
        if account_id != self.world.primary_id:
            raise ApiError(403, f"The user may not use the account {account_id}.")
        override = parse_qs(incoming.query).get("overrideAccount", [""])[0]
        # Outside the partner address the parameter means nothing and is silently ignored.
        if not override or not incoming.path.startswith("/partner/"):
            return self.world.primary
        belongs = self.dialect == "published" or route.operation in GUIDE_OVERRIDES
        if not belongs and isinstance(route.operation, int):
            raise ApiError(400, f"Operation {route.operation} has no parameter overrideAccount.")
        if not route.reads:
            raise ApiError(400, "The parameter overrideAccount is not accepted on a write.")
        if override not in self.world.accounts:
            raise ApiError(403, f"The account {override} is not accessible.")
        return self.world.accounts[override]


def check_credentials(header: str) -> None:
    sent = Authorization.from_header(header)
    if sent is None or (sent.type, sent.username, sent.password) != ("basic", USER, PASSWORD):
        raise ApiError(401, "The user name or the token is not valid.")
