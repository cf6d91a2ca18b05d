"""Asking the platform again before its pause is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import access
from ..transitions import record_event
from ..worker import platform
from .guards import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def ask_platform_again(user: User) -> None:
    """Ask at once whether the platform answers, even with credentials it has refused; waiting work then continues.

    :raises PromotionError: FORBIDDEN when the user is not an admin.
    """
    if not access.is_admin(user):
        refuse(user, "ask the platform again")
    if platform.ask_now():
        record_event("platform_asked_again", actor=user)
