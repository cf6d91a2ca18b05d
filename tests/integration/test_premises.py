"""Production and the mappings move between the plan and the merge: nothing of it goes unseen."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from partnerapi.simulator import seed, seed_xml
from partnerapi.simulator.documents import ROOT_NAMESPACES
from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    ComponentMapping,
    DevAccount,
    Finding,
    IntegrationPack,
    Plan,
    PlannedComponent,
    PromotionRequest,
)
from promotions.partner import client
from promotions.plan.premises import Look, Moment, ask
from promotions.reading import from_json
from promotions.reading.three_ways import three_ways
from promotions.states import Stage, Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID
ORDERS, FINANCE = seed.ORDERS_ACCOUNT, seed.FINANCE_ACCOUNT
LIBRARY = seed.LIBRARY_COMPONENT_IDS


def make(
    desk: Desk,
    name: str,
    kind: str,
    content: str,
    *,
    account: str = ORDERS,
    sub_type: str = "",
    folder: str = "Field",
    copied_from: str = "",
) -> str:
    """A component that somebody makes in Boomi's editor; answers its id."""
    attributes = f'name="{name}" type="{kind}"'
    attributes += f' subType="{sub_type}"' if sub_type else ""
    xml = (
        f"<bns:Component {ROOT_NAMESPACES} {attributes}><bns:encryptedValues/>"
        f"<bns:description></bns:description><bns:object>{content}</bns:object></bns:Component>"
    )
    made = desk.edit(action="create_component", account=account, xml=xml, folder=folder)
    return str(made["componentId"])


def script(desk: Desk, name: str, text: str, **more: Any) -> str:
    content = seed_xml.processing_script(f"{text}\n")
    return make(desk, name, "script.processing", content, **more)


def process(desk: Desk, name: str, *shapes: seed_xml.Shape, **more: Any) -> str:
    content = seed_xml.process((seed_xml.start(), *shapes, seed_xml.stop()))
    return make(desk, name, "process", content, **more)


def package(desk: Desk, component: str, version: str = "1.0") -> str:
    made = desk.edit(action="create_package", componentId=component, packageVersion=version)
    return str(made["packageId"])


def caller(desk: Desk, name: str, account: str) -> str:
    """A package of a process that calls the account's library."""
    called = seed_xml.call(LIBRARY[account])
    return package(desk, process(desk, name, called, account=account))


def codes(plan: Plan) -> set[str]:
    return set(plan.findings.values_list("code", flat=True))


def blocking(plan: Plan) -> set[str]:
    return set(plan.blocking_findings().values_list("code", flat=True))


def replace(desk: Desk, component: str, old: str, new: str) -> None:
    desk.edit(action="component_xml", componentId=component, replace=[[old, new]])


def failed(desk: Desk, promotion: PromotionRequest, *codes: str) -> PromotionRequest:
    ended = desk.wait_for(promotion, Status.DEPLOYED)
    assert (ended.status, ended.error_code in codes) == (Status.FAILED, True), (
        ended.status,
        ended.error_code,
        ended.error,
    )
    desk.wait_until_no_branch()
    return ended


# --- One twin, whoever brings it -------------------------------------------------------------


@pytest.mark.parametrize("stage", list(Stage))
def test_a_library_of_two_accounts_is_created_once(desk: Desk, stage: Stage, settings: Any) -> None:
    settings.STAGE = stage
    first = desk.plan(caller(desk, "Alpha Caller", ORDERS))
    second = desk.plan(caller(desk, "Beta Caller", FINANCE), account=desk.finance)
    promotion = desk.submit(first)
    with pytest.raises(PromotionError) as refused:
        desk.submit(second)
    assert refused.value.code == "COMPONENT_RESERVED"
    assert "Northwind Orders Team" in refused.value.detail
    desk.approve(desk.wait_for(promotion, Status.ADMIN_REVIEW))
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    # The way is free, and the twin is there by now.
    late = desk.wait_for(desk.submit(second), Status.ADMIN_REVIEW)
    if late.status == Status.ADMIN_REVIEW:
        desk.approve(late, new_pack_name="Beta")
    failed(desk, late, "TWIN_IN_PRODUCTION")
    names = [found["name"] for found in desk.production().values()]
    assert names.count("Common Error Notifier") == 1


