"""What is removed after its time, and what stays whatever its age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from promotions.models import (
    ApiCall,
    Content,
    DevAccount,
    Event,
    Plan,
    PromotionRequest,
    StepRun,
)
from promotions.plan import contents
from promotions.states import MERGE_INCOMPLETE, Status
from promotions.worker import retention
from promotions.worker.retention import remove_outdated
from tests.promotions import factories

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=400)


@pytest.fixture
def old(sales: DevAccount, alice: User, bob: User) -> PromotionRequest:
    """A deployed promotion of more than a year ago."""
    promotion = factories.deployed(factories.plan(sales, alice), alice, bob)
    _age(promotion)
    return promotion


def _age(promotion: PromotionRequest) -> None:
    then = timezone.now() - LONG_AGO
    PromotionRequest.objects.filter(pk=promotion.pk).update(updated_at=then, submitted_at=then)
    promotion.api_calls.update(at=then)
    Plan.objects.filter(pk=promotion.plan.pk).update(created_at=then)


def test_calls_and_steps_go_and_the_promotion_stays(old: PromotionRequest) -> None:
    events = Event.objects.count()
    components = old.plan.components.count()
    removed = remove_outdated()
    assert removed["API calls"] == 1
    assert removed["steps"] > 3
    assert not ApiCall.objects.exists()
    assert not StepRun.objects.exists()
    assert PromotionRequest.objects.get() == old
    assert old.plan.components.count() == components
    assert old.results.count() == components
    assert Event.objects.count() == events


def test_the_steps_of_what_can_be_retried_stay(sales: DevAccount, alice: User, bob: User) -> None:
    """Without them a retry would package, release and deploy again what is there."""
    factories.environment()
    merged = factories.deployed(factories.plan(sales, alice), alice, bob)
    incomplete = factories.deployed(factories.plan(sales, alice), alice, bob)
    further = factories.deployment(merged, alice, factories.environment("US"))
    factories.approve(further, bob)
    factories.step(further, "check_package")
    rows = PromotionRequest.objects.all()
    rows.update(status=Status.FAILED)
    rows.filter(pk=incomplete.pk).update(merged_at=None, error_code=MERGE_INCOMPLETE)
    incomplete.branches.update(delete_due=None, deleted_at=None)
    for promotion in rows:
        assert promotion.can_be_retried
        rows.filter(pk=promotion.pk).update(updated_at=timezone.now() - LONG_AGO)
    before = StepRun.objects.count()
    assert "steps" not in remove_outdated()
    assert StepRun.objects.count() == before


def test_nothing_of_an_open_promotion_goes(sales: DevAccount, alice: User) -> None:
    promotion = factories.promotion(factories.plan(sales, alice), alice, Status.ADMIN_REVIEW)
    _age(promotion)
    steps = promotion.steps.count()
    remove_outdated()
    assert promotion.steps.count() == steps


def test_a_plan_that_nobody_submitted_goes_with_what_it_held(
    sales: DevAccount, alice: User
) -> None:
    forgotten, fresh = factories.plan(sales, alice), factories.plan(sales, alice)
    held = contents.store(b"held by a plan that stays")
    gone = contents.store(b"held by a plan that goes")
    fresh.components.update(difference=held)
    forgotten.components.update(difference=gone)
    then = timezone.now() - LONG_AGO
    Plan.objects.filter(pk=forgotten.pk).update(created_at=then)
    Content.objects.update(stored_at=then)
    removed = remove_outdated()
    assert removed["plans"] == 1
    assert list(Plan.objects.all()) == [fresh]
    assert not Content.objects.filter(pk=gone.pk).exists()
    assert Content.objects.filter(pk=held.pk).exists()


def test_content_that_was_just_stored_waits_for_the_row_that_will_hold_it() -> None:
    contents.store(b"stored a moment ago")
    remove_outdated()
    assert Content.objects.count() == 1


@pytest.mark.parametrize("setting", ["KEEP_API_CALLS", "KEEP_STEPS", "KEEP_PLANS"])
def test_zero_keeps_for_ever(
    old: PromotionRequest, alice: User, settings: Any, setting: str
) -> None:
    unsubmitted = factories.plan(old.dev_account, alice)
    Plan.objects.filter(pk=unsubmitted.pk).update(created_at=timezone.now() - LONG_AGO)
    setattr(settings, setting, 0)
    remove_outdated()
    kept = {
        "KEEP_API_CALLS": ApiCall.objects.exists(),
        "KEEP_STEPS": StepRun.objects.exists(),
        "KEEP_PLANS": Plan.objects.filter(pk=unsubmitted.pk).exists(),
    }
    assert [name for name, is_kept in kept.items() if is_kept] == [setting]


def test_more_than_a_batch_goes_in_one_round(
    old: PromotionRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    assert remove_outdated()["steps"] > 2
    assert not StepRun.objects.exists()


def test_packages_of_a_closed_account_and_old_sessions_go(sales: DevAccount) -> None:
    factories.package(sales)
    DevAccount.objects.filter(pk=sales.pk).update(is_active=False)
    for days in (-1, 1):
        session = SessionStore()
        session.set_expiry(timezone.now() + timedelta(days=days))
        session.save()
    remove_outdated()
    assert not sales.packages.exists()
    assert Session.objects.count() == 1
