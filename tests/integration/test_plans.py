"""Plans of every shape that the seed holds, and what becomes of them."""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations

import pytest
from django.conf import settings
from django.db.models import Q

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    ApiCall,
    ComponentMapping,
    ComponentUses,
    DevAccount,
    DevAccountAccess,
    DevPackage,
    Job,
    PackageListing,
    Plan,
)
from promotions.services.setup import start_job
from promotions.states import Action, Status
from tests.benchmarks.family import plant
from tests.integration.desk import Desk


@pytest.fixture
def logistics(desk: Desk) -> DevAccount:
    account = DevAccount.objects.get(account_id=seed.LOGISTICS_ACCOUNT)
    group = desk.alice.groups.get(name="Team A")
    DevAccountAccess.objects.create(group=group, dev_account=account)
    return account


def test_a_plan_names_every_component_once_in_order(desk: Desk) -> None:
    """The package has a diamond and shared sub-processes."""
    plan = desk.plan()
    components = list(plan.components.all())
    place = {c.dev_component_id: c.position for c in components}
    assert len(place) == len(components) == 33
    for component in components:
        for used in component.depends_on:
            group = next(c.group for c in components if c.dev_component_id == used)
            assert place[used] < component.position or group == component.group
    assert components[-1].dev_component_id == plan.root_component_id
    assert plan.components.filter(action=Action.CONNECTION).count() == 3
    users = Counter(used for component in components for used in component.depends_on)
    shared = {c.dev_component_id for c in components if c.component_type == "process"}
    shared &= {used for used, count in users.items() if count > 1}
    assert shared, "The seed has no shared sub-process any more."
    uses = {c.dev_component_id: set(c.depends_on) for c in components}
    assert any(
        uses[one] & uses[other] & shared
        for both in uses.values()
        for one, other in combinations(both & uses.keys(), 2)
    ), "The seed has no diamond any more."


def test_a_cycle_and_a_self_reference_are_promoted_in_two_passes(desk: Desk) -> None:
    plan = desk.plan(seed.CYCLE_PACKAGE_ID, account=desk.finance)
    groups = list(plan.components.values_list("group", flat=True))
    assert len(groups) > len(set(groups)), "There is no cycle in the plan."
    promotion = desk.promoted(seed.CYCLE_PACKAGE_ID, account=desk.finance)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert not desk.state()["dangling_references"]
    source = next(
        c
        for c in desk.state()["accounts"][seed.FINANCE_ACCOUNT]["components"]
        if c["name"] == "Ledger Paging"
    )
    assert source["id"] in desk.raw(source["id"]).split("</bns:description>")[1]
    own = promotion.results.get(component__dev_component_id=source["id"]).prod_component_id
    assert own in desk.raw(own).split("</bns:description>")[1], "It uses itself no more."
    members = promotion.results.filter(component__group=max(set(groups), key=groups.count))
    for result in members:
        xml = desk.raw(result.prod_component_id)
        others = members.exclude(pk=result.pk).values_list("prod_component_id", flat=True)
        assert any(other in xml for other in others)


def test_connections_are_never_read(desk: Desk) -> None:
    promotion = desk.promoted()
    connections = promotion.plan.components.filter(action=Action.CONNECTION)
    ids = {c.dev_component_id for c in connections} | {c.prod_component_id for c in connections}
    read = [
        call["path"]
        for call in desk.simulator._call("GET", "state?calls=5000")["calls"]["last"]
        if call["operation"] in (1, 2, 3)
    ]
    assert read
    assert not any(component_id in path for path in read for component_id in ids)


def test_a_large_profile_is_planned_and_promoted(desk: Desk, logistics: DevAccount) -> None:
    plan = desk.plan(seed.LARGE_PROFILE_PACKAGE_ID, account=logistics)
    assert plan.is_ready, (plan.error_code, plan.error)
    large = plan.components.get(dev_component_id=seed.LARGE_PROFILE_ID)
    assert len(desk.raw(seed.LARGE_PROFILE_ID)) > 2_000_000
    assert large.difference is not None
    # Kept whole, for a reviewer sees all of it; what the database holds of it stays small.
    assert len(bytes(large.difference.encrypted)) < 1_000_000
    promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    twin = promotion.results.get(
        component__dev_component_id=seed.LARGE_PROFILE_ID
    ).prod_component_id
    assert len(desk.raw(twin)) > 2_000_000
    assert not desk.state()["dangling_references"]


def test_awkward_names_survive_the_trip(desk: Desk, logistics: DevAccount) -> None:
    """Names and folders with &, quotes, ~, /, <>, an emoji and more than 200 characters."""
    sources = {c["id"]: c for c in desk.state()["accounts"][seed.LOGISTICS_ACCOUNT]["components"]}
    version = '1.0~rc/2 & "final" 🚚'
    promotion = desk.promoted(seed.AWKWARD_PACKAGE_ID, account=logistics, version=version)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    production = desk.production()
    names = []
    for result in promotion.results.select_related("component"):
        source = sources[result.component.dev_component_id]
        made = production[result.prod_component_id]
        assert made["name"] == source["name"] == result.component.name
        dev_folder = source["folder"].split("/", 1)[1]
        assert made["folder"].endswith(f"Promoted/{dev_folder}")
        names.append(source["name"] + source["folder"])
    assert max(map(len, names)) > 200
    assert all(any(sign in name for name in names) for sign in '&"~/<🚚')
    package = next(p for p in desk.state()["packages"] if p["id"] == promotion.prod_package_id)
    assert package["version"] == version
    assert set(ComponentMapping.objects.values_list("name", flat=True)) >= {
        result.component.name for result in promotion.results.all()
    }


