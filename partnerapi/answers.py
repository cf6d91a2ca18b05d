"""Turns answers into records, the same for both dialects.

Where the dialects name a field differently, both names are accepted: the server decides which one it sends, and nothing
else uses that name.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from partnerapi import componentxml, wire
from partnerapi.errors import AnswerLost, BadResponse
from partnerapi.records import (
    Account,
    Branch,
    Component,
    ComponentMetadata,
    DeployedPackage,
    Environment,
    Folder,
    IntegrationPack,
    MergeDetail,
    MergeRequest,
    PackagedComponent,
    PackEntry,
    PinnedComponent,
    Reference,
    Release,
)
from partnerapi.transport import Answer
from partnerapi.wire import Fields


@contextmanager
def reading(answer: Answer) -> Iterator[None]:
    """Turn anything that is wrong with an answer into a :class:`BadResponse`."""
    try:
        yield
    except wire.Unreadable as problem:
        raise bad_response(answer, str(problem)) from None


def bad_response(answer: Answer, reason: str) -> BadResponse | AnswerLost:
    """The error for an answer with a good status and bad content.

    A write with such an answer may have been done: it is looked for before it is repeated.

    :param reason: half a sentence that continues "The answer to …".
    """
    message = wire.boomi_message(answer.body)
    sentence = f"The answer to {answer.operation.name} {reason}."
    if message:
        sentence = f"{sentence} Boomi says: {message}"
    kind = BadResponse if answer.operation.repeatable else AnswerLost
    return kind(
        sentence,
        operation=answer.operation.key,
        status=answer.status,
        boomi_message=message,
    )


def fields_of(answer: Answer, *wrappers: str) -> Fields:
    """The object in an answer, unwrapped from an element of that name.

    :raises Unreadable: there is none, or it is an error.
    """
    fields = wire.read(answer.body)
    if wire.is_error(fields):
        raise wire.Unreadable("is an error although its status says that all is well")
    return wire.unwrap(fields, *wrappers)


def component(answer: Answer) -> Component:
    """A component from its XML, which is kept byte by byte.

    :raises Unreadable: it is not a component, or lacks its id or version.
    """
    try:
        document = componentxml.Document.parse(answer.body)
        envelope = componentxml.read_envelope(document)
    except ValueError as problem:
        raise wire.Unreadable(f"is not a component ({str(problem).rstrip('.')})") from None
    if not envelope.component_id or envelope.version is None:
        raise wire.Unreadable("has no componentId or no version")
    return Component(
        component_id=envelope.component_id,
        name=envelope.name,
        type=envelope.type,
        version=envelope.version,
        folder_full_path=envelope.folder_full_path,
        branch_id=envelope.branch_id,
        deleted=envelope.deleted,
        document=document,
        folder_id=envelope.folder_id,
        sub_type=envelope.sub_type,
    )


_RESULT = re.compile(
    rb"<(?P<prefix>(?:[A-Za-z_][\w.-]*:)?)Result(?P<attributes>\s[^<>]*)>"
    rb"(?P<inner>.*?)</(?P=prefix)Result\s*>",
    re.DOTALL,
)
_XSI_TYPE = re.compile(rb"\s[A-Za-z_][\w.-]*:type=(\"[^\"]*\"|'[^']*')")
_DECLARED = re.compile(rb"\s(xmlns(?::[\w.-]+)?)=(\"[^\"]*\"|'[^']*')")


def documents_in_bulk(body: bytes) -> Iterator[bytes]:
    """The components of a bulk answer, each as a document of its own with the bytes it came in.

    Namespaces that the answer's root declares are declared on each of them. Whatever cannot be cut out is left out.
    """
    root = re.search(rb"<[A-Za-z_][\w.-]*:?BulkResult(\s[^<>]*)?>", body)
    declared = dict(_DECLARED.findall(root[0])) if root else {}
    for match in _RESULT.finditer(body):
        prefix = match["prefix"] or b""
        attributes = _XSI_TYPE.sub(b"", match["attributes"], count=1)
        own = dict(_DECLARED.findall(attributes))
        needed = b"".join(
            b" %s=%s" % (name, value) for name, value in declared.items() if name not in own
        )
        yield (
            b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
            b"<%sComponent%s%s>%s</%sComponent>"
            % (prefix, needed, attributes, match["inner"], prefix)
        )


def component_metadata(fields: Fields) -> ComponentMetadata:
    """A component without its content, in either dialect's words.

    :raises Unreadable: the id, type or version is missing.
    """
    return ComponentMetadata(
        component_id=wire.required(fields, "componentId"),
        name=wire.text(fields, "name"),
        type=wire.required(fields, "type"),
        version=wire.required_integer(fields, "version"),
        folder_full_path=wire.text(fields, "folderFullPath", "folderName"),
        folder_id=wire.text(fields, "folderId").strip('"'),
        sub_type=wire.text(fields, "subType"),
        current_version=wire.flag(fields, "currentVersion", default=True),
        deleted=wire.flag(fields, "deleted"),
        modified_by=wire.text(fields, "modifiedBy"),
        modified_date=wire.moment(fields, "modifiedDate"),
        copied_from_component_id=wire.text(fields, "copiedFromComponentId"),
    )


def references(answer: Answer, parent_id: str | None = None) -> tuple[Reference, ...]:
    """What a component uses.

    :param parent_id: the component that was asked about.
    :raises Unreadable: the answer is about other parents: it lists what uses the component, as the published API does
        where the guide's lists what it uses. The configured dialect is wrong.
    """
    fields = fields_of(answer, "ComponentReference")
    if wire.text(fields, wire.TYPE) != "ComponentReference" and "references" not in fields:
        raise wire.Unreadable("has no references")
    return used_by(wire.many(fields, "references"), parent_id)


def used_by(rows: list[Fields], parent_id: str | None) -> tuple[Reference, ...]:
    """The components at the far end of references, each once."""
    found: dict[str, Reference] = {}
    for row in rows:
        parent = wire.text(row, "parentComponentId")
        if parent_id is not None and parent and parent.lower() != parent_id.lower():
            raise wire.Unreadable(
                "lists what uses the component and not what it uses, so the server speaks "
                "another dialect than PARTNER_API_DIALECT says"
            )
        child = wire.required(row, "componentId")
        kind = wire.text(row, "type") or "DEPENDENT"
        # What is used in both ways is packaged along.
        if child not in found or kind == "DEPENDENT":
            found[child] = Reference(child, kind)
    return tuple(found.values())


def parents(answer: Answer) -> tuple[Reference, ...]:
    """What uses a component (published, GET ComponentReference)."""
    fields = fields_of(answer, "ComponentReference")
    found: dict[str, Reference] = {}
    for row in wire.many(fields, "references"):
        parent = wire.required(row, "parentComponentId")
        found.setdefault(parent, Reference(parent, wire.text(row, "type") or "DEPENDENT"))
    return tuple(found.values())


def packaged_component(fields: Fields) -> PackagedComponent:
    """A package, deleted ones included.

    :raises Unreadable: an id or the version is missing.
    """
    return PackagedComponent(
        package_id=wire.required(fields, "packageId"),
        package_version=wire.required(fields, "packageVersion"),
        component_id=wire.required(fields, "componentId"),
        component_type=wire.text(fields, "componentType"),
        component_version=wire.integer(fields, "componentVersion"),
        created_by=wire.text(fields, "createdBy"),
        created_date=wire.moment(fields, "createdDate"),
        notes=wire.text(fields, "notes"),
        shareable=wire.flag(fields, "shareable"),
        deleted=wire.flag(fields, "deleted"),
        branch_name=wire.text(fields, "branchName"),
    )


def pinned_components(fields: Fields) -> tuple[PinnedComponent, ...]:
    """The components that a manifest names, with their versions where it has them.

    :raises Unreadable: the answer is not a manifest.
    """
    if (
        wire.text(fields, wire.TYPE) != "PackagedComponentManifest"
        and "componentInfo" not in fields
    ):
        raise wire.Unreadable("has no componentInfo")
    return tuple(
        PinnedComponent(wire.required(row, "id"), wire.integer(row, "version"))
        for row in wire.many(fields, "componentInfo")
    )


def deployed_package(fields: Fields) -> DeployedPackage:
    """A deployment; it counts as active unless it says otherwise.

    :raises Unreadable: an id is missing.
    """
    return DeployedPackage(
        deployment_id=wire.required(fields, "deploymentId"),
        environment_id=wire.required(fields, "environmentId"),
        package_id=wire.required(fields, "packageId"),
        active=wire.flag(fields, "active", default=True),
        version=wire.integer(fields, "version"),
    )


def branch(fields: Fields) -> Branch:
    """A branch, with the stage that the answer gives it.

    :raises Unreadable: the id or the name is missing.
    """
    stage = wire.text(fields, "stage")
    return Branch(
        branch_id=wire.required(fields, "id", "branchId"),
        name=wire.required(fields, "name"),
        # A branch that is being deleted may still say that it is ready.
        ready=wire.flag(fields, "ready") and stage in {"", "NORMAL"},
        description=wire.text(fields, "description"),
        deleted=wire.flag(fields, "deleted"),
        stage=stage,
        parent_id=wire.text(fields, "parentId"),
        created_by=wire.text(fields, "createdBy"),
    )


def merge_request(fields: Fields, *, with_details: bool) -> MergeRequest:
    """A merge request and its stage.

    :param with_details: whether the dialect reports what a merge would do.
    """
    details = None
    if with_details:
        rows = wire.many(fields, "MergeRequestDetails", inside="MergeRequestDetail")
        details = tuple(_merge_detail(row) for row in rows)
    return MergeRequest(
        merge_request_id=wire.required(fields, "id", "mergeRequestId"),
        stage=wire.required(fields, "stage").upper(),
        source_branch_id=wire.text(fields, "sourceBranchId"),
        destination_branch_id=wire.text(fields, "destinationBranchId", "targetBranchId"),
        details=details,
        message=wire.text(fields, "message", "note"),
    )


def _merge_detail(fields: Fields) -> MergeDetail:
    return MergeDetail(
        component_id=wire.required(fields, "componentGuid"),
        change_type=wire.text(fields, "changeType"),
        source_revision=wire.integer(fields, "sourceRevision"),
        destination_revision=wire.integer(fields, "destinationRevision"),
        conflict=wire.flag(fields, "conflict"),
        excluded=wire.flag(fields, "excluded"),
        resolution=wire.text(fields, "resolution").upper(),
        locked=wire.flag(fields, "lockedOnDestinationBranch"),
        merge_revision=_merge_revision(fields),
    )


def _merge_revision(fields: Fields) -> int | None:
    is_merged = wire.text(fields, "stage").upper() == "MERGED"
    return wire.integer(fields, "mergeRevision") if is_merged else None


def integration_pack(fields: Fields) -> IntegrationPack:
    """A pack in the guide's form."""
    return IntegrationPack(
        pack_id=wire.required(fields, "id"),
        name=wire.required(fields, "name"),
        description=wire.text(fields, "description"),
        installation_type=wire.text(fields, "installationType") or "MULTI",
        entries=tuple(_pack_entry(row) for row in wire.many(fields, "PackagedComponent")),
        released_version=wire.text(fields, "releasedVersion"),
        released_package_id=wire.text(fields, "releasedPackageId"),
    )


