"""What a package holds: breadth-first over what each component uses (operations 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.conf import settings

from partnerapi.client import PartnerApiClient
from partnerapi.errors import PartnerApiError
from partnerapi.records import ComponentMetadata, PackagedComponent, Reference

from ..messages import PromotionError
from .look_up import metadata_of_many

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

    @property
    def independent(self) -> set[str]:
        """What is used, and not packaged along with what uses it."""
        return self.components.keys() - self.dependent

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


def resolve(
    client: PartnerApiClient, account: str, package: PackagedComponent, progress: Progress
) -> Resolved:
    """Every component that the package uses, each once; cycles are fine; connections are leaves.

    One level of the walk is asked for at once.

    :raises PromotionError: TOO_MANY_COMPONENTS, COMPONENT_NOT_FOUND (the packaged component itself is gone).
    """
    root = package.component_id.lower()
    resolved = Resolved(package=package, root=root)
    manifest = client.get_package_manifest(package.package_id, account=account)
    if manifest is not None:
        resolved.pinned = {pin.component_id.lower(): pin.version for pin in manifest}
        _check_size(len(resolved.pinned))
    resolved.dependent.add(root)
    users = {root: ""}  # id -> name of a component that uses it
    known = metadata_of_many(client, [root, *resolved.pinned], account=account)
    dependents: dict[str, set[str]] = {}
    level = [root]
    while level:
        progress("Following references", len(resolved.components), len(users))
        known |= metadata_of_many(client, [k for k in level if k not in known], account=account)
        found: dict[str, int] = {}
        for key in level:
            metadata = known[key]
            if metadata is None:
                if key == root:
                    raise PromotionError("COMPONENT_NOT_FOUND", package.component_id)
                resolved.unresolved[key] = users[key]
                continue
            resolved.components[key] = metadata
            resolved.uses[key] = []
            # What is set up once by hand in production stays there with all that it uses.
            if metadata.type not in MAPPED_ONLY:
                found[key] = resolved.version(key)
        references = client.get_many_references(found, account=account, alive=True)
        level = []
        for key, used in references.items():
            if isinstance(used, PartnerApiError):
                raise used
            for other in _follow(resolved, dependents, key, used):
                if other not in users:
                    users[other] = resolved.components[key].name
                    level.append(other)
        _check_size(len(users))
    _follow_dependents(resolved, dependents)
    return resolved


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
