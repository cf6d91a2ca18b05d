"""What a deployment of the plan would do beyond its differences: packs, listeners, other users of a twin."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping

from partnerapi import componentxml
from partnerapi.client import PartnerApiClient
from partnerapi.componentxml import Document
from partnerapi.errors import NotFound, PartnerApiError
from partnerapi.records import ComponentMetadata

from ..models import Finding
from ..reading import Reading, profiles
from . import team_rules
from .findings import fingerprint_of
from .look_up import metadata_of_many
from .resolve import CONNECTION, Resolved

# Packs cannot hold these (published), nor a process that uses a process route.
NEVER_IN_PACKS = frozenset({"processroute", "certificate", "certificate.pgp", "customlibrary"})
PROCESS_ROUTE = "processroute"
PROCESS = "process"

# Components that listen by nature; a process does so if it starts with a listening connector.
LISTENING_TYPES = frozenset({"webservice", "webservice.external", "flowservice"})
_LISTENS = re.compile(rb"""\bactionType\s*=\s*["']Listen["']""", re.IGNORECASE)

# Components per plan whose users are looked up, and users named per finding.
MAX_LOOKUPS = 150
MAX_NAMED = 10


def not_for_packs(resolved: Resolved) -> Iterable[Finding]:
    """Everything is deployed through a pack, so what no pack can hold is not promoted."""
    for key, metadata in resolved.components.items():
        is_root = key in resolved.roots
        if metadata.type == PROCESS_ROUTE or (is_root and metadata.type in NEVER_IN_PACKS):
            yield Finding(
                code="NOT_FOR_PACKS",
                subject_id=metadata.component_id,
                subject_name=metadata.name,
                message=f"“{metadata.name}” is of the type {metadata.type}, and an Integration Pack can "
                "hold neither it nor a process that uses it.",
            )


def not_packaged_along(resolved: Resolved) -> Iterable[Finding]:
    """What is only used independently is merged, but a package of the process does not contain it."""
    for key, metadata in resolved.components.items():
        if key in resolved.independent and metadata.type not in NEVER_IN_PACKS | {CONNECTION}:
            yield Finding(
                code="NOT_PACKAGED_ALONG",
                subject_id=metadata.component_id,
                subject_name=metadata.name,
                message=f"“{metadata.name}” reaches production's main branch, but not the environments.",
                blocking=False,
            )


def listener(metadata: ComponentMetadata, xml: bytes) -> Iterable[Finding]:
    """A listener starts as soon as it is deployed, unless the deployment says to pause it."""
    if metadata.type in LISTENING_TYPES or (metadata.type == PROCESS and _LISTENS.search(xml)):
        yield Finding(
            code="LISTENER_STARTS",
            subject_id=metadata.component_id,
            subject_name=metadata.name,
            message=f"“{metadata.name}” listens: it accepts requests in every chosen environment as soon as "
            "it is deployed.",
            blocking=False,
        )


def elements_retyped(metadata: ComponentMetadata, reading: Reading) -> Iterable[Finding]:
    """The platform refuses some changes of a data type, and says so only when the profile is written."""
    if retyped := profiles.retyped(reading):
        named = ", ".join(retyped[:MAX_NAMED])
        more = f" and {len(retyped) - MAX_NAMED} more" if len(retyped) > MAX_NAMED else ""
        yield Finding(
            code="ELEMENT_RETYPED",
            subject_id=metadata.component_id,
            subject_name=metadata.name,
            message=f"“{metadata.name}” retypes {named}{more}.",
            blocking=False,
        )


def values_emptied(
    metadata: ComponentMetadata, dev: Document, production: Document
) -> Iterable[Finding]:
    """With ``ENVIRONMENT_VALUES=empty`` an update clears what the twin has set, including its secrets."""
    stripped = componentxml.strip(dev, production=production, overrides=team_rules.active())
    lost = [place for place in stripped.places if place.outcome in ("kept", "omitted")]
    if not lost:
        return
    secrets = [place for place in lost if place.rule not in componentxml.ENVIRONMENT_RULES]
    paths = sorted({place.path for place in secrets or lost})
    yield Finding(
        code="VALUES_WOULD_BE_EMPTIED",
        subject_id=metadata.component_id,
        subject_name=metadata.name,
        message=f"{len(lost)} values that are set in the production twin would be cleared, "
        f"{len(secrets)} secrets among them.",
        path=", ".join(paths[:MAX_NAMED]),
        fingerprint=fingerprint_of(paths),
        blocking=bool(secrets),
        can_be_accepted=bool(secrets),
    )


class OtherUsers:
    """Finds production processes, beyond the promoted ones, that use an updated component.

    They get the new version only when they are packaged again, so a reviewer should know about them. Users that are not
    processes (a map, an operation) are followed up to the processes above them.

    :param promoted: production id -> type, of everything in the plan.
    """

    def __init__(self, client: PartnerApiClient, promoted: Mapping[str, str]) -> None:
        self.client = client
        self.promoted = {prod_id.lower(): kind for prod_id, kind in promoted.items()}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._metadata: dict[str, ComponentMetadata | None] = {}

    def look_up(self, prod_ids: Iterable[str]) -> None:
        """Ask who uses these components, level by level, as far as the limit allows.

        :raises PartnerApiError: when one of them cannot be asked about.
        """
        level = list(dict.fromkeys(prod_id.lower() for prod_id in prod_ids))
        while level := level[: MAX_LOOKUPS - len(self._parents)]:
            for prod_id, users in self.client.get_many_parents(level, alive=True).items():
                if isinstance(users, PartnerApiError) and not isinstance(users, NotFound):
                    raise users
                found = () if isinstance(users, NotFound) else users
                self._parents[prod_id] = tuple(user.component_id.lower() for user in found)
            users_of_level = dict.fromkeys(user for key in level for user in self._parents[key])
            self._metadata |= metadata_of_many(
                self.client,
                [u for u in users_of_level if u not in self.promoted and u not in self._metadata],
            )
            level = [
                user
                for user in users_of_level
                if user not in self._parents and self._kind(user) != PROCESS
            ]

    def _kind(self, prod_id: str) -> str:
        user = self._metadata.get(prod_id)
        return user.type if user else self.promoted.get(prod_id, PROCESS)

    def of(self, metadata: ComponentMetadata, prod_id: str) -> Iterable[Finding]:
        """One finding for one updated component, if anything else uses it."""
        users, is_whole = self._users(prod_id.lower())
        if not users:
            return
        names = [f"“{user.name}”" for user in users[:MAX_NAMED]]
        more = len(users) - len(names)
        told = ", ".join(names) + (f" and {more} more" if more else "")
        yield Finding(
            code="USED_BY_OTHERS",
            subject_id=prod_id,
            subject_name=metadata.name,
            message=f"{told} {'use' if len(users) > 1 else 'uses'} the production twin of “{metadata.name}”."
            + ("" if is_whole else " There may be others: not everything was checked."),
            blocking=False,
        )

    def _users(self, prod_id: str) -> tuple[list[ComponentMetadata], bool]:
        found: list[ComponentMetadata] = []
        is_whole = True
        waiting, met = deque([prod_id]), {prod_id}
        while waiting:
            key = waiting.popleft()
            is_whole &= key in self._parents
            for parent in self._parents.get(key, ()):
                if parent in met:
                    continue
                met.add(parent)
                user = self._metadata.get(parent)
                if self._kind(parent) != PROCESS:
                    waiting.append(parent)
                elif user is not None:
                    found.append(user)
        return found, is_whole


def used_by_others(
    client: PartnerApiClient,
    updated: Mapping[str, ComponentMetadata],
    promoted: Mapping[str, str],
) -> dict[str, list[Finding]]:
    """Production id of an updated component -> its finding, if the platform can be asked.

    :param updated: production id -> the dev component.
    :param promoted: production id -> type, of everything in the plan.
    """
    if not client.capabilities.reports_parents:
        return {}
    others = OtherUsers(client, promoted)
    others.look_up(updated)
    return {prod_id: list(others.of(metadata, prod_id)) for prod_id, metadata in updated.items()}