def test_two_accounts_do_not_update_one_twin_at_once(desk: Desk) -> None:
    theirs = process(desk, "Other Sync", account=FINANCE)
    twin = process(desk, "Other Sync", account=seed.PRIMARY_ACCOUNT, folder="Promoted/Field")
    ComponentMapping.objects.create(
        dev_account=desk.finance,
        dev_component_id=theirs,
        prod_component_id=twin,
        name="Other Sync",
        component_type="process",
    )
    ours = process(desk, "Other Sync", seed_xml.call(LIBRARY[ORDERS]))
    ComponentMapping.objects.create(
        dev_account=desk.orders,
        dev_component_id=ours,
        prod_component_id=twin,
        name="Other Sync",
        component_type="process",
    )
    replace(desk, theirs, "<bns:description>", "<bns:description>newer")
    mine = desk.plan(package(desk, ours))
    other = desk.plan(package(desk, theirs), account=desk.finance)
    desk.submit(mine)
    with pytest.raises(PromotionError) as refused:
        desk.submit(other)
    assert refused.value.code == "COMPONENT_RESERVED"


def test_a_twin_that_somebody_makes_before_the_merge(desk: Desk) -> None:
    promotion = desk.requested(SMALL)
    planned = promotion.plan.components.get()
    folder = planned.target_folder.strip("/")
    process(desk, planned.name, account=seed.PRIMARY_ACCOUNT, folder=folder)
    desk.approve(promotion)
    failed(desk, promotion, "TWIN_IN_PRODUCTION")


# --- Mappings are not believed ---------------------------------------------------------------


def test_two_components_have_no_common_twin(desk: Desk) -> None:
    up, down = script(desk, "Round Up", "def a = 1"), script(desk, "Round Down", "def a = 2")
    shapes = (seed_xml.script_shape(up), seed_xml.script_shape(down))
    root = process(desk, "Rounding", *shapes)
    twin = script(desk, "Round", "def a = 0", account=seed.PRIMARY_ACCOUNT)
    first, slip = (
        ComponentMapping(
            dev_account=desk.orders,
            dev_component_id=dev_id,
            prod_component_id=twin,
            name=name,
            component_type="script.processing",
        )
        for dev_id, name in ((up, "Round Up"), (down, "Round Down"))
    )
    first.full_clean()
    first.save()
    with pytest.raises(ValidationError, match="Round Up"):
        slip.full_clean()
    slip.save()
    plan = desk.plan(package(desk, root))
    assert "TWO_WRITERS" in blocking(plan)
    message = plan.findings.filter(code="TWO_WRITERS")[0].message
    assert "Round Up" in message
    assert "Round Down" in message


@pytest.mark.parametrize("wrong", ["process", "database", "operation"])
def test_a_twin_is_of_the_same_kind(desk: Desk, wrong: str) -> None:
    production = desk.production()
    connection = seed.uid(seed.PRIMARY_ACCOUNT, "commerce-api")
    mapped = seed.uid(seed.PRIMARY_ACCOUNT, "get-stock") if wrong == "operation" else connection
    row = ComponentMapping.objects.get(dev_account=desk.orders, prod_component_id=mapped)
    row.prod_component_id = {
        "process": next(t for t in seed.TWINS.values() if production[t]["type"] == "process"),
        "database": seed.uid(seed.PRIMARY_ACCOUNT, "order-database"),
        "operation": make(
            desk,
            "Get Stock Levels",
            "connector-action",
            "<Operation/>",
            account=seed.PRIMARY_ACCOUNT,
            sub_type="database",
        ),
    }[wrong]
    row.save()
    assert "MAPPING_OF_ANOTHER_KIND" in blocking(desk.plan(seed.UPDATE_PACKAGE_ID))


