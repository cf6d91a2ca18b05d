"""Component XML: the one safe parser, and everything that is done to a component's document.

It stands alone. Documents go in and come out as bytes; every function raises ComponentXmlError
(BadXml, UnsafeXml, TooLarge) whose message a person can act on and which holds no value.
"""

from partnerapi.componentxml.document import MAX_BYTES
from partnerapi.componentxml.envelope import Envelope, read_envelope, set_envelope
from partnerapi.componentxml.errors import BadXml, ComponentXmlError, TooLarge, UnsafeXml
from partnerapi.componentxml.normalise import digest, normalise, pretty_lines
from partnerapi.componentxml.paths import symbol
from partnerapi.componentxml.rewrite import Rewrite, Rewritten, rewrite
from partnerapi.componentxml.strip import (
    HIDDEN,
    Finding,
    Place,
    Stripped,
    environment_places,
    fill,
    hide,
    hide_in_text,
    mask,
    strip,
)

__all__ = [
    "HIDDEN",
    "MAX_BYTES",
    "BadXml",
    "ComponentXmlError",
    "Envelope",
    "Finding",
    "Place",
    "Rewrite",
    "Rewritten",
    "Stripped",
    "TooLarge",
    "UnsafeXml",
    "digest",
    "environment_places",
    "fill",
    "hide",
    "hide_in_text",
    "mask",
    "normalise",
    "pretty_lines",
    "read_envelope",
    "rewrite",
    "set_envelope",
    "strip",
    "symbol",
]
