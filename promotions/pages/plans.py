"""Plans: made in the background, looked at, submitted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from .. import access, services
from ..messages import PromotionError, message, sentence
from ..models import Finding, Plan, PlannedComponent
from ..reading import from_json
from ..reading.three_ways import three_ways
from .common import (
    Problem,
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
    refusal,
    refuse_account,
    role_required,
)
from .differences import as_text, glance, part_of
from .forms import MakePlanForm, ReasonForm, SubmitForm, find_dev_account, focus_first_error
from .my_plans import overtaken, with_outlook
from .readings import reading_of, shown
from .shown import MADE_ANEW, plan_context
from .workbench import SMALL, difference_context, difference_of, talk_context, work_context


@post_only
@role_required
def make_plan(request: UserRequest) -> HttpResponse:
    form = MakePlanForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a dev account and a package first.")
        return redirect("new_promotion")
    account_id, package_ids = form.cleaned_data["dev_account"], form.cleaned_data["package_id"]
    account = find_dev_account(request.user, account_id)
    if account is None:
        refuse_account(request.user, account_id, f"plan package {', '.join(package_ids)}")
    try:
        plan = services.make_plan(request.user, account, *package_ids)
    except PromotionError as error:
        if error.code == "FORBIDDEN":
            forbid(error)
        messages.error(request, sentence(error.code, error.detail))
        return redirect("choose_package", account.pk)
    return redirect(plan)


@require_GET
@role_required
def plan_detail(request: UserRequest, pk: int) -> HttpResponse:
    plan = _plan(request, pk)
    if request.htmx and request.htmx.target == "work" and plan.is_readable:
        return render(request, "_workbench.html", _context(request, plan))
    return _page(request, plan)


@require_GET
@role_required
def plan_progress(request: UserRequest, pk: int) -> HttpResponse:
    plan = _plan(request, pk)
    context = _context(request, plan)
    if is_seen(request, context["seen"]):
        return not_changed()
    return render(request, "_plan_progress.html", context)


@post_only
@role_required
def cancel_plan(request: UserRequest, pk: int) -> HttpResponse:
    plan = _plan(request, pk)
    try:
        services.cancel_plan(request.user, plan)
    except PromotionError as error:
        if error.code == "FORBIDDEN":
            forbid(error)
        messages.error(request, sentence(error.code, error.detail))
    return redirect(plan)


@post_only
@role_required
def submit_promotion(request: UserRequest, pk: int) -> HttpResponse:
    plan = _plan(request, pk)
    form = SubmitForm(request.POST, plan=plan)
    if not form.is_valid():
        return _page(request, plan, form=form)
    try:
        promotion = services.submit(
            request.user,
            plan,
            package_version=form.cleaned_data["package_version"],
            further_versions=form.further_versions,
            notes=form.cleaned_data["notes"],
            environments=form.cleaned_data["environments"],
            pause_listeners=form.cleaned_data.get("pause_listeners", False),
        )
    except PromotionError as error:
        refused = refusal(error)
        # Read again: somebody else may have submitted it.
        return _page(request, _plan(request, pk), form=form, refused=refused)
    messages.success(request, "Your promotion has been requested.")
    return redirect(promotion)


@post_only
@role_required
def accept_finding(request: UserRequest, pk: int) -> HttpResponse:
    finding = get_object_or_404(
        Finding.objects.select_related("plan__promotion", "component"),
        pk=pk,
        plan__in=access.plans(request.user),
    )
    form = ReasonForm(request.POST)
    try:
        services.accept_finding(
            request.user, finding, reason=form.cleaned_data["reason"] if form.is_valid() else ""
        )
    except PromotionError as error:
        if error.code == "FORBIDDEN":
            forbid(error)
        messages.error(request, sentence(error.code, error.detail), extra_tags=finding.anchor)
    else:
        what = finding.subject_name or finding.subject_id
        told = f"Accepted, for “{what}”: {message(finding.code).happened}"
        messages.success(request, told, extra_tags=finding.anchor)
    plan = finding.plan
    if hasattr(plan, "promotion"):
        return back_to(finding.anchor, "review", plan.promotion.pk)
    return back_to(finding.anchor, plan)


@require_GET
@role_required
def component_difference(request: UserRequest, plan_pk: int, pk: int) -> HttpResponse:
    """What would change in one component; htmx asks for the table alone.

    At first glance, or one part of it with every line whole.
    """
    component = _component(request, plan_pk, pk)
    address = reverse("component_difference", args=[plan_pk, pk])
    context = difference_context(request, component, f"{address}?")
    promotion = getattr(component.plan, "promotion", None)
    talk = services.comments(request.user, promotion) if promotion else []
    context |= talk_context(request, promotion, talk, component, context["difference"])
    template = "_difference.html" if request.htmx else "component_difference.html"
    return render(request, template, context)


@require_GET
@role_required
def changed_in_production(request: UserRequest, plan_pk: int, pk: int) -> HttpResponse:
    """A change that a promotion would undo, three ways: as promoted last, production now, after this promotion."""
    finding = get_object_or_404(
        Finding.objects.select_related(
            "difference", "reading", "outcome", "component__plan__dev_account"
        ),
        pk=pk,
        plan=plan_pk,
        plan__in=access.plans(request.user),
        difference__isnull=False,
        component__isnull=False,
    )
    component = finding.component
    if component is None or finding.difference is None:
        raise Http404
    content, is_staged = difference_of(component)
    part = request.GET.get("part", "1")
    number = int(part[:9]) if part.isascii() and part.isdigit() else 1
    by_hand = from_json(finding.reading.content) if finding.reading else None
    outcome = from_json(finding.outcome.content) if finding.outcome else None
    context = {
        "plan": component.plan,
        "promotion": getattr(component.plan, "promotion", None),
        "component": component,
        "finding": finding,
        "by_hand": part_of(finding.difference, number, unfolded=False),
        "by_hand_shown": by_hand and shown(by_hand, f"by-hand-{finding.pk}"),
        "three_ways": three_ways(by_hand, outcome) if by_hand and outcome else [],
        "shown": reading_of(component),
        "difference": glance(content) if content is not None else None,
        "difference_address": f"{reverse('component_difference', args=[plan_pk, component.pk])}?",
        "is_staged": is_staged,
    }
    return render(request, "changed_in_production.html", context)


@require_GET
@role_required
def download_difference(request: UserRequest, plan_pk: int, pk: int) -> HttpResponse:
    """The whole difference as a text file: who has it has been given every part."""
    component = _component(request, plan_pk, pk)
    content, _ = difference_of(component)
    if content is None:
        raise Http404
    everything = as_text(content)
    services.open_parts(request.user, content, range(1, glance(content).parts + 1))
    response = HttpResponse(everything, content_type="text/plain; charset=utf-8")
    name = f"plan-{plan_pk}-component-{component.position + 1}.txt"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _component(request: UserRequest, plan_pk: int, pk: int) -> PlannedComponent:
    return get_object_or_404(
        PlannedComponent.objects.select_related("plan__dev_account", "difference", "reading"),
        pk=pk,
        plan=plan_pk,
        plan__in=access.plans(request.user),
    )


def _plan(request: UserRequest, pk: int) -> Plan:
    plans = access.plans(request.user).select_related("dev_account", "requested_by")
    return get_object_or_404(plans, pk=pk)


def _seen(plan: Plan, *more: object) -> str:
    return fingerprint(
        plan.state,
        plan.submits_itself,
        plan.hold,
        # The progress of its proof does not disturb whoever reads it.
        plan.is_being_proved or (plan.progress, plan.progress_done, plan.progress_total),
        plan.root_name,
        *more,
    )


def _context(request: UserRequest, plan: Plan) -> dict[str, Any]:
    promotion = getattr(plan, "promotion", None)
    is_live = plan.state == Plan.State.BUILDING or (plan.is_ready and plan.submits_itself)
    is_idle = is_live and nobody_works(plan.created_at)
    context: dict[str, Any] = {
        "plan": plan,
        "promotion": promotion,
        # What is closed may be planned again, from the same package.
        "is_under_way": promotion is not None and promotion.status not in MADE_ANEW,
        "is_admin": access.is_admin(request.user),
        "nobody_works": is_idle,
        "seen": _seen(plan, is_idle),
        "poll_every": poll_every(),
        "live": is_live,
        "may_cancel": plan.state == Plan.State.BUILDING
        and access.same_person(request.user, plan.requested_by),
        "problem": problem(plan.error_code, plan.error) if plan.error_code else None,
        "may_promote": access.dev_accounts(request.user).filter(pk=plan.dev_account_id).exists(),
    }
    if plan.is_readable:
        context |= plan_context(plan, request.user)
        if len(context["components"]) > SMALL:
            page = plan.get_absolute_url()
            context |= work_context(request, plan, context["components"], page, promotion)
        context["form"] = SubmitForm(plan=plan)
    if plan.is_ready and promotion is None:
        context["overtaken"] = overtaken(with_outlook(Plan.objects.filter(pk=plan.pk))).get(plan.pk)
    return context


def _page(
    request: UserRequest,
    plan: Plan,
    *,
    form: SubmitForm | None = None,
    refused: Problem | None = None,
) -> HttpResponse:
    context = _context(request, plan)
    if form is not None:
        context["form"] = focus_first_error(form)
    return render(request, "plan_detail.html", context | {"refused": refused})
