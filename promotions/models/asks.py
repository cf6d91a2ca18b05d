"""Questions to the admins, and what came of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .base import LONG_NAME, NAME
from .plans import Finding, Plan


class Ask(models.Model):
    """Somebody needs an admin to settle a finding: to add a mapping, accept a finding or adopt a twin."""

    class Kind(models.TextChoices):
        MAPPING = "mapping", "Add a mapping"
        TWIN = "twin", "Adopt a twin"
        ACCEPTANCE = "acceptance", "Accept a finding"

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        DECLINED = "declined", "Declined"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="asks")
    finding = models.ForeignKey(
        Finding, on_delete=models.SET_NULL, null=True, blank=True, related_name="asks"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    code = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=NAME, blank=True)
    subject_name = models.CharField(max_length=LONG_NAME, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="asks"
    )
    words = models.TextField(blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_event = models.OneToOneField(
        "promotions.Event",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="answered_ask",
        help_text="Tells the asker.",
    )

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["finding"], condition=Q(outcome=""), name="one_open_ask_of_finding"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="declined") | ~Q(answer=""), name="declined_ask_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject_name or self.subject_id}"
