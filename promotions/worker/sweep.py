"""Sets right what no step will: reviews that nobody decided, rows that nothing would carry on."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from ..models import PromotionBranch, PromotionRequest
from ..states import FINAL, MERGE_INCOMPLETE, OPEN, Status
from ..transitions import StalePromotion, move

logger = logging.getLogger(__name__)


def sweep() -> None:
    """Look for each kind of leftover; one that fails does not keep the others from being looked for."""
    for look in (lapse_undecided, wake_forgotten, delete_forgotten_branches):
        try:
            look()
        except Exception:
            logger.exception("The sweep failed at %s.", look.__name__)


def lapse_undecided() -> None:
    """Requests that nobody decided within PROMOTION_LAPSE_DAYS lapse, and their branches go."""
    before = timezone.now() - timedelta(days=settings.PROMOTION_LAPSE_DAYS)
    undecided = PromotionRequest.objects.awaiting_review().filter(updated_at__lt=before)
    for pk in undecided.values_list("pk", flat=True):
        try:
            move(pk, to=Status.LAPSED, note=f"Not decided in {settings.PROMOTION_LAPSE_DAYS} days.")
        except StalePromotion:
            continue


def wake_forgotten() -> None:
    """An open promotion always has a next attempt, unless people are to decide."""
    forgotten = PromotionRequest.objects.filter(
        status__in=OPEN - {Status.ADMIN_REVIEW}, next_attempt_at__isnull=True
    ).not_held(timezone.now())
    forgotten.update(next_attempt_at=timezone.now())


def delete_forgotten_branches() -> None:
    """A final promotion owns no branch, unless it holds what a merge has left out."""
    now = timezone.now()
    forgotten = PromotionBranch.objects.filter(promotion__status__in=FINAL, delete_due__isnull=True)
    forgotten.exclude(promotion__error_code=MERGE_INCOMPLETE).update(delete_due=now)
    PromotionBranch.objects.filter(
        delete_due__isnull=False, deleted_at__isnull=True, next_attempt_at__isnull=True
    ).update(next_attempt_at=now)
