"""The guide's dialect: its own addresses and bodies. ``docs/guide-dialect.md`` is the contract."""

from partnerapi.simulator import branches, components, objects, packages, shared
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.state import Branch, Merge, Pack
from partnerapi.simulator.wire import (
    JSON,
    TEXT,
    XML,
    Answer,
    Child,
    Fields,
    Request,
    Route,
    route,
    send,
    to_json,
)

ONLY_XML = (XML,)
ONLY_JSON = (JSON,)


def create_component(request: Request) -> Answer:
    """Operation 2: the folder path is honoured."""
    world, account = request.world, request.account
    component, version = components.create(
        world,
        account,
        _branch_for_writing(request),
        request.body,
        lambda sent: world.folder_for_path(account, sent.attributes.get("folderFullPath", "")),
    )
    return Answer(body=components.document(account, component, version))


def update_component(request: Request) -> Answer:
    """Operation 3: the component stays in its folder."""
    component, version = components.update(
        request.world,
        request.account,
        request.groups["id"],
        _branch_for_writing(request),
        request.body,
    )
    return Answer(body=components.document(request.account, component, version))


def _branch_for_writing(request: Request) -> Branch:
    branches.require_branching(request.world)
    return request.account.branch(request.groups["branch"])


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


def query_packages(request: Request) -> Answer:
    """Operation 6."""
    rows = shared.package_rows(request.account)
    return objects.query(request, "PackagedComponent", rows, xml_root="QueryFilter")


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
    return send(request, "PackagedComponent", answer, types=False)


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
        account,
        str(fields["environmentId"]),
        package_id,
        package=None,
        notes=str(fields.get("notes") or ""),
        listener_status=str(fields.get("listenerStatus") or ""),
    )
    return send(request, "DeployedPackage", objects.deployment_fields(deployment), types=False)


# Integration Packs


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
    return send(request, "IntegrationPack", answer, types=False)


def query_packs(request: Request) -> Answer:
    """Operation 16."""
    rows = [_pack_fields(request, pack) for pack in request.account.packs.values()]
    return objects.query(request, "IntegrationPack", rows, xml_root="QueryFilter")


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


def add_to_pack(request: Request) -> Answer:
    """Operation 17."""
    account = request.account
    pack = packages.find_pack(account, request.groups["pack"])
    package = packages.find(account, request.groups["package"])
    packages.add_to_pack(account, pack, package)
    answer = {"integrationPackId": pack.id, "packageId": package.id}
    return send(request, "IntegrationPack", answer, types=False)


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
    return send(request, "ReleaseIntegrationPack", answer, types=False)


# Branches and merges


def _branch_fields(branch: Branch) -> Fields:
    return {
        "branchId": branch.id,
        "name": branch.name,
        "description": branch.description,
        "ready": branch.ready,
        "stage": branch.stage,
    }


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
    return send(request, "Branch", _branch_fields(branch), types=False)


def query_branches(request: Request) -> Answer:
    """Operation 11."""
    branches.require_branching(request.world)
    rows = map(_branch_fields, request.account.branches.values())
    return objects.query(request, "Branch", rows, xml_root="QueryFilter", types=False)


def get_branch(request: Request) -> Answer:
    """Operation 14."""
    branches.require_branching(request.world)
    branch = request.account.branch(request.groups["branch"])
    return send(request, "Branch", _branch_fields(branch), types=False)


def delete_branch(request: Request) -> Answer:
    """Operation 15."""
    branches.delete(request.world, request.account, request.groups["branch"])
    return Answer(200, to_json(True), JSON)


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
    return send(request, "MergeRequest", answer, types=False)


def _merge_fields(merge: Merge) -> Fields:
    return {
        "mergeRequestId": merge.id,
        "stage": merge.stage,
        "message": merge.message or None,
    }


