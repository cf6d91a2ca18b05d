"""What each person has opened of the differences that are too long for one look."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from .installation import Installation


class Reading(models.Model):
    """Somebody opened a part of a difference: of this content, not of the component that has it now."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, help_text="The keyed hash of the difference.")
    part = models.PositiveIntegerField(help_text="Counted from 1.")
    at = models.DateTimeField(default=timezone.now)
    seal = models.CharField(max_length=64, blank=True, help_text="Keyed hash over the others.")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "digest", "part"], name="unique_reading")
        ]

    def __str__(self) -> str:
        return f"{self.person} opened part {self.part} of {self.digest[:10]}"

    def make_seal(self, installation: Installation) -> str:
        """Return the seal of this row as it stands.

        :raises PromotionError: CONTENT_UNREADABLE, as ``Installation.key``.
        """
        return installation.seal("reading", [self.person_id, self.digest, self.part])
