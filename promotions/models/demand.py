"""Whose approvals a promotion needs: the review policies at its submission, combined and frozen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class GroupDemand:
    """A number of peers from one group."""

    group_id: int
    name: str
    number: int


@dataclass(frozen=True)
class Demand:
    """The strictest of all policies that applied; without any, one admin decides.

    :param policies: the names of those that applied.
    :param peers: how many people approve before the admins, including those of ``groups``.
    :param excluded_groups: ids of groups whose members neither approve nor reject.
    :param excluded_people: ids of people who neither approve nor reject.
    """

    policies: tuple[str, ...] = ()
    peers: int = 0
    groups: tuple[GroupDemand, ...] = ()
    admins: int = 1
    excluded_groups: tuple[int, ...] = ()
    excluded_people: tuple[int, ...] = ()

    @property
    def approvals(self) -> int:
        """How many people approve in all."""
        return self.peers + self.admins

    def as_json(self) -> dict[str, Any]:
        """For the database; empty if no policy applied."""
        return json.loads(json.dumps(asdict(self))) if self.policies else {}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Demand:
        """:raises KeyError, TypeError: when this is no such object."""
        if not stored:
            return cls()
        lists = ("policies", "excluded_groups", "excluded_people")
        return cls(
            **{
                **stored,
                **{name: tuple(stored[name]) for name in lists},
                "groups": tuple(GroupDemand(**row) for row in stored["groups"]),
            }
        )
