"""What every view needs: who may enter, who sees what, and how refusals are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from hashlib import sha256
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar, cast

from django.conf import settings
from django.contrib import messages as notices
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from .. import access, heartbeat, messages, services
from ..messages import PromotionError
from .paging import ShortPaginator

PAGE_SIZE = 25
# A shorter wait needs no notice about the workers.
PATIENCE = timedelta(seconds=30)

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


class UserRequest(HttpRequest):
    """An HTTP request from somebody who is signed in and has a role."""

    user: User
    htmx: HtmxDetails


def role_required(
    view: Callable[Concatenate[UserRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let people with a role in; others sign in first, or read whom to ask.

    Nothing that they see is cached: a page and its fragment share one address.
    """

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _sign_in(cast(UserRequest, request))
        access.remember(request.user)
        if not access.may_enter(request.user):
            return render(request, "no_access.html", status=403)
        return view(cast(UserRequest, request), *args, **kwargs)

    return never_cache(inner)


def post_only(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Accept what forms send; anybody who opens the address gets a page that says so."""

    @wraps(view)
    def inner(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(HttpRequest, args[0])
        if request.method == "POST":
            return view(*args, **kwargs)
        return _with_allow(render(request, "405.html", status=405))

    return inner


def _with_allow(response: HttpResponse) -> HttpResponse:
    response["Allow"] = "POST"
    return response


def _sign_in(request: UserRequest) -> HttpResponse:
    if request.method == "POST":
        notices.warning(
            request, "You were signed out, so nothing was done. Sign in, then send it again."
        )
    if not request.htmx:
        return redirect_to_login(_page_before(request))
    # A fragment must not be replaced by the sign-in page: the whole page goes there.
    page = request.htmx.current_url_abs_path or resolve_url("home")
    return HttpResponseClientRedirect(redirect_to_login(page).url)


def _page_before(request: HttpRequest) -> str:
    """Where to continue after signing in: the page itself, or the one with the form."""
    if request.method != "POST":
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if is_ours else resolve_url("home")


def uses_password(user: User) -> bool:
    """Whether the user signs in with a password of this site."""
    return bool(settings.LOCAL_ACCOUNTS) and user.has_usable_password()


@dataclass(frozen=True)
class Problem:
    """A refusal as a page shows it."""

    code: str
    happened: str
    detail: str
    to_do: str


def problem(code: str, detail: str = "") -> Problem:
    sentences = messages.message(code)
    return Problem(code, sentences.happened, detail, sentences.to_do)


def refusal(error: PromotionError) -> Problem:
    """The problem to show beside what was tried; a matter of access ends the HTTP request instead.

    :raises PermissionDenied: for FORBIDDEN.
    """
    if error.code == "FORBIDDEN":
        forbid(error)
    return problem(error.code, error.detail)


def refuse_account(user: User, account_id: str, what: str) -> NoReturn:
    """Refuse a dev account that is not the user's or does not exist, and record the attempt as an event.

    :raises PermissionDenied: always.
    """
    try:
        services.refuse_account(user, account_id, what)
    except PromotionError as error:
        forbid(error)


def forbid(error: PromotionError) -> NoReturn:
    raise PermissionDenied(messages.sentence(error.code, error.detail)) from error


def back_to(place: str, page: str | Model, *args: object) -> HttpResponse:
    """Redirect to where the click was, with the anchor of the part that shows the outcome.

    :param place: an id on the page; a message with this as its ``extra_tags`` is shown there.
    :param page: as for Django's ``redirect``.
    """
    return redirect(f"{resolve_url(page, *args)}#{place}")


def page_of(request: HttpRequest, rows: QuerySet[M], size: int = PAGE_SIZE) -> Page[M]:
    """The page of results that the address asks for, or the nearest one if that does not exist.

    Its keys are found first, so that only the rows of one page are joined with what they show.
    """
    asked = request.GET.get("page")
    page: Any = ShortPaginator(rows.values_list("pk", flat=True), size).get_page(asked)
    page.object_list = rows.filter(pk__in=list(page.object_list))
    return cast("Page[M]", page)


def fingerprint(*parts: object) -> str:
    """A short name for what a live fragment shows: the fragment is sent again only when this changes."""
    return sha256(repr(parts).encode()).hexdigest()[:16]


def is_seen(request: HttpRequest, seen: str) -> bool:
    """Whether the browser, asking for a live fragment, already shows this one."""
    return request.GET.get("seen") == seen


def not_changed() -> HttpResponse:
    """The response that leaves a live fragment as it is: focus, selection and open details stay."""
    return HttpResponse(status=204)


def nobody_works(since: datetime | None) -> bool:
    """Whether something waiting since then waits in vain, because no worker has been alive lately."""
    if since is None or timezone.now() - since < PATIENCE:
        return False
    pulse = heartbeat.pulse()
    return pulse is None or not pulse.is_alive


def poll_every() -> str:
    """How often a live fragment asks while a worker is busy, such as "2000ms"; scaled like every wait."""
    return f"{max(500, round(2000 * settings.PROMOTION_TIME_SCALE))}ms"
