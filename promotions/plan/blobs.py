"""Content stored once by its hash."""

from __future__ import annotations

import hashlib
import zlib

from ..models import Blob


def store(content: bytes) -> Blob:
    """Keep content, compressed; the same content is kept once."""
    digest = hashlib.sha256(content).hexdigest()
    blob, _ = Blob.objects.get_or_create(
        digest=digest, defaults={"compressed": zlib.compress(content, 6), "size": len(content)}
    )
    return blob
