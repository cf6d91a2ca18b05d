"""The published API's rules that are the pipeline's to keep, by operation, in each dialect that has them.

No worker is needed: what a worker would do is done here, so that the settings can be changed for one test.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.utils import timezone

from partnerapi import answers
from partnerapi.client import PartnerApiClient
from partnerapi.componentxml import Document
from partnerapi.records import Component, ComponentMetadata, MergeRequest, PackEntry
from partnerapi.records import IntegrationPack as RemotePack
from partnerapi.simulator import seed
from partnerapi.simulator.seed import uid
from partnerapi.transport import Request, Transport
from promotions import services
from promotions.messages import MESSAGES, PromotionError
from promotions.models import (
    ComponentMapping,
    DevAccount,
    DevAccountAccess,
    Environment,
    Finding,
    IntegrationPack,
    Plan,
    PromotionBranch,
    PromotionRequest,
)
from promotions.pages.checklist import after_deployment
from promotions.partner import client
from promotions.pipeline.cleanup import delete_branch
from promotions.pipeline.runner import run_promotion
from promotions.plan import build_plan
from promotions.states import FINAL, Status
from tests.integration.desk import Desk, furnish
from tests.partnerapi import openapi
from tests.services import Simulator, Worker

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID
LISTEN = '<connectoraction actionType="Listen" connectorType="wss"/>'


class Office(Desk):
    """A desk whose work is done in this process."""

    def plan(
        self,
        package_id: str = SMALL,
        *,
        account: DevAccount | None = None,
        user: User | None = None,
    ) -> Plan:
        plan = Plan.objects.create(
            dev_account=account or self.orders,
            package_id=package_id,
            requested_by=user or self.alice,
            environment_values=settings.ENVIRONMENT_VALUES,
            next_attempt_at=timezone.now(),
        )
        build_plan(plan.pk)
        return cast("Plan", self.fresh(plan))

    def wait_for(
        self, promotion: PromotionRequest, *statuses: Status, seconds: float = 60
    ) -> PromotionRequest:
        end = time.monotonic() + seconds
        while True:
            run_promotion(promotion.pk)
            now = cast("PromotionRequest", self.fresh(promotion))
            if now.status in {*statuses, *FINAL}:
                for branch in now.branches.filter(delete_due__isnull=False):
                    delete_branch(branch.pk)
                return now
            assert time.monotonic() < end, (
                now.status,
                list(now.steps.values_list("step", "detail")),
            )
            time.sleep(0.02)

    def new_package(self, component_id: str, version: str) -> str:
        """The package of a component as it is now."""
        made = self.edit(action="create_package", componentId=component_id, packageVersion=version)
        return str(made["packageId"])

    def packages(self, component_id: str) -> list[dict[str, Any]]:
        return [p for p in self.state()["packages"] if p["component_id"] == component_id]


@pytest.fixture
def office(
    transactional_db: None,
    redis_server: redis.Redis,
    simulator: Simulator,
    alice: User,
    bob: User,
    dora: User,
) -> Office:
    furnish()
    return Office(simulator, cast("Worker", None), alice, bob, dora)


@pytest.fixture
def published(office: Office, settings: Any) -> Office:
    """What only the published dialect has, whichever one the other tests speak."""
    settings.PARTNER_API_DIALECT = "published"
    office.simulator._call("POST", "reset", {"dialect": "published"})
    return office


@pytest.fixture
def logistics(office: Office) -> DevAccount:
    account = DevAccount.objects.get(account_id=seed.LOGISTICS_ACCOUNT)
    DevAccountAccess.objects.create(group=Group.objects.get(name="Team A"), dev_account=account)
    return account


def reports_parents() -> bool:
    return client().capabilities.reports_parents


def finding(plan: Plan, code: str) -> Finding:
    """The only finding with this code, which the pages can explain."""
    assert plan.is_ready, (plan.error_code, plan.error)
    assert code in MESSAGES
    return plan.findings.get(code=code)


# -- 1 to 5: components ----------------------------------------------------------------------


def test_2_a_new_component_lies_below_promoted_in_devs_folder(office: Office) -> None:
    promotion = office.promoted(SMALL)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    made = office.production()[promotion.results.get().prod_component_id]
    assert made["folder"] == "Northwind Outfitters/Promoted/Orders/Operations"


def test_3_a_twin_that_the_branch_does_not_see_is_staged_again(office: Office) -> None:
    gone: dict[str, Any] = {"status": 400, "message": "The component (x) is not found."}
    office.simulator.fault(3, "status", times=1, **gone)
    promotion = office.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    assert promotion.staged_times == 2
    assert office.calls(10) == 2
    # It does not go on for ever.
    office.simulator.fault(3, "status", times=-1, **gone)
    services.withdraw(office.alice, promotion)
    promotion = office.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "COMPONENT_NOT_FOUND")


def test_4_a_server_of_the_other_dialect_stops_the_plan(office: Office, settings: Any) -> None:
    settings.PARTNER_API_DIALECT = {"guide": "published", "published": "guide"}[
        settings.PARTNER_API_DIALECT
    ]
    plan = office.plan(seed.UPDATE_PACKAGE_ID)
    assert plan.state == Plan.State.FAILED
    assert plan.error_code in {"BAD_RESPONSE", "BAD_REQUEST"}


def test_5_a_deleted_dev_reference_is_unresolved(office: Office) -> None:
    plan = office.plan(seed.DELETED_REFERENCE_PACKAGE_ID)
    found = finding(plan, "UNRESOLVED_REFERENCES")
    assert found.subject_id == seed.DELETED_COMPONENT_ID
    assert found.blocking
    assert not found.can_be_accepted
    assert not plan.components.filter(dev_component_id=seed.DELETED_COMPONENT_ID).exists()
    with pytest.raises(PromotionError, match="UNRESOLVED_REFERENCES"):
        office.submit(plan)


def test_1_a_row_of_the_manifest_may_have_no_version(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the packaged component the package tells it; of a part the newest is read, and told if it has moved on."""
    root, part = (uid(seed.ORDERS_ACCOUNT, key) for key in ("stock-sync", "get-stock"))
    manifest = type(client()).get_package_manifest

    def without(*args: Any, **kwargs: Any) -> Any:
        pinned = manifest(*args, **kwargs)
        return pinned and tuple(
            replace(row, version=None) if row.component_id in (root, part) else row
            for row in pinned
        )

    monkeypatch.setattr(type(client()), "get_package_manifest", without)
    plan = office.plan(seed.OLDER_PACKAGE_ID)
    assert plan.is_ready, (plan.error_code, plan.error)
    if not client().capabilities.pins_versions:
        assert finding(plan, "PACKAGE_OLDER").subject_id == root
        return
    assert plan.components.get(dev_component_id=root).dev_version == 2
    assert not plan.compares_packaged_versions
    assert plan.can_be_submitted
    office.edit(action="touch", componentId=part)
    assert finding(office.plan(seed.OLDER_PACKAGE_ID), "PACKAGE_OLDER").subject_id == part


