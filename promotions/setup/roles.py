"""The two roles as groups, and what the admins may do in the admin pages."""

from __future__ import annotations

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from ..access import ADMINS, CONTRIBUTORS
from ..models import (
    ApiCall,
    Approval,
    ComponentMapping,
    Deputy,
    DevAccount,
    DevAccountAccess,
    Environment,
    Event,
    GivenPermission,
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


def set_up_roles(*, restore: bool = False) -> None:
    """Create both groups, grant the admins their permissions, and let the admins into the admin pages.

    It can be called again at any time: permissions that were removed from the group stay removed.

    :param restore: grant these again as well.
    """
    Group.objects.get_or_create(name=CONTRIBUTORS)
    admins, is_new = Group.objects.get_or_create(name=ADMINS)
    if restore or is_new:
        GivenPermission.objects.all().delete()
        _grant(admins, _wanted())
    grant_new()
    for user in User.objects.filter(groups=admins, is_staff=False):
        user.is_staff = True
        user.save(update_fields=["is_staff"])  # one by one, as each leaves an event


def grant_new() -> None:
    """Grant the admins the permissions that they were never granted: those of models that an update has brought."""
    admins = Group.objects.filter(name=ADMINS).first()
    if admins is None:
        return
    wanted = _wanted()
    given = set(GivenPermission.objects.values_list("codename", flat=True))
    if not given:
        given = _given_before(admins, wanted)
    _grant(admins, {codename: row for codename, row in wanted.items() if codename not in given})
    GivenPermission.objects.bulk_create(
        [GivenPermission(codename=codename) for codename in wanted], ignore_conflicts=True
    )


def _wanted() -> dict[str, Permission]:
    codenames = [
        *(f"{verb}_{_name(model)}" for model in EDITED for verb in ("add", "change", "delete")),
        *(f"view_{_name(model)}" for model in (*EDITED, *READ)),
    ]
    types = ContentType.objects.get_for_models(*EDITED, *READ).values()
    found = Permission.objects.filter(content_type__in=types, codename__in=codenames)
    return {permission.codename: permission for permission in found}


def _given_before(admins: Group, wanted: dict[str, Permission]) -> set[str]:
    """Return what was granted before records were kept: everything on models on which the admins may do something."""
    known = set(admins.permissions.values_list("content_type", flat=True))
    return {codename for codename, row in wanted.items() if row.content_type_id in known}


def _grant(admins: Group, permissions: dict[str, Permission]) -> None:
    admins.permissions.add(*permissions.values())


def _name(model: type[Model]) -> str:
    name = model._meta.model_name
    assert name is not None  # noqa: S101 (for the types)
    return name


def after_migrate(*, plan: Any = (), apps: Any = installed, **kwargs: Any) -> None:
    """Receive ``post_migrate``: grant what is new, unless the database was taken back to an older version."""
    is_back = any(backwards for _, backwards in plan)
    try:
        apps.get_model("promotions", GivenPermission.__name__)
    except LookupError:
        is_back = True
    if not is_back:
        grant_new()
