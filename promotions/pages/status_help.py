"""What each status means and what happens next, in sentences for people."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User

from ..models import PromotionRequest
from ..states import Stage, Status

# What an event says after the name of the person (or of Promotion Desk itself).
EVENT_WORDS = {
    "submitted": "requested the promotion",
    "queued": "put it back in line",
    "waiting": "let it wait for a branch",
    "staging": "began to copy the components to a branch",
    "admin_review": "put it into the admins' queue",
    "approved": "approved it",
    "deploying": "began to merge",
    "deployed": "deployed it",
    "rejected": "rejected it",
    "withdrawn": "withdrew it",
    "cancelled": "cancelled it",
    "lapsed": "closed it: nobody decided in time",
    "failed": "could not go on",
    "merged": "merged it into main",
    "mapping_added": "mapped",
    "mapping_replaced": "replaced a mapping that was made during the merge, of",
    "staged_again": "put it back in line, to be staged again",
    "branch_deleted": "deleted the branch",
    "retried": "took it up again at the step that failed",
    "finding_accepted": "accepted a finding",
    "access_refused": "was refused",
    "self_review_refused": "tried to decide on their own promotion and was refused",
}


@dataclass(frozen=True)
class Explanation:
    """One sentence on where a promotion stands, and one on what comes next."""

    now: str
    next: str


def explain(promotion: PromotionRequest) -> Explanation:
    """Where the promotion stands and what happens next."""
    return _EXPLANATIONS[Status(promotion.status)](promotion)


def person(user: User | None) -> str:
    """How people are called on the pages."""
    if user is None:
        return "Promotion Desk"
    return user.get_full_name() or user.username


def event_words(action: str) -> str:
    """An event's action in words; an unknown one is shown as it is."""
    return EVENT_WORDS.get(action, action.replace("_", " "))


def _queued(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        "It waits for a worker to take it up.",
        f"A branch is made in the primary account and the components are copied to it; "
        f"then {_after_staging()}",
    )


def _waiting(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        "It waits in line: there is no branch for it at the moment.",
        "It goes on by itself when its turn comes; nobody has to do anything.",
    )


def _staging(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        "A worker copies the components to a branch of the primary account; main is not touched.",
        f"When all of them are there, {_after_staging()}",
    )


def _admin_review(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        "An admin has to look at the differences and decide; production is as it was.",
        "After an approval it is merged, packaged, released and deployed by itself; "
        "a rejection comes with a reason.",
    )


def _approved(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        f"{person(promotion.approved_by)} approved it.",
        "A worker takes it up now: merge, package, release, deployment.",
    )


def _deploying(promotion: PromotionRequest) -> Explanation:
    if promotion.merged_at is None:
        return Explanation(
            "The branch is being merged into main of the primary account.",
            "After the merge the process is packaged, released and deployed.",
        )
    return Explanation(
        "The components are merged in production; the process is on its way to its environments.",
        "It is packaged, released and deployed; from here it only goes forward.",
    )


def _deployed(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        "It is in production, and deployed to its environments.",
        "Go through the list of what is left for people, below.",
    )


def _rejected(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        f"An admin said no; nothing reached production{_branch(promotion)}.",
        "Read the reason, repair it in the dev account, package it again and make a new plan.",
    )


def _withdrawn(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        f"It was taken back by its requester; nothing reached production{_branch(promotion)}.",
        "Make a new plan whenever you like.",
    )


def _cancelled(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        f"An admin stopped it before the merge; nothing reached production{_branch(promotion)}.",
        "Read the reason, then make a new plan if it is still wanted.",
    )


def _lapsed(promotion: PromotionRequest) -> Explanation:
    return Explanation(
        f"Nobody decided in time; nothing reached production{_branch(promotion)}.",
        "Make a new plan from the same package and request it again.",
    )


def _failed(promotion: PromotionRequest) -> Explanation:
    if promotion.can_be_retried:
        return Explanation(
            "The components are merged in production, but a later step failed.",
            "Once the cause is out of the way an admin retries it: it goes on from the step that "
            "failed, and nothing is done twice.",
        )
    return Explanation(
        f"It failed before anything reached production{_branch(promotion)}.",
        "Read below what happened and what to do about it; then make a new plan.",
    )


def _branch(promotion: PromotionRequest) -> str:
    """What became of the branch, as the end of a sentence; nothing where there was none."""
    branch = promotion.branch
    if branch is None:
        return ""
    return ", and the branch is deleted" if branch.deleted_at else "; the branch is being deleted"


def _after_staging() -> str:
    if Stage(settings.STAGE) == Stage.BEFORE_REVIEW:
        return "it goes into the admins' queue."
    return "it is merged, packaged, released and deployed."


_EXPLANATIONS = {
    Status.QUEUED: _queued,
    Status.WAITING: _waiting,
    Status.STAGING: _staging,
    Status.ADMIN_REVIEW: _admin_review,
    Status.APPROVED: _approved,
    Status.DEPLOYING: _deploying,
    Status.DEPLOYED: _deployed,
    Status.REJECTED: _rejected,
    Status.WITHDRAWN: _withdrawn,
    Status.CANCELLED: _cancelled,
    Status.LAPSED: _lapsed,
    Status.FAILED: _failed,
}
