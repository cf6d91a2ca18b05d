"""A former promotion is restored on the same road: branch, merge, package under a new version, release, deploy."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
import redis

from partnerapi import componentxml
from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    ComponentMapping,
    ComponentResult,
    Environment,
    Event,
    Job,
    Plan,
    PromotionRequest,
)
from promotions.services.setup import start_job
from promotions.states import Action, Kind, Status
from tests.integration.desk import Desk

SMALL = seed.SINGLE_COMPONENT_PACKAGE_ID
RETURNS = seed.RETURNS_PACKAGE_ID


def changed(desk: Desk, promotion: PromotionRequest, version: str, **edit: Any) -> PromotionRequest:
    """The process of a promotion, changed in dev, packaged and promoted again."""
    root = promotion.plan.root_component_id
    desk.edit(**({"action": "touch", "componentId": root} | edit))
    package = desk.edit(action="create_package", componentId=root, packageVersion=version)
    return desk.promoted(package["packageId"], version=version)


def planned(desk: Desk, source: PromotionRequest) -> Plan:
    plan = services.plan_rollback(desk.alice, source)
    desk.wait_until(lambda: desk.fresh(plan).state != Plan.State.BUILDING, "the plan")
    return desk.fresh(plan)


def rolled_back(desk: Desk, source: PromotionRequest) -> PromotionRequest:
    plan = planned(desk, source)
    assert plan.can_be_submitted, (plan.error_code, plan.error, list(plan.findings.values()))
    promotion = services.submit(
        desk.alice,
        plan,
        package_version=services.suggested_version(plan),
        environments=Environment.objects.filter(classification="PROD"),
        notes="The new one loses orders.",
    )
    desk.wait_for(promotion, Status.ADMIN_REVIEW)
    desk.approve(promotion)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    return promotion


def content(desk: Desk) -> dict[str, str]:
    """What production holds, by name, but for its own values and who wrote it when."""
    return {
        found["name"]: componentxml.digest(
            componentxml.mask(componentxml.Document.parse(desk.raw(key).encode()))
        )
        for key, found in desk.production().items()
    }


def test_what_was_promoted_before_comes_back(desk: Desk) -> None:
    first = desk.promoted(SMALL)
    before = content(desk)
    second = changed(desk, first, "2.0")
    assert content(desk) != before
    calls = {number: desk.calls(number) for number in (7, 12, 13, 18)}
    rollback = rolled_back(desk, first)
    assert content(desk) == before
    assert (rollback.kind, rollback.source) == (Kind.ROLLBACK, first)
    assert rollback.package_version == "1.0-restored-1"
    assert {n: desk.calls(n) for n in calls} == {n: count + 1 for n, count in calls.items()}
    packages = desk.state()["accounts"][seed.PRIMARY_ACCOUNT]["packages"]
    [made] = [package for package in packages if package["version"] == "1.0-restored-1"]
    assert f"Restores 1.0, promotion {first.pk}." in made["notes"]
    desk.wait_until_no_branch()
    mapping = ComponentMapping.objects.get(dev_component_id=first.plan.root_component_id)
    assert mapping.promoted_dev_version == first.results.get().component.dev_version
    assert Event.objects.filter(promotion=first, action="restored").exists()
    assert Event.objects.filter(promotion=second, action="taken_back").exists()
    # The older package is not deployed over it, and the newer one can be promoted again.
    with pytest.raises(PromotionError) as refused:
        services.request_deployment(
            desk.alice, first, environments=Environment.objects.filter(classification="PROD")
        )
    assert refused.value.code in ("NEWER_IS_DEPLOYED", "DEPLOYED_ALREADY")
    again = desk.plan(second.plan.package_id)
    assert again.can_be_submitted, list(again.findings.values())


def test_values_of_environments_stay_productions(desk: Desk) -> None:
    root = seed.uid(seed.ORDERS_ACCOUNT, "stock-sync")
    settings = seed.uid(seed.ORDERS_ACCOUNT, "stock-settings")
    batch, larger = "<defaultValue>250</defaultValue>", "<defaultValue>900</defaultValue>"
    package = desk.edit(action="create_package", componentId=root, packageVersion="1.2")
    first = desk.promoted(package["packageId"], version="1.2")
    assert first.status == Status.DEPLOYED
    changed(
        desk,
        first,
        "1.3",
        action="component_xml",
        componentId=settings,
        replace=[[batch, larger]],
    )
    assert larger in desk.raw(seed.PROD_STOCK_SETTINGS_ID)
    values = re.findall(
        "<defaultValue>(https://.*?)</defaultValue>", desk.raw(seed.PROD_STOCK_SETTINGS_ID)
    )
    desk.edit(
        action="component_xml",
        componentId=seed.PROD_STOCK_SETTINGS_ID,
        replace=[[values[0], "https://moved.example.net"]],
    )
    secrets = desk.raw(seed.PROD_STOCK_SETTINGS_ID).count("password")
    rolled_back(desk, first)
    now = desk.raw(seed.PROD_STOCK_SETTINGS_ID)
    assert batch in now
    assert larger not in now
    assert "https://moved.example.net" in now
    assert now.count("password") == secrets
    assert "plain-willow-63" not in now


def test_what_was_created_since_stays_and_is_named(desk: Desk) -> None:
    first = desk.promoted(SMALL)
    before = content(desk)
    changed(desk, first, "2.0", action="component_xml", replace=calling_the_notifier())
    created = set(content(desk)) - set(before)
    assert created == {"Common Error Notifier"}
    plan = planned(desk, first)
    [told] = plan.findings.filter(code="CREATED_STAYS")
    assert (told.subject_name, told.blocking) == ("Common Error Notifier", False)
    rolled_back(desk, first)
    after = content(desk)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == created
    assert not desk.state()["dangling_references"]


def calling_the_notifier() -> list[list[str]]:
    """What makes the heartbeat call the library's error notifier: production must get that, too."""
    notifier = seed.uid(seed.ORDERS_ACCOUNT, "error-notifier")
    call = (
        f'<processcall abort="true" processId="{notifier}" wait="true"><parameters/></processcall>'
    )
    return [["<noaction/>", call]]


