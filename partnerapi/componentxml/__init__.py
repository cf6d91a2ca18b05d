"""Component XML: the one safe parser, and everything that is done to a component's document.

It stands alone. `Document.parse` makes bytes a document, once, and `to_bytes` makes bytes of it
again; everything between takes and gives documents. Errors are ComponentXmlError (BadXml,
UnsafeXml, TooLarge), whose message a person can act on and which holds no value.
"""

from partnerapi.componentxml.document import MAX_BYTES, Document
from partnerapi.componentxml.envelope import Envelope, read_envelope, set_envelope
from partnerapi.componentxml.errors import BadXml, ComponentXmlError, TooLarge, UnsafeXml
from partnerapi.componentxml.normalise import normalise, pretty_lines
from partnerapi.componentxml.overrides import NO_OVERRIDES, Override, Overrides
from partnerapi.componentxml.paths import symbol, symbols
from partnerapi.componentxml.rewrite import Rewrite, Rewritten, component_ids, known_ids, rewrite
from partnerapi.componentxml.rules import ENVIRONMENT_RULES, Place
from partnerapi.componentxml.strip import (
    HIDDEN,
    Finding,
    Stripped,
    fill,
    hide,
    hide_in_text,
    mask,
    strip,
)
from partnerapi.componentxml.version import (
    FORM_VERSION,
    RULES_VERSION,
    digest,
    rules_of,
    rules_version,
)

__all__ = [
    "ENVIRONMENT_RULES",
    "FORM_VERSION",
    "HIDDEN",
    "MAX_BYTES",
    "NO_OVERRIDES",
    "RULES_VERSION",
    "BadXml",
    "ComponentXmlError",
    "Document",
    "Envelope",
    "Finding",
    "Override",
    "Overrides",
    "Place",
    "Rewrite",
    "Rewritten",
    "Stripped",
    "TooLarge",
    "UnsafeXml",
    "component_ids",
    "digest",
    "fill",
    "hide",
    "hide_in_text",
    "known_ids",
    "mask",
    "normalise",
    "pretty_lines",
    "read_envelope",
    "rewrite",
    "rules_of",
    "rules_version",
    "set_envelope",
    "strip",
    "symbol",
    "symbols",
]
