"""The orders team's dev account: the process of the demo, and what stands around it."""

from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.seed_tools import Planter

O2C = "Orders/Order to Cash"
SHARED = "Orders/Shared"
CONNECTIONS = "Orders/Connections"
RETURNS = "Orders/Returns"
STOCK = "Orders/Stock"
CUSTOMERS = "Orders/Customers"
LIBRARY = "Library"


def plant(p: Planter) -> None:
    plant_connections(p)
    plant_shared(p)
    plant_order_to_cash(p)
    plant_library(p)
    plant_returns(p)
    plant_stock(p)
    plant_customers(p)
    plant_small_ones(p)


def plant_connections(p: Planter) -> None:
    p.component(
        "commerce-api",
        "Commerce API",
        "connector-settings",
        x.http_connection(
            "https://dev-commerce.example.net/v2", "svc_orders_dev", "sunny-harbour-41"
        ),
        folder=CONNECTIONS,
        sub_type="http",
        description="Web shop and CRM, one gateway",
    )
    p.component(
        "order-database",
        "Order Database",
        "connector-settings",
        x.database_connection(
            "db-dev.orders.example.net", "orders_dev", "boomi_dev", "quiet-meadow-7"
        ),
        folder=CONNECTIONS,
        sub_type="database",
    )
    p.component(
        "warehouse-sftp",
        "Warehouse SFTP",
        "connector-settings",
        x.sftp_connection("sftp-dev.warehouse.example.net", "outfitters-dev", "brisk-lantern-88"),
        folder=CONNECTIONS,
        sub_type="sftp",
    )


def plant_shared(p: Planter) -> None:
    """Things that several processes of the team use."""
    p.component(
        "canonical-order",
        "Canonical Order",
        "profile.xml",
        x.xml_profile(
            "Order",
            [
                "orderId",
                "status",
                "customerNumber",
                "country",
                "currency",
                "total",
                "taxCode",
                "primaryKey",
                "tokenizer",
                "keyField",
                "shippingMethod",
                "createdAt",
            ],
        ),
        folder=SHARED,
        description="The order as all our processes know it",
    )
    p.component(
        "customer-json",
        "Customer JSON",
        "profile.json",
        x.json_profile(["id", "name", "email", "country", "accessTokenHint", "loyaltyTier"]),
        folder=SHARED,
    )
    p.component(
        "country-codes",
        "Country Codes",
        "crossref",
        x.cross_reference_table(
            ("shop", "erp", "row"),
            (
                ("AT", "040", "2f1d6f0e-5a1b-4d6e-8f0a-111111111111"),
                ("DE", "276", "2f1d6f0e-5a1b-4d6e-8f0a-222222222222"),
                ("FR", "250", "2f1d6f0e-5a1b-4d6e-8f0a-333333333333"),
            ),
        ),
        folder=SHARED,
    )
    p.component(
        "normalise-country",
        "Normalise Country",
        "transform.function",
        x.function(x.SIMPLE_STEP + x.lookup_step(p.id("country-codes"))),
        folder=SHARED,
    )
    p.component(
        "customer-cache",
        "Customer Cache",
        "documentcache",
        x.document_cache(p.id("customer-json"), "id"),
        folder=SHARED,
    )
    p.component(
        "order-settings",
        "Order Settings",
        "processproperty",
        x.process_properties(
            (
                (
                    p.id("key:endpoint"),
                    "Callback URL",
                    "string",
                    "https://dev-hooks.example.net/orders",
                ),
                (p.id("key:batch"), "Batch size", "number", "50"),
                (p.id("key:signing"), "Signing password", "password", "amber-falcon-19"),
                (p.id("key:field"), "Key field", "string", "orderId"),
            )
        ),
        folder=SHARED,
        description="Settings of all order processes",
    )
    p.component(
        "handle-error",
        "Handle Order Error",
        "process",
        x.process(
            (
                x.start(),
                x.note("Order {1} failed: {2}"),
                x.set_property(
                    p.id("order-settings"), "Order Settings", p.id("key:endpoint"), "Callback URL"
                ),
                x.stop(),
            )
        ),
        folder=SHARED,
    )


def plant_order_to_cash(p: Planter) -> None:
    """30 components besides the three connections, with a diamond at its error handler."""
    plant_order_profiles(p)
    plant_order_operations(p)
    plant_order_maps(p)
    plant_order_processes(p)
    p.package("order-to-cash", "1.0", "First version of the order process")


