"""A great deal more of the same, for trying how quick things are and where the bounds lie."""

from typing import Any

from partnerapi.simulator import documents
from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.planting import happen, package_events, save_event, uid
from partnerapi.simulator.state import Account, World

WIDE = 190  # just under the default bound of a plan
TOO_WIDE = 260  # above it
PACKAGES = 2000
PRODUCTION_COMPONENTS = 1000
PERSON = "olga.orders@example.com"


def plant(world: World, orders_id: str) -> World:
    """Add it to a world of Northwind, which is given back."""
    orders = world.accounts[orders_id]
    packaged: list[dict[str, Any]] = []
    for key, name, size in (
        ("wide", "Wide Process", WIDE),
        ("too-wide", "Too Wide Process", TOO_WIDE),
    ):
        profiles = [f"{key}-{number}" for number in range(size - 1)]
        for n, profile in enumerate(profiles):
            content = x.json_profile((f"field{n}", "name", "value"))
            folder = f"Large/{name}"
            _save(world, orders, profile, f"{name} profile {n}", "profile.json", content, folder)
        steps = (x.decision(uid(orders.id, p), f"Step {n}") for n, p in enumerate(profiles))
        content = x.process((x.start(), *steps, x.stop()))
        _save(world, orders, key, name, "process", content, f"Large/{name}")
        packaged.append({"component": key, "version": "1.0", "notes": f"{size} components"})
    packaged.append(
        {
            "component": "heartbeat",
            "version": "large.{n}",
            "count": PACKAGES,
            "created": "2025-04-01T00:00:00Z",
            "notes": "One of very many",
        }
    )
    happen([*package_events(orders, PERSON, packaged)])
    for n in range(PRODUCTION_COMPONENTS):
        name, folder = f"Production component {n}", f"Filler/Group {n % 25}"
        content = x.json_profile(("id", "name"))
        _save(world, world.primary, f"filler-{n}", name, "profile.json", content, folder)
    return world


def _save(
    world: World, account: Account, key: str, name: str, type_: str, content: str, folder: str
) -> None:
    attributes = x.attrs(name=name, type=type_, folderFullPath=folder)
    document = (
        f"<bns:Component {documents.ROOT_NAMESPACES}{attributes}><bns:object>{content}"
        "</bns:object></bns:Component>"
    )
    sent = documents.read_component(document.encode(), blanks=False)
    save_event(world, account, PERSON, key, sent)[1]()
