"""Whether the platform answers: what one worker finds out counts for all.

While the platform is away, or refuses the credentials, everything that would call it waits, and one worker at a time
asks again. After a refusal nothing is called with the same credentials but that one question, with growing pauses;
it comes at once when the credentials change or an admin says so.
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

# What waits by itself until the platform answers.
WAITING = (PromotionRequest, PromotionBranch, Plan, PackageListing)


def closed() -> PrimaryAccount | None:
    """The primary account while nothing but the one question may be asked of it, with the reason; else None."""
    account = PrimaryAccount.current()
    return account if account.hold_kind == HoldKind.PLATFORM else None


def suspect(error: PartnerApiError) -> None:
    """A call met trouble. A refused token is everybody's at once; of anything else a worker finds out whether it is."""
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
    """Leave an event that everything waits from now on, of which admins are told."""
    record_event("platform_away", note=f"{error.code}: {error.message}")


def ask_now() -> bool:
    """Ask at the next tick, whatever the pause: an admin says so, or the credentials have changed.

    :returns: False when nothing waits.
    """
    asked = 0
    for model in (PrimaryAccount, *WAITING):
        asked += model._default_manager.filter(hold_kind=HoldKind.PLATFORM).update(
            next_attempt_at=timezone.now(), hold_until=None, enqueued_at=None
        )
    return bool(asked)


def notice_new_credentials() -> None:
    """The tick looks whether the credentials that were refused are still the ones in use."""
    account = closed()
    if account is None or not account.refused_credentials:
        return
    if account.refused_credentials != credentials():
        logger.info("The credentials have changed: the platform is asked again.")
        PrimaryAccount.objects.filter(pk=account.pk).update(refused_credentials=credentials())
        ask_now()


def wake() -> None:
    """The platform answers: take up at once what waited only because it did not.

    What has failed more than once by itself keeps its own pause: there one call is refused, not all.
    """
    now = timezone.now()
    for model in WAITING:
        model._default_manager.filter(hold_kind=HoldKind.PLATFORM, hold_tries__lte=1).update(
            next_attempt_at=now, enqueued_at=None
        )


def credentials() -> str:
    """A keyed hash of the credentials in use, from which they cannot be guessed."""
    text = f"{settings.PARTNER_API_USER}\n{token()}"
    return hmac.new(Installation.load().key("credentials"), text.encode(), "sha256").hexdigest()
