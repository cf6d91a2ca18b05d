"""Makes the two roles, and gives the admins their permissions in the admin pages."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...access import ADMINS, CONTRIBUTORS
from ...setup.roles import set_up_roles


class Command(BaseCommand):
    help = (
        f"Makes the groups {CONTRIBUTORS} and {ADMINS}, and lets the members of {ADMINS} into the "
        "admin pages. Run it again after somebody has joined them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--restore",
            action="store_true",
            help=f"Also grant {ADMINS} what somebody has taken from the group since.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        set_up_roles(restore=options["restore"])
        self.stdout.write(f"The roles {CONTRIBUTORS} and {ADMINS} are set up.")
