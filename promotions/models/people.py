"""Who somebody is at the organisation's identity provider."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from .base import LONG_NAME, NAME


class Identity(models.Model):
    """A person at an OpenID provider, by the two claims that never change, and their account here.

    Names and e-mail addresses may pass to other people in time; issuer and subject do not.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities"
    )
    issuer = models.CharField(max_length=NAME)
    subject = models.CharField(max_length=NAME)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    signed_in_at = models.DateTimeField("last sign-in", null=True, blank=True, editable=False)

    class Meta:
        ordering = ["issuer", "subject"]
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="unique_identity")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"[:LONG_NAME]


class GivenPermission(models.Model):
    """A permission that the group of admins was granted once, whether or not they still have it.

    An update grants what is new in it, and nothing that somebody has taken from the group.
    """

    codename = models.CharField(max_length=NAME, unique=True)

    class Meta:
        ordering = ["codename"]

    def __str__(self) -> str:
        return self.codename
