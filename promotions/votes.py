"""Which approvals count, and who is still needed: what a promotion's frozen demand asks for, counted by people.

They are counted again on every call: somebody who was deactivated, left the group or is no longer an admin stops
counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from . import access
from .messages import PromotionError
from .models import Approval, Approved, Demand, PromotionRequest
from .states import Status

if TYPE_CHECKING:
    from django.db.models import QuerySet

# A place that one peer fills: in a group, by its key, or anybody's.
Place = int | None


@dataclass(frozen=True)
class Needed:
    """People who have not approved yet.

    :param group: the group that they must belong to; "" for anybody who sees the promotion.
    :param candidates: the members who may still approve; empty if anybody may.
    """

    number: int
    group: str = ""
    candidates: tuple[User, ...] = ()

    @property
    def are_too_few(self) -> bool:
        """Whether fewer people are left than are needed."""
        return bool(self.group) and len(self.candidates) < self.number


@dataclass
class Votes:
    """The approvals of a promotion, by whether they count.

    :param peers: approvals that count, one for each person.
    :param spent: approvals that no longer count: lapsed, tampered with, for other content, or by somebody who may not
        approve any more.
    """

    promotion: PromotionRequest
    demand: Demand
    peers: list[Approval] = field(default_factory=list)
    admins: list[Approval] = field(default_factory=list)
    spent: list[Approval] = field(default_factory=list)

    @cached_property
    def open_places(self) -> list[Place]:
        """The places that no peer has filled."""
        return self._open_places([approval.person for approval in self.peers])

    def _open_places(self, people: Sequence[User]) -> list[Place]:
        """Give each person at most one place, so that as few as possible stay open (augmenting paths)."""
        places: list[Place] = [
            row.group_id for row in self.demand.groups for _ in range(row.number)
        ]
        places += [None] * (self.demand.peers - len(places))
        groups = [set(person.groups.values_list("pk", flat=True)) for person in people]
        taken: dict[int, int] = {}  # person -> place

        def seat(place: int, asked: set[int]) -> bool:
            for person, own in enumerate(groups):
                if person in asked or not (places[place] is None or places[place] in own):
                    continue
                asked.add(person)
                if person not in taken or seat(taken[person], asked):
                    taken[person] = place
                    return True
            return False

        return [wanted for place, wanted in enumerate(places) if not seat(place, set())]

    @property
    def peers_are_done(self) -> bool:
        """Whether every place for a peer is filled."""
        return not self.open_places

    @property
    def admins_missing(self) -> int:
        """How many admins still have to approve."""
        return max(0, self.demand.admins - len(self.admins))

    @property
    def are_complete(self) -> bool:
        """Whether nobody is needed any more."""
        return self.peers_are_done and not self.admins_missing

    @cached_property
    def needed(self) -> list[Needed]:
        """The peers who are still needed, group by group."""
        found = []
        for group in self.demand.groups:
            if number := self.open_places.count(group.group_id):
                members = User.objects.filter(groups=group.group_id, is_active=True)
                candidates = [user for user in members.order_by("username") if self.may_vote(user)]
                found.append(Needed(number, group.name, tuple(candidates)))
        if number := self.open_places.count(None):
            found.append(Needed(number))
        return found

    def has_voted(self, user: User) -> bool:
        """Whether an approval by this person, under whatever name, already counts."""
        return any(
            access.same_person(user, person)
            for approval in (*self.peers, *self.admins)
            for person in (approval.person, approval.in_place_of)
            if person is not None
        )

    def may_vote(self, user: User) -> bool:
        """Whether an approval by the user could count, which excludes anybody the promotion or a policy leaves out."""
        return may_take_part(user, self.promotion, self.demand) and not self.has_voted(user)

    def may_approve_as_peer(self, user: User) -> bool:
        """Whether the user's approval would fill an open place."""
        if self.peers_are_done or not self.may_vote(user):
            return False
        people = [approval.person for approval in self.peers]
        return len(self._open_places([*people, user])) < len(self.open_places)

    def may_approve_as_admin(self, user: User) -> bool:
        """Whether the user may decide now: the peers are done, and a vote by the user, or for an admin, is missing."""
        return (
            self.peers_are_done
            and access.may_decide(user, self.promotion)
            and self.may_vote(user)
            and not self.has_voted_as_admin(user)
        )

    def has_voted_as_admin(self, user: User) -> bool:
        """Whether the user has voted, or else every admin in whose place they could."""
        represented = access.represented(user, self.promotion)
        return self.has_voted(user) or (bool(represented) and not self.represented(user))

    def represented(self, user: User) -> list[User]:
        """The admins in whose place the user may decide and whose votes are missing."""
        admins = access.represented(user, self.promotion)
        return [admin for admin in admins if not self.has_voted(admin)]


