"""Branches and merge requests in the published dialect."""

from collections.abc import Iterable

from partnerapi.simulator import branches, objects
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.routing import Routes
from partnerapi.simulator.state import Merge, timestamp
from partnerapi.simulator.wire import JSON, Answer, Fields, Request, send

routes = Routes()


@routes.on("POST", "Branch", 10, "POST Branch")
def create_branch(request: Request) -> Answer:
    """Operation 10: of a parent, or of a package."""
    branches.require_branching(request.world)
    fields = request.fields("Branch", ("name",))
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


@routes.object("Branch", 14)
def branch_of(request: Request, branch_id: str) -> Fields:
    branches.require_branching(request.world)
    return objects.branch_fields(request.account.branch(branch_id))


@routes.on("POST", "Branch/<id>", "Branch UPDATE")
def update_branch(request: Request) -> Answer:
    """Only the name can be changed."""
    branches.require_branching(request.world)
    branch = request.account.branch(request.groups["id"])
    fields = request.fields("Branch", ("name",))
    name = str(fields["name"]).replace("/", "-")
    if any(b.name == name and b is not branch for b in request.account.branches.values()):
        raise bad_request(f"A branch with the name {name} already exists.")
    branch.name, branch.modified_date = name, timestamp()
    return send(request, "Branch", objects.branch_fields(branch))


@routes.on("DELETE", "Branch/<id>", 15, "DELETE Branch")
def delete_branch(request: Request) -> Answer:
    """Operation 15. The body is what the platform sends, and it is not JSON."""
    branches.delete(request.world, request.account, request.groups["id"])
    return Answer(200, b"{true}", JSON)


@routes.query("Branch", 11)
def branch_rows(request: Request) -> Iterable[Fields]:
    branches.require_branching(request.world)
    return map(objects.branch_fields, request.account.branches.values())


@routes.on("POST", "MergeRequest", 12, "POST MergeRequest")
def create_merge(request: Request) -> Answer:
    """Operation 12."""
    fields = request.fields("MergeRequest", ("sourceBranchId", "destinationBranchId", "strategy"))
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


def _merge_fields(request: Request, merge: Merge) -> Fields:
    with_details = request.world.modes.merge_details == "full"
    return objects.merge_fields(request.account, merge, with_details=with_details)


def _send_merge(request: Request, merge: Merge) -> Answer:
    return send(request, "MergeRequest", _merge_fields(request, merge))


def _merge(request: Request, merge_id: str) -> Merge:
    merge = request.account.merges.get(merge_id)
    if merge is None:
        raise not_found(f"The merge request ({merge_id}) is not found.")
    return merge


@routes.object("MergeRequest", 19)
def merge_of(request: Request, merge_id: str) -> Fields:
    return _merge_fields(request, _merge(request, merge_id))


@routes.on("POST", "MergeRequest/execute/<id>", 13, "POST MergeRequest Execute")
def execute_merge(request: Request) -> Answer:
    """Operation 13."""
    merge = _merge(request, request.groups["id"])
    fields = request.fields("MergeRequest", ("id", "mergeRequestAction"))
    if fields["id"] != merge.id:
        raise bad_request("The id of the request body is not the one of the address.")
    branches.execute(request.world, request.account, merge, str(fields["mergeRequestAction"]))
    return _send_merge(request, merge)


@routes.on("DELETE", "MergeRequest/<id>", "MergeRequest DELETE")
def delete_merge(request: Request) -> Answer:
    merge = _merge(request, request.groups["id"])
    if merge.stage == "MERGING":
        raise bad_request("A merge request cannot be deleted while it is merging.")
    merge.previous_stage, merge.stage = merge.stage, "DELETED"
    return Answer(200, b"true", JSON)


@routes.query("MergeRequest")
def merge_rows(request: Request) -> Iterable[Fields]:
    """A query tells less than a read: no details."""
    rows: list[Fields] = []
    for merge in request.account.merges.values():
        rows.append(objects.merge_fields(request.account, merge, with_details=False))
    return rows
