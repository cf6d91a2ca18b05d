"""Going back to what an earlier promotion brought: a worker plans it, then it is requested like any promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from .. import tasks
from ..messages import PromotionError
from ..models import Plan, PromotionRequest
from ..states import EnvironmentValues
from .guards import check_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet


def may_be_restored(source: PromotionRequest) -> bool:
    """Whether it is an earlier promotion of its process: merged, with another one merged since."""
    return source.merged_at is not None and _since(source).exists()


def _since(source: PromotionRequest) -> QuerySet[PromotionRequest]:
    return PromotionRequest.objects.filter(
        process_id=source.process_id, merged_at__gt=source.merged_at
    )


def plan_rollback(user: User, source: PromotionRequest) -> Plan:
    """Start a plan that restores what an earlier promotion brought; a worker makes it.

    :param source: a merged promotion or rollback of the process.
    :raises PromotionError: FORBIDDEN when the account is not one of the user's; INVALID_TRANSITION when nothing has
        been promoted since.
    """
    check_account(user, source.dev_account, f"roll back to promotion {source.pk}")
    if not may_be_restored(source):
        raise PromotionError("INVALID_TRANSITION", "Nothing has been promoted since.")
    former = source.plan
    with transaction.atomic():
        plan = Plan.objects.create(
            dev_account=source.dev_account,
            package_id=former.package_id,
            package_version=former.package_version,
            root_component_id=former.root_component_id,
            root_name=former.root_name,
            root_type=former.root_type,
            restores=source,
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
    restored = plan.restores.package_version if plan.restores else plan.package_version
    number = 1
    while f"{restored}-restored-{number}" in plan.taken_versions:
        number += 1
    return f"{restored}-restored-{number}"
