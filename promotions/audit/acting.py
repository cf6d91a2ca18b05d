"""Who is acting: for events written where no HTTP request is at hand."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def acting_person() -> User | None:
    """Whoever is signed in where this is called; None in workers, in commands and before a sign-in."""
    request = _request.get()
    user = getattr(request, "user", None)
    return user if isinstance(user, User) and user.pk else None


class ActingMiddleware:
    """Keeps the HTTP request at hand while it is answered; placed after the middleware that knows its user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)
