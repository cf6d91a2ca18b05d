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
    """Leave out an environment to which a failed promotion has not been deployed; a retry passes it by.

    :param reason: why; it stays beside the environment on the promotion's page.
    :raises PromotionError: FORBIDDEN, REASON_REQUIRED, INVALID_TRANSITION (it has been deployed to, or left out
        already, or the promotion is not one that failed after its merge).
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
            subject=deployment.environment.name,
            note=reason,
        )
