"""The settings of a production set-up, each time in a fresh process."""

import os
import subprocess
import sys

from tests.services import PROJECT

PRODUCTION = {
    "SECRET_KEY": "6f0c" * 16 + "-and-something-else",
    "CONTENT_KEYS": "51d2" * 16 + "-and-another-one",
    "ALLOWED_HOSTS": "desk.example.com",
    "DATABASE_URL": "postgres://desk:secret@postgres.example.com/desk",
    "PARTNER_API_ACCOUNT": "example-A1B2C3",
    "PARTNER_API_USER": "BOOMI_TOKEN.someone@example.com",
    "PARTNER_API_TOKEN": "not-a-real-token",
    "PARTNER_API_DIALECT": "published",
}


def _manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **env},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_a_production_set_up_passes_the_deployment_check() -> None:
    done = _manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr


def test_so_does_one_with_single_sign_on_alone() -> None:
    provider = {
        "OIDC_ISSUER": "https://login.example.com/",
        "OIDC_CLIENT_ID": "desk",
        "OIDC_CLIENT_SECRET": "secret-of-a-test",
        "OIDC_GROUPS": "Desk Admins=Admins,4f1c=Contributors",
        "LOCAL_ACCOUNTS": "false",
    }
    done = _manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, **provider)
    assert done.returncode == 0, done.stderr


def test_without_a_secret_key_it_says_what_to_do() -> None:
    done = _manage("check")
    assert done.returncode != 0
    assert done.stderr.strip().endswith(
        "SECRET_KEY is not set. Give it a long random value, or set DEBUG=true to develop."
    )


def test_without_a_content_key_it_says_what_to_do() -> None:
    done = _manage("check", SECRET_KEY="6f0c" * 16)
    assert done.returncode != 0
    assert "CONTENT_KEYS is not set. Give it a long random value, and keep it" in done.stderr


def test_a_developer_needs_only_debug() -> None:
    done = _manage("check", DEBUG="true")
    assert done.returncode == 0, done.stderr


def test_every_static_file_can_be_collected(tmp_path) -> None:
    code = (
        "import promo_site.settings as settings, sys\n"
        "settings.STATIC_ROOT = sys.argv[1]\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'collectstatic', '--noinput', '-v0'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "promo_site.settings",
            **PRODUCTION,
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("django_htmx/htmx-2.min.*.js"))


def test_the_mail_server_is_one_address() -> None:
    names = ("BACKEND", "HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS")
    told = "; ".join(f"print(settings.EMAIL_{name})" for name in names)
    command = f"from django.conf import settings; {told}"
    mail = {"EMAIL_URL": "smtp+tls://desk:p%40ss@mail.example.com:587"}
    done = _manage("shell", "--no-imports", "--command", command, **PRODUCTION, **mail)
    assert done.stdout.split() == [
        "django.core.mail.backends.smtp.EmailBackend",
        "mail.example.com",
        "587",
        "desk",
        "p@ss",
        "True",
    ], done.stderr
