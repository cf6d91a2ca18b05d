"""The root element: what the platform says about a component, and what we say when writing."""

from dataclasses import dataclass

from partnerapi.componentxml.document import Document, Edit, escape
from partnerapi.componentxml.errors import BadXml
from partnerapi.componentxml.names import name_set
from partnerapi.componentxml.xpaths import encrypted_entries

# What the platform makes itself and what belongs to the account that a document was read from.
SYSTEM_MADE = name_set(
    """
    componentId version createdDate createdBy modifiedDate modifiedBy deleted currentVersion
    folderName folderId folderFullPath branchName branchId copiedFromComponentId
    copiedFromComponentVersion
    """
)


@dataclass(frozen=True)
class Envelope:
    """The attributes of the root element; "" where one is missing."""

    component_id: str
    name: str
    type: str
    sub_type: str
    version: int | None
    folder_full_path: str
    folder_id: str
    folder_name: str
    branch_id: str
    branch_name: str
    deleted: bool
    current_version: bool
    copied_from_component_id: str
    encrypted_paths: tuple[str, ...]  # those that have a value set


def read_envelope(document: Document) -> Envelope:
    """Read the root element.

    :raises BadXml: when the version is not a number.
    """
    said = dict(document.said(document.root))

    def flag(name: str) -> bool:
        return said.get(name, "").strip().lower() in ("true", "1")

    version = said.get("version", "").strip()
    # str.isdigit alone would let other scripts' digits through.
    if version and not (version.isascii() and version.isdigit() and len(version) < 10):
        raise BadXml("The component's version is not a number.")
    return Envelope(
        component_id=said.get("componentId", ""),
        name=said.get("name", ""),
        type=said.get("type", ""),
        sub_type=said.get("subType", ""),
        version=int(version) if version else None,
        folder_full_path=said.get("folderFullPath", ""),
        folder_id=said.get("folderId", ""),
        folder_name=said.get("folderName", ""),
        branch_id=said.get("branchId", ""),
        branch_name=said.get("branchName", ""),
        deleted=flag("deleted"),
        current_version=flag("currentVersion"),
        copied_from_component_id=said.get("copiedFromComponentId", ""),
        encrypted_paths=tuple(path for path, is_set in encrypted_entries(document) if is_set),
    )


def set_envelope(
    document: Document,
    *,
    component_id: str | None,
    folder_full_path: str | None = None,
    folder_id: str | None = None,
    branch_id: str | None = None,
) -> Document:
    """The document addressed to where it is written; only the root's start tag changes.

    Without a `component_id` the attribute is left out, which creates. What belongs to the account
    the document came from does not travel: versions, dates, people, folders, branches, origins.
    """
    given = {
        "folderFullPath": folder_full_path,
        "componentId": component_id,
        "folderId": folder_id,
        "branchId": branch_id,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    edits: list[Edit] = []
    attributes = document.attributes(document.root)
    for attribute in attributes:
        if attribute.name in wanted:
            edits.append(Edit(attribute.start, attribute.end, escape(wanted.pop(attribute.name))))
        elif attribute.name in SYSTEM_MADE:
            edits.append(Edit(attribute.outer_start, attribute.end + 1, b""))
    if wanted:
        at = attributes[-1].end + 1
        added = b"".join(b' %s="%s"' % (k.encode(), escape(v)) for k, v in wanted.items())
        edits.append(Edit(at, at, added))
    return document.edited(edits)
