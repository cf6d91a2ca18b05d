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
    """Ask whether the platform answers, if that is due and nobody else is asking; if it does, wake everybody."""
    carry_on(Probe(), account_id)


class Probe(Work[PrimaryAccount]):
    """Never gives up and ignores holds, because it is what ends them."""

    model = PrimaryAccount
    heeds_platform = False

    def take(self, row: PrimaryAccount, lease: Lease) -> Stop:
        """Make the call; any answer other than passing trouble ends the hold for everybody."""
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
        """Remember credentials that were refused, and report once that the platform is away."""
        refused = platform.credentials() if isinstance(error, AuthFailed) else ""
        lease.record(refused_credentials=refused)
        if not row.hold_kind:
            platform.tell_away(error)

    def fail(self, row: PrimaryAccount, lease: Lease, error: PromotionError) -> None:
        """Lift the hold; the next call that meets trouble starts over."""
        lease.record(next_attempt_at=None, **NO_HOLD)
