"""The rules of components: how they are seen from a branch, created, updated and referenced."""

import uuid
from typing import Any

from lxml import etree

from partnerapi.simulator import documents, schema
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.state import (
    TOKEN_USER,
    Account,
    Branch,
    Component,
    Folder,
    Version,
    World,
    timestamp,
)


def head(account: Account, component: Component, branch: Branch) -> Version | None:
    """The revision that a branch shows: its own copy, else main's as of the branch's making."""
    if branch.id == account.main_id:
        return component.on_main(account.main_id)
    if branch.id in component.heads:
        return component.versions[component.heads[branch.id]]
    return component.on_main(account.main_id, branch.base_seq)


def newest(account: Account, component: Component) -> Version:
    """The newest on main, else (a component that no merge has brought there yet) the newest."""
    version = component.on_main(account.main_id)
    return version or component.versions[max(component.versions)]


def find(account: Account, reference: str) -> tuple[Component, Version]:
    """The component and revision that ``{id}``, ``{id}~{version}`` or ``{id}~{branchId}`` names."""
    component_id, tilde, rest = reference.partition("~")
    component = account.component(component_id)
    if not tilde:
        version = component.on_main(account.main_id)
    elif rest.isdigit():
        version = component.versions.get(int(rest))
    else:
        version = head(account, component, account.branch(rest))
    if version is None:
        raise not_found(f"The component ({reference}) is not found.")
    return component, version


def header(account: Account, component: Component, version: Version) -> dict[str, str]:
    """The attributes of a component's root element."""
    folder = account.folders[version.folder_id]
    newest_on_main = component.on_main(account.main_id)
    attributes = {
        "folderFullPath": folder.full_path,
        "componentId": component.id,
        "version": str(version.number),
        "name": version.name,
        "type": component.type,
        "subType": component.sub_type,
        "createdDate": component.created_date,
        "createdBy": component.created_by,
        "modifiedDate": version.modified_date,
        "modifiedBy": version.modified_by,
        "deleted": _boolean(version.deleted),
        "currentVersion": _boolean(version is newest_on_main),
        "folderName": folder.name,
        "folderId": folder.id,
        "copiedFromComponentId": component.copied_from_id,
        "copiedFromComponentVersion": str(component.copied_from_version or ""),
        "branchName": _branch_name(account, version.branch_id),
        "branchId": version.branch_id,
    }
    optional = ("subType", "copiedFromComponentId", "copiedFromComponentVersion")
    return {name: text for name, text in attributes.items() if text or name not in optional}


def metadata(account: Account, component: Component, version: Version) -> dict[str, Any]:
    """The same without the content, with numbers and truth values as such."""
    fields: dict[str, Any] = dict(header(account, component, version))
    fields["version"] = version.number
    fields["deleted"] = version.deleted
    fields["currentVersion"] = fields["currentVersion"] == "true"
    if component.copied_from_version:
        fields["copiedFromComponentVersion"] = component.copied_from_version
    return fields


def document(account: Account, component: Component, version: Version) -> bytes:
    return documents.document(header(account, component, version), version.body)


def raw_document(world: World, account: Account, component: Component, version: Version) -> bytes:
    """The component with its real secrets: for tests, never for a client."""
    body = documents.MASK_BYTES.sub(
        lambda found: documents.attribute(
            world.secrets.get(found.group().decode(), found.group().decode())
        ).encode(),
        version.body,
    )
    return documents.document(header(account, component, version), body)


# What stands under bns:object, for the types of which that is known.
BODY_ROOTS = {
    "connector-action": "Operation",
    "crossref": "CrossReferenceTable",
    "documentcache": "DocumentCache",
    "process": "process",
    "processproperty": "DefinedProcessProperties",
    "processroute": "ProcessRoute",
    "profile.db": "DatabaseProfile",
    "profile.flatfile": "FlatFileProfile",
    "profile.json": "JSONProfile",
    "profile.xml": "XMLProfile",
    "script.mapping": "MappingScript",
    "script.processing": "ProcessingScript",
    "transform.function": "Function",
    "transform.map": "Map",
}
TYPE = schema.fields_of("Component")["type"]