# --- Between the approval and the merge ------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("connection", "TWIN_DELETED"),
        ("mapping", "PLAN_STALE"),
        ("package", "PACKAGE_NOT_FOUND"),
        ("twin", "TWIN_DELETED"),
        ("hand edit", "PLAN_STALE"),
    ],
)
def test_what_changes_after_the_request_stops_it(desk: Desk, what: str, code: str) -> None:
    promotion = desk.requested(seed.UPDATE_PACKAGE_ID, version="9.1")
    if what == "connection":
        connection = promotion.plan.components.filter(action="connection")[0]
        desk.edit(action="delete_component", componentId=connection.prod_component_id)
    elif what == "package":
        desk.edit(action="delete_package", packageId=seed.UPDATE_PACKAGE_ID)
    elif what == "twin":
        desk.edit(action="delete_component", componentId=seed.PROD_STOCK_SETTINGS_ID)
    elif what == "hand edit":
        desk.edit(action="touch", componentId=seed.PROD_STOCK_SETTINGS_ID)
    if what != "mapping":
        desk.approve(promotion)
        failed(desk, promotion, code)
        return
    ComponentMapping.objects.filter(prod_component_id=seed.PROD_STOCK_SETTINGS_ID).update(
        prod_component_id="another"
    )
    with pytest.raises(PromotionError) as refused:
        desk.approve(promotion)
    assert refused.value.code == code


# --- Earlier work ----------------------------------------------------------------------------


@pytest.mark.parametrize("newer", [True, False])
def test_a_change_by_hand_is_not_undone_silently(desk: Desk, newer: bool) -> None:
    desk.promoted(SMALL)
    known = ComponentMapping.objects.get(source="engine")
    replace(desk, known.prod_component_id, "Still there", "Still there, hot fix")
    source = SMALL
    if newer:
        replace(desk, known.dev_component_id, "Still there", "Still here")
        source = package(desk, known.dev_component_id, "2.0")
    plan = desk.plan(source)
    finding = plan.findings.get(code="CHANGED_IN_PRODUCTION")
    assert "version 2 → 3" in finding.message
    assert finding.difference is not None
    assert "hot fix" in finding.difference.content.decode()
    assert finding.reading is not None
    assert finding.outcome is not None
    by_hand, outcome = (from_json(one.content) for one in (finding.reading, finding.outcome))
    [row] = three_ways(by_hand, outcome)
    assert row.fate == ("changed again" if newer else "taken back"), row
    assert not plan.can_be_submitted
    services.accept_finding(desk.bob, finding, reason="It was meant for one night.")
    assert desk.fresh(plan).can_be_submitted
    # Another change is another matter.
    replace(desk, known.prod_component_id, "hot fix", "second hot fix")
    assert "CHANGED_IN_PRODUCTION" in blocking(desk.plan(source))


def test_filled_in_values_are_no_change(desk: Desk) -> None:
    desk.promoted(seed.UPDATE_PACKAGE_ID, version="9.1")
    replace(
        desk,
        seed.PROD_STOCK_SETTINGS_ID,
        "https://stock.example.com",
        "https://stock-two.example.com",
    )
    settings_id = seed.uid(ORDERS, "stock-settings")
    replace(desk, settings_id, "<defaultValue>250<", "<defaultValue>251<")
    root = seed.uid(ORDERS, "stock-sync")
    plan = desk.plan(package(desk, root, "9.2"))
    assert plan.components.get(dev_component_id=settings_id).action == "update"
    assert "CHANGED_IN_PRODUCTION" not in codes(plan)


