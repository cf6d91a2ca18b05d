"""Routes that both dialects have, with the same bodies: reads and supporting queries."""

from collections.abc import Iterable

from partnerapi.simulator import components, objects
from partnerapi.simulator.state import Account
from partnerapi.simulator.wire import (
    JSON,
    TEXT,
    XML,
    Answer,
    Fields,
    Handler,
    Request,
    Route,
    route,
    send,
)

BOTH = (XML, JSON)


def get_component(request: Request) -> Answer:
    """Operation 1, also with ``~{branchId}`` and ``~{version}``."""
    component, version = components.find(request.account, request.groups["id"])
    return Answer(body=components.document(request.account, component, version))


def get_metadata(request: Request) -> Answer:
    """Operation 5. A deleted component still has metadata, which says so."""
    component, version = components.find(request.account, request.groups["id"])
    fields = components.metadata(request.account, component, version)
    return send(request, "ComponentMetadata", fields)


def environments(account: Account) -> Iterable[Fields]:
    return map(objects.environment_fields, account.environments.values())


def deployments(account: Account) -> Iterable[Fields]:
    return map(objects.deployment_fields, account.deployments.values())


def package_rows(account: Account) -> Iterable[Fields]:
    return map(objects.package_fields, account.packages.values())


def query_accounts(request: Request) -> Answer:
    """The accounts that belong to the primary one."""
    rows = [
        objects.account_fields(account)
        for account in request.world.accounts.values()
        if account.id != request.world.primary_id
    ]
    return objects.query(request, "Account", rows, xml_root="QueryConfig")


def query_handler(kind: str, rows: objects.Rows) -> Handler:
    def handle(request: Request) -> Answer:
        return objects.query(request, kind, rows(request.account), xml_root="QueryConfig")

    return handle


def more_handler(kind: str, *, types: bool = True) -> Handler:
    def handle(request: Request) -> Answer:
        return objects.query_more(request, kind, types=types)

    return handle


def query_routes(kind: str, handler: Handler) -> list[Route]:
    """``query`` and ``queryMore`` of a supporting object."""
    name = f"{kind} QUERY"
    return [
        route("POST", f"{kind}/query", name, name, handler, reads=True, media=BOTH),
        route(
            "POST",
            f"{kind}/queryMore",
            name,
            f"{kind} QUERY MORE",
            more_handler(kind),
            reads=True,
            media=(TEXT,),
        ),
    ]


ROUTES: list[Route] = [
    route("GET", "Component/{id}", 1, "GET Component", get_component, reads=True, accepts=(XML,)),
    route("GET", "ComponentMetadata/{id}", 5, "GET ComponentMetadata", get_metadata, reads=True),
    *query_routes("Environment", query_handler("Environment", environments)),
    *query_routes("Account", query_accounts),
    *query_routes("ComponentMetadata", query_handler("ComponentMetadata", objects.metadata_rows)),
    *query_routes("DeployedPackage", query_handler("DeployedPackage", deployments)),
]
