"""What a worker does once, beside promotions: synchronise, check, look for twins and for drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from .. import partner
from ..messages import PromotionError
from ..models import DevAccount, Job, Plan
from ..worker.lease import Lease
from ..worker.loop import Progress, Stop, Work, carry_on
from . import accounts, adoption, connection_check, drift

# Another worker takes over from one that died, but not forever.
MOST_WORKERS = 3


def _synchronise_accounts(job: Job, lease: Lease) -> dict[str, Any]:
    lease.record(progress="Reading accounts, environments and packs")
    return accounts.synchronise(partner.client(), job.requested_by)


def _check_connection(job: Job, lease: Lease) -> dict[str, Any]:
    return connection_check.check(Progress(lease)).as_json()


def _look_for_twins(job: Job, lease: Lease) -> dict[str, Any]:
    kind, _, key = job.argument.partition(":")
    progress = Progress(lease)
    if kind == "plan":
        plan = Plan.objects.select_related("dev_account").get(pk=key)
        return adoption.propose_for_plan(partner.client(), plan, progress)
    account = DevAccount.objects.get(pk=key)
    return adoption.propose_for_account(partner.client(), account, progress)


def _look_for_drift(job: Job, lease: Lease) -> dict[str, Any]:
    result = drift.look(partner.client(owner="the look for drift"), Progress(lease))
    drift.remember(result, timezone.now())
    return result


def _list_production(job: Job, lease: Lease) -> dict[str, Any]:
    """The production components of one type, to pick twins from."""
    lease.record(progress="Reading the list")
    found = partner.client().query_component_metadata(component_type=job.argument)
    return {
        "components": [
            {
                "id": row.component_id,
                "name": row.name,
                "sub_type": row.sub_type,
                "folder": row.folder_full_path,
                "version": row.version,
            }
            for row in found
        ]
    }


KINDS: dict[str, Callable[[Job, Lease], dict[str, Any]]] = {
    Job.Kind.ACCOUNTS: _synchronise_accounts,
    Job.Kind.CONNECTION_CHECK: _check_connection,
    Job.Kind.ADOPTION: _look_for_twins,
    Job.Kind.DRIFT: _look_for_drift,
    Job.Kind.LISTING: _list_production,
}


def run_job(job_id: int) -> None:
    """Run one job, if it is due and no other worker has it; it ends with a result or an error.

    Nothing is tried again: a person is waiting and can start it again.
    """
    carry_on(JobWork(), job_id)


class JobWork(Work[Job]):
    """A job has no patience, and it calls a platform known to be away: finding that out may be its purpose."""

    model = Job
    patience = 0
    heeds_platform = False

    def take(self, row: Job, lease: Lease) -> Stop:
        """Run the job, whatever its kind, and keep its result."""
        # Nothing is tried again, so any earlier worker must have died at it.
        if lease.epoch > MOST_WORKERS:
            raise PromotionError("WORKER_LOST")
        result = KINDS[row.kind](row, lease)
        lease.record(result=result, finished_at=timezone.now(), next_attempt_at=None, progress="")
        return Stop("done")

    def fail(self, row: Job, lease: Lease, error: PromotionError) -> None:
        """Keep the error for the page that waits for the job."""
        lease.record(
            error_code=error.code,
            error=error.detail,
            finished_at=timezone.now(),
            next_attempt_at=None,
        )
