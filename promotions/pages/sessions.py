"""How long a sign-in lasts: idle time, total time, and how recent it must be for an approval."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from .common import UserRequest, uses_password

P = ParamSpec("P")
V = TypeVar("V", bound=Callable[..., HttpResponse])
View: TypeAlias = Callable[Concatenate[UserRequest, P], HttpResponse]

# Keys of the session; seconds since 1970.
BEGAN = "session_began"
SEEN = "session_seen"
PROVED = "identity_proved"

# Activity is recorded no more often than this: not every page view should write to the database.
SEEN_EVERY_SECONDS = 30


@receiver(user_logged_in)
def begin(request: HttpRequest, **kwargs: Any) -> None:
    """Note the time of a sign-in by password; with a provider, the time is the provider's."""
    now = time.time()
    for key in (BEGAN, SEEN, PROVED):
        request.session[key] = now


class SessionLimits:
    """Signs people out after the idle time without activity, or after the total time.

    Requests that an open page sends without a click do not count as activity.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *arguments: Any) -> None:
        if not getattr(view, "limits_the_session_itself", False):
            limit(request)


def limit(request: HttpRequest) -> None:
    """End a session that has lasted too long; otherwise record the activity."""
    if not request.user.is_authenticated:
        return
    now = time.time()
    session = request.session
    if now - session.get(BEGAN, 0) > settings.SESSION_COOKIE_AGE:
        _end(request, "You were signed out: your sign-in has reached its longest duration.")
    elif now - session.get(SEEN, 0) > settings.SESSION_IDLE_SECONDS:
        _end(request, "You were signed out because you were inactive for a while.")
    elif now - session[SEEN] > SEEN_EVERY_SECONDS and not _asks_by_itself(request):
        session[SEEN] = now


def limits_the_session_itself(view: V) -> V:
    """Marks a view that often answers without loading the session, and calls ``limit`` before it does load it."""
    vars(view)["limits_the_session_itself"] = True
    return view


def _end(request: HttpRequest, why: str) -> None:
    logout(request)
    messages.info(request, why)


def _asks_by_itself(request: HttpRequest) -> bool:
    """Whether it is a live fragment, which the browser requests again and again."""
    return "HX-Request" in request.headers and "seen" in request.GET


def is_recent(request: HttpRequest) -> bool:
    """Whether the user has signed in recently enough to approve something."""
    age = time.time() - float(request.session.get(PROVED, 0))
    return age <= settings.RECENT_SIGN_IN_SECONDS


def recent_sign_in_required(back: str) -> Callable[[View[P]], View[P]]:
    """Ask for a fresh sign-in before the view acts; the page that asks keeps what was sent.

    :param back: the name of the page to return to from the identity provider; it takes the view's own arguments.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def inner(request: UserRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if is_recent(request):
                return view(request, *args, **kwargs)
            password = request.POST.get("confirm_password", "")
            if password and _is_own(request, password):
                request.session[PROVED] = time.time()
                return view(request, *args, **kwargs)
            return _ask(request, reverse(back, args=args, kwargs=kwargs), refused=bool(password))

        return inner

    return decorate


def _is_own(request: UserRequest, password: str) -> bool:
    user = authenticate(request, username=request.user.get_username(), password=password)
    return isinstance(user, User) and user.pk == request.user.pk


def _ask(request: UserRequest, back: str, *, refused: bool) -> HttpResponse:
    """The page that asks for the password, or leads to the identity provider."""
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in ("csrfmiddlewaretoken", "confirm_password")
    ]
    # The choice has to survive the way to the provider and back.
    choice = [(name, value) for name, value in sent if name.startswith(("pack", "new_pack_name"))]
    context = {
        "sent": sent,
        "refused": refused,
        "has_password": uses_password(request.user),
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "back": f"{back}?{urlencode(choice)}",
        "minutes": settings.RECENT_SIGN_IN_SECONDS // 60,
    }
    return render(request, "registration/confirm.html", context)
