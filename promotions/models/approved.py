"""What an approval covers: one frozen object, and its hash.

The worker reads this object and never a row that somebody could edit in the meantime.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..messages import PromotionError
from .demand import Demand

# Counts up whenever the object, or what its content hash covers, changes its meaning. Before the merge an approval of
# another version is asked for again.
APPROVED_VERSION = 2


class ApprovalLapsed(PromotionError):
    """The approval is intact but no longer valid: somebody has to review again."""

    def __init__(self, why: str) -> None:
        super().__init__("APPROVAL_LAPSED", why)


@dataclass(frozen=True)
class ApprovedEnvironment:
    """A target environment, with the id that the platform knows it by."""

    environment_id: str
    name: str
    classification: str


@dataclass(frozen=True)
class ApprovedFinding:
    """A finding that an admin has accepted, and why."""

    code: str
    component_id: str
    fingerprint: str
    reason: str
    accepted_by: str


@dataclass(frozen=True)
class ApprovedPackage:
    """One package: what is packaged in production, under which version, and the pack that it goes into.

    :param package_id: the package in the dev account.
    :param pack_id: the chosen pack on the platform; empty where a new one is made.
    :param pack_name: its name, or the name of the new one.
    """

    package_id: str
    package_version: str
    pack_id: str
    pack_name: str

    @property
    def pack_key(self) -> str:
        """The same for all that go into one pack."""
        return self.pack_id or self.pack_name.casefold()


@dataclass(frozen=True)
class Approved:
    """Everything that the work after an approval uses.

    :param content_hash: the plan's hash: every component with its versions and its symbolic content.
    :param pack_id: the chosen pack on the platform; empty where a new one is made.
    :param pack_name: its name, or the name of the new one.
    :param pause_listeners: whether listeners are deployed paused.
    """

    content_hash: str
    package_id: str
    package_version: str
    pack_id: str
    pack_name: str
    notes: str
    stage: str
    dialect: str
    environment_values: str
    rules_version: int
    environments: tuple[ApprovedEnvironment, ...] = ()
    findings: tuple[ApprovedFinding, ...] = ()
    production_changes: str = ""  # what was told of production after the merge, and accepted
    demand: Demand = field(default_factory=Demand)  # whose approvals it needs
    pause_listeners: bool = False
    further: tuple[ApprovedPackage, ...] = ()  # the other packages of a bundle
    version: int = APPROVED_VERSION

    @property
    def hash(self) -> str:
        return hash_of(self.as_json())

    @property
    def peers_hash(self) -> str:
        """The hash that peers approve: of everything except the pack, which the admins choose after them."""
        further = tuple(replace(one, pack_id="", pack_name="") for one in self.further)
        return replace(self, pack_id="", pack_name="", further=further, production_changes="").hash

    @property
    def packages(self) -> tuple[ApprovedPackage, ...]:
        """Every package, in the order of the plan."""
        first = ApprovedPackage(self.package_id, self.package_version, self.pack_id, self.pack_name)
        return (first, *self.further)

    def with_package(self, changed: ApprovedPackage) -> Approved:
        """The same, but for the package of this id."""
        if changed.package_id == self.package_id:
            return replace(self, **asdict(changed))
        return replace(
            self,
            further=tuple(
                changed if one.package_id == changed.package_id else one for one in self.further
            ),
        )

    def as_json(self) -> dict[str, Any]:
        """As the database has it: tuples as lists; no demand where no policy applied, nothing further of one package.

        An approval of one package has the form, and the hash, that it had before there were bundles.
        """
        columns = asdict(self) | {"demand": self.demand.as_json()}
        for name in ("demand", "further"):
            if not columns[name]:
                del columns[name]
        return json.loads(json.dumps(columns))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Approved:
        """:raises KeyError, TypeError: when this is no such object."""
        return cls(
            **{
                "version": 1,  # the first one did not say so
                **stored,
                "environments": tuple(ApprovedEnvironment(**row) for row in stored["environments"]),
                "findings": tuple(ApprovedFinding(**row) for row in stored["findings"]),
                "further": tuple(ApprovedPackage(**row) for row in stored.get("further", ())),
                "demand": Demand.from_json(stored.get("demand", {})),
            }
        )


def hash_of(stored: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a frozen object as stored, whatever its version."""
    canonical = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
