"""Builds the Partner API client from the settings: the seam between Django and ``partnerapi``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import redis
from django.conf import settings

from partnerapi.client import PartnerApiClient, ServerFacts
from partnerapi.dialects import dialect_named
from partnerapi.errors import AuthFailed, PartnerApiError
from partnerapi.operations import BASE_PATH, OPERATIONS, SUPPORTING
from partnerapi.records import Call
from partnerapi.throttle import RedisThrottle
from partnerapi.transport import Transport, nothing

from .messages import PromotionError
from .models import ApiCall, Plan, PromotionRequest

GUIDE = "guide"

#: What calls are recorded under.
OPERATION_NAMES = (*(operation.name for operation in OPERATIONS.values()), *SUPPORTING)


def token() -> str:
    """The API token, read at each use, so that it can be changed without a restart.

    :raises AuthFailed: the token file cannot be read.
    """
    if not settings.PARTNER_API_TOKEN_FILE:
        return str(settings.PARTNER_API_TOKEN)
    try:
        return Path(settings.PARTNER_API_TOKEN_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AuthFailed(f"The token file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        # The error itself contains what was read.
        raise AuthFailed("The token file holds something other than text.") from None


def client(
    *,
    promotion: PromotionRequest | None = None,
    plan: Plan | None = None,
    owner: str = "",
    check: Callable[[], None] = nothing,
    dialect: str = "",
    base_path: str = BASE_PATH,
) -> PartnerApiClient:
    """A client for the primary account; every call it makes is recorded for the promotion or plan.

    :param owner: a name that takes fair turns with promotions; calls without any owner count as a person's.
    :param check: called before each call; what it raises ends the work.
    :param dialect: a dialect other than the configured one, and ``base_path`` another place on the server: the
        connection check uses them to find out what the server speaks.
    """
    transport = Transport(
        settings.PARTNER_API_URL,
        settings.PARTNER_API_ACCOUNT,
        settings.PARTNER_API_USER,
        token,
        throttle=RedisThrottle(
            _redis(),
            key=f"promotion-desk:pace:{settings.PARTNER_API_ACCOUNT}",
            interval_ms=settings.PARTNER_API_SPACING_MS,
            # Whatever belongs to no promotion is read for a person who waits on a page.
            owner=_turns_of(promotion) if promotion else owner,
        ),
        timeout=float(settings.PARTNER_API_TIMEOUT),
        time_scale=float(settings.PROMOTION_TIME_SCALE),
        # Room above the limit on components, so that a large one is reported as such.
        max_bytes=2 * settings.PROMOTION_MAX_COMPONENT_BYTES,
        record=_recorder(promotion, plan),
        check=check,
        base_path=base_path,
    )
    name = dialect or settings.PARTNER_API_DIALECT or GUIDE
    return dialect_named(name)(
        transport,
        threads=settings.PARTNER_API_THREADS,
        facts=_facts(settings.PARTNER_API_URL, settings.PARTNER_API_ACCOUNT, name),
    )


def _turns_of(promotion: PromotionRequest) -> str:
    """Whose fair turns a promotion takes. The others wait for the one that merges, so that its calls come first."""
    merges = promotion.merge_started_at is not None and not promotion.prod_package_id
    return "" if merges else f"promotion {promotion.pk}"


def error_of(error: PartnerApiError) -> PromotionError:
    """What a failed call means for a person."""
    return PromotionError(error.code, error.message)


@cache
def _facts(_url: str, _account: str, _dialect: str) -> ServerFacts:
    return ServerFacts()


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30
    )


def _recorder(promotion: PromotionRequest | None, plan: Plan | None) -> Callable[[Call], None]:
    def record(call: Call) -> None:
        ApiCall.objects.create(
            promotion=promotion,
            plan=plan,
            operation=str(call.operation),
            name=call.name,
            method=call.method,
            path=call.path[:1000],
            account=call.account,
            attempt=call.attempt,
            status=call.status,
            duration_ms=call.duration_ms,
            error=call.error[:64],
        )

    return record
