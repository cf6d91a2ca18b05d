"""What a plan relies on: one list of premises, checked by the same code at every moment that matters.

Pages and workers check the database's premises; only workers check the platform's, because pages never call the API.
``docs/premises.md`` shows which premise is checked when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from django.db.models import Q

from partnerapi.client import PartnerApiClient
from partnerapi.errors import PartnerApiError
from partnerapi.records import ComponentMetadata, PackagedComponent

from ..access import check_standing
from ..messages import PromotionError
from ..models import (
    ComponentMapping,
    Deployment,
    Environment,
    Finding,
    Plan,
    PlannedComponent,
    PromotedPackage,
    PromotionRequest,
    SourcePackage,
)
from ..states import OPEN, Action
from .look_up import Lookalikes, lookalikes, metadata_of_many
from .resolve import find_package
from .rollback import built_upon
from .same import same_folder, same_sub_type


class Moment(StrEnum):
    """When premises are checked."""

    PLAN = "plan"  # a worker makes the plan
    SUBMISSION = "submission"  # somebody requests the promotion
    APPROVAL = "approval"  # an admin approves it
    WRITING = "writing"  # a worker is about to write the first component to the branch
    VERIFYING = "verifying"  # a worker is about to ask for the merge
    MERGE = "merge"  # a worker is about to execute it


class Source(StrEnum):
    """Who is asked."""

    DATABASE = "database"
    PLATFORM = "platform"


@dataclass
class Look:
    """One look at everything that a plan relies on.

    :param components: the components of the plan, stored or not.
    :param client: asks the platform; None on pages.
    :param environments: the targets of a promotion that is being requested.
    :param read: twins that have just been read, by production id in lower case.
    """

    moment: Moment
    plan: Plan
    components: Sequence[PlannedComponent]
    promotion: PromotionRequest | None = None
    client: PartnerApiClient | None = None
    environments: Sequence[Environment] = ()
    read: Mapping[str, ComponentMetadata] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> PartnerApiClient:
        """The client, which only workers have."""
        assert self.client is not None  # noqa: S101 (only workers ask the platform)
        return self.client

    @cached_property
    def made(self) -> dict[str, str]:
        """Dev id -> production id of what this promotion has created on its branch or merged."""
        if self.promotion is None:
            return {}
        rows = self.promotion.results.exclude(prod_component_id="")
        return dict(rows.values_list("component__dev_component_id", "prod_component_id"))

    @cached_property
    def merged(self) -> dict[str, tuple[str, int]]:
        """Dev id -> production id and version of what this promotion has already brought to main."""
        if self.promotion is None:
            return {}
        rows = self.promotion.results.filter(merged_version__isnull=False).values_list(
            "component__dev_component_id", "prod_component_id", "merged_version"
        )
        return {dev_id: (prod_id, version or 0) for dev_id, prod_id, version in rows}

    @cached_property
    def mapped(self) -> dict[str, str]:
        """Dev id -> production id of the components that the dev account has mapped."""
        rows = ComponentMapping.objects.filter(
            dev_account=self.plan.dev_account,
            dev_component_id__in=[component.dev_component_id for component in self.components],
        )
        return dict(rows.values_list("dev_component_id", "prod_component_id"))

    @cached_property
    def twins(self) -> dict[str, ComponentMetadata | None]:
        """Production id in lower case -> what the platform says about it; None if it does not exist."""
        ids = {component.prod_component_id.lower() for component in self.components} - {""}
        asked = sorted(ids - self.read.keys())
        return {**self.read, **metadata_of_many(self.platform, asked)}

    @cached_property
    def lookalikes(self) -> list[Lookalikes]:
        """For each component to be created: its copies in production, and what has its name and type there."""
        created = self.created()
        return lookalikes(self.platform, created) if created else []

    @cached_property
    def origins(self) -> dict[str, ComponentMetadata | None]:
        """Id in lower case -> what production says about the components that new ones were copied from."""
        ids = [component.copied_from for component in self.created() if component.copied_from]
        return metadata_of_many(self.platform, ids)

    @property
    def needs_package(self) -> bool:
        """Making a plan starts from its package; a rollback takes its content from what is kept."""
        asked_now = self.moment not in (Moment.PLAN, Moment.MERGE)
        return asked_now and self.plan.restores_id is None

    @cached_property
    def sources(self) -> list[SourcePackage]:
        """The packages that the plan was made for, as it holds them."""
        return self.plan.packages

    @cached_property
    def packages(self) -> list[PackagedComponent]:
        """The packages in the dev account.

        :raises PromotionError: PACKAGE_NOT_FOUND.
        """
        return [
            find_package(
                self.platform,
                self.plan.dev_account.account_id,
                source.package_id,
                component_id=source.root_component_id,
                version=source.package_version,
            )
            for source in self.sources
        ]

    def read_ahead(self, beside: Iterable[Callable[[], object]] = ()) -> None:
        """Ask the platform for all of this at once.

        :param beside: other looks at the same moment; each keeps its answer itself.
        """
        _ = self.merged, self.plan.dev_account, self.sources  # threads use no database
        calls: list[Callable[[], object]]
        calls = [lambda: self.twins, lambda: self.lookalikes, lambda: self.origins]
        if self.needs_package:
            calls.append(lambda: self.packages)
        for result in self.platform.concurrently([*calls, *beside]):
            if isinstance(result, PartnerApiError):
                raise result

    def with_twin(self) -> Iterator[tuple[PlannedComponent, ComponentMetadata | None]]:
        """Each component that has a production id, with its twin; None if the twin does not exist."""
        for component in self.components:
            if component.prod_component_id:
                yield component, self.twins[component.prod_component_id.lower()]

    def created(self) -> list[PlannedComponent]:
        """What the plan creates and main does not hold yet."""
        return [
            component
            for component in self.components
            if component.action == Action.CREATE and component.dev_component_id not in self.merged
        ]


@dataclass(frozen=True)
class Premise:
    """One thing that a plan relies on.

    :param says: the premise as a sentence.
    :param broken: finds what contradicts it, as findings that are not stored.
    """

    name: str
    says: str
    source: Source
    moments: frozenset[Moment]
    broken: Callable[[Look], Iterable[Finding]]


def ask(look: Look, beside: Iterable[Callable[[], object]] = ()) -> list[Finding]:
    """Everything that contradicts the premises of this moment."""
    if look.client is not None:
        look.read_ahead(beside)
    return [
        finding
        for premise in PREMISES
        if look.moment in premise.moments
        for finding in premise.broken(look)
    ]


def check(
    moment: Moment,
    plan: Plan,
    *,
    promotion: PromotionRequest | None = None,
    client: PartnerApiClient | None = None,
    environments: Sequence[Environment] = (),
    beside: Iterable[Callable[[], object]] = (),
) -> None:
    """Make sure that the premises still hold, except where an admin has accepted a finding.

    :raises PromotionError: the code of the first one that does not, such as PLAN_STALE, TWO_WRITERS, TWIN_DELETED,
        TWIN_IN_PRODUCTION, MAPPING_OF_ANOTHER_KIND, COMPONENT_RESERVED, PACKAGE_NOT_FOUND, SWITCHED_OFF.
    """
    if promotion is not None and promotion.is_deployment:
        check_standing(promotion)
        check_no_newer(promotion.made, environments_of(promotion))
        return
    components = list(plan.components.all())
    look = Look(moment, plan, components, promotion, client, environments)
    accepted = _accepted(plan, promotion)
    for finding in ask(look, beside):
        dev_id = finding.component.dev_component_id if finding.component else ""
        if finding.blocking and (finding.code, finding.fingerprint, dev_id) not in accepted:
            raise PromotionError(finding.code, finding.message)


def _accepted(plan: Plan, promotion: PromotionRequest | None) -> set[tuple[str, str, str]]:
    """Code, fingerprint and dev id of what an admin has accepted; after the approval, of what was frozen."""
    if promotion is not None and promotion.approved_hash:
        return {
            (finding.code, finding.fingerprint, finding.component_id)
            for finding in promotion.approved_object().findings
        }
    rows = plan.findings.filter(accepted_by__isnull=False).values_list(
        "code", "fingerprint", "component__dev_component_id"
    )
    return {(code, fingerprint, dev_id or "") for code, fingerprint, dev_id in rows}


def environments_of(promotion: PromotionRequest) -> list[Environment]:
    """The targets that have not been deployed to yet."""
    return [
        found.environment
        for found in promotion.deployments.outstanding().select_related("environment")
    ]


def check_no_newer(made: PromotedPackage, environments: Iterable[Environment]) -> None:
    """An earlier promotion is never deployed over a later one: that is what a rollback is for.

    :raises PromotionError: NEWER_IS_DEPLOYED, with the environments and what they have.
    """
    told = newer_versions(made, environments)
    if told:
        having = ", ".join(f"“{name}” has {version}" for name, version in told.items())
        raise PromotionError("NEWER_IS_DEPLOYED", f"{having}.")


def newer_versions(
    made: PromotedPackage, environments: Iterable[Environment]
) -> dict[Environment, str]:
    """The environments to which something was deployed that was promoted later, and its version."""
    newer = Deployment.objects.newer_than(made).filter(environment__in=environments)
    rows = newer.select_related("environment", "promotion", "package").order_by("deployed_at")
    return {found.environment: found.brings.package_version for found in rows}


def _finding(code: str, component: PlannedComponent, message: str, **more: object) -> Finding:
    values = {"subject_id": component.dev_component_id, "subject_name": component.name, **more}
    return Finding(code=code, component=component, message=message, **values)


# --- Asked of the database -------------------------------------------------------------------------


def _switched_off(look: Look) -> Iterator[Finding]:
    if look.promotion is not None:
        check_standing(look.promotion)
    if not look.plan.dev_account.is_active:
        yield Finding(code="SWITCHED_OFF", message=f"The dev account {look.plan.dev_account}.")
    for environment in look.environments:
        if not environment.is_active:
            yield Finding(code="SWITCHED_OFF", message=f"The environment {environment}.")


def _mapped_otherwise(look: Look) -> Iterator[Finding]:
    for component in look.components:
        key = component.dev_component_id
        expected = look.merged.get(key, (component.prod_component_id, 0))[0]
        if look.mapped.get(key, "").lower() != expected.lower():
            yield _finding(
                "PLAN_STALE", component, f"The mapping of “{component.name}” has changed."
            )


def _two_writers(look: Look) -> Iterator[Finding]:
    written = {c.prod_component_id.lower(): c for c in look.components if c.prod_component_id}
    writers: dict[str, list[str]] = {}
    rows = ComponentMapping.objects.of_twins(written).filter(dev_account=look.plan.dev_account)
    for prod_id, dev_id, name in rows.values_list("prod_component_id", "dev_component_id", "name"):
        writers.setdefault(prod_id.lower(), []).append(f"“{name}” ({dev_id})")
    for prod_id, names in writers.items():
        if len(names) > 1:
            component = written[prod_id]
            yield _finding(
                "TWO_WRITERS",
                component,
                f"The production component {component.prod_component_id} is the twin of {' and of '.join(names)}.",
                subject_id=component.prod_component_id,
            )


def _rivals(look: Look) -> Iterator[Finding]:
    """Other open promotions, of any account, that write the same twin or create the same component.

    Once a promotion is open, only those requested before it stand in its way.
    """
    created = {c.dev_component_id: c for c in look.created()}
    updated = {c.prod_component_id.lower(): c for c in look.components if c.action == Action.UPDATE}
    names = {(c.name, c.component_type) for c in created.values()}
    others = PlannedComponent.objects.filter(
        Q(action=Action.CREATE, name__in={name for name, _ in names})
        | Q(action=Action.CREATE, dev_component_id__in=created)
        | Q(action=Action.UPDATE),
        plan__promotion__status__in=OPEN,
        plan__promotion__merged_at__isnull=True,
    ).exclude(plan=look.plan)
    if look.promotion is not None:
        others = others.filter(plan__promotion__pk__lt=look.promotion.pk)
    for other in others.select_related("plan__promotion", "plan__dev_account"):
        component, what = _contested(look.plan, other, created, updated)
        if component is None:
            continue
        promotion = other.plan.promotion
        yield _finding(
            "COMPONENT_RESERVED",
            component,
            f"Promotion {promotion.pk} from “{other.plan.dev_account}” {what} “{other.name}”.",
        )


def _contested(
    plan: Plan,
    other: PlannedComponent,
    created: dict[str, PlannedComponent],
    updated: dict[str, PlannedComponent],
) -> tuple[PlannedComponent | None, str]:
    if other.action == Action.UPDATE:
        return updated.get(other.prod_component_id.lower()), "is updating"
    if other.plan.dev_account_id == plan.dev_account_id and other.dev_component_id in created:
        return created[other.dev_component_id], "is creating"
    for component in created.values():
        if (
            component.name == other.name
            and component.component_type == other.component_type
            and same_folder(component.target_folder, other.target_folder)
        ):
            return component, "is creating a component of the same name, type and folder:"
    return None, ""


def _built_upon(look: Look) -> Iterator[Finding]:
    source = look.plan.restores
    if source is None:
        return
    for component, other in built_upon(look.plan.restored or source, look.components):
        yield _finding(
            "BUILT_UPON",
            component,
            f"{other} was merged with “{component.name}” as it is now.",
            subject_id=component.prod_component_id,
        )


# --- Asked of the platform -------------------------------------------------------------------------


def _package_gone(look: Look) -> Iterator[Finding]:
    if look.needs_package:
        _ = look.packages
    return iter(())


def _twin_gone(look: Look) -> Iterator[Finding]:
    for component, twin in look.with_twin():
        if twin is None:
            what = "connection" if component.action == Action.CONNECTION else "component"
            yield _finding(
                "TWIN_DELETED",
                component,
                f"The production twin {component.prod_component_id} of the {what} “{component.name}” no longer exists.",
            )


def _twin_of_another_kind(look: Look) -> Iterator[Finding]:
    account = look.plan.dev_account
    for component, twin in look.with_twin():
        if twin is None:
            continue
        own = (component.component_type, component.sub_type)
        its = (twin.type, twin.sub_type)
        accounts = (account.account_id, account.primary_account.account_id)
        if own[0] == its[0] and same_sub_type(own[1], its[1], accounts):
            continue
        yield _finding(
            "MAPPING_OF_ANOTHER_KIND",
            component,
            f"“{component.name}” is {_kind(*own)}, and its production twin “{twin.name}” "
            f"({component.prod_component_id}) is {_kind(*its)}.",
        )


def _kind(component_type: str, sub_type: str) -> str:
    return f"of the type {component_type}" + (f" for {sub_type}" if sub_type else "")


def _candidates(
    look: Look,
    component: PlannedComponent,
    copies: Iterable[ComponentMetadata],
    namesakes: Iterable[ComponentMetadata],
) -> list[tuple[str, ComponentMetadata]]:
    """What production has that may be the component's twin, each with the reason as half a sentence."""
    origin = look.origins.get(component.copied_from.lower())
    candidates = [
        *(("was copied from it", twin) for twin in copies),
        *(
            ("has its name, type and folder", twin)
            for twin in namesakes
            if same_folder(twin.folder_full_path, component.target_folder)
        ),
    ]
    if origin is not None and origin.type == component.component_type:
        candidates.append(("is what it was copied from", origin))
    return candidates