def test_a_deleted_twin_is_never_restored_silently(office: Office) -> None:
    office.edit(action="delete_component", componentId=seed.PROD_STOCK_SETTINGS_ID)
    found = finding(office.plan(seed.UPDATE_PACKAGE_ID), "TWIN_DELETED")
    assert found.blocking
    assert not found.can_be_accepted


def test_a_twin_with_a_secret_set_is_not_updated_unless_an_admin_accepts_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = uid(seed.PRIMARY_ACCOUNT, "get-stock")
    read = answers.component
    entry = b'<bns:encryptedValue path="//Operation/Auth/@password" isSet="true"/>'

    def with_a_secret(*args: Any, **kwargs: Any) -> Component:
        found = read(*args, **kwargs)
        if found.component_id != twin:
            return found
        marked = b"<bns:encryptedValues>" + entry + b"</bns:encryptedValues>"
        return replace(
            found,
            document=Document.parse(found.xml.replace(b"<bns:encryptedValues/>", marked)),
        )

    monkeypatch.setattr(answers, "component", with_a_secret)
    plan = office.plan(seed.UPDATE_PACKAGE_ID)
    found = finding(plan, "SECRET_SET_IN_PRODUCTION")
    assert found.blocking
    assert not plan.can_be_submitted
    services.accept_finding(office.bob, found, reason="Nothing is set there any more.")
    assert office.plan(seed.UPDATE_PACKAGE_ID).can_be_submitted


