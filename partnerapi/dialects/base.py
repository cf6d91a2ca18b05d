"""What the dialects share, and the methods that each of them has to give.

Every method takes ``send``, which sends one request and returns its answer; the errors that it
raises are those of :mod:`partnerapi.errors`. Besides those, an answer that cannot be read is a
``BadResponse``. The methods are documented at :class:`partnerapi.client.PartnerApiClient`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from partnerapi import componentxml, wire
from partnerapi.dialects import reading
from partnerapi.errors import BadRequest, BadResponse, BranchIgnored, FolderIgnored, NotFound
from partnerapi.operations import OPERATIONS, SUPPORTING, Operation
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
from partnerapi.transport import Answer, Request
from partnerapi.wire import Condition, Fields

Sender = Callable[[Request], Answer]

_Record = TypeVar("_Record")

#: 100 results a page: far more than any account has, and an end to a server that never ends.
MAX_PAGES = 1000


@dataclass(frozen=True)
class Capabilities:
    """What a dialect can do that the other cannot."""

    #: a package names the versions that it holds (manifest), so those are read and not the newest.
    pins_versions: bool
    #: a folder's path is ignored in a write: its id has to be found or made first.
    needs_folder_ids: bool
    #: a merge request says what it would do to each component.
    reports_merge_details: bool
    #: it can be asked which components use a component.
    reports_parents: bool
    #: a release goes on after the call and has to be polled.
    releases_asynchronously: bool
    #: operation 8 takes the package that a release answers, not the one of operation 7.
    deploys_released_package: bool
    #: a merge can be taken back (REVERT), and a draft that failed tried again.
    reverts_merges: bool


class Dialect(ABC):
    """The 19 operations and what supports them, in one of the two ways to write them."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    operations: ClassVar[Mapping[int, Operation]] = OPERATIONS

    # -- components --------------------------------------------------------

    def get_component(
        self,
        send: Sender,
        component_id: str,
        *,
        account: str | None = None,
        version: int | None = None,
        branch_id: str | None = None,
    ) -> Component:
        if version is not None and branch_id is not None:
            raise ValueError("A component is read at a version or on a branch, not both.")
        suffix = version if version is not None else branch_id
        name = component_id if suffix is None else f"{component_id}~{suffix}"
        answer = send(Request(self.operations[1], {"component": name}, account=account))
        with reading.reading(answer):
            found = reading.component(answer)
        if found.component_id.lower() != component_id.lower():
            raise reading.bad_response(answer, "is another component than the one asked for")
        return found

    @abstractmethod
    def create_component(self, send: Sender, xml: bytes, *, branch_id: str) -> Component: ...

    @abstractmethod
    def update_component(
        self, send: Sender, component_id: str, xml: bytes, *, branch_id: str
    ) -> Component: ...

    def _addressed(self, xml: bytes, component_id: str, branch_id: str | None = None) -> bytes:
        """The document for a write: this id (none to create), this branch, the folder it says."""
        said = componentxml.read_envelope(xml)
        return componentxml.set_envelope(
            xml,
            component_id=component_id,
            folder_full_path=said.folder_full_path or None,
            folder_id=said.folder_id or None,
            branch_id=branch_id,
        )

    def _written(self, answer: Answer, branch_id: str, component_id: str = "") -> Component:
        """The component that a write answers, which has to be where it was meant to be."""
        with reading.reading(answer):
            written = reading.component(answer)
        if component_id and written.component_id.lower() != component_id.lower():
            raise reading.bad_response(answer, "is another component than the one written")
        # On an account without branching the branch is silently ignored and main is written.
        if written.branch_id and written.branch_id != branch_id:
            raise BranchIgnored(
                f"The component was written to branch {written.branch_id[:100]} and not to "
                f"{branch_id[:100]}: look at main before anything else.",
                operation=answer.operation.key,
                status=answer.status,
            )
        return written

    def _created(self, answer: Answer, branch_id: str, xml: bytes) -> Component:
        """A new component, which has to be in the folder that was asked for as well.

        It lands in the root folder when the folder is ignored. Paths are answered with the
        account's name before them.
        """
        written = self._written(answer, branch_id)
        said = componentxml.read_envelope(xml)
        if said.folder_id and written.folder_id:
            is_there = written.folder_id.strip('"') == said.folder_id
        else:
            wanted = said.folder_full_path.strip("/").casefold()
            path = written.folder_full_path.strip("/").casefold()
            is_there = not path or f"/{path}".endswith(f"/{wanted}")
        if not is_there:
            raise FolderIgnored(
                f"The component was made in the folder “{written.folder_full_path[:200]}” and not "
                f"in “{said.folder_full_path[:200]}”.",
                operation=answer.operation.key,
                status=answer.status,
            )
        return written

    @abstractmethod
    def get_component_references(
        self, send: Sender, component_id: str, *, version: int, account: str | None = None
    ) -> tuple[Reference, ...]: ...

    def get_component_metadata(
        self, send: Sender, component_id: str, *, account: str | None = None
    ) -> ComponentMetadata:
        answer = send(Request(self.operations[5], {"component": component_id}, account=account))
        with reading.reading(answer):
            return reading.component_metadata(reading.fields_of(answer, "ComponentMetadata"))

    def _references_or_none(
        self,
        send: Sender,
        request: Request,
        component_id: str,
        read: Callable[[Answer], tuple[Reference, ...]],
    ) -> tuple[Reference, ...]:
        """GET ComponentReference, which answers 400 when there is nothing to list.

        A missing component is 400 too in the published API, so an empty list is believed only
        if operation 5 shows the component alive.
        """
        try:
            answer = send(request)
        except (BadRequest, NotFound) as error:
            if error.status != 400:
                raise
            refused = error
        else:
            with reading.reading(answer):
                return read(answer)
        if self.get_component_metadata(send, component_id, account=request.account).deleted:
            raise refused
        return ()

    def query_component_metadata(
        self,
        send: Sender,
        *,
        name: str | None = None,
        component_type: str | None = None,
        copied_from_component_id: str | None = None,
        account: str | None = None,
    ) -> Iterator[ComponentMetadata]:
        conditions = [Condition("deleted", "false"), Condition("currentVersion", "true")]
        if name is not None:
            conditions.append(Condition("name", name))
        if component_type is not None:
            conditions.append(Condition("type", component_type))
        if copied_from_component_id is not None:
            # Published: these two properties have to accompany each other.
            conditions += [
                Condition("copiedFromComponentId", copied_from_component_id),
                Condition("copiedFromComponentVersion", "0", "GREATER_THAN_OR_EQUAL"),
            ]
        request = self._query("QUERY ComponentMetadata", conditions, account=account)
        for found in self._records(send, request, reading.component_metadata):
            if found.current_version and not found.deleted:
                yield found

    @abstractmethod
    def query_component_parents(self, send: Sender, component_id: str) -> tuple[Reference, ...]: ...

    @abstractmethod
    def ensure_folder(self, send: Sender, full_path: str) -> Folder | None: ...

    # -- packages ----------------------------------------------------------

    @abstractmethod
    def _package_query(self, conditions: Sequence[Condition]) -> bytes: ...

    def query_packaged_components(
        self,
        send: Sender,
        *,
        account: str | None = None,
        component_id: str | None = None,
        package_version: str | None = None,
        with_deleted: bool = False,
    ) -> Iterator[PackagedComponent]:
        conditions = []
        if component_id is not None:
            conditions.append(Condition("componentId", component_id))
        if package_version is not None:
            conditions.append(Condition("packageVersion", package_version))
        body = self._package_query(conditions)
        request = Request(self.operations[6], body=body, account=account)
        for found in self._records(send, request, reading.packaged_component):
            if with_deleted or not found.deleted:
                yield found

    def create_packaged_component(
        self, send: Sender, component_id: str, *, package_version: str, notes: str, branch_name: str
    ) -> PackagedComponent:
        answer = send(
            Request(
                self.operations[7],
                body=wire.json_body(
                    {
                        "componentId": component_id,
                        "packageVersion": package_version,
                        "notes": notes,
                        "shareable": True,
                        # Sources differ on what is packaged without it (the token user's working
                        # branch, or main), so it is always said.
                        "branchName": branch_name,
                    }
                ),
            )
        )
        with reading.reading(answer):
            return reading.packaged_component(reading.fields_of(answer, "PackagedComponent"))

    @abstractmethod
    def get_package_manifest(
        self, send: Sender, package_id: str, *, account: str | None = None
    ) -> tuple[PinnedComponent, ...] | None: ...

    # -- branches and merges -----------------------------------------------

    @abstractmethod
    def create_branch(
        self,
        send: Sender,
        name: str,
        description: str,
        *,
        package_id: str | None = None,
        parent_id: str | None = None,
    ) -> Branch: ...

    @abstractmethod
    def _branch_query(self) -> Sequence[Condition]:
        """What asks for all branches."""

    def query_branches(self, send: Sender, *, name: str | None = None) -> tuple[Branch, ...]:
        conditions = self._branch_query() if name is None else [Condition("name", name)]
        request = Request(self.operations[11], body=wire.json_query(conditions))
        found = self._records(send, request, reading.branch)
        return tuple(branch for branch in found if not branch.deleted)

    def get_branch(self, send: Sender, branch_id: str) -> Branch:
        answer = send(Request(self.operations[14], {"branch": branch_id}))
        with reading.reading(answer):
            return reading.branch(reading.fields_of(answer, "Branch"))

    @abstractmethod
    def delete_branch(self, send: Sender, branch_id: str) -> None: ...

    def _check_deleted(self, answer: Answer) -> None:
        """The answer to a deletion is ``true``, ``{true}`` (which is no JSON) or nothing."""
        if answer.body.strip().lower() in {b"", b"true", b"{true}", b"{}"}:
            return
        with reading.reading(answer):
            reading.fields_of(answer)

    @abstractmethod
    def create_merge_request(
        self, send: Sender, source_branch_id: str, *, target_branch_id: str
    ) -> MergeRequest: ...

    @abstractmethod
    def execute_merge_request(
        self, send: Sender, merge_request_id: str, *, action: str
    ) -> MergeRequest: ...

    def get_merge_request(self, send: Sender, merge_request_id: str) -> MergeRequest:
        answer = send(Request(self.operations[19], {"merge_request": merge_request_id}))
        return self._merge_request(answer)

    def _merge_request(self, answer: Answer) -> MergeRequest:
        with reading.reading(answer):
            fields = reading.fields_of(answer, "MergeRequest")
            return reading.merge_request(
                fields, with_details=self.capabilities.reports_merge_details
            )

    # -- packs -------------------------------------------------------------

    @abstractmethod
    def create_integration_pack(
        self, send: Sender, name: str, description: str
    ) -> IntegrationPack: ...

    @abstractmethod
    def query_integration_packs(self, send: Sender) -> tuple[IntegrationPack, ...]: ...

    @abstractmethod
    def add_to_integration_pack(
        self, send: Sender, pack_id: str, package: PackagedComponent
    ) -> None: ...

    @abstractmethod
    def release_integration_pack(
        self, send: Sender, pack_id: str, *, package: PackagedComponent, version: str, notes: str
    ) -> Release: ...

    def get_release(self, send: Sender, release_id: str) -> Release:
        operation = SUPPORTING["GET ReleaseIntegrationPackStatus"]
        answer = send(Request(operation, {"release": release_id}))
        if answer.status == 202 and not answer.body.strip():
            return Release(release_id, "IN_PROGRESS")
        with reading.reading(answer):
            fields = reading.fields_of(answer, "ReleaseIntegrationPackStatus")
            fields.setdefault("requestId", release_id)
            if answer.status == 200:
                wire.required(fields, "releaseStatus")
            return reading.release(fields, "requestId")

    @abstractmethod
    def query_pack_environments(self, send: Sender, pack_id: str) -> tuple[str, ...]: ...

    # -- deployment --------------------------------------------------------

    def create_deployed_package(
        self,
        send: Sender,
        environment_id: str,
        package_id: str,
        *,
        notes: str = "",
        listener_status: str | None = None,
    ) -> DeployedPackage:
        if listener_status not in {None, "RUNNING", "PAUSED"}:
            raise ValueError("A listener is RUNNING or PAUSED.")
        body = {"environmentId": environment_id, "packageId": package_id}
        if notes:
            body["notes"] = notes
        if listener_status:
            body["listenerStatus"] = listener_status
        answer = send(Request(self.operations[8], body=wire.json_body(body)))
        with reading.reading(answer):
            return reading.deployed_package(reading.fields_of(answer, "DeployedPackage"))

    def query_deployed_packages(
        self, send: Sender, *, environment_id: str, package_id: str
    ) -> tuple[DeployedPackage, ...]:
        conditions = [
            Condition("environmentId", environment_id),
            Condition("packageId", package_id),
        ]
        request = self._query("QUERY DeployedPackage", conditions)
        return tuple(self._records(send, request, reading.deployed_package))

    # -- the account -------------------------------------------------------

    def query_environments(self, send: Sender) -> tuple[Environment, ...]:
        request = self._query("QUERY Environment", [wire.present("id")])
        return tuple(self._records(send, request, reading.environment))

    def query_accounts(self, send: Sender) -> tuple[Account, ...]:
        request = self._query("QUERY Account", [Condition("status", "deleted", "NOT_EQUALS")])
        found = self._records(send, request, reading.account)
        return tuple(account for account in found if account.status != "deleted")

    # -- helpers -----------------------------------------------------------

    def _query(
        self, name: str, conditions: Sequence[Condition], *, account: str | None = None
    ) -> Request:
        return Request(SUPPORTING[name], body=wire.json_query(conditions), account=account)

    def _pages(self, send: Sender, request: Request) -> Iterator[tuple[Answer, list[Fields]]]:
        """Every page of a query."""
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            answer = send(request)
            with reading.reading(answer):
                results, token = wire.read_page(answer.body)
            yield answer, results
            if not token:
                return
            if token in seen:
                raise reading.bad_response(answer, "gives the same next page again")
            seen.add(token)
            request = request.more(token)
        raise BadResponse(
            f"{request.operation.name} has more than {MAX_PAGES} pages.",
            operation=request.operation.key,
        )

    def _records(
        self, send: Sender, request: Request, read: Callable[[Fields], _Record]
    ) -> Iterator[_Record]:
        """Every result of a query, read."""
        for answer, results in self._pages(send, request):
            with reading.reading(answer):
                found = [read(result) for result in results]
            yield from found
