"""Plans to restore what an earlier promotion brought: its content takes the same road as any other.

For every component of the earlier promotion, its content right after that promotion is looked for in what is kept.
Production keeps its own current values. Whatever later promotions of the process created stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Lower

from partnerapi import componentxml
from partnerapi.client import PartnerApiClient, Wanted
from partnerapi.componentxml import Document
from partnerapi.errors import NotFound, PartnerApiError
from partnerapi.records import Component, ComponentMetadata

from ..messages import PromotionError
from ..models import (
    ComponentResult,
    Content,
    Finding,
    Plan,
    PlannedComponent,
    PromotedPackage,
    PromotionRequest,
)
from ..states import Action, EnvironmentValues
from . import cautions, contents, earlier, findings
from .classify import Draft, compare, symbolic

COPIED = (
    "dev_component_id",
    "name",
    "component_type",
    "sub_type",
    "copied_from",
    "dev_folder",
    "target_folder",
    "dev_version",
    "depends_on",
    "group",
    "position",
)


@dataclass
class Restored:
    """The components of a rollback, in the order of promotion, and what concerns no single one of them."""

    drafts: list[Draft]
    findings: list[Finding]


def restore(
    client: PartnerApiClient,
    plan: Plan,
    former: PromotedPackage,
    report: Callable[[str, int, int], None],
) -> Restored:
    """Compare production with what it had right after a former promotion of the process.

    :param former: the promotion to go back to, for its first package, or a further package of one; it has been merged.
    :raises PromotionError: CONTENT_NOT_KEPT with the components whose former content is not known any more.
    """
    source = former.origin
    results = list(
        source.results.filter(component__dev_component_id__in=source.plan.held_by(former.planned))
        .select_related("component", "kept")
        .order_by("component__position")
    )
    later = _later_writes(source, [result.prod_component_id for result in results])
    _check_kept(results, later)
    twins = _twins(client, results)
    names = {result.prod_component_id: result.component.name for result in results}
    drafts = []
    for number, result in enumerate(results):
        report("Comparing with production", number, len(results))
        made = Draft(_planned(result))
        drafts.append(made)
        if result.component.action == Action.CONNECTION:
            made.component.action = Action.CONNECTION
            continue
        twin = twins.get(result.prod_component_id.lower())
        wanted = _former_content(result, later)
        if twin is not None:
            _compare(plan, made, result, twin, wanted, names)
    return Restored(drafts, list(_created_since(former, results)))


def _planned(result: ComponentResult) -> PlannedComponent:
    former = result.component
    return PlannedComponent(
        **{name: getattr(former, name) for name in COPIED},
        prod_component_id=result.prod_component_id or former.prod_component_id,
        action=Action.UNCHANGED,
    )


def _later_writes(source: PromotionRequest, prod_ids: Iterable[str]) -> dict[str, ComponentResult]:
    """Production id in lower case -> its first write by any promotion merged after `source`."""
    writes = (
        ComponentResult.objects.annotate(key=Lower("prod_component_id"))
        .filter(
            key__in=[prod_id.lower() for prod_id in prod_ids if prod_id],
            merged_version__isnull=False,
            promotion__merged_at__gt=source.merged_at,
        )
        .select_related("promotion", "replaced")
        .order_by("-promotion__merged_at", "-pk")
    )
    return {write.prod_component_id.lower(): write for write in writes}


def _former_content(result: ComponentResult, later: dict[str, ComponentResult]) -> Content | None:
    """What production had right after the earlier promotion; None if nobody has written it since."""
    if result.kept is not None:
        return result.kept
    write = later.get(result.prod_component_id.lower())
    return write.replaced if write is not None else None


def _check_kept(results: list[ComponentResult], later: dict[str, ComponentResult]) -> None:
    lost = [
        f"“{result.component.name}”"
        for result in results
        if result.component.action != Action.CONNECTION
        and result.prod_component_id.lower() in later
        and _former_content(result, later) is None
    ]
    if lost:
        raise PromotionError("CONTENT_NOT_KEPT", f"{', '.join(lost)}.")


def _twins(client: PartnerApiClient, results: list[ComponentResult]) -> dict[str, Component]:
    """Production id in lower case -> the component on main; deleted ones are left out."""
    wanted = [
        Wanted(result.prod_component_id)
        for result in results
        if result.component.action != Action.CONNECTION and result.prod_component_id
    ]
    found: dict[str, Component] = {}
    for one, read in client.each_component(wanted):
        if isinstance(read, NotFound):
            continue
        if isinstance(read, PartnerApiError):
            raise read
        if not read.deleted:
            found[one.component_id.lower()] = read
    return found


def _compare(
    plan: Plan,
    made: Draft,
    result: ComponentResult,
    twin: Component,
    former: Content | None,
    names: dict[str, str],
) -> None:
    component = made.component
    component.prod_version = twin.version
    if former is None:
        return
    wanted = symbolic(
        Document.parse(former.content),
        production=twin.document,
        references={},
        environment_values=EnvironmentValues.KEEP,
    )
    compare(made, plan.dev_account, wanted, twin.document, names)
    if component.action != Action.UPDATE:
        return
    # What is kept holds no secret, so it is stored whatever the findings are: nothing else can be staged.
    component.content = contents.store(wanted.document.to_bytes())
    metadata = ComponentMetadata(
        component.dev_component_id, component.name, twin.type, twin.version, twin.folder_full_path
    )
    made.found += findings.secret_set_in_production(
        metadata, componentxml.read_envelope(twin.document)
    )
    made.found += findings.secrets_left(metadata, wanted.stripped)
    made.found += earlier.changed_in_production(
        plan.dev_account, component, twin.document, wanted.document, names
    )
    made.found += cautions.listener(metadata, wanted.document.data)
    made.found += _lost_values(result, component)


def _lost_values(result: ComponentResult, component: PlannedComponent) -> Iterator[Finding]:
    """Values that production had then and no longer has: they were never kept."""
    if result.component.action == Action.UNCHANGED:
        return
    had = {place["path"] for place in result.component.places if place["outcome"] != "left"}
    has = {place["path"] for place in component.places}
    if lost := sorted(had - has):
        yield Finding(
            code="VALUES_NOT_RESTORED",
            subject_id=component.prod_component_id,
            subject_name=component.name,
            path=", ".join(lost),
            message=f"“{component.name}” comes back without {len(lost)} of its values.",
            blocking=False,
        )


def _created_since(former: PromotedPackage, results: list[ComponentResult]) -> Iterator[Finding]:
    """What later promotions of the process created and the earlier one lacks: it stays, unused."""
    ours = {result.prod_component_id.lower() for result in results}
    since = PromotionRequest.objects.of_process(former.process_id)
    created = ComponentResult.objects.filter(
        promotion__in=since.filter(merged_at__gt=former.merged_at).values("pk"),
        merged_version__isnull=False,
        component__action=Action.CREATE,
    ).select_related("component", "promotion__plan")
    of_process = _Holders(former.process_id)
    for result in created.order_by("promotion__merged_at", "component__position"):
        if result.prod_component_id.lower() not in ours and of_process.has(result):
            yield Finding(
                code="CREATED_STAYS",
                subject_id=result.prod_component_id,
                subject_name=result.component.name,
                message=f"“{result.component.name}” was created by promotion {result.promotion_id} and stays.",
                blocking=False,
            )


class _Holders:
    """Which packages of a promotion of several hold a component; asked once for each promotion."""

    def __init__(self, process_id: str) -> None:
        self.process_id = process_id
        self._held: dict[int, list[tuple[bool, set[str]]]] = {}

    def _of(self, promotion: PromotionRequest) -> list[tuple[bool, set[str]]]:
        """For each package whether it is of our process, and the dev ids of what it brings."""
        if promotion.pk not in self._held:
            self._held[promotion.pk] = [
                (made.process_id == self.process_id, promotion.plan.held_by(made.planned))
                for made in promotion.packages
            ]
        return self._held[promotion.pk]

    def has(self, result: ComponentResult) -> bool:
        """Whether the package of our process holds it."""
        key = result.component.dev_component_id
        return any(is_ours and key in held for is_ours, held in self._of(result.promotion))

    def others_have(self, result: ComponentResult) -> bool:
        """Whether a package of another process holds it."""
        key = result.component.dev_component_id
        return any(not is_ours and key in held for is_ours, held in self._of(result.promotion))


def built_upon(
    former: PromotedPackage, components: Iterable[PlannedComponent]
) -> Iterator[tuple[PlannedComponent, PromotionRequest]]:
    """Components that a rollback would take back although another process was promoted with what they are now.

    :param former: the promotion to go back to, for its first package, or a further package of one.
    """
    source = former.origin
    written = {c.prod_component_id.lower(): c for c in components if c.action == Action.UPDATE}
    later = _later_writes(source, [c.prod_component_id for c in written.values()])
    changed: dict[str, datetime | None] = {
        key: write.promotion.merged_at for key, write in later.items()
    }
    users = (
        ComponentResult.objects.annotate(key=Lower("prod_component_id"))
        .filter(promotion__merged_at__gt=source.merged_at, key__in=list(written))
        .exclude(promotion__process_id=former.process_id, promotion__further__isnull=True)
        .exclude(component__action=Action.CONNECTION)
        .select_related("promotion__plan")
        .order_by("promotion__merged_at", "pk")
    )
    holders = _Holders(former.process_id)
    for user in users:
        key = user.prod_component_id.lower()
        since, merged_at = changed.get(key), user.promotion.merged_at
        if not holders.others_have(user):
            continue
        if key in written and since is not None and merged_at is not None and merged_at >= since:
            yield written[key], user.promotion
