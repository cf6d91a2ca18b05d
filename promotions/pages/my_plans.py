"""Plans in a list, with what has become of them, and two of one process side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from .. import access
from ..models import (
    ComponentMapping,
    ComponentResult,
    Event,
    Finding,
    Plan,
    PlannedComponent,
    PlanPackage,
)
from ..plan import RULES_VERSION
from ..states import Action
from .common import UserRequest, page_of, role_required
from .paging import count

WRITTEN = (Action.CREATE, Action.UPDATE)
# Reasons that are said of one plan.
REASONS = 3
MAPPING_EVENTS = (
    "mapping_added",
    "mapping_adopted",
    "mapping_replaced",
    "componentmapping_added",
    "componentmapping_changed",
    "componentmapping_deleted",
)
# An import of many mappings must not make a list slow; what lies behind them is told without its time.
MOST_EVENTS = 2000


def with_outlook(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    """Plans with what decides on their state, in the same query.

    Adds ``outdated_since``: when a promotion was merged that wrote something the plan has compared, if one was;
    ``to_settle``: blocking findings that nobody has accepted; ``changes``: components to write.
    """
    compared = PlannedComponent.objects.filter(
        plan=OuterRef(OuterRef("pk")), prod_component_id=OuterRef("prod_component_id")
    ).exclude(prod_component_id="")
    written_since = (
        ComponentResult.objects.filter(
            Exists(compared),
            merged_version__isnull=False,
            promotion__merged_at__gt=OuterRef("finished_at"),
        )
        .exclude(promotion__plan=OuterRef("pk"))
        .order_by("promotion__merged_at")
    )
    return plans.annotate(
        outdated_since=Subquery(written_since.values("promotion__merged_at")[:1]),
        to_settle=Count(
            "findings",
            filter=Q(findings__blocking=True, findings__accepted_by=None),
            distinct=True,
        ),
        changes=Count("components", filter=Q(components__action__in=WRITTEN), distinct=True),
    )


@dataclass(frozen=True)
class Overtaken:
    """Why a plan does not tell any more what a promotion would do.

    :ivar since: None where it is not known.
    :ivar rest: reasons that are not said.
    """

    since: datetime | None
    reasons: list[str]
    rest: int = 0


def overtaken(plans: Iterable[Plan]) -> dict[int, Overtaken]:
    """Those of the ready plans that something has overtaken, by primary key, in a number of queries that is fixed.

    :param plans: of :func:`with_outlook`.
    """
    ready = {plan.pk: plan for plan in plans if plan.is_ready}
    remapped = _remapped(ready)
    found = {}
    for plan in ready.values():
        reasons: list[tuple[datetime | None, str]] = []
        written: datetime | None = plan.outdated_since  # type: ignore[attr-defined]
        if written is not None:
            reasons.append(
                (written, "A promotion has written something that this plan has compared.")
            )
        reasons += remapped[plan.pk]
        if plan.rules_version != RULES_VERSION:
            reasons.append((None, "The rules for secrets and environment values are newer."))
        if reasons:
            since = min((at for at, _ in reasons if at is not None), default=None)
            words = [words for _, words in reasons]
            found[plan.pk] = Overtaken(since, words[:REASONS], max(0, len(words) - REASONS))
    return found


def _remapped(plans: Mapping[int, Plan]) -> dict[int, list[tuple[datetime | None, str]]]:
    """What has another mapping than its plan was made with: since when, in words."""
    mappings = ComponentMapping.objects.filter(
        dev_account=OuterRef("plan__dev_account"), dev_component_id=OuterRef("dev_component_id")
    )
    other = (
        PlannedComponent.objects.filter(plan__in=list(plans))
        .annotate(
            now=Lower(Coalesce(Subquery(mappings.values("prod_component_id")[:1]), Value(""))),
            mapping_name=Subquery(mappings.values("name")[:1]),
        )
        .exclude(now=Lower("prod_component_id"))
        .order_by("position", "pk")
    )
    rows = list(
        other.values("plan", "name", "component_type", "prod_component_id", "now", "mapping_name")
    )
    changes = _changes_of_mappings(plans[row["plan"]] for row in rows)
    found: dict[int, list[tuple[datetime | None, str]]] = {key: [] for key in plans}
    for row in rows:
        made: datetime | None = plans[row["plan"]].finished_at
        called = f"{row['mapping_name'] or row['name']} ({row['component_type']})"
        times = (at for at, subject in changes if made and at > made and subject.endswith(called))
        found[row["plan"]].append((next(times, None), _in_words(**row)))
    return found


def _in_words(*, name: str, prod_component_id: str, now: str, **_: object) -> str:
    if not prod_component_id:
        return f"“{name}” has been mapped to a production component."
    if not now:
        return f"The mapping of “{name}” was removed."
    return f"“{name}” has been mapped to another production component."


def _changes_of_mappings(plans: Iterable[Plan]) -> list[tuple[datetime, str]]:
    """When mappings were changed since the oldest of the plans was made, and which, as events tell."""
    oldest = min((plan.finished_at for plan in plans if plan.finished_at), default=None)
    if oldest is None:
        return []
    events = Event.objects.filter(action__in=MAPPING_EVENTS, at__gt=oldest)
    return list(events.order_by("at", "pk").values_list("at", "subject")[:MOST_EVENTS])


def outlook(plan: Plan) -> tuple[str, str, str]:
    """Where a plan stands: a tint, an icon and a word. Takes a plan of :func:`with_outlook`."""
    if plan.state == Plan.State.BUILDING:
        return "accent", "spinner", "Being made"
    if plan.is_cancelled:
        return "gray", "stop", plan.get_state_display()
    if plan.state != Plan.State.READY:
        return "bad", "alert", plan.get_state_display()
    if plan.to_settle:  # type: ignore[attr-defined]
        return "warn", "stop", "Blocked"
    if not plan.changes:  # type: ignore[attr-defined]
        return "gray", "equal", "Nothing to do"
    return "good", "check", "Ready"


# Counting per plan makes Django forget the model's ordering.
NEWEST = ("-created_at", "-pk")


def _named(words: str) -> QuerySet[Any]:
    """The keys of plans with these words in a package's name or version; an OR over two tables has no index."""
    holds = Q(root_name__icontains=words) | Q(package_version__icontains=words)
    alone = Plan.objects.order_by().filter(holds).values("pk")
    return alone.union(PlanPackage.objects.order_by().filter(holds).values("plan"))


