"""Component XML as the platform sees it: checked, brought into its own form, secrets masked."""

import hashlib
import re
from dataclasses import dataclass
from typing import cast
from xml.sax.saxutils import escape

from lxml import etree

from partnerapi.simulator.errors import bad_request

BNS = "http://api.platform.boomi.com/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"xsi": XSI, "bns": BNS}
ROOT_NAMESPACES = f'xmlns:xsi="{XSI}" xmlns:bns="{BNS}"'
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
GUID_BYTES = re.compile(GUID.pattern.encode(), re.IGNORECASE)
MASK = re.compile(r"[0-9a-f]{128}")
MASK_BYTES = re.compile(rb"(?<![0-9a-f])[0-9a-f]{128}(?![0-9a-f])")

CHILD_ORDER = ("encryptedValues", "description", "object", "processOverrides")


@dataclass(frozen=True)
class SecretPlace:
    """Where the platform keeps a secret: path as it names it, its element, and the attribute.

    ``key`` is the attribute that tells two such elements apart; without one their order does.
    """

    path: str
    element: str
    attribute: str = ""  # empty: the element's text
    key: str = ""


SECRET_PLACES = (
    SecretPlace("//HttpSettings/AuthSettings/@password", "//HttpSettings/AuthSettings", "password"),
    SecretPlace(
        "//HttpSettings/AwsSettings/credentials/awsSecret/text()",
        "//HttpSettings/AwsSettings/credentials/awsSecret",
    ),
    SecretPlace(
        "//DatabaseConnectionSettings/@password", "//DatabaseConnectionSettings", "password"
    ),
    *(
        SecretPlace(f"//{kind}/AuthSettings/@password", f"//{kind}/AuthSettings", "password")
        for kind in ("SalesforceSettings", "MailSettings", "SFTPSettings", "FTPSettings")
    ),
    SecretPlace(
        "//GenericConnectionConfig/field[@type='password']",
        "//GenericConnectionConfig/field[@type='password']",
        "value",
        "id",
    ),
    SecretPlace(
        "//GenericConnectionConfig/field[@type='customproperties']/customProperties"
        "/properties[@encrypted='true']/@value",
        "//GenericConnectionConfig/field[@type='customproperties']/customProperties"
        "/properties[@encrypted='true']",
        "value",
        "key",
    ),
    SecretPlace(
        "//GenericConnectionConfig/field/OAuth2Config/credentials/@clientSecret",
        "//GenericConnectionConfig/field/OAuth2Config/credentials",
        "clientSecret",
    ),
    SecretPlace("//CertificateModel/CertificateData/text()", "//CertificateModel/CertificateData"),
)

# Attributes that hold a reference on whatever element they stand, alone or inside a longer value.
REFERENCE_ATTRIBUTES = frozenset(
    {
        "clientsslalias",
        "componentId",
        "connectionId",
        "crossRefTableId",
        "docCache",
        "encryptAlias",
        "fromProfile",
        "mapId",
        "mdnAlias",
        "operationId",
        "organizationId",
        "parameter-profile",
        "processId",
        "processRouteId",
        "profileId",
        "propertyId",
        "requestProfile",
        "responseProfile",
        "signAlias",
        "toProfile",
        "trustedcertalias",
    }
)
# The same for attributes whose name says nothing by itself.
REFERENCE_PLACES = frozenset(
    {
        ("ConnectionOverride", "id"),
        ("OperationOverride", "id"),
        ("profile", "id"),
        ("FunctionStep", "id"),
        ("objectDefinition", "id"),
        ("SqlLookup", "connection"),
        ("DocumentCache", "profile"),
    }
)
REFERENCE_TEXTS = frozenset({"queueComponentId"})
# These are packaged and deployed on their own.
INDEPENDENT_PLACES = frozenset({("processEntry", "processId"), ("*", "processRouteId")})


@dataclass
class Sent:
    """A component as a client sent it."""

    attributes: dict[str, str]
    children: dict[str, etree._Element]
    raw: bytes

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    @property
    def type(self) -> str:
        return self.attributes.get("type", "")


@dataclass
class Sealed:
    """A component's body in the platform's form, and what was learnt while making it."""

    body: bytes
    secrets: dict[str, str]  # mask -> value, new ones only
    masks_sent: list[str]  # paths at which a mask came back as if it were the password
    cleared: list[str]  # paths at which a saved secret was overwritten by nothing


