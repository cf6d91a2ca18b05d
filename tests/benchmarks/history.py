"""Pages over years of history: `python -m tests.benchmarks.history [--scale 0.1]`.

Each page is timed on a PostgreSQL that fills one page, and again on one that holds 200,000 promotions, 2 million
mappings, 5 million events and 3 million API calls (times the scale). The ratio of the two says whether a page grows
with history.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from tests.services import postgres_server

PROMOTIONS, MAPPINGS, EVENTS, CALLS = 200_000, 2_000_000, 5_000_000, 3_000_000
LOOKS = 15
# Promotions in the almost empty database: what a page shows, so that both draw as many rows.
PAGE = 100


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
        root_name="'Process ' || n % 5000 || ' import'",
        created_at="now() - n * interval '3 minutes'",
    )
    _multiply(
        PromotionRequest,
        deployed.pk,
        span,
        id=f"{first} + n",
        plan_id=f"{first} + n",
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
        name="'Component ' || n % 90000 || ' of orders'",
        last_promoted_at="now() - n * interval '20 seconds'",
    )
    _multiply(
        Event,
        deployed.events.first().pk,
        counts["events"],
        promotion_id=f"{first + 1} + n % {span}",
        at="now() - n * interval '7 seconds'",
        subject="'Component ' || n % 90000",
        note="'Changed for ticket ' || n % 700000",
    )
    _multiply(
        ApiCall,
        deployed.api_calls.first().pk,
        counts["API calls"],
        promotion_id=f"{first + 1} + n % {span}",
        at="now() - n * interval '2 seconds'",
        path="'Component/' || gen_random_uuid()",
        status="CASE WHEN n % 50 = 0 THEN 503 ELSE 200 END",
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return counts


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
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({quoted}) SELECT {values} "
            f"FROM {table} t, generate_series(1, {count}) n WHERE t.id = {pk}"
        )


# --- Looks -----------------------------------------------------------------------------------


def _looks(people: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    from django.test import Client

    from promotions.models import PromotionRequest

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
        "promotions: search": page("alice", "/promotions/?show=all&q=Process+4711"),
        "promotion": page("alice", promotion),
        "promotion: poll, nothing new": page("alice", poll),
        "admin: mappings": page("admin", "/admin/promotions/componentmapping/"),
        "admin: mapping search": page("admin", "/admin/promotions/componentmapping/?q=4711"),
        "admin: promotions": page("admin", "/admin/promotions/promotionrequest/"),
        "admin: promotion search": page("admin", "/admin/promotions/promotionrequest/?q=4711"),
        "admin: events": page("admin", "/admin/promotions/event/"),
        "admin: event search": page("admin", "/admin/promotions/event/?q=4711"),
        "admin: API calls": page("admin", "/admin/promotions/apicall/"),
        "admin: API call search": page("admin", "/admin/promotions/apicall/?q=4711"),
        "worker: merge turn": lambda: (
            PromotionRequest.objects.merging().first(),
            PromotionRequest.objects.going_into_pack("Order processes").first(),
        ),
    }


def _measure(people: dict[str, Any]) -> dict[str, list[float]]:
    """Seconds of each look, after one that warms caches."""
    found = {}
    for name, look in _looks(people).items():
        look()
        times = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            look()
            times.append(time.perf_counter() - began)
        found[name] = times
    return found


def _table(empty: dict[str, list[float]], full: dict[str, list[float]]) -> str:
    lines = [f"{'look':32}{'empty':>10}{'full':>10}{'ratio':>8}"]
    for name, times in full.items():
        before, now = median(empty[name]), median(times)
        lines.append(f"{name:32}{before * 1000:7.1f} ms{now * 1000:7.1f} ms{now / before:8.1f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