def _unmapped_twins(look: Look) -> Iterator[Finding]:
    """Production components that look like one to be created and are not twins of this account's components.

    A twin of another dev account counts too: a library component in two accounts has one twin.
    """
    found = [
        (component, _candidates(look, component, copies, namesakes))
        for component, copies, namesakes in look.lookalikes
    ]
    ids = {twin.component_id for _, candidates in found for _, twin in candidates}
    mapped = ComponentMapping.objects.of_twins(ids).filter(dev_account=look.plan.dev_account)
    ours = {
        prod_id.lower()
        for prod_id in (*mapped.values_list("prod_component_id", flat=True), *look.made.values())
    }
    for component, candidates in found:
        seen = set(ours)
        for how, twin in candidates:
            if twin.component_id.lower() in seen:
                continue
            seen.add(twin.component_id.lower())
            yield _finding(
                "TWIN_IN_PRODUCTION",
                component,
                f"Production component {twin.component_id} in “{twin.folder_full_path}” {how}.",
                subject_id=twin.component_id,
                fingerprint=twin.component_id,
                can_be_accepted=True,
            )


def _other_version_on_main(look: Look) -> Iterator[Finding]:
    """Main must not have moved since the plan was made: the branch wins, and would undo anything newer.

    That includes what the plan found unchanged, because it is packaged along and was approved as it was.
    """
    for component, twin in look.with_twin():
        if component.action not in (Action.UPDATE, Action.UNCHANGED) or twin is None:
            continue
        expected = look.merged.get(component.dev_component_id, ("", component.prod_version))[1]
        if twin.version != expected:
            yield _finding(
                "PLAN_STALE",
                component,
                f"“{component.name}” was changed in production: it is at version {twin.version}, not {expected}.",
            )


