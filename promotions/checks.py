"""System checks: what is missing or wrong in the set-up, before anybody meets it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from .states import Stage


def _host() -> str:
    return urlsplit(settings.PARTNER_API_URL).hostname or ""


@register()
def check_choices(**kwargs: Any) -> list[CheckMessage]:
    """Settings that must be one of a few words."""
    problems: list[CheckMessage] = []
    for number, name, allowed in (
        (1, "STAGE", Stage.values),
        (2, "ENVIRONMENT_VALUES", ["keep", "empty"]),
        (3, "PARTNER_API_DIALECT", ["", "guide", "published"]),
    ):
        value = getattr(settings, name)
        if value not in allowed:
            words = ", ".join(word for word in allowed if word)
            problems.append(
                Error(
                    f"{name} is {value!r}.",
                    hint=f"Set it to one of: {words}.",
                    id=f"promotions.E00{number}",
                )
            )
    return problems


@register()
def check_dialect(**kwargs: Any) -> list[CheckMessage]:
    """Boomi's own host needs a dialect that somebody chose on purpose."""
    if (
        _host().endswith("boomi.com")
        and settings.PARTNER_API_ACCOUNT
        and not settings.PARTNER_API_DIALECT
    ):
        return [
            Error(
                "PARTNER_API_DIALECT is not set, and the API is Boomi's own.",
                hint="api.boomi.com follows the published description: set PARTNER_API_DIALECT=published, "
                "or guide if the connection check says so.",
                id="promotions.E004",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_production(**kwargs: Any) -> list[CheckMessage]:
    """What a production set-up must have and must not have."""
    problems: list[CheckMessage] = []
    if settings.DEMO:
        problems.append(
            Error(
                "DEMO is on: demo users could sign in.",
                hint="Unset DEMO in production.",
                id="promotions.E005",
            )
        )
    for number, name in ((6, "PARTNER_API_ACCOUNT"), (7, "PARTNER_API_USER")):
        if not getattr(settings, name):
            problems.append(
                Error(f"{name} is not set.", hint="See the README.", id=f"promotions.E00{number}")
            )
    if not settings.PARTNER_API_TOKEN and not settings.PARTNER_API_TOKEN_FILE:
        problems.append(
            Error(
                "Neither PARTNER_API_TOKEN nor PARTNER_API_TOKEN_FILE is set.",
                hint="Give the API token of the primary account.",
                id="promotions.E008",
            )
        )
    if urlsplit(settings.PARTNER_API_URL).scheme != "https":
        problems.append(
            Error(
                "PARTNER_API_URL is not an https address.",
                hint="The token would travel unprotected; the simulator has no place in production.",
                id="promotions.E009",
            )
        )
    if settings.PROMOTION_TIME_SCALE != 1:
        problems.append(
            Error(
                "PROMOTION_TIME_SCALE is not 1.",
                hint="It is for tests: with it the platform would be asked too often.",
                id="promotions.E010",
            )
        )
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        problems.append(
            Warning(
                "The database is SQLite.",
                hint="Use PostgreSQL where several workers run.",
                id="promotions.W001",
            )
        )
    return problems


@register()
def check_user_name(**kwargs: Any) -> list[CheckMessage]:
    """The commonest mistake: a user name without the prefix that says it is a token."""
    user = settings.PARTNER_API_USER
    if user and not user.startswith("BOOMI_TOKEN."):
        return [
            Error(
                "PARTNER_API_USER does not begin with BOOMI_TOKEN.",
                hint="Write BOOMI_TOKEN. followed by the e-mail of the token's owner.",
                id="promotions.E011",
            )
        ]
    return []
