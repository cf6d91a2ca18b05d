"""Accepting a finding, as an admin, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from .. import access
from ..messages import PromotionError
from ..models import Acceptance, Finding
from ..transitions import record_event
from .asks import settle
from .guards import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def accept_finding(user: User, finding: Finding, *, reason: str) -> None:
    """Accept a finding, as an admin, with a reason; it holds while the value behind the finding stays the same.

    :raises PromotionError: FORBIDDEN, SELF_REVIEW (it is the user's own plan), REASON_REQUIRED, INVALID_TRANSITION
        (this finding cannot be accepted).
    """
    if not access.is_admin(user):
        refuse(user, f"accept finding {finding.pk}")
    if access.same_person(user, finding.plan.requested_by):
        record_event("self_review_refused", actor=user, subject=f"accept finding {finding.pk}")
        raise PromotionError("SELF_REVIEW")
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    if not finding.can_be_accepted or finding.component is None:
        raise PromotionError("INVALID_TRANSITION", "This finding cannot be accepted.")
    with transaction.atomic():
        Acceptance.objects.update_or_create(
            dev_account=finding.plan.dev_account,
            dev_component_id=finding.component.dev_component_id,
            code=finding.code,
            fingerprint=finding.fingerprint,
            defaults={"reason": reason, "accepted_by": user, "accepted_at": timezone.now()},
        )
        Finding.objects.filter(pk=finding.pk).update(accepted_by=user, accepted_reason=reason)
        record_event(
            "finding_accepted",
            actor=user,
            subject=f"{finding.code} in {finding.subject_name}: {finding.path}",
            note=reason,
        )
        settle(user, finding, reason)
