"""Which places of a component hold a secret or an environment value: decided by context.

The table of contexts and the reasons are in docs/decisions/0003-what-is-stripped.md.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from partnerapi.componentxml.document import Attribute, Document, Element
from partnerapi.componentxml.names import Kind, is_credential_header, kind, name_set, words
from partnerapi.componentxml.xpaths import Encrypted

# Raised whenever a document is emptied, rewritten or normalised in another way than before: what was planned, or
# approved, by other rules is never taken for the same.
VERSION = 1

ENCRYPTED = "encrypted-value"
MASKED = "masked-value"
PASSWORD_FIELD = "password-field"  # noqa: S105 - the names of rules, not passwords
PASSWORD_PROPERTY = "password-property"  # noqa: S105
FLAGGED = "flagged-as-encrypted"
SECRET_NAME = "secret-name"  # noqa: S105
HEADER = "credential-header"
CERTIFICATE = "certificate-data"
SETTING = "environment-setting"
NETWORK_NAME = "network-name"
ACCOUNT_NAME = "account-name"
URL_VALUE = "url-value"

# The platform shows a secret as 128 hex digits. Sending them back makes them the password.
MASK = re.compile(r"\s*[0-9a-fA-F]{128}\s*")

_TRUE = frozenset({"true", "1", "yes"})
_SWITCH_VALUES = frozenset({"true", "false"})

# Parts of the envelope that are never touched: what the platform makes itself, what people write
# about the component, and the declarations of extensions, which hold no values.
_LEFT_ALONE = frozenset({"encryptedValues", "description", "processOverrides"})
# Profiles describe data: an element called "password" there is a name, never a value.
_DATA = frozenset({"XMLProfile", "JSONProfile", "DatabaseProfile", "EDIProfile", "FlatFileProfile"})
_SETTINGS = re.compile(r"(?:Settings|Config|Options|Connection|Endpoint|Action|credentials)$")
_SETTINGS_TYPES = ("connector-settings", "tradingpartner", "tpcommoptions", "queue")

# Attributes that are environment values on certain elements only.
_SETTING_ATTRIBUTES = (
    (re.compile(r"DiskSettings"), frozenset({"directory"})),
    (re.compile(r"Mail\w*"), frozenset({"from", "to", "cc", "bcc"})),
    (re.compile(r"\w+"), frozenset({"remoteDirectory"})),
)

_NAMING = name_set(
    """
    id name key headerName propertyId propertyKey label title parameterName paramName fieldName
    toNamePath elementToSetName
    """
)
VALUED = frozenset({"value", "headerValue", "defaultValue", "default", "staticproperty"})
_VALUE_ELEMENTS = frozenset({"value", "defaultValue", "default", "allowedValue"})
_NAMING_ELEMENTS = frozenset({"label", "name", "key", "id"})
_FLAGS = frozenset({"encrypted", "isEncrypted", "isDynamicCredential", "shouldEncrypt"})

_URL = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*://\S|jdbc:\S)", re.IGNORECASE)
# URLs that name a vocabulary instead of a place.
_VOCABULARY = re.compile(
    r"\s*https?://(?:www\.w3\.org|schemas\.xmlsoap\.org|xmlns\.\w|schemas?\.|ns\.|tempuri\.org)",
    re.IGNORECASE,
)
_PORT = re.compile(r"\s*\d{1,5}\s*")
_MASK_BYTES = re.compile(rb"[0-9a-fA-F]{128}|&#")


@dataclass(frozen=True, slots=True)
class Target:
    """A place and the rule that makes it one."""

    element: Element
    slot: str  # `@name` as written, or `text()`
    rule: str


def targets(document: Document, encrypted: Sequence[Encrypted] = ()) -> Iterator[Target]:
    """Every place with a secret or an environment value, each once, in document order.

    `encrypted` are the platform's own paths, of this document and of its twin.
    """
    marked: dict[Element, set[str]] = {}
    for path in encrypted:
        for element in path.elements(document):
            marked.setdefault(element, set()).update(slots_of(document, element, path))
    for element, zone in zoned(document):
        slots = marked.get(element, set())
        if zone == "data" and not slots and not _may_be_masked(document, element):
            continue
        if zone != "left":
            yield from _of_element(document, element, zone, slots)


def is_variable(document: Document, element: Element) -> bool:
    """Whether the element's value is the name of a variable, as headers may say."""
    return (document.get(element, "isVariable") or "").strip().lower() in _TRUE


def slots_of(document: Document, element: Element, path: Encrypted) -> tuple[str, ...]:
    """Where at an element an encrypted path points: without an `@` or `text()`, to its value."""
    if path.slot:
        return (path.slot,)
    return ("@value", "text()") if document.text(element).strip() else ("@value",)


