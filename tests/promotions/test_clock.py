"""A clock that is set back costs one lease at most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.schedules import schedule
from django.contrib.auth.models import User
from django.utils import timezone

from promo_site.beat import Every
from promo_site.celery import app
from promotions import tasks
from promotions.heartbeat import Pulse
from promotions.models import Delivery, PromotionRequest
from promotions.states import Status
from promotions.worker.sweep import sweep
from promotions.worker.timing import LEASE, scaled
from tests.promotions import factories

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ago", "is_alive"),
    [(timedelta(0), True), (timedelta(minutes=5), False), (-HOUR, False)],
)
def test_a_tick_in_the_future_is_no_sign_of_life(ago: timedelta, is_alive: bool) -> None:
    assert Pulse(at=timezone.now() - ago, waiting=0).is_alive is is_alive


@pytest.mark.parametrize("name", ["tick", "sweep", "sweep-branches"])
def test_what_last_ran_in_the_future_is_due(name: str) -> None:
    own = app.conf.beat_schedule[name]["schedule"]
    own.app = app
    for entry in (own, schedule(own, app=app)):
        assert entry.is_due(app.now() + HOUR).is_due
        assert entry.is_due(app.now() - HOUR).is_due


def test_what_ran_just_now_is_not_due() -> None:
    entry = Every(60, app=app)
    assert not entry.is_due(app.now()).is_due


@pytest.mark.django_db
def test_rows_that_lie_ahead_are_brought_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = timezone.now() + HOUR
    made = factories.plan(factories.account(), alice)
    promotion = factories.promotion(made, alice, Status.STAGING, next_attempt_at=ahead)
    PromotionRequest.objects.filter(pk=promotion.pk).update(lease_until=ahead, enqueued_at=ahead)
    sweep()
    promotion.refresh_from_db()
    assert promotion.next_attempt_at
    assert promotion.next_attempt_at <= timezone.now()
    assert promotion.lease_until
    assert promotion.lease_until <= timezone.now() + timedelta(seconds=scaled(LEASE))
    # The lease has run out: the tick takes it up although it was "enqueued" in the future.
    PromotionRequest.objects.filter(pk=promotion.pk).update(lease_until=None)
    sent: list[int] = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, pk, **_: sent.append(pk))
    tasks._enqueue_due(PromotionRequest, tasks.run_promotion_task)
    assert sent == [promotion.pk]


@pytest.mark.django_db
def test_messages_that_lie_ahead_are_brought_back(bob: User) -> None:
    now = timezone.now()
    late, digest = (
        Delivery.objects.create(person=bob, next_attempt_at=now + timedelta(days=days))
        for days in (9, 1)
    )
    held = Delivery.objects.create(person=bob, lease_until=now + HOUR)
    sweep()
    late.refresh_from_db()
    held.refresh_from_db()
    assert held.lease_until
    assert held.lease_until <= timezone.now() + timedelta(seconds=scaled(LEASE))
    digest.refresh_from_db()
    assert late.next_attempt_at
    assert late.next_attempt_at <= timezone.now()
    assert digest.next_attempt_at == now + timedelta(days=1)
