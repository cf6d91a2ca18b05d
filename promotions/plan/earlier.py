"""Earlier work that a plan would undo: changes made in production, newer packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from partnerapi import componentxml
from partnerapi.componentxml import Document
from partnerapi.records import PackagedComponent

from ..models import (
    ComponentMapping,
    Content,
    DevAccount,
    Finding,
    PlannedComponent,
    PromotionRequest,
    SourcePackage,
)
from ..reading import lines
from . import contents
from .findings import fingerprint_of
from .readings import read_lines


@dataclass(frozen=True)
class Plain:
    """A production component without secrets and environment values, so that filling those in changes nothing here."""

    digest: str
    text: str

    @classmethod
    def of(cls, document: Document) -> Plain:
        """Strip a document and keep its digest and its lines.

        :raises ComponentXmlError: as ``componentxml.strip``.
        """
        bare = componentxml.strip(document).document
        lines = componentxml.pretty_lines(componentxml.hide(bare))
        return cls(componentxml.digest(bare), "\n".join(lines))

    def store(self) -> Content:
        """Store its lines for the pages."""
        return contents.store(self.text.encode())


def changed_in_production(
    dev_account: DevAccount,
    component: PlannedComponent,
    production: Document,
    wanted: Document,
    names: Mapping[str, str],
) -> Iterable[Finding]:
    """The twin is not what was promoted last, or another account promoted it: this promotion would undo that.

    :param component: an update, with the twin's version.
    :param production: the twin's XML on main.
    :param wanted: what this promotion would make of it.
    :param names: names of components by id and by placeholder.
    """
    mappings = list(
        ComponentMapping.objects.of_twins([component.prod_component_id])
        .select_related("dev_account", "promoted_text")
        .order_by("last_promoted_at", "pk")
    )
    own = next((m for m in mappings if m.dev_account_id == dev_account.pk), None)
    now = Plain.of(production)
    if own is not None and is_as_promoted(own, component.prod_version, now):
        return
    promoted = [mapping for mapping in mappings if mapping.last_promoted_at is not None]
    last = promoted[-1] if promoted else own
    if last is None or (
        not last.promoted_digest and last.prod_version in (None, component.prod_version)
    ):
        return
    is_ours = last.dev_account_id == dev_account.pk
    by = "" if is_ours else f" from “{last.dev_account}”"
    versions = f"version {last.prod_version or '?'}"
    if last.prod_version != component.prod_version:
        versions += f" → {component.prod_version}"
    if is_as_promoted(last, component.prod_version, now):
        if is_ours:
            return
        what = f"“{component.name}” was promoted last{by} ({versions}). This promotion would replace that."
    else:
        what = (
            f"“{component.name}” was changed in production since it was promoted{by} ({versions}). "
            "This promotion would take the change back."
        )
    yield Finding(
        code="CHANGED_IN_PRODUCTION",
        subject_id=component.prod_component_id,
        subject_name=component.name,
        message=what,
        fingerprint=fingerprint_of([now.digest, str(component.prod_version)]),
        can_be_accepted=True,
        **_by_hand(last, own, now, wanted, names),
    )


def is_as_promoted(mapping: ComponentMapping, version: int | None, now: Plain) -> bool:
    """Whether production has what was promoted; with other rules the digest says nothing, but the version does.

    :param version: the version that production has now.
    """
    if componentxml.rules_of(mapping.promoted_digest) != componentxml.rules_of(now.digest):
        return bool(mapping.promoted_digest) and mapping.prod_version == version
    return mapping.promoted_digest == now.digest


def _by_hand(
    last: ComponentMapping,
    own: ComponentMapping | None,
    now: Plain,
    wanted: Document,
    names: Mapping[str, str],
) -> dict[str, Content]:
    """From what was promoted last to what production has now; None if the former is not known."""
    before = last if last.promoted_digest != now.digest else own
    if before is None or before.promoted_text is None:
        return {}
    old = before.promoted_text.content.decode()
    compared = lines.compare(old.split("\n"), now.text.split("\n"))
    found = {"difference": contents.store(compared.to_json())}
    reading, outcome = (read_lines(old, text, names) for text in (now.text, Plain.of(wanted).text))
    if reading is not None and outcome is not None:
        found["reading"] = contents.store(reading.to_json())
        found["outcome"] = contents.store(outcome.to_json())
    return found


def downgrades(
    dev_account: DevAccount,
    package: PackagedComponent,
    components: Iterable[PlannedComponent],
) -> dict[str, Finding]:
    """Dev id -> finding, for what was already promoted at a newer version or from a newer package."""
    written = {c.dev_component_id: c for c in components if c.is_written and c.prod_component_id}
    promoted = ComponentMapping.objects.filter(
        dev_account=dev_account,
        dev_component_id__in=written,
        promoted_dev_version__isnull=False,
    )
    found = {}
    for mapping in promoted:
        component = written[mapping.dev_component_id]
        newest = mapping.promoted_dev_version or 0
        if component.dev_version < newest:
            found[component.dev_component_id] = _downgrade(
                component,
                package,
                f"Production has version {newest} of “{component.name}” from the dev account; this package brings "
                f"version {component.dev_version} back.",
            )
    root = written.get(package.component_id.lower())
    newer = _newer_package(dev_account, package) if root is not None else None
    if root is not None and newer is not None:
        found[root.dev_component_id] = _downgrade(
            root,
            package,
            f"Production has {newer.package_version} of “{root.name}”, which was packaged after this package "
            f"{package.package_version}.",
        )
    return found


def _newer_package(dev_account: DevAccount, package: PackagedComponent) -> SourcePackage | None:
    """The package of the same component that was promoted last, if it was made after this one."""
    latest = (
        PromotionRequest.objects.of_root(dev_account, package.component_id)
        .filter(merged_at__isnull=False)
        .exclude(plan__package_id=package.package_id)
        .exclude(further__planned__package_id=package.package_id)
        .select_related("plan")
        .order_by("-merged_at")
        .first()
    )
    if latest is None or package.created_date is None:
        return None
    promoted = latest.plan.package_of(package.component_id)
    made = promoted.package_created_at
    return promoted if made is not None and made > package.created_date else None


def _downgrade(component: PlannedComponent, package: PackagedComponent, message: str) -> Finding:
    return Finding(
        code="DOWNGRADE",
        subject_id=component.dev_component_id,
        subject_name=component.name,
        message=message,
        fingerprint=fingerprint_of(
            [package.package_id, str(component.dev_version), str(component.prod_version)]
        ),
        can_be_accepted=True,
    )
