"""What people have done after a deployment."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from .promotions import PromotionRequest


class DoneTask(models.Model):
    """Somebody says that a task is done which a deployment leaves for people."""

    class Task(models.TextChoices):
        VALUES = "values", "Fill in the values that did not travel"
        EXTENSIONS = "extensions", "Set the environment extensions"
        SCHEDULES = "schedules", "Check the schedules"
        LISTENERS = "listeners", "Check the listeners"

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="done_tasks"
    )
    task = models.CharField(max_length=16, choices=Task)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["promotion", "task"], name="unique_done_task")
        ]

    def __str__(self) -> str:
        return f"{self.get_task_display()}: {self.person}"
