"""The guide's steps by hand: one call after the other, each after a pause."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from partnerapi.simulator import seed
from tests.benchmarks.conditions import PAUSE_SECONDS, platform
from tests.benchmarks.family import ACCOUNT, Family, plant
from tests.partnerapi.simulators import Controls

BRANCH_POLL_SECONDS = 5
MERGE_POLL_SECONDS = 2


@dataclass
class Hand:
    """Somebody with the guide in one hand. It knows what it has promoted: dev id -> production id."""

    api: Controls
    twins: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    def promote(self, family: Family, package_id: str) -> float:
        """Carries the family to production. Returns the seconds that it took."""
        began = time.monotonic()
        self._call("POST", "PackagedComponent/query", _query(package_id), account=ACCOUNT)
        order = self._resolve(family.root)
        self._json("POST", "Branch/query", {})
        name = f"promo-{family.name}-{family.edition}".lower().replace(" ", "-")
        made = self._json("POST", "Branch", {"name": name, "description": family.name})
        branch = made["branchId"]
        while not self._json("GET", f"Branch/{branch}")["ready"]:
            time.sleep(BRANCH_POLL_SECONDS)
        for component in order:
            self._write(component, branch)
        self._merge(branch)
        self._release(family)
        self._json("DELETE", f"Branch/{branch}")
        return time.monotonic() - began

    def _resolve(self, root: str) -> list[str]:
        """Breadth first over who uses what; what is used comes before its users."""
        found, waiting = [root], [root]
        while waiting:
            component = waiting.pop(0)
            self._call("GET", f"ComponentMetadata/{component}", account=ACCOUNT)
            answer = self._call("GET", f"ComponentReference/{component}", account=ACCOUNT)
            for used in re.findall(r'<bns:references [^>]*componentId="([^"]*)"', answer):
                if used in found:
                    found.remove(used)
                else:
                    waiting.append(used)
                found.append(used)
        return found[::-1]

    def _write(self, component: str, branch: str) -> None:
        xml = self._call("GET", f"Component/{component}", account=ACCOUNT)
        for dev_id, twin in self.twins.items():
            xml = xml.replace(dev_id, twin)
        xml = re.sub(
            r'folderFullPath="[^"]*"', 'folderFullPath="/Promoted/Benchmarks"', xml, count=1
        )
        known = self.twins.get(component)
        if known is None:
            xml = re.sub(r'componentId="[^"]*"', 'componentId=""', xml, count=1)
        path = f"Component/{known}~{branch}" if known else f"Component~{branch}"
        answer = self._call("POST", path, xml)
        match = re.search(r'<bns:Component [^>]*?componentId="([^"]*)"', answer)
        assert match, answer[:300]
        self.twins[component] = match[1]

    def _merge(self, branch: str) -> None:
        asked = {"sourceBranchId": branch, "targetBranchId": self._main(), "strategy": "OVERRIDE"}
        merge = self._json("POST", "MergeRequest", {**asked, "priorityBranch": branch})
        path = f"MergeRequest/{merge['mergeRequestId']}"
        while (stage := self._json("GET", path)["stage"]) != "MERGED":
            if stage == "REVIEWING":
                execute = f"MergeRequest/execute/{merge['mergeRequestId']}"
                self._json("POST", execute, {"action": "MERGE"})
            time.sleep(MERGE_POLL_SECONDS)

    def _main(self) -> str:
        return str(next(b["id"] for b in self.api.state()["branches"] if b["name"] == "main"))

    def _release(self, family: Family) -> None:
        version, notes = f"{family.edition}.0", "By hand."
        body = {"componentId": self.twins[family.root], "packageVersion": version, "notes": notes}
        package = self._json("POST", "PackagedComponent", {**body, "shareable": True})["packageId"]
        named = {"name": f"{family.name} {version}", "description": "", "installationType": "MULTI"}
        pack = self._json("POST", "IntegrationPack", named)["id"]
        self._json("POST", f"IntegrationPack/{pack}/PackagedComponent/{package}")
        body = {"integrationPackId": pack, "version": version, "notes": notes}
        released = self._json("POST", "ReleaseIntegrationPack", body)["packageId"]
        for key in ("prod-eu", "prod-us"):
            where = {"environmentId": seed.ENVIRONMENTS[key], "packageId": released}
            self._json("POST", "DeployedPackage", where)

    # --- Calls -------------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: str | None = None, *, account: str = "") -> str:
        answer = self._send(method, path, body=body, account=account)
        # No references are a 400 in the guide.
        assert answer.ok or "ComponentReference" in path, f"{path}: {answer.text[:300]}"
        return answer.content.decode()

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._send(method, path, json=body, accept="application/json")
        assert answer.ok, f"{path}: {answer.text[:300]}"
        return answer.json() if answer.content and answer.text[:1] in "{[" else {}

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        time.sleep(PAUSE_SECONDS)
        self.calls += 1
        return self.api.call(method, path, **options)


def _query(package_id: str) -> str:
    return '<QueryFilter xmlns="http://api.platform.boomi.com/"/>' if package_id else ""


def run(components: int, repeat: int) -> list[dict[str, Any]]:
    """A creation and an update for each repetition."""
    results: list[dict[str, Any]] = []
    with platform("guide") as api:
        for number in range(repeat):
            family = plant(api, f"Hand {number + 1}", components)
            hand = Hand(api)
            for kind in ("create", "update"):
                if kind == "update":
                    family.change()
                before = hand.calls
                seconds = hand.promote(family, family.package())
                results.append({"kind": kind, "whole": seconds, "calls": hand.calls - before})
    return results
