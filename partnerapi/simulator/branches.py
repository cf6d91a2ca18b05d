"""Branches and merges, which take their time."""

from partnerapi.simulator import components
from partnerapi.simulator.errors import ApiError, bad_request
from partnerapi.simulator.state import (
    BRANCH_SECONDS,
    MERGE_STAGE_SECONDS,
    TOKEN_USER,
    Account,
    Branch,
    Component,
    Merge,
    MergeDetail,
    Modes,
    Package,
    Version,
    World,
    timestamp,
)

# How a merge leaves a component out: as if nothing were (skipped), without naming it (missing), or
# with what the published description has for it.
LEFT_OUT_AS = frozenset({"skipped", "missing", "excluded", "keep_destination", "locked"})
OPEN_STAGES = frozenset({"DRAFTING", "DRAFTED", "REVIEWING", "MERGING"})


def require_branching(world: World) -> None:
    if not world.modes.branching_enabled:
        raise bad_request("Branching is not enabled for this account.")


def create(
    world: World,
    account: Account,
    name: str,
    description: str,
    *,
    parent_id: str = "",
    package_id: str = "",
) -> Branch:
    """Make a branch of main or of a package; it is ready some time later."""
    require_branching(world)
    name = name.strip().replace("/", "-")
    if not name:
        raise bad_request("The name of the branch is required.")
    package = _source_package(account, package_id)
    parent = account.branch(parent_id) if parent_id else account.main
    if any(branch.name == name for branch in account.branches.values()):
        raise bad_request(f"A branch with the name {name} already exists.")
    limit = world.modes.branch_limit
    if len(account.branches) - 1 >= limit:
        raise bad_request(f"The maximum number of branches ({limit}) has been reached.")
    branch = Branch(
        id=world.new_opaque_id("B"),
        name=name,
        description="" if world.modes.hides_descriptions else description,
        parent_id=parent.id,
        created_by=TOKEN_USER,
        created_date=timestamp(),
        base_seq=world.last_seq,
        ready_at=world.now() + BRANCH_SECONDS,
        package_id=package_id,
    )
    account.branches[branch.id] = branch
    if parent.id != account.main_id:
        _inherit(account, branch, {c.id: c.heads[parent.id] for c in _owned(account, parent)})
    if package is not None:
        _inherit(account, branch, package.manifest)
    return branch


def _source_package(account: Account, package_id: str) -> Package | None:
    if not package_id:
        return None
    if package_id in account.deployments:
        package_id = account.deployments[package_id].package_id
    package = account.packages.get(package_id)
    if package is None or package.deleted:
        raise bad_request(f"The packaged component ({package_id}) is not found.")
    return package


def _inherit(account: Account, branch: Branch, pinned: dict[str, int]) -> None:
    """Give a branch the pinned revisions as its own, where main shows others."""
    for component_id, number in pinned.items():
        component = account.components[component_id]
        on_main = component.on_main(account.main_id)
        if on_main is None or on_main.number != number:
            component.heads[branch.id] = number


def _owned(account: Account, branch: Branch) -> list[Component]:
    return [c for c in account.components.values() if branch.id in c.heads]


def delete(world: World, account: Account, branch_id: str) -> None:
    require_branching(world)
    branch = account.branch(branch_id)
    if branch.id == account.main_id:
        raise bad_request("The main branch cannot be deleted.")
    account.deleted_branches[branch.id] = account.branches.pop(branch.id)
    for merge in account.merges.values():
        if merge.source_id == branch.id and merge.stage in OPEN_STAGES:
            _enter(merge, "DELETED", merge.since)


def request_merge(
    world: World,
    account: Account,
    source_id: str,
    destination_id: str,
    strategy: str,
    priority: str,
) -> Merge:
    """Ask for a merge; its draft is made some time later."""
    require_branching(world)
    source, destination = account.branch(source_id), account.branch(destination_id)
    if source.id == destination.id:
        raise bad_request("The source and destination branches must differ.")
    if not source.ready:
        raise bad_request(f"The branch {source.name} is not ready: its stage is {source.stage}.")
    now = timestamp()
    merge = Merge(
        id=world.new_opaque_id("MR"),
        source_id=source.id,
        source_name=source.name,
        destination_id=destination.id,
        strategy=strategy,
        priority=priority,
        stage="DRAFTING",
        since=world.now(),
        created_date=now,
        modified_date=now,
    )
    account.merges[merge.id] = merge
    return merge


def execute(world: World, account: Account, merge: Merge, action: str) -> None:
    """MERGE, REVERT or RETRY_DRAFTING, each only from the stages that allow it."""
    allowed = {
        "MERGE": {"REVIEWING", "FAILED_TO_MERGE"},
        "REVERT": {"MERGED"},
        "RETRY_DRAFTING": {"FAILED_TO_DRAFT", "FAILED_TO_REDRAFT"},
    }
    if action not in allowed:
        raise bad_request(f"The action {action} is not one of {', '.join(allowed)}.")
    if merge.stage not in allowed[action]:
        raise ApiError(409, f"The action {action} is not allowed: the stage is {merge.stage}.")
    if action == "MERGE":
        if _outdated(account, merge):
            raise ApiError(409, "The merge request is outdated: the source branch has changed.")
        _enter(merge, "MERGING", world.now())
    elif action == "REVERT":
        _revert(world, account, merge)
        _enter(merge, "REVERTED", world.now())
    else:
        _enter(merge, "DRAFTING", world.now())


