"""What reviewers have looked at, and what people say about a promotion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction

from .. import access, votes
from ..messages import PromotionError
from ..models import Comment, PlannedComponent, PromotionRequest, Viewed
from ..states import Action
from ..transitions import record_event
from .guards import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def shown_digest(component: PlannedComponent) -> str:
    """SHA-256, in hex, over all that a page shows of a component's change; empty where nothing changes.

    It stays the same when the change is requested again: components that a branch has created get new ids every time,
    so the plan's symbols stand in for them. What is staged is proved to be the planned content.
    """
    if not component.is_written or not component.difference_id:
        return ""
    shown = [
        component.dev_component_id,
        component.action,
        component.digest,
        component.base_digest,
        component.places,
        component.rewrites,
        component.target_folder if component.action == Action.CREATE else "",
    ]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def seen_by(user: User, digests: Iterable[str]) -> set[str]:
    """The digests, of those given, that the user has marked as viewed."""
    wanted = {digest for digest in digests if digest}
    marks = Viewed.objects.filter(person=user, digest__in=wanted)
    return set(marks.values_list("digest", flat=True))


def mark_viewed(user: User, component: PlannedComponent, digest: str, *, viewed: bool) -> None:
    """Record that the user has looked at a component's change, or take that back.

    :param digest: of what the page showed.
    :raises PromotionError: FORBIDDEN; PLAN_STALE when the page showed something other than the current change.
    """
    if not access.plans(user).filter(pk=component.plan_id).exists():
        refuse(user, f"mark {component.pk} as viewed")
    if not digest or digest != shown_digest(component):
        raise PromotionError("PLAN_STALE", "The page showed an earlier change.")
    if viewed:
        Viewed.objects.get_or_create(person=user, digest=digest)
    else:
        Viewed.objects.filter(person=user, digest=digest).delete()


def comments(user: User, promotion: PromotionRequest) -> list[Comment]:
    """The comments that the user may read, oldest first; notes among reviewers are for reviewers only."""
    found = promotion.comments.select_related("author", "component")
    if not votes.reviews(user, promotion):
        found = found.filter(is_private=False)
    return list(found)


def comment(
    user: User,
    promotion: PromotionRequest,
    *,
    text: str,
    component: PlannedComponent | None = None,
    place: str = "",
    line: int | None = None,
    parent: Comment | None = None,
    is_private: bool = False,
) -> Comment:
    """Comment on a promotion, one of its components or a place in that component, or answer a comment.

    An answer is about the same thing as the comment it answers, and just as private.

    :param place: a ``Comment.Place`` if it is about one line or one change, whose number is ``line``.
    :raises PromotionError: FORBIDDEN (the user does not see the promotion, or not its reviewers' notes), COMMENT_EMPTY,
        COMMENT_MISPLACED.
    """
    if not access.promotions(user).filter(pk=promotion.pk).exists():
        refuse(user, f"comment on promotion {promotion.pk}", promotion)
    if parent is not None:
        if parent.promotion_id != promotion.pk:
            raise PromotionError("COMMENT_MISPLACED")
        parent = parent.parent or parent
        component, place, line = parent.component, parent.place, parent.line
        is_private = parent.is_private
    if is_private and not votes.reviews(user, promotion):
        refuse(user, f"leave a note on promotion {promotion.pk}", promotion)
    text = text.strip()
    if not text:
        raise PromotionError("COMMENT_EMPTY")
    _check_place(promotion, component, place, line)
    with transaction.atomic():
        made = Comment.objects.create(
            promotion=promotion,
            component=component,
            place=place,
            line=line,
            digest=shown_digest(component) if component else "",
            parent=parent,
            is_private=is_private,
            author=user,
            text=text,
        )
        record_event(
            "noted" if is_private else "commented",
            promotion=promotion,
            actor=user,
            subject=made.where,
            # Everybody who sees the promotion can read its history.
            note="" if is_private else text,
        )
    return made


def _check_place(
    promotion: PromotionRequest, component: PlannedComponent | None, place: str, line: int | None
) -> None:
    if component is not None and component.plan_id != promotion.about.pk:
        raise PromotionError("COMMENT_MISPLACED")
    if bool(place) != bool(line) or (place and component is None):
        raise PromotionError("COMMENT_MISPLACED", "Name a line together with its side.")
    if place and place not in Comment.Place.values:
        raise PromotionError("COMMENT_MISPLACED")
