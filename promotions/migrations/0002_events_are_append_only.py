"""The database itself refuses to change or delete an event, whoever asks.

A later migration that alters the table makes SQLite copy it, without its triggers: run `refuse` after it again.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

REFUSED = "An event is never changed or deleted."

CREATE = {
    "sqlite": [
        f"CREATE TRIGGER event_never_{name} BEFORE {what} ON promotions_event "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        for name, what in (("changed", "UPDATE"), ("deleted", "DELETE"))
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON promotions_event "
        "FOR EACH ROW EXECUTE FUNCTION refuse_event_change()",
    ],
}
DROP = {
    "sqlite": [
        "DROP TRIGGER IF EXISTS event_never_changed",
        "DROP TRIGGER IF EXISTS event_never_deleted",
    ],
    "postgresql": [
        "DROP TRIGGER IF EXISTS event_append_only ON promotions_event",
        "DROP FUNCTION IF EXISTS refuse_event_change()",
    ],
}


def refuse(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("promotions", "0001_initial")]

    operations = [migrations.RunPython(refuse, allow)]
