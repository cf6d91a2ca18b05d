"""Set-up, for admins: what is missing, the connection check, twins to adopt."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from ..messages import PromotionError
from ..models import DevAccount, Job, Plan
from ..services import ask_platform_again
from ..services import setup as setup_services
from ..setup import adoption, readiness
from .common import (
    UserRequest,
    back_to,
    fingerprint,
    forbid,
    is_seen,
    nobody_works,
    not_changed,
    poll_every,
    post_only,
    problem,
    role_required,
)
from .shown import add_mapping_url

# Far fewer than the fields that a form may send.
PROPOSALS = 100
STATE_WORDS = {"ok": "In order", "warn": "Look at it", "fail": "Fault", "skipped": "Not seen"}


@require_GET
@role_required
def setup(request: UserRequest) -> HttpResponse:
    """What is still missing; htmx requests only the part that changes."""
    _admins_only(request, "see the set-up")
    job = Job.objects.filter(kind=Job.Kind.ACCOUNTS).first()
    context = _job_context(job)
    if request.htmx and is_seen(request, context["seen"]):
        return not_changed()
    sections = readiness.sections(request.user)
    context |= {
        "sections": sections,
        "missing": sum(item.state != "ok" for section in sections for item in section.items),
        "unmapped": [
            (finding, add_mapping_url(finding.plan, finding))
            for finding in readiness.unmapped_connections()
        ],
    }
    return render(request, "_setup.html" if request.htmx else "setup.html", context)


@post_only
@role_required
def ask_platform(request: UserRequest) -> HttpResponse:
    """Ask at once whether the platform answers again, and return to where the button is."""
    try:
        ask_platform_again(request.user)
    except PromotionError as error:
        forbid(error)
    messages.success(request, "The platform is being asked again.", extra_tags="platform")
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return back_to("platform", page if page and is_ours else "home")


@post_only
@role_required
def synchronise_accounts(request: UserRequest) -> HttpResponse:
    return _start(request, Job.Kind.ACCOUNTS, "setup", at="setup")


@require_GET
@role_required
def connection_check(request: UserRequest) -> HttpResponse:
    """The last check, live while a worker runs one."""
    _admins_only(request, "see the connection check")
    job = Job.objects.filter(kind=Job.Kind.CONNECTION_CHECK).first()
    context = _job_context(job)
    if request.htmx and is_seen(request, context["seen"]):
        return not_changed()
    # While a new check is under way the last result stays on the page.
    shown = readiness.latest(Job.Kind.CONNECTION_CHECK)
    checks = shown.result.get("checks", []) if shown else []
    context |= {
        "shown": shown,
        "checks": [{**check, "word": STATE_WORDS.get(check["state"], "")} for check in checks],
        "failed": sum(check["state"] == "fail" for check in checks),
        "warned": sum(check["state"] == "warn" for check in checks),
    }
    template = "_setup_connection.html" if request.htmx else "setup_connection.html"
    return render(request, template, context)


@post_only
@role_required
def check_connection(request: UserRequest) -> HttpResponse:
    return _start(request, Job.Kind.CONNECTION_CHECK, "connection_check", at="connection")


@require_GET
@role_required
def adopt(request: UserRequest) -> HttpResponse:
    """Where to look for twins, and where people have looked before."""
    _admins_only(request, "see the twins to adopt")
    jobs = Job.objects.filter(kind=Job.Kind.ADOPTION).select_related("requested_by")[:20]
    context = {
        "accounts": DevAccount.objects.filter(is_active=True),
        "jobs": [(job, setup_services.account_of(job)) for job in jobs],
    }
    return render(request, "setup_adoption.html", context)


@post_only
@role_required
def look_for_twins(request: UserRequest) -> HttpResponse:
    """Start a search in a dev account, or for one plan."""
    _admins_only(request, "look for twins")
    target: DevAccount | Plan
    if plan := request.POST.get("plan", ""):
        target = get_object_or_404(Plan, pk=_number(plan))
    else:
        accounts = DevAccount.objects.filter(is_active=True)
        target = get_object_or_404(accounts, pk=_number(request.POST.get("dev_account", "")))
    try:
        job = setup_services.look_for_twins(request.user, target)
    except PromotionError as error:
        forbid(error)
    return redirect("adoption_proposals", job.pk)


@require_GET
@role_required
def adoption_proposals(request: UserRequest, pk: int) -> HttpResponse:
    """What a worker proposes, live while it searches."""
    _admins_only(request, "see the twins to adopt")
    job = _adoption(pk)
    context = _job_context(job)
    if request.htmx and is_seen(request, context["seen"]):
        return not_changed()
    account = setup_services.account_of(job)
    stored = job.result.get("proposals", [])
    proposals = adoption.still_open(account, stored) if account else []
    twins: dict[str, int] = {}
    for proposal in proposals:
        twins[proposal.dev_component_id] = twins.get(proposal.dev_component_id, 0) + 1
    page = Paginator(proposals, PROPOSALS).get_page(request.GET.get("page"))
    context |= {
        "account": account,
        "page": page,
        "proposals": [
            (proposal, twins[proposal.dev_component_id] > 1, _is_sure(proposal, twins))
            for proposal in page
        ],
        "adopted": len({p["dev_component_id"] for p in stored}) - len(twins),
    }
    template = "_setup_proposals.html" if request.htmx else "setup_proposals.html"
    return render(request, template, context)


@post_only
@role_required
def adopt_twins(request: UserRequest, pk: int) -> HttpResponse:
    """Map the ticked proposals, or the one whose button was pressed."""
    chosen = [one] if (one := request.POST.get("one")) else request.POST.getlist("proposal")
    try:
        done = setup_services.adopt_twins(request.user, _adoption(pk), chosen)
    except PromotionError as error:
        forbid(error)
    if done.mapped:
        count = len(done.mapped)
        messages.success(
            request,
            f"{count} component{'' if count == 1 else 's'} mapped: {', '.join(done.mapped)}.",
            extra_tags="adopted",
        )
    for sentence in done.skipped:
        messages.warning(request, sentence, extra_tags="adopted")
    if not chosen:
        messages.warning(
            request, "Nothing was ticked, so nothing was mapped.", extra_tags="adopted"
        )
    return back_to("adopted", "adoption_proposals", pk)


def _is_sure(proposal: adoption.Proposal, twins: dict[str, int]) -> bool:
    """Whether a proposal is ticked from the start."""
    is_only_one = twins[proposal.dev_component_id] == 1
    return is_only_one and not proposal.conflict and proposal.how != adoption.NAME_ONLY


def _admins_only(request: UserRequest, what: str) -> None:
    try:
        setup_services.check_admin(request.user, what)
    except PromotionError as error:
        forbid(error)


def _start(request: UserRequest, kind: str, page: str, *, at: str) -> HttpResponse:
    try:
        setup_services.start_job(request.user, kind)
    except PromotionError as error:
        forbid(error)
    return back_to(at, page)


def _adoption(pk: int) -> Job:
    return get_object_or_404(Job, pk=pk, kind=Job.Kind.ADOPTION)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _job_context(job: Job | None) -> dict[str, Any]:
    """A job as a page shows it: live, failed, or done."""
    is_live = job is not None and job.finished_at is None
    is_idle = is_live and job is not None and nobody_works(job.created_at)
    return {
        "job": job,
        "live": is_live,
        "nobody_works": is_idle,
        "problem": problem(job.error_code, job.error) if job and job.error_code else None,
        "poll_every": poll_every(),
        "seen": fingerprint(is_idle, job and (job.pk, job.progress, job.finished_at)),
    }
