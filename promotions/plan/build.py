"""Makes a plan: many calls, then one transaction that freezes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

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
from . import cautions, findings, packs, rollback
from .classify import Draft, draft
from .earlier import downgrades
from .order import dependencies_first
from .pairs import read_pairs
from .premises import Look, Moment, ask
from .readings import sentences
from .resolve import Progress as Report
from .resolve import Resolved, Walk, find_package
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
    package = find_package(
        client,
        account.account_id,
        plan.package_id,
        component_id=plan.root_component_id,
        version=plan.package_version,
    )
    plan.root_component_id = package.component_id
    plan.package_version = package.package_version
    walk = Walk(client, account, package)
    resolved = walk.outline()
    compared: Compared | None = None
    if resolved is not None:
        compared = _compare(client, plan, resolved, report)
        _store(plan, lease, compared)
    proved = walk.resolve(report)
    if compared is None or compared.resolved.components.keys() != proved.components.keys():
        compared = _compare(client, plan, proved, report)
        compared.is_stored = False
    else:
        compared.put_in_order(proved)
    walk.uses.keep()
    report("Writing the plan down", len(compared.drafts), len(compared.drafts))
    _store(plan, lease, compared)


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
    _check_premises(client, plan, made.drafts)
    packages = client.query_packaged_components(component_id=source.process_id, with_deleted=True)
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


@dataclass
class Compared:
    """What a package holds, compared with production.

    :ivar drafts: in the order of promotion.
    :ivar taken: package versions that production has already.
    :ivar is_stored: its rows are there, in this order.
    """

    resolved: Resolved
    drafts: list[Draft]
    taken: list[str] = field(default_factory=list)
    is_stored: bool = False

    def put_in_order(self, resolved: Resolved) -> None:
        """By what uses what, as it is known now."""
        self.resolved = resolved
        by_key = {made.component.dev_component_id: made for made in self.drafts}
        if not resolved.is_proved:
            resolved.uses = {key: made.names for key, made in by_key.items()}

        def place(key: str) -> tuple[bool, str, str]:
            return key != resolved.root, resolved.components[key].name, key

        # By name where it is free, so that it does not matter how the uses were found out.
        keys = sorted(resolved.components, key=place)
        uses = {
            key: sorted((used for used in resolved.uses[key] if used in by_key), key=place)
            for key in keys
        }
        before, self.drafts = list(by_key), []
        for number, group in enumerate(dependencies_first(uses)):
            for key in group:
                self.drafts.append(by_key[key])
                component = by_key[key].component
                component.group, component.position = number, len(self.drafts)
                component.depends_on = resolved.uses[key]
        after = [made.component.dev_component_id for made in self.drafts]
        self.is_stored = self.is_stored and before == after


def _compare(client: PartnerApiClient, plan: Plan, resolved: Resolved, report: Report) -> Compared:
    account = plan.dev_account
    mapped = _mappings(account, resolved)
    compared = Compared(resolved, [])
    with closing(read_pairs(client, account.account_id, resolved, mapped)) as pairs:
        for pair in pairs:
            report("Comparing with production", len(compared.drafts), len(resolved.components))
            compared.drafts.append(draft(plan, resolved, pair, mapped))
    compared.put_in_order(resolved)
    _check_other_users(client, resolved, compared.drafts)
    report("Asking what else is in production", len(compared.drafts), len(compared.drafts))
    _check_premises(client, plan, compared.drafts)
    _check_earlier_work(account, resolved, compared.drafts)
    _check_packs(client, resolved, compared.drafts)
    compared.taken = _taken_versions(client, resolved, mapped)
    return compared


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


def _check_packs(client: PartnerApiClient, resolved: Resolved, drafts: list[Draft]) -> None:
    for made in drafts:
        if made.component.dev_component_id == resolved.root and made.component.prod_component_id:
            made.found += packs.in_packs(client, made.component)


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


def _store(plan: Plan, lease: Lease, compared: Compared) -> None:
    """Write the plan down: ready, or readable until what uses what is proved."""
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
        else:
            _store_components(plan, drafts)
        for finding in general:
            _store_finding(plan, None, finding)
        compared.is_stored = True
        columns: dict[str, Any] = {}
        if resolved.is_proved:
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