def zoned(document: Document) -> Iterator[tuple[Element, str]]:
    """Every element with what its part of the document is for.

    `left`: nothing is stripped there; `data`: a profile, where only the platform's own marks
    count; `settings`: names alone decide; `plain`: names and values together.
    """
    settings_type = document.get(document.root, "type") in _SETTINGS_TYPES
    profile_type = (document.get(document.root, "type") or "").startswith("profile.")
    zones: dict[Element, str] = {document.root: "left"}
    yield document.root, "left"
    for element in document.elements[1:]:
        parent = element.parent
        zone = zones[parent] if parent is not None else "left"
        if parent is document.root:
            # `object`, or what a newer platform may add: looked at like it.
            zone = "left" if element.name in _LEFT_ALONE else "settings" * settings_type or "plain"
            if profile_type and zone != "left":
                zone = "data"
        elif zone in ("plain", "settings") and element.name in _DATA:
            zone = "data"
        elif zone == "plain" and _SETTINGS.search(element.name):
            zone = "settings"
        if element.children:
            zones[element] = zone
        yield element, zone


def _may_be_masked(document: Document, element: Element) -> bool:
    ends = element.close if not element.children else element.tag_end
    return _MASK_BYTES.search(document.data, element.start, ends) is not None


def _of_element(
    document: Document, element: Element, zone: str, marked: set[str]
) -> Iterator[Target]:
    attributes = [
        one
        for one in document.attributes(element)
        if not one.declares_namespace and not one.name.startswith(("xsi:", "xml:"))
    ]
    for attribute in attributes:
        slot = f"@{attribute.name}"
        if f"@{attribute.local}" in marked:
            yield Target(element, slot, ENCRYPTED)
            continue
        value = document.value(attribute)
        if not value.strip():
            rule = None
        elif MASK.fullmatch(value):
            rule = MASKED
        elif zone == "data":
            rule = None
        else:
            rule = _of_attribute(document, element, attributes, attribute, value, zone)
        if rule:
            yield Target(element, slot, rule)
    text = document.text(element)
    if "text()" in marked:
        yield Target(element, "text()", ENCRYPTED)
    elif text.strip():
        if MASK.fullmatch(text):
            yield Target(element, "text()", MASKED)
        elif zone != "data" and not element.children:
            rule = _of_text(document, element, attributes, text, zone)
            if rule:
                yield Target(element, "text()", rule)


def _of_attribute(
    document: Document,
    element: Element,
    attributes: Sequence[Attribute],
    attribute: Attribute,
    value: str,
    zone: str,
) -> str | None:
    name = attribute.local
    if name in VALUED:
        named = _own_names(document, attributes)
        if element.name == "staticparameter":
            named.merge(_names_above(document, element))
        elif element.name == "Input" and name == "default":
            named.merge(_property_that_is_set(document, element))
        return _of_pair(element, named, value, zone)
    if name in _NAMING:
        return None
    for element_name, names in _SETTING_ATTRIBUTES:
        if name in names and element_name.fullmatch(element.name):
            return SETTING
    return _of_name(name, value, zone)


def _of_name(name: str, value: str, zone: str) -> str | None:
    """The rule for an attribute or element whose own name says what it holds."""
    if value.strip().lower() in _SWITCH_VALUES:
        return None
    found = kind(name)
    if found is Kind.SECRET:
        return SECRET_NAME
    if found is Kind.NETWORK and (zone == "settings" or _is_place(value)):
        return NETWORK_NAME
    if found is Kind.ACCOUNT and zone == "settings":
        return ACCOUNT_NAME
    return None


def _is_place(value: str) -> bool:
    return _URL.match(value) is not None and _VOCABULARY.match(value) is None


