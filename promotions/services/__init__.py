"""What people do, one module per concern.

Every service checks access itself and raises ``PromotionError`` with a code that ``messages.py`` explains.
"""

from .acceptances import accept_finding
from .approvals import needing, votes_so_far
from .asks import add_mapping, answer, ask_admin
from .checklists import tick
from .decisions import approve, approve_as_peer, older_open, preview_approval, reject
from .deployments import further_environments, request_deployment
from .endings import cancel, give_up_rest, withdraw
from .environments import drop_environment
from .guards import refuse_account
from .planning import cancel_plan, make_plan, refresh_packages
from .platform import ask_platform_again
from .readings import open_parts, unread
from .resubmission import resubmit
from .retries import retry
from .reviews import comment, comments, mark_viewed, seen_by, shown_digest
from .rollbacks import may_be_restored, plan_rollback, suggested_version
from .submission import submit

__all__ = [
    "add_mapping",
    "answer",
    "ask_admin",
    "accept_finding",
    "approve",
    "approve_as_peer",
    "ask_platform_again",
    "cancel",
    "cancel_plan",
    "comment",
    "comments",
    "drop_environment",
    "further_environments",
    "give_up_rest",
    "make_plan",
    "mark_viewed",
    "may_be_restored",
    "needing",
    "older_open",
    "open_parts",
    "plan_rollback",
    "preview_approval",
    "refresh_packages",
    "refuse_account",
    "reject",
    "request_deployment",
    "resubmit",
    "retry",
    "seen_by",
    "shown_digest",
    "submit",
    "suggested_version",
    "tick",
    "unread",
    "votes_so_far",
    "withdraw",
]
