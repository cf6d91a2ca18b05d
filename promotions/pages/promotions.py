"""Promotions: the list, one promotion live, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.signing import BadSignature, TimestampSigner
from django.db.models import Exists, OuterRef, Prefetch, Q, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from .. import access, services, votes
from ..messages import PromotionError
from ..models import (
    ApiCall,
    Event,
    PromotedPackage,
    PromotionBranch,
    PromotionPackage,
    PromotionRequest,
)
from ..states import Kind, Status
from ..transitions import allowed_from
from .checklist import after_deployment
from .common import (
    Problem,
    UserRequest,
    nobody_works,
    not_changed,
    page_of,
    poll_every,
    post_only,
    problem,
    refusal,
    role_required,
)
from .deployments import may_deploy_further
from .forms import NoteForm, PromotionFilterForm, RetryForm
from .paging import count
from .phases import phases
from .sessions import limit, limits_the_session_itself, recent_sign_in_required
from .shown import MADE_ANEW, figures, is_done, plan_components
from .status import explain
from .workbench import whole_talk

SHOWN_CALLS = 100
SIGNER = TimestampSigner(salt="promotion_progress")


@require_GET
@role_required
def my_promotions(request: UserRequest) -> HttpResponse:
    """The user's own promotions, or all that they may see."""
    visible = access.promotions(request.user)
    own = visible.filter(requester=request.user)
    show = "all" if request.GET.get("show") == "all" else "mine"
    filters = PromotionFilterForm(request.GET)
    promotions = (
        filters.narrow(visible if show == "all" else own)
        .select_related(
            "plan", "source__plan", "source_package__planned", "dev_account", "requester"
        )
        .prefetch_related("further__planned")
    )
    context = {
        "show": show,
        "filters": filters,
        "is_filtered": any(filters.cleaned_data.values()),
        "tabs": [("mine", "Requested by me", count(own)), ("all", "Everybody's", count(visible))],
        "page": page_of(request, promotions),
    }
    return render(request, "my_promotions.html", context)


@require_GET
@role_required
def promotion_detail(request: UserRequest, pk: int) -> HttpResponse:
    return _page(request, _promotion(request, pk))


@limits_the_session_itself
@require_GET
@never_cache
def promotion_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part of the page, or an empty response while nothing has changed."""
    if _shows_all(request, pk):
        return not_changed()
    limit(request)
    return _changed_progress(request, pk)


@role_required
def _changed_progress(request: UserRequest, pk: int) -> HttpResponse:
    return _fragment(request, _promotion(request, pk))


@require_GET
@role_required
def promotion_calls(request: UserRequest, pk: int) -> HttpResponse:
    promotion = _promotion(request, pk)
    calls = ApiCall.objects.filter(Q(promotion=promotion) | Q(plan=promotion.about))
    page = page_of(request, calls.order_by("-at", "-pk"), size=SHOWN_CALLS)
    return render(request, "promotion_calls.html", {"promotion": promotion, "page": page})


@post_only
@role_required
def withdraw(request: UserRequest, pk: int) -> HttpResponse:
    return _act_with_reason(
        request, _promotion(request, pk), services.withdraw, "The {noun} is withdrawn."
    )


@post_only
@role_required
def cancel(request: UserRequest, pk: int) -> HttpResponse:
    return _act_with_reason(
        request, _promotion(request, pk), services.cancel, "The {noun} is cancelled."
    )


@post_only
@role_required
def give_up_rest(request: UserRequest, pk: int) -> HttpResponse:
    done = "What the merge left out has been given up; its branch is being deleted."
    return _act_with_reason(request, _promotion(request, pk), services.give_up_rest, done)


@post_only
@role_required
def drop_environment(request: UserRequest, pk: int, deployment_pk: int) -> HttpResponse:
    promotion = _promotion(request, pk)
    deployment = get_object_or_404(promotion.deployments, pk=deployment_pk)

    def drop(user: User, _: PromotionRequest, *, reason: str) -> None:
        services.drop_environment(user, deployment, reason=reason)

    done = "The environment has been left out."
    return _act_with_reason(request, promotion, drop, done, at="environments")


@post_only
@role_required
def tick_task(request: UserRequest, pk: int) -> HttpResponse:
    """Tick off a task after the deployment, or untick it."""
    promotion = _promotion(request, pk)
    done = request.POST.get("done") == "yes"
    return _act(
        request,
        promotion,
        lambda: services.tick(request.user, promotion, request.POST.get("task", ""), done=done),
        "Ticked off." if done else "The task is open again.",
        at="checklist",
    )


@post_only
@role_required
def resubmit(request: UserRequest, pk: int) -> HttpResponse:
    """Request it again in one click, with the same inputs; the new plan's page shows the progress."""
    promotion = _promotion(request, pk)
    try:
        plan = services.resubmit(request.user, promotion)
    except PromotionError as error:
        return _page(request, promotion, refused=refusal(error))
    messages.success(
        request,
        "A new plan is being made; it is requested automatically unless something blocks it.",
    )
    return redirect(plan)


