"""Going back to what an earlier promotion brought: a worker plans it, then it is requested like any promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from .. import tasks
from ..messages import PromotionError
from ..models import Plan, PromotedPackage, PromotionPackage, PromotionRequest
from ..states import EnvironmentValues
from .guards import check_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def may_be_restored(former: PromotedPackage) -> bool:
    """Whether it is an earlier promotion of its process: merged, with another one merged since.

    :param former: a promotion, for its first package, or a further package of one.
    """
    if not former.merged_at or not former.process_id:
        return False
    since = PromotionRequest.objects.of_process(former.process_id)
    return since.filter(merged_at__gt=former.merged_at).exists()


def plan_rollback(user: User, former: PromotedPackage) -> Plan:
    """Start a plan that restores what an earlier promotion brought; a worker makes it.

    :param former: a merged promotion or rollback of the process, or a further package of one.
    :raises PromotionError: FORBIDDEN when the account is not one of the user's; INVALID_TRANSITION when nothing has
        been promoted since.
    """
    source = former.origin
    check_account(user, source.dev_account, f"roll back to promotion {source.pk}")
    if not may_be_restored(former):
        raise PromotionError("INVALID_TRANSITION", "Nothing has been promoted since.")
    planned = former.planned
    with transaction.atomic():
        plan = Plan.objects.create(
            dev_account=source.dev_account,
            package_id=planned.package_id,
            package_version=planned.package_version,
            root_component_id=planned.root_component_id,
            root_name=planned.root_name,
            root_type=planned.root_type,
            restores=source,
            restores_package=former if isinstance(former, PromotionPackage) else None,
            # Kept content holds no environment values: production keeps its own.
            environment_values=EnvironmentValues.KEEP,
            requested_by=user,
            progress="Waiting for a worker",
            next_attempt_at=timezone.now(),
        )
        tasks.enqueue_on_commit(tasks.build_plan_task, plan.pk)
    return plan


def suggested_version(plan: Plan) -> str:
    """A version that names what it restores and is not yet taken in production, such as "1.0-restored-2"."""
    restored = (plan.restored or plan).package_version
    number = 1
    while f"{restored}-restored-{number}" in plan.taken_versions:
        number += 1
    return f"{restored}-restored-{number}"
