"""Branches and merge requests in the published dialect."""

from partnerapi.simulator import branches, bulk, objects, shared
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.state import Merge, timestamp
from partnerapi.simulator.wire import (
    JSON,
    TEXT,
    XML,
    Answer,
    Fields,
    Request,
    Route,
    route,
    send,
)

BOTH = (XML, JSON)
BRANCH_FIELDS = (
    "id createdBy createdDate deleted deploymentId description modifiedBy modifiedDate packageId "
    "parentId ready stage"
)
MERGE_FIELDS = (
    "id MergeRequestDetails createdBy createdDate destinationBranchName inactiveDate lockNonce "
    "lockedBy lockedDate mergeRequestAction modifiedBy modifiedDate note previousStage "
    "priorityBranch sourceBranchName stage"
)


def create_branch(request: Request) -> Answer:
    """Operation 10: of a parent, or of a package."""
    branches.require_branching(request.world)
    fields = request.fields("Branch", ("name",), BRANCH_FIELDS)
    parent_id, package_id = str(fields.get("parentId") or ""), str(fields.get("packageId") or "")
    if not parent_id and not package_id:
        raise bad_request("The parentId or the packageId is required.")
    branch = branches.create(
        request.world,
        request.account,
        str(fields["name"]),
        str(fields.get("description") or ""),
        parent_id=parent_id,
        package_id=package_id,
    )
    return send(request, "Branch", objects.branch_fields(branch))


def branch_of(request: Request, branch_id: str) -> Fields:
    branches.require_branching(request.world)
    return objects.branch_fields(request.account.branch(branch_id))


def get_branch(request: Request) -> Answer:
    """Operation 14."""
    return send(request, "Branch", branch_of(request, request.groups["id"]))


def update_branch(request: Request) -> Answer:
    """Only the name can be changed."""
    branches.require_branching(request.world)
    branch = request.account.branch(request.groups["id"])
    fields = request.fields("Branch", ("name",), BRANCH_FIELDS)
    name = str(fields["name"]).replace("/", "-")
    if any(b.name == name and b is not branch for b in request.account.branches.values()):
        raise bad_request(f"A branch with the name {name} already exists.")
    branch.name, branch.modified_date = name, timestamp()
    return send(request, "Branch", objects.branch_fields(branch))


def delete_branch(request: Request) -> Answer:
    """Operation 15. The body is what the platform sends, and it is not JSON."""
    branches.delete(request.world, request.account, request.groups["id"])
    return Answer(200, b"{true}", JSON)


def query_branches(request: Request) -> Answer:
    """Operation 11."""
    branches.require_branching(request.world)
    rows = map(objects.branch_fields, request.account.branches.values())
    return objects.query(request, "Branch", rows, xml_root="QueryConfig")


def create_merge(request: Request) -> Answer:
    """Operation 12."""
    fields = request.fields(
        "MergeRequest", ("sourceBranchId", "destinationBranchId", "strategy"), MERGE_FIELDS
    )
    strategy, priority = str(fields["strategy"]), str(fields.get("priorityBranch") or "")
    if strategy not in {"OVERRIDE", "CONFLICT_RESOLVE"}:
        raise bad_request(f"The merge strategy {strategy} is not supported.")
    if strategy == "OVERRIDE" and priority not in {"SOURCE", "DESTINATION"}:
        raise bad_request("The priorityBranch of an OVERRIDE must be SOURCE or DESTINATION.")
    merge = branches.request_merge(
        request.world,
        request.account,
        str(fields["sourceBranchId"]),
        str(fields["destinationBranchId"]),
        strategy,
        priority or "SOURCE",
    )
    return _send_merge(request, merge)


def _send_merge(request: Request, merge: Merge) -> Answer:
    return send(request, "MergeRequest", objects.merge_fields(request.account, merge))


def _merge(request: Request, merge_id: str) -> Merge:
    merge = request.account.merges.get(merge_id)
    if merge is None:
        raise not_found(f"The merge request ({merge_id}) is not found.")
    return merge


def merge_of(request: Request, merge_id: str) -> Fields:
    return objects.merge_fields(request.account, _merge(request, merge_id))


def get_merge(request: Request) -> Answer:
    """Operation 19."""
    return _send_merge(request, _merge(request, request.groups["id"]))


def execute_merge(request: Request) -> Answer:
    """Operation 13."""
    merge = _merge(request, request.groups["id"])
    fields = request.fields(
        "MergeRequest",
        ("id", "mergeRequestAction"),
        f"{MERGE_FIELDS} sourceBranchId destinationBranchId strategy",
    )
    if fields["id"] != merge.id:
        raise bad_request("The id of the request body is not the one of the address.")
    branches.execute(request.world, request.account, merge, str(fields["mergeRequestAction"]))
    return _send_merge(request, merge)


def delete_merge(request: Request) -> Answer:
    merge = _merge(request, request.groups["id"])
    if merge.stage == "MERGING":
        raise bad_request("A merge request cannot be deleted while it is merging.")
    merge.previous_stage, merge.stage = merge.stage, "DELETED"
    return Answer(200, b"true", JSON)


def query_merges(request: Request) -> Answer:
    """A query tells less than a read: no details."""
    rows: list[Fields] = []
    for merge in request.account.merges.values():
        fields = objects.merge_fields(request.account, merge)
        fields.pop("MergeRequestDetails", None)
        rows.append(fields)
    return objects.query(request, "MergeRequest", rows, xml_root="QueryConfig")


ROUTES: list[Route] = [
    route("POST", "Branch", 10, "POST Branch", create_branch, media=BOTH),
    bulk.bulk_route("Branch", branch_of),
    route("POST", "Branch/query", 11, "QUERY Branch", query_branches, reads=True, media=BOTH),
    route(
        "POST",
        "Branch/queryMore",
        11,
        "QUERY MORE Branch",
        shared.more_handler("Branch"),
        reads=True,
        media=(TEXT,),
    ),
    route("GET", "Branch/{id}", 14, "GET Branch", get_branch, reads=True),
    route("POST", "Branch/{id}", "Branch UPDATE", "Branch UPDATE", update_branch, media=BOTH),
    route("DELETE", "Branch/{id}", 15, "DELETE Branch", delete_branch),
    route("POST", "MergeRequest", 12, "POST MergeRequest", create_merge, media=BOTH),
    bulk.bulk_route("MergeRequest", merge_of),
    *shared.query_routes("MergeRequest", query_merges),
    route(
        "POST",
        "MergeRequest/execute/{id}",
        13,
        "POST MergeRequest Execute",
        execute_merge,
        media=BOTH,
    ),
    route("GET", "MergeRequest/{id}", 19, "GET MergeRequest", get_merge, reads=True),
    route(
        "DELETE", "MergeRequest/{id}", "MergeRequest DELETE", "MergeRequest DELETE", delete_merge
    ),
]
