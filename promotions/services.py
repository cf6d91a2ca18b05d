"""What people do: make a plan, submit, approve, reject, withdraw, cancel, retry, accept a finding.

Every service checks access itself and raises ``PromotionError`` with a code that ``messages.py`` explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from . import access, tasks
from .messages import PromotionError
from .models import (
    Acceptance,
    ComponentResult,
    Deployment,
    DevAccount,
    Environment,
    Finding,
    IntegrationPack,
    PackageListing,
    Plan,
    PlannedComponent,
    PromotionRequest,
    Turn,
)
from .pipeline.steps import AFTER_PACK
from .plan import check_mappings
from .states import OPEN, Action, Outcome, Status, StepState
from .transitions import StaleRequest, initial_status, move, record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def refresh_packages(user: User, dev_account: DevAccount) -> PackageListing:
    """Ask a worker to read the packages of a dev account anew.

    :raises PromotionError: FORBIDDEN when the account is not one of the user's.
    """
    _check_account(user, dev_account, "refresh packages")
    listing, _ = PackageListing.objects.get_or_create(dev_account=dev_account)
    if not listing.is_refreshing:
        PackageListing.objects.filter(pk=listing.pk).update(
            next_attempt_at=timezone.now(), attempts=0, error_code="", error=""
        )
        listing.refresh_from_db()
        tasks.enqueue_on_commit(tasks.refresh_packages, listing.pk)
    return listing


def make_plan(user: User, dev_account: DevAccount, package_id: str) -> Plan:
    """Begin a plan for one package; a worker makes it.

    :raises PromotionError: FORBIDDEN when the account is not one of the user's.
    """
    _check_account(user, dev_account, f"plan package {package_id}")
    known = dev_account.packages.filter(package_id=package_id).first()
    with transaction.atomic():
        plan = Plan.objects.create(
            dev_account=dev_account,
            package_id=package_id,
            package_version=known.package_version if known else "",
            root_component_id=known.component_id if known else "",
            root_name=known.component_name if known else "",
            requested_by=user,
            progress="Waiting for a worker",
            next_attempt_at=timezone.now(),
        )
        tasks.enqueue_on_commit(tasks.build_plan, plan.pk)
    return plan


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
    _check_account(user, plan.dev_account, f"submit plan {plan.pk}")
    if not plan.is_ready:
        raise PromotionError("PLAN_NOT_READY")
    if not plan.has_changes:
        raise PromotionError("NOTHING_TO_PROMOTE")
    _check_findings(plan)
    _check_acceptances(user, plan)
    check_mappings(plan)
    chosen = list(environments)
    if not chosen:
        raise PromotionError("NO_ENVIRONMENT")
    status = initial_status()
    try:
        with transaction.atomic():
            _check_reservations(plan)
            request = PromotionRequest.objects.create(
                plan=plan,
                dev_account=plan.dev_account,
                requester=user,
                package_version=package_version,
                notes=notes,
                content_hash=plan.content_hash,
                status=status,
                next_attempt_at=timezone.now() if status == Status.QUEUED else None,
            )
            ComponentResult.objects.bulk_create(
                ComponentResult(
                    request=request,
                    component=component,
                    prod_component_id=component.prod_component_id,
                    outcome=Outcome.PENDING if component.is_written else Outcome.UNCHANGED,
                )
                for component in plan.components.all()
            )
            Deployment.objects.bulk_create(
                Deployment(request=request, environment=environment) for environment in chosen
            )
            record_event(
                "submitted", request=request, actor=user, note=notes, to_status=status.value
            )
            tasks.enqueue_on_commit(tasks.run_request, request.pk)
    except IntegrityError as error:
        raise PromotionError(
            "INVALID_TRANSITION", "This plan has been submitted already."
        ) from error
    return request


def approve(
    user: User,
    request: PromotionRequest,
    *,
    plan_hash: str,
    pack: IntegrationPack | None = None,
    new_pack_name: str = "",
) -> None:
    """Say yes to exactly the content with ``plan_hash``, and say which Integration Pack it goes into.

    :param plan_hash: the request's ``content_hash`` as the page showed it.
    :raises PromotionError: FORBIDDEN, SELF_REVIEW, PLAN_STALE (the page showed another plan), ALREADY_REVIEWED,
        PACK_NOT_FOUND (neither a pack nor a name for a new one, or a pack that is not for production).
    """
    _check_may_decide(user, request, "approve")
    if not plan_hash or plan_hash != request.content_hash:
        raise PromotionError(
            "PLAN_STALE", "The page showed other content than what would be approved now."
        )
    if (pack is None) == (not new_pack_name.strip()):
        raise PromotionError("PACK_NOT_FOUND", "Choose a pack or name a new one.")
    _check_pack(pack)
    with transaction.atomic():
        _move(
            request,
            to=Status.APPROVED,
            already="ALREADY_REVIEWED",
            actor=user,
            where=~Q(requester=user) & Q(content_hash=plan_hash),
            next_attempt_at=timezone.now(),
            approved_by=user,
            approved_at=timezone.now(),
            approved_hash=plan_hash,
            pack=pack,
            new_pack_name=new_pack_name.strip(),
        )
        tasks.enqueue_on_commit(tasks.run_request, request.pk)


def reject(user: User, request: PromotionRequest, *, reason: str) -> None:
    """Say no, and why; the branch is deleted.

    :raises PromotionError: FORBIDDEN, SELF_REVIEW, REASON_REQUIRED, ALREADY_REVIEWED.
    """
    _check_may_decide(user, request, "reject")
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    _end(
        request,
        to=Status.REJECTED,
        already="ALREADY_REVIEWED",
        actor=user,
        note=reason,
        where=~Q(requester=user),
        decision_reason=reason,
    )


def withdraw(user: User, request: PromotionRequest, *, reason: str = "") -> None:
    """Take one's own request back before it is approved; the branch is deleted.

    :raises PromotionError: FORBIDDEN, INVALID_TRANSITION.
    """
    if not access.may_withdraw(user, request):
        _refuse(user, f"withdraw promotion {request.pk}", request)
    _end(
        request, to=Status.WITHDRAWN, already="INVALID_TRANSITION", actor=user, note=reason.strip()
    )


def cancel(user: User, request: PromotionRequest, *, reason: str) -> None:
    """Stop a request as an admin, before its merge has begun; the branch is deleted.

    :raises PromotionError: FORBIDDEN, REASON_REQUIRED, INVALID_TRANSITION.
    """
    if not access.may_cancel(user):
        _refuse(user, f"cancel promotion {request.pk}", request)
    reason = reason.strip()
    if not reason:
        raise PromotionError("REASON_REQUIRED")
    _end(
        request,
        to=Status.CANCELLED,
        already="INVALID_TRANSITION",
        actor=user,
        note=reason,
        where=Q(merge_started_at__isnull=True),
        decision_reason=reason,
    )


def retry(
    user: User,
    request: PromotionRequest,
    *,
    package_version: str = "",
    pack: IntegrationPack | None = None,
) -> None:
    """Take up a promotion that failed after its merge, at the step that failed.

    :param package_version: another version, where the first one was taken (PACKAGE_VERSION_EXISTS).
    :param pack: another pack, where the first one vanished (PACK_NOT_FOUND).
    :raises PromotionError: FORBIDDEN, PACK_NOT_FOUND, INVALID_TRANSITION (also while another promotion goes into the
        pack, or when a newer one of the process has been merged, and for changes that come too late).
    """
    if not access.may_retry(user):
        _refuse(user, f"retry promotion {request.pk}", request)
    _check_pack(pack)
    changes: dict[str, object] = {}
    with transaction.atomic():
        # Whose turn it is in the pack is decided here as well: see the step take_merge_turn.
        Turn.take("merges")
        failed = PromotionRequest.objects.select_related("pack", "plan").get(pk=request.pk)
        if package_version.strip() not in ("", failed.package_version):
            if failed.prod_package_id:
                raise PromotionError("INVALID_TRANSITION", "The package has been made already.")
            changes["package_version"] = package_version.strip()
        if pack is not None and pack != failed.pack:
            _leave_pack(failed)
            changes.update(pack=pack, new_pack_name="", release_id="", released_package_id="")
            failed.pack = pack
        _check_retry(failed)
        _move(
            request,
            to=Status.DEPLOYING,
            already="INVALID_TRANSITION",
            action="retried",
            actor=user,
            where=Q(merged_at__isnull=False),
            next_attempt_at=timezone.now(),
            attempts=0,
            error_code="",
            error="",
            failed_step="",
            **changes,
        )
        if (failed.failed_step, failed.error_code) == ("await_release", "RELEASE_FAILED"):
            # Waiting for a release that came to nothing would end the same way: it is made again.
            failed.steps.filter(step="release_pack", state=StepState.DONE).update(
                state=StepState.ABANDONED
            )
        tasks.enqueue_on_commit(tasks.run_request, request.pk)


def accept_finding(user: User, finding: Finding, *, reason: str) -> None:
    """Let a finding pass, as an admin, with a reason; it holds while the value behind it stays the same.

    :raises PromotionError: FORBIDDEN, SELF_REVIEW (it is the user's own plan), REASON_REQUIRED, INVALID_TRANSITION
        (this finding cannot be accepted).
    """
    if not access.is_admin(user):
        _refuse(user, f"accept finding {finding.pk}")
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


def _leave_pack(request: PromotionRequest) -> None:
    """Another pack is chosen: what was done in the first one is done again there, unless it was released."""
    steps = request.steps.filter(state=StepState.DONE)
    if steps.filter(step="await_release").exists():
        raise PromotionError("INVALID_TRANSITION", "It has been released in its pack already.")
    steps.filter(step__in=AFTER_PACK).update(state=StepState.ABANDONED)


def _check_retry(request: PromotionRequest) -> None:
    """What went on since it failed must not be undone: a newer version deployed, or a release of the same pack."""
    if request.merged_at is None:
        raise PromotionError("INVALID_TRANSITION", "It has not been merged.")
    newer = PromotionRequest.objects.filter(
        dev_account=request.dev_account,
        plan__root_component_id=request.plan.root_component_id,
        merged_at__gt=request.merged_at,
    ).first()
    if newer is not None:
        raise PromotionError(
            "INVALID_TRANSITION", f"Promotion {newer.pk} has brought a newer version."
        )
    others = PromotionRequest.objects.exclude(pk=request.pk)
    other = others.going_into_pack(request.pack_name).first()
    if other is not None:
        raise PromotionError(
            "INVALID_TRANSITION",
            f"Promotion {other.pk} goes into the same Integration Pack: retry when it has ended.",
        )


def _check_pack(pack: IntegrationPack | None) -> None:
    if (
        pack is not None
        and not IntegrationPack.objects.for_production().filter(pk=pack.pk).exists()
    ):
        raise PromotionError("PACK_NOT_FOUND", f"“{pack.name}” is not a pack for production.")


def _check_account(user: User, dev_account: DevAccount, what: str) -> None:
    if not access.dev_accounts(user).filter(pk=dev_account.pk).exists():
        _refuse(user, f"{what} of {dev_account.account_id}")


def refuse_account(user: User, account: str, what: str) -> NoReturn:
    """Leave an event for a dev account that is not the user's, or that does not exist, and refuse.

    :raises PromotionError: FORBIDDEN, always.
    """
    _refuse(user, f"{what} of {account}")


def _check_may_decide(user: User, request: PromotionRequest, what: str) -> None:
    if not access.is_admin(user):
        _refuse(user, f"{what} promotion {request.pk}", request)
    if access.same_person(user, request.requester):
        record_event("self_review_refused", request=request, actor=user, subject=what)
        raise PromotionError("SELF_REVIEW")


def _refuse(user: User, what: str, request: PromotionRequest | None = None) -> NoReturn:
    record_event("access_refused", actor=user, request=request, subject=what)
    raise PromotionError("FORBIDDEN")


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
    """No open request may already be creating what this plan creates."""
    taken = (
        PlannedComponent.objects.filter(
            action=Action.CREATE,
            plan__request__status__in=OPEN,
            plan__request__merged_at__isnull=True,
            plan__dev_account=plan.dev_account,
            dev_component_id__in=plan.components.filter(action=Action.CREATE).values(
                "dev_component_id"
            ),
        )
        .exclude(plan=plan)
        .select_related("plan__request")
        .first()
    )
    if taken is not None:
        raise PromotionError(
            "COMPONENT_RESERVED", f"Promotion {taken.plan.request.pk} creates “{taken.name}”."
        )


def _move(request: PromotionRequest, *, to: Status, already: str, **kwargs: object) -> None:
    try:
        move(request.pk, to=to, **kwargs)  # type: ignore[arg-type]
    except StaleRequest as stale:
        raise PromotionError(already, f"It is: {stale.current.label}.") from stale


def _end(request: PromotionRequest, *, to: Status, already: str, **kwargs: object) -> None:
    with transaction.atomic():
        _move(request, to=to, already=already, **kwargs)
        tasks.enqueue_branch_deletions_on_commit(request.pk)
