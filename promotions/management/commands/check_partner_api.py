"""The guide's "Test Connection" on the command line."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from ...models import Job
from ...setup.connection_check import State, check

WORDS = {State.OK: "ok", State.WARN: "look", State.FAIL: "FAULT", State.SKIPPED: "-"}


class Command(BaseCommand):
    help = (
        "Checks what promotions need from the Partner API, one line each with what to do. It never writes to the "
        "platform. The status is 1 when something is at fault."
    )
    # The check itself says what is wrong with the settings.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        report = check()
        Job.objects.create(
            kind=Job.Kind.CONNECTION_CHECK, result=report.as_json(), finished_at=timezone.now()
        )
        width = max(len(line.name) for line in report.checks)
        for line in report.checks:
            style = {State.OK: self.style.SUCCESS, State.FAIL: self.style.ERROR}.get(
                line.state, self.style.WARNING
            )
            word = style(f"{WORDS[line.state]:<5}")
            self.stdout.write(f"{word}  {line.name:<{width}}  {line.detail}")
            if line.to_do:
                self.stdout.write(f"{'':<{width + 9}}To do: {line.to_do}")
        if report.failed:
            sys.exit(1)
