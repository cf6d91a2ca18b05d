"""A great deal more of the same, for trying how quick things are and where the bounds lie."""

from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.seed_tools import Planter

WIDE = 190  # just under the default bound of a plan
TOO_WIDE = 260  # above it
PACKAGES = 2000
PRODUCTION_COMPONENTS = 1000


def plant(orders: Planter, production: Planter) -> None:
    for key, name, size in (
        ("wide", "Wide Process", WIDE),
        ("too-wide", "Too Wide Process", TOO_WIDE),
    ):
        for number in range(size - 1):
            orders.component(
                f"{key}-{number}",
                f"{name} profile {number}",
                "profile.json",
                x.json_profile((f"field{number}", "name", "value")),
                folder=f"Large/{name}",
            )
        orders.component(
            key,
            name,
            "process",
            x.process(
                (
                    x.start(),
                    *(x.decision(orders.id(f"{key}-{n}"), f"Step {n}") for n in range(size - 1)),
                    x.stop(),
                )
            ),
            folder=f"Large/{name}",
        )
        orders.package(key, "1.0", f"{size} components")
    for number in range(PACKAGES):
        orders.package("heartbeat", f"large.{number}", "One of very many")
    for number in range(PRODUCTION_COMPONENTS):
        production.component(
            f"filler-{number}",
            f"Production component {number}",
            "profile.json",
            x.json_profile(("id", "name")),
            folder=f"Filler/Group {number % 25}",
        )
