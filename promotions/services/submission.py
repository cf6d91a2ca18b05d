"""Requesting the promotion of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q

from .. import access, tasks
from ..messages import PromotionError
from ..models import (
    ComponentResult,
    Deployment,
    Environment,
    Plan,
    PromotionPackage,
    PromotionRequest,
    SourcePackage,
    Turn,
)
from ..plan import RULES_VERSION, premises
from ..plan.premises import Moment
from ..states import Kind, Outcome
from ..transitions import open_promotion
from .guards import check_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def submit(
    user: User,
    plan: Plan,
    *,
    package_version: str,
    further_versions: Mapping[str, str] | None = None,
    environments: Iterable[Environment],
    notes: str = "",
    pause_listeners: bool = False,
) -> PromotionRequest:
    """Request the promotion of a plan.

    :param package_version: the version that the package gets in production; free text, unique per component.
    :param further_versions: the versions of the other packages of the plan, by their package ids.
    :param pause_listeners: deploy the plan's listeners paused, if it has any.
    :param notes: what reviewers read; for a rollback the reason, which is required.
    :raises PromotionError: FORBIDDEN, PLAN_NOT_READY, NOTHING_TO_PROMOTE, the code of what blocks the plan, SELF_REVIEW
        (the user has accepted one of its findings), PACKAGE_VERSION_EXISTS, VERSION_MISSING, NO_ENVIRONMENT,
        REASON_REQUIRED, INVALID_TRANSITION (it was already submitted), the code of a premise that no longer holds.
    """
    check_account(user, plan.dev_account, f"submit plan {plan.pk}")
    if not plan.is_ready:
        raise PromotionError("PLAN_NOT_READY")
    if not plan.has_changes:
        raise PromotionError("NOTHING_TO_PROMOTE", plan.why_nothing)
    check_findings(plan)
    check_acceptances(user, plan)
    if plan.rules_version != RULES_VERSION:
        raise PromotionError("PLAN_STALE", "The rules for component XML are newer than the plan.")
    if plan.restores is not None:
        if not notes.strip():
            raise PromotionError("REASON_REQUIRED", "A rollback needs a reason.")
        restored = plan.restored or plan.restores
        notes = f"Restores {restored.package_version}, promotion {plan.restores.pk}.\n{notes}"
    chosen = list(environments)
    if not chosen:
        raise PromotionError("NO_ENVIRONMENT")
    wanted = [environment.pk for environment in chosen]
    if Environment.objects.for_production().filter(pk__in=wanted).count() != len(wanted):
        raise PromotionError("NO_ENVIRONMENT", "One of them is switched off or not for production.")
    versions = [package_version]
    for source in plan.further.all():
        version = (further_versions or {}).get(source.package_id, "").strip()
        if not version:
            raise PromotionError("VERSION_MISSING", f"“{source.root_name}”.")
        versions.append(version)
    for one, version in zip(plan.packages, versions, strict=True):
        _check_version(plan, one, version)
    try:
        with transaction.atomic():
            # Of two plans submitted at once that bring the same thing, the second sees the first.
            Turn.take("submissions")
            premises.check(Moment.SUBMISSION, plan, environments=chosen)
            promotion = open_promotion(
                requester=user,
                plan=plan,
                notes=notes,
                environments=chosen,
                pause_listeners=pause_listeners and plan.has_listeners,
                package_version=package_version,
                kind=Kind.ROLLBACK if plan.restores_id else Kind.PROMOTION,
                source=plan.restores,
            )
            PromotionPackage.objects.bulk_create(
                PromotionPackage(
                    promotion=promotion,
                    planned=source,
                    package_version=version,
                    process_id=plan.twin_of(source).lower(),
                )
                for source, version in zip(plan.further.all(), versions[1:], strict=True)
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
                    package=package,
                    environment=environment,
                    platform_id=environment.environment_id,
                )
                for package in (None, *promotion.further.all())
                for environment in chosen
            )
            tasks.enqueue_on_commit(tasks.run_promotion_task, promotion.pk)
    except IntegrityError as error:
        raise PromotionError(
            "INVALID_TRANSITION", "This plan has already been submitted."
        ) from error
    return promotion


def check_findings(plan: Plan) -> None:
    """Refuse a plan with a blocking finding that nobody has accepted.

    :raises PromotionError: the code of that finding.
    """
    blocking = list(plan.blocking_findings())
    if blocking:
        code = blocking[0].code
        names = ", ".join(f"{f.subject_name} ({f.subject_id})" for f in blocking if f.code == code)
        raise PromotionError(code, f"{names}.")


def check_acceptances(user: User, plan: Plan) -> None:
    """Accepting a finding is a review, and nobody reviews their own request.

    :param user: the requester.
    :raises PromotionError: SELF_REVIEW.
    """
    for finding in plan.findings.filter(accepted_by__isnull=False).select_related("accepted_by"):
        if finding.accepted_by and access.same_person(user, finding.accepted_by):
            raise PromotionError("SELF_REVIEW", f"You have accepted a finding: {finding}.")


def _check_version(plan: Plan, source: SourcePackage, version: str) -> None:
    """Refuse a version that production already has, as far as it is known here.

    :raises PromotionError: PACKAGE_VERSION_EXISTS.
    """
    if version in source.taken_versions or packaged_already(plan, source, version):
        raise PromotionError("PACKAGE_VERSION_EXISTS", f"“{source.root_name}” {version}.")


def packaged_already(plan: Plan, source: SourcePackage, version: str) -> bool:
    """Whether a promotion has packaged the same component in production under this version."""
    packaged = ~Q(prod_package_id="") & Q(package_version=version)
    root = source.root_component_id
    return (
        PromotionRequest.objects.filter(
            packaged, dev_account=plan.dev_account, plan__root_component_id__iexact=root
        ).exists()
        or PromotionPackage.objects.filter(
            packaged,
            planned__plan__dev_account=plan.dev_account,
            planned__root_component_id__iexact=root,
        ).exists()
    )
