"""What admins do to set Promotion Desk up: have a worker look at the platform, adopt twins."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from .. import access, tasks
from ..messages import PromotionError
from ..models import DevAccount, Job, Plan
from ..setup import adoption
from ..setup.adoption import Adopted
from ..transitions import record_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import User

    from ..audit.history import Search


def start_job(user: User, kind: str, argument: str = "") -> Job:
    """Start a job for a worker; one of the same kind that is under way is reused.

    :raises PromotionError: FORBIDDEN unless the user is an admin.
    """
    check_admin(user, f"start the job “{Job.Kind(kind).label}”")
    with transaction.atomic():
        job = Job.objects.filter(kind=kind, argument=argument, finished_at__isnull=True).first()
        if job is None:
            job = Job.objects.create(
                kind=kind,
                argument=argument,
                requested_by=user,
                progress="Waiting for a worker",
                next_attempt_at=timezone.now(),
            )
        tasks.enqueue_on_commit(tasks.run_job_task, job.pk)
    return job


def look_for_twins(user: User, target: DevAccount | Plan) -> Job:
    """Have a worker look for the production twins of a dev account's components, or of one plan's.

    :raises PromotionError: FORBIDDEN unless the user is an admin.
    """
    kind = "plan" if isinstance(target, Plan) else "account"
    return start_job(user, Job.Kind.ADOPTION, f"{kind}:{target.pk}")


def adopt_twins(user: User, job: Job, chosen: Iterable[str]) -> Adopted:
    """Map those proposals of a job that the user has ticked.

    :raises PromotionError: FORBIDDEN unless the user is an admin.
    """
    check_admin(user, f"adopt twins of job {job.pk}")
    account = account_of(job)
    if account is None:
        return Adopted([], ["The dev account is no longer known here."])
    return adoption.adopt(user, account, job.result.get("proposals", []), chosen)


def export_history(user: User, search: Search, format_name: str) -> Search:
    """Record that an admin exports the history.

    :raises PromotionError: FORBIDDEN unless the user is an admin.
    """
    check_admin(user, "export the history")
    asked = {name: str(value) for name, value in asdict(search).items() if value}
    note = ", ".join(f"{name}: {value}" for name, value in asked.items())
    record_event("history_exported", actor=user, subject=format_name, note=note)
    return search


def account_of(job: Job) -> DevAccount | None:
    """The dev account that a search for twins is about."""
    kind, _, key = job.argument.partition(":")
    if kind == "plan":
        return DevAccount.objects.filter(plans__pk=key).first()
    return DevAccount.objects.filter(pk=key).first()


def check_admin(user: User, what: str) -> None:
    """Refuse anyone who is not an admin, and record the attempt as an event.

    :raises PromotionError: FORBIDDEN.
    """
    if not access.is_admin(user):
        record_event("access_refused", actor=user, subject=what)
        raise PromotionError("FORBIDDEN")
