"""Who may try to sign in again: an address and a name at an address are locked, a name alone is slowed down."""

from __future__ import annotations

import time
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

LONGEST_PAUSE = (
    2.0  # seconds: long for who tries passwords by the thousand, short for who has mistyped one
)


def failures(request: HttpRequest, **who: Any) -> int:
    """Failed sign-ins within the cool-off time.

    :param who: columns of ``AccessAttempt``.
    """
    recent = AccessAttempt.objects.filter(attempt_time__gte=get_cool_off_threshold(request), **who)
    return recent.aggregate(all=Sum("failures_since_start"))["all"] or 0


class Handler(AxesDatabaseHandler):
    """Locks an address too, at a limit of its own: many people may share one."""

    def is_locked(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        if super().is_locked(request, credentials):
            return True
        address = request.axes_ip_address
        return failures(request, ip_address=address) >= settings.SIGN_IN_ADDRESS_LIMIT


class SlowedBackend:
    """Signs nobody in: it waits a little where a name has failed often, from whatever addresses."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **credentials: Any
    ) -> None:
        if request is None or not username or not hasattr(request, "axes_attempt_time"):
            return
        beyond = failures(request, username__iexact=username) - settings.AXES_FAILURE_LIMIT
        if beyond >= 0:
            time.sleep(min(LONGEST_PAUSE, 0.25 * 2 ** min(beyond, 10)))
