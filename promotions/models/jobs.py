"""What workers do once for a person beside promotions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from .base import NAME, Leased
from .querysets import LeasedQuerySet


class Job(Leased):
    """Something that a worker does once for a person beside promotions, and what came of it."""

    class Kind(models.TextChoices):
        ACCOUNTS = "accounts", "Synchronise accounts and environments"
        CONNECTION_CHECK = "connection_check", "Check the connection"
        ADOPTION = "adoption", "Look for production twins to adopt"
        LISTING = "listing", "List production components of a type"
        DRIFT = "drift", "Compare production with what was promoted"

    kind = models.CharField(max_length=32, choices=Kind)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    argument = models.CharField(max_length=NAME, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress = models.CharField(max_length=NAME, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    objects = LeasedQuerySet["Job"].as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.get_kind_display()
