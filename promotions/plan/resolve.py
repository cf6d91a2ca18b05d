"""What a package holds: breadth-first over what each component uses (operations 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from django.conf import settings

from partnerapi.client import PartnerApiClient
from partnerapi.componentxml import Document
from partnerapi.errors import PartnerApiError
from partnerapi.records import ComponentMetadata, PackagedComponent, PinnedComponent, Reference

from ..messages import PromotionError
from ..models import DevAccount
from .look_up import metadata_of_many
from .uses import Uses

CONNECTION = "connector-settings"
# Set up once by hand in production and mapped: their content is never copied.
MAPPED_ONLY = frozenset({CONNECTION, "certificate", "certificate.pgp", "customlibrary"})

Progress = Callable[[str, int, int], None]


@dataclass
class Resolved:
    """The components of a package by their lower-case dev id, in the order in which they were found."""

    package: PackagedComponent
    root: str
    components: dict[str, ComponentMetadata] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)
    pinned: dict[str, int] = field(default_factory=dict)
    dependent: set[str] = field(default_factory=set)  # what a package of the root holds
    unresolved: dict[str, str] = field(
        default_factory=dict
    )  # id -> name of a component that uses it
    parts: list[Resolved] = field(default_factory=list)  # what each of several packages holds
    is_proved: bool = True  # by operation 4; otherwise by the manifest, or by the ids in XML
    documents: dict[str, Document] = field(default_factory=dict)  # what was read along the way

    @property
    def packages(self) -> list[Resolved]:
        """What each package holds by itself."""
        return self.parts or [self]

    @property
    def roots(self) -> list[str]:
        """The packaged components, in the order in which the packages were chosen."""
        return [part.root for part in self.packages]

    @property
    def independent(self) -> set[str]:
        """What is used but not packaged along with what uses it."""
        return self.components.keys() - self.dependent

    @property
    def is_pinned(self) -> bool:
        """Whether the platform names the packaged version of everything that is copied."""
        return all(
            key in self.pinned or metadata.type in MAPPED_ONLY
            for key, metadata in self.components.items()
        )

    def version(self, key: str) -> int:
        """The dev version to promote: the packaged one, if the platform names it."""
        return self.pinned.get(key, self.components[key].version)


def united(parts: list[Resolved]) -> Resolved:
    """What several packages hold together, each component once, at the newest version that one of them holds.

    :raises PromotionError: TOO_MANY_COMPONENTS.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    whole = Resolved(first.package, first.root, parts=parts)
    whole.is_proved = all(part.is_proved for part in parts)
    for part in parts:
        whole.dependent |= part.dependent
        whole.unresolved = part.unresolved | whole.unresolved
        for key, metadata in part.components.items():
            if key in whole.components and part.version(key) <= whole.version(key):
                continue
            whole.components[key] = metadata
            whole.uses[key] = part.uses.get(key, [])
            if key in part.pinned:
                whole.pinned[key] = part.pinned[key]
            if key in part.documents:
                whole.documents[key] = part.documents[key]
    _check_size(len(whole.components))
    return whole


def find_package(
    client: PartnerApiClient,
    account: str,
    package_id: str,
    *,
    component_id: str = "",
    version: str = "",
) -> PackagedComponent:
    """The package as the platform knows it now.

    :param component_id: what it packages, and ``version`` the package's, if known: one page is read instead of all.
    :raises PromotionError: PACKAGE_NOT_FOUND, PACKAGE_NOT_SHAREABLE.
    """
    packages = client.query_packaged_components(
        account=account, component_id=component_id or None, package_version=version or None
    )
    for package in packages:
        if package.package_id == package_id:
            if not package.shareable:
                raise PromotionError("PACKAGE_NOT_SHAREABLE")
            return package
    raise PromotionError("PACKAGE_NOT_FOUND")


def find_content(
    client: PartnerApiClient, account: str, package_id: str, *, component_id: str, version: str
) -> tuple[PackagedComponent, tuple[PinnedComponent, ...] | None]:
    """The package, and its components at their versions if the platform names those, asked for together.

    :raises PromotionError: as :func:`find_package`.
    :raises PartnerApiError: when the manifest cannot be read.
    """
    calls: list[Callable[[], object]] = [
        lambda: find_package(
            client, account, package_id, component_id=component_id, version=version
        ),
        lambda: client.get_package_manifest(package_id, account=account),
    ]
    found = client.concurrently(calls)
    for result in found:
        if isinstance(result, PartnerApiError):
            raise result
    return cast("tuple[PackagedComponent, tuple[PinnedComponent, ...] | None]", tuple(found))


