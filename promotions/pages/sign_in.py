"""Signing in, and one's own password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.http import urlencode

from .common import uses_password


class SignIn(LoginView):
    """By the identity provider, with a password of this site, or both, as configured."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            "local_accounts": settings.LOCAL_ACCOUNTS,
        }

    def form_valid(self, form: Any) -> HttpResponse:
        if not settings.LOCAL_ACCOUNTS:
            raise PermissionDenied("Passwords of this site are switched off.")
        return super().form_valid(form)


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The admin pages' own sign-in page knows passwords only."""
    if settings.LOCAL_ACCOUNTS and not settings.OIDC_ISSUER:
        return admin.site.login(request)
    return redirect(f"{reverse_lazy('login')}?{urlencode({'next': request.GET.get('next', '')})}")


class ChangePassword(PasswordChangeView):
    """Lets people change their own password, if they have one."""

    success_url = reverse_lazy("home")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user: Any = request.user
        if user.is_authenticated and not uses_password(user):
            raise PermissionDenied("You sign in with your organisation's account.")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(
            self.request, "Your password has been changed. Your other sessions have been ended."
        )
        return super().form_valid(form)
