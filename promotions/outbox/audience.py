"""Who gets a message."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from .. import access, votes
from ..models import Approval, Deputy, Message, MessageKind, PromotionRequest
from ..states import Status

# Told to the promotion's requester, unless they did it themselves.
TO_REQUESTER = {
    MessageKind.DECIDED,
    MessageKind.ENDED,
    MessageKind.FAILED,
    MessageKind.COMMENTED,
}
TO_ADMINS = {MessageKind.ASKED, MessageKind.PLATFORM, MessageKind.STRAY_BRANCH, MessageKind.DRIFT}


def audience(message: Message) -> list[User]:
    """The people who get this message, by what they may do at this moment."""
    event = message.event
    promotion = event.promotion
    found: Iterable[User] = []
    if message.kind in TO_ADMINS:
        found = admins()
    elif message.kind == MessageKind.ANSWERED:
        found = User.objects.filter(asks__answer_event=event)
    elif promotion is not None and message.kind == MessageKind.TO_REVIEW:
        found = reviewers(promotion)
    elif promotion is not None and message.kind == MessageKind.COMMENTED:
        found = participants(promotion)
    elif promotion is not None and message.kind in TO_REQUESTER:
        found = [promotion.requester]
    return [user for user in found if user.is_active and user.pk != event.actor_id]


def admins() -> list[User]:
    """Everybody who is an admin now, by group or as a superuser."""
    people = User.objects.filter(Q(is_superuser=True) | Q(groups__name=access.ADMINS))
    return [user for user in people.distinct() if access.is_admin(user)]


def reviewers(promotion: PromotionRequest) -> list[User]:
    """The people it waits for now: the peers that its policies ask for, and after them those who may decide."""
    demand = promotion.demanded
    peers_said_yes = _peers(promotion)
    if len(peers_said_yes) < demand.peers:
        asked = Q(groups__in=[group.group_id for group in demand.groups])
        if demand.peers > sum(group.number for group in demand.groups):
            # A place that anybody may take who sees the promotion.
            asked = Q()
        said = votes.may_be_peer
    else:
        asked = Q(is_superuser=True) | Q(groups__name=access.ADMINS)
        asked |= Q(pk__in=Deputy.objects.values("deputy"))
        said = _may_decide
    people = User.objects.filter(asked, is_active=True).exclude(pk__in=peers_said_yes).distinct()
    return [
        user
        for user in people
        if said(user, promotion) and access.promotions(user).filter(pk=promotion.pk).exists()
    ]


def participants(promotion: PromotionRequest) -> set[User]:
    """The requester, and everybody with a public comment on the promotion."""
    comments = promotion.comments.filter(is_private=False).select_related("author")
    return {promotion.requester, *(comment.author for comment in comments)}


def _peers(promotion: PromotionRequest) -> set[int]:
    """The peers whose approval still stands; exact enough to know whom to notify."""
    stands = Q(until__isnull=True) | Q(until__gt=timezone.now())
    rows = promotion.approvals.filter(stands, role=Approval.Role.PEER)
    return set(rows.values_list("person", flat=True))


def _may_decide(user: User, promotion: PromotionRequest) -> bool:
    return access.may_decide(user, promotion) and votes.may_take_part(user, promotion)


def is_settled(message: Message) -> bool:
    """Whether the message has become pointless, because somebody has decided in the meantime."""
    promotion = message.event.promotion
    return (
        message.kind == MessageKind.TO_REVIEW
        and promotion is not None
        and promotion.status != Status.ADMIN_REVIEW
    )


def may_read(user: User, message: Message) -> bool:
    """Whether the person may still see what the message is about."""
    promotion = message.event.promotion
    if not user.is_active:
        return False
    if message.kind == MessageKind.ANSWERED:
        return access.plans(user).filter(asks__answer_event=message.event).exists()
    if promotion is None:
        return access.is_admin(user)
    return access.promotions(user).filter(pk=promotion.pk).exists()


def kinds_for(user: User) -> list[MessageKind]:
    """The kinds of messages that somebody can get at all."""
    kinds = [MessageKind.TO_REVIEW] if access.decides(user) or access.is_peer(user) else []
    kinds += [kind for kind in MessageKind if kind in TO_REQUESTER or kind == MessageKind.ANSWERED]
    return kinds + (
        [kind for kind in MessageKind if kind in TO_ADMINS] if access.is_admin(user) else []
    )
