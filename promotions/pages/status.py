"""How a status is shown: its icon, tint, sentence and what happens next, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from .. import services, votes
from ..models import PromotionRequest
from ..states import Stage, Status
from .words import person


@dataclass(frozen=True)
class StatusPage:
    """One status on the pages; its label is the enum's.

    :param icon: a name in static/img/icons.svg.
    :param tint: a class ``tint-…`` of static/css/desk.css.
    :param now: where the promotion stands, with the fields that ``explain`` fills.
    :param next: what happens next.
    :param merged_now: the same once the components are in production, where that differs.
    """

    icon: str
    tint: str
    now: str
    next: str
    merged_now: str = ""
    merged_next: str = ""


@dataclass(frozen=True)
class Explanation:
    """One sentence on where a promotion stands, and one on what comes next."""

    now: str
    next: str


STATUS_PAGES = {
    Status.QUEUED: StatusPage(
        "clock",
        "gray",
        "It waits for a worker to start on it.",
        "A branch is made in the primary account and the components are copied to it; then {after_staging}",
    ),
    Status.WAITING: StatusPage(
        "hourglass",
        "warn",
        "It waits in line: no branch is free at the moment.",
        "It continues automatically when its turn comes; nobody has to do anything.",
    ),
    Status.STAGING: StatusPage(
        "spinner",
        "accent",
        "A worker copies the components to a branch of the primary account; main is not touched.",
        "When all of them are there, {after_staging}",
    ),
    Status.ADMIN_REVIEW: StatusPage(
        "eye",
        "violet",
        "An admin has to look at the differences and decide; production has not changed.",
        "After an approval it is merged, packaged, released and deployed automatically; "
        "a rejection comes with a reason.",
    ),
    Status.APPROVED: StatusPage(
        "check",
        "info",
        "{approver} approved it.",
        "A worker continues now: merge, package, release, deployment.",
    ),
    Status.DEPLOYING: StatusPage(
        "spinner",
        "accent",
        "The branch is being merged into main of the primary account.",
        "After the merge the process is packaged, released and deployed.",
        "The components are merged in production; the process is on its way to its environments.",
        "It is packaged, released and deployed; from here there is no way back.",
    ),
    Status.DEPLOYED: StatusPage(
        "check-circle",
        "good",
        "It is in production, and deployed to its environments.",
        "Go through the list of what is left to do, below.",
    ),
    Status.REJECTED: StatusPage(
        "x-circle",
        "bad",
        "An admin rejected it; nothing reached production{branch}.",
        "Read the reason, fix it in the dev account, package it again and make a new plan.",
    ),
    Status.WITHDRAWN: StatusPage(
        "undo",
        "gray",
        "Its requester withdrew it; nothing reached production{branch}.",
        "Make a new plan whenever you like.",
    ),
    Status.CANCELLED: StatusPage(
        "stop",
        "gray",
        "An admin stopped it before the merge; nothing reached production{branch}.",
        "Read the reason, then make a new plan if it is still wanted.",
    ),
    Status.LAPSED: StatusPage(
        "hourglass",
        "warn",
        "Nobody decided in time; nothing reached production{branch}.",
        "Make a new plan from the same package and request it again.",
    ),
    Status.FAILED: StatusPage(
        "alert",
        "bad",
        "It failed before anything reached production{branch}.",
        "See below what happened and what to do about it, then make a new plan.",
        "The components are merged in production, but a later step failed.",
        "Once the cause is resolved, an admin retries it: it continues from the step that "
        "failed, and nothing is done twice.",
    ),
}

# What differs for a deployment of what was promoted before.
DEPLOYMENT_PAGES = {
    Status.ADMIN_REVIEW: (
        "An admin has to decide whether the package goes to these environments as well.",
        "After an approval it is deployed to them; nothing is merged or released.",
    ),
    Status.APPROVED: ("{approver} approved it.", "A worker deploys it now."),
    Status.DEPLOYING: (
        "The package is on its way to its environments.",
        "It is done when every one of them has it.",
    ),
    Status.DEPLOYED: (
        "The package is deployed to these environments, too.",
        "Go through the list of what is left to do, below.",
    ),
    Status.REJECTED: ("An admin rejected it; {deployed}.", "Read the reason."),
    Status.WITHDRAWN: (
        "Its requester withdrew it; {deployed}.",
        "Request it again whenever you like.",
    ),
    Status.CANCELLED: (
        "An admin stopped it; {deployed}.",
        "Read the reason, then request it again if it is still wanted.",
    ),
    Status.LAPSED: ("Nobody decided in time; {deployed}.", "Request it again."),
    Status.FAILED: (
        "It could not be deployed to every environment.",
        "Once the cause is resolved, an admin retries it: only what failed is deployed again.",
    ),
}

_AFTER_STAGING = {
    Stage.BEFORE_REVIEW: "it goes into the admins' queue.",
    Stage.AFTER_APPROVAL: "it is merged, packaged, released and deployed.",
}


IN_PEER_REVIEW = "In peer review"


def label(promotion: PromotionRequest) -> str:
    """What its status is called: a review is the peers' as long as some of them are still needed."""
    is_for_peers = (
        promotion.status == Status.ADMIN_REVIEW
        and promotion.demanded.peers > 0
        and not services.votes_so_far(promotion).peers_are_done
    )
    return IN_PEER_REVIEW if is_for_peers else Status(promotion.status).label


