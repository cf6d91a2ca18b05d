"""What other people do meanwhile: developers, editors and admins who know nothing of a promotion.

Each action takes what was sent to ``_control/edit``. ``componentId`` (or ``name``, in ``account``)
names a component wherever it is; ``branchId`` (or ``branch``, how a name begins) the branch.
"""

from collections.abc import Callable

from partnerapi.simulator import branches, components, documents, packages
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.state import Account, Branch, Component, Version, World
from partnerapi.simulator.wire import Fields

DEVELOPER = "developer@example.com"

Action = Callable[[World, Fields], Fields]

ACTIONS: dict[str, Action] = {}


def _action(function: Action) -> Action:
    ACTIONS[function.__name__] = function
    return function


# Finding


def find(world: World, component_id: str) -> tuple[Account, Component]:
    for account, component in world.all_components():
        if component.id == component_id.lower():
            return account, component
    raise not_found(f"No account has the component {component_id}.")


def _find(world: World, sent: Fields) -> tuple[Account, Component]:
    if "componentId" in sent:
        return find(world, sent["componentId"])
    account = _account(world, sent)
    for component in account.components.values():
        if components.newest(account, component).name == sent["name"]:
            return account, component
    raise not_found(f"The account {account.id} has no component named {sent['name']}.")


def _account(world: World, sent: Fields) -> Account:
    account_id = sent.get("account", world.primary_id)
    if account_id not in world.accounts:
        raise not_found(f"There is no account {account_id}.")
    return world.accounts[account_id]


def _branch(account: Account, sent: Fields) -> Branch:
    """The branch that is named, or main."""
    if "branchId" in sent:
        return account.branch(sent["branchId"])
    if "branch" not in sent:
        return account.main
    for branch in account.branches.values():
        if branch.name.startswith(sent["branch"]) and branch.id != account.main_id:
            return branch
    raise not_found(f"No branch has a name that begins with {sent['branch']}.")


def _saved(component: Component, version: Version) -> Fields:
    return {"componentId": component.id, "version": version.number}


# Components


def _raw(world: World, account: Account, component: Component, branch: Branch) -> bytes:
    version = components.head(account, component, branch) or components.newest(account, component)
    return components.raw_document(world, account, component, version)


@_action
def touch(world: World, sent: Fields) -> Fields:
    """Save a component with another description."""
    account, component = _find(world, sent)
    branch = _branch(account, sent)
    data = _raw(world, account, component, branch)
    start = data.index(b"<bns:description>") + len(b"<bns:description>")
    end = data.index(b"</bns:description>")
    text = str(sent.get("description", f"Touched, revision {component.next_number()}"))
    data = data[:start] + text.encode() + data[end:]
    return _saved(component, components.edit(world, account, component, branch, data, DEVELOPER))


@_action
def component_xml(world: World, sent: Fields) -> Fields:
    """Save a component with whole ``xml`` or with ``replace`` [[old, new], …] done to its own."""
    account, component = _find(world, sent)
    branch = _branch(account, sent)
    data = sent["xml"].encode() if "xml" in sent else _raw(world, account, component, branch)
    for old, new in sent.get("replace", []):
        if old.encode() not in data:
            raise bad_request(f"The component does not hold {old}.")
        data = data.replace(old.encode(), new.encode())
    return _saved(component, components.edit(world, account, component, branch, data, DEVELOPER))


@_action
def create_component(world: World, sent: Fields) -> Fields:
    account = _account(world, sent)
    component, version = components.create(
        world,
        account,
        _branch(account, sent),
        documents.read_component(sent["xml"].encode()),
        world.folder_for_path(account, sent.get("folder", "")),
    )
    return _saved(component, version)


@_action
def delete_component(world: World, sent: Fields) -> Fields:
    account, component = _find(world, sent)
    branch = _branch(account, sent)
    return _saved(component, components.delete(world, account, component, branch))


@_action
def lock(world: World, sent: Fields) -> Fields:
    _find(world, sent)[1].locked = True
    return {}


@_action
def unlock(world: World, sent: Fields) -> Fields:
    _find(world, sent)[1].locked = False
    return {}


# Packages


