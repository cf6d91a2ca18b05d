"""The statuses of a promotion and which may follow which.

One table for each ``STAGE`` setting says what is allowed, and nothing else does: ``transitions.py`` uses it in the
WHERE clause of every status change.
"""

from django.db.models import TextChoices


class Status(TextChoices):
    """Where a promotion stands."""

    QUEUED = "queued", "Queued"
    WAITING = "waiting", "Waiting for a branch"
    STAGING = "staging", "Staging"
    ADMIN_REVIEW = "admin_review", "In admin review"
    APPROVED = "approved", "Approved"
    DEPLOYING = "deploying", "Deploying"
    DEPLOYED = "deployed", "Deployed"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    CANCELLED = "cancelled", "Cancelled"
    LAPSED = "lapsed", "Lapsed"
    FAILED = "failed", "Failed"


class Stage(TextChoices):
    """When components are copied to the branch: the ``STAGE`` setting."""

    BEFORE_REVIEW = "before_review", "before the review"
    AFTER_APPROVAL = "after_approval", "after the approval"


class EnvironmentValues(TextChoices):
    """What an update does with production's own values: the ``ENVIRONMENT_VALUES`` setting."""

    KEEP = "keep", "kept"
    EMPTY = "empty", "emptied"


class Kind(TextChoices):
    """What a promotion is for."""

    PROMOTION = "promotion", "Promotion"
    DEPLOYMENT = "deployment", "Deployment of what was promoted"
    ROLLBACK = "rollback", "Rollback"


FINAL = frozenset(
    {
        Status.DEPLOYED,
        Status.REJECTED,
        Status.WITHDRAWN,
        Status.CANCELLED,
        Status.LAPSED,
        Status.FAILED,
    }
)
OPEN = frozenset(set(Status) - FINAL)

INITIAL = {Stage.BEFORE_REVIEW: Status.QUEUED, Stage.AFTER_APPROVAL: Status.ADMIN_REVIEW}

# to -> from
BEFORE_REVIEW: dict[Status, frozenset[Status]] = {
    # Its branch was dropped, or somebody deleted it: stage again.
    Status.QUEUED: frozenset(
        {Status.STAGING, Status.ADMIN_REVIEW, Status.APPROVED, Status.DEPLOYING}
    ),
    Status.WAITING: frozenset({Status.QUEUED}),
    Status.STAGING: frozenset({Status.QUEUED, Status.WAITING}),
    # From later ones if the approval has lapsed.
    Status.ADMIN_REVIEW: frozenset({Status.STAGING, Status.APPROVED, Status.DEPLOYING}),
    Status.APPROVED: frozenset({Status.ADMIN_REVIEW}),
    # From staging if it was approved before and staged again since.
    Status.DEPLOYING: frozenset({Status.APPROVED, Status.STAGING, Status.FAILED}),
    Status.DEPLOYED: frozenset({Status.DEPLOYING}),
    Status.REJECTED: frozenset({Status.ADMIN_REVIEW}),
    Status.WITHDRAWN: frozenset(
        {Status.QUEUED, Status.WAITING, Status.STAGING, Status.ADMIN_REVIEW}
    ),
    Status.CANCELLED: OPEN,
    Status.LAPSED: frozenset({Status.ADMIN_REVIEW}),
    Status.FAILED: OPEN,
}

AFTER_APPROVAL: dict[Status, frozenset[Status]] = {
    **BEFORE_REVIEW,
    Status.QUEUED: frozenset({Status.APPROVED, Status.STAGING, Status.DEPLOYING}),
    Status.ADMIN_REVIEW: frozenset({Status.APPROVED, Status.DEPLOYING}),
    Status.DEPLOYING: frozenset({Status.STAGING, Status.FAILED}),
    Status.WITHDRAWN: frozenset({Status.ADMIN_REVIEW}),
}

TABLES = {Stage.BEFORE_REVIEW: BEFORE_REVIEW, Stage.AFTER_APPROVAL: AFTER_APPROVAL}


class HoldKind(TextChoices):
    """What a row of work may wait for, whatever its status."""

    SLOT = "slot", "Waits for a branch"
    TURN = "turn", "Waits for its turn"
    PLATFORM = "platform", "Waits for the platform"


class Action(TextChoices):
    """What a promotion does with one component."""

    CREATE = "create", "Create"
    UPDATE = "update", "Update"
    UNCHANGED = "unchanged", "Unchanged"
    CONNECTION = "connection", "Mapped connection"


class Outcome(TextChoices):
    """What became of one component of a promotion."""

    PENDING = "pending", "Pending"
    DONE = "done", "Done"
    UNCHANGED = "unchanged", "Unchanged"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


# A failure that leaves a part of the approved content on main: its branch holds the rest, so it stays until an admin
# has the rest merged or gives it up.
MERGE_INCOMPLETE = "MERGE_INCOMPLETE"


class StepName(TextChoices):
    """The steps of a promotion, in the order of the work."""

    RESERVE_BRANCH = "reserve_branch", "Wait for a branch"
    CREATE_BRANCH = "create_branch", "Create the branch"
    AWAIT_BRANCH = "await_branch", "Wait until the branch is ready"
    STAGE_COMPONENTS = "stage_components", "Copy the components"
    CHECK_STAGED = "check_staged", "Read the branch back"
    SYNCHRONISE_PACKS = "synchronise_packs", "Read the Integration Packs"
    OFFER_FOR_REVIEW = "offer_for_review", "Offer for review"
    BEGIN = "begin", "Begin the deployment"
    BEGIN_DEPLOYING = "begin_deploying", "Begin deploying"
    CHECK_PACK = "check_pack", "Check the Integration Pack"
    TAKE_MERGE_TURN = "take_merge_turn", "Wait for the turn to merge"
    VERIFY = "verify", "Check that it is what was approved"
    CREATE_MERGE_REQUEST = "create_merge_request", "Create the merge request"
    AWAIT_DRAFT = "await_draft", "Wait until it can be merged"
    EXECUTE_MERGE = "execute_merge", "Merge"
    AWAIT_MERGED = "await_merged", "Wait until it is merged"
    DELETE_BRANCH = "delete_branch", "Delete the branch"
    CREATE_PACKAGE = "create_package", "Package"
    ENSURE_PACK = "ensure_pack", "Find or create the Integration Pack"
    ADD_TO_PACK = "add_to_pack", "Add to the Integration Pack"
    RELEASE_PACK = "release_pack", "Release the Integration Pack"
    AWAIT_RELEASE = "await_release", "Wait for the release"
    CHECK_PACKAGE = "check_package", "Check that the package is there"
    DEPLOY = "deploy", "Deploy"
    FINISH = "finish", "Finish"


class StepState(TextChoices):
    """Where one run of one step stands."""

    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    ABANDONED = "abandoned", "Abandoned"
