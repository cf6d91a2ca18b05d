"""Packages, Integration Packs, releases and deployments in the published dialect."""

from collections.abc import Iterable
from datetime import date

from partnerapi.simulator import components, objects, packages
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.routing import Routes
from partnerapi.simulator.state import Account, Deployment, Pack, PackEntry, Release
from partnerapi.simulator.wire import JSON, Answer, Child, Fields, Request, send

routes = Routes()


# Packages


@routes.on("POST", "PackagedComponent", 7, "POST PackagedComponent")
def create_package(request: Request) -> Answer:
    """Operation 7: make a package, or restore a deleted one."""
    fields = request.fields("PackagedComponent", ("componentId",))
    account, component_id = request.account, str(fields["componentId"])
    version = str(fields.get("packageVersion") or "")
    if fields.get("packageId") in account.packages:
        package = packages.restore(account, fields["packageId"], component_id, version)
    else:
        package = packages.create(
            account,
            component_id,
            version,
            str(fields.get("notes") or ""),
            shareable=fields.get("shareable", True),
            branch_name=str(fields.get("branchName") or "main"),
        )
    return send(request, "PackagedComponent", _package(package.id, request))


def _package(package_id: str, request: Request) -> Fields:
    package = packages.find(request.account, package_id, deleted=True)
    return {**objects.package_fields(package), "branchName": Child(package.branch_name)}


@routes.object("PackagedComponent")
def package_of(request: Request, package_id: str) -> Fields:
    packages.find(request.account, package_id)
    return _package(package_id, request)


@routes.on("DELETE", "PackagedComponent/<id>", "PackagedComponent DELETE")
def delete_package(request: Request) -> Answer:
    packages.delete(request.account, request.groups["id"])
    return Answer(200, b"true", JSON)


@routes.query("PackagedComponent", 6)
def package_rows(request: Request) -> Iterable[Fields]:
    return [_package(package_id, request) for package_id in request.account.packages]


@routes.object("PackagedComponentManifest")
def manifest_of(request: Request, package_id: str) -> Fields:
    package = packages.find(request.account, package_id)
    return {
        "packageId": package.id,
        "componentInfo": [
            {"id": component_id, "version": number}
            for component_id, number in package.manifest.items()
        ],
    }


@routes.on("POST", "PublisherIntegrationPack", 9, "POST IntegrationPack")
def create_pack(request: Request) -> Answer:
    """Operation 9."""
    fields = request.fields("PublisherIntegrationPack", ("name", "installationType"))
    _require_description(fields)
    pack = packages.create_pack(
        request.account,
        str(fields["name"]),
        str(fields["Description"] or ""),
        str(fields["installationType"]),
    )
    wanted = _component_ids(fields)
    if wanted:
        packages.set_pack_components(request.account, pack, wanted, "ADD")
    return send(request, "PublisherIntegrationPack", _pack_fields(request.account, pack))


def _require_description(fields: Fields) -> None:
    """It may be empty, but not left out."""
    if "Description" not in fields:
        raise bad_request("The field 'Description' is required.")


def _component_ids(fields: Fields) -> list[str]:
    rows = fields.get("PublisherPackagedComponents", {}).get("PublisherPackagedComponent", [])
    return [str(row.get("componentId", "")).lower() for row in rows]


def _pack_fields(account: Account, pack: Pack) -> Fields:
    return {
        "id": pack.id,
        "name": pack.name,
        "installationType": pack.installation_type,
        "Description": Child(pack.description),
        "PublisherPackagedComponents": {
            "PublisherPackagedComponent": [
                _entry_fields(account, entry) for entry in pack.entries.values()
            ]
        },
    }


def _entry_fields(account: Account, entry: PackEntry) -> Fields:
    component = account.components[entry.component_id]
    latest = packages.latest_shareable(account, component.id)
    is_new = latest is not None and latest.id not in {entry.released, entry.pending}
    return {
        "componentId": component.id,
        "componentName": components.newest(account, component).name,
        "componentType": component.type,
        "currentVersion": _version(account, entry.released),
        "pendingVersion": "" if entry.removed else _version(account, entry.pending),
        "deleted": entry.removed,
        "latestVersion": latest.version if latest and is_new else "",
    }


def _version(account: Account, package_id: str) -> str:
    return account.packages[package_id].version if package_id else ""


@routes.object("PublisherIntegrationPack")
def pack_of(request: Request, pack_id: str) -> Fields:
    return _pack_fields(request.account, packages.find_pack(request.account, pack_id))


