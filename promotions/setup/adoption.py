"""Production twins that were copied by hand earlier: proposed by a worker, confirmed by a person."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from partnerapi.client import PartnerApiClient
from partnerapi.errors import BadRequest, NotFound
from partnerapi.records import ComponentMetadata

from ..messages import PromotionError
from ..models import ComponentMapping, DevAccount, Plan, PlannedComponent
from ..plan.classify import target_folder
from ..plan.resolve import MAPPED_ONLY
from ..plan.same import same_folder, same_sub_type
from ..states import OPEN, Action
from ..transitions import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Progress = Callable[[str], None]

COPIED = "copied"
NAMESAKE = "namesake"
NAME_ONLY = "name only"
WHY = {
    COPIED: "It was copied from this dev component.",
    NAMESAKE: "It has the same name, type and folder.",
    NAME_ONLY: "It has the same name and type, in another folder. Connections are set up by hand, so look closely.",
}

MAPPED_ALREADY = "it is already mapped"


@dataclass(frozen=True)
class Dev:
    """A dev component without a production twin."""

    component_id: str
    name: str
    component_type: str
    folder: str
    version: int
    sub_type: str = ""


@dataclass(frozen=True)
class Proposal:
    """A production component that may be the twin of a dev component, and why."""

    dev_component_id: str
    dev_name: str
    dev_folder: str
    dev_version: int
    component_type: str
    prod_component_id: str
    prod_name: str
    prod_folder: str
    prod_version: int
    how: str
    conflict: str = ""

    @property
    def key(self) -> str:
        """What a page sends back when the proposal is ticked."""
        return f"{self.dev_component_id}:{self.prod_component_id}"

    @property
    def why(self) -> str:
        """Why it may be the twin, as a sentence."""
        return WHY[self.how]


@dataclass(frozen=True)
class Adopted:
    """What became of the proposals that a person confirmed: names, and sentences about what was left out."""

    mapped: list[str]
    skipped: list[str]


# --- Looking for twins -----------------------------------------------------------------------


def propose_for_account(
    client: PartnerApiClient, dev_account: DevAccount, progress: Progress
) -> dict[str, Any]:
    """Proposals for everything that a dev account's packages use."""
    progress("Reading the packages")
    account = dev_account.account_id
    roots = dict.fromkeys(
        package.component_id.lower()
        for package in client.query_packaged_components(account=account)
    )
    components: dict[str, Dev] = {}
    unreadable: list[str] = []
    waiting, met = deque(roots), set(roots)
    while waiting:
        key = waiting.popleft()
        progress(f"Following references: {len(components)} of {len(met)} components")
        metadata = _metadata(client, account, key)
        if metadata is None:
            continue
        components[key] = Dev(
            key,
            metadata.name,
            metadata.type,
            metadata.folder_full_path,
            metadata.version,
            metadata.sub_type,
        )
        if metadata.type in MAPPED_ONLY:
            continue
        try:
            references = client.get_component_references(
                key, version=metadata.version, account=account
            )
        except (BadRequest, NotFound):
            # One odd component does not stop the others from being found.
            unreadable.append(metadata.name)
            continue
        for reference in references:
            used = reference.component_id.lower()
            if used not in met:
                met.add(used)
                waiting.append(used)
    result = _proposals(client, dev_account, components.values(), progress)
    return result | {"unreadable": unreadable}