_EVERY = frozenset(Moment)
_LATER = _EVERY - {Moment.PLAN}
_WORKER = frozenset({Moment.PLAN, Moment.WRITING, Moment.VERIFYING, Moment.MERGE})

PREMISES = (
    Premise(
        "switches",
        "The dev account, the people and the environments are switched on.",
        Source.DATABASE,
        _EVERY,
        _switched_off,
    ),
    Premise(
        "mappings",
        "The mappings are those that the plan was made with.",
        Source.DATABASE,
        _LATER,
        _mapped_otherwise,
    ),
    Premise(
        "one writer",
        "A production component is the twin of one dev component of an account.",
        Source.DATABASE,
        _EVERY,
        _two_writers,
    ),
    Premise(
        "no rival",
        "No other open promotion, of any account, writes the same twin or creates the same component.",
        Source.DATABASE,
        _EVERY,
        _rivals,
    ),
    Premise(
        "nothing built upon",
        "No later promotion of another process builds on what a rollback takes back.",
        Source.DATABASE,
        _EVERY,
        _built_upon,
    ),
    Premise(
        "package",
        "The package is in the dev account and can be shared.",
        Source.PLATFORM,
        _WORKER - {Moment.MERGE},
        _package_gone,
    ),
    Premise(
        "twins alive",
        "Every mapped twin and connection is in production.",
        Source.PLATFORM,
        _WORKER,
        _twin_gone,
    ),
    Premise(
        "twins of one kind",
        "Every mapped twin and connection has the type and the connector of its dev component.",
        Source.PLATFORM,
        _WORKER,
        _twin_of_another_kind,
    ),
    Premise(
        "no unmapped twin",
        "Production has no unmapped component of the name, type and folder of a new one, none that was copied "
        "from it, and none that it was copied from.",
        Source.PLATFORM,
        _WORKER,
        _unmapped_twins,
    ),
    Premise(
        "versions on main",
        "Every twin on main is at the version that the plan compared.",
        Source.PLATFORM,
        _WORKER - {Moment.PLAN},
        _other_version_on_main,
    ),
)


def as_table() -> str:
    """The table of ``docs/premises.md``: every premise and the moments at which it is checked."""
    head = ["Premise", "Asked of", *Moment]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for premise in PREMISES:
        asked = ["✓" if moment in premise.moments else "" for moment in Moment]
        lines.append(f"| {' | '.join([premise.says, premise.source, *asked])} |")
    return "\n".join(lines)
