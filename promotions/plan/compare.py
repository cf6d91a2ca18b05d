"""Compares what a package holds with production."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field

from partnerapi.client import PartnerApiClient
from partnerapi.records import ComponentMetadata

from ..messages import PromotionError
from ..models import ComponentMapping, DevAccount, Plan
from ..states import Action
from . import cautions, findings, packs
from .classify import Draft, draft
from .earlier import downgrades
from .order import dependencies_first
from .pairs import read_pairs
from .premises import Look, Moment, ask
from .resolve import Progress, Resolved


@dataclass
class Compared:
    """What a package holds, compared with production.

    :ivar drafts: in the order of promotion.
    :ivar taken: dev id of a packaged component -> package versions that production has already.
    :ivar is_stored: its rows are there, in this order.
    """

    resolved: Resolved
    drafts: list[Draft]
    taken: dict[str, list[str]] = field(default_factory=dict)
    is_stored: bool = False

    @property
    def roots(self) -> list[Draft]:
        """The packaged components."""
        by_key = {made.component.dev_component_id: made for made in self.drafts}
        return [by_key[root] for root in self.resolved.roots]

    def put_in_order(self, resolved: Resolved) -> None:
        """Put what is used before what uses it, as far as that is known now."""
        self.resolved = resolved
        by_key = {made.component.dev_component_id: made for made in self.drafts}
        if not resolved.is_proved:
            resolved.uses = {key: made.names for key, made in by_key.items()}

        def place(key: str) -> tuple[bool, str, str]:
            return key not in resolved.roots, resolved.components[key].name, key

        # By name where the order is free, so that it does not matter how the uses were found.
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


def compare(client: PartnerApiClient, plan: Plan, resolved: Resolved, report: Progress) -> Compared:
    """Everything that a person needs to read a plan."""
    account = plan.dev_account
    mapped = _mappings(account, resolved)
    compared = Compared(resolved, [])
    twins: dict[str, ComponentMetadata] = {}
    with closing(read_pairs(client, account.account_id, resolved, mapped)) as pairs:
        for pair in pairs:
            if pair.twin is not None:
                twins[pair.twin.component_id.lower()] = pair.twin.metadata
            report("Comparing with production", len(compared.drafts), len(resolved.components))
            compared.drafts.append(draft(plan, resolved, pair, mapped))
    compared.put_in_order(resolved)
    report("Checking what else is in production", len(compared.drafts), len(compared.drafts))
    check_premises(client, plan, compared.drafts, twins)
    _check_earlier_work(account, resolved, compared.drafts)
    return compared


def look_around(client: PartnerApiClient, compared: Compared) -> None:
    """What else in production concerns the plan: other users of its twins, packs, package versions."""
    _check_other_users(client, compared.resolved, compared.drafts)
    for root in compared.roots:
        if not root.component.prod_component_id:
            continue
        root.found += packs.in_packs(client, root.component)
        packages = client.query_packaged_components(
            component_id=root.component.prod_component_id, with_deleted=True
        )
        taken = {package.package_version for package in packages}
        compared.taken[root.component.dev_component_id] = sorted(taken)


def _mappings(account: DevAccount, resolved: Resolved) -> dict[str, str]:
    rows = ComponentMapping.objects.filter(
        dev_account=account, dev_component_id__in=resolved.components
    )
    return dict(rows.values_list("dev_component_id", "prod_component_id"))


def check_premises(
    client: PartnerApiClient,
    plan: Plan,
    drafts: list[Draft],
    twins: Mapping[str, ComponentMetadata] | None = None,
) -> None:
    """Check what the plan relies on; whatever contradicts it becomes a finding.

    :param twins: those that have just been read, by production id in lower case.
    :raises PromotionError: the plan as a whole is impossible.
    """
    planned = [made.component for made in drafts]
    look = Look(Moment.PLAN, plan, planned, client=client, read=twins or {})
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
    for part in resolved.packages:
        older = findings.older_package(part)
        held = [made for made in drafts if made.component.dev_component_id in part.components]
        back = downgrades(account, part.package, [made.component for made in held])
        for made in held:
            key = made.component.dev_component_id
            if made.component.is_written or key == part.root:
                made.found += older.get(key, [])
            if key in back and all(one.code != back[key].code for one in made.found):
                made.found.append(back[key])


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
