"""Indexes for the lists of plans and of processes."""

from __future__ import annotations

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q

INDEX = "plan_package_version_trigrams"


def search_versions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """As for names, see 0007: a search of plans looks for both, and an OR needs an index for each."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        has_trigrams = cursor.fetchone() is not None
    if has_trigrams:
        schema_editor.execute(
            f"CREATE INDEX {INDEX} ON promotions_plan "
            'USING gin ((UPPER("package_version"::text)) gin_trgm_ops)'
        )


def read_versions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {INDEX}")


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0034_readings_of_a_change_by_hand"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="plan",
            index=models.Index(
                fields=["requested_by", "-created_at", "-id"], name="plan_of_person"
            ),
        ),
        migrations.AddIndex(
            model_name="promotionrequest",
            index=models.Index(
                condition=Q(merged_at__isnull=False) & ~(Q(process_id="") | Q(kind="deployment")),
                fields=["process_id", "-merged_at", "-id"],
                name="promotion_versions",
            ),
        ),
        migrations.RunPython(search_versions, read_versions),
    ]
