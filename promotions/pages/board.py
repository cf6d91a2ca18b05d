"""The process board: every process that was promoted, where it is deployed and what could come next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Window
from django.db.models.functions import Lower, RowNumber
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from .. import access
from ..messages import PromotionError
from ..models import (
    ComponentResult,
    DevAccount,
    DevPackage,
    Environment,
    Job,
    PlannedComponent,
    PromotedPackage,
    PromotionPackage,
    PromotionRequest,
)
from ..models.querysets import PromotionRequestQuerySet
from ..services.setup import start_job
from ..setup.drift import last_look
from ..states import Kind
from .common import PAGE_SIZE, UserRequest, back_to, forbid, post_only, role_required
from .forms import BoardForm
from .places import Place, places_of


@dataclass(frozen=True)
class Drift:
    """A component that production has changed since its promotion.

    :ivar version: what production has now; None if it was deleted.
    :ivar since: when production got that version, if the platform says so; otherwise None.
    :ivar seen_at: when a worker first noticed.
    """

    name: str
    version: int | None
    since: datetime | None
    seen_at: datetime | None

    @classmethod
    def told(cls, found: dict[str, Any]) -> Drift:
        since, seen_at = (parse_datetime(found.get(key) or "") for key in ("since", "seen_at"))
        return cls(found["name"], found["version"], since, seen_at)


@dataclass
class Row:
    """One process.

    :ivar last: the promotion or rollback that was merged last.
    :ivar made: its package of this process.
    :ivar newest: the newest package of the process in its dev account, as last read.
    :ivar drift: those of its components that production has changed since.
    """

    process_id: str
    last: PromotionRequest
    made: PromotedPackage
    dev_version: int | None = None
    newest: DevPackage | None = None
    places: list[Place] = field(default_factory=list)
    waiting: list[PromotionRequest] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    may_act: bool = False

    @property
    def name(self) -> str:
        return self.made.planned.root_name

    @property
    def has_newer(self) -> bool:
        """Whether the dev account has packaged something not yet promoted, as far as is known here."""
        made, promoted = self.newest, self.made.planned
        return (
            made is not None
            and made.package_id != promoted.package_id
            and made.created_date is not None
            and promoted.package_created_at is not None
            and made.created_date > promoted.package_created_at
        )


SHOWS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "": ("All", lambda row: True),
    "waiting": ("Something waits", lambda row: bool(row.waiting)),
    "newer": ("Newer package", lambda row: row.has_newer),
    "drift": ("Changed in production", lambda row: bool(row.drift)),
}


@require_GET
@role_required
def process_board(request: UserRequest) -> HttpResponse:
    """Every process, in a fixed number of queries however many there are."""
    form = BoardForm(request.GET, user=request.user)
    asked: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    looked = last_look()
    rows = _rows(request, looked)
    if words := asked.get("q", "").casefold():
        rows = [
            row
            for row in rows
            if words in row.name.casefold() or words in row.made.package_version.casefold()
        ]
    account, environment = asked.get("account"), asked.get("environment")
    if isinstance(account, DevAccount):
        rows = [row for row in rows if row.last.dev_account_id == account.pk]
    if isinstance(environment, Environment):
        rows = [row for row in rows if any(p.environment == environment for p in row.places)]
    show = request.GET.get("show", "")
    show = show if show in SHOWS else ""
    context = {
        "form": form,
        "show": show,
        "tabs": [
            (name, label, sum(fits(row) for row in rows)) for name, (label, fits) in SHOWS.items()
        ],
        "is_filtered": bool(words or account or environment),
        "page": Paginator([row for row in rows if SHOWS[show][1](row)], PAGE_SIZE).get_page(
            request.GET.get("page")
        ),
        "looked": looked,
        "is_looking": Job.objects.filter(kind=Job.Kind.DRIFT, finished_at__isnull=True).exists(),
        "is_admin": access.is_admin(request.user),
    }
    return render(request, "process_board.html", context)


@post_only
@role_required
def look_for_drift(request: UserRequest) -> HttpResponse:
    """Have a worker compare production with what was promoted."""
    try:
        start_job(request.user, Job.Kind.DRIFT)
    except PromotionError as error:
        forbid(error)
    messages.success(
        request,
        "A worker is comparing production with what was promoted. Reload the page in a moment.",
        extra_tags="drift",
    )
    return back_to("drift", "process_board")


@require_GET
@role_required
def process_history(request: UserRequest, process_id: str) -> HttpResponse:
    """The versions of one process, newest first, each with its differences."""
    looked = last_look()
    rows = _rows(request, looked, process_id=process_id)
    if not rows:
        raise Http404
    row = rows[0]
    versions = list(
        _merged(request)
        .filter(kind__in=(Kind.PROMOTION, Kind.ROLLBACK))
        .of_process(row.process_id)
        .select_related("plan", "source", "requester", "approved_by", "dev_account")
        .order_by("-merged_at", "-pk")
    )
    plans = [version.plan_id for version in versions]
    changes: dict[int, list[PlannedComponent]] = defaultdict(list)
    written = PlannedComponent.objects.filter(plan__in=plans, action__in=("create", "update"))
    for component in written.order_by("plan", "position").defer("places", "rewrites"):
        changes[component.plan_id].append(component)
    context = {
        "row": row,
        "looked": looked,
        "versions": [
            {
                "promotion": version,
                "made": made,
                "components": _held(version, made, changes[version.plan.pk]),
                "is_current": version.pk == versions[0].pk,
                "places": [place for place in row.places if place.origin_id == version.pk],
            }
            for version in versions
            for made in version.packages
            if made.process_id == row.process_id
        ],
    }
    return render(request, "process_history.html", context)


def _held(
    promotion: PromotionRequest, made: PromotedPackage, components: list[PlannedComponent]
) -> list[PlannedComponent]:
    """Those of the components that one package of a promotion brings."""
    if len(promotion.packages) == 1:
        return components
    held = promotion.plan.held_by(made.planned)
    return [component for component in components if component.dev_component_id in held]


def _merged(request: UserRequest) -> PromotionRequestQuerySet[PromotionRequest]:
    """What has reached production and may be seen by the user."""
    merged = access.promotions(request.user).filter(merged_at__isnull=False)
    return merged.exclude(kind=Kind.DEPLOYMENT)


def _rows(request: UserRequest, looked: Job | None, *, process_id: str = "") -> list[Row]:
    """The processes that the user may see, by name; only one of them if it is named."""
    merged = _merged(request).exclude(process_id="")
    among = PromotionPackage.objects.filter(promotion__in=_merged(request).values("pk"))
    among = among.exclude(process_id="")
    if process_id:
        merged = merged.filter(process_id__iexact=process_id)
        among = among.filter(process_id__iexact=process_id)
    # Keys alone are sorted; a row is wide, and most are of older versions.
    placed = merged.order_by().annotate(place=_place("merged_at")).filter(place=1)
    alone = PromotionRequest.objects.filter(pk__in=list(placed.values_list("pk", flat=True)))
    further = among.annotate(place=_place("promotion__merged_at")).filter(place=1)
    accounts = set(access.dev_accounts(request.user).values_list("pk", flat=True))
    rows: dict[str, Row] = {}
    found: list[PromotedPackage] = [
        *alone.select_related("plan", "dev_account", "requester").prefetch_related("further"),
        *further.select_related(
            "planned", "promotion__plan", "promotion__dev_account", "promotion__requester"
        ),
    ]
    for made in found:
        last, key = made.origin, made.process_id.lower()
        if key not in rows or (last.merged_at, last.pk) > (
            rows[key].last.merged_at,
            rows[key].last.pk,
        ):
            may_act = last.dev_account_id in accounts
            rows[key] = Row(made.process_id, last, made, may_act=may_act)
    _add_places(rows)
    _add_waiting(request, rows)
    _add_packages(rows)
    _add_drift(rows, looked)
    return sorted(rows.values(), key=lambda row: (row.name.casefold(), row.process_id))


def _place(merged_at: str) -> Window:
    """Where a package stands among those of its process, the one that was merged last being the first."""
    return Window(
        RowNumber(),
        partition_by=F("process_id"),
        order_by=(F(merged_at).desc(), F("pk").desc()),
    )


def _add_places(rows: dict[str, Row]) -> None:
    for process_id, places in places_of(row.process_id for row in rows.values()).items():
        rows[process_id.lower()].places = places


def _add_waiting(request: UserRequest, rows: dict[str, Row]) -> None:
    asked = [row.process_id for row in rows.values()]
    waiting = access.promotions(request.user).open()
    further = PromotionPackage.objects.filter(promotion__in=waiting.values("pk"))
    found: list[PromotedPackage] = [
        *waiting.filter(process_id__in=asked),
        *further.filter(process_id__in=asked).select_related("promotion"),
    ]
    for made in sorted(found, key=lambda made: made.origin.submitted_at):
        rows[made.process_id.lower()].waiting.append(made.origin)


def _add_packages(rows: dict[str, Row]) -> None:
    """The promoted dev version of each process, and its newest package when the packages were last read."""
    by_root = {
        (row.last.dev_account_id, row.made.planned.root_component_id.lower()): row
        for row in rows.values()
    }
    roots = PlannedComponent.objects.filter(
        plan__in=[row.last.plan_id for row in rows.values()],
        dev_component_id__in=[row.made.planned.root_component_id for row in rows.values()],
    )
    versions = {
        (plan, dev_id): version
        for plan, dev_id, version in roots.values_list("plan", "dev_component_id", "dev_version")
    }
    for row in rows.values():
        row.dev_version = versions.get((row.last.about.pk, row.made.planned.root_component_id))
    place = Window(
        RowNumber(),
        partition_by=(F("dev_account"), Lower("component_id")),
        order_by=(F("created_date").desc(nulls_last=True), F("pk").desc()),
    )
    packages = DevPackage.objects.annotate(
        key=Lower("component_id"),
    ).filter(
        key__in=[root for _, root in by_root],
        dev_account__in={account for account, _ in by_root},
        shareable=True,
    )
    for package in packages.annotate(place=place).filter(place=1):
        row_of = by_root.get((package.dev_account_id, package.component_id.lower()))
        if row_of is not None:
            row_of.newest = package


def _add_drift(rows: dict[str, Row], looked: Job | None) -> None:
    """What the last comparison found changed in each process' last promotion, unless promoted since."""
    changed: dict[str, dict[str, Any]] = looked.result.get("changed", {}) if looked else {}
    lasts: dict[int, list[Row]] = defaultdict(list)
    for row in rows.values():
        lasts[row.last.pk].append(row)
    results = ComponentResult.objects.annotate(key=Lower("prod_component_id")).filter(
        promotion__in=lasts, key__in=list(changed)
    )
    for result in results.select_related("component").defer("component__places"):
        for row in lasts[result.promotion_id]:
            merged_at: datetime | None = row.last.merged_at
            is_newer = looked is not None and merged_at and merged_at < looked.created_at
            if is_newer and _held(row.last, row.made, [result.component]):
                row.drift.append(Drift.told(changed[result.key]))
