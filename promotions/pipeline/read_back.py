"""Steps between writing and review: what is on the branch, and what the admin can choose from."""

from __future__ import annotations

from django.utils import timezone

from partnerapi.errors import PartnerApiError
from partnerapi.records import Component

from ..messages import PromotionError
from ..models import ComponentResult, IntegrationPack
from ..setup import accounts
from ..states import Action, Status
from .context import StepContext, Wait, counted
from .proof import Proof

# Components whose documents are held in memory at once.
AT_ONCE = 30


def check_staged(context: StepContext) -> Wait | None:
    """Prove what is on the branch and store its difference from main, which reviewers see.

    Whatever the answer to its write has proved is not read again before the merge.

    :raises PromotionError: PLAN_STALE when the branch does not hold what the plan says; PACKAGE_VERSION_EXISTS while
        nothing has reached production yet.
    """
    results = list(context.written())
    unproved = [result for result in results if not result.staged_digest]
    proof = Proof.of(context.promotion)
    for start in range(0, len(unproved), AT_ONCE):
        context.check_not_stopped()
        context.note(f"{start} of {counted(len(unproved), 'component')}")
        _read_back(context, proof, unproved[start : start + AT_ONCE])
    _check_package_versions(context)
    context.note(f"{counted(len(results), 'component')} as planned")
    return None


def _read_back(context: StepContext, proof: Proof, results: list[ComponentResult]) -> None:
    on_branch = context.client.get_many_components(
        [result.prod_component_id for result in results], branch_id=context.branch.remote_id
    )
    updated = [result for result in results if result.component.action == Action.UPDATE]
    twins = context.client.get_many_components([r.prod_component_id for r in updated])
    for result in results:
        found = _read(on_branch[result.prod_component_id])
        twin = None
        if result.component.action == Action.UPDATE:
            twin = unmoved(result, _read(twins[result.prod_component_id]))
        columns = proof.columns(result.component, found, twin.document if twin else None)
        if columns is None:
            raise PromotionError(
                "PLAN_STALE", f"“{result.component.name}” on the branch is not what was planned."
            )
        with context.writing():
            ComponentResult.objects.filter(pk=result.pk).update(**columns)


def _read(found: Component | PartnerApiError) -> Component:
    if isinstance(found, PartnerApiError):
        raise found
    return found


def unmoved(result: ComponentResult, twin: Component) -> Component:
    """The twin on main, at the version of the plan.

    :raises PromotionError: PLAN_STALE.
    """
    component = result.component
    if twin.version != component.prod_version:
        raise PromotionError(
            "PLAN_STALE",
            f"“{component.name}” is at version {twin.version} in production, not {component.prod_version}.",
        )
    return twin


def _check_package_versions(context: StepContext) -> None:
    for package in context.promotion.packages:
        root = context.promotion.results.get(
            component__dev_component_id=package.planned.root_component_id
        )
        if root.component.action == Action.CREATE:
            continue
        taken = context.client.query_packaged_components(
            component_id=root.prod_component_id,
            package_version=package.package_version,
            with_deleted=True,
        )
        if any(True for _ in taken):
            raise PromotionError("PACKAGE_VERSION_EXISTS", package.package_version)


def synchronise_packs(context: StepContext) -> Wait | None:
    """Operation 16, so that the admin chooses from the current packs."""
    began = timezone.now()
    told = accounts.synchronise_packs(context.client)
    # A pack that the platform no longer lists cannot be chosen. What an admin switched off stays off.
    IntegrationPack.objects.filter(synchronised_at__lt=began).update(is_active=False)
    context.note(counted(told["seen"], "pack"))
    return None


def offer_for_review(context: StepContext) -> Wait | None:
    """Hand over to people; a worker has nothing to do until one of them decides.

    A promotion that was approved before its branch had to be staged again continues: it holds what was approved.
    """
    if context.promotion.approved_by_id:
        context.move(Status.DEPLOYING, next_attempt_at=timezone.now())
        return None
    context.move(Status.ADMIN_REVIEW, next_attempt_at=None)
    return None
