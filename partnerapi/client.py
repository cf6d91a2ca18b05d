"""One method per operation of the Partner API, and no policy.

Everything is about the primary account unless ``account`` names a dev account to read from, which
is sent as ``overrideAccount`` (guide, step 2.2.1). Only reads can have one.

Every method raises :class:`partnerapi.errors.PartnerApiError`, sorted by whether waiting helps,
and :class:`ValueError` for arguments that make no call (an empty id). Queries fetch all pages.
"""

from collections.abc import Iterator
from typing import Literal

from partnerapi.dialects import Dialect
from partnerapi.records import (
    Account,
    Branch,
    Component,
    ComponentMetadata,
    DeployedPackage,
    Environment,
    Folder,
    IntegrationPack,
    MergeRequest,
    PackagedComponent,
    PinnedComponent,
    Reference,
    Release,
)
from partnerapi.transport import Transport


class PartnerApiClient:
    """Speaks to one primary account in one dialect.

    :param transport: knows the address, the credentials and the pace.
    :param dialect: how the operations look on the wire; ask its ``capabilities``, not its name.
    """

    def __init__(self, transport: Transport, dialect: Dialect) -> None:
        self.dialect = dialect
        self._send = transport.send

    # -- 1 to 5: components ------------------------------------------------

    def get_component(
        self,
        component_id: str,
        *,
        account: str | None = None,
        version: int | None = None,
        branch_id: str | None = None,
    ) -> Component:
        """Operation 1: a component with its XML.

        :param version: this version; without it the newest on main, which may be newer than what
            was packaged (published).
        :param branch_id: as it is on this branch; what the branch did not change comes from main.
        """
        return self.dialect.get_component(
            self._send, component_id, account=account, version=version, branch_id=branch_id
        )

    def create_component(self, xml: bytes, *, branch_id: str) -> Component:
        """Operation 2: make a new component on a branch.

        :param xml: the whole component; an id in it is taken out, for the API assigns one.
        :raises BranchIgnored: the answer says that another branch was written to, as happens on
            an account without branching.
        :raises FolderIgnored: the answer says that it lies in another folder.
        """
        return self.dialect.create_component(self._send, xml, branch_id=branch_id)

    def update_component(self, component_id: str, xml: bytes, *, branch_id: str) -> Component:
        """Operation 3: replace a component on a branch. What the XML leaves out is removed.

        :raises ImmaterialUpdate: the XML says what the component says already.
        :raises ComponentLocked: somebody has it open in the Boomi editor.
        :raises BranchIgnored: the answer says that another branch was written to.
        """
        return self.dialect.update_component(self._send, component_id, xml, branch_id=branch_id)

    def get_component_references(
        self, component_id: str, *, version: int, account: str | None = None
    ) -> tuple[Reference, ...]:
        """Operation 4: what a component uses, one level; nothing is an empty tuple.

        :param version: the component's own (the guide's dialect always answers for the newest).
        :raises BadResponse: also when the answer lists what uses the component instead: the
            server speaks the other dialect.
        """
        return self.dialect.get_component_references(
            self._send, component_id, version=version, account=account
        )

    def get_component_metadata(
        self, component_id: str, *, account: str | None = None
    ) -> ComponentMetadata:
        """Operation 5: a component without its content."""
        return self.dialect.get_component_metadata(self._send, component_id, account=account)

    # -- 6 to 8: packages --------------------------------------------------

    def query_packaged_components(
        self,
        *,
        account: str | None = None,
        component_id: str | None = None,
        package_version: str | None = None,
        with_deleted: bool = False,
    ) -> Iterator[PackagedComponent]:
        """Operation 6: packages of all branches. Pages are fetched as the iterator reaches them.

        :param with_deleted: deleted packages as well, whose versions stay taken.
        """
        return self.dialect.query_packaged_components(
            self._send,
            account=account,
            component_id=component_id,
            package_version=package_version,
            with_deleted=with_deleted,
        )

    def create_packaged_component(
        self, component_id: str, *, package_version: str, notes: str, branch_name: str = "main"
    ) -> PackagedComponent:
        """Operation 7: make a shareable package.

        :param branch_name: a branch's name as operation 10 answered it, or main.
        :raises AlreadyExists: the component has a package of that version, maybe a deleted one.
        """
        return self.dialect.create_packaged_component(
            self._send,
            component_id,
            package_version=package_version,
            notes=notes,
            branch_name=branch_name,
        )

    def create_deployed_package(
        self,
        environment_id: str,
        package_id: str,
        *,
        notes: str = "",
        listener_status: str | None = None,
    ) -> DeployedPackage:
        """Operation 8: deploy a package to an environment.

        :param package_id: a release's where the capabilities say ``deploys_released_package``,
            otherwise operation 7's.
        :param listener_status: RUNNING or PAUSED; listeners start unless they are paused.
        :raises AlreadyExists: it is deployed there.
        """
        return self.dialect.create_deployed_package(
            self._send, environment_id, package_id, notes=notes, listener_status=listener_status
        )

    # -- 9 and 16 to 18: packs ---------------------------------------------

    def create_integration_pack(self, name: str, description: str) -> IntegrationPack:
        """Operation 9: make a pack that can be installed several times (MULTI).

        :raises AlreadyExists: the name is taken.
        """
        return self.dialect.create_integration_pack(self._send, name, description)

    def query_integration_packs(self) -> tuple[IntegrationPack, ...]:
        """Operation 16: the primary account's own MULTI packs and what is in them."""
        return self.dialect.query_integration_packs(self._send)

    def add_to_integration_pack(self, pack_id: str, package: PackagedComponent) -> None:
        """Operation 17: put a package into a pack; everything that is in it stays.

        Published: the pack is read first and every component sent again. Two of these at once
        on one pack would undo one another.
        """
        self.dialect.add_to_integration_pack(self._send, pack_id, package)

    def release_integration_pack(
        self, pack_id: str, *, package: PackagedComponent, version: str, notes: str
    ) -> Release:
        """Operation 18: release a pack at once, with the new package and nothing else changed.

        :param package: the package that is new in this release.
        :param version: the release's (guide); a published release has none of its own.
        :raises AlreadyExists: the pack has a release of that version (guide).
        """
        return self.dialect.release_integration_pack(
            self._send, pack_id, package=package, version=version, notes=notes
        )

    # -- 10, 11, 14 and 15: branches ---------------------------------------

    def create_branch(
        self,
        name: str,
        description: str,
        *,
        package_id: str | None = None,
        parent_id: str | None = None,
    ) -> Branch:
        """Operation 10: start a branch, which is not ready at once.

        :param package_id: begin with what this package holds, not with main.
        :param parent_id: main's id; where it is needed and not given it is looked up.
        :returns: the branch with the name that Boomi made of it (``/`` becomes ``-``).
        :raises BranchLimitReached: the account has as many branches as it may have.
        :raises AlreadyExists: the name is taken.
        """
        return self.dialect.create_branch(
            self._send, name, description, package_id=package_id, parent_id=parent_id
        )

    def query_branches(self, *, name: str | None = None) -> tuple[Branch, ...]:
        """Operation 11: the branches that are there, main among them."""
        return self.dialect.query_branches(self._send, name=name)

    def get_branch(self, branch_id: str) -> Branch:
        """Operation 14: one branch, to see whether it is ready.

        :raises NotFound: there is none; AlreadyGone where Boomi says that it was deleted.
        """
        return self.dialect.get_branch(self._send, branch_id)

    def delete_branch(self, branch_id: str) -> None:
        """Operation 15: delete a branch. One that is gone already is success."""
        self.dialect.delete_branch(self._send, branch_id)

    # -- 12, 13 and 19: merges ---------------------------------------------

    def create_merge_request(self, source_branch_id: str, *, target_branch_id: str) -> MergeRequest:
        """Operation 12: ask for a merge in which the source branch wins (OVERRIDE).

        :raises Conflict: it cannot be made now.
        """
        return self.dialect.create_merge_request(
            self._send, source_branch_id, target_branch_id=target_branch_id
        )

    def execute_merge_request(
        self,
        merge_request_id: str,
        *,
        action: Literal["MERGE", "REVERT", "RETRY_DRAFTING"] = "MERGE",
    ) -> MergeRequest:
        """Operation 13: carry a merge request out; allowed while ``can_be_executed``.

        :param action: others than MERGE only where the capabilities say ``reverts_merges``.
        :raises Conflict: it cannot be executed now.
        """
        return self.dialect.execute_merge_request(self._send, merge_request_id, action=action)

    def get_merge_request(self, merge_request_id: str) -> MergeRequest:
        """Operation 19: how far a merge request is."""
        return self.dialect.get_merge_request(self._send, merge_request_id)

    # -- supporting --------------------------------------------------------

    def get_release(self, release_id: str) -> Release:
        """How far a release is, where the capabilities say ``releases_asynchronously``."""
        return self.dialect.get_release(self._send, release_id)

    def get_package_manifest(
        self, package_id: str, *, account: str | None = None
    ) -> tuple[PinnedComponent, ...] | None:
        """The components that a package holds and their versions; None if it cannot be known."""
        return self.dialect.get_package_manifest(self._send, package_id, account=account)

    def ensure_folder(self, full_path: str) -> Folder | None:
        """Find the folder of a path, making what is missing of it.

        :param full_path: below the account's root folder, such as ``/Promoted/Orders``.
        :returns: None where a component's ``folderFullPath`` is honoured, or the path is empty.
        """
        return self.dialect.ensure_folder(self._send, full_path)

    def query_component_metadata(
        self,
        *,
        name: str | None = None,
        component_type: str | None = None,
        copied_from_component_id: str | None = None,
        account: str | None = None,
    ) -> Iterator[ComponentMetadata]:
        """The current version of components that are not deleted and meet every condition."""
        return self.dialect.query_component_metadata(
            self._send,
            name=name,
            component_type=component_type,
            copied_from_component_id=copied_from_component_id,
            account=account,
        )

    def query_component_parents(self, component_id: str) -> tuple[Reference, ...]:
        """What uses a component; empty also where it cannot be asked (``reports_parents``)."""
        return self.dialect.query_component_parents(self._send, component_id)

    def query_deployed_packages(
        self, *, environment_id: str, package_id: str
    ) -> tuple[DeployedPackage, ...]:
        """Deployments of a package in an environment, undone ones included (``active``)."""
        return self.dialect.query_deployed_packages(
            self._send, environment_id=environment_id, package_id=package_id
        )

    def query_pack_environments(self, pack_id: str) -> tuple[str, ...]:
        """The environments of our own that an instance of a pack is attached to.

        A release reaches those by itself, so nothing of the pack is deployed there.
        """
        return self.dialect.query_pack_environments(self._send, pack_id)

    def query_environments(self) -> tuple[Environment, ...]:
        """The primary account's environments."""
        return self.dialect.query_environments(self._send)

    def query_accounts(self) -> tuple[Account, ...]:
        """The accounts that belong to the primary account, without deleted ones."""
        return self.dialect.query_accounts(self._send)
