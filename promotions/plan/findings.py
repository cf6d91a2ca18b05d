"""What a person must know or settle before a plan is promoted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from partnerapi import componentxml
from partnerapi.client import PartnerApiClient
from partnerapi.records import ComponentMetadata

from ..access import same_person
from ..messages import message
from ..models import Acceptance, ComponentMapping, DevAccount, Finding, Plan, PlannedComponent
from ..states import OPEN, Action
from .resolve import CONNECTION, Resolved


def unresolved(resolved: Resolved) -> Iterable[Finding]:
    """References that lead nowhere: no dangling reference reaches production."""
    for key, user in resolved.unresolved.items():
        yield Finding(
            code="UNRESOLVED_REFERENCES",
            subject_id=key,
            subject_name=user,
            message=f"“{user}” refers to {key}, which is deleted or cannot be read.",
        )


def missing_connections(resolved: Resolved, mapped: Mapping[str, str]) -> Iterable[Finding]:
    """All connections without a production twin, together."""
    for key, metadata in resolved.components.items():
        if metadata.type == CONNECTION and key not in mapped:
            yield Finding(
                code="MISSING_CONNECTION_MAPPINGS",
                subject_id=metadata.component_id,
                subject_name=metadata.name,
                message=f"The connection “{metadata.name}” has no production twin.",
            )


def older_package(resolved: Resolved) -> Iterable[Finding]:
    """A package whose component has moved on, where the platform gives only the newest."""
    package, root = resolved.package, resolved.components[resolved.root]
    if resolved.pinned or package.component_version is None:
        return
    if package.component_version < root.version:
        yield Finding(
            code="PACKAGE_OLDER",
            subject_id=root.component_id,
            subject_name=root.name,
            message=f"The package holds version {package.component_version} of “{root.name}”, which is at version "
            f"{root.version} now. Version {root.version} is promoted.",
            blocking=False,
        )


def reserved(dev_account: DevAccount, created: Iterable[str]) -> Iterable[Finding]:
    """Components that another open promotion is creating already."""
    others = PlannedComponent.objects.filter(
        action=Action.CREATE,
        dev_component_id__in=list(created),
        plan__dev_account=dev_account,
        plan__promotion__status__in=OPEN,
        plan__promotion__merged_at__isnull=True,
    ).select_related("plan__promotion")
    for other in others:
        yield Finding(
            code="COMPONENT_RESERVED",
            subject_id=other.dev_component_id,
            subject_name=other.name,
            message=f"Promotion {other.plan.promotion.pk} is creating “{other.name}”.",
        )


def twin_in_production(
    client: PartnerApiClient,
    dev_account: DevAccount,
    component: ComponentMetadata,
    target_folder: str,
) -> Iterable[Finding]:
    """A production component that looks like the one to be created and is no twin of this account's.

    One that another dev account is mapped to counts: a library component in two accounts has one twin.
    """
    seen: set[str] = set()
    copies = client.query_component_metadata(copied_from_component_id=component.component_id)
    namesakes = client.query_component_metadata(name=component.name, component_type=component.type)
    for how, twins in (
        ("was copied from it", copies),
        ("has its name, type and folder", namesakes),
    ):
        for twin in twins:
            if how.startswith("has") and not same_folder(twin.folder_full_path, target_folder):
                continue
            if twin.component_id in seen or _is_mapped(dev_account, twin.component_id):
                continue
            seen.add(twin.component_id)
            yield Finding(
                code="TWIN_IN_PRODUCTION",
                subject_id=twin.component_id,
                subject_name=component.name,
                message=f"Production component {twin.component_id} in “{twin.folder_full_path}” {how}.",
                fingerprint=twin.component_id,
                can_be_accepted=True,
            )


def same_folder(one: str, other: str) -> bool:
    """Whether two folder paths are one, apart from the account's name and /Promoted at their beginning.

    Operation 5 of the published API tells a folder's own name only: a bare name is compared with the last one.
    """
    short, long = sorted((_below_promoted(one), _below_promoted(other)), key=len)
    is_bare = "/" not in one or "/" not in other
    return long[len(long) - len(short) :] == short and (is_bare or len(long) - len(short) <= 1)


def _below_promoted(path: str) -> list[str]:
    parts = [part.casefold() for part in path.split("/") if part]
    return parts[parts.index("promoted") + 1 :] if "promoted" in parts else parts


def _is_mapped(dev_account: DevAccount, prod_component_id: str) -> bool:
    return ComponentMapping.objects.filter(
        dev_account=dev_account, prod_component_id__iexact=prod_component_id
    ).exists()


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


def secret_set_in_production(
    component: ComponentMetadata, production: componentxml.Envelope
) -> Iterable[Finding]:
    """A twin with a secret set: sources conflict on whether an omitted secret survives an update."""
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
    """Known ids that stand in scripts or data: rewritten, and shown to the reviewer."""
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
    """Stands for a set of paths: accepting them accepts no other set."""
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()


def acceptance_of(plan: Plan, key: str, found: Finding) -> Acceptance | None:
    """An admin's earlier word on the same finding with the same value behind it; not that of the plan's maker."""
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