@pytest.mark.parametrize("values", ["keep", "empty"])
def test_values_that_an_update_would_empty_are_a_finding(
    office: Office, settings: Any, values: str
) -> None:
    settings.ENVIRONMENT_VALUES = values
    plan = office.plan(seed.UPDATE_PACKAGE_ID)
    if values == "keep":
        assert not plan.findings.filter(code="VALUES_WOULD_BE_EMPTIED").exists()
        return
    found = finding(plan, "VALUES_WOULD_BE_EMPTIED")
    assert found.blocking
    assert found.can_be_accepted
    assert "1 secrets" in found.message
    assert "prod-steady-heron-7" not in f"{found.message} {found.path}"
    assert not plan.can_be_submitted
    services.accept_finding(office.bob, found, reason="They are extensions.")
    assert office.fresh(plan).can_be_submitted


def test_other_processes_that_use_what_is_updated_are_named(office: Office) -> None:
    """They change only when they are packaged again."""
    plan = office.plan(seed.UPDATE_PACKAGE_ID)
    assert plan.can_be_submitted
    if not reports_parents():
        assert not plan.findings.filter(code="USED_BY_OTHERS").exists()
        return
    found = plan.findings.filter(code="USED_BY_OTHERS")
    assert {f.component.name for f in found if f.component} == {"Get Stock Levels"}
    assert not any(f.blocking for f in found)
    assert "“Weekly Stock Report” uses" in found[0].message


# -- 7, 8, 17 and 18: packages, packs, releases, deployments ----------------------------------


def test_7_a_deleted_package_keeps_its_version_taken(office: Office) -> None:
    root = uid(seed.PRIMARY_ACCOUNT, "stock-sync")
    gone = office.new_package(root, "9.0")
    office.edit(action="delete_package", packageId=gone)
    plan = office.plan(seed.UPDATE_PACKAGE_ID)
    with pytest.raises(PromotionError, match="PACKAGE_VERSION_EXISTS"):
        office.submit(plan, version="9.0")
    assert office.calls(10) == 0


def test_8_an_environment_that_the_pack_reaches_is_not_deployed_to(office: Office) -> None:
    """Where an instance of the pack is attached, the process would run twice."""
    pack = IntegrationPack.objects.get(pack_id=seed.PACKS["customers"])
    promotion = office.promoted(SMALL, pack={"pack": pack})
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    deployed = {d["environment_id"] for d in office.state()["deployments"]}
    reached = promotion.deployments.get(environment__environment_id=seed.ENVIRONMENTS["prod-us"])
    assert reached.deployed_at is not None
    if not reports_parents():
        assert deployed == {seed.ENVIRONMENTS["prod-eu"], seed.ENVIRONMENTS["prod-us"]}
        return
    assert deployed == {seed.ENVIRONMENTS["prod-eu"]}
    assert reached.note.startswith("Reached through the pack “Customer Master”")
    assert reached.remote_id == ""
    other = promotion.deployments.exclude(pk=reached.pk).get()
    assert other.note == ""
    assert other.remote_id


def test_8_a_listener_that_will_start_is_told(office: Office) -> None:
    assert not office.plan(SMALL).findings.filter(code="LISTENER_STARTS").exists()
    component = office.plan(SMALL).root_component_id
    office.edit(action="component_xml", componentId=component, replace=[["<noaction/>", LISTEN]])
    plan = office.plan(office.new_package(component, "1.1"))
    assert not finding(plan, "LISTENER_STARTS").blocking
    assert plan.can_be_submitted


