"""What a deployment would do beside what the differences show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from partnerapi.client import PartnerApiClient
from partnerapi.records import ComponentMetadata, PackagedComponent, Reference
from promotions.plan import cautions
from promotions.plan.cautions import MAX_LOOKUPS, OtherUsers, listener, not_for_packs
from promotions.plan.resolve import Resolved
from promotions.reading import read
from tests.reading import samples


def metadata(component_id: str, kind: str = "process") -> ComponentMetadata:
    return ComponentMetadata(component_id, f"Name of {component_id}", kind, 1, "Orders")


def resolved(root: str, used: str) -> Resolved:
    package = PackagedComponent("p", "1", "root", root, 1)
    found = Resolved(package, "root")
    found.components = {"root": metadata("root", root), "used": metadata("used", used)}
    return found


@pytest.mark.parametrize(
    ("root", "used", "named"),
    [
        ("process", "process", []),
        ("process", "processroute", ["used"]),
        ("processroute", "process", ["root"]),
        ("certificate", "process", ["root"]),
        ("certificate.pgp", "process", ["root"]),
        ("customlibrary", "process", ["root"]),
        # What a process merely uses is packaged with it.
        ("process", "certificate", []),
        ("webservice", "process", []),
    ],
)
def test_what_no_pack_can_hold(root: str, used: str, named: list[str]) -> None:
    found = list(not_for_packs(resolved(root, used)))
    assert [one.subject_id for one in found] == named
    assert all(one.blocking and not one.can_be_accepted for one in found)


def test_a_retyped_element_is_told_before_the_platform_refuses_it() -> None:
    old, new = samples.changed_profile()
    order = metadata("order", "profile.xml")
    [found] = cautions.elements_retyped(order, read(old, new, {}))
    assert (found.code, found.blocking) == ("ELEMENT_RETYPED", False)
    assert "retypes Order/total (character → number)." in found.message
    assert not list(cautions.elements_retyped(order, read(new, new, {})))
    assert not list(cautions.elements_retyped(order, read(*samples.changed_map(), {})))


@pytest.mark.parametrize(
    ("kind", "xml", "listens"),
    [
        ("process", b'<connectoraction actionType="Listen" connectorType="wss"/>', True),
        ("process", b"<connectoraction actionType = 'LISTEN'/>", True),
        ("process", b'<connectoraction actionType="Send"/>', False),
        ("connector-action", b'<x actionType="Listen"/>', False),
        ("webservice", b"<webservice/>", True),
        ("flowservice", b"<flow/>", True),
    ],
)
def test_what_listens(kind: str, xml: bytes, listens: bool) -> None:
    assert bool(list(listener(metadata("a", kind), xml))) is listens


class Production:
    """Answers who uses what."""

    def __init__(self, parents: dict[str, list[str]], kinds: dict[str, str]) -> None:
        self.parents, self.kinds = parents, kinds
        self.asked = 0

    def get_many_parents(self, component_ids: list[str], **_: Any) -> dict[str, Any]:
        self.asked += len(component_ids)
        return {
            id_: tuple(Reference(parent, "DEPENDENT") for parent in self.parents.get(id_, []))
            for id_ in component_ids
        }

    def get_many_metadata(self, component_ids: Iterable[str], **_: Any) -> dict[str, Any]:
        return {id_: metadata(id_, self.kinds.get(id_, "process")) for id_ in component_ids}


def others(production: Production, **promoted: str) -> OtherUsers:
    found = OtherUsers(cast("PartnerApiClient", production), promoted)
    found.look_up(["profile"])
    return found


def test_users_are_followed_to_processes_and_cycles_end() -> None:
    production = Production(
        {"profile": ["map", "ours"], "map": ["far", "map"], "far": ["further"]},
        {"map": "transform.map"},
    )
    (found,) = others(production, profile="profile.json", ours="process").of(
        metadata("dev", "profile.json"), "profile"
    )
    assert "“Name of far” uses" in found.message
    assert "further" not in found.message
    assert "ours" not in found.message
    assert (found.code, found.blocking) == ("USED_BY_OTHERS", False)


def test_promoted_components_on_the_way_are_followed_too() -> None:
    production = Production({"profile": ["map"], "map": ["far"]}, {})
    promoted = others(production, profile="profile.json", map="transform.map")
    assert "“Name of far” uses" in next(iter(promoted.of(metadata("dev"), "profile"))).message


def test_nobody_else_is_no_finding() -> None:
    production = Production({"profile": ["ours"]}, {})
    assert not list(others(production, ours="process").of(metadata("dev"), "profile"))


def test_the_calls_and_the_names_are_bounded() -> None:
    users = [f"user-{n}" for n in range(1000)]
    parents = {"profile": ["map", *users], "map": [f"map-{n}" for n in range(1000)]}
    kinds = dict.fromkeys(["map", *parents["map"]], "transform.map")
    production = Production(parents, kinds)
    (found,) = others(production).of(metadata("dev"), "profile")
    assert production.asked == MAX_LOOKUPS
    assert found.message.count("“Name of user") == cautions.MAX_NAMED
    assert f"and {len(users) - cautions.MAX_NAMED} more use" in found.message
    assert "There may be others" in found.message
