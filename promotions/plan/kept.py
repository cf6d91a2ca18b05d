"""What is kept of promoted versions, so that a rollback can restore them: no secrets, no environment values."""

from __future__ import annotations

from partnerapi import componentxml
from partnerapi.componentxml import Document

from ..models import Content
from . import contents, team_rules


def columns(document: Document, main: Document | None) -> dict[str, Content | None]:
    """What a result keeps of its component: what it brings, and what main had before."""
    return {"kept": _kept(document), "replaced": _kept(main) if main is not None else None}


def _kept(document: Document) -> Content | None:
    """None if something in it may be a secret: that is not kept, and cannot be restored."""
    stripped = componentxml.strip(document, overrides=team_rules.active())
    return None if stripped.findings else contents.store(stripped.document.to_bytes())
