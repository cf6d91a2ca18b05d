"""The layout shows the architecture: who may import whom, held by the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent

# Each room may import those before it, never one after it.
PROMOTIONS = [
    "states",
    "messages",
    "encryption",
    "models",
    "transitions",
    "access",
    "partner",
    "heartbeat",
    "worker",
    "plan",
    "setup",
    "pipeline",
    "tasks",
    "services",
    "pages",
    "templatetags",
    "urls",
    "admin",
    "checks",
    "apps",
    "management",
]
PARTNERAPI = [
    "componentxml",
    "errors",
    "records",
    "operations",
    "throttle",
    "wire",
    "transport",
    "dialects",
    "client",
    "simulator",
]
MAY_SPEAK_TO_THE_API = {"partner", "worker", "plan", "setup", "pipeline", "management"}


def modules(package: str) -> Iterator[Path]:
    for path in sorted((PROJECT / package).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield from run_time_nodes(child)


def imports(path: Path) -> Iterator[str]:
    """Absolute names of everything that a module imports when it runs."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    package = parts if path.name == "__init__.py" else parts[:-1]
    if path.name == "__init__.py":
        package = parts[:-1]
    for node in run_time_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield prefix
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def layer(name: str, package: str, order: list[str]) -> int | None:
    parts = name.split(".")
    if parts[0] != package or len(parts) < 2:
        return None
    return order.index(parts[1]) if parts[1] in order else None


@pytest.mark.parametrize(
    ("package", "order"), [("promotions", PROMOTIONS), ("partnerapi", PARTNERAPI)]
)
def test_modules_import_only_what_stands_before_them(package: str, order: list[str]) -> None:
    wrong = []
    for path in modules(package):
        own = path.relative_to(PROJECT / package).with_suffix("").parts[0]
        if own == "__init__":
            continue
        assert own in order, f"{path.relative_to(PROJECT)} has no place in the order"
        for name in imports(path):
            imported = layer(name, package, order)
            if imported is not None and imported > order.index(own):
                wrong.append(f"{path.relative_to(PROJECT)} imports {name}")
    assert not wrong


def test_the_order_names_modules_that_exist() -> None:
    for package, order in (("promotions", PROMOTIONS), ("partnerapi", PARTNERAPI)):
        for name in order:
            folder = PROJECT / package
            assert (folder / f"{name}.py").exists() or (folder / name).is_dir(), name


def test_the_partner_api_knows_nothing_of_django_or_of_promotions() -> None:
    for path in modules("partnerapi"):
        for name in imports(path):
            assert name.split(".")[0] not in {"django", "promotions", "promo_site", "celery"}, path


def test_component_xml_stands_alone() -> None:
    for path in modules("partnerapi/componentxml"):
        for name in imports(path):
            if name.startswith("partnerapi."):
                assert name.startswith("partnerapi.componentxml"), path


def test_only_a_few_modules_speak_to_the_partner_api() -> None:
    for path in modules("promotions"):
        own = path.relative_to(PROJECT / "promotions").with_suffix("").parts[0]
        if any(name.split(".")[0] == "partnerapi" for name in imports(path)):
            assert own in MAY_SPEAK_TO_THE_API, path


def test_nothing_imports_the_simulator_or_the_demo_but_themselves() -> None:
    """The image holds neither."""
    left_out = ("partnerapi/simulator/", "promo_site/demo/")
    for package in ("promotions", "promo_site", "partnerapi"):
        for path in modules(package):
            if str(path.relative_to(PROJECT)).startswith(left_out):
                continue
            assert not [name for name in imports(path) if "simulator" in name or "demo" in name], (
                path
            )


def test_only_transitions_writes_a_status() -> None:
    """A promotion's status is written by ``move`` and, when the row is made, by ``submit``."""
    for path in modules("promotions"):
        if path.name == "transitions.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in {"update", "record"}:
                assert not any(keyword.arg == "status" for keyword in node.keywords), path
