"""Makes the two roles, and gives the admins their permissions in the admin pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand
from django.db.models import Model

from ...access import ADMINS, CONTRIBUTORS
from ...models import (
    ApiCall,
    Approval,
    ComponentMapping,
    Deputy,
    DevAccount,
    DevAccountAccess,
    Environment,
    Event,
    IntegrationPack,
    Plan,
    PlannedComponent,
    PolicyGroup,
    PromotionBranch,
    PromotionRequest,
    ReviewPolicy,
    RuleOverride,
    StepRun,
)

EDITED: tuple[type[Model], ...] = (
    ComponentMapping,
    Deputy,
    DevAccount,
    DevAccountAccess,
    Environment,
    IntegrationPack,
    PolicyGroup,
    ReviewPolicy,
    RuleOverride,
)
READ: tuple[type[Model], ...] = (
    PromotionRequest,
    Approval,
    Plan,
    PlannedComponent,
    PromotionBranch,
    StepRun,
    Event,
    ApiCall,
)


def set_up_roles() -> None:
    """Both groups, the admins' permissions, and the way into the admin pages for the admins.

    It may be called again at any time: what is there stays.
    """
    Group.objects.get_or_create(name=CONTRIBUTORS)
    admins, _ = Group.objects.get_or_create(name=ADMINS)
    codenames = [
        *(f"{verb}_{_name(model)}" for model in EDITED for verb in ("add", "change", "delete")),
        *(f"view_{_name(model)}" for model in (*EDITED, *READ)),
    ]
    types = ContentType.objects.get_for_models(*EDITED, *READ).values()
    admins.permissions.add(
        *Permission.objects.filter(content_type__in=types, codename__in=codenames)
    )
    for user in User.objects.filter(groups=admins, is_staff=False):
        user.is_staff = True
        user.save(update_fields=["is_staff"])  # one by one, as each leaves an event


def _name(model: type[Model]) -> str:
    name = model._meta.model_name
    assert name is not None  # noqa: S101 (for the types)
    return name


class Command(BaseCommand):
    help = (
        f"Makes the groups {CONTRIBUTORS} and {ADMINS}, and lets the members of {ADMINS} into the "
        "admin pages. Run it again after somebody has joined them."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        set_up_roles()
        self.stdout.write(f"The roles {CONTRIBUTORS} and {ADMINS} are set up.")
