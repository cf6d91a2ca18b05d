"""A new promotion: choose the dev account, then the package."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from .. import access, services
from ..messages import PromotionError
from ..models import DevAccount, PackageListing
from .common import (
    UserRequest,
    fingerprint,
    forbid,
    is_seen,
    nobody_works,
    not_changed,
    page_of,
    poll_every,
    post_only,
    problem,
    refuse_account,
    role_required,
)

# An older list is read again as soon as somebody looks at it.
STALE = timedelta(minutes=15)


@require_GET
@role_required
def new_promotion(request: UserRequest) -> HttpResponse:
    accounts = access.dev_accounts(request.user).select_related("package_listing")
    return render(request, "new_promotion.html", {"accounts": accounts})


@require_GET
@role_required
def choose_package(request: UserRequest, account_pk: int) -> HttpResponse:
    """The packages of an account; htmx requests only the list."""
    account = _own_account(request, account_pk, "choose a package")
    if not request.htmx:
        return render(request, "choose_package.html", _packages(request, account))
    context = _packages(request, account)
    if is_seen(request, context["seen"]):
        return not_changed()
    return render(request, "_packages.html", context)


@post_only
@role_required
def refresh_packages(request: UserRequest, account_pk: int) -> HttpResponse:
    account = _own_account(request, account_pk, "refresh packages")
    try:
        services.refresh_packages(request.user, account)
    except PromotionError as error:
        forbid(error)
    if not request.htmx:
        return redirect("choose_package", account.pk)
    return render(request, "_packages.html", _packages(request, account))


def _own_account(request: UserRequest, pk: int, what: str) -> DevAccount:
    """One of the user's accounts; anything else is refused and recorded as an event."""
    account = access.dev_accounts(request.user).filter(pk=pk).first()
    if account is not None:
        return account
    other = DevAccount.objects.filter(pk=pk).first()
    refuse_account(request.user, other.account_id if other else str(pk), what)


def _packages(request: UserRequest, account: DevAccount) -> dict[str, Any]:
    query = request.GET.get("q", "").strip()
    packages = account.packages.all()
    if query:
        packages = packages.filter(
            Q(component_name__icontains=query)
            | Q(package_version__icontains=query)
            | Q(component_id__iexact=query)
            | Q(package_id__iexact=query)
        )
    listing = PackageListing.objects.filter(dev_account=account).first()
    is_stale = listing is None or (
        not listing.is_refreshing
        and not listing.error_code
        and (listing.refreshed_at is None or listing.refreshed_at < timezone.now() - STALE)
    )
    page = page_of(request, packages)
    is_idle = listing is not None and nobody_works(listing.next_attempt_at)
    return {
        "account": account,
        "query": query,
        "page": page,
        "known": account.packages.count(),
        "listing": listing,
        "is_stale": is_stale,
        "problem": problem(listing.error_code, listing.error)
        if listing and listing.error_code
        else None,
        "is_admin": access.is_admin(request.user),
        "nobody_works": is_idle,
        "poll_every": poll_every(),
        "seen": fingerprint(
            query,
            page.number,
            list(packages.values_list("pk", flat=True)[:1]),
            page.paginator.count,
            is_idle,
            listing and (listing.is_refreshing, listing.refreshed_at, listing.error_code),
        ),
    }
