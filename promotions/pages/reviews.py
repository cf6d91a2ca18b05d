"""The review of one promotion, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from .. import access, services, votes
from ..messages import PromotionError
from ..models import (
    Approved,
    ApprovedPackage,
    IntegrationPack,
    PackRelease,
    PromotionRequest,
    SourcePackage,
)
from ..plan.packs import homes, leaves_home, reach_in_words
from ..services.approvals import PackChoice
from ..states import Status
from .common import Problem, UserRequest, back_to, post_only, refusal, role_required
from .forms import ApproveForm, PeerForm, ReasonForm, focus_first_error
from .places import places_of
from .sessions import recent_sign_in_required
from .shown import figures, plan_components, plan_context
from .status import explain
from .workbench import whole_talk, work_context


@require_GET
@role_required
def review(request: UserRequest, pk: int) -> HttpResponse:
    """What reviewers look at before the decision; others are told why they cannot decide."""
    promotion = _promotion(request, pk)
    if not (access.decides(request.user) or votes.may_be_peer(request.user, promotion)):
        raise PermissionDenied("Only admins decide on promotions, and peers whom a policy asks.")
    return _page(request, promotion)


@post_only
@role_required
@recent_sign_in_required(back="review")
def approve(request: UserRequest, pk: int) -> HttpResponse:
    """First a page that names what would be done; what is confirmed there is done."""
    promotion = _promotion(request, pk)
    represented = services.votes_so_far(promotion).represented(request.user)
    form = ApproveForm(request.POST, promotion=promotion, represented=represented)
    if access.may_decide(request.user, promotion) and not form.is_valid():
        return _page(request, promotion, approve_form=form)
    cleaned: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    choice = {
        "plan_hash": cleaned.get("plan_hash", ""),
        "pack": cleaned.get("pack"),
        "new_pack_name": cleaned.get("new_pack_name", ""),
        "further_packs": form.further_packs if cleaned else {},
    }
    confirmed = cleaned.get("confirmed_hash", "")
    try:
        if not confirmed:
            approved = services.preview_approval(request.user, promotion, **choice)
            return _confirmation(request, promotion, approved, form)
        services.approve(
            request.user,
            promotion,
            **choice,
            comment=cleaned["comment"],
            confirmed_hash=confirmed,
            close_older=cleaned["close_older"],
            other_pack_accepted=cleaned["other_pack"],
            in_place_of=cleaned["in_place_of"],
        )
    except PromotionError as error:
        return _refused(request, promotion, error, approve_form=form)
    promotion.refresh_from_db()
    if promotion.status == Status.ADMIN_REVIEW:
        messages.success(
            request, "Approved. Another admin has to approve it too.", extra_tags="decision"
        )
        return back_to("decision", "review", promotion.pk)
    messages.success(request, "Approved. A worker now brings it to production.")
    return redirect(promotion)


@post_only
@role_required
@recent_sign_in_required(back="review")
def approve_as_peer(request: UserRequest, pk: int) -> HttpResponse:
    promotion = _promotion(request, pk)
    form = PeerForm(request.POST)
    cleaned: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    try:
        services.approve_as_peer(
            request.user,
            promotion,
            plan_hash=cleaned.get("plan_hash", ""),
            comment=cleaned.get("comment", ""),
        )
    except PromotionError as error:
        return _refused(request, promotion, error)
    messages.success(request, "Approved, as a peer.", extra_tags="decision")
    return back_to("decision", "review", promotion.pk)


def _confirmation(
    request: UserRequest, promotion: PromotionRequest, approved: Approved, form: ApproveForm
) -> HttpResponse:
    found = votes.count(promotion, approved)
    # This approval is one of those that are missing.
    admins_after = max(0, found.admins_missing - 1)
    packages = _approved_packages(promotion, approved, form)
    closes = not admins_after and access.may_cancel(request.user)
    context = {
        "promotion": promotion,
        "plan": promotion.about,
        "approved": approved,
        "figures": figures(plan_components(promotion.about)),
        "pack": form.cleaned_data["pack"],
        "reach": reach_in_words(form.cleaned_data["pack"].reaches)
        if form.cleaned_data["pack"]
        else "",
        "packages": packages,
        "releases_once": _releases(packages),
        "form": form,
        "admins_after": admins_after,
        "represented": len(found.represented(request.user)),
        "older": list(services.older_open(promotion)) if closes else [],
    }
    return render(request, "approve.html", context)


@dataclass(frozen=True)
class PackageToApprove:
    """One package as the page that asks before an approval names it.

    :ivar reach: whom a release of its pack reaches; empty for a new one.
    :ivar homes: other packs that hold its process already.
    :ivar leaves_home: whether the chosen one does not hold it, and others do.
    """

    source: SourcePackage
    approved: ApprovedPackage
    pack: IntegrationPack | None
    reach: str
    homes: list[PackRelease]
    leaves_home: bool


def _approved_packages(
    promotion: PromotionRequest, approved: Approved, form: ApproveForm
) -> list[PackageToApprove]:
    if promotion.is_deployment:
        return []
    first = PackChoice(form.cleaned_data["pack"], form.cleaned_data["new_pack_name"])
    choices = [first, *(form.further_packs.get(row.pk, first) for row in form.further)]
    found = []
    for row, one, choice in zip(promotion.packages, approved.packages, choices, strict=True):
        held_by = homes(promotion.about, row.planned)
        found.append(
            PackageToApprove(
                row.planned,
                one,
                choice.pack,
                reach_in_words(choice.pack.reaches) if choice.pack else "",
                [home for home in held_by if home.pack != choice.pack],
                leaves_home(held_by, one.pack_id),
            )
        )
    return found


@dataclass(frozen=True)
class Release:
    """What goes into one pack, which is released once."""

    all: list[PackageToApprove]

    @property
    def first(self) -> PackageToApprove:
        return self.all[0]


def _releases(packages: list[PackageToApprove]) -> list[Release]:
    found: dict[str, list[PackageToApprove]] = {}
    for one in packages:
        found.setdefault(one.approved.pack_key, []).append(one)
    return [Release(together) for together in found.values()]


@post_only
@role_required
def reject(request: UserRequest, pk: int) -> HttpResponse:
    promotion = _promotion(request, pk)
    form = ReasonForm(request.POST)
    if votes.reviews(request.user, promotion) and not form.is_valid():
        return _page(request, promotion, reject_form=form)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        services.reject(request.user, promotion, reason=reason)
    except PromotionError as error:
        return _refused(request, promotion, error, reject_form=form)
    messages.success(request, "Rejected. The requester sees your reason.")
    return redirect(promotion)


def _promotion(request: UserRequest, pk: int) -> PromotionRequest:
    visible = access.promotions(request.user).select_related(
        "plan", "source__plan", "dev_account", "requester", "approved_by"
    )
    return get_object_or_404(visible, pk=pk)


def _refused(
    request: UserRequest, promotion: PromotionRequest, error: PromotionError, **forms: Any
) -> HttpResponse:
    """The page as it is now: somebody may have been quicker."""
    shown = refusal(error)
    promotion.refresh_from_db()
    return _page(request, promotion, refused=shown, **forms)


def _page(
    request: UserRequest,
    promotion: PromotionRequest,
    *,
    approve_form: ApproveForm | None = None,
    reject_form: ReasonForm | None = None,
    refused: Problem | None = None,
) -> HttpResponse:
    plan = promotion.about
    found = services.votes_so_far(promotion)
    page = reverse("review", args=[promotion.pk])
    context = plan_context(plan, request.user, page)
    context |= work_context(request, plan, context["components"], page, promotion)
    context |= whole_talk(request.user, promotion, page)
    context |= {
        "promotion": promotion,
        "explanation": explain(promotion),
        "refused": refused,
        "is_waiting": promotion.status == Status.ADMIN_REVIEW,
        "votes": found,
        "reviews": votes.reviews(request.user, promotion),
        "is_excluded": access.is_excluded(request.user, found.demand),
        "has_voted": found.has_voted(request.user),
        "may_approve": found.may_approve_as_admin(request.user),
        "may_approve_as_peer": found.may_approve_as_peer(request.user),
        "still_needed": votes.in_words(found),
        "peer_form": PeerForm(initial={"plan_hash": promotion.content_hash}),
        "is_own": access.same_person(request.user, promotion.requester),
        "packages": [
            (source, promotion.dev_account.packages.filter(package_id=source.package_id).first())
            for source in plan.packages
        ],
        "environments": [
            deployment.environment
            for deployment in promotion.deployments.filter(package=None).select_related(
                "environment"
            )
        ],
        "unread": services.unread(request.user, promotion),
        "decision": promotion.events.filter(to_status__in=(Status.APPROVED, Status.REJECTED))
        .select_related("actor")
        .last(),
        "approve_form": focus_first_error(approve_form)
        if approve_form
        else ApproveForm(promotion=promotion, choice=request.GET.dict()),
        "reject_form": reject_form or ReasonForm(),
    }
    if promotion.is_deployment:
        places = places_of([promotion.process_id]).get(promotion.process_id, [])
        return render(request, "review_deployment.html", context | {"places": places})
    is_part = request.htmx and request.htmx.target == "work"
    return render(request, "_workbench.html" if is_part else "review.html", context)