def test_a_copied_twin_is_a_finding_until_an_admin_adopts_it(desk: Desk) -> None:
    plan = desk.plan(seed.COPIED_TWIN_PACKAGE_ID)
    twins = {f.subject_id: f for f in plan.findings.filter(code="TWIN_IN_PRODUCTION")}
    assert seed.COPIED_TWIN_ID in twins
    assert not plan.can_be_submitted
    with pytest.raises(PromotionError) as refused:
        desk.submit(plan)
    assert refused.value.code == "TWIN_IN_PRODUCTION"
    component = twins[seed.COPIED_TWIN_ID].component
    assert component is not None
    ComponentMapping.objects.create(
        dev_account=desk.orders,
        dev_component_id=component.dev_component_id,
        prod_component_id=seed.COPIED_TWIN_ID,
        name=component.name,
        component_type=component.component_type,
    )
    again = desk.plan(seed.COPIED_TWIN_PACKAGE_ID)
    adopted = again.components.get(dev_component_id=component.dev_component_id)
    assert adopted.action in (Action.UPDATE, Action.UNCHANGED)
    assert adopted.prod_component_id == seed.COPIED_TWIN_ID


def test_a_twin_may_be_made_on_purpose(desk: Desk) -> None:
    plan = desk.plan(seed.COPIED_TWIN_PACKAGE_ID)
    for finding in plan.blocking_findings():
        with pytest.raises(PromotionError):
            services.accept_finding(desk.alice, finding, reason="I want it.")
        services.accept_finding(desk.bob, finding, reason="The old copy is being retired.")
    assert desk.fresh(plan).can_be_submitted


def test_a_library_component_of_two_accounts_has_one_twin(desk: Desk) -> None:
    first = desk.promoted(seed.RETURNS_PACKAGE_ID)
    assert first.status == Status.DEPLOYED, (first.error_code, first.error)
    orders_id = seed.LIBRARY_COMPONENT_IDS[seed.ORDERS_ACCOUNT]
    finance_id = seed.LIBRARY_COMPONENT_IDS[seed.FINANCE_ACCOUNT]
    twin = first.results.get(component__dev_component_id=orders_id).prod_component_id
    plan = desk.plan(seed.CYCLE_PACKAGE_ID, account=desk.finance)
    library = plan.components.get(dev_component_id=finance_id)
    assert library.findings.filter(code="TWIN_IN_PRODUCTION", subject_id=twin).exists()
    before = desk.production()
    ComponentMapping.objects.create(
        dev_account=desk.finance,
        dev_component_id=finance_id,
        prod_component_id=twin,
        name=library.name,
        component_type=library.component_type,
    )
    second = desk.promoted(seed.CYCLE_PACKAGE_ID, account=desk.finance)
    assert second.status == Status.DEPLOYED, (second.error_code, second.error)
    made = [c["name"] for c in desk.production().values() if c["id"] not in before]
    assert library.name not in made
    assert ComponentMapping.objects.filter(prod_component_id=twin).count() == 2


def test_an_older_package_blocks_where_the_newest_would_travel(desk: Desk) -> None:
    plan = desk.plan(seed.OLDER_PACKAGE_ID)
    found = plan.findings.filter(
        code="PACKAGE_OLDER", component__dev_component_id=plan.root_component_id
    )
    root = plan.components.get(dev_component_id=plan.root_component_id)
    from promotions.partner import client

    if client().capabilities.pins_versions:
        assert not found
        assert root.dev_version == 2
        return
    assert root.dev_version == 3
    assert "holds version 2 of" in found.get().message
    with pytest.raises(PromotionError, match="PACKAGE_OLDER"):
        desk.submit(plan, version="1.1")
    assert desk.plan(seed.UPDATE_PACKAGE_ID).can_be_submitted


def test_all_pages_of_packages_are_listed_with_their_names(desk: Desk) -> None:
    listing = services.refresh_packages(desk.alice, desk.finance)
    desk.wait_until(
        lambda: not PackageListing.objects.get(pk=listing.pk).is_refreshing, "the packages"
    )
    rates = desk.finance.packages.filter(component_id=seed.RATES_COMPONENT_ID)
    assert rates.count() > 100
    assert desk.finance.packages.filter(component_name="").count() == 0
    pages = ApiCall.objects.filter(name="QUERY PackagedComponent").count()
    names = ApiCall.objects.filter(name__contains="ComponentMetadata").count()
    assert names <= pages, "Names are asked for a page at a time."
    assert names < desk.finance.packages.values("component_id").distinct().count()


