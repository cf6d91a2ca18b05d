"""Approvals get a seal. Those of before are sealed as they stand at the upgrade."""

from __future__ import annotations

import hmac
import json
from datetime import UTC

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from promotions.encryption import decrypt


def seal(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    approvals = apps.get_model("promotions", "Approval").objects
    if not approvals.exists():
        return
    installation = apps.get_model("promotions", "Installation").objects.get()
    key = hmac.digest(decrypt(bytes(installation.encrypted_secret)), b"approval", "sha256")
    for row in approvals.all():
        until = row.until.astimezone(UTC).isoformat() if row.until else ""
        at = row.at.astimezone(UTC).isoformat()
        covered = [
            *(row.promotion_id, row.person_id, row.role, row.in_place_of_id),
            *(row.approved_hash, at, until),
        ]
        made = hmac.new(key, json.dumps(covered).encode(), "sha256").hexdigest()
        approvals.filter(pk=row.pk).update(seal=made)


class Migration(migrations.Migration):
    dependencies = [("promotions", "0009_seals")]

    operations = [
        migrations.AddField(
            model_name="approval",
            name="seal",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="Keyed hash over who said yes to what and until when: nobody writes one with SQL.",
                max_length=64,
            ),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]
