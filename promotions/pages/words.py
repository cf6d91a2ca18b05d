"""How the pages call people and events."""

from __future__ import annotations

from django.contrib.auth.models import User

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
    "rest_given_up": "gave up what the merge had left out",
    "environment_dropped": "left out the environment",
    "finding_accepted": "accepted a finding",
    "access_refused": "was refused",
    "self_review_refused": "tried to decide on their own promotion and was refused",
}


def person(user: User | None) -> str:
    """How people are called on the pages."""
    if user is None:
        return "Promotion Desk"
    return user.get_full_name() or user.username


def event_words(action: str) -> str:
    """An event's action in words; an unknown one is shown as it is."""
    return EVENT_WORDS.get(action, action.replace("_", " "))
