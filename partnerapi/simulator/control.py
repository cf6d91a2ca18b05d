"""The control endpoint: looking inside, resetting, faults and modes."""

import json
from dataclasses import asdict, fields
from typing import Any
from urllib.parse import parse_qs

from partnerapi.simulator import components, packages, people
from partnerapi.simulator.branches import LEFT_OUT_AS
from partnerapi.simulator.errors import bad_request, not_found
from partnerapi.simulator.faults import read_fault
from partnerapi.simulator.service import Service
from partnerapi.simulator.state import Account, Component, Modes, World
from partnerapi.simulator.wire import XML, Answer, Fields, to_json

CHOICES: dict[str, frozenset[str]] = {
    "merge_mode": frozenset({"normal", "fail", "auto", "stuck", "fail_draft"}),
    "branch_mode": frozenset({"normal", "never_ready"}),
    "merge_details": frozenset({"full", "none"}),
    "merge_leaves_out_as": LEFT_OUT_AS,
    "release_mode": frozenset({"normal", "error", "stuck", "scheduled"}),
    "immaterial": frozenset({"refuse", "accept"}),
    "omitted_secret": frozenset({"keep", "delete"}),
}


def handle(service: Service, method: str, path: str, query: str, body: bytes) -> Answer:
    """Answer one call of the control endpoint. The caller holds the lock."""
    params = {name: values[0] for name, values in parse_qs(query).items()}
    what, _, rest = path.removeprefix("/_control/").partition("/")
    if method == "GET" and what == "state":
        return _json(state(service, int(params.get("calls", "200"))))
    if method == "GET" and what == "component":
        return raw_component(service.world, rest, params.get("branch", ""))
    if method == "GET" and what == "faults":
        return _json([asdict(fault) for fault in service.faults])
    if method != "POST":
        raise not_found(f"There is no {method} /_control/{what}.")
    sent = json.loads(body or b"{}")
    if what == "reset":
        service.reset(sent.get("seed", "default"), dialect=sent.get("dialect", ""))
        return _json({"ok": True})
    if what == "faults":
        return _json(_add_faults(service, sent))
    if what == "latency":
        service.latency = float(sent["ms"]) / 1000
        return _json({"ok": True})
    if what == "pace":
        service.pace_limit = int(sent.get("limit") or 0)
        return _json({"ok": True})
    if what == "edit":
        return _json(edit(service, sent))
    raise not_found(f"There is no POST /_control/{what}.")


def _json(value: Any) -> Answer:
    return Answer(200, to_json(value), "application/json")


def _add_faults(service: Service, sent: Any) -> Fields:
    """One fault, a list of them, or ``{"clear": true}``."""
    if isinstance(sent, dict) and sent.get("clear"):
        service.faults.clear()
        return {"ok": True}
    added = [read_fault(fault) for fault in (sent if isinstance(sent, list) else [sent])]
    service.faults.extend(added)
    return {"ok": True, "ids": [fault.id for fault in added]}


# Looking inside


def state(service: Service, calls: int) -> Fields:
    """Everything that a test may want to assert, without any secret."""
    world = service.world
    primary = world.primary
    return {
        "dialect": service.dialect,
        "primary": primary.id,
        "accounts": {a.id: _account_state(a) for a in world.accounts.values()},
        "branches": [
            {
                "id": b.id,
                "name": b.name,
                "ready": b.ready,
                "stage": b.stage,
                "packageId": b.package_id,
            }
            for b in primary.branches.values()
        ],
        "packages": _package_states(primary),
        "packs": [_pack_state(primary, pack.id) for pack in primary.packs.values()],
        "releases": [asdict(release) for release in primary.releases.values()],
        "deployments": [asdict(deployment) for deployment in primary.deployments.values()],
        "merges": [asdict(merge) for merge in primary.merges.values()],
        "modes": asdict(world.modes),
        "faults": [asdict(fault) for fault in service.faults],
        "mask_stored": world.mask_stored,
        "secrets_cleared": world.secrets_cleared,
        "dangling_references": _dangling(primary),
        "calls": service.calls.summary(calls),
    }


def _account_state(account: Account) -> Fields:
    return {
        "name": account.name,
        "components": [_component_state(account, c) for c in account.components.values()],
        "packages": _package_states(account),
        "folders": sorted(f.full_path for f in account.folders.values() if not f.deleted),
        "environments": [asdict(e) for e in account.environments.values()],
        "runtimes": [asdict(runtime) for runtime in account.runtimes.values()],
    }


def _package_states(account: Account) -> list[Fields]:
    return [asdict(package) for package in account.packages.values()]


def _component_state(account: Account, component: Component) -> Fields:
    on_main = component.on_main(account.main_id)
    shown = on_main or components.newest(account, component)
    return {
        "id": component.id,
        "name": shown.name,
        "type": component.type,
        "version": on_main.number if on_main else None,
        "folder": account.folders[shown.folder_id].full_path,
        "deleted": shown.deleted,
        "locked": component.locked,
        "copiedFromComponentId": component.copied_from_id,
        "sha": on_main.sha if on_main else None,
        "branches": {
            branch_id: {"version": number, "sha": component.versions[number].sha}
            for branch_id, number in component.heads.items()
            if branch_id in account.branches
        },
    }


def _pack_state(account: Account, pack_id: str) -> Fields:
    pack = account.packs[pack_id]
    release = packages.newest_release(account, pack)
    return {
        **{name: getattr(pack, name) for name in ("id", "name", "description")},
        "installationType": pack.installation_type,
        "releasedVersion": release.version if release else "",
        "entries": [
            {**asdict(entry), "version": account.packages[entry.package_id].version}
            for entry in pack.entries.values()
        ],
    }


def _dangling(account: Account) -> list[Fields]:
    """References on main that lead to no component of the account: there must never be one."""
    found = []
    for component in account.components.values():
        on_main = component.on_main(account.main_id)
        if on_main is not None and not on_main.deleted:
            for guid in components.dangling(account, component, on_main):
                found.append({"componentId": component.id, "name": on_main.name, "missing": guid})
    return found


def raw_component(world: World, component_id: str, branch_id: str) -> Answer:
    """The stored XML with its real secrets."""
    account, component = people.find(world, component_id)
    branch = account.branch(branch_id) if branch_id else account.main
    version = components.head(account, component, branch)
    if version is None:
        raise not_found(f"The component ({component_id}) is not on that branch.")
    return Answer(200, components.raw_document(world, account, component, version), XML)


# Changing it


def edit(service: Service, sent: Fields) -> Fields:
    """Change modes, or do one ``action`` of other people."""
    world = service.world
    action = sent.get("action", "")
    for name, value in sent.items():
        if name in CHOICES or name in {field.name for field in fields(Modes)}:
            if name in CHOICES and value not in CHOICES[name]:
                raise bad_request(f"{name} is one of {', '.join(sorted(CHOICES[name]))}.")
            setattr(world.modes, name, value)
        elif not action:
            raise bad_request(f"There is no mode {name}.")
    if not action:
        return {"ok": True, "modes": asdict(world.modes)}
    return {"ok": True, **people.do(world, sent)}
