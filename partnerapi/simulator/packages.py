"""Packages, Integration Packs, their releases, and deployments."""

import uuid
from datetime import date

from partnerapi.simulator import components
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.state import (
    RELEASE_SECONDS,
    TOKEN_USER,
    Account,
    Deployment,
    Pack,
    Package,
    PackEntry,
    Release,
    World,
    timestamp,
)

PACKAGED_TYPES = frozenset(
    {
        "certificate",
        "customlibrary",
        "flowservice",
        "process",
        "processroute",
        "tpgroup",
        "webservice",
    }
)
NEVER_IN_PACKS = frozenset({"certificate", "customlibrary", "processroute"})
PACK_LIMIT = 100
LATER = "RELEASE_ON_SPECIFIED_DATE"


def create(
    account: Account,
    component_id: str,
    package_version: str,
    notes: str,
    *,
    shareable: bool = True,
    branch_name: str = "main",
    by: str = TOKEN_USER,
    created_date: str = "",
    package_id: str = "",
) -> Package:
    """Package a component as a branch shows it, with everything that it depends on."""
    branch = next((b for b in account.branches.values() if b.name == branch_name), None)
    if branch is None:
        raise bad_request(f"Branch '{branch_name}' is not valid.")
    component = account.component(component_id)
    version = components.head(account, component, branch)
    if version is None or version.deleted:
        raise not_found(f"The component ({component_id}) is not found.")
    if component.type not in PACKAGED_TYPES:
        raise bad_request(f"A component of type {component.type} cannot be packaged.")
    package_version = package_version or f"{version.number}.0"
    taken = any(
        p.component_id == component.id and p.version == package_version
        for p in account.packages.values()
    )
    if taken:
        raise bad_request(
            f"The package version {package_version} already exists for this component: "
            "it must be unique to previously packaged components."
        )
    package = Package(
        id=package_id or str(uuid.uuid4()),
        version=package_version,
        component_id=component.id,
        component_version=version.number,
        component_type=component.type,
        branch_name=branch.name,
        created_by=by,
        created_date=created_date or timestamp(),
        notes=notes,
        shareable=shareable and component.type not in NEVER_IN_PACKS,
        manifest=components.manifest(account, component, version, branch),
    )
    account.packages[package.id] = package
    return package


def restore(account: Account, package_id: str, component_id: str, package_version: str) -> Package:
    """Bring a deleted package back."""
    package = find(account, package_id, deleted=True)
    if package.component_id != component_id.lower() or package.version != package_version:
        raise bad_request("The component and version do not belong to this packaged component.")
    if not package.deleted:
        raise bad_request("The packaged component is not deleted.")
    package.deleted = False
    return package


def find(account: Account, package_id: str, *, deleted: bool = False) -> Package:
    package = account.packages.get(package_id)
    if package is None or (package.deleted and not deleted):
        raise not_found(f"The packaged component ({package_id}) is not found.")
    return package


def delete(account: Account, package_id: str) -> None:
    package = find(account, package_id)
    in_use = any(d.package_id == package.id and d.active for d in account.deployments.values())
    in_use = in_use or any(
        package.id in {entry.released, entry.pending}
        for pack in account.packs.values()
        for entry in pack.entries.values()
    )
    if in_use:
        raise bad_request("The packaged component is in use and cannot be deleted.")
    package.deleted = True


# Integration Packs


def create_pack(account: Account, name: str, description: str, installation_type: str) -> Pack:
    if installation_type not in {"SINGLE", "MULTI"}:
        raise bad_request(f"The installationType {installation_type} is not SINGLE or MULTI.")
    if any(pack.name == name for pack in account.packs.values()):
        raise bad_request(f"An integration pack with the name {name} already exists.")
    pack = Pack(str(uuid.uuid4()), name, description, installation_type)
    account.packs[pack.id] = pack
    return pack


def find_pack(account: Account, pack_id: str) -> Pack:
    pack = account.packs.get(pack_id)
    if pack is None:
        raise not_found(f"The integration pack ({pack_id}) is not found.")
    return pack


def add_to_pack(account: Account, pack: Pack, package: Package) -> None:
    """Put a package into a pack, in the place of another package of the same component."""
    require_shareable(account, package)
    entry = pack.entries.get(package.component_id)
    if entry is None:
        if len(pack.entries) >= PACK_LIMIT:
            raise bad_request(f"An integration pack holds at most {PACK_LIMIT} packages.")
        entry = pack.entries[package.component_id] = PackEntry(package.component_id)
    entry.removed = False
    entry.pending = "" if entry.released == package.id else package.id


def require_shareable(account: Account, package: Package) -> None:
    if package.deleted:
        raise not_found(f"The packaged component ({package.id}) is not found.")
    if not package.shareable:
        raise bad_request(f"The packaged component ({package.id}) is not shareable.")
    if package.component_type in NEVER_IN_PACKS or any(
        account.components[component_id].type == "processroute" for component_id in package.manifest
    ):
        raise bad_request("Integration packs cannot hold process routes or processes with one.")


