"""Requesting a promotion again that failed before its merge: a new plan of the same package, with the same inputs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from celery import shared_task
from django.db import transaction

from ..messages import PromotionError
from ..models import Environment, Plan, PromotionRequest
from ..states import Kind, Status
from .planning import make_plan
from .rollbacks import plan_rollback
from .submission import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)


def resubmit(user: User, promotion: PromotionRequest) -> Plan:
    """Plan the same package again; the plan is submitted automatically unless something blocks it.

    :returns: the plan; its requester is the user.
    :raises PromotionError: FORBIDDEN when the account is not one of the user's; INVALID_TRANSITION when the promotion
        has not failed, or failed after its merge.
    """
    if (
        promotion.status != Status.FAILED
        or promotion.merged_at is not None
        or promotion.is_deployment
    ):
        raise PromotionError("INVALID_TRANSITION", "Only what failed before its merge.")
    with transaction.atomic():
        if promotion.kind == Kind.ROLLBACK and promotion.source is not None:
            plan = plan_rollback(user, promotion.plan.restored or promotion.source)
        else:
            packages = [source.package_id for source in promotion.plan.packages]
            plan = make_plan(user, promotion.dev_account, *packages)
        Plan.objects.filter(pk=plan.pk).update(resubmits=promotion, submits_itself=True)
    plan.refresh_from_db()
    return plan


@shared_task
def submit_again_task(plan_id: int) -> None:
    """Submit a plan that is ready with the version, environments and notes of the promotion that failed."""
    with transaction.atomic():
        ready = Plan.objects.filter(pk=plan_id, state=Plan.State.READY, submits_itself=True)
        if ready.update(submits_itself=False) != 1:
            return
        plan = Plan.objects.select_related("resubmits", "requested_by", "dev_account").get(
            pk=plan_id
        )
        before = plan.resubmits
        if before is None:
            return
        kept = before.deployments.filter(dropped_at__isnull=True).values("environment")
        try:
            submit(
                plan.requested_by,
                plan,
                package_version=before.package_version,
                further_versions=before.versions_by_package,
                environments=Environment.objects.filter(pk__in=kept),
                notes=before.notes,
                pause_listeners=before.pause_listeners,
            )
        except PromotionError as error:
            # The plan's page shows what blocks it, with the same inputs filled in.
            logger.info("Plan %s is not submitted automatically: %s", plan_id, error)
