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
    "reading",
    "messages",
    "encryption",
    "models",
    "transitions",
    "access",
    "votes",
    "partner",
    "heartbeat",
    "outbound",
    "audit",
    "worker",
    "outbox",
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
    "deadline",
    "wire",
    "transport",
    "concurrency",
    "answers",
    "client",
    "dialects",
    "simulator",
]
MAY_SPEAK_TO_THE_API = {"reading", "partner", "worker", "plan", "setup", "pipeline", "management"}


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


WRITES = {"update", "record", "create", "get_or_create", "update_or_create", "bulk_create"}


def status_writes(tree: ast.AST) -> Iterator[ast.AST]:
    """Everything in a module that could write the status of a promotion, or make a promotion."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(
                isinstance(target, ast.Attribute) and target.attr == "status" for target in targets
            ):
                yield node
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            name = called.rpartition(".")[2]
            if (
                called == "setattr"
                and "'status'" in map(ast.unparse, node.args)
                or called == "PromotionRequest"
                or (called.startswith("PromotionRequest.objects") and "create" in name)
                or name == "bulk_update"
                and "'status'" in ast.unparse(node)
            ):
                yield node
            # The status of a call is that of HTTP.
            elif name in WRITES and not called.startswith("ApiCall."):
                spread = [k.value for k in node.keywords if k.arg is None]
                if any(k.arg == "status" for k in node.keywords) or any(
                    "'status':" in ast.unparse(value) for value in spread
                ):
                    yield node


def test_only_transitions_writes_a_status() -> None:
    """A promotion is made by ``open_promotion`` and moved by ``move``, wherever the wish comes from."""
    for path in modules("promotions"):
        found = list(status_writes(ast.parse(path.read_text())))
        if path == PROJECT / "promotions" / "transitions.py":
            assert len(found) == 2
        else:
            assert not found, f"{path}:{ast.unparse(found[0])}"


@pytest.mark.parametrize(
    "written",
    [
        "promotion.status = Status.APPROVED",
        "rows.update(status=Status.APPROVED)",
        "rows.update(**{'status': 'approved'})",
        "rows.bulk_update(found, ['status'])",
        "context.record(status='approved')",
        "setattr(promotion, 'status', 'approved')",
        "PromotionRequest.objects.create(plan=plan)",
        "PromotionRequest(plan=plan).save()",
    ],
)
def test_every_way_to_write_a_status_is_seen(written: str) -> None:
    assert list(status_writes(ast.parse(written)))
