"""Which production component is the twin of which dev component."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from .accounts import DevAccount
from .base import LONG_NAME, NAME


class ComponentMapping(models.Model):
    """A dev component and its one production twin."""

    class Source(models.TextChoices):
        ENGINE = "engine", "engine"
        ADMIN_SEEDING = "admin seeding", "admin seeding"

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="mappings")
    dev_component_id = models.CharField("dev component id", max_length=NAME)
    prod_component_id = models.CharField("production component id", max_length=NAME, db_index=True)
    name = models.CharField(max_length=LONG_NAME)
    component_type = models.CharField("type", max_length=64)
    prod_version = models.PositiveIntegerField("latest production version", null=True, blank=True)
    last_promoted_at = models.DateTimeField(null=True, blank=True)
    last_promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    source = models.CharField(max_length=16, choices=Source, default=Source.ADMIN_SEEDING)

    class Meta:
        ordering = ["dev_account", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "dev_component_id"], name="unique_mapping_of_dev_component"
            ),
            models.CheckConstraint(
                condition=~Q(dev_component_id="") & ~Q(prod_component_id=""),
                name="mapping_names_both_components",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.component_type})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Ids are the same in any letter case; one spelling lets the constraint see that.
        self.dev_component_id = self.dev_component_id.strip().lower()
        self.prod_component_id = self.prod_component_id.strip()
        super().save(*args, **kwargs)
