"""Records as the fields that go over the wire, the same for both dialects, and their queries."""

from collections.abc import Iterable

from partnerapi.simulator import components, queries
from partnerapi.simulator.errors import bad_request
from partnerapi.simulator.state import (
    Account,
    Branch,
    Deployment,
    Environment,
    Folder,
    Merge,
    MergeDetail,
    Package,
    PackInstance,
    Runtime,
)
from partnerapi.simulator.wire import XML, Answer, Child, Fields, Request, plain, send_results


def package_fields(package: Package) -> Fields:
    return {
        "packageId": Child(package.id),
        "packageVersion": Child(package.version),
        "componentId": Child(package.component_id),
        "componentVersion": Child(package.component_version),
        "componentType": Child(package.component_type),
        "createdDate": Child(package.created_date),
        "createdBy": Child(package.created_by),
        "notes": Child(package.notes),
        "shareable": Child(package.shareable),
        "deleted": Child(package.deleted),
    }


def deployment_fields(deployment: Deployment) -> Fields:
    fields = {
        "deploymentId": deployment.id,
        "version": deployment.version,
        "packageId": deployment.package_id,
        "packageVersion": deployment.package_version or None,
        "environmentId": deployment.environment_id,
        "componentId": deployment.component_id or None,
        "componentVersion": deployment.component_version,
        "componentType": deployment.component_type or None,
        "deployedDate": deployment.deployed_date,
        "deployedBy": deployment.deployed_by,
        "notes": deployment.notes,
        "active": deployment.active,
        "listenerStatus": deployment.listener_status,
    }
    return {name: Child(value) for name, value in fields.items()}


def branch_fields(branch: Branch) -> Fields:
    """A branch as published."""
    return {
        "id": branch.id,
        "name": branch.name,
        "description": branch.description or None,
        "createdBy": branch.created_by,
        "createdDate": branch.created_date,
        "modifiedDate": branch.modified_date or None,
        "parentId": branch.parent_id or None,
        "packageId": branch.package_id or None,
        "ready": branch.ready,
        "deleted": False,
        "stage": branch.stage,
    }


def merge_fields(account: Account, merge: Merge, *, with_details: bool = True) -> Fields:
    """A merge request as published."""
    fields: Fields = {
        "id": merge.id,
        "sourceBranchId": merge.source_id,
        "sourceBranchName": merge.source_name,
        "destinationBranchId": merge.destination_id,
        "destinationBranchName": account.branches[merge.destination_id].name,
        "strategy": merge.strategy,
        "stage": merge.stage,
        "priorityBranch": merge.priority,
        "previousStage": merge.previous_stage,
        "modifiedBy": "promotion@example.com",
        "modifiedDate": merge.modified_date,
        "createdBy": "promotion@example.com",
        "createdDate": merge.created_date,
        "note": merge.message or None,
    }
    details = [_detail_fields(merge, d) for d in merge.details if d.left_out_as != "missing"]
    if details and with_details:
        fields["MergeRequestDetails"] = {"MergeRequestDetail": details}
    return fields


def _detail_fields(merge: Merge, detail: MergeDetail) -> Fields:
    kept = detail.left_out_as == "keep_destination"
    resolution = "KEEP_DESTINATION" if kept or merge.priority == "DESTINATION" else "OVERRIDE"
    return {
        "componentGuid": detail.component_id,
        "sourceRevision": detail.source_revision,
        "destinationRevision": detail.destination_revision,
        "mergeRevision": detail.merge_revision,
        "changeType": detail.change_type,
        "conflict": detail.conflict or kept,
        "resolution": resolution if detail.conflict or kept else None,
        "stage": detail.stage,
        "excluded": detail.left_out_as == "excluded",
        "lockedOnDestinationBranch": detail.left_out_as == "locked",
    }


def folder_fields(account: Account, folder: Folder) -> Fields:
    parent = account.folders.get(folder.parent_id)
    return {
        "id": folder.id,
        "name": folder.name,
        "fullPath": folder.full_path,
        "deleted": folder.deleted,
        "parentId": parent.id if parent else None,
        "parentName": parent.name if parent else None,
    }


