"""The invented company: what an admin would have entered before the first promotion.

The simulator plays the platform side of the same company; its ids are taken from its seed.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.utils import timezone

from partnerapi.simulator import seed
from partnerapi.simulator.state import Account, World
from promotions.models import (
    ComponentMapping,
    DevAccount,
    DevAccountAccess,
    Environment,
    IntegrationPack,
    PackRelease,
)

TEST_PACKS = {"orders-test"}
# An IntegrationPack of installation type SINGLE is not one that promotions go into.
MULTI = "MULTI"


def plant_company() -> None:
    """Dev accounts, environments, packs and mappings as the simulator's seed has them."""
    world = seed.build("default", 1.0)
    accounts = {
        account_id: DevAccount.objects.create(
            account_id=account_id, name=seed.ACCOUNT_NAMES[account_id]
        )
        for account_id in seed.DEV_ACCOUNTS
    }
    for environment in world.primary.environments.values():
        Environment.objects.create(
            environment_id=environment.id,
            name=environment.name,
            classification=environment.classification,
        )
    _plant_packs(world)
    for (account_id, dev_id), prod_id in {**seed.CONNECTIONS, **seed.TWINS}.items():
        twin = world.primary.components[prod_id]
        version = twin.on_main(world.primary.main_id)
        ComponentMapping.objects.create(
            dev_account=accounts[account_id],
            dev_component_id=dev_id,
            prod_component_id=prod_id,
            name=_name(world.accounts[account_id], dev_id),
            component_type=twin.type,
            prod_version=version.number if version else None,
        )


def give_access(group: Group, account_ids: Iterable[str]) -> None:
    for account in DevAccount.objects.filter(account_id__in=account_ids):
        DevAccountAccess.objects.create(group=group, dev_account=account)


def _plant_packs(world: World) -> None:
    now = timezone.now()
    for key, pack_id in seed.PACKS.items():
        known = world.primary.packs[pack_id]
        if known.installation_type != MULTI:
            continue
        purpose = IntegrationPack.Purpose
        pack = IntegrationPack.objects.create(
            pack_id=pack_id,
            name=known.name,
            description=known.description,
            purpose=purpose.TEST if key in TEST_PACKS else purpose.PRODUCTION,
            synchronised_at=now,
        )
        for entry in known.entries.values():
            if entry.released:
                PackRelease.objects.create(
                    pack=pack,
                    prod_component_id=entry.component_id,
                    package_version=world.primary.packages[entry.released].version,
                    released_at=now,
                )


def _name(account: Account, component_id: str) -> str:
    version = account.components[component_id].on_main(account.main_id)
    return version.name if version else component_id
