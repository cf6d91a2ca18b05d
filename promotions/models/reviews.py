"""What reviewers mark as viewed, and what people say about a promotion."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .plans import PlannedComponent
from .promotions import PromotionRequest


class Viewed(models.Model):
    """A reviewer has looked at this change: at its content, whichever promotion brings it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, help_text="Over all that the page shows of it.")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name_plural = "viewed"
        constraints = [
            models.UniqueConstraint(fields=["person", "digest"], name="unique_mark_of_viewer")
        ]

    def __str__(self) -> str:
        return f"{self.person} viewed {self.digest[:10]}"


class Comment(models.Model):
    """What a person says about a promotion, one of its components, or one place in it."""

    class Place(models.TextChoices):
        AFTER = "after", "Line after"
        BEFORE = "before", "Line before"
        CHANGE = "change", "Change"

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="comments"
    )
    component = models.ForeignKey(
        PlannedComponent, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    place = models.CharField(max_length=8, choices=Place, blank=True)
    line = models.PositiveIntegerField(
        null=True, blank=True, help_text="The number of the line, or of the change."
    )
    digest = models.CharField(
        max_length=64, blank=True, help_text="Over all that the page showed of the component."
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers"
    )
    is_private = models.BooleanField(default=False, help_text="A note among reviewers.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="comment_says_something"),
            models.CheckConstraint(
                condition=Q(place="", line__isnull=True)
                | (~Q(place="") & Q(line__gt=0, component__isnull=False)),
                name="line_of_a_comment_is_a_components",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author} on {self.where}"

    @property
    def where(self) -> str:
        """What it is about, in words."""
        if self.component is None:
            return "the promotion"
        if not self.place:
            return f"“{self.component.name}”"
        return f"“{self.component.name}”, {self.get_place_display().lower()} {self.line}"