@_action
def create_package(world: World, sent: Fields) -> Fields:
    account, component = _find(world, sent)
    package = packages.create(
        account,
        component.id,
        str(sent.get("packageVersion", "")),
        str(sent.get("notes", "")),
        shareable=bool(sent.get("shareable", True)),
        branch_name=str(sent.get("branchName", "main")),
        by=DEVELOPER,
    )
    return {"packageId": package.id, "packageVersion": package.version}


@_action
def delete_package(world: World, sent: Fields) -> Fields:
    for account in world.accounts.values():
        if sent["packageId"] in account.packages:
            account.packages[sent["packageId"]].deleted = True
            return {}
    raise not_found(f"No account has the package {sent['packageId']}.")


# Packs


@_action
def create_pack(world: World, sent: Fields) -> Fields:
    pack = packages.create_pack(
        world.primary,
        sent["name"],
        str(sent.get("description", "")),
        str(sent.get("installationType", "MULTI")),
    )
    return {"packId": pack.id}


@_action
def rename_pack(world: World, sent: Fields) -> Fields:
    packages.find_pack(world.primary, sent["packId"]).name = sent["name"]
    return {}


@_action
def delete_pack(world: World, sent: Fields) -> Fields:
    world.primary.packs.pop(packages.find_pack(world.primary, sent["packId"]).id)
    return {}


@_action
def add_to_pack(world: World, sent: Fields) -> Fields:
    """Put a package into a pack, where it waits for a release."""
    pack = packages.find_pack(world.primary, sent["packId"])
    packages.add_to_pack(world.primary, pack, packages.find(world.primary, sent["packageId"]))
    return {}


@_action
def remove_from_pack(world: World, sent: Fields) -> Fields:
    """Mark a component as deleted from a pack, which a release carries out."""
    pack = packages.find_pack(world.primary, sent["packId"])
    component_id = sent["componentId"].lower()
    if component_id not in pack.entries:
        raise not_found(f"The pack does not hold the component {component_id}.")
    pack.entries[component_id].removed = True
    return {}


@_action
def release_pack(world: World, sent: Fields) -> Fields:
    """Release what waits in a pack, as it is."""
    pack = packages.find_pack(world.primary, sent["packId"])
    waiting = {c: entry.package_id for c, entry in pack.entries.items() if not entry.removed}
    made = packages.release(world, world.primary, pack, waiting, wait=bool(sent.get("wait")))
    return {"releaseId": made.id}


@_action
def finish_release(world: World, sent: Fields) -> Fields:
    """The day of a scheduled release has come."""
    release = world.primary.releases[sent["releaseId"]]
    release.status, release.due_at = "IN_PROGRESS", world.now()
    return {}


# Branches and environments


@_action
def make_branches(world: World, sent: Fields) -> Fields:
    prefix = sent.get("prefix", "somebody-")
    made = [
        branches.create(world, world.primary, f"{prefix}{number}", "Made by a person")
        for number in range(int(sent.get("count", 1)))
    ]
    for branch in made:
        branch.ready = True
    return {"branchIds": [branch.id for branch in made]}


@_action
def delete_branch(world: World, sent: Fields) -> Fields:
    branch = _branch(world.primary, sent)
    branches.delete(world, world.primary, branch.id)
    return {"branchId": branch.id}


@_action
def delete_environment(world: World, sent: Fields) -> Fields:
    if world.primary.environments.pop(sent["environmentId"], None) is None:
        raise not_found(f"There is no environment {sent['environmentId']}.")
    return {}


@_action
def attach_runtime(world: World, sent: Fields) -> Fields:
    """Attach the runtime called ``name`` to exactly the environments ``environmentIds``."""
    for runtime in world.primary.runtimes.values():
        if runtime.name == sent["name"]:
            runtime.environment_ids = list(sent.get("environmentIds", runtime.environment_ids))
            runtime.status = str(sent.get("status", runtime.status))
            return {"atomId": runtime.id}
    raise not_found(f"There is no runtime {sent['name']}.")


def do(world: World, sent: Fields) -> Fields:
    """Carry out the ``action`` that was sent.

    :raises ApiError: when there is no such action, or it cannot be done.
    """
    name = sent["action"]
    if name not in ACTIONS:
        raise bad_request(f"The action {name} is not one of {', '.join(sorted(ACTIONS))}.")
    return ACTIONS[name](world, sent)
