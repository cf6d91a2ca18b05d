"""Steps for the branch: a turn and a slot, create it (10), wait until it is ready (14)."""

from __future__ import annotations

import re
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import AlreadyExists, AnswerLost, BranchLimitReached
from partnerapi.records import Branch

from ..messages import PromotionError
from ..models import Installation, PromotionBranch, PromotionRequest, Turn
from ..plan.premises import Moment
from ..states import HoldKind, Status
from ..worker.timing import BRANCH_POLL, SLOT_POLL
from . import ahead
from .context import StageAgain, StepContext, Wait


def name_of(promotion_id: int, number: int = 1) -> str:
    """The name of a promotion's branch; the mark in it tells apart installations on one primary account.

    :param number: counts the branches of this promotion.
    """
    suffix = f"-{number}" if number > 1 else ""
    return f"promo-{promotion_id}-{Installation.load().mark}{suffix}"


def is_ours(remote: Branch) -> bool:
    """Whether this installation made the branch, by its name and, if the platform names it, its creator."""
    pattern = rf"promo-\d+-{re.escape(Installation.load().mark)}(-\d+)?"
    return re.fullmatch(pattern, remote.name) is not None and _is_by_us(remote)


def _is_by_us(remote: Branch) -> bool:
    us = settings.PARTNER_API_USER.rpartition("BOOMI_TOKEN.")[2]
    return not remote.created_by or remote.created_by.casefold() == us.casefold()


def describe(promotion: PromotionRequest) -> str:
    """The description of one of our branches, for people who read Boomi's own list."""
    return f"Promotion Desk: promotion {promotion.pk}, {promotion.plan.called}"[:250]


def reserve_branch(context: StepContext) -> Wait | None:
    """Wait for a turn and a slot, in order of submission, then write the branch's row (before operation 10).

    Operation 11 is called first, outside any transaction. Under the lock, whatever was reserved since then is counted
    as well, so the limit holds however many workers decide at once.
    """
    promotion = context.promotion
    # Who has to wait for our own branches alone need not ask about the others.
    ours = PromotionBranch.objects.filter(deleted_at__isnull=True).count()
    why = _why_to_wait(promotion, settings.PROMOTION_BRANCH_LIMIT - ours)
    if why is not None:
        return _wait_in_line(context, why)
    remote = [branch.name for branch in context.client.query_branches() if not branch.is_main]
    with transaction.atomic():
        Turn.take("branches")
        reserved = PromotionBranch.objects.filter(deleted_at__isnull=True).exclude(name__in=remote)
        free = settings.PROMOTION_BRANCH_LIMIT - len(remote) - reserved.count()
        why = _why_to_wait(promotion, free)
        if why is None:
            number = promotion.branches.count() + 1
            context.move(
                Status.STAGING,
                next_attempt_at=timezone.now(),
                staged_times=promotion.staged_times + 1,
            )
            PromotionBranch.objects.create(promotion=promotion, name=name_of(promotion.pk, number))
            return None
    return _wait_in_line(context, why)


def _wait_in_line(context: StepContext, why: str) -> Wait:
    if context.promotion.status == Status.QUEUED:
        context.move(Status.WAITING, note=why, next_attempt_at=context.promotion.next_attempt_at)
    return Wait(SLOT_POLL, why, HoldKind.SLOT)


def _why_to_wait(promotion: PromotionRequest, free: int) -> str | None:
    """None when it is this promotion's turn; otherwise what it waits for, with its place in line."""
    staging = set(
        PromotionRequest.objects.filter(status=Status.STAGING).values_list(
            "dev_account_id", flat=True
        )
    )
    able: list[int] = []
    for pk, account in PromotionRequest.objects.in_line_for_a_branch().values_list(
        "pk", "dev_account_id"
    ):
        if account not in staging:
            able.append(pk)
            staging.add(account)
    if promotion.pk not in able:
        return f"Another promotion from {promotion.dev_account.name} goes first."
    place = able.index(promotion.pk)
    if place < free:
        return None
    return f"All branches are in use. Place in line: {place - max(free, 0) + 1}."


def create_branch(context: StepContext) -> Wait | None:
    """Operation 10, after checking whether an earlier attempt made the branch although its answer was lost."""
    branch = context.branch
    known = (
        find(context.client, branch) if branch.remote_id == "" and context.tried_before else None
    )
    if known is None and not branch.remote_id:
        known = _create(context, branch)
    if known is not None:
        with context.writing():
            # The platform normalises names; packages are made from the name that it answers.
            PromotionBranch.objects.filter(pk=branch.pk).update(
                remote_id=known.branch_id, name=known.name
            )
        branch.name, branch.remote_id = known.name, known.branch_id
    context.note(branch.name, remote_id=branch.remote_id)
    return None


def _create(context: StepContext, branch: PromotionBranch) -> Branch:
    try:
        return context.client.create_branch(branch.name, describe(context.promotion))
    except AnswerLost:
        known = find(context.client, branch)
        if known is None:
            raise
        return known
    except AlreadyExists as error:
        known = find(context.client, branch)
        if known is None:
            raise StageAgain(
                "ALREADY_EXISTS", f"Somebody else has a branch “{branch.name}”."
            ) from error
        return known
    except BranchLimitReached as error:
        # The platform's own limit is below ours: the slot did not exist after all.
        raise PromotionError("BRANCH_LIMIT_REACHED", error.message) from error


def find(client: PartnerApiClient, branch: PromotionBranch) -> Branch | None:
    """The branch on the platform by its exact name and its creator (operation 11), if it exists."""
    for remote in client.query_branches(name=branch.name):
        if remote.name == branch.name and _is_by_us(remote):
            return remote
    return None


def await_branch(context: StepContext) -> Wait | None:
    """Operation 14 every 5 s, at most 6 times (guide); before the first of them a few times sooner.

    :raises PromotionError: BRANCH_CREATION_TIMEOUT.
    """
    look = partial(context.client.get_branch, context.branch.remote_id)
    if ahead.ask_ahead(context, Moment.WRITING, look, lambda branch: branch.ready).ready:
        context.note(f"{context.branch.name} is ready")
        return None
    soon = context.soon(BRANCH_POLL)
    if soon is not None:
        context.note("Not ready yet")
        return Wait(soon, "The branch is being created.")
    polls = context.step_run.polls + 1
    if polls > settings.PROMOTION_BRANCH_POLLS:
        raise PromotionError("BRANCH_CREATION_TIMEOUT", context.branch.name)
    context.note(f"Not ready yet (look {polls} of {settings.PROMOTION_BRANCH_POLLS})", polls=polls)
    return Wait(BRANCH_POLL, "The branch is being created.")
