"""The first page: what needs the user, and what is under way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from .. import access, services
from ..states import OPEN, Status
from .common import UserRequest, role_required
from .paging import count

RECENT = timedelta(days=30)
SHOWN = 6


@require_GET
@role_required
def home(request: UserRequest) -> HttpResponse:
    visible = access.promotions(request.user).select_related(
        "plan", "source__plan", "dev_account", "requester"
    )
    recent = visible.filter(updated_at__gte=timezone.now() - RECENT)
    waiting = visible.filter(status=Status.ADMIN_REVIEW)
    context: dict[str, Any] = {
        "is_admin": access.is_admin(request.user),
        "accounts": access.dev_accounts(request.user),
        "counts": {
            "waiting": count(waiting),
            "to_decide": 0,
            "in_progress": count(visible.filter(status__in=OPEN - {Status.ADMIN_REVIEW})),
            "deployed": count(recent.filter(status=Status.DEPLOYED)),
            "failed": count(recent.filter(status=Status.FAILED)),
        },
        "to_decide": [],
        "mine": visible.filter(requester=request.user)[:SHOWN],
    }
    others = recent.exclude(requester=request.user).order_by("-updated_at")
    to_decide = services.needing(request.user)
    context["counts"]["to_decide"] = len(to_decide)
    context["to_decide"] = to_decide[:SHOWN]
    if context["is_admin"]:
        # Those stand above already.
        others = others.exclude(status=Status.ADMIN_REVIEW)
    context["others"] = others[:SHOWN]
    return render(request, "home.html", context)
