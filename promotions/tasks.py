"""Celery tasks, nothing but doors: an id comes in, one call is made.

The database decides what runs: ``tick`` enqueues whatever is due, and everything else only makes it quicker.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import current_app, shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from . import heartbeat
from .audit.anchor import write_anchor
from .audit.chain import seal_events
from .models import (
    Job,
    Message,
    PackageListing,
    Plan,
    PrimaryAccount,
    PromotionBranch,
    PromotionRequest,
)
from .outbox.delivery import LONGEST_ROUND, deliver_due, hand_out, is_something_due
from .pipeline import cleanup, runner
from .plan import build_plan
from .plan.listing import refresh_listing
from .setup.drift import look_nightly
from .setup.jobs import run_job
from .worker import platform
from .worker.probe import ask_platform
from .worker.retention import remove_outdated
from .worker.sweep import sweep
from .worker.timing import scaled

logger = logging.getLogger(__name__)

# Seconds before an enqueued row is enqueued again, so that a busy queue does not fill with duplicates.
ENQUEUE_AGAIN = 30.0
SUBMIT_AGAIN = "promotions.services.resubmission.submit_again_task"


@shared_task
def build_plan_task(plan_id: int) -> None:
    build_plan(plan_id)


@shared_task
def run_promotion_task(promotion_id: int) -> None:
    seconds = runner.run_promotion(promotion_id)
    if seconds is not None:
        enqueue(run_promotion_task, promotion_id, countdown=scaled(seconds))


@shared_task
def delete_branch_task(branch_id: int) -> None:
    cleanup.delete_branch(branch_id)


@shared_task
def refresh_packages_task(listing_id: int) -> None:
    refresh_listing(listing_id)


@shared_task
def run_job_task(job_id: int) -> None:
    run_job(job_id)


@shared_task
def ask_platform_task(account_id: int) -> None:
    ask_platform(account_id)


@shared_task
def hand_out_task(message_id: int) -> None:
    hand_out(message_id)


@shared_task(soft_time_limit=int(max(5, scaled(LONGEST_ROUND))))
def deliver_due_task() -> None:
    deliver_due()


@shared_task
def tick_task() -> None:
    """Enqueue everything that is due and that no worker holds, and leave a sign of life."""
    heartbeat.beat()
    platform.notice_new_credentials()
    for model, task in (
        (PrimaryAccount, ask_platform_task),
        (PromotionRequest, run_promotion_task),
        (PromotionBranch, delete_branch_task),
        (Plan, build_plan_task),
        (PackageListing, refresh_packages_task),
        (Job, run_job_task),
        (Message, hand_out_task),
    ):
        _enqueue_due(model, task)
    _send_courier()
    _submit_ready_plans()


@shared_task
def sweep_task() -> None:
    """Put right what no step will: lapsed reviews, rows that nobody would resume."""
    sweep()


@shared_task
def sweep_branches_task() -> None:
    """Delete branches of ours that no live promotion owns."""
    cleanup.sweep_branches()


@shared_task
def seal_events_task() -> None:
    """Put what has happened under the audit chain."""
    seal_events()


@shared_task
def look_nightly_task() -> None:
    """Have production compared with what was promoted, once a night."""
    look_nightly()


@shared_task
def write_anchor_task() -> None:
    """Write down elsewhere where the audit chain stands."""
    write_anchor()


@shared_task
def remove_outdated_task() -> None:
    """Remove records that have been kept long enough."""
    remove_outdated()


def _submit_ready_plans() -> None:
    """Plans that take over the inputs of a failed promotion; a service does that, which nothing here may import."""
    ready = Plan.objects.filter(state=Plan.State.READY, submits_itself=True)
    for pk in ready.values_list("pk", flat=True):
        try:
            current_app.send_task(SUBMIT_AGAIN, (pk,))
        except (OperationalError, OSError) as error:
            logger.warning("Plan %s could not be sent: %s", pk, type(error).__name__)


def _send_courier() -> None:
    """One for all that is due; who waits longer than a few ticks for a worker is not needed any more."""
    if is_something_due():
        try:
            deliver_due_task.apply_async(expires=max(5.0, scaled(10)))
        except (OperationalError, OSError) as error:
            logger.warning("No courier could be sent: %s", type(error).__name__)


def _enqueue_due(model: Any, task: Any) -> None:
    now = timezone.now()
    again = now - timedelta(seconds=max(1.0, scaled(ENQUEUE_AGAIN)))
    # A tick in the future was left before the clock was set back.
    due = model.objects.due(now).exclude(enqueued_at__gte=again, enqueued_at__lte=now)
    for pk in due.order_by("next_attempt_at").values_list("pk", flat=True)[:200]:
        model.objects.filter(pk=pk).update(enqueued_at=now)
        enqueue(task, pk)


def enqueue(task: Any, pk: int, *, countdown: float | None = None) -> None:
    """Send a task; when the broker is away, the tick finds the row later."""
    try:
        task.apply_async((pk,), countdown=countdown)
    except (OperationalError, OSError) as error:
        logger.warning("%s(%s) could not be enqueued: %s", task.name, pk, type(error).__name__)


def enqueue_on_commit(task: Any, pk: int) -> None:
    """Send a task when, and only when, the transaction that made its row is committed."""
    transaction.on_commit(lambda: enqueue(task, pk), robust=True)


def enqueue_branch_deletions_on_commit(promotion_id: int) -> None:
    """Delete the branches of a promotion that has just ended."""

    def send() -> None:
        due = PromotionBranch.objects.filter(
            promotion_id=promotion_id, delete_due__isnull=False, deleted_at__isnull=True
        )
        for pk in due.values_list("pk", flat=True):
            enqueue(delete_branch_task, pk)

    transaction.on_commit(send, robust=True)
