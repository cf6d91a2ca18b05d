"""Pages over years of history: `python -m tests.benchmarks.history [--scale 0.1]`.

Each page is timed on a PostgreSQL that fills one page, and again on one that holds 200,000 promotions, 2 million
mappings, 5 million events and 3 million API calls (times the scale). The ratio of the two says whether a page grows
with history. It ends with an error when one takes longer than wanted, or asks the database more often.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.services import postgres_server

PROMOTIONS, MAPPINGS, EVENTS, CALLS = 200_000, 2_000_000, 5_000_000, 3_000_000
LOOKS = 15
WANTED_RATIO, WANTED_MS = 2.0, 100.0
# Below this a ratio says more about the machine than about a page.
NOISE_MS = 5.0
# Promotions in the almost empty database: what a page shows, so that both draw as many rows.
PAGE = 100
# As many as this are promoted again and again.
PROCESSES = 100
# Stands in as many rows of either database, from the oldest to the newest.
RARE = "Wombat"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows named above")
    options = parser.parse_args()
    with postgres_server() as url, _django(url):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        people = _people()
        _seed(people, PAGE / PROMOTIONS, first=1000)
        empty = _measure(people)
        began = time.monotonic()
        counts = _seed(people, options.scale, first=1_000_000)
        took = time.monotonic() - began
        full = _measure(people)
        seeded = ", ".join(f"{n:,} {what}" for what, n in counts.items())
        sys.stdout.write(f"{seeded}, made in {took:.0f} s\n{_table(empty, full)}")
        if missed := list(_missed(empty, full)):
            sys.exit("Missed:\n" + "\n".join(missed))


@contextmanager
def _django(url: str) -> Iterator[None]:
    os.environ |= {"DATABASE_URL": url, "DEBUG": "true"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "promo_site.settings")
    import django
    from django.conf import settings
    from django.db import connections

    django.setup()
    settings.DEBUG = False  # queries are not to be collected
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    yield
    connections.close_all()


def _people() -> dict[str, Any]:
    from django.contrib.auth.models import Group, User

    from promotions import access

    admin = User.objects.create_superuser("admin")
    alice = User.objects.create_user("alice")
    team, _ = Group.objects.get_or_create(name="Team A")
    contributors, _ = Group.objects.get_or_create(name=access.CONTRIBUTORS)
    alice.groups.add(team, contributors)
    from tests.promotions import factories

    sales = factories.account("Sales Dev", group="Team A")
    deployed = factories.deployed(factories.plan(sales, alice), alice, admin)
    waiting = factories.promotion(factories.plan(sales, alice), alice)
    mapping = factories.mapped_plan(sales, alice).dev_account.mappings.first()
    return {
        "admin": admin,
        "alice": alice,
        "sales": sales,
        "deployed": deployed,
        "waiting": waiting,
        "mapping": mapping,
    }


# --- Rows ------------------------------------------------------------------------------------


def _seed(people: dict[str, Any], scale: float, *, first: int) -> dict[str, int]:
    """Multiply one row of each kind within the database.

    :param first: a number above all ids of promotions that are there.
    """
    from django.db import connection

    from promotions.models import ApiCall, ComponentMapping, Event, Plan, PromotionRequest

    deployed = people["deployed"]
    counts = {
        "promotions": round(PROMOTIONS * scale),
        "mappings": round(MAPPINGS * scale),
        "events": round(EVENTS * scale),
        "API calls": round(CALLS * scale),
    }
    span = counts["promotions"]
    _multiply(
        Plan,
        deployed.plan_id,
        span,
        id=f"{first} + n",
        root_name=_rarely("'Process ' || n % 5000 || ' import'", span),
        created_at="now() - n * interval '3 minutes'",
    )
    _multiply(
        PromotionRequest,
        deployed.pk,
        span,
        id=f"{first} + n",
        plan_id=f"{first} + n",
        process_id=f"'process-' || n % {PROCESSES}",
        merged_at="now() - n * interval '3 minutes'",
        package_version="n % 40 || '.' || n % 7",
        submitted_at="now() - n * interval '3 minutes'",
        updated_at="now() - n * interval '3 minutes'",
    )
    _multiply(
        ComponentMapping,
        people["mapping"].pk,
        counts["mappings"],
        dev_component_id="gen_random_uuid()::text",
        prod_component_id="gen_random_uuid()::text",
        name=_rarely("'Component ' || n % 90000 || ' of orders'", counts["mappings"]),
        last_promoted_at="now() - n * interval '20 seconds'",
    )
    _multiply(
        Event,
        deployed.events.first().pk,
        counts["events"],
        promotion_id=f"{first + 1} + n % {span}",
        at="now() - n * interval '7 seconds'",
        subject="'Component ' || n % 90000",
        note=_rarely("'Changed for ticket ' || n % 700000", counts["events"]),
    )
    _multiply(
        ApiCall,
        deployed.api_calls.first().pk,
        counts["API calls"],
        promotion_id=f"{first + 1} + n % {span}",
        at="now() - n * interval '2 seconds'",
        path=_rarely("'Component/' || gen_random_uuid()", counts["API calls"]),
        status="CASE WHEN n % 50 = 0 THEN 503 ELSE 200 END",
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return counts


def _rarely(text: str, rows: int) -> str:
    """Put the rare word before the text of as many rows as a page shows, however many there are."""
    return f"CASE WHEN n % {max(1, rows // PAGE)} = 0 THEN '{RARE} ' ELSE '' END || {text}"


def _multiply(model: Any, pk: int, count: int, **expressions: str) -> None:
    from django.db import connection

    table = model._meta.db_table
    columns = [
        field.column
        for field in model._meta.concrete_fields
        if not field.primary_key or field.column in expressions
    ]
    quoted = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(expressions.get(column, f't."{column}"') for column in columns)
    with connection.cursor() as cursor, _without_indexes(cursor, table):
        cursor.execute(
            f"INSERT INTO {table} ({quoted}) SELECT {values} "
            f"FROM {table} t, generate_series(1, {count}) n WHERE t.id = {pk}"
        )


@contextmanager
def _without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Millions of rows are sorted into an index at once far sooner than one by one; nor are their keys checked."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u', 'x'))",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    cursor.execute("SET session_replication_role = replica")
    yield
    cursor.execute("SET session_replication_role = origin")
    cursor.execute("SET maintenance_work_mem = '1GB'")
    for _, definition in indexes:
        cursor.execute(definition)


# --- Looks -----------------------------------------------------------------------------------


def _looks(people: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    from django.test import Client

    from promotions.models import PromotionRequest
    from promotions.plan.premises import Look, Moment, ask

    plan = people["waiting"].plan
    twin = people["mapping"].prod_component_id
    components = list(plan.components.all())

    def page(who: str, address: str) -> Callable[[], Any]:
        client = Client()
        client.force_login(people[who])

        def look() -> None:
            answer = client.get(address)
            assert answer.status_code in (200, 204), (address, answer.status_code)

        return look

    promotion = people["waiting"].get_absolute_url()
    opened = Client()
    opened.force_login(people["alice"])
    [poll] = re.findall(r'hx-get="([^"]*/progress/[^"]*)"', opened.get(promotion).content.decode())
    return {
        "home, admin": page("admin", "/"),
        "home, contributor": page("alice", "/"),
        "queue: waiting": page("admin", "/queue/"),
        "queue: recent": page("admin", "/queue/?tab=recent"),
        "promotions: mine": page("alice", "/promotions/"),
        "promotions: everybody's": page("alice", "/promotions/?show=all"),
        "promotions: search": page("alice", f"/promotions/?show=all&q={RARE}"),
        "promotion": page("alice", promotion),
        "promotion: poll, nothing new": page("alice", poll),
        "admin: mappings": page("admin", "/admin/promotions/componentmapping/"),
        "admin: mapping search": page("admin", f"/admin/promotions/componentmapping/?q={RARE}"),
        "admin: mapping by id": page("admin", f"/admin/promotions/componentmapping/?q={twin}"),
        "admin: promotions": page("admin", "/admin/promotions/promotionrequest/"),
        "admin: promotion search": page("admin", f"/admin/promotions/promotionrequest/?q={RARE}"),
        "admin: events": page("admin", "/admin/promotions/event/"),
        "admin: event search": page("admin", f"/admin/promotions/event/?q={RARE}"),
        "admin: API calls": page("admin", "/admin/promotions/apicall/"),
        "admin: API call search": page("admin", f"/admin/promotions/apicall/?q={RARE}"),
        "history: newest": page("admin", "/setup/history/"),
        "history: search": page("admin", f"/setup/history/?words={RARE}"),
        "plans: mine": page("alice", "/plans/mine/"),
        "plans: search": page("alice", f"/plans/mine/?q={RARE}"),
        "processes": page("admin", "/processes/"),
        "worker: mappings of a plan": lambda: list(ask(Look(Moment.SUBMISSION, plan, components))),
        "worker: merge turn": lambda: (
            PromotionRequest.objects.merging().first(),
            PromotionRequest.objects.going_into_packs(["Order processes"]).first(),
        ),
    }


@dataclass(frozen=True)
class Looks:
    """How often one was tried: seconds of each, and the queries of one."""

    seconds: list[float]
    queries: int

    @property
    def milliseconds(self) -> float:
        return median(self.seconds) * 1000

    def times(self, before: Looks) -> float:
        """How many times as long as before; of the quickest looks, which other work disturbs least."""
        return min(self.seconds) / min(before.seconds)


def _measure(people: dict[str, Any]) -> dict[str, Looks]:
    """Each look, after one that warms caches."""
    from django.db import connection

    found = {}
    for name, look in _looks(people).items():
        look()
        queries: list[str] = []

        def count(execute: Any, sql: str, *rest: Any, made: list[str] = queries) -> Any:
            made.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(count):
            look()
        times = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            look()
            times.append(time.perf_counter() - began)
        found[name] = Looks(times, len(queries))
    return found


def _table(empty: dict[str, Looks], full: dict[str, Looks]) -> str:
    lines = [f"{'look':32}{'empty':>10}{'full':>10}{'spread':>16}{'ratio':>8}{'queries':>9}"]
    for name, now in full.items():
        before = empty[name]
        spread = f"{min(now.seconds) * 1000:.1f} to {max(now.seconds) * 1000:.1f}"
        lines.append(
            f"{name:32}{before.milliseconds:7.1f} ms{now.milliseconds:7.1f} ms{spread:>16}"
            f"{now.times(before):8.1f}{now.queries:9}"
        )
    return "\n".join(lines) + "\n"


def _missed(empty: dict[str, Looks], full: dict[str, Looks]) -> Iterator[str]:
    """What is slower than wanted, or asks more often than on the first day."""
    for name, now in full.items():
        before = empty[name]
        if now.queries > before.queries:
            yield f"{name}: {before.queries} queries have become {now.queries}"
        if now.times(before) > WANTED_RATIO and now.milliseconds > NOISE_MS:
            yield f"{name}: {now.times(before):.1f} times as long"
        if now.milliseconds > WANTED_MS:
            yield f"{name}: {now.milliseconds:.0f} ms"


if __name__ == "__main__":
    main()
