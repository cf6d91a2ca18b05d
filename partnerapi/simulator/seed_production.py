"""The primary account: connections, what was promoted before, what was copied by hand, packs."""

from partnerapi.simulator import packages
from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.seed_tools import Planter, uid
from partnerapi.simulator.state import Environment, Pack, PackInstance

ENVIRONMENTS = {
    "prod-eu": ("Production EU", "PROD"),
    "prod-us": ("Production US", "PROD"),
    "test-eu": ("Test EU", "TEST"),
    "test-us": ("Test US", "TEST"),
}
PROMOTED = "Promoted/Orders/Stock"


def plant(p: Planter, orders_account: str) -> None:
    plant_environments(p)
    plant_connections(p)
    plant_stock(p, orders_account)
    plant_copies(p, orders_account)
    plant_report(p)
    plant_packs(p)


def plant_environments(p: Planter) -> None:
    for key, (name, classification) in ENVIRONMENTS.items():
        environment = Environment(p.id(key), name, classification)
        p.account.environments[environment.id] = environment


def plant_connections(p: Planter) -> None:
    """Set up once, by hand, with production's own addresses and secrets."""
    folder = "Connections"
    p.component(
        "commerce-api",
        "Commerce API",
        "connector-settings",
        x.http_connection("https://commerce.example.com/v2", "svc_orders", "prod-violet-anchor-1"),
        folder=folder,
        sub_type="http",
    )
    p.component(
        "order-database",
        "Order Database",
        "connector-settings",
        x.database_connection("db.orders.example.com", "orders", "boomi", "prod-silver-birch-2"),
        folder=folder,
        sub_type="database",
    )
    p.component(
        "warehouse-sftp",
        "Warehouse SFTP",
        "connector-settings",
        x.sftp_connection("sftp.warehouse.example.com", "outfitters", "prod-little-comet-3"),
        folder=folder,
        sub_type="sftp",
    )
    p.component(
        "bank-gateway",
        "Bank Gateway",
        "connector-settings",
        x.generic_connection(
            "https://api.bank.example.org",
            "outfitters",
            "prod-northern-quay-4",
            client_secret="prod-woven-lark-5",  # noqa: S106 - invented
        ),
        folder=folder,
        sub_type="officialboomi-X3979C-rest-prod",
    )
    p.component(
        "ledger-database",
        "Ledger Database",
        "connector-settings",
        x.database_connection("ledger.example.com", "ledger", "finance", "prod-hollow-reed-6"),
        folder=folder,
        sub_type="database",
    )


def plant_stock(p: Planter, orders_account: str) -> None:
    """Promoted before: production's own URL and password stand where dev has others.

    Keys of properties travel with the component: they are the same as in dev.
    """
    batch_key = uid(orders_account, "key:stock-batch")
    p.component(
        "stock-settings",
        "Stock Settings",
        "processproperty",
        x.process_properties(
            (
                (
                    uid(orders_account, "key:stock-url"),
                    "Stock URL",
                    "string",
                    "https://stock.example.com",
                ),
                (batch_key, "Batch size", "number", "100"),
                (
                    uid(orders_account, "key:stock-secret"),
                    "Stock password",
                    "password",
                    "prod-steady-heron-7",
                ),
            )
        ),
        folder=PROMOTED,
    )
    p.component(
        "stock-level",
        "Stock Level",
        "profile.json",
        x.json_profile(["sku", "site", "onHand", "reserved"]),
        folder=PROMOTED,
        description="The same in production: an update leaves it as it is",
    )
    p.component(
        "get-stock",
        "Get Stock Levels",
        "connector-action",
        x.http_operation("GET", "stock?site=", response_profile=p.id("stock-level")),
        folder=PROMOTED,
        sub_type="http",
    )
    p.component(
        "stock-sync",
        "Stock Level Sync",
        "process",
        x.process(
            (
                x.start(),
                x.note("Stock in pages of 100"),
                x.set_property(p.id("stock-settings"), "Stock Settings", batch_key, "Batch size"),
                x.connector(
                    p.id("commerce-api"),
                    p.id("get-stock"),
                    kind="http",
                    chooser="HttpParameterChooser",
                ),
                x.stop(),
            )
        ),
        folder=PROMOTED,
    )


def plant_copies(p: Planter, orders_account: str) -> None:
    """Twins that nobody has mapped.

    The process knows where it came from; the profiles only have the same name and type, one in
    the folder of dev, one in the folder that a promotion would choose.
    """
    p.component(
        "customer-address",
        "Customer Address",
        "profile.json",
        x.json_profile(["street", "city", "country"]),
        folder="Orders/Customers",
    )
    p.component(
        "customer-record",
        "Customer Record",
        "profile.xml",
        x.xml_profile("Customer", ["customerNumber", "name", "street", "city", "country"]),
        folder="Promoted/Orders/Customers",
    )
    p.component(
        "customer-master",
        "Customer Master Sync",
        "process",
        x.process(
            (
                x.start(),
                x.decision(p.id("customer-record"), "New?"),
                x.decision(p.id("customer-address"), "Moved?"),
                x.stop(),
            )
        ),
        folder="Orders/Customers",
        copied_from=uid(orders_account, "customer-master"),
        copied_from_version=1,
    )


def plant_report(p: Planter) -> None:
    """Made in production, never promoted; uses a promoted component."""
    p.component(
        "stock-report",
        "Weekly Stock Report",
        "process",
        x.process(
            (
                x.start(),
                x.connector(p.id("commerce-api"), p.id("get-stock"), kind="http"),
                x.stop(),
            )
        ),
        folder="Reports",
    )
    p.component(
        "gone-report",
        "Report of Yesteryear",
        "process",
        x.process((x.start(), x.note("Gone"), x.stop())),
        folder="Reports",
    )
    p.delete("gone-report")


def plant_packs(p: Planter) -> None:
    """Packs with content, all released; the test pack and a single-install one."""
    stock = p.package("stock-sync", "1.0", "From dev package 1.0")
    report = p.package("stock-report", "4.2", "Weekly")
    customers = p.package("customer-master", "2023.1", "Copied by hand")
    for key, name, description, kind, content in (
        (
            "pack-orders",
            "Order Management",
            "Order processes, production",
            "MULTI",
            (stock, report),
        ),
        ("pack-orders-test", "Order Management (Test)", "Order processes, test", "MULTI", (stock,)),
        ("pack-customers", "Customer Master", "Customer data", "MULTI", (customers,)),
        ("pack-finance", "Finance Core", "Nothing in it yet", "MULTI", ()),
        ("pack-store", "Store Starter Kit", "For one store at a time", "SINGLE", (report,)),
    ):
        pack = Pack(p.id(key), name, description, kind)
        p.account.packs[pack.id] = pack
        for package in content:
            packages.add_to_pack(p.account, pack, package)
        if content:
            release = packages.release(
                p.world,
                p.account,
                pack,
                {entry.component_id: entry.package_id for entry in pack.entries.values()},
                version="1",
                notes="First release",
                wait=False,
            )
            release.package_id = p.id(f"{key}:release")
    instance = PackInstance(
        p.id("instance-customers"),
        p.id("pack-customers"),
        "Customer Master here",
        [p.id("prod-us")],
    )
    p.account.instances[instance.id] = instance