def test_what_another_account_promoted_is_told_with_its_name(desk: Desk) -> None:
    replace(desk, LIBRARY[ORDERS], "failed at {2}", "failed at {2}; ticket opened")
    desk.promoted(caller(desk, "Alpha Caller", ORDERS), pack={"new_pack_name": "Alpha"})
    twin = ComponentMapping.objects.get(
        dev_account=desk.orders, dev_component_id=LIBRARY[ORDERS]
    ).prod_component_id
    ComponentMapping.objects.create(
        dev_account=desk.finance,
        dev_component_id=LIBRARY[FINANCE],
        prod_component_id=twin,
        name="Common Error Notifier",
        component_type="process",
    )
    plan = desk.plan(caller(desk, "Beta Caller", FINANCE), account=desk.finance)
    finding = plan.findings.get(code="CHANGED_IN_PRODUCTION")
    assert "Northwind Orders Team" in finding.message
    assert finding.blocking


def test_the_way_back_is_told(desk: Desk) -> None:
    desk.promoted(SMALL)
    known = ComponentMapping.objects.get(source="engine")
    time.sleep(1.1)  # the platform tells seconds
    replace(desk, known.dev_component_id, "Still there", "Still here")
    newer = package(desk, known.dev_component_id, "2.0")
    pack = IntegrationPack.objects.get(name="Orders to Cash")
    desk.promoted(newer, version="2.0", pack={"pack": pack})
    plan = desk.plan(SMALL)
    if client().capabilities.pins_versions:
        assert "DOWNGRADE" in blocking(plan)
        return
    # Only the newest version can be read, and production has that: no word of the package's own.
    assert not plan.has_changes
    with pytest.raises(PromotionError) as refused:
        desk.submit(plan)
    assert "were not compared" in refused.value.detail


def test_a_taken_version_is_refused_when_it_is_typed(desk: Desk) -> None:
    plan = desk.plan(seed.UPDATE_PACKAGE_ID)
    assert plan.taken_versions == ["1.0"]
    with pytest.raises(PromotionError) as refused:
        desk.submit(plan, version="1.0")
    assert refused.value.code == "PACKAGE_VERSION_EXISTS"
    assert not PromotionRequest.objects.exists()


def test_a_part_that_moved_on_after_it_was_packaged(desk: Desk) -> None:
    part = script(desk, "Round Up", "def a = 1 // tested")
    root = process(desk, "Rounding", seed_xml.script_shape(part))
    packaged = package(desk, root)
    time.sleep(1.1)  # the platform tells seconds
    replace(desk, part, "def a = 1 // tested", "def a = 99 // half finished")
    plan = desk.plan(packaged)
    if client().capabilities.pins_versions:
        assert plan.components.get(dev_component_id=part).dev_version == 1
        assert "PACKAGE_OLDER" not in codes(plan)
        return
    finding = plan.findings.get(code="PACKAGE_OLDER")
    assert (finding.subject_name, finding.blocking) == ("Round Up", True)
    assert not plan.can_be_submitted
    services.accept_finding(desk.bob, finding, reason="It was tested by itself.")
    assert desk.fresh(plan).can_be_submitted
    assert desk.plan(package(desk, root, "1.1")).can_be_submitted


# --- What does not travel --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["certificate", "certificate.pgp", "customlibrary"])
def test_nothing_hollow_is_created(desk: Desk, kind: str) -> None:
    held = '<Held xmlns=""><CertificateData>bm90IGEga2V5</CertificateData></Held>'
    part = make(desk, "Partner key", kind, held)
    step = seed_xml.Shape(
        "dataprocess",
        '<dataprocess><step index="1" key="1" name="Encrypt" processtype="6">'
        f'<pgpencrypt componentId="{part}"/></step></dataprocess>',
    )
    root = package(desk, process(desk, "Encrypt Rows", step))
    plan = desk.plan(root)
    assert plan.findings.get(code="MISSING_MAPPINGS").subject_id == part
    assert not plan.can_be_submitted
    twin = make(desk, "Key of production", kind, held, account=seed.PRIMARY_ACCOUNT)
    ComponentMapping.objects.create(
        dev_account=desk.orders,
        dev_component_id=part,
        prod_component_id=twin,
        name="Partner key",
        component_type=kind,
    )
    before = desk.production()
    ended = desk.promoted(root)
    assert ended.status == Status.DEPLOYED, (ended.error_code, ended.error)
    made = {key: c["type"] for key, c in desk.production().items() if key not in before}
    assert list(made.values()) == ["process"]
    assert twin in desk.raw(next(iter(made)))