@require_GET
@role_required
def my_plans(request: UserRequest) -> HttpResponse:
    """The user's own plans, or all of the accounts that they may see."""
    visible = access.plans(request.user)
    show = "all" if request.GET.get("show") == "all" else "mine"
    own = visible.filter(requested_by=request.user)
    words = request.GET.get("q", "").strip()
    plans = visible if show == "all" else own
    if words:
        plans = plans.filter(pk__in=_named(words))
    page = page_of(request, plans)
    # Counts are made only for the plans on the page.
    on_page = Plan.objects.filter(pk__in=[plan.pk for plan in page.object_list])
    shown = (
        with_outlook(on_page)
        .select_related("dev_account", "requested_by", "promotion", "restores", "restores_package")
        .prefetch_related("further")
    )
    rows = list(shown.order_by(*NEWEST))
    # One that was requested has its own page.
    old = overtaken(plan for plan in rows if not hasattr(plan, "promotion"))
    context = {
        "show": show,
        "query": words,
        "tabs": [("mine", "Made by me", count(own)), ("all", "Everybody's", count(visible))],
        "page": page,
        "rows": [(plan, *outlook(plan), old.get(plan.pk)) for plan in rows],
    }
    return render(request, "my_plans.html", context)


@dataclass(frozen=True)
class Pair:
    """One component in two plans; None where a plan does not hold it."""

    name: str
    component_type: str
    before: PlannedComponent | None
    after: PlannedComponent | None

    @property
    def differs(self) -> bool:
        return _said(self.before) != _said(self.after)


def _said(component: PlannedComponent | None) -> tuple[object, ...] | None:
    if component is None:
        return None
    return (
        component.action,
        component.dev_version,
        component.prod_version,
        component.prod_component_id.lower(),
        component.digest,
    )


@require_GET
@role_required
def compare_plans(request: UserRequest, pk: int) -> HttpResponse:
    """What is other in a plan than in another one of the same process."""
    visible = access.plans(request.user).select_related("dev_account", "requested_by")
    plan = get_object_or_404(visible, pk=pk)
    others = Plan.objects.filter(
        pk__in=visible.order_by().values("pk"),
        dev_account=plan.dev_account,
        root_component_id=plan.root_component_id,
        state=Plan.State.READY,
    ).exclude(pk=plan.pk)
    asked = request.GET.get("with", "")
    other = None
    if asked.isascii() and asked.isdigit():
        other = get_object_or_404(others.select_related("requested_by"), pk=asked)
    context: dict[str, Any] = {
        "plan": plan,
        "others": others.select_related("requested_by")[:50],
        "other": other,
    }
    if other:
        pairs = context["pairs"] = [pair for pair in _pairs(other, plan) if pair.differs]
        context |= {
            "same": plan.components.count() - sum(pair.after is not None for pair in pairs),
            "settled": _findings(other) - _findings(plan),
            "added": _findings(plan) - _findings(other),
        }
    return render(request, "compare_plans.html", context)


def _pairs(before: Plan, after: Plan) -> list[Pair]:
    """In the order of the newer plan; what only the other one holds comes last."""
    old = {component.dev_component_id: component for component in before.components.all()}
    pairs = [
        Pair(
            component.name,
            component.component_type,
            old.pop(component.dev_component_id, None),
            component,
        )
        for component in after.components.all()
    ]
    pairs += [Pair(gone.name, gone.component_type, gone, None) for gone in old.values()]
    return pairs


def _findings(plan: Plan) -> set[str]:
    findings = Finding.objects.filter(plan=plan, accepted_by=None)
    return set(findings.values_list("message", flat=True))
