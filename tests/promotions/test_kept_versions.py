"""KEEP_VERSIONS of each promoted component are kept, and no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from promotions.models import ComponentResult, DevAccount, PromotionRequest
from promotions.plan import contents
from promotions.states import Action, Status
from promotions.worker.retention import remove_outdated
from tests.promotions import factories


def test_the_newest_versions_stay(sales: DevAccount, alice: User, bob: User, settings: Any) -> None:
    settings.KEEP_VERSIONS = 2
    made = []
    for number in range(4):
        promotion = factories.deployed(factories.plan(sales, alice), alice, bob)
        merged_at = timezone.now() - timedelta(days=9 - number)
        PromotionRequest.objects.filter(pk=promotion.pk).update(merged_at=merged_at)
        result = promotion.results.get(component__action=Action.UPDATE)
        ComponentResult.objects.filter(pk=result.pk).update(
            prod_component_id="The-Process" if number % 2 else "the-process",
            kept=contents.store(b"version %d" % number),
        )
        made.append(result)
    remove_outdated()
    held = ComponentResult.objects.filter(kept__isnull=False)
    assert set(held) == set(made[2:])


def test_what_never_reached_main_is_let_go(sales: DevAccount, alice: User) -> None:
    rejected = factories.promotion(factories.plan(sales, alice), alice, Status.REJECTED)
    waiting = factories.promotion(factories.plan(sales, alice), alice)
    PromotionRequest.objects.update(updated_at=timezone.now() - timedelta(days=2))
    ComponentResult.objects.update(kept=contents.store(b"content"))
    remove_outdated()
    assert not rejected.results.filter(kept__isnull=False).exists()
    assert waiting.results.filter(kept__isnull=False).exists()