def environment_fields(environment: Environment) -> Fields:
    return {
        "id": environment.id,
        "name": environment.name,
        "classification": environment.classification,
    }


def runtime_fields(runtime: Runtime) -> Fields:
    return {
        "id": runtime.id,
        "name": runtime.name,
        "type": runtime.kind,
        "status": runtime.status,
        "hostName": f"{runtime.id[:8]}.runtime.example.net",
    }


def runtime_attachment_fields(runtime: Runtime, environment_id: str) -> Fields:
    return {
        "id": f"{environment_id[:8]}{runtime.id}",
        "atomId": runtime.id,
        "environmentId": environment_id,
    }


def account_fields(account: Account) -> Fields:
    return {
        "accountId": account.id,
        "name": account.name,
        "status": "active",
        "dateCreated": account.created_date,
        "supportAccess": True,
        "supportLevel": "standard",
    }


def instance_fields(instance: PackInstance) -> Fields:
    return {
        "id": instance.id,
        "integrationPackId": instance.pack_id,
        "integrationPackOverrideName": instance.name,
    }


def attachment_fields(instance: PackInstance, environment_id: str) -> Fields:
    return {
        "id": f"{environment_id[:8]}{instance.id}",
        "environmentId": environment_id,
        "integrationPackInstanceId": instance.id,
    }


def metadata_rows(account: Account) -> Iterable[Fields]:
    """Every revision of every component: a query without a filter gives the old ones too."""
    for component in account.components.values():
        for version in component.versions.values():
            yield components.metadata(account, component, version)


# Queries


def read_filter(request: Request, xml_root: str = "QueryConfig") -> queries.Expression | None:
    """What a query asks for. As published there must be a filter; the guide's may be empty."""
    if request.content_type == XML:
        return queries.read_xml(request.body, xml_root)
    return queries.read_json(request.body, required=xml_root == "QueryConfig")


def query(
    request: Request, kind: str, rows: Iterable[Fields], *, xml_root: str = "QueryConfig"
) -> Answer:
    """The first page of what passes the filter."""
    expression = read_filter(request, xml_root)
    queries.check(expression, kind)
    if kind == "MergeRequest":
        _check_merge_filter(expression)
    found = [
        row
        for row in rows
        if queries.matches(
            expression,
            {name: v.value if isinstance(v, Child) else v for name, v in row.items()},
        )
    ]
    return page(request, kind, without_left_out(request, expression, found))


def without_left_out(
    request: Request, expression: queries.Expression | None, rows: list[Fields]
) -> list[Fields]:
    """The rows of a query that asks for many things at once, of which some may be missing."""
    left_out = set(request.world.modes.answers_leave_out)
    if not left_out or len(queries.alternatives(expression)) < 2:
        return rows
    names = ("id", "componentId", "packageId", "parentComponentId")
    return [row for row in rows if not left_out & {str(plain(row.get(name))) for name in names}]


def _check_merge_filter(expression: queries.Expression | None) -> None:
    """A branch has to be named, and nothing but EQUALS may name it."""
    branches = {"sourceBranchId", "destinationBranchId"}
    ways = queries.alternatives(expression)
    if not all(branches & {asked.property for asked in way} for way in ways):
        raise bad_request("The sourceBranchId or destinationBranchId is required.")
    for asked in queries.simple(expression):
        if asked.property in branches and asked.operator != "EQUALS":
            raise bad_request(f"Only EQUALS is allowed for '{asked.property}'.")


def query_more(request: Request, kind: str) -> Answer:
    """The next page: the body is the bare token."""
    token = request.body.decode("utf-8", "replace")
    rows = request.world.rest_of(request.account.id, kind, token)
    return page(request, kind, rows)


def page(request: Request, kind: str, rows: list[Fields]) -> Answer:
    size = queries.PAGE_SIZE
    token = None
    if len(rows) > size:
        token = request.world.keep_rest(request.account.id, kind, rows[size:])
    return send_results(request, kind, rows[:size], token)
