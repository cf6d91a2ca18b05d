"""The functions of `componentxml` for tests that begin and end with bytes: each parses what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from partnerapi import componentxml
from partnerapi.componentxml import NO_OVERRIDES, Document, Finding, Overrides, Place, Rewrite


@dataclass(frozen=True)
class Stripped:
    xml: bytes
    places: tuple[Place, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Rewritten:
    xml: bytes
    rewrites: tuple[Rewrite, ...]

    @property
    def count(self) -> int:
        return len(self.rewrites)


def strip(
    data: bytes,
    *,
    production: bytes | None = None,
    key: bytes = b"",
    overrides: Overrides = NO_OVERRIDES,
) -> Stripped:
    twin = None if production is None else Document.parse(production)
    done = componentxml.strip(Document.parse(data), production=twin, key=key, overrides=overrides)
    return Stripped(done.document.to_bytes(), done.places, done.findings)


def rewrite(data: bytes, ids: Mapping[str, str]) -> Rewritten:
    done = componentxml.rewrite(Document.parse(data), ids)
    return Rewritten(done.document.to_bytes(), done.rewrites)


def mask(data: bytes) -> bytes:
    return componentxml.mask(Document.parse(data)).to_bytes()


def hide(data: bytes) -> bytes:
    return componentxml.hide(Document.parse(data)).to_bytes()


def fill(data: bytes, *, production: bytes | None, ids: Mapping[str, str]) -> bytes:
    twin = None if production is None else Document.parse(production)
    return componentxml.fill(Document.parse(data), production=twin, ids=ids).to_bytes()


def digest(data: bytes) -> str:
    return componentxml.digest(Document.parse(data))


def normalise(data: bytes) -> bytes:
    return componentxml.normalise(Document.parse(data))


def pretty_lines(data: bytes) -> list[str]:
    return componentxml.pretty_lines(Document.parse(data))


def read_envelope(data: bytes) -> componentxml.Envelope:
    return componentxml.read_envelope(Document.parse(data))


def set_envelope(data: bytes, *, component_id: str | None, **given: str | None) -> bytes:
    return componentxml.set_envelope(
        Document.parse(data), component_id=component_id, **given
    ).to_bytes()
