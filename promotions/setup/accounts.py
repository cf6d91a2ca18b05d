"""Dev accounts, environments and packs as the platform names them, so that nobody types ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import PartnerApiError

from ..models import DevAccount, Environment, IntegrationPack, PackRelease
from ..transitions import record_event
from .described import named

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Seen = dict[str, dict[str, Any]]


def synchronise(client: PartnerApiClient, actor: User | None = None) -> dict[str, Any]:
    """Add what is new and rename what was renamed; nothing is switched on or off, and nothing is deleted.

    :returns: for accounts, environments and packs: how many were seen, and the names of those that are new, that were
        renamed, and that are known here but no longer listed; ``problems`` in sentences.
    :raises PartnerApiError: when accounts or environments cannot be listed.
    """
    accounts = {
        account.account_id: {"name": account.name or account.account_id}
        for account in client.query_accounts()
        if account.account_id != settings.PARTNER_API_ACCOUNT
    }
    environments = {
        environment.environment_id: {
            "name": environment.name or environment.environment_id,
            "classification": environment.classification,
        }
        for environment in client.query_environments()
    }
    result: dict[str, Any] = {
        "accounts": _write(DevAccount, "account_id", accounts, actor),
        "environments": _write(Environment, "environment_id", environments, actor),
        "problems": [],
    }
    try:
        result["packs"] = synchronise_packs(client, actor)
    except PartnerApiError as error:
        # It needs a privilege of its own; the others are worth having without it.
        result["problems"].append(f"The Integration Packs could not be read. {error.message}")
    return result


def synchronise_packs(client: PartnerApiClient, actor: User | None = None) -> dict[str, Any]:
    """Add new packs, rename renamed ones, and learn each pack's latest release (operation 16).

    Also learn which of our own environments a release reaches automatically, if the platform says so.

    :returns: how many were seen, and the names of those that are new, changed, and no longer listed.
    :raises PartnerApiError: when packs cannot be listed.
    """
    packs, reached = client.both(client.query_integration_packs, client.query_all_pack_environments)
    now = timezone.now()
    seen: Seen = {pack.pack_id: {"name": pack.name} for pack in packs}
    for pack in packs:
        known = IntegrationPack.objects.filter(pack_id=pack.pack_id)
        if not known.exists() and _is_for_tests(pack.name):
            seen[pack.pack_id]["purpose"] = IntegrationPack.Purpose.TEST
    told = _write(IntegrationPack, "pack_id", seen, actor)
    for pack in packs:
        row = IntegrationPack.objects.get(pack_id=pack.pack_id)
        IntegrationPack.objects.filter(pk=row.pk).update(
            description=pack.description,
            synchronised_at=now,
            reaches=None if reached is None else list(reached.get(pack.pack_id, ())),
        )
        for entry in pack.entries:
            if entry.current_version:
                PackRelease.objects.get_or_create(
                    pack=row,
                    prod_component_id=entry.component_id,
                    defaults={"package_version": entry.current_version, "released_at": now},
                )
    return told


def _is_for_tests(name: str) -> bool:
    """A guess from the name of a new pack; an admin corrects it if it is wrong."""
    return re.search(r"\b(tests?|testing|qa|uat)\b", name, re.IGNORECASE) is not None


@transaction.atomic
def _write(model: type[Model], key: str, seen: Seen, actor: User | None) -> dict[str, Any]:
    """One row for each of ``seen``, with an event for each that is new or changed."""
    rows = model._default_manager
    new, renamed = [], []
    for remote_id, columns in seen.items():
        row: Any = rows.filter(**{key: remote_id}).first()
        if row is None:
            row = rows.create(**{key: remote_id}, **columns)
            new.append(row.name)
            _record("added", row, "\n".join(f"{name}: {columns[name]}" for name in columns), actor)
            continue
        changed = {name: value for name, value in columns.items() if getattr(row, name) != value}
        if changed:
            note = "\n".join(f"{n}: {getattr(row, n)} → {value}" for n, value in changed.items())
            renamed.append(note.replace("\n", ", "))
            rows.filter(pk=row.pk).update(**changed)
            _record("changed", row, note, actor)
    gone = rows.filter(is_active=True).exclude(**{f"{key}__in": list(seen)})
    return {
        "seen": len(seen),
        "new": new,
        "changed": renamed,
        "gone": [str(row) for row in gone],
    }


def _record(what: str, row: Model, note: str, actor: User | None) -> None:
    record_event(
        f"{row._meta.model_name}_{what}",
        actor=actor,
        subject=named(row),
        note=note,
    )