class Walk:
    """Finds out what a package holds, and remembers the answers."""

    def __init__(
        self,
        client: PartnerApiClient,
        account: DevAccount,
        package: PackagedComponent,
        manifest: Iterable[PinnedComponent] | None,
        *,
        beside: Walk | None = None,
    ) -> None:
        """Begin with the packaged component and what the manifest names.

        :param beside: the walk through another package of the same plan; what it was told is not asked again.
        :raises PromotionError: TOO_MANY_COMPONENTS.
        """
        self.client = client
        self.account = account.account_id
        self.package = package
        self.root = package.component_id.lower()
        versions = {pin.component_id.lower(): pin.version for pin in manifest or ()}
        self.named = list(versions)
        # A row may name no version: of the packaged component the package tells it, of others the newest is read.
        if versions.get(self.root, 0) is None:
            versions[self.root] = package.component_version
        self._pinned = {key: version for key, version in versions.items() if version}
        _check_size(len(self.named))
        self.metadata: dict[str, ComponentMetadata | None] = beside.metadata if beside else {}
        self.look_at([self.root, *self.named])
        self.uses: Uses = beside.uses if beside else Uses(client, account)

    def is_known(self) -> bool:
        """Whether the whole walk can be done without asking what uses what."""
        level, met = [self.root], {self.root}
        while level:
            self.look_at(level)
            asked = self._to_ask(level)
            known = self.uses.known(asked)
            if known.keys() != asked.keys():
                return False
            used = (one.component_id.lower() for found in known.values() for one in found)
            level = [key for key in dict.fromkeys(used) if key not in met]
            met.update(level)
        return True

    def resolve(self, progress: Progress) -> Resolved:
        """Every component that the package uses, each once; cycles are fine; connections are leaves.

        Each level of the walk is asked for at once.

        :raises PromotionError: TOO_MANY_COMPONENTS, COMPONENT_NOT_FOUND (the packaged component itself no longer
            exists).
        """
        resolved = self.begun()
        users = {self.root: ""}  # id -> name of a component that uses it
        dependents: dict[str, set[str]] = {}
        level = [self.root]
        while level:
            progress("Following references", len(resolved.components), len(users))
            self.look_at(level)
            for key in level:
                metadata = self.metadata[key]
                if metadata is None:
                    if key == self.root:
                        raise PromotionError("COMPONENT_NOT_FOUND", self.package.component_id)
                    resolved.unresolved[key] = users[key]
                    continue
                resolved.components[key] = metadata
                resolved.uses[key] = []
            asked = self._to_ask(level)
            level = []
            for key, references in self.uses.of(asked).items():
                for other in _follow(resolved, dependents, key, references):
                    if other not in users:
                        users[other] = resolved.components[key].name
                        level.append(other)
            _check_size(len(users))
        _follow_dependents(resolved, dependents)
        return resolved

    def keep_uses(self) -> None:
        """Keep forever what was asked about what uses what.

        The guide's dialect answers for whatever version is newest by then: the answer is kept for the version that was
        seen before asking, provided that it is still the newest afterwards.

        :raises PromotionError: PLAN_STALE when a component has changed in the meantime.
        """
        asked = [key for key in self.uses.asked if key not in self._pinned]
        for key, now in metadata_of_many(self.client, asked, account=self.account).items():
            before = self.metadata[key]
            if before is None or now is None or now.version != before.version:
                name = before.name if before else key
                raise PromotionError(
                    "PLAN_STALE", f"“{name}” was changed in the dev account in the meantime."
                )
        self.uses.keep()

    def _to_ask(self, keys: Iterable[str]) -> dict[str, int]:
        """The versions of those that exist and whose uses matter.

        What is set up by hand in production stays there, with all that it uses.
        """
        return {
            key: self._pinned.get(key, metadata.version)
            for key in keys
            if (metadata := self.metadata[key]) is not None and metadata.type not in MAPPED_ONLY
        }

    def begun(self) -> Resolved:
        """A result that holds nothing yet."""
        return Resolved(self.package, self.root, pinned=self._pinned, dependent={self.root})

    def look_at(self, keys: Iterable[str]) -> None:
        """Ask for the metadata of these components, once."""
        unknown = [key for key in keys if key not in self.metadata]
        self.metadata.update(metadata_of_many(self.client, unknown, account=self.account))


def _check_size(components: int) -> None:
    if components > settings.PROMOTION_MAX_COMPONENTS:
        raise PromotionError(
            "TOO_MANY_COMPONENTS", f"More than {settings.PROMOTION_MAX_COMPONENTS}."
        )


def _follow(
    resolved: Resolved,
    dependents: dict[str, set[str]],
    key: str,
    references: Iterable[Reference],
) -> list[str]:
    """Note what a component uses, and return those ids."""
    for reference in references:
        used = reference.component_id.lower()
        if used == key:
            continue
        if reference.type != "INDEPENDENT":
            dependents.setdefault(key, set()).add(used)
        if used not in resolved.uses[key]:
            resolved.uses[key].append(used)
    return resolved.uses[key]


def _follow_dependents(resolved: Resolved, dependents: dict[str, set[str]]) -> None:
    """What the root depends on, through dependents only."""
    waiting = [resolved.root]
    while waiting:
        for key in dependents.get(waiting.pop(), set()) - resolved.dependent:
            resolved.dependent.add(key)
            waiting.append(key)