def plant_order_profiles(p: Planter) -> None:
    p.component(
        "web-order",
        "Web Order JSON",
        "profile.json",
        x.json_profile(
            ["orderId", "customerId", "lines", "currency", "total", "coupon", "paymentToken"]
        ),
        folder=O2C,
    )
    p.component(
        "erp-order",
        "ERP Order",
        "profile.xml",
        x.xml_profile(
            "Order", ["documentNumber", "soldTo", "country", "net", "tax", "gross", "keyField"]
        ),
        folder=O2C,
    )
    p.component(
        "invoice",
        "Invoice",
        "profile.xml",
        x.xml_profile("Invoice", ["invoiceNumber", "orderId", "dueDate", "amount", "currency"]),
        folder=O2C,
        description="Fälligkeit in Tagen, Betrag in €",
    )
    p.component(
        "pick-list",
        "Pick List",
        "profile.flatfile",
        x.flat_profile(["orderId", "sku", "quantity", "bin"]),
        folder=O2C,
    )
    p.component(
        "order-table",
        "Order Table",
        "profile.db",
        x.database_profile(
            "INSERT INTO orders (order_id, status, total) VALUES (?, ?, ?)",
            ["order_id", "status", "total"],
        ),
        folder=O2C,
    )


def plant_order_operations(p: Planter) -> None:
    p.component(
        "fetch-orders",
        "Fetch Web Orders",
        "connector-action",
        x.http_operation(
            "GET",
            "orders?status=open",
            response_profile=p.id("web-order"),
            headers=(("Accept", "application/json"), ("X-Client", "order-to-cash")),
        ),
        folder=O2C,
        sub_type="http",
    )
    p.component(
        "get-customer",
        "Get Customer",
        "connector-action",
        x.http_operation("GET", "customers/", response_profile=p.id("customer-json")),
        folder=O2C,
        sub_type="http",
    )
    p.component(
        "post-invoice",
        "Post Invoice",
        "connector-action",
        x.http_operation("POST", "invoices", request_profile=p.id("web-order")),
        folder=O2C,
        sub_type="http",
    )
    p.component(
        "insert-order",
        "Insert Order",
        "connector-action",
        x.database_operation(p.id("order-table")),
        folder=O2C,
        sub_type="database",
    )
    p.component(
        "send-pick-list",
        "Send Pick List",
        "connector-action",
        x.sftp_operation("/inbound/picklists/dev"),
        folder=O2C,
        sub_type="sftp",
    )


def plant_order_maps(p: Planter) -> None:
    p.component(
        "tax-code",
        "Map Tax Code",
        "script.mapping",
        x.mapping_script(
            "// Reduced rates have a letter of their own.\n"
            'taxCode = code != null && code.startsWith("R") ? "V1" : "V0";\n'
        ),
        folder=O2C,
    )
    p.component(
        "round-totals",
        "Round Totals",
        "script.processing",
        x.processing_script(
            "import com.boomi.execution.ExecutionUtil;\r\n"
            "for (int i = 0; i < dataContext.getDataCount(); i++) {\r\n"
            "  InputStream is = dataContext.getStream(i);\r\n"
            "  Properties props = dataContext.getProperties(i);\r\n"
            "  dataContext.storeStream(is, props);\r\n"
            "}\r\n"
        ),
        folder=O2C,
    )
    p.component(
        "tax-function",
        "Tax Code for Country",
        "transform.function",
        x.function(x.script_step(p.id("tax-code"))),
        folder=O2C,
    )
    p.component(
        "web-to-canonical",
        "Web Order to Canonical Order",
        "transform.map",
        x.data_map(
            p.id("web-order"),
            p.id("canonical-order"),
            (("orderId", "orderId"), ("customerId", "customerNumber"), ("total", "total")),
            x.user_function_step(p.id("normalise-country"), "Normalise Country"),
            x.cache_join(p.id("customer-cache")),
        ),
        folder=O2C,
    )
    p.component(
        "canonical-to-erp",
        "Canonical Order to ERP Order",
        "transform.map",
        x.data_map(
            p.id("canonical-order"),
            p.id("erp-order"),
            (("orderId", "documentNumber"), ("customerNumber", "soldTo")),
            x.lookup_step(p.id("country-codes"))
            + x.user_function_step(p.id("tax-function"), "Tax Code for Country"),
        ),
        folder=O2C,
    )
    p.component(
        "canonical-to-table",
        "Canonical Order to Order Table",
        "transform.map",
        x.data_map(
            p.id("canonical-order"),
            p.id("order-table"),
            (("orderId", "order_id"), ("status", "status"), ("total", "total")),
        ),
        folder=O2C,
    )
    p.component(
        "erp-to-invoice",
        "ERP Order to Invoice",
        "transform.map",
        x.data_map(
            p.id("erp-order"),
            p.id("invoice"),
            (("documentNumber", "orderId"), ("gross", "amount")),
        ),
        folder=O2C,
    )
    p.component(
        "canonical-to-picks",
        "Canonical Order to Pick List",
        "transform.map",
        x.data_map(p.id("canonical-order"), p.id("pick-list"), (("orderId", "orderId"),)),
        folder=O2C,
    )


