"""Signing in at the organisation's OpenID provider: authorization code with PKCE, state and nonce.

The library makes and checks those, as well as the token's signature, issuer, audience and times. Beyond that, the time
of the sign-in at the provider is checked: ``max_age`` is sent, and the returned ``auth_time`` must comply.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Any

from authlib.integrations.base_client import MismatchingStateError, OAuthError
from authlib.integrations.django_client import DjangoOAuth2App, OAuth
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.backends import ModelBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from joserfc.errors import JoseError
from requests import RequestException

from ..messages import PromotionError
from ..services.identities import account_of, groups_claim
from .common import problem
from .sessions import PROVED

logger = logging.getLogger(__name__)

BACKEND = "promotions.pages.provider.ProviderBackend"
# Keys of the session: where to go on, and how old the sign-in at the provider may be, in seconds.
NEXT, MAX_AGE = "provider_next", "provider_max_age"
# Clocks differ.
LEEWAY_SECONDS = 60
# Never a shared secret, never "none".
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}  # fmt: skip


class ProviderBackend(ModelBackend):
    """For people who come from the provider; it knows no passwords."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:  # type: ignore[override]
        return None


@cache
def _registered(issuer: str, client_id: str, secret: str) -> DjangoOAuth2App:
    app = OAuth().register(
        "provider",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": settings.OIDC_SCOPES,
            "code_challenge_method": "S256",
            "default_timeout": 10,
        },
    )
    assert isinstance(app, DjangoOAuth2App)  # noqa: S101 (for the types)
    return app


def client() -> DjangoOAuth2App:
    """The provider as it describes itself.

    :raises Http404: when none is configured.
    :raises RequestException: when it does not answer.
    :raises PromotionError: SIGN_IN_INVALID when its issuer differs from the configured one.
    """
    if not settings.OIDC_ISSUER:
        raise Http404
    app = _registered(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)
    metadata = app.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise PromotionError(
            "SIGN_IN_INVALID", "The provider names a different issuer from the one configured."
        )
    supported = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = sorted(ALGORITHMS.intersection(supported))
    return app


@require_GET
@never_cache
def begin(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the provider; ``confirm`` asks for a sign-in there that is recent enough for an approval."""
    page = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    recent = settings.RECENT_SIGN_IN_SECONDS // 2
    max_age = recent if "confirm" in request.GET else settings.SESSION_COOKIE_AGE
    try:
        app = client()
        request.session[NEXT] = page if is_ours else resolve_url("home")
        request.session[MAX_AGE] = max_age
        return app.authorize_redirect(
            request, request.build_absolute_uri(reverse("provider_callback")), max_age=max_age
        )
    except RequestException as error:
        return _away(request, error)
    except PromotionError as error:
        return _refused(request, error)


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Return from the provider: signed in, or told why not."""
    try:
        claims = _claims(request)
        _check_sign_in_time(claims, request.session.get(MAX_AGE, 0))
        if request.user.is_authenticated:
            _check_same_account(request.user, claims)
        user = account_of(claims)
    except (MismatchingStateError, OAuthError, JoseError) as error:
        return _not_accepted(request, error)
    except RequestException as error:
        return _away(request, error)
    except PromotionError as error:
        return _refused(request, error)
    page = request.session.pop(NEXT, "") or resolve_url("home")
    login(request, user, backend=BACKEND)
    request.session[PROVED] = float(claims["auth_time"])
    return redirect(page)


def _claims(request: HttpRequest) -> dict[str, Any]:
    """What the provider says about the person, verified."""
    app = client()
    token = app.authorize_access_token(
        request,
        leeway=LEEWAY_SECONDS,
        claims_options={
            "iss": {"essential": True, "value": app.server_metadata["issuer"]},
            "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
        },
    )
    claims = token.get("userinfo")
    if not claims:
        raise PromotionError("SIGN_IN_INVALID", "The provider has sent no ID token.")
    if groups_claim(claims) is None and "userinfo_endpoint" in app.server_metadata:
        # Some providers send groups only there.
        more = app.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise PromotionError("SIGN_IN_INVALID", "The provider answered about somebody else.")
        outermost = settings.OIDC_GROUPS_CLAIM.partition(".")[0]
        told = {outermost: more[outermost]} if groups_claim(more) and outermost in more else {}
        claims = {**more, **claims, **told}
    return dict(claims)


def _check_sign_in_time(claims: dict[str, Any], max_age: int) -> None:
    """Refuse a sign-in at the provider that is older than was asked for.

    :raises PromotionError: SIGN_IN_STALE.
    """
    told = claims.get("auth_time")
    if not isinstance(told, int | float) or isinstance(told, bool):
        raise PromotionError("SIGN_IN_INVALID", "It does not say when you signed in there.")
    if not -LEEWAY_SECONDS <= time.time() - told <= max_age + LEEWAY_SECONDS:
        raise PromotionError("SIGN_IN_STALE")


def _check_same_account(user: Any, claims: dict[str, Any]) -> None:
    """People can only confirm their own sign-in."""
    known = user.identities.filter(issuer=claims["iss"], subject=claims["sub"]).exists()
    if not known:
        raise PromotionError("SIGN_IN_OTHER", f"You are signed in here as {user.get_username()}.")


@require_GET
@never_cache
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the provider's own sign-out, if it has one."""
    try:
        app = client()
    except (RequestException, PromotionError):
        return redirect("login")
    if "end_session_endpoint" not in app.server_metadata:
        return redirect("login")
    return app.logout_redirect(
        request,
        post_logout_redirect_uri=request.build_absolute_uri(reverse("login")),
        client_id=settings.OIDC_CLIENT_ID,
    )


def _not_accepted(request: HttpRequest, error: Exception) -> HttpResponse:
    code = "SIGN_IN_INVALID"
    if isinstance(error, MismatchingStateError):
        code = "SIGN_IN_EXPIRED"
    elif isinstance(error, OAuthError) and "error" in request.GET:
        code = "SIGN_IN_DENIED"
    # What came is not logged: tokens are secrets, and anybody can send words to this address.
    logger.warning(
        "A sign-in from the provider was not accepted: %s %s", code, type(error).__name__
    )
    return _refused(request, PromotionError(code))


def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("The identity provider is not answering: %s", type(error).__name__)
    return _refused(request, PromotionError("PROVIDER_AWAY"), status=503)


def _refused(request: HttpRequest, error: PromotionError, status: int = 403) -> HttpResponse:
    context = {"problem": problem(error.code, error.detail)}
    return render(request, "registration/refused.html", context, status=status)
