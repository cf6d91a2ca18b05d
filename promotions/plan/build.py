"""Makes a plan: many calls, then one transaction that freezes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from .. import partner
from ..messages import PromotionError
from ..models import (
    NO_HOLD,
    Finding,
    Plan,
    PlannedComponent,
    PlanPackage,
    PromotedPackage,
)
from ..worker.lease import Lease
from ..worker.loop import Progress, Stop, Work, carry_on
from ..worker.timing import SHORT_PATIENCE
from . import cautions, findings, rollback
from .classify import Draft
from .compare import Compared, check_premises, compare, look_around
from .outline import outline
from .readings import sentences
from .resolve import Resolved, Walk, find_content, united
from .rules import RULES_VERSION

# How many workers in a row may die while making one plan.
MAX_CLAIMS = 8


def build_plan(plan_id: int) -> None:
    """Make one plan, if it is due and no other worker is making it. It ends ready or failed, never half made."""
    carry_on(PlanWork(), plan_id)


class PlanWork(Work[Plan]):
    """Somebody waits for it on a page, so it gives up sooner than a promotion."""

    model = Plan
    patience = SHORT_PATIENCE
    most_workers = MAX_CLAIMS

    def take(self, row: Plan, lease: Lease) -> Stop:
        """Make the whole plan in one go."""
        _build(row, lease)
        return Stop("ready")

    def fail(self, row: Plan, lease: Lease, error: PromotionError) -> None:
        """Keep the error for the plan's page."""
        lease.record(
            state=Plan.State.FAILED,
            error_code=error.code,
            error=error.detail,
            finished_at=timezone.now(),
            next_attempt_at=None,
            **NO_HOLD,
        )


def _build(plan: Plan, lease: Lease) -> None:
    if plan.restores is not None:
        _build_rollback(plan, plan.restored or plan.restores, lease)
        return
    account = plan.dev_account
    client = partner.client(plan=plan, check=lease.check)
    progress = Progress(lease)

    def report(text: str, done: int, total: int) -> None:
        progress(text, progress_done=done, progress_total=total)

    report("Reading the package", 0, 0)
    walks: list[Walk] = []
    for source in plan.packages:
        package, manifest = find_content(
            client,
            account.account_id,
            source.package_id,
            component_id=source.root_component_id,
            version=source.package_version,
        )
        source.root_component_id = package.component_id
        source.package_version = package.package_version
        walks.append(Walk(client, account, package, manifest, beside=walks[0] if walks else None))
    _check_roots(walks)
    compared: Compared | None = None
    if not all(walk.is_known() for walk in walks):
        seen = [found for walk in walks if (found := outline(walk, report)) is not None]
        if len(seen) == len(walks):
            compared = compare(client, plan, united(seen), report)
            _store(plan, lease, compared)
    resolved = united([walk.resolve(report) for walk in walks])
    if compared is not None and compared.resolved.components.keys() == resolved.components.keys():
        compared.put_in_order(resolved)
    else:
        compared = compare(client, plan, resolved, report)
        _store(plan, lease, compared)
    for walk in walks:
        walk.keep_uses()
    look_around(client, compared)
    _store(plan, lease, compared, is_ready=True)


def _check_roots(walks: list[Walk]) -> None:
    """:raises PromotionError: ONE_PROCESS_TWICE."""
    roots: dict[str, Walk] = {}
    for walk in walks:
        other = roots.setdefault(walk.root, walk)
        if other is not walk:
            versions = f"{other.package.package_version} and {walk.package.package_version}"
            raise PromotionError("ONE_PROCESS_TWICE", f"The packages {versions}.")


def _build_rollback(plan: Plan, former: PromotedPackage, lease: Lease) -> None:
    """Plan to restore what an earlier promotion brought; see ``rollback``."""
    source = former.origin
    client = partner.client(plan=plan)
    progress = Progress(lease)
    made = rollback.restore(
        client,
        plan,
        former,
        lambda text, done, total: progress(text, progress_done=done, progress_total=total),
    )
    check_premises(client, plan, made.drafts)
    root_id = source.plan.twin_of(former.planned) or former.process_id
    packages = client.query_packaged_components(component_id=root_id, with_deleted=True)
    back = f"It restores what promotion {source.pk} brought: version {former.package_version}."
    now = timezone.now()
    with lease.writing():
        _store_components(plan, made.drafts)
        for finding in made.findings:
            _store_finding(plan, None, finding)
        lease.record(
            state=Plan.State.READY,
            content_hash=content_hash(plan.package_id, (draft.component for draft in made.drafts)),
            rules_version=RULES_VERSION,
            package_created_at=former.planned.package_created_at,
            compares_packaged_versions=True,
            taken_versions=sorted({package.package_version for package in packages}),
            sentences=[back, *sentences((each.component, each.reading) for each in made.drafts)],
            progress="",
            progress_done=len(made.drafts),
            progress_total=len(made.drafts),
            readable_at=now,
            finished_at=now,
            next_attempt_at=None,
        )


