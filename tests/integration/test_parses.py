"""How often XML is parsed in a whole update: once where a document arrives, at most once where one leaves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

import pytest
import redis
from django.contrib.auth.models import User

from partnerapi import answers, client
from partnerapi.componentxml import document as documents
from promotions import tasks
from promotions.models import Plan, PromotionRequest
from promotions.states import FINAL, Action, Status
from tests.benchmarks.family import plant
from tests.integration.desk import PATIENCE_SECONDS, Desk, furnish
from tests.services import Simulator

COMPONENTS = 6


class DeskOfOne(Desk):
    """Does the worker's tasks in this process, where what they do can be counted."""

    def wait_until(
        self,
        done: Callable[[], bool],
        what: str,
        *,
        seconds: float = PATIENCE_SECONDS,
        told: Callable[[], str] = lambda: "",
    ) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"Waited {seconds} s for {what}. {told()}"
            for plan in Plan.objects.filter(state=Plan.State.BUILDING):
                tasks.build_plan_task(plan.pk)
            for promotion in PromotionRequest.objects.exclude(status__in=FINAL):
                tasks.run_promotion_task(promotion.pk)


@pytest.fixture
def alone(
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
    redis_server: redis.Redis,
    simulator: Simulator,
    alice: User,
    bob: User,
    dora: User,
) -> DeskOfOne:
    monkeypatch.setattr(tasks, "enqueue", lambda *_, **__: None)
    furnish()
    return DeskOfOne(simulator, None, alice, bob, dora)  # type: ignore[arg-type]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Parses, documents that have arrived, those read from the plan, and those that were sent."""
    counts: Counter[str] = Counter()

    def parser(**options: Any) -> Any:
        counts["parsed"] += 1
        return expat.ParserCreate(**options)

    class Counting:
        ExpatError, ErrorString, ParserCreate = expat.ExpatError, expat.ErrorString, parser

    def count(owner: Any, name: str, what: str) -> None:
        real = getattr(owner, name)

        def counting(*args: Any, **options: Any) -> Any:
            counts[what] += 1
            return real(*args, **options)

        monkeypatch.setattr(owner, name, counting)

    monkeypatch.setattr(documents, "expat", Counting)
    count(answers, "component", "arrived")
    count(client.PartnerApiClient, "create_component", "sent")
    count(client.PartnerApiClient, "update_component", "sent")
    real_parse = documents.Document.parse

    def parse(data: bytes, *args: Any) -> documents.Document:
        counts["documents"] += 1
        return real_parse(data, *args)

    monkeypatch.setattr(documents.Document, "parse", staticmethod(parse))
    return counts


def test_an_update_parses_what_arrives_once(alone: DeskOfOne, counted: Counter[str]) -> None:
    family = plant(alone, "Parses", COMPONENTS)
    promotion = alone.promoted(family.package())
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    family.change()
    package_id = family.package()
    counted.clear()
    plan = alone.plan(package_id)
    assert plan.components.filter(action=Action.UPDATE).count() == COMPONENTS
    # Each component and its twin have arrived, and nothing has been parsed but that.
    assert counted["arrived"] >= 2 * COMPONENTS
    assert counted["parsed"] == counted["documents"] == counted["arrived"]

    counted.clear()
    promotion = alone.submit(plan, version="2.0")
    promotion = alone.wait_for(promotion, Status.ADMIN_REVIEW)
    alone.approve(promotion)
    promotion = alone.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert counted["sent"] == COMPONENTS
    from_the_plan = counted["documents"] - counted["arrived"]
    assert from_the_plan <= COMPONENTS
    assert counted["parsed"] <= counted["documents"] + counted["sent"]
