"""Finds what somebody changed, removed, inserted or reordered behind the product's back, and names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ..models import Event, Seal
from .chain import BATCH, GENESIS, link

# How much earlier than its predecessor an event may be dated: clocks of several machines differ.
CLOCKS_DIFFER = timedelta(minutes=5)
# Changed events that are compared with each other, to tell a swap from a change.
MOST_COMPARED = 200


class Kind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    RESEALED = "resealed"


@dataclass(frozen=True)
class Flaw:
    """One thing that is not as it was sealed.

    :param event_id: the event; None if nothing of it is left.
    :param position: its place in the chain; None if it has none.
    """

    kind: Kind
    event_id: int | None
    position: int | None
    words: str


@dataclass(frozen=True)
class Anchor:
    """Where the chain stood at one moment, as recorded elsewhere."""

    at: str
    position: int
    hash: str


def verify(anchors: Iterable[Anchor] = ()) -> Iterator[Flaw]:
    """Walk along the whole chain and yield what does not match, in order as far as that can be determined."""
    broken: list[tuple[Seal, Event]] = []
    position, before = 0, GENESIS
    last: Event | None = None
    for seal, event in _links():
        if seal.position != position + 1:
            yield _gap(position + 1, seal.position - 1)
        elif seal.hash_before != before:
            yield Flaw(
                Kind.RESEALED,
                seal.event_id,
                seal.position,
                f"Seal {seal.position} does not continue the seal before it: one of the two was replaced.",
            )
        if event is None:
            yield Flaw(
                Kind.REMOVED,
                seal.event_id,
                seal.position,
                f"Event {seal.event_id}, sealed at position {seal.position}, was removed.",
            )
        elif seal.hash != link(seal.position, seal.hash_before, event):
            broken.append((seal, event))
        elif last is not None and (flaw := _out_of_order(seal, event, last)):
            yield flaw
        position, before = seal.position, seal.hash
        last = event or last
    yield from _told_apart(broken)
    yield from _never_sealed(last)
    yield from _compared(anchors)


def _links() -> Iterator[tuple[Seal, Event | None]]:
    after = 0
    while seals := list(
        Seal.objects.filter(position__gt=after).order_by("position")[:BATCH],
    ):
        events = Event.objects.in_bulk([seal.event_id for seal in seals])
        for seal in seals:
            yield seal, events.get(seal.event_id)
        after = seals[-1].position


def _gap(first: int, end: int) -> Flaw:
    where = f"Position {first}" if first == end else f"Positions {first} to {end}"
    return Flaw(
        Kind.REMOVED,
        None,
        first,
        f"{where} of the chain is missing: what was sealed there was removed with its seal.",
    )


def _out_of_order(seal: Seal, event: Event, last: Event) -> Flaw | None:
    if event.pk < last.pk:
        return Flaw(
            Kind.REORDERED,
            event.pk,
            seal.position,
            f"Event {event.pk} stands at position {seal.position}, after event {last.pk}.",
        )
    return _backdated(event, last, seal.position)


def _backdated(event: Event, last: Event, position: int | None) -> Flaw | None:
    if event.at >= last.at - CLOCKS_DIFFER:
        return None
    return Flaw(
        Kind.INSERTED,
        event.pk,
        position,
        f"Event {event.pk} is dated {event.at:%Y-%m-%d %H:%M:%S} UTC, before event {last.pk}, which was there before "
        "it: it was inserted, or the clock was set back.",
    )


def _told_apart(broken: list[tuple[Seal, Event]]) -> Iterator[Flaw]:
    """A place whose event does not match: that event was changed, or swapped with another."""
    for seal, event in broken:
        other = _fits(seal, event, broken) if len(broken) <= MOST_COMPARED else None
        if other is None:
            yield Flaw(
                Kind.CHANGED,
                event.pk,
                seal.position,
                f"Event {event.pk}, sealed at position {seal.position}, was changed.",
            )
        else:
            yield Flaw(
                Kind.REORDERED,
                event.pk,
                seal.position,
                f"Event {event.pk} stands at position {seal.position}, where event {other.pk} was sealed: they were "
                "reordered.",
            )


def _fits(seal: Seal, event: Event, broken: list[tuple[Seal, Event]]) -> Event | None:
    """The event with which this one was swapped: as a row, by key, or by the seals' positions."""
    for there, other in broken:
        if other.pk == event.pk:
            continue
        under_this_key = copy(other)
        under_this_key.pk = event.pk
        if seal.hash in (
            link(seal.position, seal.hash_before, other),
            link(seal.position, seal.hash_before, under_this_key),
            link(there.position, seal.hash_before, event),
        ):
            return other
    return None


def _never_sealed(last: Event | None) -> Iterator[Flaw]:
    if last is None:
        return
    for event in Event.objects.filter(seal__isnull=True).order_by("pk"):
        if event.pk < last.pk:
            yield Flaw(
                Kind.INSERTED,
                event.pk,
                None,
                f"Event {event.pk} has no seal, though later ones have: it was inserted, or its seal was removed.",
            )
        elif flaw := _backdated(event, last, None):
            yield flaw


def _compared(anchors: Iterable[Anchor]) -> Iterator[Flaw]:
    for anchor in anchors:
        seal = Seal.objects.filter(position=anchor.position).first()
        if seal is None:
            yield Flaw(
                Kind.REMOVED,
                None,
                anchor.position,
                f"The chain reached position {anchor.position} at {anchor.at} and no longer does: its end was "
                "removed.",
            )
        elif seal.hash != anchor.hash:
            yield Flaw(
                Kind.RESEALED,
                seal.event_id,
                anchor.position,
                f"Position {anchor.position} had another hash at {anchor.at}: the chain up to it was rebuilt.",
            )
