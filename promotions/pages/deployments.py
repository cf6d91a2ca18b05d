"""What comes after a promotion: deploying it to further environments, going back to it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from .. import access, services
from ..messages import PromotionError, sentence
from ..models import PromotedPackage, PromotionRequest
from ..states import Status
from .common import Problem, UserRequest, back_to, forbid, post_only, refusal, role_required
from .forms import DeployForm
from .places import places_of


@require_http_methods(["GET", "HEAD", "POST"])
@role_required
def deploy_further(request: UserRequest, pk: int) -> HttpResponse:
    """The form, with what is deployed where; it creates a request that an admin decides on."""
    visible = access.promotions(request.user).select_related(
        "plan", "source__plan", "dev_account", "pack"
    )
    asked = get_object_or_404(visible, pk=pk)
    source = asked.origin
    made = _package(asked, request)
    refused: Problem | None = None
    form = DeployForm(request.POST or None, source=made)
    if request.method == "POST" and form.is_valid():
        try:
            promotion = services.request_deployment(
                request.user,
                made,
                environments=form.cleaned_data["environments"],
                notes=form.cleaned_data["notes"],
            )
        except PromotionError as error:
            refused = refusal(error)
        else:
            messages.success(request, "The deployment has been requested.")
            return redirect(promotion)
    context = {
        "source": source,
        "made": made,
        "form": form,
        "refused": refused,
        "places": places_of([made.process_id]).get(made.process_id, []),
        "may_request": may_deploy_further(request, source),
    }
    return render(request, "deploy_further.html", context)


@post_only
@role_required
def plan_rollback(request: UserRequest, pk: int) -> HttpResponse:
    """Go back to what an earlier promotion brought; its plan shows the reverse difference first."""
    source = get_object_or_404(access.promotions(request.user).select_related("plan"), pk=pk)
    try:
        plan = services.plan_rollback(request.user, _package(source, request))
    except PromotionError as error:
        if error.code == "FORBIDDEN":
            forbid(error)
        messages.error(request, sentence(error.code, error.detail), extra_tags="actions")
        return back_to("actions", source)
    return redirect(plan)


def _package(promotion: PromotionRequest, request: UserRequest) -> PromotedPackage:
    """Which package of a promotion is meant: the first one unless a further one is named."""
    named = request.POST.get("package") or request.GET.get("package") or "0"
    if named == "0" or not (named.isascii() and named.isdigit()):
        return promotion.made if promotion.is_deployment else promotion
    return get_object_or_404(promotion.origin.further.all(), pk=named)


def may_deploy_further(request: UserRequest, promotion: PromotionRequest) -> bool:
    """Whether the user may request it: the package is deployed, and the account is one of the user's."""
    source = promotion.origin
    accounts = access.dev_accounts(request.user)
    return (
        source.status == Status.DEPLOYED
        and bool(source.prod_package_id)
        and accounts.filter(pk=source.dev_account_id).exists()
    )
