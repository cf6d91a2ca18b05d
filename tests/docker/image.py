"""Takes the steps of docker/Dockerfile without an engine, as far as they go.

The folder of the image is made in a temporary one, from the files that .dockerignore lets through.
What needs an engine or the network is left out (a virtual environment, the packages, a user of
its own): the packages are those of the tests' own environment, locked by the same file.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import PROJECT

DOCKER = PROJECT / "docker"
LEFT_OUT = ("python -m venv ", "pip install ", "groupadd ")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile and what follows it."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def variables(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """What an ENV instruction sets."""
    pairs = (pair.partition("=") for pair in shlex.split(text))
    return {name: value.replace("$PATH", known.get("PATH", "")) for name, _, value in pairs}


class Ignored:
    """What .dockerignore leaves out: the last line that fits decides, for a folder's files too."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        patterns = [line for line in lines if line and not line.startswith("#")]
        self.rules = [
            (re.compile(_expression(line.lstrip("!"))), not line.startswith("!"))
            for line in patterns
        ]
        self.kept = [line[1:] for line in patterns if line.startswith("!")]

    def __call__(self, path: str) -> bool:
        ways = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        ignored = False
        for expression, leaves_out in self.rules:
            if any(expression.fullmatch(way) for way in ways):
                ignored = leaves_out
        return ignored

    def has_nothing_of(self, folder: str) -> bool:
        return self(folder) and not any(kept.startswith(f"{folder}/") for kept in self.kept)


def _expression(pattern: str) -> str:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    )


def context() -> Iterator[str]:
    """The files that a build would be given."""
    ignored = Ignored((PROJECT / ".dockerignore").read_text())
    for folder, folders, files in os.walk(PROJECT):
        below = Path(folder).relative_to(PROJECT)
        folders[:] = [name for name in folders if not ignored.has_nothing_of(str(below / name))]
        yield from (str(below / name) for name in files if not ignored(str(below / name)))


@dataclass
class Image:
    root: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    command: str = ""
    healthcheck: str = ""

    @property
    def app(self) -> Path:
        return self.root / "app"

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in it; `env` is added to what the image sets."""
        return subprocess.run(
            command,
            cwd=self.root / self.workdir.lstrip("/"),
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """As the image sets it, but with the tests' own packages."""
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        return {**self.env, **env, "PATH": path}


def build(root: Path) -> Image:
    """The image that the Dockerfile's last stage describes."""
    image = Image(root)
    for word, rest in instructions((DOCKER / "Dockerfile").read_text()):
        if word == "FROM":
            image = Image(root)
        elif word == "ENV":
            image.env |= variables(rest, image.env)
        elif word == "WORKDIR":
            image.workdir = rest
        elif word == "USER":
            image.user = rest
        elif word == "COPY":
            _copy(image, *shlex.split(rest))
        elif word == "RUN" and not rest.startswith(LEFT_OUT):
            done = image.run("sh", "-c", rest)
            assert done.returncode == 0, f"{rest}\n{done.stdout}{done.stderr}"
        elif word == "CMD":
            image.command = rest
        elif word == "HEALTHCHECK":
            image.healthcheck = rest.partition("CMD ")[2]
    return image


def _copy(image: Image, *words: str) -> None:
    *options, source, target = words
    if options:
        # From a stage to the same place in another one: here both are one folder.
        assert source == target
        assert all(option.startswith("--from=") for option in options)
        return
    wanted = [path for path in context() if source in (".", path)]
    assert wanted, f"COPY {source}: .dockerignore leaves it out"
    for path in wanted:
        file = image.root / target.lstrip("/") / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / path, file)
