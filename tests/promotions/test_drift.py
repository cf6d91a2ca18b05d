"""Drift: looked for every night, remembered with its times, told to admins once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions.models import (
    ComponentMapping,
    ComponentResult,
    DevAccount,
    Event,
    Job,
    Message,
    PrimaryAccount,
    PromotionRequest,
)
from promotions.outbox import wording
from promotions.outbox.audience import audience
from promotions.setup import drift
from promotions.states import Action
from promotions.tasks import look_nightly_task
from tests.promotions import factories
from tests.promotions.pages import signed_in, text

pytestmark = pytest.mark.django_db

MONDAY = datetime.fromisoformat("2026-03-02T02:10:00+00:00")
TUESDAY = MONDAY + timedelta(days=1)


def looked(at: datetime, **changed: int | None) -> dict[str, Any]:
    """A comparison that has come to its end: production id -> version now."""
    found = {
        key: {"name": f"Process {key}", "version": version, "since": ""}
        for key, version in changed.items()
    }
    result: dict[str, Any] = {"changed": found, "seen": 9}
    drift.remember(result, at)
    Job.objects.create(kind=Job.Kind.DRIFT, created_at=at, finished_at=at, result=result)
    return found


def told() -> list[str]:
    return list(Event.objects.filter(action="drift_found").values_list("subject", flat=True))


def test_each_drift_is_told_once(alice: User, bob: User) -> None:
    looked(MONDAY, a=4)
    looked(TUESDAY, a=4, b=None)
    assert told() == ["Process a", "Process b"]
    assert Event.objects.filter(action="drift_found").last().note == "Process b: deleted"  # type: ignore[union-attr]
    # A further change by hand is another drift; one that is gone and comes back as well.
    looked(TUESDAY, a=5)
    looked(TUESDAY, a=5, b=None)
    assert told() == ["Process a", "Process b", "Process a", "Process b"]
    message = Message.objects.order_by("pk").first()
    assert message is not None
    assert audience(message) == [bob]
    said = wording.tell(message)
    assert (said.kind, said.subject) == ("drift", "Production was changed by hand")
    assert "Process a" in said.lines[0]
    assert said.link.endswith(f"{reverse('process_board')}?show=drift")


def test_many_at_once_are_one_message() -> None:
    looked(MONDAY, **dict.fromkeys("abcdefg", 2))
    [subject] = told()
    assert subject.endswith("Process e and 2 more")
    assert len(Event.objects.get(action="drift_found").note.splitlines()) == 7


def test_when_it_was_seen_first_stays() -> None:
    looked(MONDAY, a=4)
    again = looked(TUESDAY, a=4, b=2)
    assert again["a"]["seen_at"] == MONDAY.isoformat()
    assert again["b"]["seen_at"] == TUESDAY.isoformat()


# --- Every night -------------------------------------------------------------------------------


@pytest.fixture
def something_promoted(sales: DevAccount) -> ComponentMapping:
    return ComponentMapping.objects.create(
        dev_account=sales,
        dev_component_id="dev-1",
        prod_component_id="prod-1",
        name="Order import",
        component_type="process",
        last_promoted_at=timezone.now(),
    )


@pytest.fixture
def at_two(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DRIFT_HOUR = "2"
    monkeypatch.setattr(timezone, "now", lambda: MONDAY)


def test_once_in_the_hour_of_the_setting(
    something_promoted: ComponentMapping, at_two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_nightly_task()
    look_nightly_task()
    job = Job.objects.get()
    assert (job.kind, job.requested_by, job.next_attempt_at) == (Job.Kind.DRIFT, None, MONDAY)
    monkeypatch.setattr(timezone, "now", lambda: MONDAY + timedelta(hours=1))
    look_nightly_task()
    assert Job.objects.count() == 1
    monkeypatch.setattr(timezone, "now", lambda: TUESDAY)
    look_nightly_task()
    assert Job.objects.count() == 2


def test_switched_off(something_promoted: ComponentMapping, at_two: None, settings: Any) -> None:
    settings.DRIFT_HOUR = "off"
    look_nightly_task()
    assert not Job.objects.exists()


def test_not_while_the_platform_is_away(something_promoted: ComponentMapping, at_two: None) -> None:
    account = PrimaryAccount.current()
    PrimaryAccount.objects.filter(pk=account.pk).update(
        hold_kind="platform", hold_since=MONDAY, hold_code="API_UNAVAILABLE"
    )
    look_nightly_task()
    assert not Job.objects.exists()


def test_not_before_anything_was_promoted(sales: DevAccount, at_two: None) -> None:
    look_nightly_task()
    assert not Job.objects.exists()


# --- The pages ---------------------------------------------------------------------------------


def test_the_pages_tell_since_when(
    client: Client, alice: User, bob: User, sales: DevAccount
) -> None:
    earlier = timezone.now() - timedelta(days=5)
    promoted = factories.deployed(factories.plan(sales, alice), alice, bob, process_id="process-1")
    PromotionRequest.objects.filter(pk=promoted.pk).update(merged_at=earlier)
    result = promoted.results.get(component__action=Action.UPDATE)
    ComponentResult.objects.filter(pk=result.pk).update(prod_component_id="prod-7")
    since = timezone.now() - timedelta(days=2)
    Job.objects.create(
        kind=Job.Kind.DRIFT,
        finished_at=timezone.now(),
        result={
            "changed": {
                "prod-7": {
                    "name": "Order import",
                    "version": 9,
                    "since": since.isoformat(),
                    "seen_at": (since + timedelta(days=1)).isoformat(),
                }
            }
        },
    )
    signed_in(client, alice)
    for address in (reverse("process_board"), reverse("process_history", args=["process-1"])):
        page = text(client.get(address))
        assert "Order import v9 since" in page
        assert f"{since:%b %Y, %H:%M} UTC 2 days ago" in page.replace("\xa0", " ")
        assert "1 day ago" in page.replace("\xa0", " ")