@routes.on("POST", "PublisherIntegrationPack/<id>", 17, "POST Add To IntegrationPack")
def update_pack(request: Request) -> Answer:
    """Operation 17: every component of the pack, or it leaves it."""
    pack = packages.find_pack(request.account, request.groups["id"])
    fields = request.fields("PublisherIntegrationPack", ("operationType",))
    _require_description(fields)
    if fields.get("id", pack.id) != pack.id:
        raise bad_request("The id of the request body is not the one of the address.")
    packages.set_pack_components(
        request.account, pack, _component_ids(fields), str(fields["operationType"])
    )
    if pack.installation_type == "SINGLE":  # the name of a MULTI pack cannot be changed
        pack.name = str(fields.get("name") or pack.name)
    pack.description = str(fields.get("Description", pack.description) or "")
    answer = _pack_fields(request.account, pack) | {"operationType": fields["operationType"]}
    return send(request, "PublisherIntegrationPack", answer)


@routes.on("DELETE", "PublisherIntegrationPack/<id>", "PublisherIntegrationPack DELETE")
def delete_pack(request: Request) -> Answer:
    pack = packages.find_pack(request.account, request.groups["id"])
    del request.account.packs[pack.id]
    return Answer(200, b"true", JSON)


@routes.query("PublisherIntegrationPack", 16, "IntegrationPack")
def pack_rows(request: Request) -> Iterable[Fields]:
    return [_pack_fields(request.account, pack) for pack in request.account.packs.values()]


@routes.query("IntegrationPack")
def offered_pack_rows(request: Request) -> Iterable[Fields]:
    """What other accounts offer to this one; its own packs are never among them."""
    row: Fields = {
        "id": "5f3b9d0e-2f8a-5d43-9c39-1f6f7f6f0a11",
        "name": "Carrier Toolbox",
        "installationType": "SINGLE",
        "Description": Child("Offered by another company"),
    }
    return [row]


# Releases


@routes.on("POST", "ReleaseIntegrationPack", 18, "POST ReleaseIntegrationPack")
def create_release(request: Request) -> Answer:
    """Operation 18."""
    fields = request.fields("ReleaseIntegrationPack", ("id", "releaseSchedule"))
    account = request.account
    pack = packages.find_pack(account, str(fields["id"]))
    if _waiting(account, pack):
        raise bad_request("The integration pack already has a release that is not finished.")
    on_date = _release_date(fields)
    release = packages.release(
        request.world,
        account,
        pack,
        _release_packages(account, pack, fields),
        schedule=str(fields["releaseSchedule"]),
        on_date=on_date,
    )
    return send(request, "ReleaseIntegrationPack", _release_fields(request, release))


@routes.on("POST", "ReleaseIntegrationPack/<id>", "ReleaseIntegrationPack UPDATE")
def update_release(request: Request) -> Answer:
    """Change a release that is scheduled and has not begun."""
    account = request.account
    pack = packages.find_pack(account, request.groups["id"])
    fields = request.fields("ReleaseIntegrationPack", ("id", "releaseSchedule"))
    waiting = [r for r in _waiting(account, pack) if r.status == "SCHEDULED"]
    if not waiting:
        raise bad_request("The integration pack has no scheduled release.")
    on_date = _release_date(fields)
    del account.releases[waiting[0].id]
    release = packages.release(
        request.world,
        account,
        pack,
        _release_packages(account, pack, fields),
        schedule=str(fields["releaseSchedule"]),
        on_date=on_date,
    )
    return send(request, "ReleaseIntegrationPack", _release_fields(request, release))


def _waiting(account: Account, pack: Pack) -> list[Release]:
    return [
        r
        for r in account.releases.values()
        if r.pack_id == pack.id and r.status in {"IN_PROGRESS", "SCHEDULED"}
    ]


def _release_date(fields: Fields) -> str:
    schedule, on_date = fields["releaseSchedule"], str(fields.get("releaseOnDate") or "")
    if schedule not in {"IMMEDIATELY", packages.LATER}:
        raise bad_request(f"The releaseSchedule {schedule} is not valid.")
    if schedule == packages.LATER:
        try:
            day = date.fromisoformat(on_date)
        except ValueError:
            raise bad_request("The releaseOnDate is required, as yyyy-MM-dd.") from None
        if day < date.today():
            raise bad_request("The releaseOnDate must not be in the past.")
    return on_date