@pytest.mark.parametrize("paused", [True, False])
def test_8_a_listener_is_deployed_paused_where_that_was_chosen(
    office: Office, paused: bool
) -> None:
    component = office.plan(SMALL).root_component_id
    office.edit(action="component_xml", componentId=component, replace=[["<noaction/>", LISTEN]])
    promotion = services.submit(
        office.alice,
        office.plan(office.new_package(component, "1.1")),
        package_version="1.1",
        environments=Environment.objects.filter(classification="PROD"),
        pause_listeners=paused,
    )
    promotion = office.wait_for(promotion, Status.ADMIN_REVIEW)
    office.approve(promotion)
    PromotionRequest.objects.filter(pk=promotion.pk).update(pause_listeners=not paused)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    told = {row["listener_status"] for row in office.state()["deployments"]}
    assert told == {"PAUSED" if paused else "RUNNING"}


def test_8_what_does_not_listen_is_not_paused(office: Office) -> None:
    plan = office.plan(SMALL)
    promotion = services.submit(
        office.alice,
        plan,
        package_version="1.0",
        environments=Environment.objects.filter(classification="PROD"),
        pause_listeners=True,
    )
    assert not promotion.pause_listeners


def test_17_no_pack_holds_a_process_route_or_a_process_with_one(
    office: Office, logistics: DevAccount
) -> None:
    plan = office.plan(seed.ROUTE_PACKAGE_ID, account=logistics)
    found = finding(plan, "NOT_FOR_PACKS")
    assert (found.subject_name, found.blocking, found.can_be_accepted) == (
        "Delivery Route",
        True,
        False,
    )
    with pytest.raises(PromotionError, match="NOT_FOR_PACKS"):
        office.submit(plan)
    assert office.calls(10) == 0


def test_7_independent_parts_are_not_packaged_along(office: Office, logistics: DevAccount) -> None:
    found = finding(office.plan(seed.ROUTE_PACKAGE_ID, account=logistics), "NOT_PACKAGED_ALONG")
    assert (found.subject_name, found.blocking) == ("Regional Delivery", False)


def test_17_a_pending_update_of_somebody_else_is_seen_before_the_merge(office: Office) -> None:
    pack = IntegrationPack.objects.get(pack_id=seed.PACKS["orders"])
    promotion = office.requested(SMALL)
    before = office.production()
    entries = next(p for p in office.state()["packs"] if p["id"] == pack.pack_id)["entries"]
    office.new_package(entries[0]["component_id"], "77")
    packages = client().query_packaged_components(
        component_id=entries[0]["component_id"], package_version="77"
    )
    client().add_to_integration_pack(pack.pack_id, next(iter(packages)))
    office.approve(promotion, pack=pack)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.error_code, promotion.failed_step) == ("PACK_PENDING", "check_pack")
    assert "Stock Level Sync" in promotion.error
    assert promotion.merged_at is None
    assert office.production() == before
    assert office.calls(12) == 0


def test_17_a_pending_update_of_the_same_process_is_replaced(office: Office) -> None:
    pack = IntegrationPack.objects.get(pack_id=seed.PACKS["orders"])
    promotion = office.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
    root = uid(seed.PRIMARY_ACCOUNT, "stock-sync")
    office.new_package(root, "77")
    (waiting,) = client().query_packaged_components(component_id=root, package_version="77")
    client().add_to_integration_pack(pack.pack_id, waiting)
    office.approve(promotion, pack=pack)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    entries = next(p for p in office.state()["packs"] if p["id"] == pack.pack_id)["entries"]
    released = {entry["component_id"]: entry["released"] for entry in entries}
    assert released[root] == promotion.prod_package_id


def test_17_a_pack_holds_100_packages_which_is_seen_before_the_merge(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(client())
    read = kind.query_integration_packs
    more = tuple(PackEntry(f"other-{n}", current_version="1") for n in range(98))

    def filled(api: PartnerApiClient) -> tuple[RemotePack, ...]:
        return tuple(replace(pack, entries=pack.entries + more) for pack in read(api))

    monkeypatch.setattr(kind, "query_integration_packs", filled)
    promotion = office.requested(SMALL)
    office.approve(promotion, pack=IntegrationPack.objects.get(pack_id=seed.PACKS["orders"]))
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.error_code, promotion.failed_step) == ("PACK_FULL", "check_pack")
    assert "100 packages" in promotion.error
    assert promotion.merged_at is None
    assert office.calls(12) == 0
    # What is in the pack already needs no further place.
    promotion = office.requested(seed.UPDATE_PACKAGE_ID, version="1.1")
    office.approve(promotion, pack=IntegrationPack.objects.get(pack_id=seed.PACKS["orders"]))
    assert office.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED


