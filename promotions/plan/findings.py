"""What a person must know or settle before a plan is promoted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from partnerapi import componentxml
from partnerapi.componentxml import Document
from partnerapi.records import ComponentMetadata

from ..access import same_person
from ..messages import message
from ..models import Acceptance, DevAccount, Finding, Plan, PlannedComponent
from .resolve import CONNECTION, MAPPED_ONLY, Resolved

CHANGE_HIDDEN = "CHANGE_HIDDEN"


def unresolved(resolved: Resolved) -> Iterable[Finding]:
    """References that lead nowhere: no dangling reference reaches production."""
    for key, user in resolved.unresolved.items():
        yield Finding(
            code="UNRESOLVED_REFERENCES",
            subject_id=key,
            subject_name=user,
            message=f"“{user}” refers to {key}, which is deleted or cannot be read.",
        )


def versions_differ(resolved: Resolved) -> Iterable[Finding]:
    """Packages that are promoted together hold one component in different versions; production has only one."""
    for key, metadata in resolved.components.items():
        if metadata.type in MAPPED_ONLY:
            continue
        held = [(part, part.version(key)) for part in resolved.packages if key in part.components]
        if len({version for _, version in held}) > 1:
            told = " and ".join(
                f"version {version} in the package {part.package.package_version} of "
                f"“{part.components[part.root].name}”"
                for part, version in held
            )
            yield Finding(
                code="VERSIONS_DIFFER",
                subject_id=metadata.component_id,
                subject_name=metadata.name,
                message=f"“{metadata.name}” is at {told}.",
            )


def missing_mapping(component: ComponentMetadata) -> Iterable[Finding]:
    """A component that is never copied has no production twin."""
    is_connection = component.type == CONNECTION
    named = f"The connection “{component.name}”"
    if not is_connection:
        named = f"“{component.name}” ({component.type})"
    yield Finding(
        code="MISSING_CONNECTION_MAPPINGS" if is_connection else "MISSING_MAPPINGS",
        subject_id=component.component_id,
        subject_name=component.name,
        message=f"{named} has no production twin.",
    )


def older_package(resolved: Resolved) -> dict[str, list[Finding]]:
    """Dev id -> finding, for components changed since they were packaged, if only the newest version can be read.

    Untested changes would travel under a tested version, so each one blocks, the packaged component's own and its
    parts'.
    """
    package = resolved.package
    found = {}
    for key, metadata in resolved.components.items():
        if key in resolved.pinned or metadata.type in MAPPED_ONLY:
            continue
        is_root = key == resolved.root
        older = is_root and (package.component_version or metadata.version) < metadata.version
        modified, packaged = metadata.modified_date, package.created_date
        if not older and not (modified and packaged and modified > packaged):
            continue
        held = f"version {package.component_version} of" if is_root else "an earlier version of"
        found[key] = [
            Finding(
                code="PACKAGE_OLDER",
                subject_id=metadata.component_id,
                subject_name=metadata.name,
                message=f"The package holds {held} “{metadata.name}”, which is at version {metadata.version} now. "
                f"Version {metadata.version} would be promoted.",
                fingerprint=fingerprint_of([package.package_id, str(metadata.version)]),
                can_be_accepted=True,
            )
        ]
    return found


def connector_of_account(component: ComponentMetadata, document: Document) -> Iterable[Finding]:
    """The subtype of a custom connector begins with the id of the account it was made in, wherever it appears."""
    accounts = DevAccount.objects.values_list("account_id", flat=True)
    own = rf"(?:{'|'.join(map(re.escape, accounts))})-[\w.-]+"
    quoted = re.compile(rf"[\"'>\s]({own})[\"'<\s]".encode(), re.IGNORECASE)
    named = {match.decode(errors="replace") for match in quoted.findall(document.data)}
    if re.fullmatch(own, component.sub_type, re.IGNORECASE):
        named.add(component.sub_type)
    for sub_type in sorted(named):
        yield Finding(
            code="CONNECTOR_OF_ACCOUNT",
            subject_id=component.component_id,
            subject_name=component.name,
            message=f"“{component.name}” uses the connector {sub_type}, which belongs to a dev account.",
            fingerprint=fingerprint_of([sub_type]),
            can_be_accepted=True,
        )


def secrets_left(
    component: ComponentMetadata, stripped: componentxml.Stripped
) -> Iterable[Finding]:
    """Values that still look like secrets: the component stops here until an admin accepts them."""
    for finding in stripped.findings:
        yield Finding(
            code="SECRET_LEFT_BEHIND",
            subject_id=component.component_id,
            subject_name=component.name,
            message=finding.message,
            path=finding.path,
            fingerprint=finding.fingerprint,
            can_be_accepted=True,
        )


def changes_hidden(
    component: PlannedComponent, dev_account: DevAccount, stripped: componentxml.Stripped
) -> Iterable[Finding]:
    """Production keeps its value although the dev account has a different one that nobody has been told about.

    A value that was reported at the component's last promotion, and has not changed since, is not reported again.
    """
    hidden = [place for place in stripped.places if place.hides_change]
    if not hidden:
        return
    before = (
        PlannedComponent.objects.filter(
            plan__dev_account=dev_account,
            dev_component_id=component.dev_component_id,
            plan__promotion__merged_at__isnull=False,
        )
        .order_by("-plan__promotion__merged_at")
        .first()
    )
    told = {place.get("value") for place in before.places} if before else set()
    paths = [place.path for place in hidden if place.fingerprint not in told]
    if not paths:
        return
    count = len(paths)
    yield Finding(
        code=CHANGE_HIDDEN,
        subject_id=component.dev_component_id,
        subject_name=component.name,
        message=(
            f"{count} value{'s' if count > 1 else ''} of “{component.name}” changed in dev, "
            f"production’s {'are' if count > 1 else 'is'} kept."
        ),
        path=", ".join(paths),
        blocking=False,
    )


def secret_set_in_production(
    component: ComponentMetadata, production: componentxml.Envelope
) -> Iterable[Finding]:
    """A twin with a secret set: sources disagree on whether an omitted secret survives an update."""
    if production.encrypted_paths:
        yield Finding(
            code="SECRET_SET_IN_PRODUCTION",
            subject_id=component.component_id,
            subject_name=component.name,
            message=message("SECRET_SET_IN_PRODUCTION").happened,
            path=", ".join(production.encrypted_paths),
            fingerprint=fingerprint_of(production.encrypted_paths),
            can_be_accepted=True,
        )


def rewritten_in_data(
    component: ComponentMetadata, rewritten: componentxml.Rewritten
) -> Iterable[Finding]:
    """Known ids in scripts or data: rewritten, and shown to the reviewer."""
    for rewrite in rewritten.rewrites:
        if rewrite.context != "reference":
            yield Finding(
                code="REWRITTEN_IN_DATA",
                subject_id=component.component_id,
                subject_name=component.name,
                message=f"The id {rewrite.old} is rewritten in a {rewrite.context}.",
                path=rewrite.path,
                blocking=False,
            )


def fingerprint_of(paths: Iterable[str]) -> str:
    """Identifies a set of paths: accepting them accepts no other set.

    :returns: SHA-256, in hex.
    """
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()


def acceptance_of(plan: Plan, key: str, found: Finding) -> Acceptance | None:
    """An admin's earlier acceptance of the same finding over the same value, unless the admin made this plan."""
    if not found.can_be_accepted:
        return None
    accepted = (
        Acceptance.objects.filter(
            dev_account=plan.dev_account,
            dev_component_id=key,
            code=found.code,
            fingerprint=found.fingerprint,
        )
        .select_related("accepted_by")
        .first()
    )
    if accepted is None or same_person(accepted.accepted_by, plan.requested_by):
        return None
    return accepted
