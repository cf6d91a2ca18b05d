"""Digests say which rules they were made by, so that a change of rules is never read as drift.

Raise RULES_VERSION with every change of what is stripped, of how a place is named or of the one
form: a digest of other rules says nothing about this version's.
"""

import hashlib

from partnerapi.componentxml.document import Document
from partnerapi.componentxml.normalise import content_hash
from partnerapi.componentxml.overrides import NO_OVERRIDES, Overrides

RULES_VERSION = 7
# Raise this one with the form alone; it is a part of what RULES_VERSION covers.
FORM_VERSION = 3


def rules_version(overrides: Overrides = NO_OVERRIDES) -> str:
    """The version of the rules, with a mark of the team's own where there are any: `5+1f0a9c33`."""
    if not overrides:
        return str(RULES_VERSION)
    mark = hashlib.sha256(repr(overrides.all).encode()).hexdigest()[:8]
    return f"{RULES_VERSION}+{mark}"


def digest(document: Document, overrides: Overrides = NO_OVERRIDES) -> str:
    """The version of the rules, a colon, and the SHA-256 of the normalised document in hex."""
    return f"{rules_version(overrides)}:{content_hash(document)}"


def rules_of(made: str) -> str:
    """The version of the rules that a digest was made by; "" for no digest."""
    return made.partition(":")[0]
