"""Puts right what no step will: reviews that nobody decides, rows that nobody would resume."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from ..models import (
    Delivery,
    Job,
    Message,
    PackageListing,
    Plan,
    PrimaryAccount,
    PromotionBranch,
    PromotionRequest,
    Reservation,
)
from ..states import FINAL, MERGE_INCOMPLETE, OPEN, Status
from ..transitions import StalePromotion, move
from .timing import LEASE, LONGEST_RETRY_AFTER, LONGEST_WAIT, after

logger = logging.getLogger(__name__)

# No message goes out later than the next digest, or the longest pause.
LATEST_MESSAGE = timedelta(days=2)
LEASED = (
    PrimaryAccount,
    PromotionRequest,
    PromotionBranch,
    Plan,
    PackageListing,
    Job,
    Message,
    Delivery,
)


def sweep() -> None:
    """Look for every kind of leftover; a failure with one kind does not stop the others."""
    for look in (
        bring_back,
        lapse_undecided,
        wake_forgotten,
        delete_forgotten_branches,
        release_forgotten_reservations,
    ):
        try:
            look()
        except Exception:
            logger.exception("The sweep failed at %s.", look.__name__)


def bring_back() -> None:
    """Times beyond the longest wait date from before the clock was set back; such a row loses one lease at most."""
    now = timezone.now()
    for model in LEASED:
        rows = model._default_manager.all()
        furthest = now + LATEST_MESSAGE if model is Delivery else after(LONGEST_WAIT)
        rows.filter(next_attempt_at__gt=furthest).update(next_attempt_at=now)
        rows.filter(lease_until__gt=after(LEASE)).update(lease_until=after(LEASE))
        rows.filter(hold_until__gt=now + timedelta(seconds=LONGEST_RETRY_AFTER)).update(
            hold_until=now
        )


def lapse_undecided() -> None:
    """Let requests lapse that nobody decided within PROMOTION_LAPSE_DAYS, and delete their branches."""
    before = timezone.now() - timedelta(days=settings.PROMOTION_LAPSE_DAYS)
    undecided = PromotionRequest.objects.awaiting_review().filter(updated_at__lt=before)
    for pk in undecided.values_list("pk", flat=True):
        try:
            move(pk, to=Status.LAPSED, note=f"Not decided in {settings.PROMOTION_LAPSE_DAYS} days.")
        except StalePromotion:
            continue


def wake_forgotten() -> None:
    """An open promotion always has a next attempt, unless people have to decide."""
    forgotten = PromotionRequest.objects.filter(
        status__in=OPEN - {Status.ADMIN_REVIEW}, next_attempt_at__isnull=True
    ).not_held(timezone.now())
    forgotten.update(next_attempt_at=timezone.now())


def delete_forgotten_branches() -> None:
    """A final promotion owns no branch, unless that branch holds what a merge left out."""
    now = timezone.now()
    forgotten = PromotionBranch.objects.filter(promotion__status__in=FINAL, delete_due__isnull=True)
    forgotten.exclude(promotion__error_code=MERGE_INCOMPLETE).update(delete_due=now)
    PromotionBranch.objects.filter(
        delete_due__isnull=False, deleted_at__isnull=True, next_attempt_at__isnull=True
    ).update(next_attempt_at=now)


def release_forgotten_reservations() -> None:
    """A final promotion reserves nothing: what it merged is mapped, the rest is gone with its branch."""
    Reservation.objects.filter(promotion__status__in=FINAL).exclude(
        promotion__error_code=MERGE_INCOMPLETE
    ).delete()
