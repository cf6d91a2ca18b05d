"""Which places of a component hold a secret or an environment value: decided by context.

A place counts by where it is, what it is called and what it holds, together. The rules with an
example of each are in rulebook.py, and docs/decisions/0003-what-is-stripped.md is made from it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from partnerapi.componentxml import candidates
from partnerapi.componentxml.document import (
    Document,
    Element,
    declares_namespace,
    decode_attribute,
)
from partnerapi.componentxml.names import (
    Kind,
    is_credential_header,
    kind,
    name_set,
    names_a_header,
    names_a_key,
    names_authentication,
    words,
)
from partnerapi.componentxml.secrets import is_credential, looks_random, opens_something
from partnerapi.componentxml.vocabulary import (
    FLAGS,
    MASK,
    NAMING,
    NAMING_ELEMENTS,
    OVERRIDE_FLAGS,
    SETTING_ATTRIBUTES,
    SETTING_NAMES,
    SETTINGS,
    TELLING_ABOVE,
    VALUE_ELEMENTS,
    VALUED,
    last_step,
)
from partnerapi.componentxml.xpaths import Encrypted

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
OVERRIDABLE = "declared-override"
PARAMETER = "operation-parameter"
URL_VALUE = "url-value"
OVERRIDDEN = "team-override"

# What is taken out and is no secret.
ENVIRONMENT_RULES = frozenset({SETTING, NETWORK_NAME, ACCOUNT_NAME, OVERRIDABLE, URL_VALUE})
# What no override may keep.
ALWAYS_TAKEN_OUT = frozenset({ENCRYPTED, MASKED, PASSWORD_FIELD, PASSWORD_PROPERTY, FLAGGED})
# Places that are told although nothing is taken out.
LEFT_RULES = frozenset({PARAMETER})

Zone = Literal["left", "data", "settings", "plain"]
Outcome = Literal["emptied", "kept", "omitted", "left"]

_TRUE = frozenset({"true", "1", "yes"})
_SWITCH_VALUES = frozenset({"true", "false"})

# Parts of the envelope that are never touched: what the platform makes itself, what people write
# about the component, and the declarations of extensions, which hold no values.
_LEFT_ALONE = frozenset({"encryptedValues", "description", "processOverrides"})
# Profiles describe data: an element called "password" there is a name, never a value.
_DATA = frozenset({"XMLProfile", "JSONProfile", "DatabaseProfile", "EDIProfile", "FlatFileProfile"})
_SETTINGS_TYPES = ("connector-settings", "tradingpartner", "tpcommoptions", "queue")

# Inputs of look-ups and map functions are data: "AppKey" is the column that is looked up.
_LOOK_UPS = re.compile(r"look-?up|crossref|functionstep|documentcache|doccache", re.IGNORECASE)

_HOST = r"(?:localhost|\[[0-9a-f:]+\]|(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*|\d{1,3}(?:\.\d{1,3}){3})"
_URL = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//[^\s/?#]|\s*jdbc:[a-z]\S", re.IGNORECASE)
_SCHEME_ONLY = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?/{0,2}\s*", re.IGNORECASE)
_HOST_LIKE = re.compile(rf"\s*{_HOST}\.?(?::\d{{1,5}})?(?:/\S*)?\s*", re.IGNORECASE)
_HOST_WORD = re.compile(r"\s*[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?::\d{1,5})?\s*", re.IGNORECASE)
# URLs that name a vocabulary instead of a place.
_VOCABULARY = re.compile(
    r"\s*https?://(?:www\.w3\.org|schemas\.xmlsoap\.org|xmlns\.\w|schemas?\.|ns\.|tempuri\.org)",
    re.IGNORECASE,
)
_VOCABULARY_WORDS = name_set("namespace xmlns soap soapaction action scope scopes")
# Fields that are directories: outside connections, and in them.
_DIRECTORIES = (frozenset({"remoteDirectory"}), frozenset({"remoteDirectory", "directory"}))
_PORT = re.compile(r"\s*\d{1,5}\s*")

# Pieces that composed values are glued together with: separators, schemes, paths, parameters.
_AUTHENTICATION_SCHEME = re.compile(
    r"\s*[\"']?(?:bearer|basic|token|digest|negotiate|ntlm|oauth|apikey|api-key|sso-key|key"
    r"|user|username|ssws|geniekey|zoho-oauthtoken|splunk|bot|klaviyo-api-key|hmac|signature"
    r"|aws4-hmac-sha256|sharedkey|sharedaccesssignature)[:=]?\s*[\"']?\s*",
    re.IGNORECASE,
)
# orders(' of a path that goes on with a key.
_OPEN_CALL = re.compile(r"\s*/?(?:[\w.-]{1,80}/){0,20}[\w.-]{1,80}\([\"']?\s*")
_OPEN_PARAMETER = re.compile(
    r"\s*(?:(?:Token|OAuth|Digest|Bearer|Basic|AWS4-HMAC-SHA256)\s+|/?(?:[\w.{}-]{1,80}/){1,20}[\w.{}-]{0,80}(?=\?))?"
    r"[?&;,]?\s*"
    r"(?:[\w.$\[\]-]{1,80}=[\w.,%-]{0,40}[&;]\s*){0,9}[\w.$\[\]-]{1,80}=\s*[\"']?\s*",
    re.IGNORECASE,
)
_PARAMETERS = re.compile(
    r"\s*[?&][\w.$\[\]-]{1,80}(?:=[\w.,:%+-]{0,40})?"
    r"(?:[&;][\w.$\[\]-]{1,80}(?:=[\w.,:%+-]{0,40})?){0,9}[&;]?\s*"
)
# `<password>`, `{"token":"`, `where token = '`: the value comes with the next part.
_TAGS_ONLY = re.compile(r"(?:\s*</?[\w:.-]{1,80}\s*/?>)+\s*")
_OPEN_MEMBER = re.compile(r"""[\s{\[,"'}\]]{0,9}["'][\w.-]{1,80}["']\s*:\s*["'\[{]?\s*""")
_OPEN_LITERAL = re.compile(r"""[^"'\n]{1,400}\s[^"'\n]{0,400}[=(,]\s*["']""")
# What is said about a cookie behind its value.
_COOKIE_RULES = re.compile(
    r"(?:\s*;\s*(?:path=/[\w/-]{0,80}|httponly|secure|samesite=\w{1,8}|max-age=\d{1,9}))+\s*;?\s*",
    re.IGNORECASE,
)
_PARAMETER_NAME = re.compile(r"[?&]([\w.$\[\]-]{1,80})=")
_RELATIVE_PATH = re.compile(r"\s*(?:/[\w.{}~:@%!$&'()*+,;=-]*)+(?:\?\S*)?\s*")
# A word or a few: what names a key holds none.
_WORDS_ONLY = re.compile(r"\s*[^\W\d_]+(?:[ _./:-]{1,3}[^\W\d_]+){0,8}\s*")
_NAME_LIKE = re.compile(r"\s*[A-Za-z_][\w.:/ -]{0,60}\s*")


@dataclass(frozen=True)
class Place:
    """Where something was taken out, or left on purpose, and by which rule. Never what.

    `hides_change`: production's value is kept although the dev account has another one;
    `fingerprint` is that of the dev account's value then, so that a later plan can tell whether
    it has changed since.
    """

    path: str
    rule: str
    outcome: Outcome
    hides_change: bool = False
    fingerprint: str = ""


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
    marked: dict[int, set[str]] = {}
    for path in encrypted:
        for element in path.elements(document):
            marked.setdefault(element.number, set()).update(slots_of(document, element, path))
    judge = Judge(document)
    could_be = candidates.masked(document)
    if judge.zones.all_settings:
        # Connections are small, and a URL counts there whatever it is called.
        could_be = set(range(len(document.tag_of)))
    elif not judge.zones.all_data:
        could_be = could_be | candidates.announced(document)
    for number in sorted(could_be | marked.keys()):
        zone = judge.zones.of(number)
        if zone != "left":
            yield from judge.judge(document.element(number), zone, marked.get(number, set()))


def is_variable(document: Document, element: Element) -> bool:
    """Whether the element's value is the name of a variable, as headers may say."""
    return (document.get(element, "isVariable") or "").strip().lower() in _TRUE


def slots_of(document: Document, element: Element, path: Encrypted) -> tuple[str, ...]:
    """Where at an element an encrypted path points: without an `@` or `text()`, to its value."""
    if path.slot:
        return (path.slot,)
    return ("@value", "text()") if document.text(element).strip() else ("@value",)


class Zones:
    """What the part of the document is for that an element stands in.

    `left`: nothing is stripped there; `data`: a profile, where only the platform's own marks
    count; `settings`: a connection's, names alone decide; `plain`: names and values together.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        root_type = document.get(document.root, "type") or ""
        self.all_data = root_type.startswith("profile.")
        self.all_settings = root_type in _SETTINGS_TYPES
        self._known: dict[int, Zone] = {0: "left"}

    def of(self, number: int) -> Zone:
        """The zone of the element of that number."""
        parent_of, known = self._document.parent_of, self._known
        way = []
        while number not in known:
            way.append(number)
            number = parent_of[number]
        zone = known[number]
        for one in reversed(way):
            zone = self._below(one, zone)
            known[one] = zone
        return zone

    def _below(self, number: int, zone: Zone) -> Zone:
        document = self._document
        name = document.shapes[document.tag_of[number]].name
        if document.parent_of[number] == 0:
            # `object`, or what a newer platform may add: looked at like it.
            if name in _LEFT_ALONE:
                return "left"
            if self.all_data:
                return "data"
            return "settings" if self.all_settings else "plain"
        if zone in ("plain", "settings") and name in _DATA:
            return "data"
        if zone == "plain" and SETTINGS.search(name):
            return "settings"
        return zone


class _Names:
    """What stands beside a value and says what it is."""

    __slots__ = ("flagged", "names", "overridable", "password", "typed", "variable")

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.password = False
        self.flagged = False
        self.variable = False
        self.overridable = False
        self.typed = False

    def add(self, name: str, value: str) -> None:
        if name in NAMING:
            self.names[name] = value
        elif name in FLAGS:
            self.flagged |= value.strip().lower() in _TRUE
        elif name == "type":
            self.typed = True
            self.password |= value.strip().lower() == "password"
        elif name == "isVariable":
            self.variable |= value.strip().lower() in _TRUE
        elif name in OVERRIDE_FLAGS:
            self.overridable |= value.strip().lower() in _TRUE

    def merge(self, other: "_Names") -> "_Names":
        both = _Names()
        both.names = self.names | other.names
        both.password = self.password or other.password
        both.flagged = self.flagged or other.flagged
        both.variable = self.variable
        return both

    def secrets(self) -> list[str]:
        """The names that announce a secret."""
        steps = map(last_step, self.names.values())
        return [name for name in steps if kind(name) is Kind.SECRET]

    def has(self, wanted: Kind) -> bool:
        return any(kind(last_step(name)) is wanted for name in self.names.values())


class Judge:
    """Judges the elements of one document; remembers what their tags say."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.zones = Zones(document)
        self._names_of: dict[bytes, _Names] = {}
        self._names_above: dict[int, _Names] = {}
        self._owners: dict[int, _Names] = {}
        self._set_properties: dict[int, dict[int, str]] = {}
        self._look_ups: dict[int, bool] = {}

    # --- attributes ------------------------------------------------------------------------------

    def judge(self, element: Element, zone: Zone, marked: set[str]) -> Iterator[Target]:
        """The places of one element."""
        shape = element.shape
        for name, local, raw in zip(
            shape.names, shape.local_names, shape.values(element.tag), strict=True
        ):
            if declares_namespace(name):
                continue
            if f"@{local}" in marked:
                yield Target(element, f"@{name}", ENCRYPTED)
            elif raw and not name.startswith(("xsi:", "xml:")):
                rule = self._of_attribute(element, local, decode_attribute(raw), zone)
                if rule:
                    yield Target(element, f"@{name}", rule)
        if "text()" in marked:
            yield Target(element, "text()", ENCRYPTED)
        elif not element.self_closing:
            text = self.document.text(element)
            rule = self._of_text(element, text, zone) if text.strip() else None
            if rule:
                yield Target(element, "text()", rule)

    def _of_attribute(self, element: Element, name: str, value: str, zone: Zone) -> str | None:
        if not value.strip():
            return None
        if len(value) >= 128 and MASK.fullmatch(value):
            return MASKED
        if zone == "data":
            return None
        if name in VALUED and element.name in VALUE_ELEMENTS:
            return self._of_property(element, value, zone)
        if name in VALUED:
            named = self._own_names(element)
            if element.name == "staticparameter":
                named = named.merge(self._above(element))
            elif element.name == "Input" and name == "default":
                named = named.merge(self._property_that_is_set(element))
            return self._of_pair(element, named, value, zone)
        if name in NAMING:
            return None
        if name in SETTING_NAMES:
            for element_name, names in SETTING_ATTRIBUTES:
                if name in names and element_name.fullmatch(element.name):
                    return SETTING
        return _of_name(name, value, zone)

    def _own_names(self, element: Element) -> _Names:
        found = self._names_of.get(element.tag)
        if found is None:
            found = self._names_of[element.tag] = _Names()
            for local, raw in zip(
                element.shape.local_names, element.shape.values(element.tag), strict=True
            ):
                found.add(local, decode_attribute(raw))
        return found

    def _above(self, element: Element) -> _Names:
        """What the parameter or property says that a static value is for."""
        document = self.document
        parent = document.parent_of[element.number]
        found = self._names_above.get(parent)
        if found is None:
            found = _Names()
            ancestor: Element | None = document.element(parent)
            for _ in range(3):
                if ancestor is None:
                    break
                if ancestor.name in TELLING_ABOVE:
                    found = found.merge(self._own_names(ancestor))
                if ancestor.name == "documentproperty":
                    break
                ancestor = ancestor.parent
            self._names_above[parent] = found
        return found

    def names(self, element: Element) -> set[str]:
        """Everything that a value of this element is called, in small letters."""
        named = self._own_names(element)
        if element.name == "staticparameter":
            named = named.merge(self._above(element))
        elif element.name == "Input":
            named = named.merge(self._property_that_is_set(element))
        elif element.name in VALUE_ELEMENTS:
            named = named.merge(self._of_owner(element))
        names = {name.casefold() for name in named.names.values()}
        return (
            names
            | {last_step(name).casefold() for name in named.names.values()}
            | {name.rpartition(".")[2] for name in names}
        )

    def _property_that_is_set(self, element: Element) -> _Names:
        """A map function that sets a property has the property's name in another input."""
        document = self.document
        parent = document.parent_of[element.number]
        inputs = self._set_properties.get(parent)
        if inputs is None:
            inputs = self._set_properties[parent] = {}
            for sibling in document.element(parent).children if parent >= 0 else ():
                label = (document.get(sibling, "name") or "").strip().lower()
                if label.endswith("property name"):
                    inputs[sibling.number] = document.get(sibling, "default") or ""
        found = _Names()
        for number, name in inputs.items():
            if number != element.number:
                found.add("propertyId", name)
        return found

    def _is_look_up(self, element: Element) -> bool:
        """Whether a value is the input of a look-up or of a map function."""
        document = self.document
        parent = document.parent_of[element.number]
        known = self._look_ups.get(parent)
        if known is None:
            known, at = False, parent
            for _ in range(5):
                if at < 0:
                    break
                name = document.shapes[document.tag_of[at]].name
                if _LOOK_UPS.search(name):
                    known = True
                    break
                at = document.parent_of[at]
            self._look_ups[parent] = known
        return known

    def _of_pair(self, element: Element, named: _Names, value: str, zone: Zone) -> str | None:
        """The rule for a value that has its name beside it."""
        if named.password:
            return PASSWORD_FIELD
        if named.flagged:
            return FLAGGED
        if named.variable:
            return None  # the name of a variable, set elsewhere
        if value.strip().lower() in _SWITCH_VALUES:
            return None
        if not named.names:
            return None
        in_settings = zone == "settings"
        announced = named.secrets()
        if announced and (in_settings or self._holds_it(element, named, announced, value)):
            return SECRET_NAME
        # A value for an element of a profile is data, even if the element is called "websiteUrl".
        if "toNamePath" in named.names or "elementToSetName" in named.names:
            return None
        # A field called "authorization" chooses a kind of log-in; a header of that name is one.
        if self._is_credential_header(element, named, value):
            return None if not in_settings and is_glue(value) else HEADER
        if named.has(Kind.NETWORK) and _is_network(named, value, zone):
            return NETWORK_NAME
        return _of_field(element, named, value, zone)

    def _is_credential_header(self, element: Element, named: _Names, value: str) -> bool:
        names = named.names.values()
        if element.name == "header" or "headerName" in named.names:
            return any(map(is_credential_header, names)) or (
                any(map(names_authentication, names)) and is_credential(value)
            )
        if not any(map(names_a_header, names)):
            return False
        # What is labelled "Authorization" may choose a kind of log-in, too.
        if element.name in ("field", "Input") or "label" in named.names:
            return is_credential(value)
        return not self._is_look_up(element)

    def _holds_it(self, element: Element, named: _Names, announced: list[str], value: str) -> bool:
        """Whether a value outside connections is the secret that its names announce."""
        if is_glue(value):
            return False
        if not all(map(names_a_key, announced)):
            return True
        is_data = "elementToSetName" in named.names or "toNamePath" in named.names
        if element.name == "Input" or is_data or self._is_look_up(element):
            return looks_random(value.strip())
        return not _holds_no_key(value)

    # --- texts -----------------------------------------------------------------------------------

    def _of_text(self, element: Element, text: str, zone: Zone) -> str | None:
        if MASK.fullmatch(text):
            return MASKED
        if zone == "data" or element.has_children:
            return None
        if element.name == "CertificateData":
            return None if self._is_public(element) else CERTIFICATE
        named = self._own_names(element)
        if named.password or named.flagged:
            return PASSWORD_FIELD if named.password else FLAGGED
        if element.name in VALUE_ELEMENTS:
            return self._of_property(element, text, zone)
        rule = _of_name(element.name, text, zone)
        if rule is None and named.names:
            rule = self._of_pair(element, named, text, zone)
        return rule

    def _of_property(self, element: Element, text: str, zone: Zone) -> str | None:
        """The rule for `<defaultValue>` and the like, named by the elements beside it."""
        named = self._of_owner(element)
        if named.password:
            return PASSWORD_PROPERTY
        rule = self._of_pair(element, named, text, "plain")
        if rule is None and _is_place(text) and not _names_vocabulary(named):
            return URL_VALUE
        return rule

    def _of_owner(self, element: Element) -> _Names:
        """What the property says that a value stands in, by its attributes and elements."""
        owner = element.parent
        while owner is not None and owner.name in ("allowedValues", "allowedValue"):
            owner = owner.parent
        if owner is None:
            return _Names()
        named = self._owners.get(owner.number)
        if named is None:
            named = _Names().merge(self._own_names(owner))
            for sibling in owner.children:
                if sibling.name in NAMING_ELEMENTS or sibling.name == "type":
                    named.add(sibling.name, self.document.text(sibling))
            self._owners[owner.number] = named
        return named

    def _is_public(self, element: Element) -> bool:
        """A certificate without its private key may be read by anybody."""
        parent = element.parent
        return parent is not None and any(
            sibling.name == "Type" and self.document.text(sibling).strip().lower() == "public"
            for sibling in parent.children
        )


def _of_name(name: str, value: str, zone: Zone) -> str | None:
    """The rule for an attribute or element whose own name says what it holds."""
    if value.strip().lower() in _SWITCH_VALUES:
        return None
    found = kind(name)
    if found is Kind.SECRET:
        if zone == "settings":
            return SECRET_NAME
        holds_none = names_a_key(name) and _holds_no_key(value)
        return None if holds_none or is_glue(value) else SECRET_NAME
    if found is Kind.NETWORK:
        if zone == "settings" and not is_glue(value):
            return NETWORK_NAME
        return NETWORK_NAME if _is_place(value) else None
    if zone != "settings":
        return None
    if found is Kind.ACCOUNT:
        return ACCOUNT_NAME
    return URL_VALUE if _is_place(value) and not _names_one(name) else None


def _of_field(element: Element, named: _Names, value: str, zone: Zone) -> str | None:
    """The rule for a connector's field or custom property that no stronger rule knows."""
    in_settings = zone == "settings"
    is_field = element.name in ("field", "properties", "header") or "headerName" in named.names
    if not is_field and not in_settings:
        return None
    if _DIRECTORIES[in_settings] & {last_step(name) for name in named.names.values()}:
        return SETTING
    if named.has(Kind.ACCOUNT) and not _is_vocabulary(named, value):
        if in_settings:
            return ACCOUNT_NAME
        if named.overridable:
            return OVERRIDABLE
        if element.name == "field" and named.typed:
            return PARAMETER
    return URL_VALUE if _is_place(value) and not _names_vocabulary(named) else None


def _is_vocabulary(named: _Names, value: str) -> bool:
    """Whether a namespace is that of a vocabulary, and not the part of a cloud that bears the name."""
    return _names_vocabulary(named) and ":" in value


def _is_place(value: str) -> bool:
    """Whether a value is a whole URL that leads somewhere."""
    return _URL.match(value) is not None and _VOCABULARY.match(value) is None


def _names_vocabulary(named: _Names) -> bool:
    """Whether a URL is an identifier by its name: a namespace, a SOAP action."""
    return any(map(_names_one, named.names.values()))


def _names_one(name: str) -> bool:
    """Whether one name says so; a registry of schemas is a place."""
    split = set(words(name))
    return bool(_VOCABULARY_WORDS & split) or ("schema" in split and "registry" not in split)


def _is_network(named: _Names, value: str, zone: Zone) -> bool:
    """Whether a value that is named a host, a port or a URL is one.

    In a connection a name is enough, but a port is a number: "Port" may also be where a ship
    goes. Elsewhere only whole URLs and what looks like a host are.
    """
    endings = [words(last_step(name))[-1:] for name in named.names.values()]
    if ["port"] in endings:
        return zone == "settings" and _PORT.fullmatch(value) is not None
    if zone == "settings":
        return True
    if _is_place(value) or _HOST_LIKE.fullmatch(value):
        return _VOCABULARY.match(value) is None
    # Server=…;Password=…
    if ["string"] in endings:
        return "=" in value and ";" in value
    names_host = any(one and one[0] in ("host", "hostname", "server") for one in endings)
    return names_host and _HOST_WORD.fullmatch(value) is not None


def is_glue(value: str) -> bool:
    """Whether a value is only what holds the parts of a composed one together.

    Separators, schemes, relative paths and parameters are the same in every environment, and hold
    no secret.
    """
    if not any(map(str.isalnum, value)):
        # Three signs may separate; more of them may as well be a password.
        return len(value.strip()) <= 3 or set(value) <= set("\"'{}[]()<>/, \n\t")
    if (
        _AUTHENTICATION_SCHEME.fullmatch(value)
        or _SCHEME_ONLY.fullmatch(value)
        or _OPEN_CALL.fullmatch(value)
        or _COOKIE_RULES.fullmatch(value)
        or _TAGS_ONLY.fullmatch(value)
        or _OPEN_MEMBER.fullmatch(value)
        or _OPEN_LITERAL.fullmatch(value)
    ):
        return True
    if _OPEN_PARAMETER.fullmatch(value):
        if opens_something(value.split()[-1]):
            return False
        return _names_no_secret(value.rstrip().rstrip("="))
    if _PARAMETERS.fullmatch(value):
        return _names_no_secret(value)
    return (
        _RELATIVE_PATH.fullmatch(value) is not None
        and not value.lstrip().startswith("//")
        and not any(looks_random(step) for step in value.split("/"))
        and _names_no_secret(value.partition("?")[2] and "?" + value.partition("?")[2])
    )


def _names_no_secret(parameters: str) -> bool:
    return not any(kind(name) is Kind.SECRET for name in _PARAMETER_NAME.findall(parameters))


def _holds_no_key(value: str) -> bool:
    """Whether a value beside "key" or "token" is the name of one, or a word."""
    stripped = value.strip()
    if len(stripped) < 4:
        return True  # too short for one
    if _WORDS_ONLY.fullmatch(value):
        return max(map(len, re.split(r"[ _./:-]+", stripped))) <= 24
    return _NAME_LIKE.fullmatch(value) is not None and kind(stripped) is Kind.SECRET
