"""Promotions and readings get a seal. Those of before are sealed as they stand at the upgrade."""

from __future__ import annotations

import hmac
import json
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from promotions.encryption import decrypt

COVERED = {
    "PromotionRequest": (b"promotion", ("pk", "requester_id", "demand")),
    "Reading": (b"reading", ("person_id", "digest", "part")),
}


def seal(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    installation = apps.get_model("promotions", "Installation").objects.first()
    for model, (purpose, names) in COVERED.items():
        rows = apps.get_model("promotions", model).objects.order_by("pk")
        if installation is None or not rows.exists():
            continue
        key = hmac.digest(decrypt(bytes(installation.encrypted_secret)), purpose, "sha256")
        batch: list[Any] = []
        for row in rows.only(*names).iterator(chunk_size=500):
            covered = json.dumps([getattr(row, name) for name in names], sort_keys=True)
            row.seal = hmac.new(key, covered.encode(), "sha256").hexdigest()
            batch.append(row)
        rows.bulk_update(batch, ["seal"], batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('promotions', '0030_permissions_of_the_admins'),
    ]

    operations = [
        migrations.AddField(
            model_name='promotionrequest',
            name='seal',
            field=models.CharField(blank=True, editable=False, help_text='Keyed hash over who has requested it and whose approvals it needs.', max_length=64),
        ),
        migrations.AddField(
            model_name='reading',
            name='seal',
            field=models.CharField(blank=True, help_text='Keyed hash over the others.', max_length=64),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]
