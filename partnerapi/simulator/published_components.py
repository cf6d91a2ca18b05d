"""Components, metadata, references and folders in the published dialect."""

from collections.abc import Iterable, Iterator

from partnerapi.simulator import bulk, components, documents, objects, queries
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.routing import Routes
from partnerapi.simulator.state import Account, Branch, Component, Version
from partnerapi.simulator.wire import JSON, XML, Answer, Fields, Request, send, to_json

routes = Routes()
TRUE = to_json(True)


@routes.on("GET", "Component/<id>", 1, "GET Component", accepts=(XML,))
def get_component(request: Request) -> Answer:
    """Operation 1."""
    component, version = _live(request, request.groups["id"])
    return Answer(body=components.document(request.account, component, version))


def _live(request: Request, reference: str) -> tuple[Component, Version]:
    """A component that is not deleted: for a deleted one the answer is that it is not found."""
    component_id = reference.partition("~")[0]
    if not documents.GUID.fullmatch(component_id):
        raise bad_request(f"ComponentId {component_id} is invalid.")
    component, version = components.find(request.account, reference)
    if version.deleted:
        raise not_found(f"The component ({component_id}) is not found.")
    return component, version


@routes.on("POST", "Component", 2, "POST Component Create", media=(XML,), accepts=(XML,))
def create_component(request: Request) -> Answer:
    """Operation 2: branchId and folderId on the root; folderFullPath is ignored."""
    world, account = request.world, request.account
    sent = components.read_strictly(world, account, request.body)
    branch = _branch(request, sent)
    folder = account.folder(sent.attributes.get("folderId") or account.root_folder_id)
    component, version = components.create(world, account, branch, sent, folder)
    return Answer(body=components.document(account, component, version))


@routes.on("POST", "Component/<id>", 3, "POST Component Update", media=(XML,), accepts=(XML,))
def update_component(request: Request) -> Answer:
    """Operation 3: branchId on the root; the component stays in its folder."""
    component_id = request.groups["id"]
    if not documents.GUID.fullmatch(component_id):
        raise bad_request(f"ComponentId {component_id} is invalid.")
    world, account = request.world, request.account
    sent = components.read_strictly(world, account, request.body)
    if not sent.attributes.get("componentId"):
        raise bad_request("The componentId of the request body is required.")
    branch = _branch(request, sent)
    component, version = components.update(world, account, component_id, branch, sent)
    return Answer(body=components.document(account, component, version))


def _branch(request: Request, sent: documents.Sent) -> Branch:
    """Where a write lands: without branching the attribute is silently ignored."""
    branch_id = sent.attributes.get("branchId", "")
    if not branch_id or not request.world.modes.branching_enabled:
        return request.account.main
    return request.account.branch(branch_id)


# Metadata


def _metadata_fields(account: Account, component: Component, version: Version) -> Fields:
    """As published: the name and id of the folder, but not its path."""
    fields = components.metadata(account, component, version)
    del fields["folderFullPath"]
    return fields


@routes.object("ComponentMetadata", 5)
def metadata_of(request: Request, reference: str) -> Fields:
    """Operation 5. A deleted component still has metadata, which says so."""
    component, version = components.find(request.account, reference)
    return _metadata_fields(request.account, component, version)


@routes.query("ComponentMetadata")
def metadata_rows(request: Request) -> Iterator[Fields]:
    for component in request.account.components.values():
        for version in component.versions.values():
            yield _metadata_fields(request.account, component, version)


@routes.on("POST", "ComponentMetadata/<id>", "ComponentMetadata UPDATE")
def update_metadata(request: Request) -> Answer:
    """Only the name and the folder can be changed."""
    component, version = _live(request, request.groups["id"])
    fields = request.fields("ComponentMetadata")
    folder_id = version.folder_id
    if "folderId" in fields:
        folder_id = request.account.folder(fields["folderId"] or request.account.root_folder_id).id
    saved = components.add_version(
        request.world,
        request.account,
        component,
        request.account.main,
        name=str(fields.get("name") or version.name),
        folder_id=folder_id,
        body=version.body,
    )
    answer = _metadata_fields(request.account, component, saved)
    return send(request, "ComponentMetadata", answer)


@routes.on("POST", "ComponentMetadata", "ComponentMetadata CREATE")
def restore_metadata(request: Request) -> Answer:
    """Bring a deleted component back; nothing new can be created this way."""
    fields = request.fields("ComponentMetadata", ("componentId",))
    account = request.account
    component = account.component(str(fields["componentId"]))
    before = components.newest(account, component)
    if not before.deleted:
        raise bad_request(f"The component ({component.id}) is not deleted.")
    saved = components.add_version(
        request.world,
        account,
        component,
        account.main,
        name=before.name,
        folder_id=before.folder_id,
        body=before.body,
    )
    return send(request, "ComponentMetadata", _metadata_fields(account, component, saved))


