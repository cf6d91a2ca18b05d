"""Whether the two things that every page and every task need are there."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    finally:
        client.close()


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when both answer, else 503. It names no host: anyone may ask."""
    answers = {"database": _answers(_database), "redis": _answers(_redis)}
    healthy = all(answers.values())
    words = {name: "ok" if answer else "no answer" for name, answer in answers.items()}
    return JsonResponse(words, status=200 if healthy else 503)


def _answers(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception:
        # Whatever went wrong, the answer is the same: not now.
        return False
    return True
