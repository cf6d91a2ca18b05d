"""When the beat sends its tasks, also after the clock of its machine has been set back.

Celery reckons from the last run, and a last run in the future makes it wait until that hour comes round again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery.beat import PersistentScheduler
from celery.schedules import schedule
from django.utils import timezone


class Every(schedule):
    """Every so many seconds; what was last run in the future is due now.

    :param seconds: between two runs.
    """

    run_every: timedelta

    def __init__(self, seconds: float | timedelta, *args: Any, **kwargs: Any) -> None:
        super().__init__(seconds, *args, **kwargs)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        return self._next_run(last_run_at) - self.maybe_make_aware(self.now())

    def _next_run(self, last_run_at: datetime) -> datetime:
        last = self.maybe_make_aware(last_run_at)
        now = self.maybe_make_aware(self.now())
        return now - self.run_every if last > now else last + self.run_every

    # A schedule can be made of this one, as of a number of seconds: it asks for its length and adds it to the last run.

    def total_seconds(self) -> float:
        return float(self.run_every.total_seconds())

    def __radd__(self, moment: datetime) -> datetime:
        return self._next_run(moment)


class Scheduler(PersistentScheduler):
    """Reckons every next run anew when the clock was set back: its queue is ordered by the old hour."""

    _ticked_at: datetime | None = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now = timezone.now()
        if self._ticked_at is not None and now < self._ticked_at:
            self._heap = None
        self._ticked_at = now
        return float(super().tick(*args, **kwargs))
