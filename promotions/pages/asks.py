"""What people ask the admins: the inbox, one's own questions, and picking a production twin from a list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from .. import access, services
from ..messages import PromotionError, sentence
from ..models import Ask, Finding, Job
from ..plan.same import same_sub_type
from ..services.setup import start_job
from .common import (
    UserRequest,
    back_to,
    forbid,
    page_of,
    post_only,
    refuse_account,
    role_required,
)
from .forms import AnswerForm, NoteForm
from .paging import count
from .shown import add_mapping_url


@require_GET
@role_required
def asks(request: UserRequest) -> HttpResponse:
    """All questions to the admins, or the user's own."""
    is_admin = access.is_admin(request.user)
    asked = Ask.objects.all() if is_admin else Ask.objects.filter(asked_by=request.user)
    show = "answered" if request.GET.get("show") == "answered" else "open"
    by_tab = {"open": asked.filter(outcome=""), "answered": asked.exclude(outcome="")}
    rows = by_tab[show].select_related("plan__dev_account", "finding", "asked_by", "answered_by")
    context = {
        "is_admin": is_admin,
        "show": show,
        "tabs": [
            ("open", "Open", count(by_tab["open"])),
            ("answered", "Answered", count(by_tab["answered"])),
        ],
        "page": page_of(request, rows),
    }
    return render(request, "asks.html", context)


@post_only
@role_required
def ask_admin(request: UserRequest, pk: int) -> HttpResponse:
    finding = _finding(request, pk)
    form = NoteForm(request.POST)
    try:
        services.ask_admin(
            request.user, finding, words=form.cleaned_data["reason"] if form.is_valid() else ""
        )
    except PromotionError as error:
        if error.code == "FORBIDDEN":
            forbid(error)
        messages.error(request, sentence(error.code, error.detail), extra_tags=finding.anchor)
    else:
        messages.success(
            request,
            "The admins have been asked. Their answer appears here and under Questions.",
            extra_tags=finding.anchor,
        )
    return back_to(finding.anchor, finding.plan)


@post_only
@role_required
def answer_ask(request: UserRequest, pk: int) -> HttpResponse:
    ask = get_object_or_404(Ask, pk=pk)
    form = AnswerForm(request.POST)
    try:
        if not form.is_valid():
            raise PromotionError("REASON_REQUIRED")
        services.answer(
            request.user,
            ask,
            outcome=form.cleaned_data["outcome"],
            words=form.cleaned_data["words"],
        )
    except PromotionError as error:
        if error.code == "FORBIDDEN":
            forbid(error)
        messages.error(request, sentence(error.code, error.detail), extra_tags="asks")
    else:
        messages.success(
            request, f"“{ask.subject_name or ask.subject_id}” is answered.", extra_tags="asks"
        )
    return back_to("asks", "asks")


@require_GET
@role_required
def pick_twin(request: UserRequest, pk: int) -> HttpResponse:
    """Production components of the finding's type, from the list that a worker has read."""
    finding = _finding(request, pk)
    _admins_only(request)
    listing = _listing(finding)
    words = request.GET.get("q", "").strip()
    rows = _rows(finding, listing, words)
    context = {
        "finding": finding,
        "plan": finding.plan,
        "component_type": _type_of(finding),
        "listing": listing,
        "is_reading": Job.objects.filter(
            kind=Job.Kind.LISTING, argument=_type_of(finding), finished_at__isnull=True
        ).exists(),
        "query": words,
        "rows": rows[:SHOWN],
        "more": max(0, len(rows) - SHOWN),
        "by_id": add_mapping_url(finding.plan, finding) if request.user.is_staff else "",
    }
    return render(request, "pick_twin.html", context)


@post_only
@role_required
def read_production(request: UserRequest, pk: int) -> HttpResponse:
    """Have a worker read the production components of the finding's type again."""
    finding = _finding(request, pk)
    try:
        start_job(request.user, Job.Kind.LISTING, _type_of(finding))
    except PromotionError as error:
        forbid(error)
    messages.success(
        request, "A worker is reading the list. Reload the page in a moment.", extra_tags="twins"
    )
    return back_to("twins", "pick_twin", finding.pk)


@post_only
@role_required
def map_to_twin(request: UserRequest, pk: int) -> HttpResponse:
    """Map to the chosen component, and go back to the plan."""
    finding = _finding(request, pk)
    _admins_only(request)
    chosen = request.POST.get("production", "")
    picked = [row for row in _rows(finding, _listing(finding), "") if row["id"] == chosen]
    if not picked:
        messages.error(request, "Pick a component from the list first.", extra_tags="twins")
        return back_to("twins", "pick_twin", finding.pk)
    try:
        services.add_mapping(request.user, finding, picked[0])
    except PromotionError as error:
        messages.error(request, sentence(error.code, error.detail), extra_tags="twins")
        return back_to("twins", "pick_twin", finding.pk)
    messages.success(
        request,
        f"“{finding.subject_name}” is mapped. Make a new plan to continue.",
        extra_tags=finding.anchor,
    )
    return back_to(finding.anchor, finding.plan)


SHOWN = 100


def _admins_only(request: UserRequest) -> None:
    if not access.is_admin(request.user):
        refuse_account(request.user, "production", "pick a twin")


def _finding(request: UserRequest, pk: int) -> Finding:
    visible = Finding.objects.select_related("plan__dev_account__primary_account", "component")
    return get_object_or_404(visible, pk=pk, plan__in=access.plans(request.user))


def _type_of(finding: Finding) -> str:
    return finding.component.component_type if finding.component else "connector-settings"


def _listing(finding: Finding) -> Job | None:
    done = Job.objects.filter(
        kind=Job.Kind.LISTING, argument=_type_of(finding), finished_at__isnull=False, error_code=""
    )
    return done.order_by("-finished_at").first()


def _rows(finding: Finding, listing: Job | None, words: str) -> list[dict[str, Any]]:
    """Those with the words in their name or folder; the same name and connector come first."""
    component, account = finding.component, finding.plan.dev_account
    accounts = (account.account_id, account.primary_account.account_id)
    rows = []
    for row in listing.result.get("components", []) if listing else []:
        fits = component is None or same_sub_type(component.sub_type, row["sub_type"], accounts)
        if words.casefold() in f"{row['name']} {row['folder']}".casefold():
            rows.append(row | {"fits": fits})
    name = finding.subject_name.casefold()
    return sorted(
        rows, key=lambda row: (not row["fits"], row["name"].casefold() != name, row["name"])
    )