def test_packages_are_shown_as_they_are_read(desk: Desk) -> None:
    desk.simulator.latency(400)
    listing = services.refresh_packages(desk.alice, desk.finance)
    desk.wait_until(desk.finance.packages.exists, "the first page")
    assert PackageListing.objects.get(pk=listing.pk).is_refreshing
    so_far = desk.finance.packages.count()
    desk.finance.packages.filter(pk=desk.finance.packages.all()[0].pk).update(notes="Old notes")
    gone = DevPackage.objects.create(dev_account=desk.finance, package_id="deleted since")
    for _ in range(2):
        desk.wait_until(
            lambda: not PackageListing.objects.get(pk=listing.pk).is_refreshing, "the packages"
        )
        desk.simulator.latency(0)
        services.refresh_packages(desk.alice, desk.finance)
    assert desk.finance.packages.count() > so_far
    assert not desk.finance.packages.filter(Q(pk=gone.pk) | Q(notes="Old notes")).exists()


def test_two_open_promotions_never_create_the_same_component(desk: Desk) -> None:
    package = seed.SINGLE_COMPONENT_PACKAGE_ID
    one, other = desk.plan(package), desk.plan(package)
    first = desk.submit(one)
    with pytest.raises(PromotionError) as refused:
        desk.submit(other)
    assert refused.value.code == "COMPONENT_RESERVED"
    assert f"Promotion {first.pk}" in refused.value.detail
    third = desk.plan(package)
    assert third.findings.filter(code="COMPONENT_RESERVED").exists()
    first = desk.wait_for(first, Status.ADMIN_REVIEW)
    services.reject(desk.bob, first, reason="Not now.")
    desk.wait_until_no_branch()
    assert desk.promoted(package).status == Status.DEPLOYED


def test_a_plan_is_submitted_once(desk: Desk) -> None:
    plan = desk.plan(seed.SINGLE_COMPONENT_PACKAGE_ID)
    desk.submit(plan)
    with pytest.raises(PromotionError) as refused:
        desk.submit(plan)
    assert refused.value.code in {"INVALID_TRANSITION", "COMPONENT_RESERVED"}


def test_a_plan_is_readable_before_it_is_proved_what_uses_what(desk: Desk) -> None:
    desk.simulator.latency(200)
    plan = services.make_plan(desk.alice, desk.orders, seed.DEMO_PACKAGE_ID)
    desk.wait_until(lambda: desk.fresh(plan).readable_at is not None, "the plan to be readable")
    plan = desk.fresh(plan)
    assert plan.is_being_proved
    with pytest.raises(PromotionError, match="PLAN_NOT_READY"):
        desk.submit(plan)
    outline = list(plan.components.values("pk", "action", "digest", "position", "prod_version"))
    assert len(outline) == 33
    desk.wait_until(lambda: desk.fresh(plan).state != Plan.State.BUILDING, "the plan")
    proved = desk.fresh(plan)
    assert proved.is_ready, (proved.error_code, proved.error)
    assert proved.content_hash == plan.content_hash
    assert list(proved.components.values("pk", "action", "digest", "position", "prod_version")) == (
        outline
    )


def test_a_worker_makes_no_call_after_a_plan_was_cancelled(desk: Desk) -> None:
    desk.simulator.latency(300)
    plan = services.make_plan(desk.alice, desk.orders, seed.DEMO_PACKAGE_ID)
    calls = ApiCall.objects.filter(plan=plan)
    desk.wait_until(lambda: calls.count() > 3, "its first calls")
    services.cancel_plan(desk.alice, plan)
    # What is under way ends, and nothing follows.
    desk.worker.rest()
    made = calls.count()
    desk.worker.resume()
    time.sleep(1)
    assert calls.count() == made < 20
    assert desk.fresh(plan).is_cancelled
    assert desk.plan(seed.SINGLE_COMPONENT_PACKAGE_ID).is_ready, "The worker goes on with others."


def test_a_component_that_moves_on_before_it_is_proved_makes_the_plan_stale(desk: Desk) -> None:
    """Where only the newest version can be asked, the answer must be about the version that was read."""
    family = plant(desk, "Moving", 4)
    package_id = family.package()
    swap = [["edition 1", "edition 2"]]
    edit = {"action": "component_xml", "componentId": family.root, "replace": swap}
    desk.simulator.fault(4, "meanwhile", edit=edit)
    plan = desk.plan(package_id)
    if settings.PARTNER_API_DIALECT == "guide":
        assert plan.error_code == "PLAN_STALE"
    else:
        assert plan.is_ready, "The packaged version is what travels."
    versions = ComponentUses.objects.filter(component_id=family.root).values_list("version")
    assert list(versions) == ([] if plan.error_code else [(1,)])


def test_production_connections_are_listed_to_pick_from(desk: Desk) -> None:
    job = start_job(desk.bob, Job.Kind.LISTING, "connector-settings")
    desk.wait_until(lambda: desk.fresh(job).finished_at is not None, "the list")
    job = desk.fresh(job)
    assert not job.error_code, job.error
    listed = {row["id"] for row in job.result["components"]}
    assert set(seed.CONNECTIONS.values()) <= listed
    assert all(row["name"] and row["version"] for row in job.result["components"])
