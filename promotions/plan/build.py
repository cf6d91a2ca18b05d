"""Makes a plan: many calls, then one transaction that freezes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from ..messages import PromotionError
from ..models import (
    NO_HOLD,
    Finding,
    Plan,
    PlannedComponent,
    PromotionRequest,
)
from ..partner import client as partner_client
from ..worker.lease import Lease
from ..worker.loop import Progress, Stop, Work, carry_on
from ..worker.timing import SHORT_PATIENCE
from . import cautions, findings, rollback
from .classify import Draft
from .compare import Compared, check_premises, compare, look_around
from .outline import outline
from .readings import sentences
from .resolve import Walk, find_content
from .rules import RULES_VERSION

# How many workers in a row may die at a plan.
MAX_CLAIMS = 8


def build_plan(plan_id: int) -> None:
    """Make one plan, if it is due and no other worker is at it. Never half a plan: it ends ready or failed."""
    carry_on(PlanWork(), plan_id)


class PlanWork(Work[Plan]):
    """Somebody waits for it at a page, so it gives up earlier than a promotion."""

    model = Plan
    patience = SHORT_PATIENCE
    most_workers = MAX_CLAIMS

    def take(self, row: Plan, lease: Lease) -> Stop:
        _build(row, lease)
        return Stop("ready")

    def fail(self, row: Plan, lease: Lease, error: PromotionError) -> None:
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
        _build_rollback(plan, plan.restores, lease)
        return
    account = plan.dev_account
    client = partner_client(plan=plan, check=lease.check)
    progress = Progress(lease)

    def report(text: str, done: int, total: int) -> None:
        progress(text, progress_done=done, progress_total=total)

    report("Reading the package", 0, 0)
    package, manifest = find_content(
        client,
        account.account_id,
        plan.package_id,
        component_id=plan.root_component_id,
        version=plan.package_version,
    )
    plan.root_component_id = package.component_id
    plan.package_version = package.package_version
    walk = Walk(client, account, package, manifest)
    compared: Compared | None = None
    if not walk.is_known() and (seen := outline(walk, report)) is not None:
        compared = compare(client, plan, seen, report)
        _store(plan, lease, compared)
    resolved = walk.resolve(report)
    if compared is not None and compared.resolved.components.keys() == resolved.components.keys():
        compared.put_in_order(resolved)
    else:
        compared = compare(client, plan, resolved, report)
        _store(plan, lease, compared)
    walk.keep_uses()
    look_around(client, compared)
    _store(plan, lease, compared, is_ready=True)


def _build_rollback(plan: Plan, source: PromotionRequest, lease: Lease) -> None:
    """Plan to bring back what a former promotion has brought; see ``rollback``."""
    client = partner_client(plan=plan)
    progress = Progress(lease)
    made = rollback.restore(
        client,
        plan,
        source,
        lambda text, done, total: progress(text, progress_done=done, progress_total=total),
    )
    check_premises(client, plan, made.drafts)
    root_id = source.plan.root_twin or source.process_id
    packages = client.query_packaged_components(component_id=root_id, with_deleted=True)
    back = (
        f"It brings back what promotion {source.pk} has brought: version {source.package_version}."
    )
    former, now = source.plan, timezone.now()
    with lease.writing():
        _store_components(plan, made.drafts)
        for finding in made.findings:
            _store_finding(plan, None, finding)
        lease.record(
            state=Plan.State.READY,
            content_hash=content_hash(plan.package_id, (draft.component for draft in made.drafts)),
            rules_version=RULES_VERSION,
            package_created_at=former.package_created_at,
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
    """Write the plan down: ready, or readable while the rest is asked."""
    resolved, drafts = compared.resolved, compared.drafts
    general = [
        *findings.unresolved(resolved),
        *cautions.not_for_packs(resolved),
        *cautions.not_packaged_along(resolved),
    ]
    root = resolved.components[resolved.root]
    now = timezone.now()
    plan.readable_at = plan.readable_at or now
    with lease.writing():
        if compared.is_stored:
            # Somebody may be reading it: what is the same stays the same row.
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
        lease.record(
            package_version=resolved.package.package_version,
            root_component_id=resolved.root,
            root_name=root.name,
            root_type=root.type,
            content_hash=content_hash(
                resolved.package.package_id, (made.component for made in drafts)
            ),
            rules_version=RULES_VERSION,
            package_created_at=resolved.package.created_date,
            compares_packaged_versions=resolved.is_pinned,
            taken_versions=compared.taken,
            sentences=sentences((made.component, made.reading) for made in drafts),
            progress="",
            progress_done=len(drafts),
            progress_total=len(drafts),
            readable_at=plan.readable_at,
            **columns,
        )


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


def deployed_hash(source: PromotionRequest) -> str:
    """Covers the package that a deployment brings to further environments.

    :param source: the promotion that has packaged it.
    :returns: SHA-256, in hex.
    """
    content = {
        "deployment": source.prod_package_id,
        "released": source.released_package_id,
        "version": source.package_version,
        "content": source.content_hash,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def content_hash(package_id: str, components: Iterable[PlannedComponent]) -> str:
    """Covers each component's dev version, production base version, action and symbolic content.

    :param components: in the order of promotion.
    :returns: SHA-256, in hex.
    """
    content = {
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
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