@routes.on("DELETE", "ComponentMetadata/<id>", "ComponentMetadata DELETE")
def delete_metadata(request: Request) -> Answer:
    component, _ = _live(request, request.groups["id"])
    components.delete(request.world, request.account, component, request.account.main)
    return Answer(200, TRUE, JSON)


# References


def _reference(parent: Component, version: Version, component_id: str, kind: str) -> Fields:
    return {
        "parentComponentId": parent.id,
        "parentVersion": version.number,
        "componentId": component_id,
        "type": kind,
    }


@routes.object("ComponentReference", 4)
def references_of(request: Request, reference: str) -> Fields:
    """The parents of a component: who uses it. None is an error, not an empty list."""
    component, _ = _live(request, reference)
    branch_id = reference.partition("~")[2]
    on_branch = bool(branch_id) and not branch_id.isdigit()
    branch = request.account.branch(branch_id) if on_branch else request.account.main
    found = components.parents(request.account, component.id, branch)
    if not found:
        raise bad_request(f"No references were found for the component ({component.id}).")
    return {"references": [_reference(p, v, component.id, kind) for p, v, kind in found]}


@routes.pages("ComponentReference", 4)
def query_references(request: Request) -> Answer:
    """Operation 4 as published, the way that tells what a component uses."""
    expression = objects.read_filter(request)
    queries.check(expression, "ComponentReference")
    for asked in queries.simple(expression):
        if asked.operator != "EQUALS":
            raise bad_request(f"Only EQUALS is allowed for '{asked.property}'.")
    rows: list[Fields] = []
    for way in queries.alternatives(expression):
        rows.extend(row for row in _references_asked_for(request, way) if row not in rows)
    rows = objects.without_left_out(request, expression, rows)
    return objects.page(request, "ComponentReference", [{"references": [row]} for row in rows])


def _references_asked_for(request: Request, way: tuple[queries.Simple, ...]) -> list[Fields]:
    """What one alternative of a filter asks for: what a revision uses, or who uses a component."""
    values = {asked.property: asked.arguments[0] for asked in way}
    if ("parentComponentId" in values) != ("parentVersion" in values):
        raise bad_request("The parentVersion must accompany the parentComponentId.")
    if "parentComponentId" in values:
        if not values["parentVersion"].isdigit():
            raise bad_request("The parentVersion must be a number.")
        rows = _children(request, values["parentComponentId"], int(values["parentVersion"]))
    elif "componentId" in values:
        account = request.account
        rows = [
            _reference(parent, version, values["componentId"].lower(), kind)
            for parent, version, kind in components.parents(
                account, values["componentId"], account.main
            )
        ]
    else:
        raise bad_request("The parentComponentId or the componentId is required.")
    return [row for row in rows if all(queries.matches(asked, row) for asked in way)]


def _children(request: Request, component_id: str, number: int) -> list[Fields]:
    component = request.account.components.get(component_id.lower())
    version = component.versions.get(number) if component else None
    if component is None or version is None or version.deleted:
        return []
    used = components.references(request.account, component, version)
    return [_reference(component, version, guid, kind) for guid, kind in used]


# Folders


@routes.object("Folder")
def folder_of(request: Request, folder_id: str) -> Fields:
    folder = request.account.folders.get(folder_id)
    if folder is None:
        raise not_found(f"The folder ({folder_id}) is not found.")
    return objects.folder_fields(request.account, folder)


@routes.on("POST", "Folder", "Folder CREATE")
def create_folder(request: Request) -> Answer:
    """Make a folder, or bring a deleted one back by its id."""
    account = request.account
    fields = request.fields("Folder")
    gone = account.folders.get(str(fields.get("id") or ""))
    if gone is not None and gone.deleted:
        gone.deleted = False
        return send(request, "Folder", objects.folder_fields(account, gone))
    name = str(fields.get("name") or "")
    if not name:
        raise bad_request("The field 'name' is required.")
    parent = account.folder(str(fields.get("parentId") or account.root_folder_id))
    if any(
        f.parent_id == parent.id and f.name == name and not f.deleted
        for f in account.folders.values()
    ):
        raise bad_request(f"A folder with the name {name} already exists in {parent.full_path}.")
    folder = request.world.add_folder(account, name, parent.id)
    return send(request, "Folder", objects.folder_fields(account, folder))


@routes.on("DELETE", "Folder/<id>", "Folder DELETE")
def delete_folder(request: Request) -> Answer:
    folder = request.account.folder(request.groups["id"])
    if folder.id == request.account.root_folder_id:
        raise bad_request("The root folder cannot be deleted.")
    request.world.delete_folder(request.account, folder)
    return Answer(200, TRUE, JSON)


@routes.query("Folder")
def folder_rows(request: Request) -> Iterable[Fields]:
    account = request.account
    return [objects.folder_fields(account, folder) for folder in account.folders.values()]


routes.on("POST", "Component/bulk", "Component BULK", accepts=(XML,))(bulk.components_in_bulk)
