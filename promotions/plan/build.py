"""Makes a plan: many calls, then one transaction that freezes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing

from django.utils import timezone

from partnerapi.client import PartnerApiClient

from ..messages import PromotionError
from ..models import (
    NO_HOLD,
    ComponentMapping,
    DevAccount,
    Finding,
    Plan,
    PlannedComponent,
    PromotionRequest,
)
from ..partner import client as partner_client
from ..states import Action
from ..worker.lease import Lease
from ..worker.loop import Progress, Stop, Work, carry_on
from ..worker.timing import SHORT_PATIENCE
from . import cautions, findings
from .classify import Draft, draft
from .earlier import downgrades
from .order import dependencies_first
from .pairs import read_pairs
from .premises import Look, Moment, ask
from .readings import sentences
from .resolve import Resolved, find_package, resolve
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
    account = plan.dev_account
    client = partner_client(plan=plan)
    progress = Progress(lease)

    def report(text: str, done: int, total: int) -> None:
        progress(text, progress_done=done, progress_total=total)

    report("Reading the package", 0, 0)
    package = find_package(
        client,
        account.account_id,
        plan.package_id,
        component_id=plan.root_component_id,
        version=plan.package_version,
    )
    plan.root_component_id = package.component_id
    plan.package_version = package.package_version
    resolved = resolve(client, account.account_id, package, report)
    mapped = _mappings(account, resolved)
    drafts = _drafts(client, plan, resolved, mapped, report)
    _check_other_users(client, resolved, drafts)
    report("Asking what else is in production", len(drafts), len(drafts))
    _check_premises(client, plan, drafts)
    _check_earlier_work(account, resolved, drafts)
    taken = _taken_versions(client, resolved, mapped)
    report("Writing the plan down", len(drafts), len(drafts))
    _store(plan, lease, resolved, drafts, taken)


def _drafts(
    client: PartnerApiClient,
    plan: Plan,
    resolved: Resolved,
    mapped: Mapping[str, str],
    report: Callable[[str, int, int], None],
) -> list[Draft]:
    """Every component compared with its twin, in the order of promotion."""
    drafts: dict[str, Draft] = {}
    with closing(read_pairs(client, plan.dev_account.account_id, resolved, mapped)) as pairs:
        for pair in pairs:
            report("Comparing with production", len(drafts), len(resolved.components))
            drafts[pair.key] = draft(plan, resolved, pair, mapped)
    ordered = []
    for number, group in enumerate(dependencies_first(resolved.uses)):
        for key in group:
            ordered.append(drafts[key])
            drafts[key].component.group, drafts[key].component.position = number, len(ordered)
    return ordered


def _mappings(account: DevAccount, resolved: Resolved) -> dict[str, str]:
    rows = ComponentMapping.objects.filter(dev_account=account).values_list(
        "dev_component_id", "prod_component_id"
    )
    return {dev.lower(): prod for dev, prod in rows if dev.lower() in resolved.components}


def _check_premises(client: PartnerApiClient, plan: Plan, drafts: list[Draft]) -> None:
    look = Look(Moment.PLAN, plan, [made.component for made in drafts], client=client)
    by_component = {id(made.component): made for made in drafts}
    for finding in ask(look):
        if finding.component is None:
            raise PromotionError(finding.code, finding.message)
        by_component[id(finding.component)].found.append(finding)
    for made in drafts:
        twin = look.twins.get(made.component.prod_component_id.lower())
        if made.component.action == Action.CONNECTION and twin is not None:
            made.component.prod_version = twin.version


def _check_earlier_work(account: DevAccount, resolved: Resolved, drafts: list[Draft]) -> None:
    older = findings.older_package(resolved)
    back = downgrades(account, resolved.package, [made.component for made in drafts])
    for made in drafts:
        key = made.component.dev_component_id
        if made.component.is_written or key == resolved.root:
            made.found += older.get(key, [])
        if key in back:
            made.found.append(back[key])


def _taken_versions(
    client: PartnerApiClient, resolved: Resolved, mapped: Mapping[str, str]
) -> list[str]:
    """The package versions that the production twin of the packaged component has, deleted ones too."""
    twin = mapped.get(resolved.root)
    if not twin:
        return []
    packages = client.query_packaged_components(component_id=twin, with_deleted=True)
    return sorted({package.package_version for package in packages})


def _check_other_users(client: PartnerApiClient, resolved: Resolved, drafts: list[Draft]) -> None:
    """What else in production uses the components that are updated."""
    planned = [made.component for made in drafts]
    found = cautions.used_by_others(
        client,
        {
            component.prod_component_id: resolved.components[component.dev_component_id]
            for component in planned
            if component.action == Action.UPDATE
        },
        {component.prod_component_id: component.component_type for component in planned},
    )
    for made in drafts:
        made.found += found.get(made.component.prod_component_id, [])


def _store(
    plan: Plan,
    lease: Lease,
    resolved: Resolved,
    drafts: list[Draft],
    taken: list[str],
) -> None:
    general = [
        *findings.unresolved(resolved),
        *cautions.not_for_packs(resolved),
        *cautions.not_packaged_along(resolved),
    ]
    root = resolved.components[resolved.root]
    with lease.writing():
        plan.components.all().delete()
        plan.findings.all().delete()
        for made in drafts:
            made.component.plan = plan
            made.component.save()
            for finding in made.found:
                _store_finding(plan, made.component, finding)
        for finding in general:
            _store_finding(plan, None, finding)
        lease.record(
            state=Plan.State.READY,
            package_version=resolved.package.package_version,
            root_component_id=resolved.root,
            root_name=root.name,
            root_type=root.type,
            content_hash=content_hash(
                resolved.package.package_id, (made.component for made in drafts)
            ),
            rules_version=RULES_VERSION,
            package_created_at=resolved.package.created_date,
            compares_packaged_versions=bool(resolved.pinned),
            taken_versions=taken,
            sentences=sentences((made.component, made.reading) for made in drafts),
            progress="",
            progress_done=len(drafts),
            progress_total=len(drafts),
            finished_at=timezone.now(),
            next_attempt_at=None,
        )


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