def _release_packages(account: Account, pack: Pack, fields: Fields) -> dict[str, str]:
    """Component -> package: what is named with its version, or all that waits if nothing is."""
    rows = fields.get("ReleasePackagedComponents", {}).get("ReleasePackagedComponent", [])
    if not rows:
        return {c: e.package_id for c, e in pack.entries.items() if not e.removed}
    chosen = {}
    for row in rows:
        component_id = str(row.get("componentId", "")).lower()
        entry = pack.entries.get(component_id)
        if entry is None or entry.removed:
            raise bad_request(f"The component ({component_id}) is not in the integration pack.")
        version = str(row.get("version") or "")
        if not version:
            raise bad_request("The version of every component in a release is required.")
        chosen[component_id] = packages.package_of_version(account, component_id, version).id
    return chosen


def _released_components(account: Account, release: Release) -> Fields:
    rows = [
        {"componentId": component_id, "version": account.packages[package_id].version}
        for component_id, package_id in release.packages.items()
    ]
    return {"ReleasePackagedComponent": rows}


def _release_fields(request: Request, release: Release) -> Fields:
    account = request.account
    pack = account.packs[release.pack_id]
    return {
        "id": pack.id,
        "installationType": pack.installation_type,
        "name": pack.name,
        "releaseSchedule": release.schedule,
        "releaseOnDate": release.on_date,
        "requestId": release.id,
        # The platform names the address without /partner, whichever was used.
        "releaseStatusUrl": f"{request.base_url}/api/rest/v1/{account.id}"
        f"/ReleaseIntegrationPackStatus/{release.id}",
        "ReleasePackagedComponents": _released_components(account, release),
    }


@routes.bulk("ReleaseIntegrationPackStatus")
def status_of(request: Request, request_id: str) -> Fields:
    account = request.account
    release = account.releases.get(request_id)
    if release is None:
        raise not_found(f"The release request ({request_id}) is not found.")
    pack = account.packs.get(release.pack_id)
    running = release.status in {"IN_PROGRESS", "SCHEDULED"}
    return {
        "integrationPackId": release.pack_id,
        "name": pack.name if pack else "",
        "installationType": pack.installation_type if pack else "MULTI",
        "releaseSchedule": release.schedule,
        "requestId": release.id,
        "releaseStatus": release.status,
        "releaseOnDate": release.on_date,
        "responseStatusCode": 202 if running else 200,
        "ReleasePackagedComponents": _released_components(account, release),
    }


@routes.on("GET", "ReleaseIntegrationPackStatus/<id>", "ReleaseIntegrationPackStatus GET")
def get_release_status(request: Request) -> Answer:
    """202 until the release has ended one way or the other."""
    fields = status_of(request, request.groups["id"])
    return send(
        request, "ReleaseIntegrationPackStatus", fields, status=fields["responseStatusCode"]
    )


# Deployments


@routes.on("POST", "DeployedPackage", 8, "POST DeployedPackage")
def deploy(request: Request) -> Answer:
    """Operation 8: an ordinary package, or a component that is packaged on the way."""
    fields = request.fields("DeployedPackage", ("environmentId",))
    account, package_id = request.account, str(fields.get("packageId") or "")
    if not package_id and not fields.get("componentId"):
        raise bad_request("The packageId or the componentId is required.")
    if not package_id:
        package_id = packages.create(account, str(fields["componentId"]), "", "").id
    package = packages.find(account, package_id)
    deployment = packages.deploy(
        request.world,
        account,
        str(fields["environmentId"]),
        package.id,
        package=package,
        notes=str(fields.get("notes") or ""),
        listener_status=str(fields.get("listenerStatus") or ""),
    )
    return send(request, "DeployedPackage", objects.deployment_fields(deployment))


def _deployment(request: Request, deployment_id: str) -> Deployment:
    deployment = request.account.deployments.get(deployment_id)
    if deployment is None:
        raise not_found(f"The deployment ({deployment_id}) is not found.")
    return deployment


@routes.object("DeployedPackage")
def deployment_of(request: Request, deployment_id: str) -> Fields:
    return objects.deployment_fields(_deployment(request, deployment_id))


@routes.on("DELETE", "DeployedPackage/<id>", "DeployedPackage DELETE")
def undeploy(request: Request) -> Answer:
    _deployment(request, request.groups["id"]).active = False
    return Answer(200, b"true", JSON)


@routes.query("IntegrationPackInstance")
def instance_rows(request: Request) -> Iterable[Fields]:
    return map(objects.instance_fields, request.account.instances.values())


@routes.query("IntegrationPackEnvironmentAttachment")
def attachment_rows(request: Request) -> Iterable[Fields]:
    return [
        objects.attachment_fields(instance, environment_id)
        for instance in request.account.instances.values()
        for environment_id in instance.environment_ids
    ]