def latest_shareable(account: Account, component_id: str) -> Package | None:
    """The newest shareable package of a component, from whichever branch."""
    found = None
    for package in account.packages.values():
        if package.component_id == component_id and package.shareable and not package.deleted:
            found = package
    return found


def set_pack_components(
    account: Account, pack: Pack, component_ids: list[str], operation: str
) -> None:
    """ADD makes these the components of a pack; DELETE takes them out. Both with the next release.

    ADD takes each one's newest shareable package, and what it does not name leaves the pack.
    """
    if len(component_ids) > PACK_LIMIT:
        raise bad_request(f"An integration pack holds at most {PACK_LIMIT} packages.")
    if operation == "DELETE":
        leaving = [c for c in pack.entries if c in component_ids]
    elif operation == "ADD":
        found = {c: latest_shareable(account, c) for c in component_ids}
        for component_id, package in found.items():
            if package is None:
                raise bad_request(f"The component ({component_id}) has no shareable package.")
            require_shareable(account, package)
        for package in found.values():
            if package is not None:
                add_to_pack(account, pack, package)
        leaving = [c for c in pack.entries if c not in component_ids]
    else:
        raise bad_request("The operationType must be ADD or DELETE.")
    for component_id in leaving:
        if pack.entries[component_id].released:
            pack.entries[component_id].removed = True
        else:
            del pack.entries[component_id]


def package_of_version(account: Account, component_id: str, version: str) -> Package:
    for package in account.packages.values():
        if package.component_id == component_id and package.version == version:
            require_shareable(account, package)
            return package
    raise bad_request(f"The component ({component_id}) has no package version {version}.")


# Releases


def release(
    world: World,
    account: Account,
    pack: Pack,
    packages: dict[str, str],
    *,
    version: str = "",
    notes: str = "",
    schedule: str = "IMMEDIATELY",
    on_date: str = "",
    wait: bool = True,
) -> Release:
    """Release a pack with exactly these packages; what it held besides leaves it."""
    if not packages:
        raise bad_request(f"The integration pack {pack.name} has no packaged components.")
    made = Release(
        id=f"release-{uuid.uuid4()}",
        pack_id=pack.id,
        package_id=str(uuid.uuid4()),
        version=version,
        notes=notes,
        schedule=schedule,
        on_date=on_date or date.today().isoformat(),
        status="SCHEDULED" if schedule == LATER or _is_put_off(world) else "IN_PROGRESS",
        due_at=world.now() + (RELEASE_SECONDS if wait else 0.0),
        packages=packages,
        created_date=timestamp(),
    )
    account.releases[made.id] = made
    if not wait:
        _finish(world, account, made)
    return made


def _is_put_off(world: World) -> bool:
    """The platform itself makes an immediate release wait."""
    return world.modes.release_mode == "scheduled"


def settle(world: World) -> None:
    """Finish the releases that are due."""
    now = world.now()
    for account in world.accounts.values():
        for made in account.releases.values():
            if made.status == "IN_PROGRESS" and now >= made.due_at:
                _finish(world, account, made)


def _finish(world: World, account: Account, made: Release) -> None:
    mode = world.modes.release_mode
    if mode == "stuck":
        return
    pack = account.packs.get(made.pack_id)
    if mode == "error" or pack is None:
        made.status = "ERROR"
        made.message = "The release of the integration pack failed."
        return
    made.status = "SUCCESS"
    pack.entries = {
        component_id: PackEntry(component_id, released=package_id)
        for component_id, package_id in made.packages.items()
    }


def newest_release(account: Account, pack: Pack) -> Release | None:
    done = [r for r in account.releases.values() if r.pack_id == pack.id and r.status == "SUCCESS"]
    return done[-1] if done else None


# Deployments


def deploy(
    world: World,
    account: Account,
    environment_id: str,
    package_id: str,
    *,
    package: Package | None,
    notes: str,
    listener_status: str,
) -> Deployment:
    """Deploy a package, or a released pack's package, to an environment."""
    if environment_id not in account.environments:
        raise not_found(f"The environment ({environment_id}) is not found.")
    name = account.environments[environment_id].name
    if {environment_id, name} & set(world.modes.refusing_environments):
        raise bad_request(f"The environment {name} does not accept deployments at present.")
    here = [d for d in account.deployments.values() if d.environment_id == environment_id]
    if any(d.package_id == package_id and d.active for d in here):
        raise bad_request(
            "This is a duplicate: the package is already deployed to this environment."
        )
    component_id = package.component_id if package else ""
    for other in here:
        if component_id and other.component_id == component_id:
            other.active = False
    deployment = Deployment(
        id=str(uuid.uuid4()),
        environment_id=environment_id,
        package_id=package_id,
        component_id=component_id,
        component_version=package.component_version if package else None,
        component_type=package.component_type if package else "",
        package_version=package.version if package else "",
        version=1 + sum(1 for d in here if d.component_id == component_id),
        active=True,
        deployed_by=TOKEN_USER,
        deployed_date=timestamp(),
        notes=notes,
        listener_status=listener_status or "RUNNING",
    )
    account.deployments[deployment.id] = deployment
    return deployment
