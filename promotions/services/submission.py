"""Requesting the promotion of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from .. import access, tasks
from ..messages import PromotionError
from ..models import (
    ComponentResult,
    Deployment,
    Environment,
    Plan,
    PlannedComponent,
    PromotionRequest,
)
from ..plan import RULES_VERSION, check_mappings
from ..states import OPEN, Action, Outcome
from ..transitions import open_promotion
from .guards import check_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def submit(
    user: User,
    plan: Plan,
    *,
    package_version: str,
    environments: Iterable[Environment],
    notes: str = "",
) -> PromotionRequest:
    """Request the promotion of a plan.

    :param package_version: the version that the package gets in production; free text, unique per component.
    :raises PromotionError: FORBIDDEN, PLAN_NOT_READY, NOTHING_TO_PROMOTE, the code of what blocks the plan,
        SELF_REVIEW (the user has accepted one of its findings), COMPONENT_RESERVED, PLAN_STALE, NO_ENVIRONMENT,
        INVALID_TRANSITION (it was submitted before).
    """
    check_account(user, plan.dev_account, f"submit plan {plan.pk}")
    if not plan.is_ready:
        raise PromotionError("PLAN_NOT_READY")
    if not plan.has_changes:
        raise PromotionError("NOTHING_TO_PROMOTE")
    _check_findings(plan)
    _check_acceptances(user, plan)
    check_mappings(plan)
    if plan.rules_version != RULES_VERSION:
        raise PromotionError("PLAN_STALE", "The rules for component XML are newer than the plan.")
    chosen = list(environments)
    if not chosen:
        raise PromotionError("NO_ENVIRONMENT")
    wanted = [environment.pk for environment in chosen]
    if Environment.objects.for_production().filter(pk__in=wanted).count() != len(wanted):
        raise PromotionError("NO_ENVIRONMENT", "One of them is switched off or not for production.")
    try:
        with transaction.atomic():
            _check_reservations(plan)
            promotion = open_promotion(
                requester=user, plan=plan, notes=notes, package_version=package_version
            )
            ComponentResult.objects.bulk_create(
                ComponentResult(
                    promotion=promotion,
                    component=component,
                    prod_component_id=component.prod_component_id,
                    outcome=Outcome.PENDING if component.is_written else Outcome.UNCHANGED,
                )
                for component in plan.components.all()
            )
            Deployment.objects.bulk_create(
                Deployment(
                    promotion=promotion,
                    environment=environment,
                    platform_id=environment.environment_id,
                )
                for environment in chosen
            )
            tasks.enqueue_on_commit(tasks.run_promotion_task, promotion.pk)
    except IntegrityError as error:
        raise PromotionError(
            "INVALID_TRANSITION", "This plan has been submitted already."
        ) from error
    return promotion


def _check_findings(plan: Plan) -> None:
    blocking = list(plan.blocking_findings())
    if blocking:
        code = blocking[0].code
        names = ", ".join(f"{f.subject_name} ({f.subject_id})" for f in blocking if f.code == code)
        raise PromotionError(code, f"{names}.")


def _check_acceptances(user: User, plan: Plan) -> None:
    """Who lets a finding pass reviews it, and nobody reviews what they request."""
    for finding in plan.findings.filter(accepted_by__isnull=False).select_related("accepted_by"):
        if finding.accepted_by and access.same_person(user, finding.accepted_by):
            raise PromotionError("SELF_REVIEW", f"You have accepted a finding: {finding}.")


def _check_reservations(plan: Plan) -> None:
    """No open promotion may already be creating what this plan creates."""
    taken = (
        PlannedComponent.objects.filter(
            action=Action.CREATE,
            plan__promotion__status__in=OPEN,
            plan__promotion__merged_at__isnull=True,
            plan__dev_account=plan.dev_account,
            dev_component_id__in=plan.components.filter(action=Action.CREATE).values(
                "dev_component_id"
            ),
        )
        .exclude(plan=plan)
        .select_related("plan__promotion")
        .first()
    )
    if taken is not None:
        raise PromotionError(
            "COMPONENT_RESERVED", f"Promotion {taken.plan.promotion.pk} creates “{taken.name}”."
        )
