"""Ticking off the tasks that a deployment leaves for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from .. import access
from ..messages import PromotionError
from ..models import DoneTask, PromotionRequest
from ..states import Status
from ..transitions import record_event
from .guards import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def tick(user: User, promotion: PromotionRequest, task: str, *, done: bool) -> None:
    """Record that a task after a deployment is done, or that it is not done after all.

    :param task: a ``DoneTask.Task``.
    :raises PromotionError: FORBIDDEN; INVALID_TRANSITION when nothing is deployed, or the task does not exist.
    """
    if not access.promotions(user).filter(pk=promotion.pk).exists():
        refuse(user, f"tick a task of promotion {promotion.pk}", promotion)
    if promotion.status != Status.DEPLOYED or task not in DoneTask.Task.values:
        raise PromotionError("INVALID_TRANSITION")
    with transaction.atomic():
        if done:
            _, changed = DoneTask.objects.get_or_create(
                promotion=promotion, task=task, defaults={"person": user}
            )
        else:
            changed = bool(promotion.done_tasks.filter(task=task).delete()[0])
        if changed:
            record_event(
                "task_done" if done else "task_reopened",
                promotion=promotion,
                actor=user,
                subject=DoneTask.Task(task).label,
            )
