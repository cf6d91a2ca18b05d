"""What the simulator remembers: records, the clock, and the places where records are found."""

import base64
import hashlib
import itertools
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from partnerapi.simulator.errors import bad_request, not_found

TOKEN_USER = "promotion@example.com"  # noqa: S105 - a name, no secret

# Nominal seconds; the server's --speed divides them.
BRANCH_SECONDS = 0.3
MERGE_STAGE_SECONDS = 0.2
RELEASE_SECONDS = 0.3


def timestamp() -> str:
    """Now, as the platform writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def opaque_id(prefix: str, number: int) -> str:
    """An identifier in the platform's style, such as ``QjoyMDI1OTk`` for branch 202599."""
    return base64.b64encode(f"{prefix}:{number}".encode()).decode().rstrip("=")


@dataclass
class Version:
    """One saved revision of a component.

    ``body`` holds the children of ``bns:Component`` as bytes, with every known secret replaced by
    its mask; the secret itself is in ``World.secrets`` under that mask.
    """

    number: int
    seq: int
    branch_id: str
    name: str
    folder_id: str
    body: bytes
    modified_by: str
    modified_date: str
    deleted: bool = False
    reference_guids: tuple[tuple[str, str], ...] | None = None

    @cached_property
    def sha(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass
class Component:
    """A component with all its revisions, whose numbers are shared by all branches."""

    id: str
    type: str
    sub_type: str
    created_by: str
    created_date: str
    copied_from_id: str = ""
    copied_from_version: int | None = None
    locked: bool = False
    versions: dict[int, Version] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)  # branches with a copy of their own

    def next_number(self) -> int:
        return max(self.versions, default=0) + 1

    def on_main(self, main_id: str, before_seq: int | None = None) -> Version | None:
        """The newest revision of main, or the newest that was there when a branch was made."""
        found = None
        for version in self.versions.values():
            if version.branch_id == main_id and (before_seq is None or version.seq <= before_seq):
                found = version
        return found


@dataclass
class Branch:
    id: str
    name: str
    description: str
    parent_id: str
    created_by: str
    created_date: str
    base_seq: int
    ready_at: float
    package_id: str = ""
    modified_date: str = ""
    ready: bool = False

    @property
    def stage(self) -> str:
        return "NORMAL" if self.ready else "CREATING"


@dataclass
class Folder:
    id: str
    name: str
    parent_id: str
    full_path: str
    deleted: bool = False


@dataclass
class Package:
    """A packaged component: a component version and everything that it depended on then."""

    id: str
    version: str
    component_id: str
    component_version: int
    component_type: str
    branch_name: str
    created_by: str
    created_date: str
    notes: str
    shareable: bool
    manifest: dict[str, int]
    deleted: bool = False


@dataclass
class PackEntry:
    """A component of a pack: its released package and the one that waits for a release."""

    component_id: str
    released: str = ""
    pending: str = ""
    removed: bool = False  # leaves the pack with the next release

    @property
    def package_id(self) -> str:
        return self.pending or self.released


@dataclass
class Pack:
    id: str
    name: str
    description: str
    installation_type: str
    entries: dict[str, PackEntry] = field(default_factory=dict)


@dataclass
class Release:
    """A release of a pack: a snapshot of component -> package."""

    id: str
    pack_id: str
    package_id: str
    version: str
    notes: str
    schedule: str
    on_date: str
    status: str
    due_at: float
    packages: dict[str, str]
    created_date: str
    message: str = ""


@dataclass
class Deployment:
    id: str
    environment_id: str
    package_id: str
    component_id: str
    component_version: int | None
    component_type: str
    package_version: str
    version: int
    active: bool
    deployed_by: str
    deployed_date: str
    notes: str
    listener_status: str


@dataclass
class MergeDetail:
    component_id: str
    change_type: str
    source_revision: int
    destination_revision: int | None
    conflict: bool
    left_out_as: str = ""
    stage: str = "DRAFTED"
    merge_revision: int | None = None


@dataclass
class Merge:
    id: str
    source_id: str
    source_name: str
    destination_id: str
    strategy: str
    priority: str
    stage: str
    since: float
    created_date: str
    modified_date: str
    previous_stage: str = "NOT_EXIST"
    details: list[MergeDetail] = field(default_factory=list)
    message: str = ""


@dataclass
class Environment:
    id: str
    name: str
    classification: str


@dataclass
class Runtime:
    """An Atom, Molecule or Cloud, and the environments that it is attached to."""

    id: str
    name: str
    kind: str  # ATOM, MOLECULE, CLOUD
    environment_ids: list[str]
    status: str = "ONLINE"


@dataclass
class PackInstance:
    """An installation of a pack in the primary account itself, and where it is attached."""

    id: str
    pack_id: str
    name: str
    environment_ids: list[str]


@dataclass
class Account:
    id: str
    name: str
    main_id: str
    root_folder_id: str
    created_date: str
    components: dict[str, Component] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    branches: dict[str, Branch] = field(default_factory=dict)
    deleted_branches: dict[str, Branch] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    packs: dict[str, Pack] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    merges: dict[str, Merge] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    instances: dict[str, PackInstance] = field(default_factory=dict)

    @property
    def main(self) -> Branch:
        return self.branches[self.main_id]

    def branch(self, branch_id: str) -> Branch:
        """The branch with this id, which must exist."""
        if branch_id in self.branches:
            return self.branches[branch_id]
        if branch_id in self.deleted_branches:
            raise not_found("Specified branch is already deleted.")
        raise not_found(f"The branch ({branch_id}) is not found.")

    def component(self, component_id: str) -> Component:
        """The component with this id, in whichever letter case, which must exist."""
        component = self.components.get(component_id.lower())
        if component is None:
            raise not_found(f"The component ({component_id}) is not found.")
        return component

    def folder(self, folder_id: str) -> Folder:
        folder = self.folders.get(folder_id)
        if folder is None or folder.deleted:
            raise not_found(f"The folder ({folder_id}) is not found.")
        return folder