def read_strictly(world: World, account: Account, data: bytes) -> documents.Sent:
    """Read a component that came through the API, where the editor's help is missing.

    :raises ApiError: 400, when an attribute or the type is unknown, the content belongs to another
        type, or a reference leads to no component of the account.
    """
    sent = documents.read_component(data)
    attributes = dict(sent.attributes)
    known = {*TYPE.words, *(component.type for _, component in world.all_components())}
    if attributes.pop("type") not in known:
        raise bad_request(f"The component type {sent.type} is not valid.")
    schema.from_attributes("Component", attributes)
    root = etree.QName(sent.children["object"][0]).localname
    owners = {type_ for type_, name in BODY_ROOTS.items() if name == root}
    if BODY_ROOTS.get(sent.type, root) != root or (owners and sent.type not in owners):
        raise bad_request(f"A component of type {sent.type} cannot hold the element '{root}'.")
    body = b"".join(etree.tostring(child) for child in sent.children.values())
    for guid, _ in documents.reference_guids(sent.type, body):
        if guid not in account.components:
            raise bad_request(f"The referenced component ({guid}) is not found.")
    return sent


def create(
    world: World,
    account: Account,
    branch: Branch,
    sent: documents.Sent,
    folder: Folder,
) -> tuple[Component, Version]:
    """Create a component on a branch."""
    _require_ready(branch)
    if sent.attributes.get("componentId"):
        raise bad_request("The componentId of a new component must be empty.")
    component = Component(
        id=str(uuid.uuid4()),
        type=sent.type,
        sub_type=sent.attributes.get("subType", ""),
        created_by=TOKEN_USER,
        created_date=timestamp(),
    )
    version = _save(world, account, component, branch, folder.id, sent, None)
    account.components[component.id] = component
    return component, version


def update(
    world: World,
    account: Account,
    component_id: str,
    branch: Branch,
    sent: documents.Sent,
) -> tuple[Component, Version]:
    """Replace a component on a branch, unless nothing would change; it stays in its folder."""
    component = account.component(component_id)
    _require_ready(branch)
    before = head(account, component, branch)
    if before is None or before.deleted:
        raise not_found(f"The component ({component_id}) is not found.")
    if sent.attributes.get("componentId", component.id).lower() not in {"", component.id}:
        raise bad_request("The componentId of the request body is not the one of the address.")
    if sent.type != component.type:
        raise bad_request(f"The type of a component cannot be changed from {component.type}.")
    if component.locked:
        raise bad_request(
            f"Component {component.id} is currently locked by another user. "
            "To complete this action, the component must be unlocked."
        )
    return component, _save(world, account, component, branch, before.folder_id, sent, before)


def _save(
    world: World,
    account: Account,
    component: Component,
    branch: Branch,
    folder_id: str,
    sent: documents.Sent,
    before: Version | None,
) -> Version:
    _note_masks(world, account, component, branch, sent)
    sealed = documents.seal(
        sent,
        component.id,
        before.body if before else None,
        keep_omitted=world.modes.keeps_omitted_secrets,
    )
    if before is not None:
        if (
            world.modes.immaterial == "refuse"
            and sent.name == before.name
            and folder_id == before.folder_id
            and documents.same_material(sealed.body, before.body)
        ):
            raise bad_request(
                f"The component ({component.id}) was not updated: "
                "the request has no material changes to the configuration."
            )
        if component.type == "processproperty":
            _refuse_new_property_types(before.body, sealed.body)
    world.secrets.update(sealed.secrets)
    for path in sealed.masks_sent:
        world.mask_stored.append(_place(account, component, branch, path))
    for path in sealed.cleared:
        world.secrets_cleared.append(_place(account, component, branch, path))
    return add_version(
        world, account, component, branch, name=sent.name, folder_id=folder_id, body=sealed.body
    )


def _note_masks(
    world: World, account: Account, component: Component, branch: Branch, sent: documents.Sent
) -> None:
    """A known mask anywhere else in what was sent is the same catastrophe in another place."""
    places = sent.type in {"connector-settings", "certificate"}
    for token in documents.MASK_BYTES.findall(sent.raw):
        if token.decode() in world.secrets and not places:
            world.mask_stored.append(_place(account, component, branch, "outside known places"))


