"""What every module of the models shares."""

from __future__ import annotations

from django.db import models

NAME = 255
# Component names may be long on the platform; the column holds what any of them needs.
LONG_NAME = 1000


class Leased(models.Model):
    """A row that workers carry on, one at a time.

    ``next_attempt_at`` says when there is something to do (None: nothing). The lease says which worker is at it;
    every recording UPDATE of that worker carries ``lease_epoch``, so that a worker that was given up cannot write.
    """

    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True, editable=False)
    enqueued_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_epoch = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True
