"""What a package holds: breadth-first over what each component uses (operations 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.conf import settings

from partnerapi.client import PartnerApiClient
from partnerapi.records import ComponentMetadata, PackagedComponent, Reference

from ..messages import PromotionError
from ..models import DevAccount
from .look_up import metadata_of_many
from .uses import Uses

CONNECTION = "connector-settings"
# Set up once by hand in production and mapped: what they hold does not travel.
MAPPED_ONLY = frozenset({CONNECTION, "certificate", "certificate.pgp", "customlibrary"})

Progress = Callable[[str, int, int], None]


@dataclass
class Resolved:
    """The components of a package by their lower-case dev id, in the order they were met."""

    package: PackagedComponent
    root: str
    components: dict[str, ComponentMetadata] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)
    pinned: dict[str, int] = field(default_factory=dict)
    dependent: set[str] = field(default_factory=set)  # what a package of the root holds
    unresolved: dict[str, str] = field(
        default_factory=dict
    )  # id -> name of a component that uses it
    is_proved: bool = True  # by operation 4; otherwise it is the manifest's word

    @property
    def independent(self) -> set[str]:
        """What is used, and not packaged along with what uses it."""
        return self.components.keys() - self.dependent

    @property
    def is_pinned(self) -> bool:
        """Whether the platform tells the packaged version of everything that is copied."""
        return all(
            key in self.pinned or metadata.type in MAPPED_ONLY
            for key, metadata in self.components.items()
        )

    def version(self, key: str) -> int:
        """The dev version to promote: the packaged one where the platform tells it."""
        return self.pinned.get(key, self.components[key].version)


def find_package(
    client: PartnerApiClient,
    account: str,
    package_id: str,
    *,
    component_id: str = "",
    version: str = "",
) -> PackagedComponent:
    """The package as the platform knows it now.

    :param component_id: what it packages, and ``version`` the package's, where they are known: one page is read
        instead of all.
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


class Walk:
    """Finds out what a package holds. It remembers what it was told."""

    def __init__(
        self, client: PartnerApiClient, account: DevAccount, package: PackagedComponent
    ) -> None:
        """:raises PromotionError: TOO_MANY_COMPONENTS."""
        self._client = client
        self._account = account.account_id
        self._package = package
        self._root = package.component_id.lower()
        manifest = client.get_package_manifest(package.package_id, account=self._account)
        versions = {pin.component_id.lower(): pin.version for pin in manifest or ()}
        self._named = list(versions)
        # A row may name no version: of the packaged component the package tells it, of others the newest is read.
        if versions.get(self._root, 0) is None:
            versions[self._root] = package.component_version
        self._pinned = {key: version for key, version in versions.items() if version}
        _check_size(len(self._named))
        self._metadata: dict[str, ComponentMetadata | None] = {}
        self._look_at([self._root, *self._named])
        self.uses = Uses(client, account)

    def outline(self) -> Resolved | None:
        """The components that the manifest names, without a question about what uses what.

        Which of them use which is left to be read from their XML. :meth:`resolve` proves it.

        :returns: None where there is no manifest, or nothing to ask.
        """
        resolved = self._resolved()
        resolved.components = {
            key: metadata
            for key in (self._root, *self._named)
            if (metadata := self._metadata[key]) is not None
        }
        asked = {
            key: resolved.version(key)
            for key, metadata in resolved.components.items()
            if metadata.type not in MAPPED_ONLY
        }
        known = self.uses.known(asked)
        if not self._pinned or self._root not in asked or asked.keys() == known.keys():
            return None
        resolved.dependent |= resolved.components.keys()
        resolved.is_proved = False
        return resolved

    def resolve(self, progress: Progress) -> Resolved:
        """Every component that the package uses, each once; cycles are fine; connections are leaves.

        One level of the walk is asked for at once.

        :raises PromotionError: TOO_MANY_COMPONENTS, COMPONENT_NOT_FOUND (the packaged component itself is gone).
        """
        resolved = self._resolved()
        users = {self._root: ""}  # id -> name of a component that uses it
        dependents: dict[str, set[str]] = {}
        level = [self._root]
        while level:
            progress("Following references", len(resolved.components), len(users))
            self._look_at(level)
            asked: dict[str, int] = {}
            for key in level:
                metadata = self._metadata[key]
                if metadata is None:
                    if key == self._root:
                        raise PromotionError("COMPONENT_NOT_FOUND", self._package.component_id)
                    resolved.unresolved[key] = users[key]
                    continue
                resolved.components[key] = metadata
                resolved.uses[key] = []
                # What is set up once by hand in production stays there with all that it uses.
                if metadata.type not in MAPPED_ONLY:
                    asked[key] = resolved.version(key)
            level = []
            for key, references in self.uses.of(asked).items():
                for other in _follow(resolved, dependents, key, references):
                    if other not in users:
                        users[other] = resolved.components[key].name
                        level.append(other)
            _check_size(len(users))
        _follow_dependents(resolved, dependents)
        return resolved

    def _resolved(self) -> Resolved:
        return Resolved(self._package, self._root, pinned=self._pinned, dependent={self._root})

    def _look_at(self, keys: Iterable[str]) -> None:
        unknown = [key for key in keys if key not in self._metadata]
        self._metadata |= metadata_of_many(self._client, unknown, account=self._account)


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
    """Note what a component uses. Returns its ids."""
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
    """What the root depends on, by dependents only."""
    waiting = [resolved.root]
    while waiting:
        for key in dependents.get(waiting.pop(), set()) - resolved.dependent:
            resolved.dependent.add(key)
            waiting.append(key)