def parse(data: bytes, *, blanks: bool = True) -> etree._Element:
    """Parse untrusted XML; a document type or anything not well-formed is refused."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        remove_blank_text=not blanks,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise bad_request(f"The request body is not valid XML: {error}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise bad_request("The request body must not carry a document type declaration.")
    return root


def read_component(data: bytes, *, blanks: bool = True) -> Sent:
    """Check a component that a client sends against the platform's schema of the envelope."""
    root = parse(data, blanks=blanks)
    if root.tag != f"{{{BNS}}}Component":
        raise bad_request("Unable to read message body.")
    attributes = {str(name): str(value) for name, value in root.attrib.items()}
    for name in ("name", "type"):
        if not attributes.get(name):
            raise bad_request(f"The attribute '{name}' of a component is required.")
    if attributes["type"].startswith("connector-") and not attributes.get("subType"):
        raise bad_request("The attribute 'subType' of a connector component is required.")
    children: dict[str, etree._Element] = {}
    position = -1
    for child in root:
        tag = etree.QName(child)
        if tag.namespace != BNS or tag.localname not in CHILD_ORDER:
            raise bad_request(f"Invalid content was found starting with element '{child.tag}'.")
        if CHILD_ORDER.index(tag.localname) <= position:
            raise bad_request(
                f"Invalid content was found starting with element '{tag.localname}': the order is "
                + ", ".join(CHILD_ORDER)
                + "."
            )
        position = CHILD_ORDER.index(tag.localname)
        children[tag.localname] = child
    body = children.get("object")
    if body is None or len(body) != 1:
        raise bad_request("A component needs one element under bns:object.")
    if etree.QName(body[0]).namespace:
        raise bad_request("The element under bns:object must have no namespace.")
    if "processOverrides" in children and attributes["type"] != "process":
        raise bad_request("Only a process has processOverrides.")
    return Sent(attributes, children, data)


def seal(sent: Sent, component_id: str, old_body: bytes | None, *, keep_omitted: bool) -> Sealed:
    """Bring a component into the platform's form with its secrets masked.

    1. A secret that came as text is remembered under its mask, and the mask stands in its place.
       A mask that is sent back is a text like any other: it becomes the password.
    2. A secret that was left out keeps its saved value, if that is how the platform is disposed.
    3. ``encryptedValues`` is written anew: the client's list is never believed.
    """
    root = etree.Element(f"{{{BNS}}}Component", nsmap=NAMESPACES)
    encrypted = etree.SubElement(root, f"{{{BNS}}}encryptedValues")
    description = etree.SubElement(root, f"{{{BNS}}}description")
    if "description" in sent.children:
        description.text = sent.children["description"].text
    root.append(sent.children["object"])
    if sent.type == "process":
        overrides = sent.children.get("processOverrides")
        root.append(etree.Element(f"{{{BNS}}}processOverrides") if overrides is None else overrides)
    for child in root:
        child.tail = None
    sealed = Sealed(b"", {}, [], [])
    old = None if old_body is None else parse(wrap(old_body))
    for place in SECRET_PLACES if sent.type in {"connector-settings", "certificate"} else ():
        saved = {} if old is None else _saved(old, place)
        if _seal_place(root, place, saved, component_id, sealed, keep_omitted=keep_omitted):
            etree.SubElement(encrypted, f"{{{BNS}}}encryptedValue", path=place.path, isSet="true")
    sealed.body = serialise(root)
    return sealed


def _seal_place(
    root: etree._Element,
    place: SecretPlace,
    saved: dict[str, str],
    component_id: str,
    sealed: Sealed,
    *,
    keep_omitted: bool,
) -> bool:
    """Mask what stands at one place; True if anything is set there afterwards."""
    if keep_omitted and saved and not place.attribute and not _find(root, place.element):
        parents = _find(root, place.element.rpartition("/")[0])
        for parent in parents:
            etree.SubElement(parent, place.element.rpartition("/")[2])
            _set(parent[-1], place, next(iter(saved.values())))
        return bool(parents)
    is_set = False
    for key, element in _elements(root, place):
        value = element.get(place.attribute) if place.attribute else element.text or ""
        if value is None and keep_omitted and key in saved:
            _set(element, place, saved[key])
            is_set = True
        elif value:
            if MASK.fullmatch(value):
                sealed.masks_sent.append(place.path)
            token = mask(component_id, f"{place.path}#{key}", value)
            sealed.secrets[token] = value
            _set(element, place, token)
            is_set = True
        elif value == "" and saved.get(key):
            sealed.cleared.append(place.path)
    return is_set