def plant_order_processes(p: Planter) -> None:
    p.component(
        "validate-order",
        "Validate Order",
        "process",
        x.process(
            (
                x.start(),
                x.decision(p.id("canonical-order"), "Is it open?"),
                x.script_shape(p.id("round-totals")),
                x.call(p.id("handle-error")),
                x.stop(),
            )
        ),
        folder=O2C,
    )
    p.component(
        "fetch-customer",
        "Fetch Customer",
        "process",
        x.process(
            (
                x.start(),
                x.connector(
                    p.id("commerce-api"),
                    p.id("get-customer"),
                    kind="http",
                    action="Get",
                    chooser="HttpParameterChooser",
                ),
                x.cache_load(p.id("customer-cache")),
                x.call(p.id("handle-error")),
                x.stop(),
            )
        ),
        folder=O2C,
    )
    p.component(
        "create-invoice",
        "Create Invoice",
        "process",
        x.process(
            (
                x.start(),
                x.map_shape(p.id("canonical-to-erp")),
                x.map_shape(p.id("erp-to-invoice")),
                x.connector(p.id("commerce-api"), p.id("post-invoice"), kind="http"),
                x.call(p.id("handle-error")),
                x.stop(),
            )
        ),
        folder=O2C,
    )
    p.component(
        "notify-warehouse",
        "Notify Warehouse",
        "process",
        x.process(
            (
                x.start(),
                x.map_shape(p.id("canonical-to-picks")),
                x.connector(p.id("warehouse-sftp"), p.id("send-pick-list"), kind="sftp"),
                x.stop(),
            )
        ),
        folder=O2C,
    )
    p.component(
        "order-to-cash",
        "Order to Cash",
        "process",
        x.process(
            (
                x.start(),
                x.connector(
                    p.id("commerce-api"),
                    p.id("fetch-orders"),
                    kind="http",
                    action="Get",
                    chooser="HttpParameterChooser",
                ),
                x.set_property(
                    p.id("order-settings"), "Order Settings", p.id("key:batch"), "Batch size"
                ),
                x.call(p.id("fetch-customer")),
                x.map_shape(p.id("web-to-canonical")),
                x.cross_reference(p.id("country-codes")),
                x.call(p.id("validate-order")),
                x.map_shape(p.id("canonical-to-table")),
                x.connector(
                    p.id("order-database"),
                    p.id("insert-order"),
                    kind="database",
                    chooser=f"databaseparameterchooser|{p.id('order-table')}",
                ),
                x.cache_retrieve(p.id("customer-cache")),
                x.call(p.id("create-invoice")),
                x.call(p.id("notify-warehouse")),
                x.stop(),
            )
        ),
        folder=O2C,
        description="From the web shop's order to the invoice & the pick list",
        overrides=x.overrides(
            (
                (
                    p.id("commerce-api"),
                    (
                        ("URL", "HttpSettings/@url"),
                        ("Password", "HttpSettings/AuthSettings/@password"),
                    ),
                ),
                (p.id("order-database"), (("Host", "DatabaseConnectionSettings/@host"),)),
            ),
            properties=(
                (p.id("order-settings"), "Order Settings", p.id("key:batch"), "Batch size"),
            ),
            glued=((p.id("fetch-orders"), "apiStats"),),
        ),
    )


def plant_library(p: Planter) -> None:
    """A library process that the finance team has too, as a copy with an id of its own."""
    p.component(
        "error-notifier",
        "Common Error Notifier",
        "process",
        x.process((x.start(), x.note("Process {1} failed at {2}"), x.stop())),
        folder=LIBRARY,
        description="Used by every team",
    )


def plant_returns(p: Planter) -> None:
    """Shares components with the big process; has an id in a script and a hidden key."""
    p.component(
        "return-rules",
        "Return Rules",
        "script.processing",
        x.processing_script(
            "// Replaces the sub-process " + p.id("handle-error") + " of last year.\n"
            "def limitInDays = 30\n"
            'if (limitInDays > 14 && "R" != "S") { logger.info("ok <fine>") }\n'
        ),
        folder=RETURNS,
    )
    p.component(
        "partner-returns",
        "Query Partner Returns",
        "connector-action",
        x.generic_operation(
            "Return",
            p.id("canonical-order"),
            fields=(
                '<field id="auth_platformApiKey" type="password" value="'
                + "c2FtcGxlLW9ubHktbm90LWEta2V5LQ" * 5
                + 'c2FtcGxlLW9ubHktbm90=="/><field id="keyField" type="string" value="returnId"/>'
            ),
            cookie="UEsDBBQACAgIAAAAIQAAAAAAAAAAAAAAAAAIAAAAb3V0cHV0LnhtbA",
        ),
        folder=RETURNS,
        sub_type="outfitters-DEV0R1-partner-dev",
    )
    p.component(
        "returns-intake",
        "Returns Intake",
        "process",
        x.process(
            (
                x.start(),
                x.connector(p.id("commerce-api"), p.id("partner-returns"), kind="http"),
                x.script_shape(p.id("return-rules")),
                x.decision(p.id("canonical-order"), "Is it a return?"),
                x.call(p.id("error-notifier")),
                x.call(p.id("handle-error")),
                x.stop(),
            )
        ),
        folder=RETURNS,
    )
    p.package("returns-intake", "1.0", "Pilot with two shops")
    p.package("returns-intake", "1.1", "All shops")


