"""Rows as the services and the workers would have left them, for the tests of the pages."""

from __future__ import annotations

import itertools
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from partnerapi import componentxml
from promotions.models import (
    ApiCall,
    ComponentMapping,
    ComponentResult,
    Deployment,
    DevAccount,
    DevAccountAccess,
    DevPackage,
    Environment,
    Finding,
    IntegrationPack,
    PackageListing,
    Plan,
    PlannedComponent,
    PromotionBranch,
    PromotionPackage,
    PromotionRequest,
    ReviewPolicy,
    StepRun,
)
from promotions.plan import RULES_VERSION, content_hash, contents, deployed_hash
from promotions.reading import read
from promotions.reading.lines import compare
from promotions.services import approvals
from promotions.states import Action, Kind, Outcome, Status, StepState
from promotions.transitions import record_event

_numbers = itertools.count(1)

OLD_XML = [
    '<bns:Component name="Order import" type="process">',
    "  <bns:object>",
    "    <process>",
    *(f'      <shape image="documentproperties_icon" name="shape{n}"/>' for n in range(1, 12)),
    '      <shape image="connectoraction_icon" name="shape12" userlabel="Read orders">',
    '        <connectoraction connectorType="http" operationId="⟦operation⟧"/>',
    "      </shape>",
    '      <shape image="stop_icon" name="shape13"/>',
    "    </process>",
    "  </bns:object>",
    "</bns:Component>",
]
NEW_XML = [
    *OLD_XML[:14],
    '      <shape image="connectoraction_icon" name="shape12" userlabel="Read open orders">',
    *OLD_XML[15:17],
    '      <shape image="notify_icon" name="shape14" userlabel="Tell <operations> & sales"/>',
    *OLD_XML[18:],
]


def account(name: str = "Sales Dev", *, group: str = "Team A") -> DevAccount:
    """A dev account that the members of `group` may promote from."""
    made = DevAccount.objects.create(name=name, account_id=f"sales-dev-{next(_numbers)}")
    if group:
        team, _ = Group.objects.get_or_create(name=group)
        DevAccountAccess.objects.create(group=team, dev_account=made)
    return made


def package(dev_account: DevAccount, name: str = "Order import", **columns: Any) -> DevPackage:
    number = next(_numbers)
    return DevPackage.objects.create(
        **{
            "dev_account": dev_account,
            "package_id": f"package-{number}",
            "package_version": f"1.{number}",
            "component_id": f"dev-root-{number}",
            "component_version": 3,
            "component_type": "process",
            "component_name": name,
            "folder": f"{dev_account.name}/Orders",
            "created_by": "alice@example.com",
            "created_date": timezone.now() - timedelta(hours=number),
            **columns,
        }
    )


def listing(dev_account: DevAccount, **columns: Any) -> PackageListing:
    columns.setdefault("refreshed_at", timezone.now())
    return PackageListing.objects.create(dev_account=dev_account, **columns)


def environment(name: str = "Production EU", **columns: Any) -> Environment:
    number = next(_numbers)
    columns.setdefault("classification", Environment.Classification.PROD)
    return Environment.objects.create(name=name, environment_id=f"environment-{number}", **columns)


def pack(name: str = "Order processes", **columns: Any) -> IntegrationPack:
    return IntegrationPack.objects.create(name=name, pack_id=f"pack-{next(_numbers)}", **columns)