def _store(plan: Plan, lease: Lease, compared: Compared, *, is_ready: bool = False) -> None:
    """Store the plan: ready, or readable while the rest is still being asked."""
    resolved, drafts = compared.resolved, compared.drafts
    general = [
        *findings.unresolved(resolved),
        *findings.versions_differ(resolved),
        *cautions.not_for_packs(resolved),
        *cautions.not_packaged_along(resolved),
    ]
    told = [_of_package(part, compared) for part in resolved.packages]
    further = plan.packages[1:]
    now = timezone.now()
    plan.readable_at = plan.readable_at or now
    with lease.writing():
        if compared.is_stored:
            # Somebody may be reading it: whatever is unchanged stays the same row.
            plan.findings.filter(component=None).delete()
            PlannedComponent.objects.bulk_update(
                (made.component for made in drafts), ["group", "depends_on"], batch_size=100
            )
            for made in drafts:
                for finding in made.found:
                    if finding.pk is None:
                        _store_finding(plan, made.component, finding)
        else:
            _store_components(plan, drafts)
        for finding in general:
            _store_finding(plan, None, finding)
        compared.is_stored = True
        columns: dict[str, Any] = {}
        if is_ready:
            columns = {"state": Plan.State.READY, "finished_at": now, "next_attempt_at": None}
        for source, of_source in zip(further, told[1:], strict=True):
            PlanPackage.objects.filter(pk=source.pk).update(**of_source)
        lease.record(
            **told[0],
            content_hash=content_hash(
                resolved.package.package_id,
                (made.component for made in drafts),
                further=[source.package_id for source in further],
            ),
            rules_version=RULES_VERSION,
            compares_packaged_versions=resolved.is_pinned,
            sentences=sentences((made.component, made.reading) for made in drafts),
            progress="",
            progress_done=len(drafts),
            progress_total=len(drafts),
            readable_at=plan.readable_at,
            **columns,
        )


def _of_package(part: Resolved, compared: Compared) -> dict[str, Any]:
    """Columns for what has been learnt of one package."""
    root = part.components[part.root]
    return {
        "package_version": part.package.package_version,
        "root_component_id": part.root,
        "root_name": root.name,
        "root_type": root.type,
        "package_created_at": part.package.created_date,
        "taken_versions": compared.taken.get(part.root, []),
    }


def _store_components(plan: Plan, drafts: list[Draft]) -> None:
    plan.components.all().delete()
    plan.findings.all().delete()
    for made in drafts:
        made.component.plan, made.component.pk = plan, None
        made.component.save(force_insert=True)
        for finding in made.found:
            finding.pk = None
            _store_finding(plan, made.component, finding)


def _store_finding(plan: Plan, component: PlannedComponent | None, finding: Finding) -> None:
    finding.plan, finding.component = plan, component
    if component is not None:
        accepted = findings.acceptance_of(plan, component.dev_component_id, finding)
        if accepted is not None:
            finding.accepted_by, finding.accepted_reason = accepted.accepted_by, accepted.reason
    finding.save()


def deployed_hash(made: PromotedPackage) -> str:
    """Covers the package that a deployment brings to further environments.

    :param made: the promotion that has packaged it, or a further package of one.
    :returns: SHA-256, in hex.
    """
    content = {
        "deployment": made.prod_package_id,
        "released": made.released_package_id,
        "version": made.package_version,
        "content": made.origin.content_hash,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def content_hash(
    package_id: str, components: Iterable[PlannedComponent], *, further: Sequence[str] = ()
) -> str:
    """Covers each component's dev version, production base version, action and symbolic content.

    :param components: in the order of promotion.
    :param further: the ids of the other packages of a bundle.
    :returns: SHA-256, in hex; of one package as it was before there were bundles.
    """
    content: dict[str, Any] = {
        "package": package_id,
        "components": [
            [
                component.dev_component_id,
                component.dev_version,
                component.prod_component_id,
                component.prod_version,
                str(component.action),
                component.digest,
            ]
            for component in components
        ],
    }
    if further:
        content["further"] = list(further)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
