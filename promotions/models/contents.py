"""What is kept of components: differences, prepared documents."""

from __future__ import annotations

import zlib

from django.db import models
from django.utils import timezone

from ..encryption import decrypt


class Content(models.Model):
    """Content by its keyed hash, compressed and encrypted: written once by a worker, read by pages and workers.

    Rows that point to it keep it alive; content without such rows is removed after a while.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    encrypted = models.BinaryField()
    size = models.PositiveIntegerField(help_text="Bytes before compression.")
    stored_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.digest

    @property
    def content(self) -> bytes:
        """:raises PromotionError: CONTENT_UNREADABLE when no key of CONTENT_KEYS fits."""
        return zlib.decompress(decrypt(bytes(self.encrypted)))