def count(promotion: PromotionRequest, approved: Approved) -> Votes:
    """The votes for exactly this object."""
    votes = Votes(promotion, approved.demand)
    now = timezone.now()
    rows = promotion.approvals.select_related("person", "in_place_of").order_by("at", "pk")
    for approval in rows:
        is_peer = approval.role == Approval.Role.PEER
        counts = (
            approval.approved_hash == (approved.peers_hash if is_peer else approved.hash)
            and approval.is_sealed
            and (approval.until is None or approval.until > now)
            and votes.may_vote(approval.person)
            and (
                may_be_peer(approval.person, promotion)
                if is_peer
                else _still_decides(approval, promotion)
            )
        )
        if not counts:
            votes.spent.append(approval)
        elif is_peer:
            votes.peers.append(approval)
        elif approval.in_place_of is None or not votes.has_voted(approval.in_place_of):
            votes.admins.append(approval)
    return votes


def _still_decides(approval: Approval, promotion: PromotionRequest) -> bool:
    """Whether the person is an admin now, or stood in at that time for somebody who still is one and may decide."""
    admin = approval.in_place_of
    if admin is None:
        return access.is_admin(approval.person)
    stood_in_for = access.stands_in_for(approval.person, approval.at)
    return may_take_part(admin, promotion) and admin in stood_in_for


def check(promotion: PromotionRequest, approved: Approved) -> None:
    """Refuse unless approvals that count meet the frozen demand.

    :raises PromotionError: APPROVAL_MISSING.
    """
    promotion.check_seal()
    if approved.demand != promotion.demanded:
        raise PromotionError(
            "APPROVAL_MISSING", "It asks for other people than the approved demand."
        )
    votes = count(promotion, approved)
    if not votes.are_complete:
        raise PromotionError("APPROVAL_MISSING", in_words(votes))


def may_take_part(user: User, promotion: PromotionRequest, demand: Demand | None = None) -> bool:
    """Whether the user may have a say at all: active, not the requester, and not left out by a policy."""
    demand = promotion.demanded if demand is None else demand
    return (
        user.is_active
        and not access.same_person(user, promotion.requester)
        and not access.is_excluded(user, demand)
    )


def may_be_peer(user: User, promotion: PromotionRequest) -> bool:
    """Whether the user belongs to those asked as peers, whether or not they are still needed."""
    demand = promotion.demanded
    if not demand.peers or not may_take_part(user, promotion, demand):
        return False
    if user.groups.filter(pk__in=[group.group_id for group in demand.groups]).exists():
        return True
    # A place without a group is for anybody who sees the promotion.
    return (
        demand.peers > sum(group.number for group in demand.groups)
        and access.promotions(user).filter(pk=promotion.pk).exists()
    )


def reviews(user: User, promotion: PromotionRequest) -> bool:
    """Whether the user is one of the promotion's reviewers: may decide on it, or is asked as a peer.

    Anybody whom a policy leaves out is not.
    """
    if access.may_decide(user, promotion):
        return not access.is_excluded(user, promotion.demanded)
    return may_be_peer(user, promotion)


def asked(user: User) -> QuerySet[PromotionRequest]:
    """The promotions in review that may concern the user; ``reviews`` decides for each of them."""
    waiting = access.promotions(user).filter(status=Status.ADMIN_REVIEW)
    if access.decides(user):
        return waiting
    own = user.groups.all()
    return waiting.filter(Q(peer_groups__in=own) | Q(demand__peers__gt=0)).distinct()


def in_words(votes: Votes) -> str:
    """Who is still needed, in a sentence."""
    parts = [_peers_in_words(needed) for needed in votes.needed]
    if votes.admins_missing:
        parts.append("an admin" if votes.admins_missing == 1 else f"{votes.admins_missing} admins")
    return f"Still needed: {_listed(parts)}." if parts else ""


def _peers_in_words(needed: Needed) -> str:
    noun = "peer" if needed.number == 1 else "peers"
    return f"{needed.number} {noun}" + (f" from {needed.group}" if needed.group else "")


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
