"""Records outside the database where the chain stands, so that nobody can rebuild it in secret."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from .. import outbound
from ..messages import PromotionError
from ..models import Installation
from .chain import last_seal, seal_events
from .verify import Anchor

logger = logging.getLogger(__name__)


def write_anchor() -> None:
    """Append a line to AUDIT_ANCHOR_FILE and post it to AUDIT_ANCHOR_URL, if they are set."""
    if not settings.AUDIT_ANCHOR_FILE and not settings.AUDIT_ANCHOR_URL:
        return
    seal_events()
    last = last_seal()
    if last is None:
        return
    said = {
        "at": timezone.now().isoformat(timespec="seconds"),
        "installation": Installation.load().mark,
        "position": last.position,
        "hash": last.hash,
    }
    if settings.AUDIT_ANCHOR_FILE:
        try:
            with Path(settings.AUDIT_ANCHOR_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(said) + "\n")
        except OSError as error:
            logger.error("The anchor could not be written to its file: %s", error.strerror)
    if settings.AUDIT_ANCHOR_URL:
        try:
            outbound.post_json(
                settings.AUDIT_ANCHOR_URL,
                {"type": "audit.anchor", "timestamp": said["at"], "data": said},
                key=settings.AUDIT_ANCHOR_KEY,
            )
        except PromotionError as error:
            logger.error("The anchor could not be posted: %s", error.detail)


def read_anchors(path: Path) -> list[Anchor]:
    """The lines of an anchor file.

    :raises OSError: when it cannot be read.
    :raises ValueError: when one of its lines is not an anchor.
    """
    anchors = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            said = json.loads(line)
            anchors.append(Anchor(str(said["at"]), int(said["position"]), str(said["hash"])))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"Line {number} is not an anchor.") from error
    return anchors
