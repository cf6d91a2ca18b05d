"""Seals: a chain over all events, which the database refuses to change or delete as it does events themselves."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

REFUSED = "A seal is never changed or deleted."

CREATE = {
    "sqlite": [
        f"CREATE TRIGGER seal_never_{name} BEFORE {what} ON promotions_seal "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        for name, what in (("changed", "UPDATE"), ("deleted", "DELETE"))
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_seal_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE ON promotions_seal "
        "FOR EACH ROW EXECUTE FUNCTION refuse_seal_change()",
    ],
}
DROP = {
    "sqlite": [
        "DROP TRIGGER IF EXISTS seal_never_changed",
        "DROP TRIGGER IF EXISTS seal_never_deleted",
    ],
    "postgresql": [
        "DROP TRIGGER IF EXISTS seal_append_only ON promotions_seal",
        "DROP FUNCTION IF EXISTS refuse_seal_change()",
    ],
}


def refuse(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ("promotions", "0008_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('position', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('hash_before', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.AddField(
            model_name='seal',
            name='event',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='seal', to='promotions.event'),
        ),
        migrations.RunPython(refuse, allow),
    ]