def test_what_later_promotions_build_on_is_not_taken_back(desk: Desk) -> None:
    notifier = seed.uid(seed.ORDERS_ACCOUNT, "error-notifier")
    root = seed.uid(seed.ORDERS_ACCOUNT, "heartbeat")
    desk.edit(action="component_xml", componentId=root, replace=calling_the_notifier())
    package = desk.edit(action="create_package", componentId=root, packageVersion="1.5")
    first = desk.promoted(package["packageId"], version="1.5")
    changed(desk, first, "2.0", componentId=notifier)
    other = desk.edit(
        action="create_component",
        account=seed.ORDERS_ACCOUNT,
        folder="Northwind Orders Team/Orders",
        xml=re.sub('componentId="[^"]*"', "", desk.raw(root), count=1).replace(
            "Nightly Heartbeat", "Hourly Heartbeat"
        ),
    )
    package = desk.edit(
        action="create_package", componentId=other["componentId"], packageVersion="1.0"
    )
    built_upon = desk.promoted(package["packageId"], version="1.0")
    assert built_upon.status == Status.DEPLOYED
    plan = planned(desk, first)
    [told] = plan.findings.filter(code="BUILT_UPON")
    assert (told.subject_name, told.blocking) == ("Common Error Notifier", True)
    assert f"Promotion {built_upon.pk}: Hourly Heartbeat" in told.message
    with pytest.raises(PromotionError) as refused:
        services.submit(
            desk.alice,
            plan,
            package_version="1.5-restored-1",
            environments=Environment.objects.filter(classification="PROD"),
            notes="Back.",
        )
    assert refused.value.code == "BUILT_UPON"


def test_what_is_not_kept_is_not_restored(desk: Desk) -> None:
    first = desk.promoted(SMALL)
    with pytest.raises(PromotionError) as refused:
        services.plan_rollback(desk.alice, first)
    assert refused.value.code == "INVALID_TRANSITION"
    changed(desk, first, "2.0")
    first.results.update(kept=None)
    ComponentResult.objects.update(replaced=None)
    plan = planned(desk, first)
    assert (plan.state, plan.error_code) == (Plan.State.FAILED, "CONTENT_NOT_KEPT")
    assert "Nightly Heartbeat" in plan.error


def test_a_rollback_says_why(desk: Desk) -> None:
    first = desk.promoted(SMALL)
    changed(desk, first, "2.0")
    plan = planned(desk, first)
    with pytest.raises(PromotionError) as refused:
        services.submit(
            desk.alice,
            plan,
            package_version="1.0-restored-1",
            environments=Environment.objects.filter(classification="PROD"),
            notes=" ",
        )
    assert refused.value.code == "REASON_REQUIRED"
    [component] = plan.components.all()
    assert (component.action, component.content_id is not None) == (Action.UPDATE, True)


def test_drift_is_found_where_content_changed_and_nowhere_else(
    desk: Desk, redis_server: redis.Redis
) -> None:
    root = seed.uid(seed.ORDERS_ACCOUNT, "stock-sync")
    package = desk.edit(action="create_package", componentId=root, packageVersion="1.2")
    desk.promoted(package["packageId"], version="1.2")
    settings = seed.PROD_STOCK_SETTINGS_ID
    [url] = re.findall("<defaultValue>(https://.*?)</defaultValue>", desk.raw(settings))
    moved = [[url, "https://moved.example.net"]]
    desk.edit(action="component_xml", componentId=settings, replace=moved)
    assert drift(desk) == {}
    batch = [["<defaultValue>250</defaultValue>", "<defaultValue>1</defaultValue>"]]
    desk.edit(action="component_xml", componentId=settings, replace=batch)
    assert drift(desk) == {settings.lower(): "Stock Settings"}
    # Seen again it is the same drift: told once, with the time of both sights.
    assert drift(desk) == {settings.lower(): "Stock Settings"}
    first, second = Job.objects.filter(kind=Job.Kind.DRIFT).order_by("pk")[1:]
    [found] = second.result["changed"].values()
    assert found == first.result["changed"][settings.lower()]
    assert datetime.fromisoformat(found["since"]) <= datetime.fromisoformat(found["seen_at"])
    told = Event.objects.filter(action="drift_found")
    assert list(told.values_list("subject", flat=True)) == ["Stock Settings"]
    # It takes turns with promotions, and none from people who wait.
    [turns] = redis_server.keys("*:turns")
    assert b"the look for drift" in redis_server.hkeys(turns)


def drift(desk: Desk) -> dict[str, str]:
    """What a worker finds changed in production, by id."""
    job = start_job(desk.bob, Job.Kind.DRIFT)
    desk.wait_until(lambda: desk.fresh(job).finished_at is not None, "the comparison")
    job = desk.fresh(job)
    assert not job.error_code, job.error
    return {key: found["name"] for key, found in job.result["changed"].items()}
