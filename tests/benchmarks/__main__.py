"""Runs the lanes and prints the table: `python -m tests.benchmarks [--quick]`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from tests.benchmarks import yardstick
from tests.benchmarks.conditions import (
    CALLS_A_SECOND,
    LATENCY_MS,
    PAUSE_SECONDS,
    PLATFORM_SECONDS,
    floor,
    floor_to_merge,
    told,
)
from tests.services import PROJECT

DIALECTS = ("published", "guide")
QUICK = {"components": 20, "repeat": 1}
FULL = {"components": 100, "repeat": 3}

# Of the ratios of a full run; a small one is mostly latency.
WANTED = {
    "create, published: plan to deployed, warm": "≥ 4.5",
    "create, published: plan to deployed, cold": "≥ 3",
    "update, published: plan to deployed, warm": "≥ 4",
    "update, published: plan to deployed, cold": "≥ 3",
    "create, guide: plan to deployed, warm": "≥ 2.3",
    "update, guide: plan to deployed, warm": "≥ 1.8",
    "create, published: submit to merged": "≤ 1.7",
    "update, published: submit to merged": "≤ 1.7",
    "create, published: plan readable, warm": "≤ 0.5",
    "update, published: plan readable, warm": "≤ 0.5",
    "create, guide: plan readable, warm": "≤ 2.5",
    "update, guide: plan readable, warm": "≤ 2.5",
    "create, published: calls, warm": "≤ 2.4",
    "update, published: calls, warm": "≤ 2.8",
    "create, guide: calls, warm": "≤ 5.6",
    "update, guide: calls, warm": "≤ 7.4",
    **{f"40 requests of 30, {dialect}": "≤ 1.4" for dialect in DIALECTS},
    **{f"40 requests of 30, {dialect}: refused for their pace": "0" for dialect in DIALECTS},
    "100 open tabs": "≤ 1",
    "make demo: first page": "≤ 8 s",
    **{
        f"{kind}, {dialect}: {what}": wanted
        for kind in ("create", "update")
        for dialect in DIALECTS
        for what, wanted in (
            ("refused for their pace", "0"),
            ("calls a second while copying", "≥ 0.88"),
        )
    },
}

Results = list[dict[str, Any]]


def desk(dialect: str, components: int, repeat: int, *, warm: bool) -> Results:
    """Promotion Desk's results, from a process of its own."""
    command = [
        *(sys.executable, "-m", "tests.benchmarks.desk", "--dialect", dialect),
        *("--components", str(components), "--repeat", str(repeat)),
    ]
    if warm:
        command.append("--warm")
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    results: Results = json.loads(done.stdout)
    return results


def measure(components: int, repeat: int, *, together: bool) -> dict[str, Results]:
    """The lanes by name. `together` saves time; one dialect after the other they do not disturb.

    Together each promotion is planned once, so that there is no warm plan. Work by hand mostly waits, at a platform of
    its own, and disturbs nobody.
    """
    desks = ThreadPoolExecutor(max_workers=len(DIALECTS) if together else 1)
    with desks as pool, ThreadPoolExecutor(max_workers=1) as another:
        lanes = {
            name: pool.submit(desk, name, components, repeat, warm=not together)
            for name in DIALECTS
        }
        lanes["by hand"] = another.submit(yardstick.run, components, repeat)
        return {name: lane.result() for name, lane in lanes.items()}


def many_at_once(*, quick: bool) -> list[tuple[str, ...]]:
    """Many promotions, tabs and rows; what takes longer than a small run may, only in a large one."""
    if quick:
        return [*told("crowd", "--dialect", "published", "--quick")]
    crowds = [row for name in DIALECTS for row in told("crowd", "--dialect", name)]
    return [*crowds, *told("tabs"), *told("waits"), *told("size")]