def execute_merge(request: Request) -> Answer:
    """Operation 13."""
    merge = _merge(request)
    fields = request.json(("action",))
    branches.execute(request.world, request.account, merge, str(fields["action"]))
    return send(request, "MergeRequest", _merge_fields(merge), types=False)


def get_merge(request: Request) -> Answer:
    """Operation 19."""
    return send(request, "MergeRequest", _merge_fields(_merge(request)), types=False)


def _merge(request: Request) -> Merge:
    merge = request.account.merges.get(request.groups["merge"])
    if merge is None:
        raise not_found(f"The merge request ({request.groups['merge']}) is not found.")
    return merge


ROUTES: list[Route] = [
    *shared.ROUTES,
    route(
        "POST",
        "Component~{branch}",
        2,
        "POST Component Create",
        create_component,
        media=ONLY_XML,
        accepts=ONLY_XML,
    ),
    route(
        "POST",
        "Component/{id}~{branch}",
        3,
        "POST Component Update",
        update_component,
        media=ONLY_XML,
        accepts=ONLY_XML,
    ),
    route(
        "GET",
        "ComponentReference/{id}",
        4,
        "GET ComponentReference",
        get_references,
        reads=True,
        accepts=ONLY_XML,
    ),
    route(
        "POST",
        "PackagedComponent/query",
        6,
        "QUERY PackagedComponent",
        query_packages,
        reads=True,
        media=ONLY_XML,
        accepts=ONLY_XML,
    ),
    route(
        "POST",
        "PackagedComponent/queryMore",
        6,
        "QUERY MORE PackagedComponent",
        shared.more_handler("PackagedComponent"),
        reads=True,
        media=(TEXT,),
        accepts=ONLY_XML,
    ),
    *(
        route("POST", path, number, name, handler, media=ONLY_JSON, accepts=ONLY_JSON)
        for path, number, name, handler in (
            ("PackagedComponent", 7, "POST PackagedComponent", create_package),
            ("DeployedPackage", 8, "POST DeployedPackage", deploy),
            ("IntegrationPack", 9, "POST IntegrationPack", create_pack),
            ("Branch", 10, "POST Branch", create_branch),
            ("MergeRequest", 12, "POST MergeRequest", create_merge),
            ("MergeRequest/execute/{merge}", 13, "POST MergeRequest Execute", execute_merge),
            ("ReleaseIntegrationPack", 18, "POST ReleaseIntegrationPack", release_pack),
        )
    ),
    route(
        "POST",
        "Branch/query",
        11,
        "QUERY Branch",
        query_branches,
        reads=True,
        media=ONLY_JSON,
        accepts=ONLY_JSON,
    ),
    route(
        "POST",
        "Branch/queryMore",
        11,
        "QUERY MORE Branch",
        shared.more_handler("Branch", types=False),
        reads=True,
        media=(TEXT,),
        accepts=ONLY_JSON,
    ),
    route("GET", "Branch/{branch}", 14, "GET Branch", get_branch, reads=True, accepts=ONLY_JSON),
    route("DELETE", "Branch/{branch}", 15, "DELETE Branch", delete_branch, accepts=ONLY_JSON),
    route(
        "POST",
        "IntegrationPack/query",
        16,
        "QUERY IntegrationPack",
        query_packs,
        reads=True,
        media=ONLY_XML,
        accepts=ONLY_XML,
    ),
    route(
        "POST",
        "IntegrationPack/queryMore",
        16,
        "QUERY MORE IntegrationPack",
        shared.more_handler("IntegrationPack"),
        reads=True,
        media=(TEXT,),
        accepts=ONLY_XML,
    ),
    route(
        "POST",
        "IntegrationPack/{pack}/PackagedComponent/{package}",
        17,
        "POST Add To IntegrationPack",
        add_to_pack,
        accepts=ONLY_JSON,
    ),
    route(
        "GET",
        "MergeRequest/{merge}",
        19,
        "GET MergeRequest",
        get_merge,
        reads=True,
        accepts=ONLY_JSON,
    ),
]