def plant_stock(p: Planter) -> None:
    """Already in production and mapped: the next promotion updates. One package is out of date."""
    p.component(
        "stock-level",
        "Stock Level",
        "profile.json",
        x.json_profile(["sku", "site", "onHand", "reserved"]),
        folder=STOCK,
        description="The same in production: an update leaves it as it is",
    )
    plant_stock_version(p, batch="100", path="stock?site=")
    p.package("stock-sync", "1.0", "In production since spring")
    plant_stock_version(p, batch="250", path="stock/levels?site=")
    p.package("stock-sync", "1.1", "Levels instead of movements")
    p.component(
        "stock-sync",
        "Stock Level Sync",
        "process",
        stock_process(p, "Working on 1.2"),
        folder=STOCK,
        description="Moved on since package 1.1",
    )


def plant_stock_version(p: Planter, *, batch: str, path: str) -> None:
    p.component(
        "stock-settings",
        "Stock Settings",
        "processproperty",
        x.process_properties(
            (
                (p.id("key:stock-url"), "Stock URL", "string", "https://dev-stock.example.net"),
                (p.id("key:stock-batch"), "Batch size", "number", batch),
                (p.id("key:stock-secret"), "Stock password", "password", "plain-willow-63"),
            )
        ),
        folder=STOCK,
    )
    p.component(
        "get-stock",
        "Get Stock Levels",
        "connector-action",
        x.http_operation("GET", path, response_profile=p.id("stock-level")),
        folder=STOCK,
        sub_type="http",
    )
    p.component(
        "stock-sync",
        "Stock Level Sync",
        "process",
        stock_process(p, f"Stock in pages of {batch}"),
        folder=STOCK,
    )


def stock_process(p: Planter, text: str) -> str:
    return x.process(
        (
            x.start(),
            x.note(text),
            x.set_property(
                p.id("stock-settings"), "Stock Settings", p.id("key:stock-batch"), "Batch size"
            ),
            x.connector(
                p.id("commerce-api"), p.id("get-stock"), kind="http", chooser="HttpParameterChooser"
            ),
            x.stop(),
        )
    )


def plant_customers(p: Planter) -> None:
    """Somebody copied this one to production by hand, long ago."""
    p.component(
        "customer-record",
        "Customer Record",
        "profile.xml",
        x.xml_profile("Customer", ["customerNumber", "name", "street", "city", "country"]),
        folder=CUSTOMERS,
    )
    p.component(
        "customer-address",
        "Customer Address",
        "profile.json",
        x.json_profile(["street", "city", "country"]),
        folder=CUSTOMERS,
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
        folder=CUSTOMERS,
    )
    p.package("customer-master", "3.0", "Copied to production by hand in 2023")


def plant_small_ones(p: Planter) -> None:
    p.component(
        "heartbeat",
        "Nightly Heartbeat",
        "process",
        x.process((x.start(), x.note("Still there"), x.stop())),
        folder="Orders/Operations",
        description="One component and nothing else",
    )
    p.package("heartbeat", "1.0", "A single component")
    p.component(
        "not-shared",
        "Internal Housekeeping",
        "process",
        x.process((x.start(), x.note("Not for anybody else"), x.stop())),
        folder="Orders/Operations",
    )
    p.package("not-shared", "1.0", "Not shareable", shareable=False)
    p.component(
        "old-lookup",
        "Old Price Lookup",
        "transform.function",
        x.function(x.SIMPLE_STEP),
        folder="Orders/Operations",
    )
    p.component(
        "legacy-map",
        "Legacy Price Map",
        "transform.map",
        x.data_map(
            p.id("customer-json"),
            p.id("canonical-order"),
            (("id", "customerNumber"),),
            x.user_function_step(p.id("old-lookup"), "Old Price Lookup"),
        ),
        folder="Orders/Operations",
    )
    p.component(
        "legacy-export",
        "Legacy Price Export",
        "process",
        x.process((x.start(), x.map_shape(p.id("legacy-map")), x.stop())),
        folder="Orders/Operations",
        description="Uses a function that was deleted",
    )
    p.package("legacy-export", "0.9", "Its function was deleted afterwards")
    p.delete("old-lookup")
