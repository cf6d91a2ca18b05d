"""What components use, as the platform has reported it."""

from __future__ import annotations

from django.db import models

from .accounts import DevAccount
from .base import NAME


class ComponentUses(models.Model):
    """What one version of a dev component uses (operation 4). A version never changes, so it is asked only once."""

    dev_account = models.ForeignKey(DevAccount, on_delete=models.CASCADE, related_name="+")
    component_id = models.CharField(max_length=NAME, help_text="In lower case.")
    version = models.PositiveIntegerField()
    references = models.JSONField(help_text="Pairs of id and DEPENDENT or INDEPENDENT.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "component_id", "version"], name="unique_uses_of_version"
            )
        ]

    def __str__(self) -> str:
        return f"What {self.component_id} uses at version {self.version}"
