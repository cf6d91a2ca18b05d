"""The only writer of a promotion's status, and the writer of every Event.

A status change is one conditional UPDATE with the allowed statuses in its WHERE clause; the Event is written in the
same transaction, and so is what must never be forgotten: the deletion of the branch on every final path.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .models import (
    NO_HOLD,
    Deployment,
    Environment,
    Event,
    Message,
    Plan,
    PlannedComponent,
    PromotedPackage,
    PromotionBranch,
    PromotionPackage,
    PromotionRequest,
    Reservation,
    ReviewPolicy,
    StepRun,
    kind_of,
)
from .states import FINAL, INITIAL, TABLES, HoldKind, Kind, Stage, Status, StepState

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class StalePromotion(Exception):
    """Somebody else moved the promotion first, or the move is not allowed from where it stands."""

    def __init__(self, promotion_id: int, to: Status, current: str) -> None:
        super().__init__(f"Promotion {promotion_id} cannot go to {to}: it is {current}.")
        self.promotion_id = promotion_id
        self.to = to
        self.current = Status(current)


def allowed_from(to: Status, stage: str) -> frozenset[Status]:
    """The statuses from which a promotion may go to ``to``.

    :param stage: the ``STAGE`` that the promotion was submitted under.
    """
    return TABLES[Stage(stage)][to]


def open_promotion(
    *,
    requester: User,
    plan: Plan,
    notes: str,
    environments: Iterable[Environment],
    **columns: Any,
) -> PromotionRequest:
    """Write the row of a promotion that is being submitted, in its first status and with the rules of this moment.

    The review policies are frozen with it.

    The caller is in a transaction.
    """
    stage = Stage(settings.STAGE)
    first = {
        "plan": plan,
        "content_hash": plan.content_hash,
        "process_id": plan.root_twin.lower(),
        "stage": stage,
        "environment_values": plan.environment_values,
        "rules_version": plan.rules_version,
    }
    return _open(requester, plan, notes, environments, INITIAL[stage], first | columns)


def open_deployment(
    *,
    requester: User,
    source: PromotedPackage,
    notes: str,
    environments: Iterable[Environment],
    **columns: Any,
) -> PromotionRequest:
    """Write the row of a deployment of what `source` has packaged: it waits for an admin, and nothing is staged.

    The review policies are frozen with it.

    The caller is in a transaction.
    """
    origin = source.origin
    first = {
        "kind": Kind.DEPLOYMENT,
        "source": origin,
        "source_package": source if isinstance(source, PromotionPackage) else None,
        "package_version": source.package_version,
        "pause_listeners": origin.pause_listeners,
        "process_id": source.process_id,
        "stage": Stage.BEFORE_REVIEW,
        "environment_values": origin.environment_values,
        "rules_version": origin.rules_version,
    }
    return _open(requester, origin.plan, notes, environments, Status.ADMIN_REVIEW, first | columns)


# What the event of a submission is called.
REQUESTED = {
    Kind.PROMOTION: "submitted",
    Kind.DEPLOYMENT: "deployment_requested",
    Kind.ROLLBACK: "rollback_requested",
}


def _open(
    requester: User,
    about: Plan,
    notes: str,
    environments: Iterable[Environment],
    status: Status,
    columns: dict[str, Any],
) -> PromotionRequest:
    demand = ReviewPolicy.objects.demand_on(about, environments)
    promotion = PromotionRequest.objects.create(
        requester=requester,
        dev_account=about.dev_account,
        notes=notes,
        dialect=dialect_in_use(),
        status=status,
        next_attempt_at=timezone.now() if status == Status.QUEUED else None,
        demand=demand.as_json(),
        approvals_missing=demand.approvals,
        **columns,
    )
    promotion.seal = promotion.make_seal()
    promotion.save(update_fields=["seal"])
    promotion.peer_groups.set(row.group_id for row in demand.groups)
    record_event(
        REQUESTED[Kind(promotion.kind)],
        promotion=promotion,
        actor=requester,
        note=notes,
        to_status=status.value,
    )
    return promotion


def dialect_in_use() -> str:
    """The dialect that workers speak: the guide's where nothing is set."""
    return settings.PARTNER_API_DIALECT or "guide"


def of_person(user: User) -> str:
    """How events name a person: by the key alone, so that a name can be erased."""
    return f"person {user.pk}"


