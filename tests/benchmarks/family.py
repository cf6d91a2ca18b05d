"""A process with all that it uses, planted into a dev account of the simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from xml.sax.saxutils import quoteattr

from partnerapi.simulator import seed, seed_xml
from partnerapi.simulator.documents import ROOT_NAMESPACES

ACCOUNT = seed.ORDERS_ACCOUNT
# A group is a subprocess with its scripts.
GROUP = 5


class Editor(Protocol):
    """Whoever plays other people at the simulator."""

    def edit(self, **change: Any) -> dict[str, Any]:
        """See the simulator's control endpoint."""


@dataclass
class Family:
    """:ivar ids: of every component, each after those that it uses; the root is the last one."""

    name: str
    platform: Editor
    account: str = ACCOUNT
    ids: list[str] = field(default_factory=list)
    edition: int = 1

    @property
    def root(self) -> str:
        return self.ids[-1]

    def package(self) -> str:
        """Packages the root as it is now. Returns the package's id."""
        made = self.platform.edit(
            action="create_package", componentId=self.root, packageVersion=f"{self.edition}.0"
        )
        return str(made["packageId"])

    def change(self) -> None:
        """Gives every component a new version in the dev account."""
        old, self.edition = self.edition, self.edition + 1
        swap = [[f"edition {old}", f"edition {self.edition}"]]
        for component_id in self.ids:
            self.platform.edit(action="component_xml", componentId=component_id, replace=swap)


def plant(platform: Editor, name: str, count: int, *, account: str = ACCOUNT) -> Family:
    """A root process with subprocesses and scripts, `count` components in all."""
    family = Family(name, platform, account)
    calls: list[seed_xml.Shape] = []
    left = count - 1
    while left >= GROUP:
        scripts = [_script(family) for _ in range(GROUP - 1)]
        steps = [seed_xml.script_shape(script) for script in scripts]
        calls.append(seed_xml.call(_process(family, f"Part {len(calls) + 1}", steps)))
        left -= GROUP
    calls += [seed_xml.script_shape(_script(family)) for _ in range(left)]
    _process(family, "Root", calls)
    assert len(family.ids) == count
    return family


def _script(family: Family) -> str:
    text = f"// edition 1\ndef step = {len(family.ids)}\n"
    return _make(family, "Step", "script.processing", seed_xml.processing_script(text))


def _process(family: Family, name: str, shapes: list[seed_xml.Shape]) -> str:
    steps = (seed_xml.start(), seed_xml.note("edition 1"), *shapes, seed_xml.stop())
    return _make(family, name, "process", seed_xml.process(steps))


def _make(family: Family, name: str, kind: str, content: str) -> str:
    name = f"{family.name} {name} {len(family.ids) + 1}"
    xml = (
        f'<bns:Component {ROOT_NAMESPACES} name={quoteattr(name)} type="{kind}">'
        "<bns:encryptedValues/><bns:description></bns:description>"
        f"<bns:object>{content}</bns:object></bns:Component>"
    )
    made = family.platform.edit(
        action="create_component", account=family.account, xml=xml, folder="Benchmarks"
    )
    family.ids.append(str(made["componentId"]))
    return family.ids[-1]
