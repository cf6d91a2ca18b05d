"""Leaving out a target environment that no longer takes part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import access
from ..messages import PromotionError
from ..models import Deployment
from ..states import Kind, Status
from ..transitions import record_event
from .guards import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def drop_environment(user: User, deployment: Deployment, *, reason: str) -> None:
    """Leave out an environment that a failed promotion has not reached; a retry then skips it.

    :param reason: why; the promotion's page shows it beside the environment.
    :raises PromotionError: FORBIDDEN, REASON_REQUIRED, INVALID_TRANSITION (the environment already has the package or
        is already left out, or the promotion did not fail after its merge).
    """
    promotion = deployment.promotion
    what = f"leave out {deployment.environment} of promotion {promotion.pk}"
    if not access.may_retry(user):
        refuse(user, what, promotion)
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    with transaction.atomic():
        dropped = (
            Deployment.objects.outstanding()
            .filter(
                Q(promotion__merged_at__isnull=False) | Q(promotion__kind=Kind.DEPLOYMENT),
                pk=deployment.pk,
                promotion__status=Status.FAILED,
            )
            .update(dropped_at=timezone.now(), dropped_by=user, note=reason)
        )
        if dropped != 1:
            raise PromotionError("INVALID_TRANSITION", "The environment cannot be left out now.")
        record_event(
            "environment_dropped",
            promotion=promotion,
            actor=user,
            subject=deployment.target,
            note=reason,
        )
