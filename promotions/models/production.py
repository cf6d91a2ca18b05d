"""What the primary account holds besides components: environments, Integration Packs and their releases."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from .base import NAME
from .installation import PrimaryAccount, current_primary_account
from .querysets import EnvironmentQuerySet, IntegrationPackQuerySet


class Environment(models.Model):
    """An environment of the primary account that a promotion may deploy to."""

    class Classification(models.TextChoices):
        TEST = "TEST", "Test"
        PROD = "PROD", "Production"

    primary_account = models.ForeignKey(
        PrimaryAccount,
        on_delete=models.PROTECT,
        related_name="+",
        default=current_primary_account,
        editable=False,
    )
    environment_id = models.CharField("environment id", max_length=NAME, unique=True)
    name = models.CharField(max_length=NAME)
    classification = models.CharField(max_length=8, choices=Classification)
    is_active = models.BooleanField("active", default=True)

    objects = EnvironmentQuerySet["Environment"].as_manager()

    class Meta:
        ordering = ["classification", "name"]

    def __str__(self) -> str:
        return self.name


class IntegrationPack(models.Model):
    """An Integration Pack of the primary account, as last synchronised."""

    class Purpose(models.TextChoices):
        PRODUCTION = "production", "Production"
        TEST = "test", "Test"

    primary_account = models.ForeignKey(
        PrimaryAccount,
        on_delete=models.PROTECT,
        related_name="+",
        default=current_primary_account,
        editable=False,
    )
    pack_id = models.CharField("pack id", max_length=NAME, unique=True)
    name = models.CharField(max_length=NAME)
    description = models.TextField(blank=True)
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.PRODUCTION)
    is_active = models.BooleanField("active", default=True)
    synchronised_at = models.DateTimeField(null=True, blank=True)
    reaches = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="Ids of our own environments that a release reaches by itself; null: the platform does not tell.",
    )

    objects = IntegrationPackQuerySet["IntegrationPack"].as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class PackRelease(models.Model):
    """Which production process was last released in which pack, so that the right pack can be suggested."""

    pack = models.ForeignKey(IntegrationPack, on_delete=models.CASCADE, related_name="releases")
    prod_component_id = models.CharField(max_length=NAME, db_index=True)
    package_version = models.CharField(max_length=NAME)
    released_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["pack", "prod_component_id"], name="unique_release_of_component_in_pack"
            )
        ]

    def __str__(self) -> str:
        return f"{self.prod_component_id} in {self.pack}"
