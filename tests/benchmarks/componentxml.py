"""How long a component's way takes beside a bare lxml parse of the same bytes.

Run ``python -m tests.benchmarks.componentxml``. Ratios are of times in one run, so that they say the same on a busy
machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import median

from lxml import etree

from partnerapi import componentxml
from partnerapi.componentxml import Document
from tests.partnerapi.component_samples import component


def profile(elements: int) -> bytes:
    """A profile with that many mappable elements."""
    rows = "".join(
        f'<XMLElement dataType="character" isMappable="true" key="{number}" maxOccurs="1" minOccurs="0" '
        f'name="Field{number}" validateData="false"><DataFormat><ProfileCharacterFormat/></DataFormat></XMLElement>'
        for number in range(elements)
    )
    return component(f'<XMLProfile xmlns="">{rows}</XMLProfile>', type="profile.xml")


def inputs(count: int) -> bytes:
    """A map function with that many inputs: siblings that name each other."""
    rows = "".join(
        f'<Input default="v{number}" key="{number}" name="in{number}"/>' for number in range(count)
    )
    return component(f"<FunctionStep><Inputs>{rows}</Inputs></FunctionStep>", type="transform.map")


def stages(data: bytes) -> dict[str, Callable[[], object]]:
    """Everything that happens to a component that is created; each stage needs the one before."""
    documents: dict[str, Document] = {}

    def parse() -> None:
        documents["dev"] = Document.parse(data)

    def strip() -> None:
        documents["stripped"] = componentxml.strip(documents["dev"]).document

    def rewrite() -> None:
        documents["planned"] = componentxml.rewrite(documents["stripped"], {}).document

    def hide() -> None:
        documents["shown"] = componentxml.hide(documents["planned"])

    return {
        "parse": parse,
        "strip": strip,
        "rewrite": rewrite,
        "digest": lambda: componentxml.digest(documents["planned"]),
        "hide": hide,
        "lines": lambda: componentxml.pretty_lines(documents["shown"]),
        "fill": lambda: componentxml.fill(documents["planned"], production=None, ids={}).to_bytes(),
        "mask": lambda: componentxml.mask(documents["dev"]),
    }


def way(data: bytes) -> None:
    """A component's whole way."""
    for stage in stages(data).values():
        stage()


def best(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of the processor's time in the quickest of several runs."""
    seconds = []
    for _ in range(runs):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def bare(data: bytes, runs: int = 15) -> float:
    """Seconds of a bare parse, which is short and so repeated more often."""
    return best(lambda: etree.fromstring(data), runs)


def ratio(data: bytes, groups: int = 3, enough: float = 0) -> float:
    """A component's whole way in bare parses of its bytes.

    Both are measured by turns, so that what else the machine does slows both; of each group of turns
    the medians are compared, and the group that was disturbed least counts. The first one that is
    `enough` ends the measuring.
    """
    found: list[float] = []
    while len(found) < groups and not (found and found[-1] <= enough):
        turns = [(best(lambda: way(data), 1), bare(data, 3)) for _ in range(5)]
        whole, parse = (median(seconds) for seconds in zip(*turns, strict=True))
        found.append(whole / parse)
    return min(found)


def ratios(data: bytes, runs: int = 5) -> dict[str, float]:
    """Each stage of the way in bare parses."""
    found: dict[str, float] = {}
    for _ in range(runs):
        for name, stage in stages(data).items():
            found[name] = min(best(stage, 1), found.get(name, math.inf))
    whole = bare(data)
    return {name: seconds / whole for name, seconds in found.items()}


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "profile": lambda: profile(10_000),
    "inputs": lambda: inputs(20_000),
}


if __name__ == "__main__":
    for name, make in DOCUMENTS.items():
        data = make()
        print(f"{name}: {len(data):,} bytes, {ratio(data):.1f} bare parses")  # noqa: T201
        print("  " + ", ".join(f"{one} {of:.2f}" for one, of in ratios(data).items()))  # noqa: T201
