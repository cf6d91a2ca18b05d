"""Faults that tests ask for: which call they hit, and how often."""

import itertools
from dataclasses import dataclass
from typing import Any

from partnerapi.simulator.errors import bad_request
from partnerapi.simulator.routing import Route

KINDS = frozenset(
    {
        "status",
        "timeout",
        "reset",
        "lost_reply",
        "truncated",
        "html",
        "empty",
        "endless",
        "redirect",
        "error_in_200",
        "wrong_encoding",
        "doctype",
        "other_status",
        "echo",
        "meanwhile",
        "slow",
    }
)
# What has been done when the fault strikes; a test may say otherwise with "done".
DONE_BEFORE = frozenset({"lost_reply", "truncated", "wrong_encoding", "doctype", "other_status"})

_numbers = itertools.count(1)


@dataclass
class Fault:
    """``times`` calls of ``operation`` go wrong, after the first ``after`` have gone well."""

    id: int
    operation: str
    kind: str
    times: int
    after: int
    status: int
    message: str
    retry_after: str
    seconds: float
    done: bool
    edit: dict[str, Any]  # what other people do at that moment
    hits: int = 0

    def matches(self, route: Route) -> bool:
        """By the guide's number, by name, by the object of a supporting call, or by kind.

        ``read`` is any call that changes nothing, ``write`` any other, ``*`` any at all.
        """
        wanted = self.operation.lower()
        names = {str(route.operation).lower(), route.name.lower(), "*"}
        names.add("read" if route.reads else "write")
        if isinstance(route.operation, str):
            names.add(route.operation.split()[0].lower())
        return wanted in names

    def strikes(self) -> bool:
        """Count one matching call; True if it is one of those that go wrong."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times == 0:
            return False
        if self.times > 0:
            self.times -= 1
        self.hits += 1
        return True


def read_fault(fields: dict[str, Any]) -> Fault:
    kind = str(fields.get("kind", "status"))
    if kind not in KINDS:
        raise bad_request(f"The fault kind {kind} is not one of {', '.join(sorted(KINDS))}.")
    if (kind == "meanwhile") != ("edit" in fields):
        raise bad_request("A fault has an edit if its kind is meanwhile, and only then.")
    default_status = {"status": 503, "redirect": 302, "other_status": 201, "echo": 400}.get(
        kind, 200
    )
    return Fault(
        id=next(_numbers),
        operation=str(fields.get("operation", "*")),
        kind=kind,
        times=int(fields.get("times", 1)),
        after=int(fields.get("after", 0)),
        status=int(fields.get("status", default_status)),
        message=str(fields.get("message", "A fault was asked for.")),
        retry_after=str(fields.get("retry_after", "")),
        seconds=float(fields.get("seconds", 30)),
        done=bool(fields.get("done", kind in DONE_BEFORE)),
        edit=dict(fields.get("edit") or {}),
    )


def striking(faults: list[Fault], route: Route) -> Fault | None:
    """The first fault that strikes this call. Every matching one counts it."""
    struck = None
    for fault in faults:
        if struck is None and fault.matches(route) and fault.strikes():
            struck = fault
    return struck
