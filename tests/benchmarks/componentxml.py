"""How long a component's way takes beside a bare lxml parse of the same bytes.

Run ``python -m tests.benchmarks.componentxml``. Ratios are of the best of several runs, so that they say the same on a
busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

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


def way(data: bytes) -> None:
    """Everything that happens to a component that is created."""
    stripped = componentxml.strip(Document.parse(data)).document
    planned = componentxml.rewrite(stripped, {}).document
    componentxml.digest(planned)
    componentxml.pretty_lines(componentxml.hide(planned))
    componentxml.fill(planned, production=None, ids={}).to_bytes()


def best(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of the quickest of several runs."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def ratio(data: bytes) -> float:
    """A component's whole way in bare parses of its bytes."""
    return best(lambda: way(data)) / best(lambda: etree.fromstring(data))


if __name__ == "__main__":
    for name, data in (("profile", profile(10_000)), ("inputs", inputs(20_000))):
        print(f"{name}: {len(data):,} bytes, {ratio(data):.1f} bare parses")  # noqa: T201
