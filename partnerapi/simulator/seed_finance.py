"""The finance team's dev account: circles, many package versions, a connection nobody mapped."""

from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.seed_tools import Planter

LEDGER = "Finance/Ledger"
RATES = "Finance/Rates"
PAYOUT = "Finance/Payouts"
CONNECTIONS = "Finance/Connections"

RATE_PACKAGES = 120


def plant(p: Planter) -> None:
    plant_connections(p)
    plant_library(p)
    plant_ledger(p)
    plant_rates(p)
    plant_payouts(p)


def plant_connections(p: Planter) -> None:
    p.component(
        "bank-gateway",
        "Bank Gateway",
        "connector-settings",
        x.generic_connection(
            "https://sandbox.bank.example.org",
            "outfitters-sandbox",
            "mellow-copper-12",
            client_secret="gentle-otter-55",  # noqa: S106 - invented
            custom_secret="early-thicket-30",  # noqa: S106 - invented
        ),
        folder=CONNECTIONS,
        sub_type="officialboomi-X3979C-rest-prod",
    )
    p.component(
        "ledger-database",
        "Ledger Database",
        "connector-settings",
        x.database_connection(
            "ledger-dev.example.net", "ledger_dev", "finance_dev", "calm-bridge-2"
        ),
        folder=CONNECTIONS,
        sub_type="database",
    )
    p.component(
        "payment-provider",
        "Payment Provider",
        "connector-settings",
        x.aws_connection("https://payments-dev.example.net", "SAMPLEKEYID0001", "tidal-cedar-77"),
        folder=CONNECTIONS,
        sub_type="http",
        description="Nobody has set this up in production yet",
    )
    p.component(
        "payout-queue",
        "Payout Queue Connection",
        "connector-settings",
        '<QueueSettings xmlns=""><queueComponentId>'
        + p.id("payout-queue-component")
        + "</queueComponentId></QueueSettings>",
        folder=CONNECTIONS,
        sub_type="queue",
    )


def plant_library(p: Planter) -> None:
    p.component(
        "error-notifier",
        "Common Error Notifier",
        "process",
        x.process((x.start(), x.note("Process {1} failed at {2}"), x.stop())),
        folder="Library",
        description="Used by every team",
    )


def plant_ledger(p: Planter) -> None:
    """Two processes that call one another, and one that calls itself."""
    p.component(
        "posting",
        "Ledger Posting",
        "profile.xml",
        x.xml_profile("Posting", ["postingId", "account", "debit", "credit", "currency"]),
        folder=LEDGER,
    )
    p.component(
        "posting-table",
        "Posting Table",
        "profile.db",
        x.database_profile(
            "SELECT posting_id, amount FROM postings WHERE amount > ?", ["posting_id", "amount"]
        ),
        folder=LEDGER,
    )
    p.component(
        "read-postings",
        "Read Postings",
        "connector-action",
        x.database_read_operation(p.id("posting-table")),
        folder=LEDGER,
        sub_type="database",
    )
    p.component(
        "table-to-posting",
        "Posting Table to Ledger Posting",
        "transform.map",
        x.data_map(p.id("posting-table"), p.id("posting"), (("posting_id", "postingId"),)),
        folder=LEDGER,
    )
    p.component(
        "ledger-retry",
        "Ledger Retry",
        "process",
        x.process(
            (
                x.start(),
                x.call(p.id("ledger-reconciliation"), wait=False),
                x.call(p.id("error-notifier")),
                x.stop(),
            )
        ),
        folder=LEDGER,
    )
    p.component(
        "ledger-paging",
        "Ledger Paging",
        "process",
        x.process((x.start(), x.note("Page {1}"), x.call(p.id("ledger-paging")), x.stop())),
        folder=LEDGER,
        description="Calls itself for the next page",
    )
    p.component(
        "ledger-reconciliation",
        "Ledger Reconciliation",
        "process",
        x.process(
            (
                x.start(),
                x.connector(p.id("ledger-database"), p.id("read-postings"), kind="database"),
                x.map_shape(p.id("table-to-posting")),
                x.call(p.id("ledger-paging")),
                x.call(p.id("ledger-retry")),
                x.stop(),
            )
        ),
        folder=LEDGER,
    )
    p.package("ledger-reconciliation", "2.0", "With retries")
    p.package("ledger-reconciliation", "2.1", "With paging")


def plant_rates(p: Planter) -> None:
    """Packaged every night: more packages than one page of a query holds."""
    p.component(
        "rate-profile",
        "Exchange Rate",
        "profile.json",
        x.json_profile(["currency", "rate", "validFrom"]),
        folder=RATES,
    )
    p.component(
        "get-rates",
        "Get Exchange Rates",
        "connector-action",
        x.http_operation("GET", "rates/latest", response_profile=p.id("rate-profile")),
        folder=RATES,
        sub_type="http",
    )
    p.component(
        "exchange-rates",
        "Exchange Rates",
        "process",
        x.process(
            (x.start(), x.connector(p.id("bank-gateway"), p.id("get-rates"), kind="http"), x.stop())
        ),
        folder=RATES,
    )
    for number in range(1, RATE_PACKAGES + 1):
        p.package("exchange-rates", f"{number}.0", "Nightly build")


def plant_payouts(p: Planter) -> None:
    """Needs two connections that have no twin in production."""
    p.component(
        "payout-queue-component", "Payouts", "queue", '<Queue xmlns="" type="FIFO"/>', folder=PAYOUT
    )
    p.component(
        "send-payout",
        "Send Payout",
        "connector-action",
        x.http_operation("POST", "payouts"),
        folder=PAYOUT,
        sub_type="http",
    )
    p.component(
        "queue-payout",
        "Queue Payout",
        "connector-action",
        '<Operation xmlns=""><Configuration><QueueSendAction/></Configuration></Operation>',
        folder=PAYOUT,
        sub_type="queue",
    )
    p.component(
        "refund-payout",
        "Refund Payout",
        "process",
        x.process(
            (
                x.start(),
                x.connector(p.id("payment-provider"), p.id("send-payout"), kind="http"),
                x.connector(p.id("payout-queue"), p.id("queue-payout"), kind="queue"),
                x.stop(),
            )
        ),
        folder=PAYOUT,
    )
    p.package("refund-payout", "1.0", "Its connections are not mapped yet")