def rows(lanes: dict[str, Results], components: int) -> list[tuple[str, ...]]:
    lowest, to_merge = floor(components), floor_to_merge(components) + PLATFORM_SECONDS
    found: list[tuple[str, ...]] = [("what", "median", "spread", "ratio", "which is")]
    for kind in ("create", "update"):
        by_hand = _values(lanes["by hand"], kind, "whole")
        calls = _values(lanes["by hand"], kind, "calls")
        found.append((f"{kind} by hand", *_seconds(by_hand), f"{median(calls):.0f}", "calls"))
        for dialect in DIALECTS:
            named = f"{kind}, {dialect}"
            values = {
                name: _values(lanes[dialect], kind, name)
                for name in lanes[dialect][0]
                if name != "kind"
            }
            middle = {name: median(every) for name, every in values.items()}
            for how in ("warm", "cold"):
                if f"whole, {how}" in middle:
                    found += _promotions(named, how, values, middle, median(by_hand), components)
            found += [
                (
                    f"{named}: submit to merged",
                    *_seconds(values["to merge"]),
                    f"{middle['to merge'] / to_merge:.2f}",
                    "this ÷ floor and platform",
                ),
                (
                    f"{named}: calls a second while copying",
                    f"{middle['writing']:.1f}",
                    _spread(values["writing"], 1),
                    f"{middle['writing'] / CALLS_A_SECOND:.2f}",
                    f"of the {CALLS_A_SECOND} allowed",
                ),
                (
                    f"{named}: refused for their pace",
                    f"{max(values['refused']):.0f}",
                    "",
                    "",
                    "calls, at most in a promotion",
                ),
            ]
    found.append(("floor of a promotion", f"{lowest:.1f} s", "", "", "writes ÷ calls a second"))
    found.append(
        (
            "floor to the merge",
            f"{to_merge:.1f} s",
            "",
            "",
            f"of it the platform {PLATFORM_SECONDS:.1f} s",
        )
    )
    return found


def _promotions(
    named: str,
    how: str,
    values: dict[str, list[float]],
    middle: dict[str, float],
    by_hand: float,
    components: int,
) -> list[tuple[str, ...]]:
    """What is said of promotions whose plan was warm, or cold."""
    whole, plan, calls = f"whole, {how}", f"plan, {how}", f"calls, {how}"
    readable = f"readable, {how}"
    pace = middle[calls] / middle[whole]
    return [
        (
            f"{named}: plan to deployed, {how}",
            *_seconds(values[whole]),
            f"{by_hand / middle[whole]:.2f}",
            "by hand ÷ this",
        ),
        (
            f"{named}: plan readable, {how}",
            *_seconds(values[readable]),
            f"{middle[readable] / (components / CALLS_A_SECOND):.2f}",
            "this ÷ one call a component",
        ),
        (
            f"{named}: plan proved, {how}",
            *_seconds(values[plan]),
            f"{middle[plan] / (components / CALLS_A_SECOND):.2f}",
            "this ÷ one call a component",
        ),
        (
            f"{named}: calls, {how}",
            f"{middle[calls]:.0f}",
            _spread(values[calls], 0),
            f"{middle[calls] / components:.1f}",
            "calls a component",
        ),
        (
            f"{named}: calls a second, {how}",
            f"{pace:.1f}",
            "",
            f"{pace / CALLS_A_SECOND:.2f}",
            f"of the {CALLS_A_SECOND} allowed",
        ),
    ]


def _values(results: Results, kind: str, name: str) -> list[float]:
    return [float(result[name]) for result in results if result["kind"] == kind]


def _seconds(values: list[float]) -> tuple[str, str]:
    return f"{median(values):.1f} s", _spread(values, 1)


def _spread(values: list[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}" if len(values) > 1 else ""


def table(found: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in found) for column in range(len(found[0]))]
    lines = []
    for row in found:
        first, *rest, last = (cell for cell in row)
        middle = "  ".join(
            cell.rjust(width) for cell, width in zip(rest, widths[1:-1], strict=True)
        )
        lines.append(f"{first.ljust(widths[0])}  {middle}  {last}".rstrip())
    return "\n".join(lines)


def with_wanted(found: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows with what is wanted beside each ratio."""
    head, *others = found
    return [
        (*head[:-1], "wanted", head[-1]),
        *((*row[:-1], WANTED.get(row[0], ""), row[-1]) for row in others),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--quick", action="store_true", help="20 components, once, all lanes at once, no warm plans"
    )
    parser.add_argument("--repeat", type=int, help="how often each promotion is made")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    size |= {"repeat": options.repeat or size["repeat"]}
    sys.stdout.write(
        f"{size['components']} components, each promotion {size['repeat']} times; the platform answers "
        f"after {LATENCY_MS} ms and allows {CALLS_A_SECOND} calls a second; by hand "
        f"{PAUSE_SECONDS * 1000:.0f} ms pass from an answer to the next call.\n\n"
    )
    sys.stdout.flush()
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        # A small run saves time by doing this beside the lanes; a large one does it after them.
        beside = pool.submit(many_at_once, quick=True) if options.quick else None
        lanes = measure(size["components"], size["repeat"], together=options.quick)
        found = rows(lanes, size["components"])
        found += beside.result() if beside else many_at_once(quick=False)
    sys.stdout.write(table(found if options.quick else with_wanted(found)) + "\n")
    if not options.quick:
        sys.stdout.write("\nPages with history:\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", "tests.benchmarks.history"], cwd=PROJECT)
    sys.stdout.write(f"\nMeasured in {time.monotonic() - began:.0f} s.\n")


if __name__ == "__main__":
    main()
