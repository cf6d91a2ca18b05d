"""What a promotion would do with an exported component, by path, before the first promotion."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from partnerapi import componentxml
from partnerapi.componentxml import (
    NO_OVERRIDES,
    ComponentXmlError,
    Document,
    Overrides,
    Rewritten,
    Stripped,
)

from ...plan import team_rules


class Command(BaseCommand):
    help = (
        "Prints what would be stripped, left, rewritten and found in a component's XML, by path and without a value. "
        "It needs no network; the team's own rules are read where there is a database. The status is 1 when something "
        "would stop a promotion."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the XML of one component, as exported")
        parser.add_argument(
            "--production", type=Path, help="the XML of its production twin, whose values are kept"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = self._read(options["file"])
            twin = self._read(options["production"]) if options["production"] else None
            overrides = self._overrides()
            stripped = componentxml.strip(document, production=twin, overrides=overrides)
            ids = {one: one for one in componentxml.component_ids(stripped.document)}
            rewritten = componentxml.rewrite(stripped.document, ids)
        except ComponentXmlError as error:
            raise CommandError(error.message) from error
        self._print(document, stripped, rewritten, overrides)
        if stripped.findings:
            sys.exit(1)

    def _read(self, path: Path) -> Document:
        try:
            return Document.parse(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error

    def _overrides(self) -> Overrides:
        try:
            return team_rules.active()
        except DatabaseError:
            self.stderr.write("No database: the team's own rules are ignored.")
            return NO_OVERRIDES

    def _print(
        self, document: Document, stripped: Stripped, rewritten: Rewritten, overrides: Overrides
    ) -> None:
        envelope = componentxml.read_envelope(document)
        version = componentxml.rules_version(overrides)
        self.stdout.write(f"{envelope.name} ({envelope.type}), rules {version}")
        self._section(
            "Values",
            [
                f"{place.outcome:<8} {place.path}  {place.rule}"
                + ("  changed in dev, production's kept" if place.hides_change else "")
                for place in stripped.places
            ],
            "None is taken out.",
        )
        self._section(
            "Ids, rewritten where they are those of mapped or promoted components",
            [f"{one.context:<10} {one.path}  {one.old}" for one in rewritten.rewrites],
            "None.",
        )
        self._section(
            "Findings, which stop the component until an admin accepts them",
            [f"{found.path}  {found.rule}: {found.message}" for found in stripped.findings],
            "None.",
        )

    def _section(self, title: str, lines: list[str], otherwise: str) -> None:
        self.stdout.write(f"\n{title}")
        for line in lines or [otherwise]:
            self.stdout.write(f"  {line}")