def plan(dev_account: DevAccount, user: User, *, ready: bool = True, **columns: Any) -> Plan:
    """A plan; a ready one updates a process and creates a map, over an unchanged profile."""
    number = next(_numbers)
    values = {
        "dev_account": dev_account,
        "package_id": f"package-{number}",
        "package_version": f"1.{number}",
        "root_component_id": f"dev-root-{number}",
        "root_name": "Order import",
        "root_type": "process",
        "requested_by": user,
        "rules_version": RULES_VERSION,
        "created_at": timezone.now() - timedelta(minutes=7),
    }
    if ready:
        values |= {
            "state": Plan.State.READY,
            "content_hash": f"{number:064x}",
            "finished_at": timezone.now() - timedelta(minutes=6),
        }
    made = Plan.objects.create(**(values | columns))
    if made.is_ready:
        component(made, "Order connection", "connector-settings", Action.CONNECTION)
        component(made, "Order profile", "profile.xml", Action.UNCHANGED)
        component(made, "Order to invoice", "transform.map", Action.CREATE, old=[])
        component(
            made,
            made.root_name,
            "process",
            Action.UPDATE,
            dev_component_id=made.root_component_id,
            places=[
                {"path": "//HttpSettings/@url", "rule": "address", "outcome": "kept"},
                {"path": "//HttpSettings/AuthSettings/@password", "rule": "secret"}
                | {"outcome": "emptied"},
            ],
            rewrites=[{"path": "//connectoraction/@operationId", "context": "reference"}],
        )
    return made


def mapped_plan(dev_account: DevAccount, user: User, **columns: Any) -> Plan:
    """A ready plan whose mappings are those of now."""
    made = plan(dev_account, user, **columns)
    map_components(made)
    return made


def map_components(made: Plan) -> None:
    """Map all that a plan does not create."""
    for planned in made.components.exclude(action=Action.CREATE):
        ComponentMapping.objects.create(
            dev_account=made.dev_account,
            dev_component_id=planned.dev_component_id,
            prod_component_id=planned.prod_component_id,
            name=planned.name,
            component_type=planned.component_type,
        )


def digest_of(content: bytes) -> str:
    """As of a planned document, for some content."""
    return f"{componentxml.rules_version()}:{sha256(content).hexdigest()}"


def component(
    made: Plan,
    name: str,
    component_type: str,
    action: Action,
    *,
    old: list[str] | None = None,
    new: list[str] | None = None,
    **columns: Any,
) -> PlannedComponent:
    number = next(_numbers)
    position = made.components.count()
    values: dict[str, Any] = {
        "plan": made,
        "position": position,
        "group": position,
        "dev_component_id": f"dev-component-{number}",
        "name": name,
        "component_type": component_type,
        "dev_folder": f"{made.dev_account.name}/Orders",
        "target_folder": "/Promoted/Orders",
        "dev_version": 4,
        "prod_component_id": "" if action == Action.CREATE else f"prod-component-{number}",
        "prod_version": None if action in (Action.CREATE, Action.CONNECTION) else 7,
        "action": action,
    }
    if action in (Action.CREATE, Action.UPDATE):
        compared = compare(OLD_XML if old is None else old, NEW_XML if new is None else new)
        values |= {
            "difference": contents.store(compared.to_json()),
            "digest": digest_of(compared.to_json()),
            "difference_parts": compared.parts_to_open,
            "lines_added": compared.added,
            "lines_removed": compared.removed,
        }
    return PlannedComponent.objects.create(**(values | columns))


def finding(made: Plan, code: str, name: str = "Order connection", **columns: Any) -> Finding:
    values = {
        "plan": made,
        "code": code,
        "subject_id": f"subject-{next(_numbers)}",
        "subject_name": name,
        "message": f"Something about “{name}”.",
    }
    return Finding.objects.create(**(values | columns))


