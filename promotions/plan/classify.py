"""One component of a plan: its content with symbolic references, its action, what it does to production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from partnerapi import componentxml
from partnerapi.componentxml import ComponentXmlError, Document, Overrides
from partnerapi.records import Component, ComponentMetadata

from ..messages import PromotionError
from ..models import DevAccount, Finding, Installation, Plan, PlannedComponent
from ..reading import Reading, lines
from ..states import Action, EnvironmentValues
from . import cautions, contents, earlier, findings, team_rules
from .pairs import Pair
from .readings import read_change
from .resolve import Resolved

ROOT_FOLDER = "Promoted"


@dataclass
class Draft:
    """A planned component and its findings, before both are stored."""

    component: PlannedComponent
    found: list[Finding] = field(default_factory=list)
    reading: Reading | None = None
    #: Dev ids of other components of the plan that stand in its XML where references stand.
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Symbolic:
    """A dev component as it would be in production, with placeholders for values that do not exist yet."""

    document: Document
    digest: str
    stripped: componentxml.Stripped
    rewritten: componentxml.Rewritten


@dataclass(frozen=True)
class StripRules:
    """What stripping needs from the database.

    :param key: keys the fingerprints of accepted findings, so that they give no value away.
    """

    overrides: Overrides
    key: bytes

    @classmethod
    def now(cls) -> StripRules:
        """The team's overrides and the key of this moment, from the database."""
        return cls(team_rules.active(), fingerprint_key())


def target_folder(dev_account: DevAccount, folder: str) -> str:
    """``/Promoted`` and the dev folder, without the account's name at its beginning (guide, op 2)."""
    parts = [part for part in folder.split("/") if part]
    if parts and parts[0].casefold() == dev_account.name.casefold():
        parts = parts[1:]
    return "/".join(["", ROOT_FOLDER, *parts])


def symbolic(
    dev: Document,
    *,
    production: Document | None,
    references: Mapping[str, str],
    environment_values: str,
    rules: StripRules | None = None,
) -> Symbolic:
    """Strip and rewrite one component.

    :param production: the twin's XML, whose own values stay if ``environment_values`` says so.
    :param references: lower-case dev id -> production id, or a symbol for what does not exist yet.
    :param rules: the current rules, if the caller has them; required in a thread, which may not use the database.
    :raises PromotionError: BAD_RESPONSE, UNSAFE_XML, COMPONENT_TOO_LARGE.
    """
    rules = rules or StripRules.now()
    overrides = rules.overrides
    keep = production if environment_values == EnvironmentValues.KEEP else None
    try:
        stripped = componentxml.strip(dev, production=keep, key=rules.key, overrides=overrides)
        rewritten = componentxml.rewrite(stripped.document, references)
        digest = componentxml.digest(rewritten.document, overrides)
    except ComponentXmlError as error:
        raise PromotionError(error.code, error.message) from error
    return Symbolic(rewritten.document, digest, stripped, rewritten)


def fingerprint_key() -> bytes:
    """Keys the fingerprints of accepted findings, so that they give no value away."""
    return Installation.load().key("finding")


