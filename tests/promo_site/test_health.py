import pytest
import redis
from django.test import Client


@pytest.mark.django_db
def test_it_answers_200_when_database_and_redis_answer(
    client: Client, redis_server: redis.Redis
) -> None:
    answer = client.get("/healthz/")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "redis": "ok"}


@pytest.mark.django_db
def test_it_answers_503_without_redis_and_names_no_host(client: Client, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/healthz/")
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "redis": "no answer"}


@pytest.mark.django_db
def test_no_page_may_run_inline_scripts_or_be_framed(client: Client) -> None:
    headers = client.get("/accounts/login/").headers
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
