"""The published dialect: all of its addresses."""

from partnerapi.simulator import (
    objects,
    published_branches,
    published_components,
    published_packs,
    shared,
)
from partnerapi.simulator.errors import ApiError, not_found
from partnerapi.simulator.routing import Routes, Table
from partnerapi.simulator.wire import Fields, Request

routes = Routes()


@routes.object("Environment")
def environment_of(request: Request, environment_id: str) -> Fields:
    environment = request.account.environments.get(environment_id)
    if environment is None:
        raise not_found(f"The environment ({environment_id}) is not found.")
    return objects.environment_fields(environment)


@routes.object("Account")
def account_of(request: Request, account_id: str) -> Fields:
    account = request.world.accounts.get(account_id)
    if account is None:
        raise ApiError(403, f"The account {account_id} is not accessible.")
    return objects.account_fields(account)


TABLE = Table(
    published_components.routes,
    published_branches.routes,
    published_packs.routes,
    routes,
    shared.routes,
    prefixes=("/partner", ""),
)
