"""What a worker does once for a person beside promotions: synchronise, check, look for twins."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from partnerapi.errors import PartnerApiError

from . import accounts, adoption, connection_check
from .lease import DATABASE_AWAY, Lease, LeaseLost, claim, held
from .messages import PromotionError
from .models import NAME, DevAccount, Job, Plan
from .partner import client as partner_client
from .partner import error_of

logger = logging.getLogger(__name__)


# A worker that died is followed by another one, but not for ever.
MOST_WORKERS = 3


def _synchronise_accounts(job: Job, lease: Lease) -> dict[str, Any]:
    lease.record(progress="Reading accounts, environments and packs")
    return accounts.synchronise(partner_client(), job.requested_by)


def _check_connection(job: Job, lease: Lease) -> dict[str, Any]:
    return connection_check.check(_Progress(lease)).as_json()


def _look_for_twins(job: Job, lease: Lease) -> dict[str, Any]:
    kind, _, key = job.argument.partition(":")
    progress = _Progress(lease)
    if kind == "plan":
        plan = Plan.objects.select_related("dev_account").get(pk=key)
        return adoption.propose_for_plan(partner_client(), plan, progress)
    account = DevAccount.objects.get(pk=key)
    return adoption.propose_for_account(partner_client(), account, progress)


KINDS: dict[str, Callable[[Job, Lease], dict[str, Any]]] = {
    Job.Kind.ACCOUNTS: _synchronise_accounts,
    Job.Kind.CONNECTION_CHECK: _check_connection,
    Job.Kind.ADOPTION: _look_for_twins,
}


class _Progress:
    """Tells the page how far the job is, not more than a few times a second."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.told = 0.0

    def __call__(self, text: str) -> None:
        if time.monotonic() - self.told > 0.3:
            self.told = time.monotonic()
            self.lease.record(progress=text[:NAME])


def run_job(job_id: int) -> None:
    """Do one job, if it is due and no other worker is at it; it ends with a result or an error."""
    lease = claim(Job, job_id)
    if lease is None:
        return
    with held(lease):
        job = Job.objects.get(pk=job_id)
        try:
            if lease.epoch > MOST_WORKERS:
                raise PromotionError("WORKER_LOST")
            result = KINDS[job.kind](job, lease)
            lease.record(
                result=result, finished_at=timezone.now(), next_attempt_at=None, progress=""
            )
        except LeaseLost:
            logger.warning("Job %s is another worker's by now.", job_id)
        except PartnerApiError as error:
            _fail(lease, error_of(error))
        except PromotionError as error:
            _fail(lease, error)
        except DATABASE_AWAY:
            raise
        except Exception:
            logger.exception("Job %s failed.", job_id)
            _fail(lease, PromotionError("INTERNAL_ERROR"))


def _fail(lease: Lease, error: PromotionError) -> None:
    lease.record(
        error_code=error.code,
        error=error.detail,
        finished_at=timezone.now(),
        next_attempt_at=None,
    )