def draft(plan: Plan, resolved: Resolved, pair: Pair, mapped: Mapping[str, str]) -> Draft:
    """Plan one component: strip, rewrite, compare with its twin."""
    dev_account = plan.dev_account
    key, dev = pair.key, pair.dev
    metadata = resolved.components[key]
    prod_id = mapped.get(key, "")
    component = PlannedComponent(
        dev_component_id=key,
        name=metadata.name,
        component_type=metadata.type,
        sub_type=metadata.sub_type,
        copied_from=metadata.copied_from_component_id,
        dev_folder=metadata.folder_full_path,
        target_folder=target_folder(dev_account, metadata.folder_full_path),
        dev_version=resolved.version(key),
        prod_component_id=prod_id,
    )
    made = Draft(component)
    if dev is None:
        component.action = Action.CONNECTION
        if not prod_id:
            made.found += findings.missing_mapping(metadata)
        return made
    # Operation 5 of the published API tells a folder's own name only; the document has the path.
    folder = componentxml.read_envelope(dev).folder_full_path or metadata.folder_full_path
    component.dev_folder, component.target_folder = folder, target_folder(dev_account, folder)
    production = _production(pair.twin, metadata, made) if pair.twin is not None else None
    references = {
        other: mapped.get(other) or componentxml.symbol(other) for other in resolved.components
    }
    wanted = symbolic(
        dev,
        production=production,
        references=references,
        environment_values=plan.environment_values,
    )
    named = [one.old for one in wanted.rewritten.rewrites if one.context == "reference"]
    made.names = [other for other in dict.fromkeys(named) if other != key]
    if production is not None and plan.environment_values != EnvironmentValues.KEEP:
        made.found += cautions.values_emptied(metadata, dev, production)
    made.found += findings.secrets_left(metadata, wanted.stripped)
    made.found += findings.rewritten_in_data(metadata, wanted.rewritten)
    made.found += findings.connector_of_account(metadata, dev)
    names = names_of(resolved, mapped)
    compare(made, dev_account, wanted, production, names)
    if production is not None and component.action == Action.UPDATE:
        made.found += earlier.changed_in_production(
            dev_account, component, production, wanted.document, names
        )
    made.found += cautions.listener(metadata, dev.data)
    if production is not None and made.reading is not None:
        made.found += cautions.elements_retyped(metadata, made.reading)
    return made


def _production(twin: Component, metadata: ComponentMetadata, made: Draft) -> Document:
    """The twin's XML; something in it may itself be a finding."""
    made.component.prod_version = twin.version
    made.found += findings.secret_set_in_production(
        metadata, componentxml.read_envelope(twin.document)
    )
    return twin.document


def names_of(resolved: Resolved, mapped: Mapping[str, str]) -> dict[str, str]:
    """What the components are called, by dev id, by production id and by placeholder."""
    names: dict[str, str] = {}
    for key, metadata in resolved.components.items():
        for known in (key, componentxml.symbol(key), mapped.get(key, "")):
            names[known] = metadata.name
    return names


def compare(
    made: Draft,
    dev_account: DevAccount,
    wanted: Symbolic,
    production: Document | None,
    names: Mapping[str, str],
) -> None:
    """Fill in the action of a draft and, if something is written, what changes.

    :param wanted: what production would have; `production` what it has, None if the component is new.
    """
    overrides = team_rules.active()
    base = componentxml.mask(production, overrides=overrides) if production is not None else None
    base_digest = componentxml.digest(base, overrides) if base is not None else ""
    component = made.component
    if not component.prod_component_id:
        component.action = Action.CREATE
    else:
        component.action = Action.UNCHANGED if base_digest == wanted.digest else Action.UPDATE
    component.digest, component.base_digest = wanted.digest, base_digest
    component.places = [
        {"path": place.path, "rule": place.rule, "outcome": place.outcome}
        | ({"hides_change": True, "value": place.fingerprint} if place.hides_change else {})
        for place in wanted.stripped.places
    ]
    made.found += findings.changes_hidden(component, dev_account, wanted.stripped)
    component.rewrites = [
        {"path": rewrite.path, "context": rewrite.context} for rewrite in wanted.rewritten.rewrites
    ]
    if component.action == Action.UNCHANGED:
        # A secret that is set matters only where something is written.
        made.found = [f for f in made.found if f.code == findings.CHANGE_HIDDEN]
        return
    if not wanted.stripped.findings:
        # What may be a secret is not kept: staging reads such a component again.
        component.content = contents.store(wanted.document.to_bytes())
    for column, value in store_difference(base, wanted.document).items():
        setattr(component, column, value)
    made.reading = read_change(base, wanted.document, names)
    if made.reading is not None:
        component.sentence = made.reading.sentence
        component.reading = contents.store(made.reading.to_json())


def store_difference(old: Document | None, new: Document) -> dict[str, Any]:
    """Columns for the difference of two masked documents, stored for the pages without anything like a secret."""
    before = componentxml.pretty_lines(componentxml.hide(old)) if old is not None else []
    compared = lines.compare(before, componentxml.pretty_lines(componentxml.hide(new)))
    return {
        "difference": contents.store(compared.to_json()),
        "difference_parts": compared.parts_to_open,
        "lines_added": compared.added,
        "lines_removed": compared.removed,
    }
