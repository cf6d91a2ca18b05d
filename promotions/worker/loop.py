"""What a worker does around a row that is a single piece of work: plans, package listings, jobs.

A promotion has steps and a branch besides; its own runner carries it on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from partnerapi.errors import PartnerApiError

from ..messages import PromotionError
from ..models import NAME, Leased
from ..partner import error_of
from .lease import DATABASE_AWAY, Lease, LeaseLost, claim, held
from .timing import RETRY_WAITS, after, backoff

logger = logging.getLogger(__name__)

L = TypeVar("L", bound=Leased)

_TOLD_EVERY = 0.3  # seconds


def carry_out(
    model: type[L],
    pk: int,
    work: Callable[[L, Lease], None],
    *,
    fail: Callable[[Lease, PromotionError], None],
    most_claims: int | None = None,
    retries: int = 0,
    while_waiting: Mapping[str, Any] | None = None,
) -> None:
    """Do the work of one row, if it is due and no other worker is at it; it ends done, failed or due again.

    :param work: does it and records what came of it.
    :param fail: records that it failed for good.
    :param most_claims: how often workers may take it up, those that died at it included.
    :param retries: how often a failure is tried again of which the Partner API says that waiting helps.
    :param while_waiting: columns to record beside the next attempt.
    """
    lease = claim(model, pk)
    if lease is None:
        return
    with held(lease):
        row = model._default_manager.get(pk=pk)
        try:
            if most_claims is not None and lease.epoch > most_claims:
                raise PromotionError("WORKER_LOST")
            work(row, lease)
        except LeaseLost:
            logger.warning("%s %s is another worker's by now.", model.__name__, pk)
        except PartnerApiError as error:
            if error.waiting_helps and row.attempts < retries:
                lease.record(
                    **while_waiting or {},
                    attempts=row.attempts + 1,
                    next_attempt_at=after(backoff(RETRY_WAITS, row.attempts)),
                )
            else:
                fail(lease, error_of(error))
        except PromotionError as error:
            fail(lease, error)
        except DATABASE_AWAY:
            raise
        except Exception:
            logger.exception("%s %s failed.", model.__name__, pk)
            fail(lease, PromotionError("INTERNAL_ERROR"))


class Progress:
    """Tells the page how far the work is; the same words not more than a few times a second."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._told = ("", 0.0)

    def __call__(self, text: str, **counts: int) -> None:
        """Record the words, and the columns ``progress_done`` and ``progress_total`` where the row has them."""
        if self._told[0] == text and time.monotonic() - self._told[1] < _TOLD_EVERY:
            return
        self._told = (text, time.monotonic())
        self._lease.record(progress=text[:NAME], **counts)
