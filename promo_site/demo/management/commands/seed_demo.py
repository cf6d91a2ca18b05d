"""Makes the demo's database: its tables, its people and what they may do."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from partnerapi.simulator import seed
from promotions.access import ADMINS, CONTRIBUTORS
from promotions.setup.roles import set_up_roles

from ...company import give_access, plant_company

# Everybody's, and no secret: the command is there in the demo only.
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
    # There may be no tables yet.
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if User.objects.exists():
            raise CommandError("This database has users already: the demo wants an empty one.")
        with transaction.atomic():
            plant_company()
            # Once for all of them: a good hash takes its time.
            password = make_password(PASSWORD)
            for person in PEOPLE:
                _plant_person(person, password)
            for team, account_ids in TEAM_ACCOUNTS.items():
                give_access(Group.objects.get(name=team), account_ids)
            set_up_roles()
        self.stdout.write(f"{len(PEOPLE)} people and {len(seed.DEV_ACCOUNTS)} dev accounts.")


def _plant_person(person: Person, password: str) -> None:
    first, last = person.name.split()
    user = User.objects.create(
        username=person.username,
        email=f"{person.username}@example.com",
        password=password,
        first_name=first,
        last_name=last,
    )
    user.groups.set([Group.objects.get_or_create(name=name)[0] for name in person.groups])
