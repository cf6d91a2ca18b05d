"""The published dialect: all of its routes, bulk reads before the addresses that end in an id."""

from partnerapi.simulator import (
    bulk,
    objects,
    published_branches,
    published_components,
    published_packs,
    shared,
)
from partnerapi.simulator.errors import ApiError, not_found
from partnerapi.simulator.wire import Answer, Fields, Request, Route, route, send


def environment_of(request: Request, environment_id: str) -> Fields:
    environment = request.account.environments.get(environment_id)
    if environment is None:
        raise not_found(f"The environment ({environment_id}) is not found.")
    return objects.environment_fields(environment)


def get_environment(request: Request) -> Answer:
    return send(request, "Environment", environment_of(request, request.groups["id"]))


def account_of(request: Request, account_id: str) -> Fields:
    account = request.world.accounts.get(account_id)
    if account is None:
        raise ApiError(403, f"The account {account_id} is not accessible.")
    return objects.account_fields(account)


def get_account(request: Request) -> Answer:
    return send(request, "Account", account_of(request, request.groups["id"]))


ROUTES: list[Route] = [
    *published_components.ROUTES,
    *published_branches.ROUTES,
    *published_packs.ROUTES,
    bulk.bulk_route("Environment", environment_of),
    bulk.bulk_route("Account", account_of),
    *shared.ROUTES,
    route(
        "GET", "Environment/{id}", "Environment GET", "Environment GET", get_environment, reads=True
    ),
    route("GET", "Account/{id}", "Account GET", "Account GET", get_account, reads=True),
]