def promotion(
    made: Plan, requester: User, status: Status = Status.ADMIN_REVIEW, **columns: Any
) -> PromotionRequest:
    """A promotion of a plan as it would be in this status: results, steps, branch, events, calls."""
    now = timezone.now()
    values: dict[str, Any] = {
        "plan": made,
        "dev_account": made.dev_account,
        "requester": requester,
        "package_version": made.package_version,
        "notes": "Reads only open orders now.\nTicket 4711.",
        "status": status,
        "process_id": made.root_twin,
        "content_hash": made.content_hash,
        "rules_version": made.rules_version,
        "submitted_at": now - timedelta(minutes=5),
    }
    if status == Status.REJECTED:
        values["decision_reason"] = "The label says orders, the filter says invoices."
    if columns.get("approved_by"):
        # What it says yes to is frozen below, once it is all there.
        values |= {"approved_hash": "0" * 64, "approved_at": now}
    promotion = PromotionRequest.objects.create(**(values | columns))
    seal(promotion)
    staged = status in (Status.ADMIN_REVIEW, Status.APPROVED, Status.DEPLOYING, Status.DEPLOYED)
    for planned in made.components.all():
        outcome = Outcome.PENDING if planned.is_written else Outcome.UNCHANGED
        if staged and planned.is_written:
            outcome = Outcome.DONE
        ComponentResult.objects.create(
            promotion=promotion,
            component=planned,
            outcome=outcome,
            merged_version=8 if status == Status.DEPLOYED and planned.is_written else None,
        )
    target = Environment.objects.filter(classification="PROD").first() or environment()
    Deployment.objects.create(
        promotion=promotion,
        environment=target,
        platform_id=target.environment_id,
        deployed_at=now if status == Status.DEPLOYED else None,
    )
    if promotion.approved_by:
        approve(promotion, promotion.approved_by)
    record_event("submitted", promotion=promotion, actor=requester, note=promotion.notes)
    if status in (Status.QUEUED, Status.WAITING):
        return promotion
    PromotionBranch.objects.create(
        promotion=promotion,
        name=f"promo-{promotion.pk}",
        remote_id=f"branch-{promotion.pk}",
        delete_due=now if promotion.is_final else None,
        deleted_at=now if promotion.is_final else None,
    )
    step(promotion, "reserve_branch", minutes=4)
    step(promotion, "create_branch", minutes=3.5)
    step(promotion, "await_branch", minutes=3.2, polls=2)
    if status == Status.STAGING:
        step(promotion, "stage_components", StepState.RUNNING, minutes=1, detail="Order to invoice")
    if staged:
        step(promotion, "stage_components", minutes=3)
        step(promotion, "check_staged", minutes=2)
    if status == Status.DEPLOYED:
        for index, name in enumerate(
            ("take_merge_turn", "verify", "create_merge_request", "await_draft", "execute_merge")
        ):
            step(promotion, name, minutes=1 - index / 10)
    ApiCall.objects.create(
        promotion=promotion,
        operation="10",
        name="Create Branch",
        method="POST",
        path="Branch",
        status=200,
        duration_ms=312,
    )
    return promotion


def for_peers(
    made: Plan, requester: User, groups: dict[str, int], **columns: Any
) -> PromotionRequest:
    """A promotion in review for which a policy asks so many peers of these groups."""
    policy = ReviewPolicy.objects.create(name=f"Policy {next(_numbers)}", **columns)
    for name, number in groups.items():
        policy.groups.create(group=Group.objects.get_or_create(name=name)[0], number=number)
    return under_policies(made, requester)


def seal(promotion: PromotionRequest, **columns: Any) -> None:
    """Seal it as a submission does, with other values of some columns where a test wants that."""
    for name, value in columns.items():
        setattr(promotion, name, value)
    promotion.seal = promotion.make_seal()
    promotion.save(update_fields=["seal", *columns])


def under_policies(made: Plan, requester: User, **columns: Any) -> PromotionRequest:
    """A promotion in review, with what the policies ask for now frozen as a submission freezes it."""
    target = Environment.objects.filter(classification="PROD").first() or environment()
    demand = ReviewPolicy.objects.demand_on(made, [target])
    opened = promotion(
        made, requester, demand=demand.as_json(), approvals_missing=demand.approvals, **columns
    )
    opened.peer_groups.set(row.group_id for row in demand.groups)
    return opened


def approve(promotion: PromotionRequest, admin: User) -> None:
    """Put an approval on record, as the service does."""
    approved = approvals.freeze(
        promotion, pack=promotion.pack, new_pack_name=promotion.new_pack_name
    )
    for name, value in approvals.columns_of(admin, approved).items():
        setattr(promotion, name, value)
    promotion.save()
    approvals.keep(promotion, admin, approved)


