"""Addresses: what answers where, in tables that werkzeug matches."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule, Submount

from partnerapi.simulator import bulk, objects
from partnerapi.simulator.wire import JSON, TEXT, XML, Answer, Fields, Handler, Request, send

BOTH = (XML, JSON)

Getter = Callable[[Request, str], Fields]
Rows = Callable[[Request], Iterable[Fields]]


@dataclass(frozen=True)
class Route:
    """One address with its method.

    ``operation`` is the number in the guide, or the name of a supporting call; ``media`` the types
    that a body may have (empty: no body is read); ``accepts`` the types that can be answered.
    """

    method: str
    path: str
    operation: int | str
    name: str
    handler: Handler
    media: tuple[str, ...] = ()
    accepts: tuple[str, ...] = BOTH

    @property
    def reads(self) -> bool:
        """Whether nothing is changed by it."""
        return self.method == "GET" or self.path.endswith(("/query", "/queryMore", "/bulk"))

    @property
    def kind(self) -> str:
        """The object that it is about."""
        return self.path.partition("/")[0].partition("~")[0]


class Routes(list[Route]):
    """A table of addresses. Its methods decorate what answers there."""

    def on(
        self,
        method: str,
        path: str,
        operation: int | str,
        name: str = "",
        *,
        media: tuple[str, ...] = BOTH,
        accepts: tuple[str, ...] = BOTH,
    ) -> Callable[[Handler], Handler]:
        """Answer this address; ``<name>`` in the path stands for one segment."""

        def register(handler: Handler) -> Handler:
            body = media if method == "POST" else ()
            name_ = name or str(operation)
            self.append(Route(method, path, operation, name_, handler, body, accepts))
            return handler

        return register

    def get(
        self, kind: str, number: int | None = None, *, accepts: tuple[str, ...] = BOTH
    ) -> Callable[[Getter], Getter]:
        """Answer the reading of one object with its fields."""

        def register(get: Getter) -> Getter:
            def handle(request: Request) -> Answer:
                fields = get(request, request.groups["id"])
                return send(request, kind, fields)

            name = f"GET {kind}" if number else f"{kind} GET"
            self.on("GET", f"{kind}/<id>", number or name, name, accepts=accepts)(handle)
            return get

        return register

    def bulk(self, kind: str) -> Callable[[Getter], Getter]:
        """Answer the reading of many objects at once."""

        def register(get: Getter) -> Getter:
            self.on("POST", f"{kind}/bulk", f"{kind} BULK")(bulk.handler(kind, get))
            return get

        return register

    def object(self, kind: str, number: int | None = None) -> Callable[[Getter], Getter]:
        """Both of them."""

        def register(get: Getter) -> Getter:
            return self.bulk(kind)(self.get(kind, number)(get))

        return register

    def query(
        self,
        kind: str,
        number: int | None = None,
        label: str = "",
        *,
        xml_root: str = "QueryConfig",
        media: tuple[str, ...] = BOTH,
        accepts: tuple[str, ...] = BOTH,
    ) -> Callable[[Rows], Rows]:
        """Answer ``query`` with those rows that pass the filter, and ``queryMore``."""

        def register(rows: Rows) -> Rows:
            def handle(request: Request) -> Answer:
                return objects.query(request, kind, rows(request), xml_root=xml_root)

            self.pages(kind, number, label, media=media, accepts=accepts)(handle)
            return rows

        return register

    def pages(
        self,
        kind: str,
        number: int | None = None,
        label: str = "",
        *,
        media: tuple[str, ...] = BOTH,
        accepts: tuple[str, ...] = BOTH,
    ) -> Callable[[Handler], Handler]:
        """The same for a handler that filters by itself."""

        def register(handler: Handler) -> Handler:
            def more(request: Request) -> Answer:
                return objects.query_more(request, kind)

            said = label or kind
            operation = number or f"{kind} QUERY"
            first = f"QUERY {said}" if number else f"{kind} QUERY"
            rest = f"QUERY MORE {said}" if number else f"{kind} QUERY MORE"
            self.on("POST", f"{kind}/query", operation, first, media=media, accepts=accepts)(
                handler
            )
            self.on("POST", f"{kind}/queryMore", operation, rest, media=(TEXT,), accepts=accepts)(
                more
            )
            return handler

        return register


class Table:
    """All addresses of one dialect."""

    def __init__(self, *tables: Iterable[Route], prefixes: tuple[str, ...]) -> None:
        routes: dict[tuple[str, str], Route] = {}
        for table in tables:
            for route in table:
                routes.setdefault((route.method, route.path), route)
        self.routes = list(routes.values())
        self.kinds = {route.kind for route in self.routes}
        self._map = Map(
            [
                Submount(
                    f"{prefix}/api/rest/v1/<account>",
                    [
                        Rule(f"/{route.path}", methods=[route.method], endpoint=route)
                        for route in self.routes
                    ],
                )
                for prefix in prefixes
            ],
            strict_slashes=False,
            merge_slashes=False,
        )

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of an address, with what stands in the places of its path."""
        try:
            route, groups = self._map.bind("").match(path, method=method)
        except HTTPException:
            return None
        return (
            (route, {k: unquote(v) for k, v in groups.items()}) if route.method == method else None
        )
