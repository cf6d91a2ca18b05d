"""The reviewers' queue: what waits for whom, how large it is and which risks it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from .. import access, services, votes
from ..models import Finding, PlannedComponent, PromotionRequest
from ..states import FINAL, OPEN, Action, Status
from .common import UserRequest, fingerprint, is_seen, not_changed, page_of, role_required
from .forms import QueueFilterForm
from .paging import count
from .phases import waits_for

# Findings that say what a deployment does beside its differences.
LISTENER = "LISTENER_STARTS"
OTHERS = "USED_BY_OTHERS"

TABS = {
    "mine": ("Needs my decision", {Status.ADMIN_REVIEW}),
    "waiting": ("Waiting for decision", {Status.ADMIN_REVIEW}),
    "progress": ("In progress", OPEN - {Status.ADMIN_REVIEW}),
    "recent": ("Recent", FINAL),
}
# What a column is sorted by; the one that waits longest comes first where nothing is said.
SORTS = {
    "submitted": "submitted_at",
    "package": "plan__root_name",
    "account": "dev_account__name",
    "requester": "requester__username",
    "status": "status",
}


@require_GET
@role_required
def review_queue(request: UserRequest) -> HttpResponse:
    """The promotions that a reviewer sees: by tab, account and requester, sorted, in pages.

    What needs the user's own decision comes first.
    """
    if not (access.decides(request.user) or access.is_peer(request.user)):
        raise PermissionDenied("The review queue is for admins, and for peers whom a policy asks.")
    tab = request.GET.get("tab", "")
    if tab not in TABS:
        tab = "mine"
    filters = QueueFilterForm(request.GET, user=request.user)
    promotions = access.promotions(request.user)
    if filters.is_valid():
        if account := filters.cleaned_data["account"]:
            promotions = promotions.filter(dev_account=account)
        if requester := filters.cleaned_data["requester"]:
            promotions = promotions.filter(requester=requester)
    sort = _sort(request.GET.get("sort", ""), "-submitted" if tab == "recent" else "submitted")
    mine = [promotion.pk for promotion in services.needing(request.user)]
    by_tab = {name: promotions.filter(status__in=statuses) for name, (_, statuses) in TABS.items()}
    by_tab["mine"] = by_tab["mine"].filter(pk__in=mine)
    rows = (
        by_tab[tab]
        .select_related(
            "plan", "source__plan", "source_package__planned", "dev_account", "requester"
        )
        .prefetch_related("further__planned")
    )
    page = page_of(request, _sorted(rows, sort))
    shown = queue_rows(page.object_list)
    counts = {name: count(found) for name, found in by_tab.items()}
    # Ages change by the minute.
    seen = fingerprint(sort, counts, shown, int(timezone.now().timestamp() // 60))
    if request.htmx and is_seen(request, seen):
        return not_changed()
    context = {
        "tab": tab,
        "rows": shown,
        "seen": seen,
        "asked": _asked(request),
        "mine": mine,
        "decides": access.decides(request.user),
        "tabs": [(name, label, counts[name]) for name, (label, _) in TABS.items()],
        "filters": filters,
        "is_filtered": bool(request.GET.get("account") or request.GET.get("requester")),
        "sort": sort,
        "page": page,
        "waiting": waiting_count(request.user),
    }
    return render(request, "_queue.html" if request.htmx else "review_queue.html", context)


def _asked(request: UserRequest) -> str:
    """The query without the parameter that only names what the browser shows."""
    query = request.GET.copy()
    query.pop("seen", None)
    return query.urlencode()


def _sort(asked: str, default: str) -> str:
    return asked if asked.removeprefix("-") in SORTS else default


def _sorted(rows: QuerySet[PromotionRequest], sort: str) -> QuerySet[PromotionRequest]:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(sign + SORTS[sort.removeprefix("-")], f"{sign}pk")


# --- Rows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueRow:
    """A promotion with what a reviewer wants to know before opening it.

    :param written: how many components are created or updated.
    :param risks: what needs a careful look, in a few words each.
    :param waits_for: whom or what it waits for; empty while it is being worked on, or when it is over.
    """

    promotion: PromotionRequest
    written: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    risks: list[str] = field(default_factory=list)
    waits_for: str = ""


def queue_rows(promotions: Iterable[PromotionRequest]) -> list[QueueRow]:
    """Rows for a page of promotions: sizes and risks by one query each."""
    promotions = list(promotions)
    plans = [promotion.plan_id for promotion in promotions if promotion.plan_id]
    sizes: dict[int, dict[str, Any]] = {
        row["plan"]: dict(row)
        for row in PlannedComponent.objects.filter(
            plan__in=plans, action__in=(Action.CREATE, Action.UPDATE)
        )
        .order_by()
        .values("plan")
        .annotate(written=Count("pk"), added=Sum("lines_added"), removed=Sum("lines_removed"))
    }
    findings: dict[int, list[Finding]] = {}
    for finding in Finding.objects.filter(plan__in=plans).only("plan", "code", "accepted_by"):
        findings.setdefault(finding.plan_id, []).append(finding)
    rows = []
    for promotion in promotions:
        size = sizes.get(promotion.plan_id or 0, {})
        rows.append(
            QueueRow(
                promotion,
                size.get("written", 0),
                size.get("added", 0),
                size.get("removed", 0),
                _risks(findings.get(promotion.plan_id or 0, [])),
                waits_for(promotion) if promotion.status in OPEN else "",
            )
        )
    return rows


def _risks(findings: list[Finding]) -> list[str]:
    accepted = sum(finding.accepted_by_id is not None for finding in findings)
    listeners = sum(finding.code == LISTENER for finding in findings)
    others = sum(finding.code == OTHERS for finding in findings)
    told = (
        (accepted, "finding accepted", "findings accepted"),
        (listeners, "listener starts", "listeners start"),
        (others, "component is used by others", "components are used by others"),
    )
    return [f"{number} {one if number == 1 else many}" for number, one, many in told if number]


def waiting_count(user: User) -> int:
    """How many promotions wait for somebody with the user's rights to decide, not counting the user's own."""
    return count(votes.asked(user).exclude(requester=user))