def step(
    promotion: PromotionRequest,
    name: str,
    state: StepState = StepState.DONE,
    *,
    minutes: float = 1,
    **columns: Any,
) -> StepRun:
    started = timezone.now() - timedelta(minutes=minutes)
    ended = state in (StepState.DONE, StepState.FAILED, StepState.ABANDONED)
    return StepRun.objects.create(
        promotion=promotion,
        step=name,
        state=state,
        started_at=started,
        finished_at=started + timedelta(seconds=6.4) if ended else None,
        **columns,
    )


def deployed(made: Plan, requester: User, admin: User, **columns: Any) -> PromotionRequest:
    now = timezone.now()
    return promotion(
        made,
        requester,
        Status.DEPLOYED,
        approved_by=admin,
        merge_started_at=now - timedelta(minutes=1),
        merged_at=now - timedelta(seconds=50),
        deployed_at=now,
        **columns,
    )


def deployment(
    source: PromotionRequest, requester: User, target: Environment, **columns: Any
) -> PromotionRequest:
    """A deployment of what was promoted, to a further environment; it waits for an admin."""
    made = PromotionRequest.objects.create(
        **{
            "kind": Kind.DEPLOYMENT,
            "source": source,
            "dev_account": source.dev_account,
            "requester": requester,
            "package_version": source.package_version,
            "process_id": source.process_id,
            "pack": source.pack,
            "status": Status.ADMIN_REVIEW,
            "content_hash": deployed_hash(source),
            **columns,
        }
    )
    seal(made)
    Deployment.objects.create(promotion=made, environment=target, platform_id=target.environment_id)
    return made


def rollback_plan(source: PromotionRequest, user: User, **columns: Any) -> Plan:
    """A ready plan to go back to what was promoted before."""
    return plan(
        source.dev_account,
        user,
        restores=source,
        root_component_id=source.plan.root_component_id,
        package_id=source.plan.package_id,
        **columns,
    )


def read_component(
    made: Plan, name: str, old: bytes | None, new: bytes, **columns: Any
) -> PlannedComponent:
    """A component of a plan whose change has been read, with its XML difference."""
    found = read(old, new, columns.pop("names", {}))
    return component(
        made,
        name,
        found.type,
        Action.CREATE if old is None else Action.UPDATE,
        reading=contents.store(found.to_json()),
        sentence=found.sentence,
        **columns,
    )


def bundle_plan(dev_account: DevAccount, user: User) -> Plan:
    """A ready plan of “Order import” and “Returns”, which share the order profile."""
    made = plan(dev_account, user, root_component_id="dev-orders")
    made.further.create(
        package_id="package-returns",
        package_version="2.4",
        root_component_id="dev-returns",
        root_name="Returns",
        root_type="process",
        package_created_at=timezone.now(),
    )
    shared = made.components.get(name="Order profile").dev_component_id
    component(
        made,
        "Returns",
        "process",
        Action.UPDATE,
        dev_component_id="dev-returns",
        prod_component_id="prod-returns",
        depends_on=[shared],
    )
    others = made.components.exclude(name="Returns").exclude(dev_component_id="dev-orders")
    own = [one.dev_component_id for one in others]
    made.components.filter(dev_component_id="dev-orders").update(depends_on=own)
    packages = [package.package_id for package in made.packages]
    hashed = content_hash(packages[0], made.components.all(), further=packages[1:])
    Plan.objects.filter(pk=made.pk).update(content_hash=hashed)
    return Plan.objects.get(pk=made.pk)


def bundle(
    made: Plan, requester: User, status: Status = Status.ADMIN_REVIEW, **columns: Any
) -> PromotionRequest:
    """A promotion of such a plan."""
    several = promotion(made, requester, status, **columns)
    further = PromotionPackage.objects.create(
        promotion=several,
        planned=made.further.get(),
        package_version="5.0",
        process_id="prod-returns",
    )
    for first in list(several.deployments.all()):
        Deployment.objects.create(
            promotion=several,
            package=further,
            environment=first.environment,
            platform_id=first.platform_id,
            deployed_at=first.deployed_at,
        )
    return PromotionRequest.objects.get(pk=several.pk)
