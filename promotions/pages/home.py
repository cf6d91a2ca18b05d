"""The start page: what needs the user, and what is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from .. import access, services
from ..states import Status
from .common import UserRequest, role_required
from .forms import PromotionFilterForm, Promotions
from .paging import count

RECENT = 30  # days
SHOWN = 6

# Label, tint, and what the list that the tile leads to is narrowed by.
# For who decides, the tab of the queue that counts the same.
TILES: list[tuple[str, str, dict[str, str | int], str]] = [
    ("waiting for a decision", "violet", {"status": Status.ADMIN_REVIEW.value}, "waiting"),
    ("in progress", "accent", {"status": PromotionFilterForm.PROGRESS}, "progress"),
    (f"deployed in {RECENT} days", "good", {"status": Status.DEPLOYED.value, "days": RECENT}, ""),
    (f"failed in {RECENT} days", "bad", {"status": Status.FAILED.value, "days": RECENT}, ""),
]


@dataclass(frozen=True)
class Tile:
    """A number that leads to what it counts."""

    label: str
    tint: str
    count: int
    address: str


def _tile(
    visible: Promotions,
    has_queue: bool,
    label: str,
    tint: str,
    asked: dict[str, str | int],
    tab: str,
) -> Tile:
    address = f"{reverse('my_promotions')}?{urlencode({'show': 'all', **asked})}"
    if tab and has_queue:
        address = f"{reverse('review_queue')}?tab={tab}"
    return Tile(label, tint, count(PromotionFilterForm(asked).narrow(visible)), address)


@require_GET
@role_required
def home(request: UserRequest) -> HttpResponse:
    visible = (
        access.promotions(request.user)
        .select_related(
            "plan", "source__plan", "source_package__planned", "dev_account", "requester"
        )
        .prefetch_related("further__planned")
    )
    has_queue = access.decides(request.user)
    context: dict[str, Any] = {
        "is_admin": access.is_admin(request.user),
        "accounts": access.dev_accounts(request.user),
        "tiles": [_tile(visible, has_queue, *tile) for tile in TILES],
        "mine": visible.filter(requester=request.user)[:SHOWN],
    }
    recent = visible.filter(updated_at__gte=timezone.now() - timedelta(days=RECENT))
    others = recent.exclude(requester=request.user).order_by("-updated_at")
    to_decide = services.needing(request.user)
    context |= {"to_decide": to_decide[:SHOWN], "to_decide_count": len(to_decide)}
    if context["is_admin"]:
        # Those stand above already.
        others = others.exclude(status=Status.ADMIN_REVIEW)
    context["others"] = others[:SHOWN]
    return render(request, "home.html", context)
