"""The one call (operation 11) that finds out for everybody whether the platform answers again."""

from __future__ import annotations

from partnerapi.errors import AuthFailed, PartnerApiError

from ..messages import PromotionError
from ..models import NO_HOLD, PrimaryAccount
from ..partner import client
from ..transitions import record_event
from . import platform
from .lease import Lease
from .loop import Stop, Work, carry_on
from .trouble import passes


def ask_platform(account_id: int) -> None:
    """Ask whether the platform answers, if that is due and nobody else is asking; wake everybody when it does."""
    carry_on(Probe(), account_id)


class Probe(Work[PrimaryAccount]):
    """It never gives up, and it heeds no hold: it is what ends it."""

    model = PrimaryAccount
    heeds_platform = False

    def take(self, row: PrimaryAccount, lease: Lease) -> Stop:
        try:
            client().query_branches()
        except PartnerApiError as error:
            if passes(error):
                raise
            # It has answered.
        lease.record(**NO_HOLD, refused_credentials="", next_attempt_at=None)
        platform.wake()
        if row.hold_kind:
            record_event("platform_back")
        return Stop("The platform answers.")

    def held_up(self, row: PrimaryAccount, lease: Lease, error: PartnerApiError) -> None:
        refused = platform.credentials() if isinstance(error, AuthFailed) else ""
        lease.record(refused_credentials=refused)
        if not row.hold_kind:
            platform.tell_away(error)

    def fail(self, row: PrimaryAccount, lease: Lease, error: PromotionError) -> None:
        lease.record(next_attempt_at=None, **NO_HOLD)
