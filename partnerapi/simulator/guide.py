"""The guide's dialect: its own addresses and bodies. ``docs/guide-dialect.md`` is the contract."""

from collections.abc import Callable, Iterable

from partnerapi.simulator import branches, components, objects, packages, shared
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.routing import Routes, Table
from partnerapi.simulator.state import Branch, Merge, Pack
from partnerapi.simulator.wire import (
    JSON,
    XML,
    Answer,
    Child,
    Fields,
    Handler,
    Request,
    send,
    to_json,
)

routes = Routes()


def _on_json(path: str, number: int, name: str) -> Callable[[Handler], Handler]:
    return routes.on("POST", path, number, name, media=(JSON,), accepts=(JSON,))


@routes.on("POST", "Component~<branch>", 2, "POST Component Create", media=(XML,), accepts=(XML,))
def create_component(request: Request) -> Answer:
    """Operation 2: the folder path is honoured."""
    world, account = request.world, request.account
    branch = _branch_for_writing(request)
    sent = components.read_strictly(world, account, request.body)
    folder = world.folder_for_path(account, sent.attributes.get("folderFullPath", ""))
    component, version = components.create(world, account, branch, sent, folder)
    return Answer(body=components.document(account, component, version))


@routes.on(
    "POST", "Component/<id>~<branch>", 3, "POST Component Update", media=(XML,), accepts=(XML,)
)
def update_component(request: Request) -> Answer:
    """Operation 3: the component stays in its folder."""
    world, account = request.world, request.account
    branch = _branch_for_writing(request)
    sent = components.read_strictly(world, account, request.body)
    component, version = components.update(world, account, request.groups["id"], branch, sent)
    return Answer(body=components.document(account, component, version))


def _branch_for_writing(request: Request) -> Branch:
    branches.require_branching(request.world)
    return request.account.branch(request.groups["branch"])


@routes.on("GET", "ComponentReference/<id>", 4, "GET ComponentReference", accepts=(XML,))
def get_references(request: Request) -> Answer:
    """Operation 4: what a component uses, one level."""
    component, version = components.find(request.account, request.groups["id"])
    used = components.references(request.account, component, version)
    if version.deleted or not used:
        raise bad_request(f"The component ({component.id}) has no references.")
    fields: list[Fields] = [
        {
            "parentComponentId": component.id,
            "parentVersion": version.number,
            "componentId": guid,
            "type": kind,
        }
        for guid, kind in used
    ]
    return send(request, "ComponentReference", {"references": fields})


@routes.query("PackagedComponent", 6, xml_root="QueryFilter", media=(XML,), accepts=(XML,))
def package_rows(request: Request) -> Iterable[Fields]:
    return map(objects.package_fields, request.account.packages.values())


@_on_json("PackagedComponent", 7, "POST PackagedComponent")
def create_package(request: Request) -> Answer:
    """Operation 7."""
    fields = request.json(("componentId", "packageVersion"), ("notes", "shareable", "branchName"))
    package = packages.create(
        request.account,
        str(fields["componentId"]),
        str(fields["packageVersion"]),
        str(fields.get("notes") or ""),
        shareable=fields.get("shareable") in (True, "true"),
        branch_name=str(fields.get("branchName") or "main"),
    )
    answer = objects.package_fields(package)
    del answer["deleted"]
    answer["branchName"] = package.branch_name
    return send(request, "PackagedComponent", answer)


@_on_json("DeployedPackage", 8, "POST DeployedPackage")
def deploy(request: Request) -> Answer:
    """Operation 8: only a released pack can be deployed."""
    fields = request.json(("environmentId", "packageId"), ("notes", "listenerStatus"))
    account, package_id = request.account, str(fields["packageId"])
    released = {r.package_id for r in account.releases.values() if r.status == "SUCCESS"}
    if package_id not in released:
        if package_id in account.packages:
            raise bad_request(
                f"The package ({package_id}) is not the package of a released integration pack."
            )
        raise not_found(f"The package ({package_id}) is not found.")
    deployment = packages.deploy(
        request.world,
        account,
        str(fields["environmentId"]),
        package_id,
        package=None,
        notes=str(fields.get("notes") or ""),
        listener_status=str(fields.get("listenerStatus") or ""),
    )
    return send(request, "DeployedPackage", objects.deployment_fields(deployment))


# Integration Packs


@_on_json("IntegrationPack", 9, "POST IntegrationPack")
def create_pack(request: Request) -> Answer:
    """Operation 9."""
    fields = request.json(("name", "installationType"), ("description",))
    pack = packages.create_pack(
        request.account,
        str(fields["name"]),
        str(fields.get("description") or ""),
        str(fields["installationType"]),
    )
    answer = {
        "id": pack.id,
        "name": pack.name,
        "description": pack.description,
        "installationType": pack.installation_type,
    }
    return send(request, "IntegrationPack", answer)


@routes.query("IntegrationPack", 16, xml_root="QueryFilter", media=(XML,), accepts=(XML,))
def pack_rows(request: Request) -> Iterable[Fields]:
    return [_pack_fields(request, pack) for pack in request.account.packs.values()]


def _pack_fields(request: Request, pack: Pack) -> Fields:
    account = request.account
    release = packages.newest_release(account, pack)
    entries: list[Fields] = []
    for entry in pack.entries.values():
        package = account.packages[entry.package_id]
        component = account.components[package.component_id]
        entries.append(
            {
                "packageId": package.id,
                "componentId": component.id,
                "componentName": components.newest(account, component).name,
                "componentType": component.type,
                "packageVersion": package.version,
                "released": not entry.pending,
            }
        )
    return {
        "id": pack.id,
        "name": pack.name,
        "installationType": pack.installation_type,
        "releasedVersion": release.version if release else "",
        "releasedPackageId": release.package_id if release else "",
        "description": Child(pack.description),
        "PackagedComponent": entries,
    }


