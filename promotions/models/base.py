"""What all models share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from ..states import HoldKind

NAME = 255
# Component names may be long on the platform; the column holds what any of them needs.
LONG_NAME = 1000


# What ends a hold, as columns of an UPDATE.
NO_HOLD = {
    "hold_kind": "",
    "hold_since": None,
    "hold_until": None,
    "hold_tries": 0,
    "hold_code": "",
    "hold_words": "",
}


@dataclass(frozen=True)
class Hold:
    """What a row waits for.

    :param since: when it started to wait.
    :param until: when it is tried next; None if that is somebody else's decision.
    :param tries: number of failed attempts so far.
    :param code: the error behind it, a key of ``messages.MESSAGES``, or "".
    :param words: what people read; it ends with Boomi's own words.
    """

    kind: HoldKind
    since: datetime
    until: datetime | None
    tries: int
    code: str
    words: str

    @property
    def is_for_platform(self) -> bool:
        return self.kind == HoldKind.PLATFORM


class Leased(models.Model):
    """A row that workers work on, one at a time.

    ``next_attempt_at`` says when there is something to do (None: nothing). The lease says which worker has the row;
    every UPDATE with which that worker records something carries ``lease_epoch``, so that a worker that lost its lease
    cannot write.

    A hold is an overlay on whatever status the row has: it says what the row waits for, and is written together with
    ``next_attempt_at``.
    """

    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True, editable=False)
    enqueued_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_epoch = models.PositiveIntegerField(default=0, editable=False)
    unfinished = models.PositiveIntegerField(
        default=0, editable=False, help_text="Workers in a row that took it up and left no word."
    )
    hold_kind = models.CharField(max_length=16, choices=HoldKind, blank=True, editable=False)
    hold_since = models.DateTimeField(null=True, blank=True, editable=False)
    hold_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="The platform named this moment: nothing is called before it.",
    )
    hold_tries = models.PositiveIntegerField(default=0, editable=False)
    hold_code = models.CharField(max_length=64, blank=True, editable=False)
    hold_words = models.TextField(blank=True, editable=False)

    #: What every recording UPDATE changes along.
    CHANGED: ClassVar[Mapping[str, Any]] = {}

    class Meta:
        abstract = True

    @property
    def hold(self) -> Hold | None:
        """What the row waits for, or None."""
        if not self.hold_kind:
            return None
        return Hold(
            HoldKind(self.hold_kind),
            self.hold_since or timezone.now(),
            self.hold_until or self.next_attempt_at,
            self.hold_tries,
            self.hold_code,
            self.hold_words,
        )

    @property
    def waiting_for(self) -> str:
        """What the row waits for, in words, or ""."""
        return self.hold_words if self.hold_kind else ""
