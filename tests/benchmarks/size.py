"""How large 1,000 promotions are: `python -m tests.benchmarks.size [--promotions 1000]`.

One promotion of 30 components goes through the whole stack, and all rows that it leaves are copied within PostgreSQL:
ten promotions of each process, all of them long ago. Then what has been kept long enough is removed, as the nightly
task does it. Rows and bytes of each table, with its indexes, are told before and after.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.conditions import Row, tell
from tests.benchmarks.crowd import ACCOUNTS, Requester, carry
from tests.benchmarks.desk import people, stack
from tests.benchmarks.family import plant

PROMOTIONS, COMPONENTS, VERSIONS = 1000, 30, 10
AGO = "400 days"
# Between the keys of one copy and of the next.
STRIDE = 1_000_000
# What promotions have in common.
SHARED = ("Installation", "PrimaryAccount", "IntegrationPack", "Environment", "PackageListing")
# What tells a component or a process of one copy from those of another one.
IDS = ("dev_component_id", "prod_component_id", "process_id")


@dataclass(frozen=True)
class Table:
    rows: int
    bytes: int


Tables = dict[str, Table]


def measure(promotions: int = PROMOTIONS) -> tuple[Tables, Tables]:
    """The tables of so many promotions, before and after what is outdated is removed."""
    with stack("published") as api:
        desk = people()
        before = _newest()
        package = plant(api, "Size", COMPONENTS, account=ACCOUNTS[0]).package()
        carry([Requester(desk, desk.orders, package, "Size")], time.monotonic())
        _copy(before, promotions)
        full = _tables()
        _remove()
        return full, _tables()


def _models() -> list[Any]:
    from django.apps import apps

    config = apps.get_app_config("promotions")
    models = config.get_models(include_auto_created=True)
    return [model for model in models if model.__name__ not in SHARED]


def _newest() -> dict[Any, set[Any]]:
    """The keys that each table has."""
    return {model: set(model._default_manager.values_list("pk", flat=True)) for model in _models()}


def _copy(before: dict[Any, set[Any]], promotions: int) -> None:
    """Copy every row that has come since."""
    from django.db import connection

    new = {
        model: list(model._default_manager.exclude(pk__in=known).values_list("pk", flat=True))
        for model, known in before.items()
    }
    with connection.cursor() as cursor, _unchecked(cursor):
        for model, keys in new.items():
            if keys:
                columns = model._meta.concrete_fields
                values = ", ".join(_copied(field, new) for field in columns)
                names = ", ".join(f'"{field.column}"' for field in columns)
                cursor.execute(
                    f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} '
                    f'FROM "{model._meta.db_table}" t, generate_series(1, {promotions - 1}) n '
                    f'WHERE t."{model._meta.pk.column}" = ANY(%s) ON CONFLICT DO NOTHING',
                    [keys],
                )


def _copied(field: Any, new: dict[Any, list[Any]]) -> str:
    """The expression for a column of copy n."""
    from django.db import models

    column = f't."{field.column}"'
    target = field
    if field.remote_field is not None:
        keys = new.get(field.remote_field.model, [])
        if not keys:
            return column
        target = field.remote_field.model._meta.pk
        listed = ", ".join(f"'{key}'" for key in keys)
        return f"CASE WHEN {column} IN ({listed}) THEN {_key(column, target)} ELSE {column} END"
    if field.primary_key or field.unique:
        return _key(column, target)
    if field.column in IDS:
        return f"CASE {column} WHEN '' THEN '' ELSE {column} || '-' || n / {VERSIONS} END"
    if isinstance(field, models.DateTimeField):
        return f"{column} - interval '{AGO}'"
    return column


def _key(column: str, field: Any) -> str:
    from django.db import models

    if isinstance(field, models.CharField):
        return f"md5({column} || n) || md5(n || {column})"
    return f"{column} + n * {STRIDE}"


@contextmanager
def _unchecked(cursor: Any) -> Iterator[None]:
    """Without triggers, and with them the checks of foreign keys."""
    cursor.execute("SET session_replication_role = replica")
    yield
    cursor.execute("SET session_replication_role = origin")


def _remove() -> None:
    from promotions.worker.retention import remove_outdated

    while remove_outdated():
        pass


def _tables() -> Tables:
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL")
        for model in _models():
            table = model._meta.db_table
            cursor.execute(
                f'SELECT COUNT(*), pg_total_relation_size(%s) FROM "{table}"',
                [f'"{table}"'],
            )
            found[table.removeprefix("promotions_")] = Table(*cursor.fetchone())
    return found


def _whole(tables: Tables) -> Table:
    return Table(
        sum(table.rows for table in tables.values()), sum(table.bytes for table in tables.values())
    )


def rows(promotions: int, full: Table, left: Table) -> list[Row]:
    """For the table of `make bench`."""
    named = f"size of {promotions:,} promotions of {COMPONENTS}"
    return [
        (named, f"{full.bytes / 1e6:.0f} MB", "", "", f"{full.rows:,} rows"),
        (f"{named}: after retention", f"{left.bytes / 1e6:.0f} MB", "", "", f"{left.rows:,} rows"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--promotions", type=int, default=PROMOTIONS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    full, left = measure(options.promotions)
    tell(rows(options.promotions, _whole(full), _whole(left)), as_json=options.json)
    if options.json:
        return
    sys.stdout.write(f"{'table':24}{'rows':>12}{'MB':>9}{'rows left':>14}{'MB left':>9}\n")
    for name in sorted(full, key=lambda name: full[name].bytes):
        before, now = full[name], left[name]
        if before.rows > 1:
            sys.stdout.write(
                f"{name:24}{before.rows:12,}{before.bytes / 1e6:9.1f}"
                f"{now.rows:14,}{now.bytes / 1e6:9.1f}\n"
            )


if __name__ == "__main__":
    main()
