"""Fills an empty database with the demo's people and what they may do."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from partnerapi.simulator import seed

from ...access import ADMINS, CONTRIBUTORS
from ._demo_data import give_access, plant_company
from .setup_roles import set_up_roles

# Everybody's, and no secret: the command refuses to run anywhere but in the demo.
PASSWORD = "demo"  # noqa: S105


class Person(NamedTuple):
    username: str
    name: str
    what: str
    groups: tuple[str, ...]


PEOPLE = (
    Person("alice", "Alice Archer", "developer: orders, finance", (CONTRIBUTORS, "Integration")),
    Person("bob", "Bob Baker", "admin", (ADMINS,)),
    Person("charlie", "Charlie Carter", "developer without access", (CONTRIBUTORS,)),
    Person("dora", "Dora Dale", "another admin", (ADMINS,)),
)
TEAM_ACCOUNTS = {"Integration": (seed.ORDERS_ACCOUNT, seed.FINANCE_ACCOUNT)}


class Command(BaseCommand):
    help = "Writes the demo's users, accounts, access and mappings into an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Demo users are written with DEMO=true only.")
        if User.objects.exists():
            raise CommandError("This database has users already: the demo wants an empty one.")
        with transaction.atomic():
            plant_company()
            for person in PEOPLE:
                _plant_person(person)
            for team, account_ids in TEAM_ACCOUNTS.items():
                give_access(Group.objects.get(name=team), account_ids)
            set_up_roles()
        self.stdout.write(f"{len(PEOPLE)} people and {len(seed.DEV_ACCOUNTS)} dev accounts.")


def _plant_person(person: Person) -> None:
    first, last = person.name.split()
    user = User.objects.create_user(
        person.username,
        f"{person.username}@example.com",
        PASSWORD,
        first_name=first,
        last_name=last,
    )
    user.groups.set([Group.objects.get_or_create(name=name)[0] for name in person.groups])