def explain(promotion: PromotionRequest) -> Explanation:
    """Where the promotion stands and what happens next."""
    shown = STATUS_PAGES[Status(promotion.status)]
    merged = promotion.merged_at is not None
    fields = {
        "approver": person(promotion.approved_by),
        "branch": _branch(promotion) if "{branch}" in shown.now else "",
        "after_staging": _AFTER_STAGING[Stage(promotion.stage)],
    }
    lapsed = _lapsed(promotion)
    if promotion.is_deployment and Status(promotion.status) in DEPLOYMENT_PAGES:
        now, following = DEPLOYMENT_PAGES[Status(promotion.status)]
        deployed = _deployed(promotion) if "{deployed}" in now else ""
        return Explanation(now.format(**fields, deployed=deployed), following)
    if promotion.demand and promotion.status == Status.ADMIN_REVIEW:
        needed = votes.in_words(services.votes_so_far(promotion))
        return Explanation(
            f"{lapsed}Reviewers have to look at the differences and decide. {needed}",
            shown.next.replace("After an approval", "When all have approved"),
        )
    return Explanation(
        now=lapsed + ((merged and shown.merged_now) or shown.now).format(**fields),
        next=((merged and shown.merged_next) or shown.next).format(**fields),
    )


def _lapsed(promotion: PromotionRequest) -> str:
    """Why it is in the review again, as sentences before the others; nothing where it is there for the first time."""
    if promotion.status != Status.ADMIN_REVIEW:
        return ""
    came = promotion.events.filter(to_status=Status.ADMIN_REVIEW).last()
    if came is None or came.action != "approval_lapsed":
        return ""
    return f"The approval is no longer valid. {came.note} "


def _deployed(promotion: PromotionRequest) -> str:
    """Where a deployment that was ended has got to: its approval may lapse between two environments."""
    reached = promotion.deployments.filter(deployed_at__isnull=False)
    names = ", ".join(reached.values_list("environment__name", flat=True))
    return (
        f"it had already been deployed to {names}, and stays there"
        if names
        else "nothing was deployed"
    )


def _branch(promotion: PromotionRequest) -> str:
    """What became of the branch, as the end of a sentence; nothing where there was none."""
    branch = promotion.branch
    if branch is None:
        return ""
    return ", and the branch is deleted" if branch.deleted_at else "; the branch is being deleted"
