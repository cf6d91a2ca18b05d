"""What calls return: the same records for both dialects."""

from dataclasses import dataclass, field
from datetime import datetime

from partnerapi.componentxml import Document


@dataclass(frozen=True)
class Component:
    """A component with its whole XML (operations 1, 2 and 3)."""

    component_id: str
    name: str
    type: str
    version: int
    folder_full_path: str
    branch_id: str
    deleted: bool
    document: Document = field(repr=False)
    folder_id: str = ""
    sub_type: str = ""

    @property
    def metadata(self) -> "ComponentMetadata":
        """What operation 5 says about it, as far as its document has that."""
        return ComponentMetadata(
            self.component_id,
            self.name,
            self.type,
            self.version,
            self.folder_full_path,
            self.folder_id,
            self.sub_type,
            deleted=self.deleted,
        )

    @property
    def xml(self) -> bytes:
        """The document as it arrived, byte by byte."""
        return self.document.to_bytes()


@dataclass(frozen=True)
class Reference:
    """One thing that a component uses (operation 4)."""

    component_id: str
    type: str  # DEPENDENT or INDEPENDENT


@dataclass(frozen=True)
class ComponentMetadata:
    """A component without its content (operation 5)."""

    component_id: str
    name: str
    type: str
    version: int
    folder_full_path: str
    folder_id: str = ""
    sub_type: str = ""
    current_version: bool = True
    deleted: bool = False
    modified_by: str = ""
    modified_date: datetime | None = None
    copied_from_component_id: str = ""


@dataclass(frozen=True)
class PackagedComponent:
    """A package (operations 6 and 7). The name is not on the wire: operation 5 has it."""

    package_id: str
    package_version: str
    component_id: str
    component_type: str
    component_version: int | None
    created_by: str = ""
    created_date: datetime | None = None
    notes: str = ""
    shareable: bool = True
    deleted: bool = False
    branch_name: str = ""


@dataclass(frozen=True)
class PinnedComponent:
    """A component at the version that a package holds, where its manifest names one."""

    component_id: str
    version: int | None


@dataclass(frozen=True)
class Branch:
    """A branch of the primary account (operations 10, 11 and 14)."""

    branch_id: str
    name: str
    ready: bool
    description: str = ""
    deleted: bool = False
    stage: str = ""
    parent_id: str = ""
    created_by: str = ""

    @property
    def is_main(self) -> bool:
        """Whether this is the account's own main line, which no branch limit counts."""
        return self.name == "main"


@dataclass(frozen=True)
class MergeDetail:
    """What a merge would do to one component on main."""

    component_id: str
    change_type: str  # ADDED, MODIFIED or DELETED
    source_revision: int | None
    destination_revision: int | None
    conflict: bool
    excluded: bool = False  # left out of the merge
    resolution: str = ""  # OVERRIDE or KEEP_DESTINATION, where there is a conflict
    locked: bool = False  # somebody has locked it on the destination
    merge_revision: int | None = None  # the version that the merge has made on main


@dataclass(frozen=True)
class MergeRequest:
    """A merge request (operations 12, 13 and 19).

    ``details`` is None where the dialect does not report them.
    """

    merge_request_id: str
    stage: str
    source_branch_id: str = ""
    destination_branch_id: str = ""
    details: tuple[MergeDetail, ...] | None = None
    message: str = ""

    @property
    def can_be_executed(self) -> bool:
        """Whether operation 13 is allowed now."""
        return self.stage in {"REVIEWING", "FAILED_TO_MERGE"}

    @property
    def is_moving(self) -> bool:
        """Whether asking again later makes sense."""
        return self.stage in {"DRAFTING", "DRAFTED", "REDRAFTING", "MERGING"}

    @property
    def is_merged(self) -> bool:
        """Whether the platform says that the merge is done."""
        return self.stage == "MERGED"


@dataclass(frozen=True)
class PackEntry:
    """One component in an Integration Pack and the package versions of it."""

    component_id: str
    name: str = ""
    component_type: str = ""
    current_version: str = ""  # the released package version
    pending_version: str = ""  # added and not released yet
    package_id: str = ""  # guide only
    deletion_pending: bool = False  # taken out, and not released yet


@dataclass(frozen=True)
class IntegrationPack:
    """An Integration Pack of the primary account (operations 9 and 16)."""

    pack_id: str
    name: str
    description: str = ""
    installation_type: str = "MULTI"
    entries: tuple[PackEntry, ...] = ()
    released_version: str = ""  # guide only: the pack's newest release and its package
    released_package_id: str = ""


@dataclass(frozen=True)
class Release:
    """A release of a pack (operation 18).

    ``state`` is IN_PROGRESS, SCHEDULED or another word for waiting, until it is SUCCESS or
    ERROR. ``package_id`` is the released pack's package, where the dialect gives one.
    """

    release_id: str
    state: str
    package_id: str = ""
    message: str = ""

    @property
    def is_running(self) -> bool:
        """Whether the release has neither succeeded nor failed yet."""
        return self.state not in {"SUCCESS", "ERROR"}


@dataclass(frozen=True)
class DeployedPackage:
    """A package in an environment (operation 8)."""

    deployment_id: str
    environment_id: str
    package_id: str
    active: bool = True
    version: int | None = None


@dataclass(frozen=True)
class Environment:
    """An environment of the primary account."""

    environment_id: str
    name: str
    classification: str  # TEST or PROD


@dataclass(frozen=True)
class Account:
    """An account, as its owner names it."""

    account_id: str
    name: str
    status: str = "active"


@dataclass(frozen=True)
class Folder:
    """A folder of the primary account."""

    folder_id: str
    name: str
    full_path: str


@dataclass(frozen=True)
class Call:
    """One attempt at one call, as recorded: never a body, never a credential."""

    operation: int | str
    name: str
    method: str
    path: str
    account: str
    attempt: int
    status: int | None
    duration_ms: int
    error: str
