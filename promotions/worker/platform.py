"""Whether the platform answers: what one worker finds out counts for all.

While the platform is away, or refuses the credentials, everything that would call it waits, and one worker at a time
asks again. After a refusal, only that one question is sent with the same credentials, with growing pauses; it is sent
at once when the credentials change or an admin asks for it.
"""

from __future__ import annotations

import hmac
import logging

from django.conf import settings
from django.utils import timezone

from partnerapi.errors import AuthFailed, PartnerApiError

from ..models import (
    Installation,
    PackageListing,
    Plan,
    PrimaryAccount,
    PromotionBranch,
    PromotionRequest,
)
from ..partner import token
from ..states import HoldKind
from ..transitions import record_event
from .timing import PLATFORM_WAITS, after

logger = logging.getLogger(__name__)

# What waits until the platform answers.
WAITING = (PromotionRequest, PromotionBranch, Plan, PackageListing)


def closed() -> PrimaryAccount | None:
    """The primary account, while nobody may call the platform except to ask whether it answers; otherwise None."""
    account = PrimaryAccount.current()
    return account if account.hold_kind == HoldKind.PLATFORM else None


def suspect(error: PartnerApiError) -> None:
    """A call met trouble. A refused token concerns everybody at once; for other trouble, a worker finds out first."""
    account = PrimaryAccount.current()
    if account.hold_kind:
        return
    rows = PrimaryAccount.objects.filter(pk=account.pk, hold_kind="")
    if isinstance(error, AuthFailed):
        held = rows.update(
            hold_kind=HoldKind.PLATFORM,
            hold_since=timezone.now(),
            hold_tries=1,
            hold_code=error.code,
            hold_words=error.message,
            refused_credentials=credentials(),
            next_attempt_at=after(PLATFORM_WAITS[0]),
        )
        if held:
            tell_away(error)
    elif not getattr(error, "retry_after", None):
        rows.filter(next_attempt_at__isnull=True).update(next_attempt_at=timezone.now())


def tell_away(error: PartnerApiError) -> None:
    """Record, for the admins to be told, that from now on everything waits."""
    record_event("platform_away", note=f"{error.code}: {error.message}")


def ask_now() -> bool:
    """Ask at the next tick, whatever the pause: an admin wants it, or the credentials have changed.

    :returns: False when nothing waits.
    """
    asked = 0
    for model in (PrimaryAccount, *WAITING):
        asked += model._default_manager.filter(hold_kind=HoldKind.PLATFORM).update(
            next_attempt_at=timezone.now(), hold_until=None, enqueued_at=None
        )
    return bool(asked)


def notice_new_credentials() -> None:
    """On every tick, check whether the refused credentials are still the ones in use."""
    account = closed()
    if account is None or not account.refused_credentials:
        return
    if account.refused_credentials != credentials():
        logger.info("The credentials have changed, so the platform is asked again.")
        PrimaryAccount.objects.filter(pk=account.pk).update(refused_credentials=credentials())
        ask_now()


def wake() -> None:
    """The platform answers: resume at once what was waiting for that alone.

    Work that has failed more than once keeps its own pause: there, one call is refused and not all of them.
    """
    now = timezone.now()
    for model in WAITING:
        model._default_manager.filter(hold_kind=HoldKind.PLATFORM, hold_tries__lte=1).update(
            next_attempt_at=now, enqueued_at=None
        )


def credentials() -> str:
    """A keyed hash of the credentials in use; it does not give them away."""
    text = f"{settings.PARTNER_API_USER}\n{token()}"
    return hmac.new(Installation.load().key("credentials"), text.encode(), "sha256").hexdigest()