@post_only
@role_required
@recent_sign_in_required(back="promotion_detail")
def retry(request: UserRequest, pk: int) -> HttpResponse:
    promotion = _promotion(request, pk)
    form = RetryForm(request.POST, promotion=promotion)
    if not form.is_valid():
        return _answer(request, promotion, problem("PACK_NOT_FOUND"))
    return _act(
        request,
        promotion,
        lambda: services.retry(
            request.user,
            promotion,
            package_version=form.cleaned_data["package_version"],
            pack=form.cleaned_data["pack"],
            package=form.cleaned_data.get("package"),
            other_pack_accepted=form.cleaned_data["other_pack"],
        ),
        "It continues from the step that failed.",
    )


class ActWithReason(Protocol):
    """A service that takes a reason, required or optional."""

    def __call__(self, user: User, promotion: PromotionRequest, /, *, reason: str) -> None: ...


def _act_with_reason(
    request: UserRequest, promotion: PromotionRequest, act: ActWithReason, done: str, at: str = ""
) -> HttpResponse:
    """Call the service with the typed reason; the service says when one is missing."""
    form = NoteForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    return _act(
        request,
        promotion,
        lambda: act(request.user, promotion, reason=reason),
        done.format(noun=promotion.noun),
        at,
    )


def _act(
    request: UserRequest,
    promotion: PromotionRequest,
    action: Callable[[], None],
    done: str,
    at: str = "",
) -> HttpResponse:
    """Call the service; if somebody else was quicker, show where the promotion stands now, with a notice.

    :param at: the part of the page that was clicked, which shows the outcome.
    """
    try:
        action()
    except PromotionError as error:
        refused = refusal(error)
        promotion.refresh_from_db()
        return _answer(request, promotion, refused)
    if request.htmx:
        promotion.refresh_from_db()
        return _fragment(request, promotion, notice=done, notice_at=at)
    messages.success(request, done, extra_tags=at)
    return redirect(f"{promotion.get_absolute_url()}#{at}" if at else promotion)


def _answer(request: UserRequest, promotion: PromotionRequest, refused: Problem) -> HttpResponse:
    if request.htmx:
        return _fragment(request, promotion, refused=refused)
    return _page(request, promotion, refused=refused)


def _page(request: UserRequest, promotion: PromotionRequest, **more: Any) -> HttpResponse:
    return render(request, "promotion_detail.html", _context(request, promotion) | more)


def _fragment(request: UserRequest, promotion: PromotionRequest, **more: Any) -> HttpResponse:
    return render(request, "_promotion_progress.html", _context(request, promotion) | more)


def _promotion(request: UserRequest, pk: int) -> PromotionRequest:
    visible = (
        access.promotions(request.user)
        .select_related("plan", "source__plan", "source_package__planned", "dev_account")
        .select_related("requester", "approved_by", "pack")
        .annotate(is_bundle=Exists(PromotionPackage.objects.filter(promotion=OuterRef("pk"))))
    )
    promotion = get_object_or_404(visible, pk=pk)
    # Most promotions bring one package: there is nothing to ask for then.
    further = PromotionPackage.objects.select_related("planned", "pack")
    if not promotion.is_bundle:  # type: ignore[attr-defined]
        further = further.none()
    prefetch_related_objects([promotion], Prefetch("further", further))
    return promotion


@dataclass(frozen=True)
class PackageOnPage:
    """One of several packages, with what may come next for its process."""

    made: PromotedPackage
    may_deploy_further: bool
    may_roll_back: bool

    @property
    def key(self) -> int:
        """As links name it: 0 for the first one."""
        return self.made.pk if isinstance(self.made, PromotionPackage) else 0


def _bundle(request: UserRequest, promotion: PromotionRequest) -> list[PackageOnPage]:
    """The packages of a promotion that brings several."""
    rows = promotion.packages
    if len(rows) == 1:
        return []
    accounts = access.dev_accounts(request.user)
    is_own = accounts.filter(pk=promotion.dev_account_id).exists()
    is_deployed = promotion.status == Status.DEPLOYED
    return [
        PackageOnPage(
            made,
            is_own and is_deployed and bool(made.prod_package_id),
            is_own and services.may_be_restored(made),
        )
        for made in rows
    ]


def _is_working(promotion: PromotionRequest) -> bool:
    return not promotion.is_final and promotion.status != Status.ADMIN_REVIEW


def _is_idle(promotion: PromotionRequest) -> bool:
    """Whether the promotion should proceed but no worker is there."""
    return _is_working(promotion) and nobody_works(promotion.updated_at)


def _seen(promotion: PromotionRequest) -> str:
    """Names what the live part shows, so that it is sent again only if the browser shows something else.

    It is signed, so whoever sends it has seen the page; "nothing new" then takes no look at the session or at access.
    One query answers a tab that stays open.
    """
    return SIGNER.sign(_shown(promotion))


