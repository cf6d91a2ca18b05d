"""The operations as Boomi publishes them, which is what api.boomi.com follows.

Where a method does more than one call, or sends more than the guide does, its comment says which
rule of the published API that comes from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from partnerapi import answers, wire
from partnerapi.client import TERMS, Capabilities, PartnerApiClient
from partnerapi.errors import AlreadyExists, BadResponse, NotFound, PartnerApiError
from partnerapi.operations import PUBLISHED, SUPPORTING, XML
from partnerapi.records import (
    Component,
    ComponentMetadata,
    Folder,
    IntegrationPack,
    PackagedComponent,
    PackEntry,
    PinnedComponent,
    Reference,
    Release,
)
from partnerapi.transport import Request
from partnerapi.wire import AllOf, Condition, Fields, Term


class PublishedClient(PartnerApiClient):
    """For api.boomi.com and servers that follow Boomi's published description."""

    name = "published"
    capabilities = Capabilities(
        pins_versions=True,
        reports_merge_details=True,
        reports_parents=True,
        releases_asynchronously=True,
        deploys_released_package=False,
    )
    operations = PUBLISHED

    # -- components --------------------------------------------------------

    #: The branch is an attribute of the root, not part of the address.
    _branch_in_body = True

    def get_component_references(
        self, component_id: str, *, version: int, account: str | None = None, alive: bool = False
    ) -> tuple[Reference, ...]:
        # GET lists the parents; what a component uses comes from a query that names the
        # component and its version. Nothing used is an empty result with status 200.
        conditions = [
            Condition("parentComponentId", component_id),
            Condition("parentVersion", str(version)),
        ]
        body = wire.xml_query(conditions, wrapped=True)
        request = Request(self.operations[4], body=body, account=account)
        rows: list[Fields] = []
        for answer, results in self._pages(request):
            rows += [row for result in results for row in _reference_rows(result)]
            with answers.reading(answer):
                found = answers.used_by(rows, component_id)
        return found

    #: More would be refused (published: bulk).
    _metadata_in_a_call = 100
    _components_in_bulk = 5

    #: About a page of results.
    _references_in_a_query = 20

    def _metadata_of(self, ids: Sequence[str], account: str | None) -> dict[str, ComponentMetadata]:
        # Bulk: 200 as a whole, and a status of its own for each id.
        answer = self._send(_bulk("BULK ComponentMetadata", ids, account))
        with answers.reading(answer):
            rows = wire.many(answers.fields_of(answer, "BulkResult"), "response")
            results = [row["Result"] for row in rows if isinstance(row.get("Result"), dict)]
            found = [answers.component_metadata(result) for result in results]
        return {item.component_id: item for item in found}

    def _components_of(
        self,
        ids: Sequence[str],
        account: str | None,
        versions: Mapping[str, int],
        branch_id: str | None,
    ) -> dict[str, Component]:
        suffixes = {id_: versions.get(id_, branch_id) for id_ in ids}
        asked = [id_ if suffixes[id_] is None else f"{id_}~{suffixes[id_]}" for id_ in ids]
        answer = self._send(_bulk("BULK Component", asked, account))
        wanted = {id_.lower(): version for id_, version in versions.items()}
        found: dict[str, Component] = {}
        for document in answers.documents_in_bulk(answer.body):
            try:
                component = answers.component(replace(answer, body=document))
            except wire.Unreadable:
                continue  # it is asked for alone
            # What came is believed only where it says that it is what was asked for.
            key = component.component_id.lower()
            if key in wanted and component.version != wanted[key]:
                continue
            if branch_id is not None and component.branch_id != branch_id:
                continue
            found[component.component_id] = component
        return found

    def _references_of(
        self, versions: Mapping[str, int], account: str | None
    ) -> dict[str, tuple[Reference, ...]]:
        ways: list[Term] = [
            AllOf(
                (
                    Condition("parentComponentId", id_),
                    Condition("parentVersion", str(version)),
                )
            )
            for id_, version in versions.items()
        ]
        body = wire.xml_query([wire.any_of(ways)], wrapped=True)
        request = Request(self.operations[4], body=body, account=account)
        rows: dict[str, list[Fields]] = {}
        known = {id_.lower() for id_ in versions}
        for answer, results in self._pages(request):
            with answers.reading(answer):
                for row in (row for result in results for row in _reference_rows(result)):
                    parent = wire.required(row, "parentComponentId").lower()
                    if parent not in known:
                        raise wire.Unreadable("lists references of a component not asked about")
                    rows.setdefault(parent, []).append(row)
        return {parent: answers.used_by(found, parent) for parent, found in rows.items()}

    #: Each is used by a few.
    _parents_in_a_query = TERMS

    def _parents_of(self, ids: Sequence[str]) -> dict[str, tuple[Reference, ...]]:
        asked = wire.any_of(Condition("componentId", id_) for id_ in ids)
        request = Request(self.operations[4], body=wire.xml_query([asked], wrapped=True))
        found: dict[str, dict[str, Reference]] = {}
        for answer, results in self._pages(request):
            with answers.reading(answer):
                for row in (row for result in results for row in _reference_rows(result)):
                    parent = wire.required(row, "parentComponentId")
                    users = found.setdefault(wire.required(row, "componentId").lower(), {})
                    users[parent] = Reference(parent, wire.text(row, "type") or "DEPENDENT")
        return {id_: tuple(users.values()) for id_, users in found.items()}

    def query_component_parents(
        self, component_id: str, *, alive: bool = False
    ) -> tuple[Reference, ...]:
        operation = SUPPORTING["GET ComponentReference parents"]
        request = Request(operation, {"component": component_id})
        return self._references_or_none(request, component_id, answers.parents, alive=alive)

    def ensure_folders(
        self, full_paths: Iterable[str]
    ) -> dict[str, Folder | PartnerApiError | None]:
        # folderFullPath is ignored in a write, and the component lands in the root folder.
        # Paths have no leading slash and begin with the account's name, which is not needed:
        # the first folder is made in the root when it names no parent.
        paths = {path: tuple(filter(None, map(str.strip, path.split("/")))) for path in full_paths}
        names = list(dict.fromkeys(name for steps in paths.values() for name in steps))
        tree = _Tree()
        for start in range(0, len(names), TERMS):
            self._look_for_folders(tree, names[start : start + TERMS])
        done: dict[str, Folder | PartnerApiError | None] = {}
        for path, steps in paths.items():
            try:
                done[path] = self._ensure_folder(tree, steps)
            except PartnerApiError as error:
                done[path] = error
        return done

    def _ensure_folder(self, tree: "_Tree", steps: tuple[str, ...]) -> Folder | None:
        parent: Folder | None = None
        for number, name in enumerate(steps, start=1):
            found = tree.folders.get(steps[:number]) or tree.find(name, parent)
            is_new = steps[: number - 1] in tree.made
            is_known = name in tree.asked_alone or self._facts.groups_are_whole
            if found is None and not is_new and not is_known:
                # What a grouped answer leaves out is asked for alone.
                self._look_for_folders(tree, [name])
                found = tree.find(name, parent)
            if found is None:
                found = self._make_folder(name, parent)
                tree.made.add(steps[:number])
            parent = tree.folders[steps[:number]] = found
        return parent

    def _look_for_folders(self, tree: "_Tree", names: Sequence[str]) -> None:
        """Ask for the folders of these names, wherever they are."""
        asked = wire.any_of(Condition("name", name) for name in names)
        request = self._query("QUERY Folder", [asked, Condition("deleted", "false")])
        for answer, results in self._pages(request):
            for fields in results:
                if not wire.flag(fields, "deleted"):
                    with answers.reading(answer):
                        wire.required(fields, "id")
                    tree.rows.setdefault(wire.text(fields, "name"), []).append(fields)
        if len(names) == 1:
            tree.asked_alone.update(names)

    def _make_folder(self, name: str, parent: Folder | None) -> Folder:
        body = {"name": name}
        if parent is not None:
            body["parentId"] = parent.folder_id
        try:
            answer = self._send(Request(SUPPORTING["POST Folder"], body=wire.json_body(body)))
        except AlreadyExists:
            # Somebody else made it in between.
            again = _Tree()
            self._look_for_folders(again, [name])
            found = again.find(name, parent)
            if found is None:
                raise
            return found
        with answers.reading(answer):
            return answers.folder(answers.fields_of(answer, "Folder"))

    # -- packages ----------------------------------------------------------

    _wraps_queries = True
    _needs_a_condition = True

    def get_package_manifest(
        self, package_id: str, *, account: str | None = None
    ) -> tuple[PinnedComponent, ...] | None:
        operation = SUPPORTING["GET PackagedComponentManifest"]
        answer = self._send(Request(operation, {"package": package_id}, account=account))
        with answers.reading(answer):
            fields = answers.fields_of(answer, "PackagedComponentManifest")
            return answers.pinned_components(fields)

    # -- branches and merges -----------------------------------------------

    def _branch_origin(self, package_id: str | None, parent_id: str | None) -> dict[str, str]:
        if package_id is not None:
            return {"packageId": package_id}
        return {"parentId": parent_id or self.get_main_branch().branch_id}

    def delete_branch(self, branch_id: str) -> None:
        # Gone already is 400 with a message, and 404 or 410 a wrong address: the list of
        # branches (operation 11) says which it is.
        try:
            answer = self._send(Request(self.operations[15], {"branch": branch_id}))
        except (NotFound, BadResponse) as error:
            if error.status not in {400, 404, 410}:
                raise
            refused: PartnerApiError = error
        else:
            self._check_deleted(answer)
            return
        branches = self.query_branches()
        if any(item.branch_id == branch_id and item.stage != "DELETING" for item in branches):
            raise refused

    def _merge_body(self, source: str, target: str) -> dict[str, str]:
        return {"destinationBranchId": target, "priorityBranch": "SOURCE"}

    def _execution_body(self, merge_request_id: str) -> dict[str, str]:
        return {"id": merge_request_id, "mergeRequestAction": "MERGE"}

    # -- packs -------------------------------------------------------------

    # IntegrationPack/query would list the packs that other accounts offer to this one.
    _pack_type = "PublisherIntegrationPack"
    _pack_description = "Description"

    def _pack_of(self, fields: Fields) -> IntegrationPack:
        return answers.publisher_pack(fields)

    def _pack(self, pack_id: str) -> IntegrationPack:
        operation = SUPPORTING["GET PublisherIntegrationPack"]
        answer = self._send(Request(operation, {"pack": pack_id}))
        with answers.reading(answer):
            return answers.publisher_pack(answers.fields_of(answer, "PublisherIntegrationPack"))

    def add_to_integration_pack(self, pack_id: str, package: PackagedComponent) -> None:
        # What an update leaves out is removed from the pack, so it names everything that is in
        # it. Components are named, not packages: Boomi takes each one's newest shareable package,
        # and the release then says which version is meant.
        pack = self._pack(pack_id)
        components = [entry.component_id for entry in pack.entries]
        if package.component_id not in components:
            components.append(package.component_id)
        body = {
            "id": pack_id,
            "name": pack.name,
            "Description": pack.description,
            "installationType": pack.installation_type or "MULTI",
            "operationType": "ADD",
            "PublisherPackagedComponents": {
                "PublisherPackagedComponent": [{"componentId": item} for item in components]
            },
        }
        answer = self._send(Request(self.operations[17], {"pack": pack_id}, wire.json_body(body)))
        with answers.reading(answer):
            answers.publisher_pack(answers.fields_of(answer, "PublisherIntegrationPack"))

    def release_integration_pack(
        self, pack_id: str, *, packages: Sequence[PackagedComponent], version: str, notes: str
    ) -> Release:
        pack = self._pack(pack_id)
        body = {
            "id": pack_id,
            "name": pack.name,
            "installationType": pack.installation_type or "MULTI",
            "releaseSchedule": "IMMEDIATELY",
            "ReleasePackagedComponents": {
                "ReleasePackagedComponent": list(_release_items(pack.entries, packages))
            },
        }
        answer = self._send(Request(self.operations[18], body=wire.json_body(body)))
        with answers.reading(answer):
            fields = answers.fields_of(answer, "ReleaseIntegrationPack")
            return answers.release(fields, "requestId")

    def query_pack_environments(self, pack_id: str) -> tuple[str, ...]:
        # Where an instance of the pack is attached, a release arrives by itself; deploying the
        # package there as well would run it twice.
        attached = self._attached([Condition("integrationPackId", pack_id)])
        return tuple(dict.fromkeys(environment for _, environment in attached))

    def query_all_pack_environments(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for pack_id, environment in self._attached([wire.present("integrationPackId")]):
            found.setdefault(pack_id, {})[environment] = None
        return {pack_id: tuple(environments) for pack_id, environments in found.items()}

    def _attached(self, conditions: list[Condition]) -> Iterator[tuple[str, str]]:
        """Pack id and environment id of every attachment of an instance."""
        instances = self._query("QUERY IntegrationPackInstance", conditions)
        for instance, pack_id in self._records(
            instances,
            lambda row: (wire.required(row, "id"), wire.text(row, "integrationPackId")),
        ):
            attachments = self._query(
                "QUERY IntegrationPackEnvironmentAttachment",
                [Condition("integrationPackInstanceId", instance)],
            )
            for environment in self._records(
                attachments, lambda row: wire.required(row, "environmentId")
            ):
                yield pack_id, environment


def _bulk(name: str, ids: Sequence[str], account: str | None) -> Request:
    operation = SUPPORTING[name]
    if operation.media_type == XML:
        body = wire.xml_bulk(ids)
    else:
        body = wire.json_body({"type": "GET", "request": [{"id": id_} for id_ in ids]})
    return Request(operation, body=body, account=account)


def _reference_rows(result: Fields) -> list[Fields]:
    """The references in one result of a query, which holds one or many or is one itself."""
    return wire.many(result, "references") or ([result] if "componentId" in result else [])


@dataclass
class _Tree:
    """What is known of an account's folders.

    :ivar folders: by the names of the folders above one and its own.
    :ivar made: those that are new, which nothing can be in yet.
    """

    rows: dict[str, list[Fields]] = field(default_factory=dict)
    folders: dict[tuple[str, ...], Folder] = field(default_factory=dict)
    made: set[tuple[str, ...]] = field(default_factory=set)
    asked_alone: set[str] = field(default_factory=set)

    def find(self, name: str, parent: Folder | None) -> Folder | None:
        for row in self.rows.get(name, []):
            if _is_in(row, name, parent):
                return answers.folder(row)
        return None


def _is_in(fields: Fields, name: str, parent: Folder | None) -> bool:
    """Whether a folder that was found has this name and stands in the right place.

    Names may hold slashes, so the parent decides where it is told, and the path where not.
    """
    if wire.text(fields, "name") != name:
        return False
    path = wire.text(fields, "fullPath")
    if parent is None:
        root = wire.text(fields, "parentName") or path.partition("/")[0]
        return path == f"{root}/{name}"
    parent_id = wire.text(fields, "parentId")
    return parent_id == parent.folder_id if parent_id else path == f"{parent.full_path}/{name}"


def _release_items(
    entries: Sequence[PackEntry], packages: Sequence[PackagedComponent]
) -> Iterator[dict[str, str]]:
    """Every component of a release with its version.

    What a release leaves out is taken out of the pack, and a component without a version goes
    out in its newest package, which may be an unmerged test: so ours are named with their new
    versions, and every other with the one that is released now. One that was added by somebody
    and never released has no such version, and is not released along with ours.
    """
    new = {package.component_id for package in packages}
    for entry in entries:
        if entry.component_id not in new and entry.current_version:
            yield {"componentId": entry.component_id, "version": entry.current_version}
    for package in packages:
        yield {"componentId": package.component_id, "version": package.package_version}
