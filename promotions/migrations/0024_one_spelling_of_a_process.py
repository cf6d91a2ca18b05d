"""Production ids are the same in any letter case: what belongs to one process is found by one spelling."""

from typing import Any

from django.db import migrations, models
from django.db.models.functions import Lower


def lower(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("promotions", "PromotionRequest")._default_manager
    rows.update(process_id=Lower("process_id"))


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0023_ask_answer"),
    ]

    operations = [
        migrations.AlterField(
            model_name="promotionrequest",
            name="process_id",
            field=models.CharField(
                blank=True,
                db_index=True,
                editable=False,
                help_text="The production component that it packages, in lower case; empty as long as there is none.",
                max_length=255,
            ),
        ),
        migrations.RunPython(lower, migrations.RunPython.noop),
    ]
