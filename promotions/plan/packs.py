"""Which Integration Packs contain a process, and whom their releases reach, as far as the platform says."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from partnerapi.client import PartnerApiClient

from ..models import (
    Environment,
    Finding,
    IntegrationPack,
    PackRelease,
    Plan,
    PlannedComponent,
    SourcePackage,
)

NOT_TOLD = "Whom a release reaches is not known: the platform does not say."


def in_packs(client: PartnerApiClient, component: PlannedComponent) -> Iterable[Finding]:
    """The packs that already hold the packaged process (operation 16): in a second one it would run twice.

    :param component: the packaged component, with its production twin.
    """
    prod_id = component.prod_component_id.lower()
    homes = [
        (pack, entry)
        for pack in client.query_integration_packs()
        for entry in pack.entries
        if entry.component_id.lower() == prod_id and not entry.deletion_pending
    ]
    if not homes:
        return
    reached = client.query_all_pack_environments()
    told = []
    for pack, entry in homes:
        version = entry.current_version or entry.pending_version
        held = f"version {version} of it" if version else "it"
        reach = None if reached is None else reached.get(pack.pack_id, ())
        told.append(f"“{pack.name}” holds {held}. {reach_in_words(reach)}")
        # Packs that are read here for the first time are added by the synchronisation.
        for known in IntegrationPack.objects.filter(pack_id=pack.pack_id):
            PackRelease.objects.get_or_create(
                pack=known,
                prod_component_id=entry.component_id,
                defaults={"package_version": version, "released_at": timezone.now()},
            )
    yield Finding(
        code="IN_PACKS",
        subject_id=component.prod_component_id,
        subject_name=component.name,
        message=" ".join(told),
        blocking=False,
    )


def reach_in_words(environment_ids: Iterable[str] | None) -> str:
    """Whom a release of a pack reaches automatically.

    :param environment_ids: our own environments that have it installed; None if the platform does not say.
    """
    if environment_ids is None:
        return NOT_TOLD
    ids = list(environment_ids)
    known = dict(
        Environment.objects.filter(environment_id__in=ids).values_list("environment_id", "name")
    )
    names = [known.get(environment_id, environment_id) for environment_id in ids]
    own = "A release reaches no environment of the primary account automatically."
    if names:
        own = f"A release reaches these environments automatically: {', '.join(names)}."
    return f"{own} Which other accounts have installed the pack is not known: the platform does not say."


def homes(plan: Plan, package: SourcePackage) -> list[PackRelease]:
    """The packs that hold the process of a package, as last synchronised."""
    twin = plan.twin_of(package)
    if not twin:
        return []
    found = PackRelease.objects.filter(prod_component_id__iexact=twin, pack__is_active=True)
    return list(found.select_related("pack"))


def leaves_home(found: list[PackRelease], pack_id: str) -> bool:
    """Whether packs hold a process, and the one that it is to go into is none of them.

    :param found: its homes.
    :param pack_id: of the chosen pack, on the platform; empty for a new one.
    """
    return bool(found) and all(home.pack.pack_id != pack_id for home in found)
