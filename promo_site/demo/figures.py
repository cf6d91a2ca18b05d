"""What the simulated platform holds after the demo's promotion, against what it held before."""

from __future__ import annotations

from typing import Any

State = dict[str, Any]


class NotDeployed(Exception):
    """The platform does not hold what a deployed promotion leaves there."""


def figures(before: State, after: State, *, planned: int, pack_name: str) -> str:
    """One sentence with the figures.

    :raises NotDeployed: with what is missing.
    """
    promoted = _changed(before, after)
    packages = _new(before, after, "packages")
    packs = _new(before, after, "packs")
    releases = _new(before, after, "releases")
    deployments = [d for d in _new(before, after, "deployments") if d["active"]]
    branches = [branch["name"] for branch in after["branches"] if branch["name"] != "main"]
    ids = {package["id"] for package in packages}
    released = ids & {entry["released"] for pack in packs for entry in pack["entries"]}
    production = [
        environment
        for environment in after["accounts"][after["primary"]]["environments"]
        if environment["classification"] == "PROD"
    ]
    wanted = {
        f"{planned} components promoted, not {len(promoted)}": planned == len(promoted) > 0,
        f"one package, not {len(packages)}": len(packages) == 1,
        f"the pack “{pack_name}”": [pack["name"] for pack in packs] == [pack_name],
        "the package released in the pack": released == ids,
        f"one successful release, not {[r['status'] for r in releases]}": [
            release["status"] for release in releases
        ]
        == ["SUCCESS"],
        f"{len(production)} deployments, not {len(deployments)}": len(deployments)
        == len(production),
        f"no branch, not {branches}": not branches,
        f"no reference that leads nowhere, not {after['dangling_references']}": not after[
            "dangling_references"
        ],
        "no masked secret written as if it were one": not after["mask_stored"],
    }
    missing = [what for what, is_there in wanted.items() if not is_there]
    if missing:
        raise NotDeployed("The platform should hold " + "; ".join(missing) + ".")
    return (
        f"{len(promoted)} components on main, {len(packages)} package "
        f"({packages[0]['version']}), {len(packs)} pack (“{pack_name}”), "
        f"{len(releases)} release, {len(deployments)} deployments, {len(branches)} branches left"
    )


def _changed(before: State, after: State) -> list[str]:
    """Ids of the production components that are new or have a new version on main."""
    versions = [
        {c["id"]: c["version"] for c in state["accounts"][state["primary"]]["components"]}
        for state in (before, after)
    ]
    return [
        component_id
        for component_id, version in versions[1].items()
        if version is not None and version != versions[0].get(component_id)
    ]


def _new(before: State, after: State, what: str) -> list[dict[str, Any]]:
    known = {thing["id"] for thing in before[what]}
    return [thing for thing in after[what] if thing["id"] not in known]