def record_event(
    action: str,
    *,
    promotion: PromotionRequest | None = None,
    actor: User | None = None,
    subject: str = "",
    note: str = "",
    from_status: str = "",
    to_status: str = "",
) -> Event:
    """Write one row of history."""
    event = _write(
        action=action,
        promotion=promotion,
        actor=actor,
        subject=subject[:1000],
        note=note,
        from_status=from_status,
        to_status=to_status,
    )
    if promotion is not None:
        touch(promotion.pk)
    return event


def record_events(action: str, promotion: PromotionRequest, subjects: Iterable[str]) -> None:
    """Write an event of a promotion for each of many subjects; of a kind that nobody is sent a message of."""
    events = [Event(action=action, promotion=promotion, subject=s[:1000]) for s in subjects]
    assert not any(map(kind_of, events))  # noqa: S101 (they would be told to nobody)
    Event.objects.bulk_create(events)
    touch(promotion.pk)


def _write(**columns: Any) -> Event:
    """An event and, where somebody is to be told of it, the message: both or neither."""
    with transaction.atomic():
        event = Event.objects.create(**columns)
        kind = kind_of(event)
        if kind is not None:
            Message.objects.create(event=event, kind=kind, next_attempt_at=timezone.now())
    return event


def touch(promotion_id: int) -> None:
    """Tell the pages that show a promotion that something about it has changed.

    It is called after the change or in its transaction: a page that saw only the new stamp would miss the rest.
    """
    PromotionRequest.objects.filter(pk=promotion_id).update(**PromotionRequest.CHANGED)


def move(
    promotion_id: int,
    *,
    to: Status,
    action: str = "",
    actor: User | None = None,
    note: str = "",
    where: Q | None = None,
    epoch: int | None = None,
    next_attempt_at: datetime | None = None,
    keep_branch: bool = False,
    **changes: Any,
) -> None:
    """Move one promotion to ``to``, or raise ``StalePromotion`` if it is not where it must be.

    :param where: a further condition on the row, such as "not requested by the one who approves".
    :param epoch: the lease epoch of the worker that moves it; a worker that was given up loses.
    :param next_attempt_at: when a worker has something to do for it (None: nothing).
    :param keep_branch: leave the branch where a final status would have it deleted (MERGE_INCOMPLETE).
    :param changes: further columns to write in the same UPDATE. Whatever it waited for is over.
    """
    with transaction.atomic():
        # Read under a lock, for the event and the stage; the UPDATE decides what is allowed.
        row = PromotionRequest.objects.select_for_update().filter(pk=promotion_id)
        current, stage = row.values_list("status", "stage").get()
        guard = PromotionRequest.objects.filter(pk=promotion_id, status__in=allowed_from(to, stage))
        if epoch is not None:
            guard = guard.filter(lease_epoch=epoch)
        if where is not None:
            guard = guard.filter(where)
        moved = guard.update(
            status=to,
            updated_at=timezone.now(),
            next_attempt_at=next_attempt_at,
            **PromotionRequest.CHANGED | NO_HOLD | changes,
        )
        if moved != 1:
            raise StalePromotion(promotion_id, to, current)
        _write(
            promotion_id=promotion_id,
            actor=actor,
            action=action or to.value,
            from_status=current,
            to_status=to,
            note=note,
        )
        if to in FINAL:
            _clean_up(promotion_id, keep_branch=keep_branch)
            PromotionRequest.objects.look_again(HoldKind.TURN)
        if current == Status.STAGING:
            PromotionRequest.objects.look_again(HoldKind.SLOT)


def _clean_up(promotion_id: int, *, keep_branch: bool) -> None:
    """What every final status implies: no branch, no reservation, no step that looks alive, no kept content."""
    now = timezone.now()
    if not keep_branch:
        drop_branches(promotion_id)
    StepRun.objects.filter(
        promotion_id=promotion_id, state__in=(StepState.RUNNING, StepState.WAITING)
    ).update(state=StepState.ABANDONED, finished_at=now)
    PlannedComponent.objects.filter(plan__promotion=promotion_id).update(content=None)
    Deployment.objects.filter(promotion_id=promotion_id).exclude(sending="").update(sending="")


def drop_branches(promotion_id: int) -> None:
    """Mark the live branch of a promotion for deletion and give up what it reserved.

    The caller is in a transaction, so that the branch and the reason for its deletion go together.
    """
    now = timezone.now()
    PromotionBranch.objects.filter(promotion_id=promotion_id, delete_due__isnull=True).update(
        delete_due=now, next_attempt_at=now
    )
    Reservation.objects.filter(promotion_id=promotion_id).delete()
