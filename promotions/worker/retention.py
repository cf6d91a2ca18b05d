"""Removes what nobody needs any more, a few rows at a time; promotions and their events stay.

The KEEP_… settings say, in days, how long each kind is kept; 0 keeps it forever.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from time import monotonic

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Exists, F, ForeignObjectRel, Model, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Lower, RowNumber
from django.utils import timezone

from ..models import (
    ApiCall,
    ComponentResult,
    Content,
    Delivery,
    DevPackage,
    Message,
    Plan,
    PromotionRequest,
    StepRun,
)
from ..states import FINAL, MERGE_INCOMPLETE

logger = logging.getLogger(__name__)

# Rows in one transaction: few enough that nobody waits for their locks.
BATCH = 500
# Seconds of one round. The next round removes what is left.
ROUND = 60.0
# A worker stores content a moment before the row that holds it.
UNHELD = timedelta(days=1)


def remove_outdated() -> dict[str, int]:
    """Remove what has been kept long enough.

    :returns: how many rows of each kind were removed; kinds without any are left out.
    """
    end = monotonic() + ROUND
    removed: dict[str, int] = {}
    _let_go_of_versions(timezone.now())
    for kind, rows in _outdated(timezone.now()):
        while monotonic() < end:
            gone = _remove_some(rows)
            if not gone:
                break
            removed[kind] = removed.get(kind, 0) + gone
    if removed:
        logger.info("Removed: %s", ", ".join(f"{n} {kind}" for kind, n in removed.items()))
    _session_store().clear_expired()
    return removed


def _outdated(now: datetime) -> Iterator[tuple[str, QuerySet[Model]]]:
    """Each kind with the rows that may be removed; content comes last, because the others hold it."""
    yield "packages of closed accounts", DevPackage.objects.filter(dev_account__is_active=False)
    if before := _before(now, settings.KEEP_API_CALLS):
        yield "API calls", ApiCall.objects.filter(at__lt=before)
    if before := _before(now, settings.KEEP_STEPS):
        yield (
            "steps",
            # A retry continues after the steps that are done: without them it would repeat everything.
            StepRun.objects.filter(
                promotion__status__in=FINAL, promotion__updated_at__lt=before
            ).exclude(promotion__in=PromotionRequest.objects.may_be_retried()),
        )
    if before := _before(now, settings.KEEP_PLANS):
        yield (
            "plans",
            Plan.objects.filter(promotion__isnull=True, created_at__lt=before).exclude(
                state=Plan.State.BUILDING
            ),
        )
    if before := _before(now, settings.KEEP_MESSAGES):
        yield "messages", Message.objects.filter(created_at__lt=before)
        yield "tests of channels", Delivery.objects.filter(message=None, created_at__lt=before)
    yield "contents", _unheld().filter(stored_at__lt=now - UNHELD)


def _let_go_of_versions(now: datetime) -> None:
    """Only a component's newest versions can be restored, and what never reached main cannot be."""
    holding = ComponentResult.objects.filter(Q(kept__isnull=False) | Q(replaced__isnull=False))
    place = Window(
        RowNumber(),
        partition_by=Lower("prod_component_id"),
        order_by=(F("promotion__merged_at").desc(), F("pk").desc()),
    )
    merged = holding.filter(merged_version__isnull=False).annotate(place=place)
    outnumbered = list(
        merged.filter(place__gt=settings.KEEP_VERSIONS).values_list("pk", flat=True)[:BATCH]
    )
    ended = list(
        holding.filter(
            merged_version__isnull=True,
            promotion__status__in=FINAL,
            promotion__updated_at__lt=now - UNHELD,
        )
        .exclude(promotion__error_code=MERGE_INCOMPLETE)
        .values_list("pk", flat=True)[:BATCH]
    )
    ComponentResult.objects.filter(pk__in=[*outnumbered, *ended]).update(kept=None, replaced=None)


def _before(now: datetime, days: int) -> datetime | None:
    return now - timedelta(days=days) if days else None


def _unheld() -> QuerySet[Content]:
    """Content that no row of any model points to."""
    rows = Content.objects.all()
    for relation in Content._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel):
            holders = relation.related_model._default_manager
            rows = rows.exclude(Exists(holders.filter(**{relation.field.name: OuterRef("pk")})))
    return rows


def _remove_some(rows: QuerySet[Model]) -> int:
    keys = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
    # The conditions are checked again: somebody may have come to need a row in between.
    rows.filter(pk__in=keys).delete()
    return len(keys) - rows.filter(pk__in=keys).count()


def _session_store() -> type[SessionBase]:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store
