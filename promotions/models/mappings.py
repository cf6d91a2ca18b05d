"""Which production component is the twin of which dev component."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from .accounts import DevAccount
from .base import LONG_NAME, NAME
from .contents import Content
from .plans import PlannedComponent
from .querysets import ComponentMappingQuerySet


class ComponentMapping(models.Model):
    """A dev component and its one production twin."""

    class Source(models.TextChoices):
        ENGINE = "engine", "engine"
        ADMIN_SEEDING = "admin seeding", "admin seeding"

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="mappings")
    dev_component_id = models.CharField("dev component id", max_length=NAME)
    prod_component_id = models.CharField("production component id", max_length=NAME)
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
    promoted_dev_version = models.PositiveIntegerField(null=True, blank=True, editable=False)
    promoted_digest = models.CharField(
        max_length=NAME,
        blank=True,
        editable=False,
        help_text="Hash over what was promoted last, without the values of environments.",
    )
    promoted_text = models.ForeignKey(
        Content, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    source = models.CharField(max_length=16, choices=Source, default=Source.ADMIN_SEEDING)

    objects = ComponentMappingQuerySet["ComponentMapping"].as_manager()

    class Meta:
        ordering = ["dev_account", "name", "pk"]
        indexes = [models.Index(Upper("prod_component_id"), name="mapping_of_twin")]
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

    def clean(self) -> None:
        """Refuse what a plan could not be made with, as far as it is known here.

        :raises ValidationError: another dev component of the account has this twin, or the twin is of another type.
        """
        dev_id = self.dev_component_id.strip().lower()
        others = ComponentMapping.objects.of_twins([self.prod_component_id.strip()]).exclude(
            dev_account=self.dev_account_id, dev_component_id=dev_id
        )
        if self.pk is not None:
            others = others.exclude(pk=self.pk)
        writer = others.filter(dev_account=self.dev_account_id).first()
        if writer is not None:
            raise ValidationError(
                {
                    "prod_component_id": f"This is the twin of “{writer.name}” ({writer.dev_component_id}) of the "
                    "same account already. Two components cannot write one twin."
                }
            )
        own = _type_known(dev_id) or self.component_type
        for other in others.select_related("dev_account"):
            its = _type_known(other.dev_component_id) or other.component_type
            if its != own:
                raise ValidationError(
                    {
                        "prod_component_id": f"“{other.name}” of “{other.dev_account}” is mapped to this component as "
                        f"{its}; this one is {own}."
                    }
                )


def _type_known(dev_component_id: str) -> str:
    """The type of a dev component, if a plan has met it."""
    row = PlannedComponent.objects.filter(dev_component_id=dev_component_id).order_by("-pk").first()
    return row.component_type if row is not None else ""
