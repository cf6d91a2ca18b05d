"""Resuming a promotion that failed after its merge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import access, tasks
from ..messages import PromotionError
from ..models import (
    APPROVED_VERSION,
    Approved,
    ApprovedPackage,
    IntegrationPack,
    PromotedPackage,
    PromotionPackage,
    PromotionRequest,
    Turn,
)
from ..pipeline.steps import AFTER_PACK, MERGE_STEPS, PACKAGE_STEPS
from ..plan import premises
from ..states import MERGE_INCOMPLETE, Kind, Status, StepName, StepState
from .approvals import columns_of, keep
from .guards import check_may_decide, check_other_pack, check_pack, move_or_refuse, refuse
from .readings import check_read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def retry(
    user: User,
    promotion: PromotionRequest,
    *,
    package_version: str = "",
    pack: IntegrationPack | None = None,
    package: PromotionPackage | None = None,
    other_pack_accepted: bool = False,
) -> None:
    """Resume a promotion that failed after its merge, at the step that failed.

    One whose merge left something out (MERGE_INCOMPLETE) is merged again from the same branch.

    A promotion of several packages goes on with those that failed; the others are done.

    A retry never bypasses review: whoever retries approves each change anew, and must not be the requester.

    :param package_version: another version, if the first one was taken (PACKAGE_VERSION_EXISTS).
    :param pack: another pack, if the first one disappeared (PACK_NOT_FOUND); for all packages that go into it.
    :param package: the further package of a bundle that version and pack are for; the first one if it is left out.
    :param other_pack_accepted: as at an approval.
    :raises PromotionError: FORBIDDEN, SELF_REVIEW (the requester changes something, or accepts a change in production),
        DIFFERENCE_NOT_READ, PACK_NOT_FOUND, OTHER_PACK, INVALID_TRANSITION (also while another promotion goes into the
        pack, when a newer one of the process has been merged, and for changes that come too late).
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
        rows = failed.packages
        made = next((row for row in rows if package is not None and row == package), rows[0])
        approved = _with_changes(failed, before, rows.index(made), package_version.strip(), pack)
        if pack is not None:
            check_other_pack(user, failed, approved, accepted=other_pack_accepted)
        for row, was, becomes in zip(rows, before.packages, approved.packages, strict=True):
            _change(row, was, becomes, pack, changes)
        if failed.error_code == "RELEASE_FAILED" and len(rows) == 1:
            changes["release_id"] = ""
        _check_retry(failed)
        # What was frozen stays frozen: only what this retry is about may differ.
        approved = replace(
            approved,
            version=before.version if failed.merged_at else APPROVED_VERSION,
            production_changes=_changed_in_production(failed) or before.production_changes,
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
        failed.steps.filter(step__in=_steps_again(failed), state=StepState.DONE).update(
            state=StepState.ABANDONED
        )
        tasks.enqueue_on_commit(tasks.run_promotion_task, promotion.pk)


def _steps_again(failed: PromotionRequest) -> tuple[StepName, ...]:
    """The steps that are done and have to be taken again, beside the one that failed."""
    if len(failed.packages) > 1 and failed.merged_at is not None:
        # Each step passes by the packages that it is done with.
        return PACKAGE_STEPS
    if (failed.failed_step, failed.error_code) == (StepName.AWAIT_RELEASE, "RELEASE_FAILED"):
        # Waiting for a release that came to nothing would end the same way: it is made again.
        return (StepName.RELEASE_PACK,)
    return ()


def _with_changes(
    failed: PromotionRequest,
    before: Approved,
    number: int,
    version: str,
    pack: IntegrationPack | None,
) -> Approved:
    """What was approved, with another version or pack for one package.

    :param number: which package it is, the first one being 0.
    :raises PromotionError: INVALID_TRANSITION when it is too late for that.
    """
    rows, approved = failed.packages, before
    made, frozen = rows[number], before.packages[number]
    if version not in ("", made.package_version):
        if made.prod_package_id:
            raise PromotionError("INVALID_TRANSITION", "The package has been made already.")
        approved = approved.with_package(replace(frozen, package_version=version))
    if failed.is_deployment and (pack is not None or approved != before):
        raise PromotionError("INVALID_TRANSITION", "A deployment brings what was packaged.")
    if pack is not None and pack != made.pack:
        for row, one in zip(rows, approved.packages, strict=True):
            if one.pack_key == frozen.pack_key:
                _leave_pack(failed, row)
                changed = replace(one, pack_id=pack.pack_id, pack_name=pack.name)
                approved = approved.with_package(changed)
    return approved


def _change(
    row: PromotedPackage,
    before: ApprovedPackage,
    after: ApprovedPackage,
    pack: IntegrationPack | None,
    changes: dict[str, Any],
) -> None:
    """What a retry writes of one package: what is new, and that nothing holds it up any more.

    :param changes: further columns of the promotion, whose first package is written with them.
    """
    columns: dict[str, Any] = {"package_error_code": "", "package_error": ""}
    if after.package_version != before.package_version:
        columns["package_version"] = after.package_version
    if after.pack_key != before.pack_key:
        columns |= {"pack": pack, "new_pack_name": "", "released_package_id": ""}
    if after.pack_key != before.pack_key or row.package_error_code == "RELEASE_FAILED":
        columns["release_id"] = ""
    if isinstance(row, PromotionPackage):
        PromotionPackage.objects.filter(pk=row.pk).update(**columns)
    else:
        changes.update(columns)
    for name, value in columns.items():
        if not name.startswith("package_error"):
            setattr(row, name, value)


def _changed_in_production(failed: PromotionRequest) -> str:
    """What was told of production after the merge, and is accepted by a retry: a line for each package."""
    told = [
        row.package_error
        for row in failed.packages
        if row.package_error_code == "PRODUCTION_CHANGED"
    ]
    if not told and failed.error_code == "PRODUCTION_CHANGED":
        told = [failed.error]
    return "\n".join(dict.fromkeys(told))


def _before_and_after(before: Approved, after: Approved) -> str:
    """What a retry changes, for the event: "package version 1.0 → 1.1"."""
    told = []
    for was, becomes in zip(before.packages, after.packages, strict=True):
        for name in ("package_version", "pack_name", "pack_id"):
            old, new = getattr(was, name), getattr(becomes, name)
            if old != new:
                told.append(f"{name.replace('_', ' ')} {old or 'none'} → {new or 'none'}")
    if before.production_changes != after.production_changes:
        told.append(f"accepted: {after.production_changes}")
    return "; ".join(told)


def _leave_pack(promotion: PromotionRequest, made: PromotedPackage) -> None:
    """Switch to another pack: what was done in the first one is done again, unless it was released there."""
    steps = promotion.steps.filter(state=StepState.DONE)
    if not made.package_error_code and steps.filter(step=StepName.AWAIT_RELEASE).exists():
        raise PromotionError("INVALID_TRANSITION", "It has already been released in its pack.")
    steps.filter(step__in=AFTER_PACK).update(state=StepState.ABANDONED)


def _check_retry(promotion: PromotionRequest) -> None:
    """A retry must not undo what happened since: a newer version deployed, or a release of the same pack."""
    if not promotion.can_be_retried:
        raise PromotionError("INVALID_TRANSITION", "It has not been merged.")
    if promotion.is_deployment:
        premises.check_no_newer(promotion.made, premises.environments_of(promotion))
        return
    merged_at = promotion.merged_at or promotion.updated_at
    rows = promotion.packages
    for row in rows:
        if len(rows) > 1 and _is_done(promotion, row):
            continue
        merged = PromotionRequest.objects.filter(merged_at__gt=merged_at)
        newer = merged.of_root(promotion.dev_account, row.planned.root_component_id).first()
        if newer is None and row.process_id:
            # Another account may promote it as well.
            newer = merged.of_process(row.process_id.lower()).first()
        if newer is not None:
            raise PromotionError(
                "INVALID_TRANSITION", f"Promotion {newer.pk} has brought a newer version."
            )
    others = PromotionRequest.objects.exclude(pk=promotion.pk)
    other = others.going_into_packs([row.pack_name for row in rows]).first()
    if other is not None:
        raise PromotionError(
            "INVALID_TRANSITION",
            f"Promotion {other.pk} goes into the same Integration Pack: retry when it has ended.",
        )


def _is_done(promotion: PromotionRequest, row: PromotedPackage) -> bool:
    """Whether a package of several is where it was to go."""
    further = row if isinstance(row, PromotionPackage) else None
    outstanding = promotion.deployments.outstanding().filter(package=further)
    return bool(row.prod_package_id) and not row.package_error_code and not outstanding.exists()