def mask(component_id: str, path: str, value: str) -> str:
    """A one-way token in the platform's shape: 128 lowercase hex digits, the same for the same."""
    return hashlib.sha512(f"{component_id}|{path}|{value}".encode()).hexdigest()


def _find(root: etree._Element, path: str) -> list[etree._Element]:
    return cast(list[etree._Element], root.xpath(path))


def _elements(root: etree._Element, place: SecretPlace) -> list[tuple[str, etree._Element]]:
    found = _find(root, place.element)
    return [(el.get(place.key, "") if place.key else str(n), el) for n, el in enumerate(found)]


def _saved(root: etree._Element, place: SecretPlace) -> dict[str, str]:
    values = {
        key: (element.get(place.attribute) if place.attribute else element.text) or ""
        for key, element in _elements(root, place)
    }
    return {key: value for key, value in values.items() if value}


def _set(element: etree._Element, place: SecretPlace, value: str) -> None:
    if place.attribute:
        element.set(place.attribute, value)
    else:
        element.text = value


def wrap(body: bytes) -> bytes:
    """A document of its own around the stored children of a component."""
    return f"<bns:Component {ROOT_NAMESPACES}>".encode() + body + b"</bns:Component>"


def serialise(root: etree._Element) -> bytes:
    """The children of ``root`` as the platform writes them.

    Its own form differs from lxml's in three points: the empty description has two tags, a carriage
    return is a hexadecimal reference, and what stands under bns:object leaves the namespace loudly.
    """
    text = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    text = text[text.index(b">") + 1 : text.rindex(b"</")]
    text = text.replace(b"<bns:description/>", b"<bns:description></bns:description>", 1)
    text = text.replace(b"&#13;", b"&#xD;")
    return re.sub(
        rb"(<bns:(?:object|processOverrides)>\s*<[A-Za-z][\w.-]*+)(?! xmlns=\"\")",
        rb'\1 xmlns=""',
        text,
    )


def same_material(one: bytes, other: bytes) -> bool:
    """Whether two bodies say the same; blanks between elements and encryptedValues say nothing."""
    return one == other or _material(one) == _material(other)


def _material(body: bytes) -> bytes:
    root = parse(wrap(body), blanks=False)
    root.remove(root[0])
    return bytes(etree.tostring(root, method="c14n"))


def property_types(body: bytes) -> dict[str, str]:
    """The data type of every property of a process property component, by its key."""
    root = parse(wrap(body))
    return {
        str(el.get("key")): el.findtext("type") or "" for el in root.iter("definedProcessProperty")
    }


def reference_guids(type_: str, body: bytes) -> tuple[tuple[str, str], ...]:
    """Every GUID that stands where a reference stands, with DEPENDENT or INDEPENDENT.

    Scripts, property keys and cross-reference data hold GUIDs too: those are no references.
    """
    if type_.startswith("profile.") or not GUID_BYTES.search(body):
        return ()
    found: dict[str, str] = {}
    for element in parse(wrap(body)).iter():
        tag = etree.QName(element).localname
        for name, value in element.attrib.items():
            name = str(name)
            if name in REFERENCE_ATTRIBUTES or (tag, name) in REFERENCE_PLACES:
                alone = (tag, name) in INDEPENDENT_PLACES or ("*", name) in INDEPENDENT_PLACES
                # In definedprocess.ID@KEY the key has the shape of an id and is none.
                for guid in GUID.findall(str(value).partition("@")[0]):
                    found.setdefault(guid.lower(), "INDEPENDENT" if alone else "DEPENDENT")
        if tag in REFERENCE_TEXTS and element.text:
            for guid in GUID.findall(element.text):
                found.setdefault(guid.lower(), "DEPENDENT")
    return tuple(found.items())


def attribute(value: str) -> str:
    """A value as it stands between double quotes."""
    return escape(value, {'"': "&quot;", "\n": "&#10;", "\r": "&#xD;", "\t": "&#9;"})


def document(attributes: dict[str, str], body: bytes) -> bytes:
    """A whole component document in the platform's form."""
    written = " ".join(f'{name}="{attribute(value)}"' for name, value in attributes.items())
    start = f"{DECLARATION}<bns:Component {ROOT_NAMESPACES} {written}>"
    return start.encode() + body + b"</bns:Component>"
