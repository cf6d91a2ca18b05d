"""Stores content, each only once."""

from __future__ import annotations

import hmac
import zlib

from django.utils import timezone

from ..encryption import encrypt
from ..models import Content, Installation


def store(content: bytes) -> Content:
    """Store content, compressed and encrypted; equal content is stored only once.

    :raises PromotionError: CONTENT_UNREADABLE when CONTENT_KEYS does not fit this database.
    """
    digest = hmac.new(Installation.load().key("content"), content, "sha256").hexdigest()
    row, made = Content.objects.get_or_create(
        digest=digest,
        defaults={"encrypted": encrypt(zlib.compress(content, 6)), "size": len(content)},
    )
    if not made:
        # Its time to live starts over: somebody is about to refer to it.
        Content.objects.filter(pk=digest).update(stored_at=timezone.now())
    return row
