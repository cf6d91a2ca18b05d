"""What has happened: people's and workers' events, and every call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from .base import LONG_NAME, NAME
from .plans import Plan
from .promotions import PromotionRequest

M = TypeVar("M", bound=models.Model)


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete a row of the history."""


class AppendOnlyQuerySet(models.QuerySet[M]):
    """Rows are added and read, nothing else; database triggers stop what bypasses this."""

    def update(self, **columns: Any) -> NoReturn:
        raise AppendOnlyError("The history is never changed.")

    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> NoReturn:
        raise AppendOnlyError("The history is never changed.")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("The history is never deleted.")


class AppendOnly(models.Model):
    """A row of the history: written once."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("The history is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("The history is never deleted.")


class Event(AppendOnly):
    """Append-only history: who did what, when, from which status to which, and why.

    Events name people only by key (``actor``, or a subject such as "person 7"), so that a name can be erased.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=LONG_NAME, blank=True)
    from_status = models.CharField(max_length=16, blank=True)
    to_status = models.CharField(max_length=16, blank=True)
    note = models.TextField(blank=True)

    objects = AppendOnlyQuerySet["Event"].as_manager()

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["action", "-at"], name="event_of_action")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}".strip()


class Seal(AppendOnly):
    """A link of the chain over all events: each hash covers its event and the hash before it."""

    position = models.PositiveBigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="seal")
    hash_before = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AppendOnlyQuerySet["Seal"].as_manager()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position}: {self.hash}"


class ApiCall(models.Model):
    """One attempt at one Partner API call. Never a secret, never a body."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, null=True, blank=True, related_name="api_calls"
    )
    plan = models.ForeignKey(
        Plan, on_delete=models.CASCADE, null=True, blank=True, related_name="api_calls"
    )
    operation = models.CharField(max_length=64)
    name = models.CharField(max_length=128)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=LONG_NAME)
    account = models.CharField(max_length=NAME, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = "API call"

    def __str__(self) -> str:
        return f"{self.operation} {self.name}: {self.status or self.error}"
