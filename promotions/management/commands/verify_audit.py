"""`manage.py verify_audit`: whether the history is what was sealed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...audit.anchor import read_anchors
from ...audit.chain import last_seal
from ...audit.verify import Anchor, verify
from ...models import Event


class Command(BaseCommand):
    help = (
        "Walks along the seals of all events and names each event that was changed, removed, inserted or reordered. "
        "The status is 1 when there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchors",
            type=Path,
            default=Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None,
            help="a file of anchors to compare with; AUDIT_ANCHOR_FILE where that is set",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for flaw in verify(self._anchors(options["anchors"])):
            count += 1
            self.stdout.write(self.style.ERROR(f"{flaw.kind:<10} {flaw.words}"))
        last = last_seal()
        waiting = Event.objects.filter(pk__gt=last.event_id if last else 0).count()
        end = (
            f"{last.position} events are sealed, up to {last.hash}" if last else "Nothing is sealed"
        )
        self.stdout.write(f"{end}; {waiting} not yet.")
        if count:
            self.stdout.write(self.style.ERROR(f"{count} not as sealed."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("Everything is as it was sealed."))

    def _anchors(self, path: Path | None) -> list[Anchor]:
        if path is None:
            return []
        try:
            return read_anchors(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from error
