"""What people send from a review: marks and comments. Each leads back to the page that it came from."""

from __future__ import annotations

from typing import TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme

from .. import access, services
from ..messages import PromotionError, sentence
from ..models import PlannedComponent
from .common import UserRequest, forbid, post_only, role_required
from .forms import CommentForm

M = TypeVar("M", bound=Model)

# The parts of a page that tell what became of what was sent from them.
AT = {"work", "talk"}


@post_only
@role_required
def mark_viewed(request: UserRequest, pk: int) -> HttpResponse:
    """Mark a component's change as viewed, or remove the mark."""
    component = get_object_or_404(
        PlannedComponent.objects.select_related("plan"), pk=pk, plan__in=access.plans(request.user)
    )
    try:
        services.mark_viewed(
            request.user,
            component,
            request.POST.get("digest", ""),
            viewed=request.POST.get("viewed") == "yes",
        )
    except PromotionError as error:
        _tell(request, error)
    return _back(request, f"{component.plan.get_absolute_url()}#work")


@post_only
@role_required
def comment(request: UserRequest, pk: int) -> HttpResponse:
    """Comment on a promotion, on a component or a place in it, or answer a comment."""
    promotion = get_object_or_404(access.promotions(request.user), pk=pk)
    form = CommentForm(request.POST)
    try:
        if not form.is_valid():
            is_long = "text" in form.errors
            raise PromotionError("COMMENT_TOO_LONG" if is_long else "COMMENT_MISPLACED")
        asked = form.cleaned_data
        comments = promotion.comments.select_related("parent", "component")
        services.comment(
            request.user,
            promotion,
            text=asked["text"],
            component=_one(promotion.about.components.all(), asked["component"]),
            place=asked["place"],
            line=asked["line"] if asked["place"] else None,
            parent=_one(comments, asked["parent"]),
            is_private=asked["is_private"],
        )
    except PromotionError as error:
        _tell(request, error)
    else:
        messages.success(request, "Your comment has been added.", extra_tags=_at(request))
    return _back(request, promotion.get_absolute_url())


def _one(rows: QuerySet[M], pk: int | None) -> M | None:
    """The row with this key among these.

    :raises PromotionError: COMMENT_MISPLACED when there is none.
    """
    if pk is None:
        return None
    found = rows.filter(pk=pk).first()
    if found is None:
        raise PromotionError("COMMENT_MISPLACED")
    return found


def _tell(request: UserRequest, error: PromotionError) -> None:
    if error.code == "FORBIDDEN":
        forbid(error)
    messages.error(request, sentence(error.code, error.detail), extra_tags=_at(request))


def _at(request: UserRequest) -> str:
    at = request.POST.get("at", "")
    return at if at in AT else ""


def _back(request: UserRequest, otherwise: str) -> HttpResponse:
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return redirect(page if is_ours else otherwise)
