"""Searches the history and exports it, a few rows at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from ..models import Event

# Rows read at a time for an export.
BATCH = 1000
# A spreadsheet program runs a cell that begins with one of these as a formula.
FORMULA_STARTS = tuple("=+-@\t\r\n")
COLUMNS = (
    "position",
    "hash_before",
    "hash",
    "event",
    "at",
    "promotion",
    "person",
    "person_name",
    "action",
    "subject",
    "from_status",
    "to_status",
    "note",
)


@dataclass(frozen=True)
class Search:
    """What to look for; empty fields do not count.

    :param person: the key of who did it, or whom it is about.
    :param words: text in the subject or the note.
    :param start: the first day, in the time zone of the pages.
    :param end: the last day.
    """

    person: int | None = None
    action: str = ""
    promotion: int | None = None
    words: str = ""
    start: date | None = None
    end: date | None = None

    def events(self) -> QuerySet[Event]:
        """The matching events, in no order yet."""
        events = Event.objects.all()
        if self.person is not None:
            events = events.filter(Q(actor_id=self.person) | Q(subject=f"person {self.person}"))
        if self.action:
            events = events.filter(action=self.action)
        if self.promotion is not None:
            events = events.filter(promotion_id=self.promotion)
        if self.words:
            events = events.filter(Q(subject__icontains=self.words) | Q(note__icontains=self.words))
        if self.start:
            events = events.filter(at__gte=_midnight(self.start))
        if self.end:
            events = events.filter(at__lt=_midnight(self.end + timedelta(days=1)))
        return events


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def people() -> QuerySet[User]:
    """Everybody who has left an event: one is looked for by the index, person by person."""
    left = Event.objects.filter(actor=OuterRef("pk")).order_by().values("pk")
    return (
        User.objects.alias(left=Subquery(left[:1])).filter(left__isnull=False).order_by("username")
    )


def as_csv(search: Search) -> Iterator[str]:
    """The matching events, oldest first, as lines of CSV that no spreadsheet program takes for formulas."""
    yield _line(COLUMNS)
    for row in _rows(search):
        yield _line([_defused(row[name]) for name in COLUMNS])


def as_json_lines(search: Search) -> Iterator[str]:
    """The matching events, oldest first, one JSON object per line, with everything that a seal covers."""
    for row in _rows(search):
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _rows(search: Search) -> Iterator[dict[str, Any]]:
    found = search.events().select_related("actor", "seal").order_by("pk")
    after = 0
    while events := list(found.filter(pk__gt=after)[:BATCH]):
        for event in events:
            seal = getattr(event, "seal", None)
            yield {
                "position": seal.position if seal else None,
                "hash_before": seal.hash_before if seal else "",
                "hash": seal.hash if seal else "",
                "event": event.pk,
                "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "promotion": event.promotion_id,
                "person": event.actor_id,
                "person_name": event.actor.get_username() if event.actor else "",
                "action": event.action,
                "subject": event.subject,
                "from_status": event.from_status,
                "to_status": event.to_status,
                "note": event.note,
            }
        after = events[-1].pk


def _line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _defused(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
