"""The image and the containers: what is in them, that they start, and that they refuse the demo."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import yaml

from promo_site.demo.servers import ADDRESS, Stack, free_port, worker_ready
from tests.docker.image import DOCKER, Ignored, Image, build, instructions
from tests.environment import ENVIRONMENT
from tests.services import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (DOCKER / "env.example").read_text()
OURS = ["beat", "migrate", "web", "worker"]

FILLED_IN = {
    "SECRET_KEY": "k8tZ" * 16 + "-of-a-test",
    "CONTENT_KEYS": "w3Qx" * 16 + "-of-a-test",
    "ALLOWED_HOSTS": "desk.example.com",
    "POSTGRES_PASSWORD": "5b1e0f",
    "PARTNER_API_ACCOUNT": "example-A1B2C3",
    "PARTNER_API_USER": "BOOMI_TOKEN.someone@example.com",
}
# What a value of compose.yaml may name: ${NAME:-default} and ${NAME:?sentence}.
INTERPOLATED = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")


# --- What the containers are told ------------------------------------------------------------


def assignments(text: str, *, defaults: bool) -> dict[str, str]:
    """NAME=value of each line, with `defaults` of those that are commented out instead."""
    lines = re.findall(r"^(# )?([A-Z][A-Z_]*)=(.*)$", text, re.MULTILINE)
    return {name: value for hash_sign, name, value in lines if bool(hash_sign) == defaults}


def env_file() -> dict[str, str]:
    """docker/.env as somebody fills it in."""
    values = assignments(EXAMPLE, defaults=False)
    assert {name for name, value in values.items() if not value} == set(FILLED_IN)
    return {**values, **FILLED_IN}


def container_env(service: str, **changes: str) -> dict[str, str]:
    """What a container finds in its environment, beside what the image sets."""
    values = env_file()
    for name, value in SERVICES[service]["environment"].items():
        values[name] = INTERPOLATED.sub(lambda match: values[match[1]], value)
    return {**values, **changes}


def settings_read() -> set[str]:
    """The names that settings.py asks the environment for."""
    tree = ast.parse((PROJECT / "promo_site" / "settings.py").read_text())
    return {
        ast.literal_eval(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.func.attr != "read_env"
    }


def test_the_example_names_every_setting_and_nothing_else() -> None:
    named = {**assignments(EXAMPLE, defaults=False), **assignments(EXAMPLE, defaults=True)}
    assert settings_read() - set(named) == set()
    compose = {match[1] for match in INTERPOLATED.finditer((DOCKER / "compose.yaml").read_text())}
    dockerfile = {
        pair.partition("=")[0]
        for word, rest in instructions((DOCKER / "Dockerfile").read_text())
        if word == "ENV"
        for pair in shlex.split(rest)
    }
    read_by_others = compose | dockerfile | {"COMPOSE_PROJECT_NAME"}
    assert set(named) - settings_read() - read_by_others == set()


def test_every_setting_of_the_example_is_explained() -> None:
    assignment = re.compile(r"(# )?[A-Z][A-Z_]*=")
    for block in EXAMPLE.split("\n\n"):
        lines = block.splitlines()
        if any(assignment.match(line) for line in lines):
            assert lines[0].startswith("# "), block
            assert not assignment.match(lines[0]), block


def test_the_example_has_no_secret_and_turns_nothing_on() -> None:
    values = assignments(EXAMPLE, defaults=False)
    assert values["SECRET_KEY"] == values["CONTENT_KEYS"] == values["POSTGRES_PASSWORD"] == ""
    assert "PARTNER_API_TOKEN" not in values
    assert not {"DEBUG", "DEMO"} & set(values)


# --- compose.yaml ----------------------------------------------------------------------------


def compose_command() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, timeout=240)
            if done.returncode == 0:
                return command
    return None


def test_compose_accepts_the_file(tmp_path: Path) -> None:
    """Where compose is found it reads the file; elsewhere its names are filled in from .env."""
    folder = shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns(".env"))
    lines = [f"{name}={value}" for name, value in env_file().items()]
    (folder / ".env").write_text("\n".join(lines))
    command = compose_command()
    if command is None:
        needed = re.findall(r"\$\{(\w+):\?", (DOCKER / "compose.yaml").read_text())
        assert set(needed) <= set(FILLED_IN)
        used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
        assert used == set(COMPOSE["secrets"])
        return
    done = subprocess.run(
        [*command, "--file", str(folder / "compose.yaml"), "config"],
        capture_output=True,
        text=True,
        timeout=240,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert set(services) == set(SERVICES)
    for name in OURS:
        told = services[name]["environment"]
        assert {key: told[key] for key in container_env(name)} == container_env(name)


def test_there_is_everything_that_a_promotion_needs() -> None:
    assert sorted(SERVICES) == ["beat", "migrate", "postgres", "redis", "web", "worker"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate", "web"}))
def test_what_stays_up_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_web_server_has_the_health_check_of_the_image() -> None:
    assert "healthcheck" not in SERVICES["web"]
    assert "command" not in SERVICES["web"]


@pytest.mark.parametrize("name", ["beat", "web", "worker"])
def test_nothing_of_ours_starts_before_the_database_is_up_to_date(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service
    assert "privileged" not in service
    assert service["environment"]["DEBUG"] == service["environment"]["DEMO"] == "false"
    assert service["environment"]["PARTNER_API_TOKEN_FILE"].startswith("/run/secrets/")


def test_only_the_web_server_can_be_reached_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(ports) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in ports["web"])


def test_every_image_has_a_version() -> None:
    images = [service["image"] for service in SERVICES.values()]
    for word, rest in instructions((DOCKER / "Dockerfile").read_text()):
        if word == "FROM":
            images.append(rest.split()[0])
    for image in images:
        assert re.search(r":\d+\.?\d*", image), image


# --- The image -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text("not-a-real-token\n")
    return str(file)


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("manage.py", False),
        ("promotions/models/plans.py", False),
        ("templates/registration/login.html", False),
        ("docker/healthcheck.py", False),
        (".env", True),
        (".git/config", True),
        ("docker/.env", True),
        ("docker/secrets/partner_api_token", True),
        ("var/promotions.sqlite3", True),
        ("tests/conftest.py", True),
        ("promotions/__pycache__/models.cpython-311.pyc", True),
        ("promotions/.models.py.swp", True),
        ("partnerapi/simulator/seed.py", True),
        ("promo_site/settings.py", False),
        ("promo_site/demo/management/commands/demo.py", True),
    ],
)
def test_dockerignore_lets_the_product_through_and_nothing_else(path: str, left_out: bool) -> None:
    assert Ignored((PROJECT / ".dockerignore").read_text())(path) is left_out


def test_the_image_holds_the_product_and_not_the_demo(image: Image) -> None:
    assert {path.name for path in image.app.iterdir()} == {
        "docker",
        "manage.py",
        "partnerapi",
        "promo_site",
        "promotions",
        "requirements.txt",
        "static",
        "staticfiles",
        "templates",
    }
    assert {path.name for path in (image.app / "docker").iterdir()} == {"healthcheck.py"}
    files = {str(path.relative_to(image.app)) for path in image.app.rglob("*.py")}
    assert not [path for path in files if "simulator" in path or "demo" in path]
    assert "promotions/management/commands/setup_roles.py" in files


def test_the_static_files_are_in_it_under_names_that_change_with_them(image: Image) -> None:
    manifest = json.loads((image.app / "staticfiles" / "staticfiles.json").read_text())
    sheet = manifest["paths"]["css/desk.css"]
    assert re.fullmatch(r"css/desk\.[0-9a-f]+\.css", sheet)
    assert (image.app / "staticfiles" / f"{sheet}.gz").exists()


def test_it_runs_as_a_user_who_owns_nothing_of_it(image: Image) -> None:
    uid, _, gid = image.user.partition(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert "--chown" not in (DOCKER / "Dockerfile").read_text()


def test_nothing_in_it_needs_what_was_left_out(image: Image) -> None:
    code = (
        "import django, importlib, pkgutil\n"
        "django.setup()\n"
        "for top in ('partnerapi', 'promo_site', 'promotions'):\n"
        "    package = importlib.import_module(top)\n"
        "    for module in pkgutil.walk_packages(package.__path__, top + '.'):\n"
        "        importlib.import_module(module.name)\n"
    )
    env = container_env("web", DJANGO_SETTINGS_MODULE="promo_site.settings")
    done = image.run("python", "-c", code, **env)
    assert done.returncode == 0, done.stderr


def test_the_simulator_cannot_be_started_there(image: Image) -> None:
    done = image.run("python", "-m", "partnerapi.simulator", "--port", "8001", DEMO="true")
    assert done.returncode == 1
    assert "No module named partnerapi.simulator" in done.stderr


@pytest.mark.parametrize("command", ["demo", "seed_demo"])
def test_the_demo_is_unknown_there_even_when_it_is_switched_on(image: Image, command: str) -> None:
    done = image.run("python", "manage.py", command, **container_env("web", DEMO="true"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Unknown command: '{command}'")


@pytest.mark.parametrize("command", ["demo", "seed_demo"])
def test_outside_of_it_the_demo_is_unknown_until_it_is_switched_on(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **container_env("web")},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Unknown command: '{command}'")


def test_the_deployment_check_has_nothing_to_say(image: Image, token_file: str) -> None:
    env = container_env("web", PARTNER_API_TOKEN_FILE=token_file)
    done = image.run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", **env)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_the_defaults_that_the_example_shows_are_the_settings_own(image: Image) -> None:
    code = (
        "import json, promo_site.settings as settings\n"
        "print(json.dumps({n: repr(getattr(settings, n)) for n in dir(settings) if n.isupper()}))"
    )
    told, _, _ = EXAMPLE.partition("# --- Set by compose.yaml")
    shown = {
        name: value
        for name, value in assignments(told, defaults=True).items()
        if name in settings_read()
    }
    assert len(shown) > 15
    before, after = (
        image.run("python", "-c", code, **{**container_env("web"), **changes})
        for changes in ({}, shown)
    )
    assert after.returncode == 0, after.stderr
    assert json.loads(after.stdout) == json.loads(before.stdout)


# --- The containers' own commands ------------------------------------------------------------


def command_of(image: Image, service: str) -> list[str]:
    command = SERVICES[service].get("command") or json.loads(image.command)
    return [INTERPOLATED.sub(lambda match: match[2], word).replace("$$", "$") for word in command]


def health_check_of(image: Image, service: str) -> list[str]:
    if "healthcheck" not in SERVICES[service]:
        return [str(word) for word in json.loads(image.healthcheck)]
    kind, command = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    return ["sh", "-c", command.replace("$$", "$")]


@pytest.fixture(scope="module")
def migrated(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the service that the others wait for leaves it."""
    folder = tmp_path_factory.mktemp("migrated")
    token = folder / "token"
    token.write_text("not-a-real-token")
    env = container_env(
        "migrate",
        DATABASE_URL=f"sqlite:///{folder / 'desk.sqlite3'}",
        PARTNER_API_TOKEN_FILE=str(token),
    )
    done = image.run(*command_of(image, "migrate"), **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The roles Contributors and Admins are set up." in done.stdout
    return folder / "desk.sqlite3"


@pytest.fixture
def tried_env(migrated: Path, token_file: str, tmp_path: Path) -> dict[str, str]:
    """What differs where the containers' commands are tried: the servers and the places."""
    return {
        "DATABASE_URL": f"sqlite:///{shutil.copy(migrated, tmp_path)}",
        "REDIS_URL": ENVIRONMENT["REDIS_URL"],
        "PARTNER_API_TOKEN_FILE": token_file,
        "CELERY_BEAT_SCHEDULE_FILENAME": str(tmp_path / "celerybeat-schedule"),
        "HOSTNAME": socket.gethostname(),
    }


def plant_user(image: Image, env: dict[str, str], name: str, password: str) -> None:
    code = (
        "from django.contrib.auth.models import User\n"
        f"User.objects.create_superuser({name!r}, '', {password!r})"
    )
    done = image.run("python", "manage.py", "shell", "--command", code, **env)
    assert done.returncode == 0, done.stderr


def well(health_check: list[str], image: Image, env: dict[str, str]) -> bool:
    done = subprocess.run(health_check, cwd=image.app, env=env, capture_output=True, timeout=240)
    return done.returncode == 0


def test_nothing_starts_where_the_demo_is_or_was_switched_on(
    image: Image, tried_env: dict[str, str]
) -> None:
    command = command_of(image, "migrate")
    demo = image.run(*command, **container_env("migrate", **tried_env, DEMO="true"))
    assert demo.returncode == 1
    assert "promotions.E005" in demo.stderr
    env = container_env("migrate", **tried_env)
    plant_user(image, env, "bob", "demo")
    done = image.run(*command, **env)
    assert done.returncode == 1
    assert "promotions.E014" in done.stderr
    assert "Operations to perform" not in done.stdout


@pytest.fixture
def web(
    image: Image,
    tried_env: dict[str, str],
    redis_server: redis.Redis,
    tmp_path: Path,
) -> Iterator[str]:
    """The address of the web server, started as its container does."""
    port = free_port()
    env = image.environment(
        {
            **container_env("web", **tried_env, PORT=str(port)),
            "GUNICORN_CMD_ARGS": f"--bind {ADDRESS}:{port}",
        }
    )
    url = f"http://{ADDRESS}:{port}"
    health_check = health_check_of(image, "web")
    with Stack(tmp_path, env, image.app) as stack:
        stack.start(
            "web",
            command_of(image, "web"),
            lambda: well(health_check, image, env),
            seconds=60,
        )
        yield url


def _get(url: str, **headers: str) -> requests.Response:
    return requests.get(
        url,
        headers={"Host": "desk.example.com", **headers},
        timeout=60,
        allow_redirects=False,
    )


def test_the_pages_are_as_safe_as_a_browser_can_make_them(web: str) -> None:
    plain = _get(f"{web}/accounts/login/")
    assert plain.status_code == 301
    assert plain.headers["Location"] == "https://desk.example.com/accounts/login/"

    page = _get(f"{web}/accounts/login/", **{"X-Forwarded-Proto": "https"})
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"] == (
        "max-age=31536000; includeSubDomains; preload"
    )
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "; Secure" in page.headers["Set-Cookie"]
    assert "csrftoken=" in page.headers["Set-Cookie"]

    # A stranger's name is refused, and the refusal tells nothing.
    strange = _get(f"{web}/accounts/login/", Host="elsewhere.example.com")
    assert strange.status_code == 400
    assert "ALLOWED_HOSTS" not in strange.text

    [sheet] = re.findall(r'href="(/static/css/desk\.[0-9a-f]+\.css)"', page.text)
    style = _get(f"{web}{sheet}", **{"X-Forwarded-Proto": "https"})
    assert style.status_code == 200
    assert "immutable" in style.headers["Cache-Control"]


