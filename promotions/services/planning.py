"""Reading packages and making plans: where a developer begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import access, tasks
from ..messages import PromotionError
from ..models import NO_HOLD, DevAccount, PackageListing, Plan
from .guards import check_account, refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


# Packages of one promotion: as many as people can look at in one review.
MAX_PACKAGES = 20


def refresh_packages(user: User, dev_account: DevAccount) -> PackageListing:
    """Ask a worker to read the packages of a dev account again.

    :raises PromotionError: FORBIDDEN when the account is not one of the user's.
    """
    check_account(user, dev_account, "refresh packages")
    listing, _ = PackageListing.objects.get_or_create(dev_account=dev_account)
    if not listing.is_refreshing:
        PackageListing.objects.filter(pk=listing.pk).update(
            next_attempt_at=timezone.now(), error_code="", error=""
        )
        listing.refresh_from_db()
        tasks.enqueue_on_commit(tasks.refresh_packages_task, listing.pk)
    return listing


def make_plan(user: User, dev_account: DevAccount, package_id: str, *further: str) -> Plan:
    """Start one plan for a package, or for several that are promoted together; a worker makes it.

    :param further: the ids of the other packages.
    :raises PromotionError: FORBIDDEN when the account is not one of the user's; ONE_PROCESS_TWICE; TOO_MANY_PACKAGES.
    """
    check_account(user, dev_account, f"plan package {package_id}")
    sources = [_known(dev_account, one) for one in dict.fromkeys((package_id, *further))]
    if len(sources) > MAX_PACKAGES:
        raise PromotionError("TOO_MANY_PACKAGES", f"{len(sources)}, not more than {MAX_PACKAGES}.")
    roots = [root for source in sources if (root := source["root_component_id"].lower())]
    if len(set(roots)) < len(roots):
        raise PromotionError("ONE_PROCESS_TWICE")
    with transaction.atomic():
        plan = Plan.objects.create(
            dev_account=dev_account,
            **sources[0],
            requested_by=user,
            progress="Waiting for a worker",
            next_attempt_at=timezone.now(),
        )
        for source in sources[1:]:
            plan.further.create(**source)
        tasks.enqueue_on_commit(tasks.build_plan_task, plan.pk)
    return plan


def _known(dev_account: DevAccount, package_id: str) -> dict[str, str]:
    """What is known of a package before a worker reads it."""
    known = dev_account.packages.filter(package_id=package_id).first()
    return {
        "package_id": package_id,
        "package_version": known.package_version if known else "",
        "root_component_id": known.component_id if known else "",
        "root_name": known.component_name if known else "",
    }


def cancel_plan(user: User, plan: Plan) -> None:
    """Stop a plan that is being made; its worker makes no further call.

    :raises PromotionError: FORBIDDEN (it is somebody else's plan), INVALID_TRANSITION (it is already made).
    """
    if not access.same_person(user, plan.requested_by):
        refuse(user, f"cancel plan {plan.pk}")
    being_made = Plan.objects.filter(pk=plan.pk, state=Plan.State.BUILDING)
    # A new epoch takes the lease away from the worker.
    if not being_made.update(
        state=Plan.State.CANCELLED,
        progress="",
        finished_at=timezone.now(),
        next_attempt_at=None,
        lease_owner="",
        lease_until=None,
        lease_epoch=F("lease_epoch") + 1,
        **NO_HOLD,
    ):
        raise PromotionError("INVALID_TRANSITION", "The plan is no longer being made.")
