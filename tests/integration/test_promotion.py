"""The main job, end to end: real Redis, a real worker, the simulator over HTTP."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    ApiCall,
    ComponentMapping,
    Content,
    Event,
    IntegrationPack,
    Plan,
    PromotionRequest,
    Reservation,
)
from promotions.pipeline.branch import name_of
from promotions.states import Outcome, Status, StepState
from promotions.tasks import run_promotion_task
from tests.integration.desk import Desk


def test_a_package_is_promoted(desk: Desk) -> None:
    before = desk.production()
    promotion = desk.promoted()
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    desk.wait_until_no_branch()
    state = desk.state()
    made = desk.production().keys() - before.keys()
    created = promotion.plan.components.filter(action="create").count()
    assert created >= 25
    assert len(made) == created
    mapped = ComponentMapping.objects.filter(dev_account=desk.orders)
    assert made <= set(mapped.values_list("prod_component_id", flat=True))
    package = next(p for p in state["packages"] if p["id"] == promotion.prod_package_id)
    assert (package["version"], package["shareable"]) == ("1.0", True)
    pack = next(p for p in state["packs"] if p["name"] == "Orders to Cash")
    assert [entry["released"] for entry in pack["entries"]] == [promotion.prod_package_id]
    assert {d["environment_id"] for d in state["deployments"]} == {
        seed.ENVIRONMENTS["prod-eu"],
        seed.ENVIRONMENTS["prod-us"],
    }
    assert not state["dangling_references"]
    assert not state["mask_stored"]
    assert not Reservation.objects.exists()


def test_what_the_page_shows_is_what_the_worker_did(desk: Desk) -> None:
    promotion = desk.promoted(seed.SINGLE_COMPONENT_PACKAGE_ID)
    steps = list(promotion.steps.values_list("step", "state"))
    assert {state for _, state in steps} == {StepState.DONE}
    assert [step for step, _ in steps] == [
        "reserve_branch",
        "create_branch",
        "await_branch",
        "stage_components",
        "check_staged",
        "synchronise_packs",
        "offer_for_review",
        "begin",
        "check_pack",
        "take_merge_turn",
        "verify",
        "create_merge_request",
        "await_draft",
        "execute_merge",
        "await_merged",
        "delete_branch",
        "create_package",
        "ensure_pack",
        "add_to_pack",
        "release_pack",
        "await_release",
        "deploy",
        "finish",
    ]
    moves = promotion.events.exclude(to_status="").values_list("to_status", flat=True)
    assert list(moves) == [
        "queued",
        "staging",
        "admin_review",
        "approved",
        "deploying",
        "deployed",
    ]
    assert ApiCall.objects.filter(promotion=promotion).count() > 10


def test_no_secret_of_the_seed_is_in_the_database(desk: Desk) -> None:
    """Connections hold credentials, process properties a plain password: none of them is kept anywhere."""
    promotion = desk.promoted()
    secrets = dev_secrets(desk)
    assert secrets
    kept = b"\n".join(kept.content for kept in Content.objects.all()).decode()
    rows = repr(list(ApiCall.objects.values())) + repr(list(Event.objects.values()))
    rows += repr(list(promotion.plan.components.values())) + repr(list(promotion.steps.values()))
    for secret in secrets:
        assert secret not in kept
        assert secret not in rows
    production = "".join(
        desk.raw(c) for c in promotion.results.values_list("prod_component_id", flat=True)
    )
    for secret in secrets:
        assert secret not in production


def dev_secrets(desk: Desk) -> list[str]:
    """The plain passwords that the seed plants in components which are promoted."""
    xml = "".join(
        desk.raw(c["id"])
        for c in desk.state()["accounts"][seed.ORDERS_ACCOUNT]["components"]
        if c["type"] == "processproperty" and not c["deleted"]
    )
    return re.findall(r"<type>password</type><defaultValue>([^<]+)</defaultValue>", xml)


def test_a_secret_in_a_script_stops_the_plan_and_is_kept_nowhere(desk: Desk) -> None:
    logistics = desk.orders.__class__.objects.get(account_id=seed.LOGISTICS_ACCOUNT)
    plan = desk.plan(seed.HIDDEN_SECRET_PACKAGE_ID, account=logistics, user=desk.bob)
    findings = plan.findings.filter(code="SECRET_LEFT_BEHIND")
    assert findings
    assert not plan.can_be_submitted
    kept = b"".join(kept.content for kept in Content.objects.all())
    assert b"{promotion-desk:hidden}" in kept
    component = findings[0].component
    assert component is not None
    sources = desk.raw(component.dev_component_id)
    tokens = re.findall(r"[A-Za-z0-9_.-]{24,}", sources)
    hidden = [token for token in tokens if token.encode() not in kept]
    assert hidden, "The secret stands in the difference."
    services.accept_finding(desk.dora, findings[0], reason="It is revoked already.")
    assert Event.objects.get(action="finding_accepted").note == "It is revoked already."
    again = desk.plan(seed.HIDDEN_SECRET_PACKAGE_ID, account=logistics, user=desk.bob)
    assert again.findings.get(fingerprint=findings[0].fingerprint).accepted_by == desk.dora


# --- Already right --------------------------------------------------------------------------


def test_the_requester_cannot_approve(desk: Desk) -> None:
    desk.alice.groups.add(desk.bob.groups.get(name="Admins"))
    promotion = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    with pytest.raises(PromotionError) as refused:
        desk.approve(promotion, user=desk.alice)
    assert refused.value.code == "SELF_REVIEW"
    assert desk.fresh(promotion).status == Status.ADMIN_REVIEW
    assert promotion.events.filter(action="self_review_refused", actor=desk.alice).exists()
    assert desk.calls(12) == 0


def test_the_requester_cannot_approve_under_another_user_name(desk: Desk) -> None:
    promotion = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    desk.bob.email = desk.alice.email.upper()
    desk.bob.save()
    with pytest.raises(PromotionError) as refused:
        desk.approve(promotion)
    assert refused.value.code == "SELF_REVIEW"


def test_of_two_admins_one_wins_and_the_other_sees_what_happened(desk: Desk) -> None:
    promotion = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    seen_by_dora = desk.fresh(promotion)
    desk.approve(promotion)
    with pytest.raises(PromotionError) as refused:
        services.reject(desk.dora, seen_by_dora, reason="Not now.")
    assert refused.value.code == "ALREADY_REVIEWED"
    assert "Approved" in refused.value.detail or "Deploy" in refused.value.detail
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED
    assert promotion.approved_by == desk.bob
    assert len(desk.state()["deployments"]) == 2


def test_reject_needs_a_reason_and_deletes_the_branch(desk: Desk) -> None:
    before = desk.production()
    promotion = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert desk.branches() == [name_of(promotion.pk)]
    with pytest.raises(PromotionError) as refused:
        services.reject(desk.bob, promotion, reason="  ")
    assert refused.value.code == "REASON_REQUIRED"
    services.reject(desk.bob, promotion, reason="Not in the season.")
    desk.wait_until_no_branch()
    promotion = desk.fresh(promotion)
    assert (promotion.status, promotion.decision_reason) == (Status.REJECTED, "Not in the season.")
    assert desk.production() == before
    assert not ComponentMapping.objects.filter(source="engine").exists()


def test_withdraw_deletes_the_branch(desk: Desk) -> None:
    promotion = desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    with pytest.raises(PromotionError):
        services.withdraw(desk.bob, promotion)
    services.withdraw(desk.alice, promotion)
    desk.wait_until_no_branch()
    assert desk.fresh(promotion).status == Status.WITHDRAWN


def test_withdraw_while_it_is_staged(desk: Desk) -> None:
    desk.simulator.latency(30)
    promotion = desk.submit(desk.plan())
    desk.wait_until(
        lambda: desk.fresh(promotion).results.filter(outcome=Outcome.DONE).count() > 2, "components"
    )
    services.withdraw(desk.alice, desk.fresh(promotion))
    desk.wait_until_no_branch()
    assert desk.fresh(promotion).status == Status.WITHDRAWN
    assert not ComponentMapping.objects.filter(source="engine").exists()


def test_a_foreign_dev_account_is_refused_and_leaves_an_event(desk: Desk) -> None:
    foreign = desk.orders.__class__.objects.get(account_id=seed.LOGISTICS_ACCOUNT)
    with pytest.raises(PromotionError) as refused:
        services.make_plan(desk.alice, foreign, seed.LARGE_PROFILE_PACKAGE_ID)
    assert refused.value.code == "FORBIDDEN"
    event = Event.objects.get(action="access_refused")
    assert event.actor == desk.alice
    assert seed.LOGISTICS_ACCOUNT in event.subject
    assert not Plan.objects.exists()
    assert desk.state()["calls"]["total"] == 0


def test_missing_connection_mappings_are_all_named_at_once(desk: Desk) -> None:
    plan = desk.plan(seed.UNMAPPED_CONNECTIONS_PACKAGE_ID, account=desk.finance)
    missing = plan.findings.filter(code="MISSING_CONNECTION_MAPPINGS")
    assert set(missing.values_list("subject_id", flat=True)) == {
        dev_id for _, dev_id in seed.UNMAPPED_CONNECTIONS
    }
    with pytest.raises(PromotionError) as refused:
        desk.submit(plan)
    assert refused.value.code == "MISSING_CONNECTION_MAPPINGS"
    for finding in missing:
        assert finding.subject_name in refused.value.detail
        assert finding.subject_id in refused.value.detail
    assert not PromotionRequest.objects.exists()
    assert desk.calls(10) == 0


def test_a_component_that_fails_half_way(desk: Desk) -> None:
    before = desk.production()
    plan = desk.plan()
    desk.simulator.fault(2, "status", status=400, after=8, message="The shape is not valid.")
    promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
    desk.wait_until_no_branch()
    assert (promotion.status, promotion.failed_step) == (Status.FAILED, "stage_components")
    assert "The shape is not valid." in promotion.error
    outcomes = dict(promotion.results.values_list("component__dev_component_id", "outcome"))
    failed = promotion.results.get(outcome=Outcome.FAILED)
    users = [
        c.dev_component_id
        for c in plan.components.all()
        if failed.component.dev_component_id in c.depends_on
    ]
    assert users
    assert all(outcomes[user] == Outcome.SKIPPED for user in users)
    assert outcomes[plan.root_component_id] == Outcome.SKIPPED
    assert Outcome.DONE in outcomes.values()
    assert Outcome.PENDING not in outcomes.values()
    assert not ComponentMapping.objects.filter(source="engine").exists()
    assert not Reservation.objects.exists()
    assert desk.production() == before


def test_a_task_delivered_twice_does_nothing_twice(desk: Desk) -> None:
    plan = desk.plan(seed.SINGLE_COMPONENT_PACKAGE_ID)
    promotion = desk.submit(plan)
    for _ in range(5):
        run_promotion_task.delay(promotion.pk)
    promotion = desk.wait_for(promotion, Status.ADMIN_REVIEW)
    desk.approve(promotion)
    for _ in range(5):
        run_promotion_task.delay(promotion.pk)
    promotion = desk.wait_for(promotion, Status.DEPLOYED)
    for _ in range(5):
        run_promotion_task.delay(promotion.pk)
    assert promotion.status == Status.DEPLOYED
    assert [desk.calls(number) for number in (2, 7, 10, 12, 13, 17, 18)] == [1] * 7
    assert desk.calls(8) == 2
    assert promotion.steps.filter(attempt__gt=1).count() == 0


def test_a_second_promotion_of_the_same_package_says_nothing_to_promote(desk: Desk) -> None:
    desk.promoted()
    plan = desk.plan()
    assert plan.is_ready
    assert not plan.has_changes
    assert set(plan.components.values_list("action", flat=True)) == {"unchanged", "connection"}
    with pytest.raises(PromotionError) as refused:
        desk.submit(plan)
    assert refused.value.code == "NOTHING_TO_PROMOTE"
    assert desk.calls(10) == 1


def test_after_a_change_in_dev_it_updates_and_keeps_productions_url(desk: Desk) -> None:
    before = desk.production()
    twins = {twin for (account, _), twin in seed.TWINS.items() if account == seed.ORDERS_ACCOUNT}
    promotion = desk.promoted(seed.UPDATE_PACKAGE_ID, version="1.1")
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    after = desk.production()
    assert after.keys() == before.keys()
    written = {
        result.prod_component_id: result
        for result in promotion.results.filter(component__action="update")
    }
    assert seed.PROD_STOCK_SETTINGS_ID in written
    assert written.keys() <= twins
    for prod_id, result in written.items():
        assert after[prod_id]["version"] > before[prod_id]["version"]
        mapping = ComponentMapping.objects.get(prod_component_id=prod_id)
        assert mapping.prod_version == result.merged_version == after[prod_id]["version"]
        # What reviewers read is read from the branch, and it is what the plan had said.
        assert result.reading_id
        assert result.sentence == result.component.sentence
    settings = desk.raw(seed.PROD_STOCK_SETTINGS_ID)
    assert "<defaultValue>250</defaultValue>" in settings
    assert "https://stock.example.com" in settings
    assert "prod-steady-heron-7" in settings
    assert "dev-stock.example.net" not in settings
    assert "plain-willow-63" not in settings
    kept = promotion.plan.components.get(prod_component_id=seed.PROD_STOCK_SETTINGS_ID).places
    assert {place["outcome"] for place in kept} == {"kept"}
    assert not desk.state()["mask_stored"]
    # What the plan keeps has neither account's values, and is given up when the promotion ends.
    stored = b"".join(row.content for row in Content.objects.all()).decode()
    assert "<defaultValue>250</defaultValue>" in stored
    for value in ("stock.example.com", "prod-steady-heron-7", "stock.example.net", "willow-63"):
        assert value not in stored
    assert not promotion.plan.components.filter(content__isnull=False).exists()


def test_a_change_in_dev_after_the_first_promotion_is_an_update(desk: Desk) -> None:
    first = desk.promoted()
    before = desk.production()
    profile = first.plan.components.filter(component_type="profile.json").first()
    assert profile is not None
    twin = first.results.get(component=profile).prod_component_id
    desk.edit(action="touch", componentId=profile.dev_component_id)
    package = desk.edit(
        action="create_package", componentId=first.plan.root_component_id, packageVersion="1.1"
    )
    second = desk.promoted(package["packageId"], version="1.1", pack={"pack": first.pack})
    assert second.status == Status.DEPLOYED, (second.error_code, second.error)
    after = desk.production()
    assert after.keys() == before.keys()
    changed = {key for key in after if after[key]["version"] != before[key]["version"]}
    assert changed == {twin}
    assert "Touched" in desk.raw(twin)


def test_the_packs_of_this_moment_are_offered_and_what_an_admin_switched_off_stays_off(
    desk: Desk,
) -> None:
    gone, off = (
        IntegrationPack.objects.get(pack_id=seed.PACKS[key]) for key in ("store", "orders")
    )
    IntegrationPack.objects.filter(pk=gone.pk).update(synchronised_at=timezone.now())
    IntegrationPack.objects.filter(pk=off.pk).update(is_active=False)
    desk.edit(action="delete_pack", packId=gone.pack_id)
    desk.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert not desk.fresh(gone).is_active
    assert not desk.fresh(off).is_active
    assert IntegrationPack.objects.get(pack_id=seed.PACKS["customers"]).is_active
