"""What a worker does once for a person beside promotions: synchronise, check, look for twins."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from partnerapi.errors import PartnerApiError

from . import accounts
from .lease import Lease, LeaseLost, claim, held
from .messages import PromotionError
from .models import Job
from .partner import client as partner_client
from .partner import error_of

logger = logging.getLogger(__name__)


def _synchronise_accounts(job: Job, lease: Lease) -> dict[str, Any]:
    return accounts.synchronise(partner_client())


KINDS: dict[str, Callable[[Job, Lease], dict[str, Any]]] = {
    Job.Kind.ACCOUNTS: _synchronise_accounts,
}


def run_job(job_id: int) -> None:
    """Do one job, if it is due and no other worker is at it; it ends with a result or an error."""
    lease = claim(Job, job_id)
    if lease is None:
        return
    with held(lease):
        job = Job.objects.get(pk=job_id)
        try:
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