@routes.on(
    "POST",
    "IntegrationPack/<pack>/PackagedComponent/<package>",
    17,
    "POST Add To IntegrationPack",
    media=(),
    accepts=(JSON,),
)
def add_to_pack(request: Request) -> Answer:
    """Operation 17."""
    account = request.account
    pack = packages.find_pack(account, request.groups["pack"])
    package = packages.find(account, request.groups["package"])
    packages.add_to_pack(account, pack, package)
    answer = {"integrationPackId": pack.id, "packageId": package.id}
    return send(request, "IntegrationPack", answer)


@_on_json("ReleaseIntegrationPack", 18, "POST ReleaseIntegrationPack")
def release_pack(request: Request) -> Answer:
    """Operation 18: the pack as it is."""
    fields = request.json(("integrationPackId", "version"), ("notes",))
    account = request.account
    pack = packages.find_pack(account, str(fields["integrationPackId"]))
    version = str(fields["version"])
    if any(
        r.pack_id == pack.id and r.version == version and r.status == "SUCCESS"
        for r in account.releases.values()
    ):
        raise bad_request(f"The release version {version} already exists for this pack.")
    release = packages.release(
        request.world,
        account,
        pack,
        {c: entry.package_id for c, entry in pack.entries.items() if not entry.removed},
        version=version,
        notes=str(fields.get("notes") or ""),
        wait=False,
    )
    answer = {
        "integrationPackId": pack.id,
        "packageId": release.package_id if release.status == "SUCCESS" else None,
        "releaseId": release.id,
        "version": release.version,
        "releaseStatus": release.status,
        "message": release.message or None,
    }
    return send(request, "ReleaseIntegrationPack", answer)


# Branches and merges


def _branch_fields(branch: Branch) -> Fields:
    return {
        "branchId": branch.id,
        "name": branch.name,
        "description": branch.description,
        "ready": branch.ready,
        "stage": branch.stage,
    }


@_on_json("Branch", 10, "POST Branch")
def create_branch(request: Request) -> Answer:
    """Operation 10."""
    fields = request.json(("name", "description"), ("packageId",))
    branch = branches.create(
        request.world,
        request.account,
        str(fields["name"]),
        str(fields["description"]),
        package_id=str(fields.get("packageId") or ""),
    )
    return send(request, "Branch", _branch_fields(branch))


@routes.query("Branch", 11, xml_root="QueryFilter", media=(JSON,), accepts=(JSON,))
def branch_rows(request: Request) -> Iterable[Fields]:
    branches.require_branching(request.world)
    return map(_branch_fields, request.account.branches.values())


@routes.on("GET", "Branch/<branch>", 14, "GET Branch", accepts=(JSON,))
def get_branch(request: Request) -> Answer:
    """Operation 14."""
    branches.require_branching(request.world)
    branch = request.account.branch(request.groups["branch"])
    return send(request, "Branch", _branch_fields(branch))


@routes.on("DELETE", "Branch/<branch>", 15, "DELETE Branch", accepts=(JSON,))
def delete_branch(request: Request) -> Answer:
    """Operation 15."""
    branches.delete(request.world, request.account, request.groups["branch"])
    return Answer(200, to_json(True), JSON)


@_on_json("MergeRequest", 12, "POST MergeRequest")
def create_merge(request: Request) -> Answer:
    """Operation 12."""
    fields = request.json(("sourceBranchId", "targetBranchId"), ("strategy", "priorityBranch"))
    strategy = str(fields.get("strategy") or "CONFLICT_RESOLVE")
    source, target = str(fields["sourceBranchId"]), str(fields["targetBranchId"])
    priority = str(fields.get("priorityBranch") or source)
    if strategy not in {"OVERRIDE", "CONFLICT_RESOLVE"}:
        raise bad_request(f"The merge strategy {strategy} is not supported.")
    if priority not in {source, target}:
        raise bad_request("The priorityBranch must be the id of one of the two branches.")
    merge = branches.request_merge(
        request.world,
        request.account,
        source,
        target,
        strategy,
        "SOURCE" if priority == source else "DESTINATION",
    )
    answer = _merge_fields(merge) | {"sourceBranchId": source, "targetBranchId": target}
    return send(request, "MergeRequest", answer)


def _merge_fields(merge: Merge) -> Fields:
    return {
        "mergeRequestId": merge.id,
        "stage": merge.stage,
        "message": merge.message or None,
    }


@_on_json("MergeRequest/execute/<merge>", 13, "POST MergeRequest Execute")
def execute_merge(request: Request) -> Answer:
    """Operation 13."""
    merge = _merge(request)
    fields = request.json(("action",))
    branches.execute(request.world, request.account, merge, str(fields["action"]))
    return send(request, "MergeRequest", _merge_fields(merge))


@routes.on("GET", "MergeRequest/<merge>", 19, "GET MergeRequest", accepts=(JSON,))
def get_merge(request: Request) -> Answer:
    """Operation 19."""
    return send(request, "MergeRequest", _merge_fields(_merge(request)))


def _merge(request: Request) -> Merge:
    merge = request.account.merges.get(request.groups["merge"])
    if merge is None:
        raise not_found(f"The merge request ({request.groups['merge']}) is not found.")
    return merge


TABLE = Table(routes, shared.routes, prefixes=("/partner",))
