"""Indexes that answer a search for a part of a name on PostgreSQL; SQLite reads all rows, of which it has few.

They need the extension pg_trgm, which every PostgreSQL brings and a database's owner may switch on. Where it is not
there, search works and is slow: switch it on, take this migration back and apply it again.
"""

from __future__ import annotations

import logging

from django.apps.registry import Apps
from django.db import DatabaseError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

logger = logging.getLogger(__name__)

# Table, columns that are searched.
SEARCHED = {
    "promotions_plan": ["root_name"],
    "promotions_promotionrequest": ["package_version"],
    "promotions_componentmapping": ["name", "dev_component_id", "prod_component_id"],
    "promotions_event": ["subject", "note"],
    "promotions_apicall": ["path"],
}


def _indexes() -> list[tuple[str, str, str]]:
    return [
        (f"{table.removeprefix('promotions_')}_{column}_trigrams", table, column)
        for table, columns in SEARCHED.items()
        for column in columns
    ]


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning("Search will be slow: pg_trgm cannot be switched on (%s).", error)
        return
    for name, table, column in _indexes():
        # The expression is the one that Django's icontains asks for.
        schema_editor.execute(
            f'CREATE INDEX {name} ON {table} USING gin ((UPPER("{column}"::text)) gin_trgm_ops)'
        )


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, _, _ in _indexes():
        schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("promotions", "0006_comments_and_viewed_marks")]

    operations = [migrations.RunPython(make, drop)]
