"""Resuming a promotion that failed after its merge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import access, tasks
from ..messages import PromotionError
from ..models import APPROVED_VERSION, Approved, IntegrationPack, PromotionRequest, Turn
from ..pipeline.steps import AFTER_PACK, MERGE_STEPS
from ..plan import premises
from ..states import MERGE_INCOMPLETE, Kind, Status, StepName, StepState
from .approvals import columns_of, keep
from .guards import check_may_decide, check_pack, move_or_refuse, refuse
from .readings import check_read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def retry(
    user: User,
    promotion: PromotionRequest,
    *,
    package_version: str = "",
    pack: IntegrationPack | None = None,
) -> None:
    """Resume a promotion that failed after its merge, at the step that failed.

    One whose merge left something out (MERGE_INCOMPLETE) is merged again from the same branch.

    A retry never bypasses review: whoever retries approves each change anew, and must not be the requester.

    :param package_version: another version, if the first one was taken (PACKAGE_VERSION_EXISTS).
    :param pack: another pack, if the first one disappeared (PACK_NOT_FOUND).
    :raises PromotionError: FORBIDDEN, SELF_REVIEW (the requester changes something, or accepts a change in production),
        DIFFERENCE_NOT_READ, PACK_NOT_FOUND, INVALID_TRANSITION (also while another promotion goes into the pack, when a
        newer one of the process has been merged, and for changes that come too late).
    """
    if not access.may_retry(user):
        refuse(user, f"retry promotion {promotion.pk}", promotion)
    check_pack(pack)
    changes: dict[str, Any] = {}
    with transaction.atomic():
        # This also decides whose turn it is in the pack: see the step take_merge_turn.
        Turn.take("merges")
        failed = PromotionRequest.objects.select_related("pack", "plan", "requester").get(
            pk=promotion.pk
        )
        before = failed.approved_object()
        if package_version.strip() not in ("", failed.package_version):
            if failed.prod_package_id:
                raise PromotionError("INVALID_TRANSITION", "The package has already been made.")
            changes["package_version"] = package_version.strip()
        if failed.is_deployment and (pack is not None or changes):
            raise PromotionError("INVALID_TRANSITION", "A deployment brings what was packaged.")
        if pack is not None and pack != failed.pack:
            _leave_pack(failed)
            changes.update(pack=pack, new_pack_name="", release_id="", released_package_id="")
            failed.pack = pack
        _check_retry(failed)
        # What was frozen stays frozen: only what this retry is about may differ.
        approved = replace(
            before,
            package_version=changes.get("package_version", before.package_version),
            pack_id=pack.pack_id if "pack" in changes and pack else before.pack_id,
            pack_name=pack.name if "pack" in changes and pack else before.pack_name,
            version=before.version if failed.merged_at else APPROVED_VERSION,
            production_changes=failed.error
            if failed.error_code == "PRODUCTION_CHANGED"
            else before.production_changes,
        )
        note = ""
        if approved != before or (failed.merged_at is None and failed.why_approval_lapsed):
            check_may_decide(user, failed, "change at a retry")
            if failed.merged_at is None and failed.demanded.approvals > 1:
                raise PromotionError(
                    "INVALID_TRANSITION", "Several people approved it as it was: request it again."
                )
            check_read(user, failed)
            note = _before_and_after(before, approved) or failed.why_approval_lapsed
            changes |= columns_of(user, approved)
            keep(failed, user, approved, comment=note)
        if failed.holds_unmerged_content:
            failed.steps.filter(step__in=MERGE_STEPS, state=StepState.DONE).update(
                state=StepState.ABANDONED
            )
            changes.update(merge_request_id="", merge_started_at=None, merge_executed_at=None)
        move_or_refuse(
            promotion,
            to=Status.DEPLOYING,
            already="INVALID_TRANSITION",
            action="retried",
            actor=user,
            note=note,
            where=Q(merged_at__isnull=False)
            | Q(error_code=MERGE_INCOMPLETE)
            | Q(kind=Kind.DEPLOYMENT),
            next_attempt_at=timezone.now(),
            error_code="",
            error="",
            failed_step="",
            **changes,
        )
        if (failed.failed_step, failed.error_code) == (StepName.AWAIT_RELEASE, "RELEASE_FAILED"):
            # Waiting for a release that failed would only fail again, so a new one is made.
            failed.steps.filter(step=StepName.RELEASE_PACK, state=StepState.DONE).update(
                state=StepState.ABANDONED
            )
        tasks.enqueue_on_commit(tasks.run_promotion_task, promotion.pk)


def _before_and_after(before: Approved, after: Approved) -> str:
    """What a retry changes, for the event: "package version 1.0 → 1.1"."""
    told = []
    for name in ("package_version", "pack_name", "pack_id"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            told.append(f"{name.replace('_', ' ')} {old or 'none'} → {new or 'none'}")
    if before.production_changes != after.production_changes:
        told.append(f"accepted: {after.production_changes}")
    return "; ".join(told)


def _leave_pack(promotion: PromotionRequest) -> None:
    """Switch to another pack: what was done in the first one is done again, unless it was released there."""
    steps = promotion.steps.filter(state=StepState.DONE)
    if steps.filter(step=StepName.AWAIT_RELEASE).exists():
        raise PromotionError("INVALID_TRANSITION", "It has already been released in its pack.")
    steps.filter(step__in=AFTER_PACK).update(state=StepState.ABANDONED)


def _check_retry(promotion: PromotionRequest) -> None:
    """A retry must not undo what happened since: a newer version deployed, or a release of the same pack."""
    if not promotion.can_be_retried:
        raise PromotionError("INVALID_TRANSITION", "It has not been merged.")
    if promotion.is_deployment:
        premises.check_no_newer(promotion.origin, premises.environments_of(promotion))
        return
    merged_at = promotion.merged_at or promotion.updated_at
    same_process = Q(
        dev_account=promotion.dev_account,
        plan__root_component_id=promotion.plan.root_component_id,
    )
    if promotion.process_id:
        # Another account may promote it as well.
        same_process |= Q(process_id__iexact=promotion.process_id)
    newer = PromotionRequest.objects.filter(same_process, merged_at__gt=merged_at).first()
    if newer is not None:
        raise PromotionError(
            "INVALID_TRANSITION", f"Promotion {newer.pk} has brought a newer version."
        )
    others = PromotionRequest.objects.exclude(pk=promotion.pk)
    other = others.going_into_pack(promotion.pack_name).first()
    if other is not None:
        raise PromotionError(
            "INVALID_TRANSITION",
            f"Promotion {other.pk} goes into the same Integration Pack: retry when it has ended.",
        )