def _pack_entry(fields: Fields) -> PackEntry:
    version = wire.text(fields, "packageVersion")
    released = wire.flag(fields, "released")
    return PackEntry(
        component_id=wire.required(fields, "componentId"),
        name=wire.text(fields, "componentName"),
        component_type=wire.text(fields, "componentType"),
        current_version=version if released else "",
        pending_version="" if released else version,
        package_id=wire.text(fields, "packageId"),
    )


def publisher_pack(fields: Fields) -> IntegrationPack:
    """A pack in the published form, whose ``Description`` has a capital."""
    rows = wire.many(fields, "PublisherPackagedComponents", inside="PublisherPackagedComponent")
    return IntegrationPack(
        pack_id=wire.required(fields, "id"),
        name=wire.required(fields, "name"),
        description=wire.text(fields, "Description", "description"),
        installation_type=wire.text(fields, "installationType"),
        entries=tuple(
            PackEntry(
                component_id=wire.required(row, "componentId"),
                name=wire.text(row, "componentName"),
                component_type=wire.text(row, "componentType"),
                current_version=wire.text(row, "currentVersion"),
                pending_version=wire.text(row, "pendingVersion"),
                deletion_pending=wire.flag(row, "deleted"),
            )
            for row in rows
        ),
    )


def release(fields: Fields, *id_names: str) -> Release:
    """A release and how far it is.

    :param id_names: the fields that may hold the release's id.
    """
    state = (wire.text(fields, "releaseStatus") or "IN_PROGRESS").upper()
    # One that came to nothing has no id in the guide's answer.
    read_id = wire.text if state == "ERROR" else wire.required
    return Release(
        release_id=read_id(fields, *id_names),
        state="IN_PROGRESS" if state == "INPROGRESS" else state,
        package_id=wire.text(fields, "packageId"),
        message=wire.text(fields, "message", "errorMessage"),
    )


def environment(fields: Fields) -> Environment:
    """An environment of the primary account.

    :raises Unreadable: the id is missing.
    """
    return Environment(
        environment_id=wire.required(fields, "id"),
        name=wire.text(fields, "name"),
        # Accounts with Basic environment support have none: theirs are all production.
        classification=wire.text(fields, "classification") or "PROD",
    )


def account(fields: Fields) -> Account:
    """An account; it counts as active unless it says otherwise.

    :raises Unreadable: the id is missing.
    """
    return Account(
        account_id=wire.required(fields, "accountId"),
        name=wire.text(fields, "name"),
        status=wire.text(fields, "status") or "active",
    )


def folder(fields: Fields) -> Folder:
    """A folder, with its path where the answer has one.

    :raises Unreadable: the id is missing.
    """
    return Folder(
        folder_id=wire.required(fields, "id"),
        name=wire.text(fields, "name"),
        full_path=wire.text(fields, "fullPath"),
    )