def test_18_a_release_that_is_put_off_is_waited_for(published: Office) -> None:
    office = published
    office.edit(release_mode="scheduled")
    promotion = office.requested(SMALL)
    office.approve(promotion)
    for _ in range(40):
        run_promotion(promotion.pk)
        time.sleep(0.05)
    step = promotion.steps.get(step="await_release")
    assert (step.state, office.fresh(promotion).status) == ("waiting", Status.DEPLOYING)
    assert "SCHEDULED" in step.detail
    assert step.polls > 1
    office.edit(release_mode="normal")
    office.edit(action="finish_release", releaseId=office.fresh(promotion).release_id)
    assert office.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED


def test_18_a_release_whose_answer_is_lost_is_made_once(office: Office) -> None:
    releases = len(office.state()["releases"])
    office.simulator.fault(18, "lost_reply", times=1)
    promotion = office.promoted(SMALL)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert len(office.state()["releases"]) == releases + 1


# -- 10 to 19: branches and merges -------------------------------------------------------------


def test_10_the_answered_name_of_a_branch_is_used(office: Office) -> None:
    """Names are normalised: the platform makes ``-`` of ``/``."""
    plan = office.plan(SMALL)
    promotion = office.submit(plan)
    # The row is written before operation 10 is sent, here with a name that is not kept.
    create = PromotionBranch.objects.create

    def awkward(**columns: Any) -> PromotionBranch:
        return create(**columns | {"name": f"promo/{promotion.pk}"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PromotionBranch.objects, "create", awkward)
        promotion = office.wait_for(promotion, Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    assert promotion.branches.get().name == f"promo-{promotion.pk}"
    assert office.branches() == [f"promo-{promotion.pk}"]


def test_13_merge_is_sent_only_when_the_request_can_be_executed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = PartnerApiClient.get_merge_request
    stages: list[str] = []

    def redrafted(api: PartnerApiClient, merge_request_id: str) -> MergeRequest:
        """It is drafted again just after it was seen as REVIEWING."""
        found = read(api, merge_request_id)
        if stages[-1:] == ["REVIEWING"]:
            found = replace(found, stage="DRAFTED")
        stages.append(found.stage)
        return found

    promotion = office.requested(SMALL)
    monkeypatch.setattr(PartnerApiClient, "get_merge_request", redrafted)
    office.approve(promotion)
    for _ in range(30):
        run_promotion(promotion.pk)
        if "REVIEWING" in stages[:-1]:
            break
        time.sleep(0.05)
    assert stages[-2:] == ["REVIEWING", "DRAFTED"]
    assert office.calls(13) == 0
    monkeypatch.undo()
    assert office.wait_for(promotion, Status.DEPLOYED).status == Status.DEPLOYED
    assert office.calls(13) == 1


def test_13_a_merge_that_would_touch_more_than_the_plan_is_not_executed(office: Office) -> None:
    promotion = office.requested(SMALL)
    branch = promotion.branches.get()
    api = client()
    other = api.get_component(seed.PROD_STOCK_SETTINGS_ID)
    changed = other.xml.replace(b"Batch size", b"Size of a batch")
    assert changed != other.xml
    changed = changed.replace(b"prod-steady-heron-7", b"")
    api.update_component(other.component_id, changed, branch_id=branch.remote_id)
    before = office.production()
    office.approve(promotion)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.error_code, promotion.failed_step) == ("PLAN_STALE", "verify")
    assert "nobody approved" in promotion.error
    shas = {key: component["sha"] for key, component in office.production().items()}
    assert shas == {key: component["sha"] for key, component in before.items()}
    assert office.calls(13) == 0


# -- what comes back ------------------------------------------------------------------------


def test_answers_may_be_careless_about_types_and_lists(office: Office) -> None:
    """Truth values as text, and one object where a list of one is meant."""
    office.edit(loose_json=True)
    promotion = office.promoted(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)


def test_a_type_that_nobody_knows_is_promoted_like_the_rest(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = answers.component_metadata

    def of_tomorrow(fields: Any) -> ComponentMetadata:
        found = read(fields)
        return replace(found, type="future.kind") if found.type.startswith("profile") else found

    monkeypatch.setattr(answers, "component_metadata", of_tomorrow)
    plan = office.plan(seed.RETURNS_PACKAGE_ID)
    assert plan.can_be_submitted, (plan.error, list(plan.findings.values()))
    unknown = plan.components.filter(component_type="future.kind")
    assert unknown
    assert all(component.action == "create" for component in unknown)


# -- the description -------------------------------------------------------------------------


def test_every_request_of_two_promotions_is_as_described(
    published: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = published
    wrong: list[str] = []
    judged: set[int | None] = set()
    exchange = Transport._exchange

    def judge(transport: Transport, promotion: Request, path: str) -> Any:
        operation = promotion.operation
        kind = promotion.content_type or operation.media_type
        wrong.extend(
            openapi.problems(operation.method, promotion.path, kind, promotion.body or b"")
        )
        judged.add(operation.number)
        return exchange(transport, promotion, path)

    monkeypatch.setattr(Transport, "_exchange", judge)
    assert office.promoted(SMALL).status == Status.DEPLOYED
    second = office.promoted(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert second.status == Status.DEPLOYED, (second.error_code, second.error)
    assert wrong == []
    assert judged >= set(range(1, 20))


# -- names ----------------------------------------------------------------------------------


def test_awkward_names_of_everything_else_survive_the_trip(
    office: Office, logistics: DevAccount
) -> None:
    """Folder chains, packs, notes and environments; components and versions have a test of their own."""
    awkward = "R&D \"Lab\" ~ <Tests> 'x' 🚚"
    folder = "/".join([awkward, "é" * 200, "a&amp;b ]]>", "x" * 250, "y" * 250, "z" * 250])
    source = client().get_component(seed.AWKWARD_COMPONENT_ID, account=logistics.account_id)
    made = office.edit(
        action="create_component",
        account=logistics.account_id,
        folder=folder,
        xml=source.xml.decode().replace(f'componentId="{source.component_id}"', 'componentId=""'),
    )
    package = office.new_package(made["componentId"], "1")
    plan = office.plan(package, account=logistics)
    assert plan.is_ready, (plan.error_code, plan.error)
    for found in plan.blocking_findings():
        services.accept_finding(office.bob, found, reason="On purpose.")
    for environment in Environment.objects.all():
        environment.name = f"{awkward} {environment.name}"
        environment.save()
    notes = f"{awkward}\n\tsecond line; ]]> {{% x %}} {'n' * 300}"
    promotion = services.submit(
        office.alice,
        plan,
        package_version=awkward,
        environments=Environment.objects.filter(classification="PROD"),
        notes=notes,
    )
    promotion = office.wait_for(promotion, Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    pack_name = f"{awkward} {'p' * 200}/~"
    office.approve(promotion, new_pack_name=pack_name)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    root = promotion.results.get(component__dev_component_id=plan.root_component_id)
    in_production = office.production()[root.prod_component_id]
    assert in_production["folder"] == f"Northwind Outfitters/Promoted/{folder}"
    assert in_production["name"] == source.name
    (made_package,) = office.packages(root.prod_component_id)
    assert made_package["version"] == awkward
    assert notes[:200] in made_package["notes"]
    assert [p["name"] for p in office.state()["packs"] if p["name"] == pack_name]
    assert len(office.state()["deployments"]) == 2
    assert promotion.deployments.filter(environment__name__startswith=awkward).count() == 2
    assert ComponentMapping.objects.filter(name=source.name).exists()
    assert after_deployment(promotion, list(promotion.plan.components.all()))