@dataclass
class Modes:
    """How the platform is disposed; the control endpoint changes it."""

    merge_mode: str = "normal"  # normal, fail, auto, stuck, fail_draft
    branch_mode: str = "normal"  # normal, never_ready
    release_mode: str = "normal"  # normal, error, stuck, scheduled
    merge_leaves_out: list[str] = field(default_factory=list)  # ids or names of components
    merge_leaves_out_as: str = "skipped"  # see branches.LEFT_OUT_AS
    merge_details: str = "full"  # or none
    refusing_environments: list[str] = field(default_factory=list)  # ids or names
    answers_leave_out: list[str] = field(default_factory=list)  # ids, from bulk and "or" answers
    hides_descriptions: bool = False  # of branches, as some accounts do
    branching_enabled: bool = True
    branch_limit: int = 20
    immaterial: str = "refuse"  # or accept: sources disagree
    omitted_secret: str = "keep"  # noqa: S105 - or delete: sources disagree
    loose_json: bool = False  # "true" for true, one result without its list

    @property
    def keeps_omitted_secrets(self) -> bool:
        return self.omitted_secret != "delete"  # noqa: S105 - a mode, no secret


class World:
    """Everything, for all accounts. The server holds one lock around every use of it."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.modes = Modes()
        self.primary_id = ""
        self.accounts: dict[str, Account] = {}
        self.secrets: dict[str, str] = {}  # mask -> the value that was sent
        self.mask_stored: list[dict[str, Any]] = []
        self.secrets_cleared: list[dict[str, Any]] = []
        self._numbers = itertools.count(202_599)
        self._seq = itertools.count(1)
        self._last_seq = 0
        self._pages: dict[str, tuple[str, str, list[dict[str, Any]]]] = {}
        self._page_order: deque[str] = deque()

    # Time and numbers

    def now(self) -> float:
        """The simulator's own seconds, faster than the wall's by the chosen speed."""
        return time.monotonic() * self.speed

    def next_seq(self) -> int:
        self._last_seq = next(self._seq)
        return self._last_seq

    @property
    def last_seq(self) -> int:
        return self._last_seq

    def new_opaque_id(self, prefix: str) -> str:
        return opaque_id(prefix, next(self._numbers))

    # Accounts and folders

    @property
    def primary(self) -> Account:
        return self.accounts[self.primary_id]

    def add_account(self, account_id: str, name: str, created_date: str) -> Account:
        main = Branch(
            id=self.new_opaque_id("B"),
            name="main",
            description="main branch",
            parent_id="",
            created_by="admin@example.com",
            created_date=created_date,
            base_seq=0,
            ready_at=0.0,
            ready=True,
        )
        root = Folder(self.new_opaque_id("F"), name, "", name)
        account = Account(account_id, name, main.id, root.id, created_date)
        account.branches[main.id] = main
        account.folders[root.id] = root
        self.accounts[account_id] = account
        return account

    def add_folder(self, account: Account, name: str, parent_id: str) -> Folder:
        parent = account.folder(parent_id)
        folder = Folder(self.new_opaque_id("F"), name, parent.id, f"{parent.full_path}/{name}")
        account.folders[folder.id] = folder
        return folder

    def folder_for_path(self, account: Account, path: str) -> Folder:
        """The folder of a path, made where it is missing; the account's name may lead the path."""
        names = [name for name in path.split("/") if name]
        if names and names[0] == account.name:
            names = names[1:]
        folder = account.folders[account.root_folder_id]
        for name in names:
            folder = next(
                (
                    child
                    for child in account.folders.values()
                    if child.parent_id == folder.id and child.name == name and not child.deleted
                ),
                None,
            ) or self.add_folder(account, name, folder.id)
        return folder

    def delete_folder(self, account: Account, folder: Folder) -> None:
        """Delete a folder with the folders and components in it."""
        folder.deleted = True
        for component in account.components.values():
            on_main = component.on_main(account.main_id)
            if on_main is not None and on_main.folder_id == folder.id and not on_main.deleted:
                number = component.next_number()
                component.versions[number] = replace(
                    on_main, number=number, seq=self.next_seq(), deleted=True
                )
        for child in list(account.folders.values()):
            if child.parent_id == folder.id and not child.deleted:
                self.delete_folder(account, child)

    # Pages of a query

    def keep_rest(self, account_id: str, kind: str, rest: list[dict[str, Any]]) -> str:
        """Remember what did not fit on a page; its token holds ``/`` and ``+`` on purpose."""
        token = base64.b64encode(uuid.uuid4().bytes).decode().rstrip("=") + "/+" + kind[:2]
        self._pages[token] = (account_id, kind, rest)
        self._page_order.append(token)
        if len(self._page_order) > 500:
            self._pages.pop(self._page_order.popleft(), None)
        return token

    def rest_of(self, account_id: str, kind: str, token: str) -> list[dict[str, Any]]:
        kept = self._pages.get(token)
        if kept is None or kept[:2] != (account_id, kind):
            raise bad_request("The query token is invalid or has expired.")
        return kept[2]

    def all_components(self) -> Iterator[tuple[Account, Component]]:
        for account in self.accounts.values():
            for component in account.components.values():
                yield account, component