def test_a_connector_of_the_dev_account_does_not_travel(desk: Desk) -> None:
    sub_type = f"{ORDERS}-partner-dev"
    make_operation = make(
        desk, "Ask Partner", "connector-action", "<Operation/>", sub_type=sub_type
    )
    shape = seed_xml.Shape(
        "connectoraction",
        f'<connectoraction connectorType="{sub_type}" operationId="{make_operation}"/>',
    )
    plan = desk.plan(package(desk, process(desk, "Ask", shape)))
    named = set(
        plan.findings.filter(code="CONNECTOR_OF_ACCOUNT").values_list("subject_name", flat=True)
    )
    assert named == {"Ask Partner", "Ask"}
    assert not plan.can_be_submitted


@pytest.mark.parametrize(
    ("account", "content"),
    [
        (ORDERS, '<Listen xmlns="" connectorType="{}"/>'),
        (ORDERS, '<Field xmlns="" key="connector" value="{}"/>'),
        (ORDERS, '<Connector xmlns="">{}</Connector>'),
        (FINANCE, '<Listen xmlns="" connectorType="{}"/>'),
    ],
    ids=["attribute", "another attribute", "text", "another dev account's"],
)
def test_nor_wherever_it_is_named(desk: Desk, account: str, content: str) -> None:
    named = f"{account.upper()}-partner-dev"
    part = make(desk, "Listens", "connector-action", content.format(named), sub_type="http")
    shape = seed_xml.Shape(
        "connectoraction", f'<connectoraction connectorType="http" operationId="{part}"/>'
    )
    root = process(desk, "Ask", shape)
    found = desk.plan(package(desk, root)).findings.get(code="CONNECTOR_OF_ACCOUNT")
    assert (found.subject_name, found.blocking) == ("Listens", True)
    assert named in found.message
    services.accept_finding(desk.bob, found, reason="It is shared with production.")
    assert desk.plan(package(desk, root, "1.1")).can_be_submitted


def test_what_only_looks_like_it_travels(desk: Desk) -> None:
    note = f'<Note xmlns="">see {ORDERS}s-x or x{ORDERS}-y</Note>'
    part = make(desk, "Talks", "connector-action", note, sub_type="http")
    shape = seed_xml.Shape(
        "connectoraction", f'<connectoraction connectorType="http" operationId="{part}"/>'
    )
    plan = desk.plan(package(desk, process(desk, "Ask", shape)))
    assert not plan.findings.filter(code="CONNECTOR_OF_ACCOUNT").exists()


def test_a_copy_of_a_production_component_is_no_new_one(desk: Desk) -> None:
    """The dev component may be the copy: told by what it was copied from."""
    origin = process(desk, "Origin", account=seed.PRIMARY_ACCOUNT)
    account = DevAccount.objects.get(account_id=ORDERS)
    plan = Plan.objects.create(dev_account=account, package_id=SMALL, requested_by=desk.alice)
    copy = PlannedComponent(
        plan=plan,
        name="Renamed here",
        component_type="process",
        dev_component_id="dev-copy",
        copied_from=origin,
        action="create",
    )
    found: list[Finding] = ask(Look(Moment.MERGE, plan, [copy], client=client()))
    assert [(f.code, f.subject_id) for f in found] == [("TWIN_IN_PRODUCTION", origin)]
