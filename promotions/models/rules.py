"""A team's own rules for what is stripped."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .base import LONG_NAME, NAME


class RuleOverride(models.Model):
    """What to do with the values of one path or one property, whatever the rules say.

    Values that the platform marks as secret, masks and passwords are emptied anyway. Plans from before a change have to
    be made again.
    """

    class Decision(models.TextChoices):
        LEAVE = "leave", "Promote the dev account's value"
        EMPTY = "empty", "Empty it, or keep production's"

    decision = models.CharField(max_length=8, choices=Decision)
    path = models.CharField(
        max_length=LONG_NAME,
        blank=True,
        help_text="A place as plans show it; * stands for anything within a step, ** for any steps.",
    )
    name = models.CharField(
        "property, field or header",
        max_length=NAME,
        blank=True,
        help_text="Its name, in any letter case: DPP_BASE_URL. Give this or a path.",
    )
    component_type = models.CharField(
        max_length=64, blank=True, help_text="Only in components of this type, such as process."
    )
    reason = models.TextField()
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["path", "name", "component_type", "pk"]
        verbose_name = "rule override"
        constraints = [
            models.CheckConstraint(
                condition=(Q(path="") & ~Q(name="")) | (~Q(path="") & Q(name="")),
                name="override_names_a_path_or_a_property",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_a_reason"),
            models.UniqueConstraint(
                fields=["path", "name", "component_type"],
                condition=Q(is_active=True),
                name="one_active_override_of_a_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.path or self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.component_type = self.component_type.strip()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Require exactly one of path and name, and trim it.

        :raises ValidationError: otherwise.
        """
        self.path, self.name = self.path.strip(), self.name.strip()
        if bool(self.path) == bool(self.name):
            raise ValidationError("Give either a path or the name of a property.")