def test_a_session_travels_over_https_only(
    web: str, image: Image, tried_env: dict[str, str]
) -> None:
    plant_user(image, container_env("web", **tried_env), "ada", "a-long-password-of-hers")
    https = {"X-Forwarded-Proto": "https"}
    page = _get(f"{web}/accounts/login/", **https)
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    answer = requests.post(
        f"{web}/accounts/login/",
        data={
            "csrfmiddlewaretoken": token,
            "username": "ada",
            "password": "a-long-password-of-hers",
        },
        headers={
            **https,
            "Host": "desk.example.com",
            "Referer": "https://desk.example.com/accounts/login/",
            "Cookie": f"csrftoken={page.cookies['csrftoken']}",
        },
        timeout=60,
        allow_redirects=False,
    )
    assert answer.status_code == 302
    cookies = answer.raw.headers.getlist("Set-Cookie")
    [session] = [cookie for cookie in cookies if cookie.startswith("sessionid=")]
    assert "; Secure" in session
    assert "; HttpOnly" in session
    assert "; SameSite=Lax" in session


def _files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_worker_and_beat_start_are_well_and_write_nothing_beside_the_temporary_folder(
    image: Image,
    tried_env: dict[str, str],
    redis_server: redis.Redis,
    tmp_path: Path,
) -> None:
    before = _files(image.app)
    # A database of its own: the worker of the other tests has the same name and would answer.
    tried_env["REDIS_URL"] = f"{tried_env['REDIS_URL'].rsplit('/', 1)[0]}/1"
    worker_env = image.environment(container_env("worker", **tried_env))
    worker_check = health_check_of(image, "worker")
    hasty_check = [word.replace("--timeout 10", "--timeout 1") for word in worker_check]
    beat_env = image.environment(container_env("beat", **tried_env))
    beat_check = [
        word.replace("find /tmp ", f"find {tmp_path} ") for word in health_check_of(image, "beat")
    ]
    assert not well(hasty_check, image, worker_env)
    assert not well(beat_check, image, beat_env)
    with Stack(tmp_path, worker_env, image.app) as stack:
        ready = worker_ready(tmp_path / "worker.log")
        stack.start("worker", command_of(image, "worker"), ready, seconds=60)
        assert well(worker_check, image, worker_env)
        stack.start(
            "beat",
            command_of(image, "beat"),
            lambda: well(beat_check, image, beat_env),
            env=beat_env,
            seconds=60,
        )
        stack.check()
    assert _files(image.app) == before


# --- The health check of the web server ------------------------------------------------------


def test_it_is_not_well_when_nothing_listens(image: Image) -> None:
    done = image.run(*health_check_of(image, "web"), PORT=str(free_port()))
    assert done.returncode == 1
    assert "refused" in done.stdout


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("desk.example.com, other.example.com", "desk.example.com"),
        (".example.com", "example.com"),
        ("*", "localhost"),
        ("", "localhost"),
    ],
)
def test_the_health_check_uses_a_name_that_the_server_answers_to(
    monkeypatch: pytest.MonkeyPatch, allowed: str, host: str
) -> None:
    spec = importlib.util.spec_from_file_location("healthcheck", DOCKER / "healthcheck.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("ALLOWED_HOSTS", allowed)
    assert module._host() == host
