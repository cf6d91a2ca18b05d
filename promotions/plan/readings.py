"""What a plan's changes mean to people: read when the plan is made, and stored with it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from partnerapi import componentxml
from partnerapi.componentxml import Document

from ..models import PlannedComponent
from ..reading import Reading, plan_sentences, read
from ..reading.sentences import Planned

logger = logging.getLogger(__name__)


def read_change(old: Document | None, new: Document, names: Mapping[str, str]) -> Reading | None:
    """Read two masked documents, without what looks like a secret.

    :returns: None for a document that cannot be read so; its XML difference is there all the same.
    """
    return _read(componentxml.hide(old) if old is not None else None, componentxml.hide(new), names)


def read_lines(old: str, new: str, names: Mapping[str, str]) -> Reading | None:
    """The same for two documents that are kept as lines for people, without hidden values."""
    return _read(old.encode(), new.encode(), names)


def _read(
    old: Document | bytes | None, new: Document | bytes, names: Mapping[str, str]
) -> Reading | None:
    try:
        return read(old, new, names)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # An unknown shape of XML must not keep a plan from being made.
        logger.exception("A component could not be read; its XML difference is shown instead.")
        return None


def sentences(drafts: Iterable[tuple[PlannedComponent, Reading | None]]) -> list[str]:
    """Three sentences for a plan."""
    planned = []
    for component, reading in drafts:
        if reading is None:
            planned.append(Planned(str(component.action), component.component_type))
        else:
            planned.append(
                Planned(
                    str(component.action),
                    component.component_type,
                    reading.state,
                    reading.kind,
                    reading.topics,
                    reading.connections,
                )
            )
    return plan_sentences(planned)