def _place(account: Account, component: Component, branch: Branch, path: str) -> dict[str, Any]:
    return {
        "account": account.id,
        "componentId": component.id,
        "branchId": branch.id,
        "path": path,
    }


def _refuse_new_property_types(before: bytes, after: bytes) -> None:
    old, new = documents.property_types(before), documents.property_types(after)
    for key in old.keys() & new.keys():
        if old[key] != new[key]:
            raise bad_request(f"The data type of the process property {key} cannot be modified.")


def add_version(
    world: World,
    account: Account,
    component: Component,
    branch: Branch,
    *,
    name: str,
    folder_id: str,
    body: bytes,
    by: str = TOKEN_USER,
    date: str = "",
    deleted: bool = False,
) -> Version:
    """Add a revision without asking any rule: the end of every way of writing."""
    version = Version(
        number=component.next_number(),
        seq=world.next_seq(),
        branch_id=branch.id,
        name=name,
        folder_id=folder_id,
        body=body,
        modified_by=by,
        modified_date=date or timestamp(),
        deleted=deleted,
    )
    component.versions[version.number] = version
    if branch.id != account.main_id:
        component.heads[branch.id] = version.number
    return version


def edit(
    world: World, account: Account, component: Component, branch: Branch, data: bytes, by: str
) -> Version:
    """Save a component as a person does in the editor: no rule of the API is asked."""
    sent = documents.read_component(data)
    before = head(account, component, branch) or newest(account, component)
    sealed = documents.seal(sent, component.id, before.body, keep_omitted=True)
    world.secrets.update(sealed.secrets)
    return add_version(
        world,
        account,
        component,
        branch,
        name=sent.name,
        folder_id=before.folder_id,
        body=sealed.body,
        by=by,
    )


def delete(world: World, account: Account, component: Component, branch: Branch) -> Version:
    """Delete a component, which is a revision too."""
    before = head(account, component, branch)
    if before is None or before.deleted:
        raise not_found(f"The component ({component.id}) is not found.")
    return add_version(
        world,
        account,
        component,
        branch,
        name=before.name,
        folder_id=before.folder_id,
        body=before.body,
        deleted=True,
    )


def references(account: Account, component: Component, version: Version) -> list[tuple[str, str]]:
    """What a revision uses, one level: ids of this account's components with the kind of use."""
    if version.reference_guids is None:
        version.reference_guids = documents.reference_guids(component.type, version.body)
    return [(guid, kind) for guid, kind in version.reference_guids if guid in account.components]


def dangling(account: Account, component: Component, version: Version) -> list[str]:
    """Ids that stand where references stand and belong to no component of the account."""
    references(account, component, version)
    return [guid for guid, _ in version.reference_guids or () if guid not in account.components]


def parents(
    account: Account, component_id: str, branch: Branch
) -> list[tuple[Component, Version, str]]:
    """Who uses a component, one level."""
    found = []
    for component in account.components.values():
        version = head(account, component, branch)
        if version is None or version.deleted:
            continue
        for guid, kind in references(account, component, version):
            if guid == component_id.lower():
                found.append((component, version, kind))
    return found


def manifest(
    account: Account, component: Component, version: Version, branch: Branch
) -> dict[str, int]:
    """What is packaged with a revision: itself and its dependents, each at its version."""
    pinned = {component.id: version.number}
    waiting = [(component, version)]
    while waiting:
        for guid, kind in references(account, *waiting.pop()):
            child = account.components[guid]
            child_version = head(account, child, branch)
            if kind != "DEPENDENT" or guid in pinned or child_version is None:
                continue
            if not child_version.deleted:
                pinned[guid] = child_version.number
                waiting.append((child, child_version))
    return pinned


def _require_ready(branch: Branch) -> None:
    if not branch.ready:
        raise bad_request(f"The branch {branch.name} is not ready: its stage is {branch.stage}.")


def _branch_name(account: Account, branch_id: str) -> str:
    branch = account.branches.get(branch_id) or account.deleted_branches.get(branch_id)
    return branch.name if branch else ""


def _boolean(value: bool) -> str:
    return "true" if value else "false"
