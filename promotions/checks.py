"""System checks: what is missing or wrong in the set-up, before anybody runs into it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from . import outbound
from .messages import PromotionError
from .states import EnvironmentValues, Stage

# Whom `manage.py seed_demo` writes, and their one password. Said again here, for in the image of a
# production set-up that command is left out.
DEMO_USERS = ("alice", "bob", "charlie", "dora")
DEMO_PASSWORD = "demo"  # noqa: S105


def _host() -> str:
    return urlsplit(settings.PARTNER_API_URL).hostname or ""


@register()
def check_choices(**kwargs: Any) -> list[CheckMessage]:
    """Settings that must be one of a few words."""
    problems: list[CheckMessage] = []
    for number, name, allowed in (
        (1, "STAGE", Stage.values),
        (2, "ENVIRONMENT_VALUES", EnvironmentValues.values),
        (3, "PARTNER_API_DIALECT", ["", "guide", "published"]),
        (21, "DRIFT_HOUR", ["off", *map(str, range(24))]),
    ):
        value = getattr(settings, name)
        if value not in allowed:
            words = ", ".join(word for word in allowed if word)
            problems.append(
                Error(
                    f"{name} is {value!r}.",
                    hint=f"Set it to one of: {words}.",
                    id=f"promotions.E{number:03}",
                )
            )
    return problems


@register()
def check_dialect(**kwargs: Any) -> list[CheckMessage]:
    """Boomi's own host needs a dialect that somebody has chosen on purpose."""
    if (
        f".{_host()}".endswith(".boomi.com")
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
    if settings.DEBUG:
        problems.append(
            Error(
                "DEBUG is on: anybody who runs into an error can read the settings and the code.",
                hint="Unset DEBUG in production.",
                id="promotions.E012",
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
    if settings.PARTNER_API_TOKEN_FILE and (wrong := _wrong_with(settings.PARTNER_API_TOKEN_FILE)):
        problems.append(
            Error(
                f"PARTNER_API_TOKEN_FILE {wrong}.",
                hint="It must hold the API token and nothing else, readable by the user that runs this.",
                id="promotions.E013",
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
                hint="It is for tests: with it the platform would be called too often.",
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


def _wrong_with(token_file: str) -> str:
    """What is wrong with the file, or nothing. Its content is never shown."""
    try:
        token = Path(token_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "holds something other than text"
    return "" if token else "is empty"


@register(Tags.database, deploy=True)
def check_demo_users(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Nobody can sign in with the demo's password. It needs `check --deploy --database default`."""
    user_model = get_user_model()
    if "default" not in (databases or []) or settings.DEMO:
        return []
    connection = connections["default"]
    if user_model._meta.db_table not in connection.introspection.table_names():
        # Before the first migration.
        return []
    found = [
        username
        for username, password in user_model._default_manager.using("default")
        .filter(username__in=DEMO_USERS, is_active=True)
        .order_by("username")
        .values_list("username", "password")
        if check_password(DEMO_PASSWORD, password)
    ]
    if found:
        return [
            Error(
                f"Users of the demo can sign in: {', '.join(found)}.",
                hint="Give them another password, or deactivate them in the admin pages.",
                id="promotions.E014",
            )
        ]
    return []


@register()
def check_user_name(**kwargs: Any) -> list[CheckMessage]:
    """The most common mistake: a user name without the prefix that marks a token."""
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


@register()
def check_outbound(**kwargs: Any) -> list[CheckMessage]:
    """Posts only go where they may, and links lead to a reachable address."""
    problems: list[CheckMessage] = []
    for network in settings.OUTBOUND_PRIVATE_NETWORKS:
        try:
            ip_network(network)
        except ValueError:
            problems.append(
                Error(
                    f"OUTBOUND_PRIVATE_NETWORKS holds {network!r}, which is not a network.",
                    hint="Write it like 10.1.2.0/24, and separate several with commas.",
                    id="promotions.E018",
                )
            )
    if settings.OUTBOUND_PROXY and urlsplit(settings.OUTBOUND_PROXY).scheme not in (
        "http",
        "https",
    ):
        problems.append(
            Error(
                "OUTBOUND_PROXY is no address of a proxy.",
                hint="Write it as http://proxy.example.com:3128.",
                id="promotions.E021",
            )
        )
    if settings.AUDIT_ANCHOR_KEY:
        try:
            outbound.check_key(settings.AUDIT_ANCHOR_KEY)
        except PromotionError:
            problems.append(
                Error(
                    "AUDIT_ANCHOR_KEY is not a signing key.",
                    hint="It is whsec_ followed by base64, as in Standard Webhooks.",
                    id="promotions.E019",
                )
            )
    if urlsplit(settings.SITE_URL).scheme not in ("http", "https"):
        problems.append(
            Error(
                f"SITE_URL is {settings.SITE_URL!r}.",
                hint="Write the address under which people reach the site, with https:// before it.",
                id="promotions.E020",
            )
        )
    return problems


@register()
def check_identity_provider(**kwargs: Any) -> list[CheckMessage]:
    """An identity provider is fully configured, and nobody is left without a way in."""
    problems: list[CheckMessage] = []
    if settings.OIDC_ISSUER and not (settings.OIDC_CLIENT_ID and settings.OIDC_CLIENT_SECRET):
        problems.append(
            Error(
                "OIDC_ISSUER is set, and OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is not.",
                hint="See docs/single-sign-on.md.",
                id="promotions.E015",
            )
        )
    if not settings.LOCAL_ACCOUNTS and not settings.OIDC_ISSUER:
        problems.append(
            Error(
                "LOCAL_ACCOUNTS is off and OIDC_ISSUER is not set: nobody could sign in.",
                hint="Set OIDC_ISSUER, or switch local accounts on.",
                id="promotions.E016",
            )
        )
    return problems


@register(Tags.security, deploy=True)
def check_identity_provider_is_safe(**kwargs: Any) -> list[CheckMessage]:
    """Whatever says who somebody is must travel encrypted."""
    if settings.OIDC_ISSUER and urlsplit(settings.OIDC_ISSUER).scheme != "https":
        return [
            Error(
                "OIDC_ISSUER is not an https address.",
                hint="Anybody in between could sign in as anyone.",
                id="promotions.E017",
            )
        ]
    return []