def settle(world: World) -> None:
    """Let everything happen that was due before now."""
    now = world.now()
    for account in world.accounts.values():
        for branch in account.branches.values():
            if not branch.ready and now >= branch.ready_at:
                branch.ready = world.modes.branch_mode != "never_ready"
        for merge in account.merges.values():
            while merge.stage in OPEN_STAGES and now >= merge.since + MERGE_STAGE_SECONDS:
                if not _advance(world, account, merge):
                    break


def _advance(world: World, account: Account, merge: Merge) -> bool:
    """One stage further; False if it stays where it is."""
    mode = world.modes.merge_mode
    due = merge.since + MERGE_STAGE_SECONDS
    if merge.stage == "DRAFTING":
        if mode == "fail_draft":
            merge.message = "The draft of the merge request could not be made."
            _enter(merge, "FAILED_TO_DRAFT", due)
        else:
            merge.details = _draft(world, account, merge)
            _enter(merge, "DRAFTED", due)
    elif merge.stage == "DRAFTED":
        _enter(merge, "REVIEWING", due)
    elif merge.stage == "REVIEWING":
        if mode != "auto":
            return False
        _enter(merge, "MERGING", due)
    elif mode == "stuck":
        return False
    elif mode == "fail":
        merge.message = "The merge failed: a component could not be written to main."
        _enter(merge, "FAILED_TO_MERGE", due)
    else:
        merge.message = ""
        _apply(world, account, merge)
        _enter(merge, "MERGED", due)
    return True


def _enter(merge: Merge, stage: str, since: float) -> None:
    merge.previous_stage, merge.stage, merge.since = merge.stage, stage, since
    merge.modified_date = timestamp()


def _draft(world: World, account: Account, merge: Merge) -> list[MergeDetail]:
    """What the source has and the destination has not, as of now."""
    source = account.branches[merge.source_id]
    destination = account.branches[merge.destination_id]
    details = []
    for component in _owned(account, source):
        ours = component.versions[component.heads[source.id]]
        theirs = components.head(account, component, destination)
        if theirs is not None and _same(ours, theirs):
            continue
        added = theirs is None or theirs.deleted
        change = "ADDED" if added else "DELETED" if ours.deleted else "MODIFIED"
        details.append(
            MergeDetail(
                component_id=component.id,
                change_type=change,
                source_revision=ours.number,
                destination_revision=theirs.number if theirs else None,
                conflict=theirs is not None and theirs.seq > source.base_seq,
                left_out_as=_left_out_as(world.modes, component, ours),
            )
        )
    return details


def _left_out_as(modes: Modes, component: Component, version: Version) -> str:
    left_out = {component.id, version.name} & set(modes.merge_leaves_out)
    return modes.merge_leaves_out_as if left_out else ""


def _same(one: Version, other: Version) -> bool:
    return one.number == other.number or (
        (one.body, one.name, one.folder_id, one.deleted)
        == (other.body, other.name, other.folder_id, other.deleted)
    )


def _outdated(account: Account, merge: Merge) -> bool:
    source = account.branches.get(merge.source_id)
    if source is None:
        return True
    now = {c.id: c.heads[source.id] for c in _owned(account, source)}
    drafted = {detail.component_id: detail.source_revision for detail in merge.details}
    return any(now.get(component_id) != number for component_id, number in drafted.items())


def _apply(world: World, account: Account, merge: Merge) -> None:
    """Write every drafted revision to the destination as a revision of its own."""
    destination = account.branches[merge.destination_id]
    for detail in merge.details:
        if detail.left_out_as not in {"", "skipped"}:
            continue
        detail.stage = "MERGED"
        if detail.left_out_as or (detail.conflict and merge.priority == "DESTINATION"):
            continue
        component = account.components[detail.component_id]
        ours = component.versions[detail.source_revision]
        detail.merge_revision = components.add_version(
            world,
            account,
            component,
            destination,
            name=ours.name,
            folder_id=ours.folder_id,
            body=ours.body,
            deleted=ours.deleted,
        ).number


def _revert(world: World, account: Account, merge: Merge) -> None:
    destination = account.branches[merge.destination_id]
    for detail in merge.details:
        if detail.merge_revision is None:
            continue
        component = account.components[detail.component_id]
        number = detail.destination_revision or detail.merge_revision
        before = component.versions[number]
        components.add_version(
            world,
            account,
            component,
            destination,
            name=before.name,
            folder_id=before.folder_id,
            body=before.body,
            deleted=before.deleted or detail.destination_revision is None,
        )
        detail.stage = "REVERTED"
