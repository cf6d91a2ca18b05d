"""The company that the simulator starts with, and the ids by which tests and the demo name it.

What is in it stands in ``seeds/northwind``. Every id there is made from a name, so the constants
here are made the same way.
"""

import copy
from functools import cache
from pathlib import Path

from partnerapi.simulator import seed_large
from partnerapi.simulator.errors import bad_request
from partnerapi.simulator.planting import package_id, plant
from partnerapi.simulator.planting import uid as uid
from partnerapi.simulator.state import World

NORTHWIND = Path(__file__).parent / "seeds" / "northwind"

PRIMARY_ACCOUNT = "northwind-PR1MRY"
ORDERS_ACCOUNT = "northwindorders-DEV0R1"
FINANCE_ACCOUNT = "northwindfinance-DEVF1N"
LOGISTICS_ACCOUNT = "northwindlogistics-DEVL0G"
DEV_ACCOUNTS = (ORDERS_ACCOUNT, FINANCE_ACCOUNT, LOGISTICS_ACCOUNT)

ACCOUNT_NAMES = {
    PRIMARY_ACCOUNT: "Northwind Outfitters",
    ORDERS_ACCOUNT: "Northwind Orders Team",
    FINANCE_ACCOUNT: "Northwind Finance Team",
    LOGISTICS_ACCOUNT: "Northwind Logistics Team",
}

# The demo: a process with 30 components besides its three connections.
DEMO_COMPONENT_ID = uid(ORDERS_ACCOUNT, "order-to-cash")
DEMO_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "order-to-cash", "1.0")

# Other packages worth promoting, and why.
SINGLE_COMPONENT_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "heartbeat", "1.0")
NOT_SHAREABLE_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "not-shared", "1.0")
DELETED_REFERENCE_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "legacy-export", "0.9")
COPIED_TWIN_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "customer-master", "3.0")
RETURNS_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "returns-intake", "1.1")
UPDATE_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "stock-sync", "1.1")
OLDER_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "stock-sync", "1.1-beta")  # than its component
OLD_UPDATE_PACKAGE_ID = package_id(ORDERS_ACCOUNT, "stock-sync", "1.0")
CYCLE_PACKAGE_ID = package_id(FINANCE_ACCOUNT, "ledger-reconciliation", "2.1")
UNMAPPED_CONNECTIONS_PACKAGE_ID = package_id(FINANCE_ACCOUNT, "refund-payout", "1.0")
RATES_COMPONENT_ID = uid(FINANCE_ACCOUNT, "exchange-rates")  # more than 100 packages
LARGE_PROFILE_PACKAGE_ID = package_id(LOGISTICS_ACCOUNT, "catalogue-import", "1.0")
LARGE_PROFILE_ID = uid(LOGISTICS_ACCOUNT, "catalogue")
HIDDEN_SECRET_PACKAGE_ID = package_id(LOGISTICS_ACCOUNT, "carrier-labels", "1.0")
ROUTE_PACKAGE_ID = package_id(LOGISTICS_ACCOUNT, "dispatch", "1.0")
AWKWARD_COMPONENT_ID = uid(LOGISTICS_ACCOUNT, "awkward")
AWKWARD_PACKAGE_ID = package_id(LOGISTICS_ACCOUNT, "awkward", '1.0~rc/2 & "final" 🚚')

# Single components.
DELETED_COMPONENT_ID = uid(ORDERS_ACCOUNT, "old-lookup")
LIBRARY_COMPONENT_IDS = {
    account: uid(account, "error-notifier") for account in (ORDERS_ACCOUNT, FINANCE_ACCOUNT)
}
COPIED_TWIN_ID = uid(PRIMARY_ACCOUNT, "customer-master")  # of DEV customer-master, unmapped
PLAIN_TWIN_IDS = {  # same name and type, in dev's folder or in Promoted, unmapped
    (ORDERS_ACCOUNT, uid(ORDERS_ACCOUNT, key)): uid(PRIMARY_ACCOUNT, key)
    for key in ("customer-record", "customer-address")
}
ORDERS_CUSTOMER_MASTER_ID = uid(ORDERS_ACCOUNT, "customer-master")
ORDERS_CUSTOMER_RECORD_ID = uid(ORDERS_ACCOUNT, "customer-record")
PROD_STOCK_SETTINGS_ID = uid(PRIMARY_ACCOUNT, "stock-settings")

_MAPPED_CONNECTIONS = {
    ORDERS_ACCOUNT: ("commerce-api", "order-database", "warehouse-sftp"),
    FINANCE_ACCOUNT: ("bank-gateway", "ledger-database"),
}
# (dev account, dev connection) -> the connection that an admin set up in production.
CONNECTIONS = {
    (account, uid(account, key)): uid(PRIMARY_ACCOUNT, key)
    for account, keys in _MAPPED_CONNECTIONS.items()
    for key in keys
}
# Connections that production does not have.
UNMAPPED_CONNECTIONS = {
    (FINANCE_ACCOUNT, uid(FINANCE_ACCOUNT, key)) for key in ("payment-provider", "payout-queue")
}
# (dev account, dev component) -> its production twin: promoted before, so that an update follows.
TWINS = {
    (ORDERS_ACCOUNT, uid(ORDERS_ACCOUNT, key)): uid(PRIMARY_ACCOUNT, key)
    for key in ("stock-sync", "stock-settings", "get-stock", "stock-level")
}

ENVIRONMENTS = {
    key: uid(PRIMARY_ACCOUNT, key) for key in ("prod-eu", "prod-us", "test-eu", "test-us")
}
PACKS = {
    key: uid(PRIMARY_ACCOUNT, f"pack-{key}")
    for key in ("orders", "orders-test", "customers", "finance", "store")
}

SEEDS = ("default", "large", "empty")


@cache
def _planted(name: str, directory: Path) -> World:
    """A world as it is planted. Nobody may change it: it is what every reset begins with."""
    if name == "empty":
        return plant(directory, accounts_only=True)
    if name == "large":
        return seed_large.plant(plant(NORTHWIND), ORDERS_ACCOUNT)
    return plant(directory)


def build(name: str, speed: float, directory: Path = NORTHWIND) -> World:
    """A fresh world.

    :param name: ``default`` (what ``directory`` holds), ``empty`` (its accounts and environments)
        or ``large`` (Northwind with a great deal more in it)
    """
    if name not in SEEDS:
        raise bad_request(f"The seed {name} is not one of {', '.join(SEEDS)}.")
    world = copy.deepcopy(_planted(name, directory))
    world.speed = speed
    return world