def propose_for_plan(client: PartnerApiClient, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Proposals for what a plan would create, and for its connections."""
    components = [
        Dev(
            planned.dev_component_id.lower(),
            planned.name,
            planned.component_type,
            planned.dev_folder,
            planned.dev_version,
            planned.sub_type,
        )
        for planned in plan.components.filter(action__in=(Action.CREATE, Action.CONNECTION))
    ]
    return _proposals(client, plan.dev_account, components, progress)


def _metadata(client: PartnerApiClient, account: str, key: str) -> ComponentMetadata | None:
    try:
        metadata = client.get_component_metadata(key, account=account)
    except NotFound:
        return None
    return None if metadata.deleted else metadata


def _proposals(
    client: PartnerApiClient,
    dev_account: DevAccount,
    components: Iterable[Dev],
    progress: Progress,
) -> dict[str, Any]:
    mapped = {
        dev_id.lower() for dev_id in dev_account.mappings.values_list("dev_component_id", flat=True)
    }
    components = list(components)
    unmapped = [dev for dev in components if dev.component_id not in mapped]
    found: list[Proposal] = []
    for number, dev in enumerate(unmapped, start=1):
        progress(f"Looking for twins: {number} of {len(unmapped)}")
        found += _twins(client, dev_account, dev)
    return {
        "account": dev_account.account_id,
        "looked_at": len(components),
        "mapped": len(components) - len(unmapped),
        "without_twin": len(
            {d.component_id for d in unmapped} - {p.dev_component_id for p in found}
        ),
        "proposals": [asdict(proposal) for proposal in found],
    }


def _twins(client: PartnerApiClient, dev_account: DevAccount, dev: Dev) -> Iterator[Proposal]:
    """What was copied from a dev component first, then what has the same name, type and folder."""
    folder = target_folder(dev_account, dev.folder)
    accounts = (dev_account.account_id, dev_account.primary_account.account_id)
    seen: set[str] = set()
    for how, twin in _candidates(client, dev, folder):
        if twin.component_id.lower() in seen or twin.type != dev.component_type:
            continue
        # A mapping to a connection or an operation of another connector would be refused.
        if not same_sub_type(dev.sub_type, twin.sub_type, accounts):
            continue
        seen.add(twin.component_id.lower())
        yield Proposal(
            dev_component_id=dev.component_id,
            dev_name=dev.name,
            dev_folder=dev.folder,
            dev_version=dev.version,
            component_type=dev.component_type,
            prod_component_id=twin.component_id,
            prod_name=twin.name,
            prod_folder=twin.folder_full_path,
            prod_version=twin.version,
            how=how,
            conflict=_conflict(dev_account, dev.component_id, twin.component_id),
        )


def _candidates(
    client: PartnerApiClient, dev: Dev, folder: str
) -> Iterator[tuple[str, ComponentMetadata]]:
    for twin in client.query_component_metadata(copied_from_component_id=dev.component_id):
        yield COPIED, twin
    others = []
    for twin in client.query_component_metadata(name=dev.name, component_type=dev.component_type):
        if same_folder(twin.folder_full_path, folder):
            yield NAMESAKE, twin
        else:
            others.append(twin)
    if dev.component_type in MAPPED_ONLY:
        for twin in others:
            yield NAME_ONLY, twin


# --- Confirming ------------------------------------------------------------------------------


def adopt(
    user: User, dev_account: DevAccount, stored: Iterable[dict[str, Any]], chosen: Iterable[str]
) -> Adopted:
    """Map the chosen proposals one by one; each that conflicts is left out, with a sentence saying why.

    :param stored: proposals as a worker found them: nothing else can be chosen.
    :param chosen: their keys.
    """
    proposals = {proposal.key: proposal for proposal in map(read, stored)}
    mapped, skipped = [], []
    for key in dict.fromkeys(chosen):
        proposal = proposals.get(key)
        if proposal is None:
            skipped.append("A component was left out: it is not among the proposals.")
            continue
        try:
            _adopt(user, dev_account, proposal)
        except PromotionError as error:
            skipped.append(f"“{proposal.dev_name}” was left out: {error.detail}.")
        else:
            mapped.append(proposal.dev_name)
    return Adopted(mapped, skipped)


def read(stored: dict[str, Any]) -> Proposal:
    """A proposal as it was stored with the job."""
    return Proposal(**stored)


def still_open(dev_account: DevAccount, stored: Iterable[dict[str, Any]]) -> list[Proposal]:
    """The proposals for components that nobody has mapped since, with today's conflicts."""
    mapped = set(dev_account.mappings.values_list("dev_component_id", flat=True))
    taken = {
        prod_id.lower(): name
        for prod_id, name in dev_account.mappings.values_list("prod_component_id", "name")
    }
    found = []
    for proposal in map(read, stored):
        if proposal.dev_component_id in mapped:
            continue
        conflict = ""
        if name := taken.get(proposal.prod_component_id.lower()):
            conflict = _taken(name)
        found.append(Proposal(**{**asdict(proposal), "conflict": conflict}))
    return found


def _adopt(user: User, dev_account: DevAccount, proposal: Proposal) -> None:
    try:
        with transaction.atomic():
            conflict = _conflict(
                dev_account,
                proposal.dev_component_id,
                proposal.prod_component_id,
            )
            if conflict:
                raise PromotionError("INVALID_TRANSITION", conflict)
            mapping = ComponentMapping.objects.create(
                dev_account=dev_account,
                dev_component_id=proposal.dev_component_id,
                prod_component_id=proposal.prod_component_id,
                name=proposal.dev_name,
                component_type=proposal.component_type,
                prod_version=proposal.prod_version,
                source=ComponentMapping.Source.ADMIN_SEEDING,
            )
            record_event(
                "mapping_adopted",
                actor=user,
                subject=f"component mapping {mapping.pk}: {mapping}",
                note=f"{dev_account.account_id} {mapping.dev_component_id} → {mapping.prod_component_id}\n"
                f"{proposal.why}",
            )
    except IntegrityError as error:
        raise PromotionError("INVALID_TRANSITION", MAPPED_ALREADY) from error


def _conflict(dev_account: DevAccount, dev_id: str, prod_id: str) -> str:
    """Why this pair cannot be mapped now, as half a sentence; empty if it can."""
    mappings = ComponentMapping.objects.filter(dev_account=dev_account)
    if mappings.filter(dev_component_id=dev_id.lower()).exists():
        return MAPPED_ALREADY
    other = mappings.of_twins([prod_id]).first()
    if other is not None:
        return _taken(other.name)
    creating = (
        PlannedComponent.objects.filter(
            action=Action.CREATE,
            dev_component_id=dev_id.lower(),
            plan__dev_account=dev_account,
            plan__promotion__status__in=OPEN,
        )
        .select_related("plan__promotion")
        .first()
    )
    if creating is not None:
        return (
            f"promotion {creating.plan.promotion.pk} is creating a twin of its own; withdraw or cancel "
            "that first"
        )
    return ""


def _taken(other: str) -> str:
    return f"the twin is mapped by “{other}” of the same account"
