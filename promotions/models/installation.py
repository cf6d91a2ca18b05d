"""What identifies this installation, and the primary account that it works for."""

from __future__ import annotations

import hmac
import json
import secrets
from typing import Any

from django.conf import settings
from django.db import models

from ..encryption import decrypt, encrypt
from .base import NAME, Leased
from .querysets import LeasedQuerySet


class Installation(models.Model):
    """One row, created once, so that changing SECRET_KEY or CONTENT_KEYS affects nothing that depends on it."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    mark = models.CharField(
        max_length=8, help_text="Stands in the name of every branch that this installation makes."
    )
    encrypted_secret = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_installation"),
        ]

    def __str__(self) -> str:
        return self.mark

    @classmethod
    def load(cls) -> Installation:
        """The row, created on first use."""
        row, _ = cls.objects.get_or_create(
            pk=cls.ONLY,
            defaults={
                "mark": secrets.token_hex(4),
                "encrypted_secret": encrypt(secrets.token_bytes(32)),
            },
        )
        return row

    def key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, for keyed hashes that give no value away.

        :raises PromotionError: CONTENT_UNREADABLE when CONTENT_KEYS lacks the key that encrypted the secret.
        """
        secret = decrypt(bytes(self.encrypted_secret))
        return hmac.digest(secret, purpose.encode(), "sha256")

    def seal(self, purpose: str, covered: list[Any]) -> str:
        """Return a keyed hash, in hex, over what a row says: whoever can only write rows cannot make one.

        :param covered: what JSON can hold.
        :raises PromotionError: CONTENT_UNREADABLE, as ``key``.
        """
        data = json.dumps(covered, sort_keys=True).encode()
        return hmac.new(self.key(purpose), data, "sha256").hexdigest()


class PrimaryAccount(Leased):
    """The account that runs production. One row today, from the settings; several may follow later.

    Its hold applies to everybody: while the platform does not answer, or refuses the token, one worker asks for all.
    """

    account_id = models.CharField("account id", max_length=NAME, unique=True)
    refused_credentials = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Keyed hash of the credentials that the platform refused.",
    )

    objects = LeasedQuerySet["PrimaryAccount"].as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.account_id

    @classmethod
    def current(cls) -> PrimaryAccount:
        """The account that ``PARTNER_API_ACCOUNT`` names."""
        return cls.objects.get_or_create(account_id=settings.PARTNER_API_ACCOUNT)[0]


def current_primary_account() -> int:
    """The default of every foreign key to the primary account."""
    return int(PrimaryAccount.current().pk)
