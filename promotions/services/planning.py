"""Reading packages and making plans: what a developer begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from .. import tasks
from ..models import DevAccount, PackageListing, Plan
from .guards import check_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def refresh_packages(user: User, dev_account: DevAccount) -> PackageListing:
    """Ask a worker to read the packages of a dev account anew.

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


def make_plan(user: User, dev_account: DevAccount, package_id: str) -> Plan:
    """Begin a plan for one package; a worker makes it.

    :raises PromotionError: FORBIDDEN when the account is not one of the user's.
    """
    check_account(user, dev_account, f"plan package {package_id}")
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
        tasks.enqueue_on_commit(tasks.build_plan_task, plan.pk)
    return plan