def _shown(promotion: PromotionRequest) -> str:
    return f"{promotion.pk}.{promotion.change_stamp}.{int(_is_idle(promotion))}"


def _shows_all(request: HttpRequest, pk: int) -> bool:
    """Whether the browser, asking for the live part, already shows everything.

    A browser that has signed out, or a page as old as an idle session, has to show its session first.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        shown = SIGNER.unsign(request.GET.get("seen", ""), max_age=settings.SESSION_IDLE_SECONDS)
    except BadSignature:
        return False
    rows = PromotionRequest.objects.only("pk", "status", "updated_at", "change_stamp")
    promotion = rows.filter(pk=pk).first()
    return promotion is not None and shown == _shown(promotion)


def _poll_every(promotion: PromotionRequest, branch: PromotionBranch | None) -> str:
    """Empty when nothing will change without a person."""
    if promotion.is_final and (branch is None or branch.deleted_at):
        return ""
    # No worker is on it: it waits for a person, or for a branch to be deleted.
    if promotion.is_final or promotion.status == Status.ADMIN_REVIEW:
        return "10s"
    return poll_every()


@dataclass
class HistoryEntry:
    """An event, together with equal ones that directly follow it."""

    event: Event
    subjects: list[str]


def _history(events: Sequence[Event], *, notes: bool) -> list[HistoryEntry]:
    """What happened, in order.

    :param notes: whether to include notes among reviewers.
    """
    entries: list[HistoryEntry] = []
    for event in events:
        if event.action == "noted" and not notes:
            continue
        last = entries[-1].event if entries else None
        if last and event.subject and _alike(event) == _alike(last):
            entries[-1].subjects.append(event.subject)
        else:
            entries.append(HistoryEntry(event, [event.subject] if event.subject else []))
    return entries


def _alike(event: Event) -> tuple[object, ...]:
    return event.action, event.actor, event.note


def _context(request: UserRequest, promotion: PromotionRequest) -> dict[str, Any]:
    user = request.user
    is_idle = _is_idle(promotion)
    branch = promotion.branch
    components = plan_components(promotion.about)
    written = [component for component in components if component.is_written]
    events = list(promotion.events.select_related("actor"))
    is_deployed = promotion.status == Status.DEPLOYED
    checklist = after_deployment(promotion, components) if is_deployed else []
    reviews = votes.reviews(user, promotion)
    return whole_talk(user, promotion, "") | {
        "promotion": promotion,
        "plan": promotion.about,
        "explanation": explain(promotion),
        "problem": problem(promotion.error_code, promotion.error) if promotion.error_code else None,
        "branch": branch,
        "phases": phases(promotion, events),
        "components": components,
        "figures": figures(components),
        "to_write": len(written),
        "written": sum(is_done(component) for component in written),
        "history": _history(events, notes=reviews),
        "deployments": promotion.deployments.select_related(
            "environment", "package__planned", "promotion"
        ),
        "checklist": checklist,
        "tasks_left": sum(task.done is None for task in checklist),
        "may_withdraw": access.may_withdraw(user, promotion)
        and promotion.status in allowed_from(Status.WITHDRAWN, promotion.stage),
        "may_cancel": access.may_cancel(user)
        and not promotion.is_final
        and promotion.merge_started_at is None,
        "may_retry": access.may_retry(user) and promotion.can_be_retried,
        "may_give_up": access.may_cancel(user)
        and promotion.status == Status.FAILED
        and promotion.holds_unmerged_content,
        "may_review": promotion.status == Status.ADMIN_REVIEW
        and (access.decides(user) or votes.may_be_peer(user, promotion)),
        "may_deploy_further": len(promotion.packages) == 1
        and may_deploy_further(request, promotion),
        "may_decide": reviews,
        "may_resubmit": promotion.status == Status.FAILED
        and not promotion.is_deployment
        and promotion.merged_at is None
        and access.dev_accounts(user).filter(pk=promotion.dev_account_id).exists(),
        # Of several packages each has its own way back.
        "may_roll_back": not promotion.is_deployment
        and len(promotion.packages) == 1
        and services.may_be_restored(promotion)
        and access.dev_accounts(user).filter(pk=promotion.dev_account_id).exists(),
        "may_plan_again": promotion.status in MADE_ANEW
        and promotion.kind == Kind.PROMOTION
        and not promotion.can_be_retried
        and access.dev_accounts(user).filter(pk=promotion.dev_account_id).exists(),
        "may_deploy": not promotion.is_final or promotion.can_be_retried,
        "retry_form": RetryForm(promotion=promotion),
        "bundle": _bundle(request, promotion),
        "is_admin": access.is_admin(user),
        "nobody_works": is_idle,
        "seen": _seen(promotion),
        "poll_every": _poll_every(promotion, branch),
        "working": _is_working(promotion),
    }
