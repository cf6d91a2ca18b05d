"""What still looks like a secret, wherever it stands.

The rules of rules.py go by context and empty. These go by the value and stop: a component with a
private key in a script cannot be repaired by a machine, so a person is told where it is.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from partnerapi.componentxml.names import Kind, kind

MESSAGES = {
    "private-key": "A private key stands here; remove it and use a certificate component.",
    "url-password": "A URL with a user and a password stands here; remove the credentials.",
    "authorization": "An authorization header's value stands here; read it from a connection.",
    "known-token": "A token of a well-known service stands here; remove it.",
    "assigned-secret": "A password, token or key is written out here; use a process property.",
    "random-string": "A long random string stands here, which may be a key; remove or accept it.",
    "masked-value": "A masked secret stands where none is expected; remove it.",
    "encrypted-path": "The platform lists an encrypted value by a path that is not understood.",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A piece of a value that looks like a secret."""

    rule: str
    found: str


# One cheap look decides for nearly every value that there is nothing to look for.
_TRIGGER = re.compile(
    r"PRIVATE KEY|PuTTY-User-Key|://[^/\s]*@|bearer\s|basic\s|eyJ|AKIA|ASIA|gh[a-z]_|github_pat|"
    r"xox[a-z]-|[sr]k_|AIza|glpat|SG\.|pass|pwd|secret|token|key|credential|auth|sig=|oracle:thin",
    re.IGNORECASE,
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d"
    r"|BEGIN [A-Z0-9 ]*PRIVATE KEY"
)
_URL_PASSWORD = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s/?#@:\"'<>]*:([^\s/?#@\"'<>]+)@|oracle:thin:[^\s/@]+/([^\s@]+)@",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"\b(?:bearer|token)\s+([A-Za-z0-9._~+/=-]{16,})|\bbasic\s+([A-Za-z0-9+/]{8,}={0,2})",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[abposr]-[A-Za-z0-9-]{10,}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
)
# name = "literal", "name": "literal", name, "literal", .name("literal"), <name>literal<
_ASSIGNED = re.compile(
    r"""([A-Za-z_][\w.-]{0,60})["'\])\s]{0,4}(?:=>|:=|==|[=:,(>]|<-)\s{0,20}"""
    r"""(?:new\s+String\s*\(\s*|\(?\w+\)\s*)?(?:"([^"\n]{1,400})"|'([^'\n]{1,400})')"""
)
_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]{0,60})(?:\s[^<>]*)?>([^<>]{4,400})</")
# Password=…;  ?api_key=…&  sig=…
_PARAMETER = re.compile(
    r"""(?:^|[\s;?&"'{,])([A-Za-z_][\w.-]{0,60})\s?=\s?([^\s;&"'<>(){}]{4,400})""", re.MULTILINE
)
_SIGNATURE = frozenset({"sig", "signature"})
_STANDS_FOR_SOMETHING_ELSE = re.compile(
    r"[?:@$%{<#*]|\*{3}|x{4}|\.\.\.|definedprocess\.|process\.|dynamic|document\.", re.IGNORECASE
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z_$.\- ]*")
_LONG = re.compile(r"[A-Za-z0-9+/=_~.-]{20,}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def search(text: str, *, random_strings: bool) -> Iterator[Hit]:
    """Yield what looks like a secret in `text`.

    `random_strings` says whether a long random string is suspicious here: not in profiles and
    the platform's own blobs, which are full of them.
    """
    if _TRIGGER.search(text):
        for match in _PRIVATE_KEY.finditer(text):
            yield Hit("private-key", text[match.start() : match.start() + 4000])
        yield from _url_passwords(text)
        for match in _AUTHORIZATION.finditer(text):
            credential = match[1] or match[2]
            if match[2] or _mixed(credential):
                yield Hit("authorization", credential)
        for match in _KNOWN.finditer(text):
            yield Hit("known-token", match[0])
        yield from _assigned(text)
    if random_strings:
        for match in _LONG.finditer(text):
            # An id inside or glued to the string explains its digits.
            for piece in _GUID.split(match[0]):
                if looks_random(piece):
                    yield Hit("random-string", piece)


def _url_passwords(text: str) -> Iterator[Hit]:
    for match in _URL_PASSWORD.finditer(text):
        password = match[1] or match[2]
        if not re.fullmatch(r"[{$%].*|\*+", password):
            yield Hit("url-password", match[0])


def _assigned(text: str) -> Iterator[Hit]:
    for match in _ASSIGNED.finditer(text):
        if _is_written_out(match[1], match[2] or match[3] or ""):
            yield Hit("assigned-secret", match[0])
    for match in _ELEMENT.finditer(text):
        if _is_written_out(match[1], match[2]):
            yield Hit("assigned-secret", match[0])
    for match in _PARAMETER.finditer(text):
        signed = match[1].lower() in _SIGNATURE and _mixed(match[2])
        # Without quotes a plain word is a variable.
        written_out = _is_written_out(match[1], match[2]) and not _IDENTIFIER.fullmatch(match[2])
        if signed or written_out:
            yield Hit("assigned-secret", match[0])


def _is_written_out(name: str, literal: str) -> bool:
    """Whether `literal` is itself the secret that `name` announces, not the name of one."""
    if kind(name) is not Kind.SECRET:
        return False
    literal = literal.strip()
    if len(literal) < 4 or " " in literal or _STANDS_FOR_SOMETHING_ELSE.match(literal):
        return False
    if literal.lower() in ("true", "false", "null", "none", "string", "bearer", "basic", "text"):
        return False
    # "password" -> "DPP_PASSWORD": a reference to where it is kept.
    if kind(literal) is Kind.SECRET and _IDENTIFIER.fullmatch(literal):
        return False
    # A password may be any word; a token or key that is a plain word is a name or a type.
    password = any(word in name.lower() for word in ("pass", "pwd"))
    return password or _mixed(literal) or looks_random(literal)


def _mixed(literal: str) -> bool:
    return (
        len(literal) >= 8
        and re.search(r"\d", literal) is not None
        and re.search(r"[A-Za-z]", literal) is not None
    )


def _class(character: str) -> int:
    if character.isdigit():
        return 0
    if character.isalpha():
        return 1 if character.islower() else 2
    return 3


def looks_random(text: str) -> bool:
    """Whether letters and digits are mixed as only a machine mixes them.

    Names change between small letters, capitals, digits and signs at their words' ends, every
    five characters or so; random strings at every second one.
    """
    text = text.strip("=.-_/+~")
    length = len(text)
    if length < 20 or not re.search(r"\d", text) or not re.search(r"[A-Za-z]", text):
        return False
    classes = [_class(character) for character in text]
    changes = sum(a != b for a, b in zip(classes, classes[1:], strict=False)) / (length - 1)
    counts = Counter(text)
    entropy = -sum(n / length * math.log2(n / length) for n in counts.values())
    kinds = set(classes) - {3}
    if len(kinds) == 3:
        return changes >= 0.42 and entropy >= 3.4
    if 3 in classes:
        return changes >= 0.5 and entropy >= 3.6 and length >= 32
    # Hex or base 36.
    return length >= 28 and changes >= 0.22 and entropy >= 2.8
