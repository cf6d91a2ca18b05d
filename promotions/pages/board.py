"""The process board: every process that was promoted, where it is deployed and what could come next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet, Window
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
    PromotionRequest,
)
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
    :ivar newest: the newest package of the process in its dev account, as last read.
    :ivar drift: those of its components that production has changed since.
    """

    process_id: str
    last: PromotionRequest
    dev_version: int | None = None
    newest: DevPackage | None = None
    places: list[Place] = field(default_factory=list)
    waiting: list[PromotionRequest] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    may_act: bool = False

    @property
    def name(self) -> str:
        return self.last.about.root_name

    @property
    def has_newer(self) -> bool:
        """Whether the dev account has packaged something not yet promoted, as far as is known here."""
        made, promoted = self.newest, self.last.about
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
            if words in row.name.casefold() or words in row.last.package_version.casefold()
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
        .filter(process_id=row.process_id)
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
                "components": changes[version.plan.pk],
                "is_current": version.pk == versions[0].pk,
                "places": [place for place in row.places if place.origin_id == version.pk],
            }
            for version in versions
        ],
    }
    return render(request, "process_history.html", context)


def _merged(request: UserRequest) -> QuerySet[PromotionRequest]:
    """What has reached production and may be seen by the user."""
    visible = access.promotions(request.user).order_by().values("pk")
    return PromotionRequest.objects.filter(pk__in=visible, merged_at__isnull=False).exclude(
        Q(process_id="") | Q(kind=Kind.DEPLOYMENT)
    )


def _rows(request: UserRequest, looked: Job | None, *, process_id: str = "") -> list[Row]:
    """The processes that the user may see, by name; only one of them if it is named."""
    merged = _merged(request)
    if process_id:
        merged = merged.filter(process_id__iexact=process_id)
    place = Window(
        RowNumber(),
        partition_by=Lower("process_id"),
        order_by=(F("merged_at").desc(), F("pk").desc()),
    )
    newest = merged.annotate(place=place).filter(place=1)
    accounts = set(access.dev_accounts(request.user).values_list("pk", flat=True))
    rows = {
        last.process_id.lower(): Row(last.process_id, last, may_act=last.dev_account_id in accounts)
        for last in newest.select_related("plan", "dev_account", "requester")
    }
    _add_places(rows)
    _add_waiting(request, rows)
    _add_packages(rows)
    _add_drift(rows, looked)
    return sorted(rows.values(), key=lambda row: (row.name.casefold(), row.process_id))


def _add_places(rows: dict[str, Row]) -> None:
    for process_id, places in places_of(row.process_id for row in rows.values()).items():
        rows[process_id.lower()].places = places


def _add_waiting(request: UserRequest, rows: dict[str, Row]) -> None:
    visible = access.promotions(request.user).order_by().values("pk")
    waiting = PromotionRequest.objects.open().filter(
        pk__in=visible, process_id__in=[row.process_id for row in rows.values()]
    )
    for promotion in waiting.order_by("submitted_at"):
        rows[promotion.process_id.lower()].waiting.append(promotion)


def _add_packages(rows: dict[str, Row]) -> None:
    """The promoted dev version of each process, and its newest package when the packages were last read."""
    by_root = {
        (row.last.dev_account_id, row.last.about.root_component_id.lower()): row
        for row in rows.values()
    }
    roots = PlannedComponent.objects.filter(
        plan__in=[row.last.plan_id for row in rows.values()],
        dev_component_id=F("plan__root_component_id"),
    )
    versions = dict(roots.values_list("plan", "dev_version"))
    for row in rows.values():
        row.dev_version = versions.get(row.last.about.pk)
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
    lasts = {row.last.pk: row for row in rows.values()}
    results = ComponentResult.objects.annotate(key=Lower("prod_component_id")).filter(
        promotion__in=lasts, key__in=list(changed)
    )
    for promotion_id, key in results.values_list("promotion", "key"):
        row = lasts[promotion_id]
        merged_at: datetime | None = row.last.merged_at
        if looked is not None and merged_at is not None and merged_at < looked.created_at:
            row.drift.append(Drift.told(changed[key]))
