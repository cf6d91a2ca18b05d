"""Deletes branches (operation 15) on every final path, and settles a merge whose end nobody saw."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NotFound, PartnerApiError

from .. import partner
from ..messages import PromotionError
from ..models import PromotionBranch, PromotionRequest
from ..states import MERGE_INCOMPLETE, HoldKind, Status, StepName
from ..transitions import StalePromotion, record_event
from ..worker import platform
from ..worker.lease import Lease
from ..worker.loop import Stop, Wait, Work, carry_on
from ..worker.timing import DELETE_WAITS, MERGE_POLL, after, backoff
from .branch import find, is_ours
from .merge import is_on_main, merged_versions, record_late_merge
from .restaging import record_vanished, stage_again

logger = logging.getLogger(__name__)

# An operation 10 sent just before its worker died may still be carried out.
IN_FLIGHT = 120.0


def delete_branch(branch_id: int) -> None:
    """Delete one branch that is due, once no worker uses it. Attempts continue until it is gone."""
    carry_on(DeletionWork(), branch_id)


class DeletionWork(Work[PromotionBranch]):
    """A failed deletion never masks what went wrong before, and it is never given up."""

    model = PromotionBranch
    waits = DELETE_WAITS

    def read(self, pk: int) -> PromotionBranch:
        """The branch with its promotion and plan."""
        return PromotionBranch.objects.select_related("promotion__plan").get(pk=pk)

    def take(self, row: PromotionBranch, lease: Lease) -> Wait | Stop:
        """Delete the branch, unless a step still runs or a merge is not settled."""
        if row.delete_due is None or row.deleted_at is not None:
            lease.record(next_attempt_at=None)
            return Stop("not due")
        if (
            not PromotionRequest.objects.not_held(timezone.now())
            .filter(pk=row.promotion_id)
            .exists()
        ):
            return Wait(MERGE_POLL, "A running step finishes first.")
        return _delete(lease, row)

    def held_up(self, row: PromotionBranch, lease: Lease, error: PartnerApiError) -> None:
        """Show the platform's message beside the branch, and wait."""
        lease.record(delete_error=error.message)
        super().held_up(row, lease, error)

    def fail(self, row: PromotionBranch, lease: Lease, error: PromotionError) -> None:
        """Show the error beside the branch, and try again later."""
        # No hold: this trouble does not pass by itself.
        lease.record(
            hold_kind="",
            hold_tries=row.hold_tries + 1,
            delete_error=str(error) if error.code == "INTERNAL_ERROR" else error.detail,
            next_attempt_at=after(backoff(DELETE_WAITS, row.hold_tries)),
        )


def _delete(lease: Lease, branch: PromotionBranch) -> Wait | Stop:
    client = partner.client(promotion=branch.promotion)
    if not _merge_is_settled(client, lease, branch):
        return Wait(MERGE_POLL, "The merge is not settled.")
    # Whatever happens to the deletion, nobody else has to wait to merge.
    PromotionRequest.objects.filter(
        pk=branch.promotion_id, status=Status.FAILED, merged_at__isnull=True
    ).update(merge_started_at=None)
    if not PromotionBranch.objects.filter(pk=branch.pk, delete_due__isnull=False).exists():
        lease.record(next_attempt_at=None)
        return Stop("The merge left something out, and the branch holds it.")
    may_be_in_flight = after(-IN_FLIGHT) < branch.created_at <= timezone.now()
    if not branch.remote_id and may_be_in_flight and find(client, branch) is None:
        return Wait(DELETE_WAITS[1], "It may still be in creation.")
    delete_now(client, branch)
    return Stop("deleted")


def delete_now(client: PartnerApiClient, branch: PromotionBranch) -> None:
    """Delete a branch on the platform and record it; one that no longer exists counts as deleted.

    :raises PartnerApiError: the platform does not delete it now.
    """
    remote_id = branch.remote_id
    if not remote_id:
        known = find(client, branch)
        remote_id = known.branch_id if known else ""
    if remote_id:
        client.delete_branch(remote_id)
    what = "branch_deleted" if remote_id else "branch_never_made"
    now = timezone.now()
    deleted = PromotionBranch.objects.filter(pk=branch.pk, deleted_at__isnull=True).update(
        remote_id=remote_id, deleted_at=now, delete_error="", next_attempt_at=None
    )
    if deleted:
        PromotionRequest.objects.look_again(HoldKind.SLOT)
        record_event(what, promotion=branch.promotion, subject=branch.name)


def _merge_is_settled(client: PartnerApiClient, lease: Lease, branch: PromotionBranch) -> bool:
    """Whether the outcome of a requested merge is known; a merge that ended late is recorded with its mappings.

    A promotion may fail (MERGE_TIMEOUT, a dead worker) while the platform is still merging. If the branch were simply
    dropped, production would hold components without a mapping, and the next promotion would duplicate them.
    """
    promotion = branch.promotion
    asked = promotion.steps.filter(step=StepName.CREATE_MERGE_REQUEST).exists()
    is_recorded = promotion.merged_at is not None or promotion.error_code == MERGE_INCOMPLETE
    if not asked or is_recorded:
        return True
    if not promotion.merge_request_id:
        # The answer to operation 12 was lost, and some accounts merge by themselves.
        is_merged, is_merging = is_on_main(client, promotion), False
    else:
        try:
            merge = client.get_merge_request(promotion.merge_request_id)
        except NotFound:
            return True
        is_merged, is_merging = merge.is_merged, merge.stage == "MERGING"
    if is_merged:
        _record_late_merge(client, promotion)
    return not is_merging


def _record_late_merge(client: PartnerApiClient, promotion: PromotionRequest) -> None:
    late = Lease(PromotionRequest, promotion.pk, promotion.lease_epoch)
    record_late_merge(late, promotion, merged_versions(client, promotion))
    late.release()


def sweep_branches() -> list[str]:
    """Delete our branches that no live promotion owns, and report them.

    Branches made by anybody else are never touched. A vanished branch of a promotion in review is staged again.

    :returns: the names of the branches found without an owner.
    """
    if platform.closed() is not None:
        return []
    client = partner.client()
    found: list[str] = []
    try:
        branches = client.query_branches()
    except PartnerApiError as error:
        logger.warning("The branches could not be read: %s", error.message)
        platform.suspect(error)
        return []
    if any(branch.is_main for branch in branches):
        _stage_vanished_again({branch.branch_id for branch in branches})
    for remote in branches:
        if not is_ours(remote):
            continue
        row = PromotionBranch.objects.filter(name=remote.name).first()
        if row is not None and (row.delete_due is None or row.deleted_at is None):
            continue  # owned by a live promotion, or its deletion is under way
        found.append(remote.name)
        try:
            client.delete_branch(remote.branch_id)
        except PartnerApiError as error:
            logger.warning("%s could not be deleted: %s", remote.name, error.message)
            continue
        record_event("stray_branch_deleted", subject=remote.name)
    return found


def _stage_vanished_again(remote_ids: set[str]) -> None:
    """Somebody deleted the branch of a promotion in review: it is staged again before anybody decides."""
    waiting = PromotionBranch.objects.filter(
        promotion__status=Status.ADMIN_REVIEW, delete_due__isnull=True
    ).exclude(remote_id="")
    for branch in waiting.select_related("promotion"):
        if branch.remote_id in remote_ids:
            continue
        why = f"The branch “{branch.name}” has been deleted."
        try:
            with transaction.atomic():
                record_vanished(branch)
                stage_again(branch.promotion, why)
        except StalePromotion:
            continue