class _Names:
    """What stands beside a value and says what it is."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.password = False
        self.flagged = False
        self.variable = False

    def add(self, name: str, value: str) -> None:
        if name in _NAMING:
            self.names[name] = value
        elif name in _FLAGS:
            self.flagged |= value.strip().lower() in _TRUE
        elif name == "type":
            self.password |= value.strip().lower() == "password"
        elif name == "isVariable":
            self.variable |= value.strip().lower() in _TRUE

    def merge(self, other: "_Names") -> None:
        self.names |= other.names
        self.password |= other.password
        self.flagged |= other.flagged

    def kinds(self) -> set[Kind]:
        return {kind(_last_step(name)) for name in self.names.values()}


def _last_step(name: str) -> str:
    """The name itself: `DPP_KEY` of `process.DPP_KEY`, `a` of `Root/Object/a`."""
    return re.split(r"[/@]", re.sub(r"\([^()]*\)\s*$", "", name[-300:]))[-1]


def _own_names(document: Document, attributes: Sequence[Attribute]) -> _Names:
    found = _Names()
    for attribute in attributes:
        found.add(attribute.local, document.value(attribute))
    return found


def _names_above(document: Document, element: Element) -> _Names:
    """What the parameter or property says that a static value is for."""
    found = _Names()
    for ancestor, _ in zip(element.ancestors(), range(3), strict=False):
        for attribute in document.attributes(ancestor):
            if ancestor.name in ("parametervalue", "documentproperty"):
                found.add(attribute.local, document.value(attribute))
        if ancestor.name == "documentproperty":
            break
    return found


def _property_that_is_set(document: Document, element: Element) -> _Names:
    """A map function that sets a property has the property's name in another input."""
    found = _Names()
    for sibling in element.parent.children if element.parent is not None else ():
        label = (document.get(sibling, "name") or "").strip().lower()
        if sibling is not element and label.endswith("property name"):
            found.add("propertyId", document.get(sibling, "default") or "")
    return found


def _of_pair(element: Element, named: _Names, value: str, zone: str) -> str | None:
    """The rule for a value that has its name beside it."""
    if named.password:
        return PASSWORD_FIELD
    if named.flagged:
        return FLAGGED
    if named.variable:
        return None  # the name of a variable, set elsewhere
    if value.strip().lower() in _SWITCH_VALUES:
        return None
    kinds = named.kinds()
    if Kind.SECRET in kinds:
        return SECRET_NAME
    # A value for an element of a profile is data, even if the element is called "websiteUrl".
    if {"toNamePath", "elementToSetName"} & named.names.keys():
        return None
    # A field called "authorization" chooses a kind of log-in; a header of that name is one.
    header = element.name != "field" and element.name not in _VALUE_ELEMENTS
    if header and any(map(is_credential_header, named.names.values())):
        return HEADER
    if Kind.NETWORK in kinds and _fits_network(named, value):
        return NETWORK_NAME
    if zone == "settings" and element.name in ("field", "properties"):
        if Kind.ACCOUNT in kinds:
            return ACCOUNT_NAME
        if _is_place(value) and not _names_vocabulary(named):
            return URL_VALUE
    return None


def _names_vocabulary(named: _Names) -> bool:
    """Whether a URL is an identifier by its name: a namespace, a SOAP action."""
    vocabulary = {"namespace", "xmlns", "schema", "soap", "soapaction", "action"}
    return any(vocabulary & set(words(name)) for name in named.names.values())


def _fits_network(named: _Names, value: str) -> bool:
    """A port is a number: "Port" may also be where a ship goes."""
    a_port = any(words(_last_step(name))[-1:] == ["port"] for name in named.names.values())
    return not a_port or _PORT.fullmatch(value) is not None


def _of_text(
    document: Document,
    element: Element,
    attributes: Sequence[Attribute],
    text: str,
    zone: str,
) -> str | None:
    if element.name == "CertificateData":
        return None if _is_public(document, element) else CERTIFICATE
    named = _own_names(document, attributes)
    if named.password or named.flagged:
        return PASSWORD_FIELD if named.password else FLAGGED
    if element.name in _VALUE_ELEMENTS and element.parent is not None:
        return _of_property(document, element, text)
    rule = _of_name(element.name, text, zone)
    if rule is None and named.names:
        rule = _of_pair(element, named, text, zone)
    return rule


def _of_property(document: Document, element: Element, text: str) -> str | None:
    """The rule for `<defaultValue>` and the like, named by the elements beside it."""
    owner = element.parent
    named = _Names()
    while owner is not None and owner.name in ("allowedValues", "allowedValue"):
        owner = owner.parent
    if owner is None:
        return None
    for sibling in owner.children:
        if sibling.name in _NAMING_ELEMENTS or sibling.name == "type":
            named.add(sibling.name, document.text(sibling))
    for attribute in document.attributes(owner):
        named.add(attribute.name, document.value(attribute))
    if named.password:
        return PASSWORD_PROPERTY
    rule = _of_pair(element, named, text, "plain")
    if rule is None and _is_place(text) and not _names_vocabulary(named):
        return URL_VALUE
    return rule


def _is_public(document: Document, element: Element) -> bool:
    """A certificate without its private key may be read by anybody."""
    parent = element.parent
    return parent is not None and any(
        sibling.name == "Type" and document.text(sibling).strip().lower() == "public"
        for sibling in parent.children
    )
