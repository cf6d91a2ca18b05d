"""The words that say where values stand, and what tells what they are."""

import re
from functools import lru_cache

from partnerapi.componentxml.names import name_set

# The platform shows a secret as 128 hex digits. Sending them back makes them the password.
MASK = re.compile(r"\s*[0-9a-fA-F]{128}\s*")
HEX = bytes(ord("h") if chr(code) in "0123456789abcdefABCDEF" else 0 for code in range(256))
MASK_RUN = b"h" * 128

# Attributes that are environment values on certain elements only.
SETTING_ATTRIBUTES = (
    (re.compile(r"DiskSettings"), frozenset({"directory"})),
    (re.compile(r"Mail\w*"), frozenset({"from", "to", "cc", "bcc"})),
    (re.compile(r"\w+"), frozenset({"remoteDirectory"})),
)
# Settings of connections, which also occur inside other components.
SETTINGS = re.compile(
    r"(?:Settings|ConnectionConfig|OAuth2?Config|SSLOptions|SSHOptions|ProxyOptions|Connection"
    r"|Endpoint|credentials)$"
)
SETTING_NAMES = frozenset({"directory", "from", "to", "cc", "bcc", "remoteDirectory"})

NAMING = name_set(
    """
    id name key headerName header propertyId propertyKey propertyName label title parameterName paramName
    fieldName toNamePath elementToSetName processproperty childKey propertyLabel
    """
)
VALUED = name_set(
    """
    value headerValue defaultValue default staticproperty processpropertydefaultvalue
    """
)
VALUE_ELEMENTS = frozenset({"value", "defaultValue", "default", "allowedValue"})
NAMING_ELEMENTS = frozenset({"label", "name", "key", "id"})
# What a static value is for stands in one of these around it.
TELLING_ABOVE = frozenset({"parametervalue", "documentproperty", "propertyvalue"})
FLAGS = frozenset({"encrypted", "isEncrypted", "isDynamicCredential", "shouldEncrypt"})
OVERRIDE_FLAGS = frozenset({"overrideable", "overridable", "isOverrideable", "isOverridable"})


@lru_cache(maxsize=8192)
def last_step(name: str) -> str:
    """The name itself: `DPP_KEY` of `process.DPP_KEY`, `a` of `Root/Object/a`."""
    return re.split(r"[/@]", re.sub(r"\([^()]*\)\s*$", "", name[-300:]))[-1]
