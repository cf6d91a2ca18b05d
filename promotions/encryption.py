"""Encryption at rest: what the database keeps of components is readable only with ``CONTENT_KEYS``.

The first key encrypts; every key of the list decrypts, so that a new key can be put in front of the old ones.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from .messages import PromotionError


def encrypt(content: bytes) -> bytes:
    """Encrypt content with the newest key."""
    return _keys().encrypt(content)


def decrypt(token: bytes) -> bytes:
    """Undo ``encrypt``.

    :raises PromotionError: CONTENT_UNREADABLE when no key of ``CONTENT_KEYS`` fits.
    """
    try:
        return _keys().decrypt(token)
    except InvalidToken as error:
        raise PromotionError("CONTENT_UNREADABLE") from error


def rotate(token: bytes) -> bytes:
    """Encrypt content again with the newest key.

    :raises PromotionError: CONTENT_UNREADABLE when no key of ``CONTENT_KEYS`` fits.
    """
    try:
        return _keys().rotate(token)
    except InvalidToken as error:
        raise PromotionError("CONTENT_UNREADABLE") from error


def _keys() -> MultiFernet:
    """Any long random text serves as a key: it is hashed to the length that Fernet needs."""
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
        for key in settings.CONTENT_KEYS
    )
