"""What every lane runs under, and what is known beforehand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from partnerapi.simulator.state import BRANCH_SECONDS, MERGE_STAGE_SECONDS
from tests.partnerapi.simulators import Controls, running
from tests.services import PROJECT

# What is measured, median, spread, ratio, what the ratio is.
Row = tuple[str, str, str, str, str]

LATENCY_MS = 300
CALLS_A_SECOND = 8
# From an answer to the next call, as the guide has it.
PAUSE_SECONDS = 0.12

# What the platform itself takes: a branch, the drafting of a merge request, the merge.
PLATFORM_SECONDS = BRANCH_SECONDS + 2 * MERGE_STAGE_SECONDS

# Calls that change something beside the components themselves: branch, merge request, merge | and
# package, pack, package into the pack, release, two deployments, deletion of the branch.
WRITES_TO_MERGE = 3
WRITES_AFTER_MERGE = 7


def floor(components: int) -> float:
    """Seconds that a whole promotion takes at least."""
    return (components + WRITES_TO_MERGE + WRITES_AFTER_MERGE) / CALLS_A_SECOND


def floor_to_merge(components: int) -> float:
    """Seconds from the request to the merge, at least; without what the platform itself takes."""
    return (components + WRITES_TO_MERGE) / CALLS_A_SECOND


@contextmanager
def platform(dialect: str) -> Iterator[Controls]:
    """A simulated platform under these conditions.

    One call more than allowed is let pass within a second: evenly spaced calls arrive unevenly.
    """
    options = ("--dialect", dialect, "--pace-limit", str(CALLS_A_SECOND + 1))
    with running(*options) as controls:
        controls.control("latency", ms=LATENCY_MS)
        yield controls


def tell(rows: Sequence[Row], *, as_json: bool) -> None:
    """What a module has measured, for people or for `make bench`."""
    if as_json:
        sys.stdout.write(json.dumps(rows))
        return
    for name, middle, spread, ratio, what in rows:
        sys.stdout.write(f"{name:56}{middle:>9}{spread:>14}{ratio:>8}  {what}\n")


def told(module: str, *options: str) -> list[Row]:
    """What a module measures, in a process of its own: the settings are read once in each."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", "--json", *options]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    return [(str(a), str(b), str(c), str(d), str(e)) for a, b, c, d, e in json.loads(done.stdout)]
