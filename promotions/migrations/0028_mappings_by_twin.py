"""Mappings are found by their ids: whole in any letter case, or from their beginning in the admin pages."""

from __future__ import annotations

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Upper

TABLE = "promotions_componentmapping"
COLUMNS = ("dev_component_id", "prod_component_id")


def search_from_the_beginning(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Nobody looks for the middle of an id, and trigrams of random ids are costly to keep."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for column in COLUMNS:
        schema_editor.execute(f"DROP INDEX IF EXISTS componentmapping_{column}_trigrams")
        # The expression is the one that Django's istartswith asks for.
        schema_editor.execute(
            f"CREATE INDEX componentmapping_{column}_prefix ON {TABLE} "
            f'(UPPER("{column}"::text) text_pattern_ops)'
        )


def search_in_the_middle(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for column in COLUMNS:
        schema_editor.execute(f"DROP INDEX IF EXISTS componentmapping_{column}_prefix")


class Migration(migrations.Migration):

    dependencies = [
        ("promotions", "0027_seal_of_a_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='componentmapping',
            name='prod_component_id',
            field=models.CharField(max_length=255, verbose_name='production component id'),
        ),
        migrations.AddIndex(
            model_name='componentmapping',
            index=models.Index(Upper('prod_component_id'), name='mapping_of_twin'),
        ),
        migrations.RunPython(search_from_the_beginning, search_in_the_middle),
    ]
