"""A promotion on its way: its components, branch, steps and deployments."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from ..messages import PromotionError
from ..states import (
    FINAL,
    MERGE_INCOMPLETE,
    OPEN,
    Action,
    EnvironmentValues,
    Kind,
    Outcome,
    Stage,
    Status,
    StepState,
)
from .accounts import DevAccount
from .approved import APPROVED_VERSION, ApprovalLapsed, Approved, hash_of
from .base import LONG_NAME, NAME, Leased
from .contents import Content
from .demand import Demand
from .installation import Installation, PrimaryAccount, current_primary_account
from .packages import ProductionPackage, SourcePackage, and_more
from .plans import Plan, PlannedComponent, PlanPackage
from .production import Environment
from .querysets import DeploymentQuerySet, LeasedQuerySet, PromotionRequestQuerySet


class PromotionRequest(ProductionPackage, Leased):
    """One promotion run: who, what, where to, and how far it has come.

    Its own columns tell of its first package, the rows in ``further`` of the others of a bundle.
    """

    class Target(models.TextChoices):
        PRODUCTION = "production", "Production"

    # A deployment has none. Typed as always there: what a deployment never reaches reads it, the rest asks `about`.
    plan: models.OneToOneField[Plan, Plan] = models.OneToOneField(  # type: ignore[misc]
        Plan, on_delete=models.PROTECT, null=True, related_name="promotion"
    )
    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="promotions")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="promotion_requests"
    )
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PROMOTION)
    source = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="followers"
    )
    source_package = models.ForeignKey(
        "promotions.PromotionPackage",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a deployment: which of the source's further packages, where it is not the first.",
    )
    target = models.CharField(max_length=16, choices=Target, default=Target.PRODUCTION)
    # The rules that it was submitted under. It keeps them, whatever the settings say later.
    stage = models.CharField(
        max_length=16, choices=Stage, default=Stage.BEFORE_REVIEW, editable=False
    )
    dialect = models.CharField(max_length=16, blank=True, editable=False)
    environment_values = models.CharField(
        max_length=8, choices=EnvironmentValues, default=EnvironmentValues.KEEP, editable=False
    )
    rules_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="The rules for component XML that it was planned by."
    )
    notes = models.TextField(blank=True)
    pause_listeners = models.BooleanField(
        default=False,
        help_text="Listeners are deployed paused; somebody starts them on the platform.",
    )
    status = models.CharField(
        max_length=16, choices=Status, default=Status.QUEUED, db_index=True, editable=False
    )
    submitted_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_hash = models.CharField(
        max_length=64, blank=True, help_text="Over everything in `approved`."
    )
    approved = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="What was approved, frozen: content, version, pack, environments, notes, findings, rules.",
    )
    demand = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Whose approvals it needs: the review policies of its submission; empty without any.",
    )
    seal = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Keyed hash over who has requested it and whose approvals it needs.",
    )
    peer_groups = models.ManyToManyField(
        Group, blank=True, related_name="+", editable=False, help_text="Whose members are asked."
    )
    approvals_missing = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Until the last approval, how many it needs in all."
    )
    decision_reason = models.TextField(blank=True)
    merge_request_id = models.CharField(max_length=NAME, blank=True)
    content_hash = models.CharField(
        max_length=64, blank=True, help_text="What reviewers see and approve."
    )
    merge_started_at = models.DateTimeField(null=True, blank=True)
    merge_executed_at = models.DateTimeField(null=True, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    deployed_at = models.DateTimeField(null=True, blank=True)
    staged_times = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    failed_step = models.CharField(max_length=64, blank=True)
    change_stamp = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Grows with every change that its page shows."
    )

    CHANGED = {"change_stamp": F("change_stamp") + 1}

    objects = PromotionRequestQuerySet["PromotionRequest"].as_manager()

    class Meta:
        ordering = ["-submitted_at", "-pk"]
        indexes = [
            models.Index(fields=["-submitted_at", "-id"], name="promotion_newest"),
            models.Index(fields=["requester", "-submitted_at"], name="promotion_of_requester"),
            models.Index(fields=["-updated_at"], name="promotion_latest_change"),
            models.Index(
                fields=["process_id", "-merged_at", "-id"],
                name="promotion_versions",
                condition=Q(merged_at__isnull=False)
                & ~(Q(process_id="") | Q(kind=Kind.DEPLOYMENT)),
            ),
            models.Index(
                fields=["status", "submitted_at"],
                name="promotion_open",
                condition=Q(status__in=sorted(OPEN)),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requester")),
                name="requester_does_not_approve",
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="status_is_a_known_one"
            ),
            models.CheckConstraint(
                condition=~Q(status="rejected") | ~Q(decision_reason=""),
                name="rejection_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="deployed")
                | Q(approved_by__isnull=False)
                & (Q(merged_at__isnull=False) | Q(kind=Kind.DEPLOYMENT)),
                name="deployed_was_approved_and_merged",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.DEPLOYMENT, plan__isnull=True, source__isnull=False)
                | Q(kind=Kind.ROLLBACK, plan__isnull=False, source__isnull=False)
                | Q(kind=Kind.PROMOTION, plan__isnull=False),
                name="kind_has_what_it_needs",
            ),
            models.CheckConstraint(
                condition=Q(
                    merge_started_at__isnull=True,
                    merge_request_id="",
                    merge_executed_at__isnull=True,
                    merged_at__isnull=True,
                )
                | (Q(approved_by__isnull=False, approvals_missing=0) & ~Q(approved_hash="")),
                name="merge_demands_an_approval",
            ),
            models.UniqueConstraint(
                fields=["dev_account"],
                condition=Q(status="staging"),
                name="one_staging_promotion_per_dev_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.noun.capitalize()} {self.pk}: {self.about.root_name} {self.package_version}"

    def get_absolute_url(self) -> str:
        return reverse("promotion_detail", args=[self.pk])

    @property
    def noun(self) -> str:
        """What people call it: "promotion", "deployment", "rollback"."""
        return str(self.kind)

    @property
    def is_deployment(self) -> bool:
        """Whether it only deploys what another promotion has packaged."""
        return self.kind == Kind.DEPLOYMENT

    @property
    def origin(self) -> PromotionRequest:
        """The promotion that has made the package: itself, or the source of a deployment."""
        return self.source if self.is_deployment and self.source else self

    @property
    def about(self) -> Plan:
        """The plan of what it brings; a deployment tells of its source's."""
        return self.origin.plan

    @property
    def packages(self) -> list[PromotedPackage]:
        """Everything that it brings to production, in the order of its plan; a deployment brings one package."""
        return [self, *self.further.all()]

    @property
    def versions(self) -> str:
        """The versions that its packages get in production, each once: "1.0", "1.0, 2.0"."""
        return ", ".join(dict.fromkeys(package.package_version for package in self.packages))

    def brought_by(self) -> dict[str, PromotionPackage]:
        """Dev id -> the further package that brings the component, where the first one does not."""
        rows = list(self.further.select_related("planned"))
        found = {dev_id: row for row in reversed(rows) for dev_id in self.plan.held_by(row.planned)}
        ours = self.plan.held_by(self.planned) if found else set()
        return {dev_id: row for dev_id, row in found.items() if dev_id not in ours}

    @property
    def versions_by_package(self) -> dict[str, str]:
        """The id of each further dev package -> the version that it gets in production."""
        further = self.further.select_related("planned")
        return {one.planned.package_id: one.package_version for one in further}

    @property
    def made(self) -> PromotedPackage:
        """What has been packaged in production: its own first package, or what a deployment brings further."""
        return self.source_package or self.origin

    @property
    def planned(self) -> SourcePackage:
        """The dev package of ``made``."""
        return self.source_package.planned if self.source_package else self.about

    @property
    def called(self) -> str:
        """The name of what it brings: "Order import", "Order import and 2 more"."""
        name = self.planned.root_name or self.planned.package_id
        return and_more(name, len(self.packages) - 1)

    @property
    def package_id(self) -> str:
        """The dev package that is promoted, or the production package that is deployed further."""
        return self.made.prod_package_id if self.is_deployment else self.plan.package_id

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def can_be_retried(self) -> bool:
        """After the merge there is only forward.

        A failed later step may be taken again, and so may a merge that left something out. A deployment merges nothing.
        """
        return self.status == Status.FAILED and (
            self.merged_at is not None
            or self.holds_unmerged_content
            or (self.is_deployment and self.approved_by_id is not None)
        )

    @property
    def holds_unmerged_content(self) -> bool:
        """Whether a merge left something out, and its branch still has it."""
        return (
            self.error_code == MERGE_INCOMPLETE
            and self.branches.filter(delete_due__isnull=True).exists()
        )

    def approved_object(self) -> Approved:
        """What was approved, as it was frozen, whether or not the approval still holds.

        :raises PromotionError: APPROVAL_MISSING when nobody has approved it, or when what is stored is not what the
            approval's hash covers, or the approval was not put on record by Promotion Desk.
        """
        if not self.approved_by_id or not self.approved_hash:
            raise PromotionError("APPROVAL_MISSING", "Nobody has approved it.")
        if self.approved_by_id == self.requester_id:
            raise PromotionError("APPROVAL_MISSING", "Its requester cannot approve it.")
        if hash_of(self.approved) != self.approved_hash:
            raise PromotionError("APPROVAL_MISSING", "What is on record is not what was approved.")
        try:
            approved = Approved.from_json(self.approved)
        except (KeyError, TypeError) as error:
            raise PromotionError(
                "APPROVAL_MISSING", "What was approved is not on record."
            ) from error
        on_record = self._approval_on_record()
        if on_record is None:
            raise PromotionError("APPROVAL_MISSING", "The approval is not on record.")
        if not on_record.is_sealed:
            raise PromotionError("APPROVAL_MISSING", "The record of the approval was changed.")
        return approved

    def standing_approval(self) -> Approved:
        """What was approved, as long as the approval holds; from the merge on it does not lapse.

        :raises ApprovalLapsed: it has lasted its time, or an older version of Promotion Desk has frozen it.
        :raises PromotionError: APPROVAL_MISSING, as above.
        """
        approved = self.approved_object()
        why = self.why_approval_lapsed
        if why and self.merged_at is None and self.merge_executed_at is None:
            raise ApprovalLapsed(why)
        return approved

    @property
    def why_approval_lapsed(self) -> str:
        """Why somebody has to look again, or ""; peers' approvals last their time as well."""
        hashes = (self.approved_hash, self.approved_object().peers_hash)
        newest = {row.person_id: row for row in self.approvals.filter(approved_hash__in=hashes)}
        # One that had lapsed when it was approved was replaced by somebody else's.
        ends = [
            row.until
            for row in newest.values()
            if row.until and (self.approved_at is None or row.until > self.approved_at)
        ]
        if ends and min(ends) <= timezone.now():
            until = timezone.localtime(min(ends))
            return f"It lasted until {until:%d %B %Y, %H:%M %Z}."
        if self.approved.get("version") != APPROVED_VERSION:
            return "It was given under another version of Promotion Desk."
        return ""

    def _approval_on_record(self) -> Approval | None:
        return self.approvals.filter(
            approved_hash=self.approved_hash, person_id=self.approved_by_id
        ).last()

    @property
    def demanded(self) -> Demand:
        """Whose approvals it needs, as it was frozen at the submission."""
        return Demand.from_json(self.demand)

    def make_seal(self) -> str:
        """Return the seal of who has requested it and of what its review policies demand, as the row stands.

        :raises PromotionError: CONTENT_UNREADABLE, as ``Installation.key``.
        """
        return Installation.load().seal("promotion", [self.pk, self.requester_id, self.demand])

    def check_seal(self) -> None:
        """Check that requester and demand are those of the submission.

        :raises PromotionError: APPROVAL_MISSING when somebody has written them into the database.
        """
        if not hmac.compare_digest(self.seal, self.make_seal()):
            raise PromotionError(
                "APPROVAL_MISSING", "Who requested it, or whose approvals it needs, was changed."
            )

    def written(self) -> models.QuerySet[ComponentResult]:
        """The results of the components that are created or updated, dependencies first."""
        return (
            self.results.filter(component__action__in=(Action.CREATE, Action.UPDATE))
            .select_related("component")
            .order_by("component__position")
        )

    @property
    def branch(self) -> PromotionBranch | None:
        """The branch of the latest staging, deleted or not."""
        return self.branches.order_by("-pk").first()


class PromotionPackage(ProductionPackage):
    """A further package of a promotion that brings several of one dev account."""

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="further"
    )
    planned = models.OneToOneField(PlanPackage, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["promotion", "planned"]

    def __str__(self) -> str:
        return f"{self.planned.root_name} {self.package_version}"

    @property
    def origin(self) -> PromotionRequest:
        """The promotion that makes it."""
        return self.promotion

    @property
    def merged_at(self) -> datetime | None:
        return self.promotion.merged_at


PromotedPackage = PromotionRequest | PromotionPackage


class Approval(models.Model):
    """One person's yes to exactly one frozen object; `approved_by` and its neighbours are the summary."""

    class Role(models.TextChoices):
        PEER = "peer", "Peer"
        ADMIN = "admin", "Admin"

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="approvals"
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=16, choices=Role, default=Role.ADMIN)
    in_place_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The admin whose deputy the person was.",
    )
    approved_hash = models.CharField(
        max_length=64, help_text="Of everything; a peer's leaves out the pack, which admins choose."
    )
    comment = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True, help_text="When it lapses, if it does.")
    seal = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Keyed hash over who said yes to what and until when: nobody writes one with SQL.",
    )

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(approved_hash=""), name="approval_names_a_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.person} approved promotion {self.promotion_id}"

    @property
    def is_sealed(self) -> bool:
        """Whether the row is as Promotion Desk has written it."""
        return hmac.compare_digest(self.seal, self.make_seal())

    def make_seal(self) -> str:
        """The seal of this row as it stands.

        :raises PromotionError: CONTENT_UNREADABLE, as ``Installation.key``.
        """
        until = self.until.astimezone(UTC).isoformat() if self.until else ""
        at = self.at.astimezone(UTC).isoformat()
        covered = [
            *(self.promotion_id, self.person_id, self.role, self.in_place_of_id),
            *(self.approved_hash, at, until),
        ]
        return Installation.load().seal("approval", covered)


class ComponentResult(models.Model):
    """What became of one planned component in one promotion."""

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="results"
    )
    component = models.ForeignKey(PlannedComponent, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)
    prod_component_id = models.CharField(max_length=NAME, blank=True)
    branch_version = models.PositiveIntegerField(null=True, blank=True)
    merged_version = models.PositiveIntegerField(null=True, blank=True)
    losses = models.PositiveSmallIntegerField(
        default=0, help_text="How often the answer to its creation was lost and nothing could tell."
    )
    staged_digest = models.CharField(max_length=NAME, blank=True)
    promoted_digest = models.CharField(max_length=NAME, blank=True)
    promoted_text = models.ForeignKey(
        Content, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    kept = models.ForeignKey(
        Content,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What it brings, without values of environments: a rollback restores it.",
    )
    replaced = models.ForeignKey(
        Content,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What main had before, likewise.",
    )
    staged_seal = models.CharField(
        max_length=NAME,
        blank=True,
        help_text="Keyed hash over everything on the branch, values too.",
    )
    version_seal = models.CharField(
        max_length=NAME,
        blank=True,
        help_text="Keyed hash over the version on the branch that was seen to be as planned.",
    )
    difference = models.ForeignKey(
        Content, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    difference_parts = models.PositiveIntegerField(
        default=0, help_text="Parts to open where the first look does not show all of it."
    )
    sentence = models.TextField(blank=True, help_text="What changes, in a sentence.")
    reading = models.ForeignKey(
        Content,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What is on the branch, as people of its type see the change.",
    )
    lines_added = models.PositiveIntegerField(default=0)
    lines_removed = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["promotion", "component__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "component"], name="unique_result_of_component"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.outcome}"


class Reservation(models.Model):
    """A production id that a promotion has created on its branch and not merged yet."""

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="+")
    dev_component_id = models.CharField(max_length=NAME)
    prod_component_id = models.CharField(max_length=NAME, blank=True)
    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="reservations"
    )
    package = models.ForeignKey(
        PromotionPackage,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="reservations",
        help_text="Which of the promotion's further packages holds it, where the first does not.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "dev_component_id"],
                name="unique_reservation_of_dev_component",
            )
        ]

    def __str__(self) -> str:
        return f"{self.dev_component_id} by {self.holder}"

    @property
    def holder(self) -> str:
        """Who holds it, in words: "promotion 5", "promotion 5 (“Returns”)"."""
        held_by = f" (“{self.package.planned.root_name}”)" if self.package else ""
        return f"promotion {self.promotion_id}{held_by}"


class PromotionBranch(Leased):
    """A branch of the primary account. The row is written before operation 10 is sent."""

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.PROTECT, related_name="branches"
    )
    primary_account = models.ForeignKey(
        PrimaryAccount,
        on_delete=models.PROTECT,
        related_name="+",
        default=current_primary_account,
        editable=False,
    )
    name = models.CharField(max_length=NAME, unique=True)
    remote_id = models.CharField(max_length=NAME, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    delete_due = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    delete_error = models.TextField(blank=True)

    objects = LeasedQuerySet["PromotionBranch"].as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "promotion branches"
        constraints = [
            models.UniqueConstraint(
                fields=["promotion"],
                condition=Q(delete_due__isnull=True),
                name="one_live_branch_per_request",
            )
        ]

    def __str__(self) -> str:
        return self.name


class StepRun(models.Model):
    """One run of one step of a promotion: what the page shows is what the worker records."""

    promotion = models.ForeignKey(PromotionRequest, on_delete=models.CASCADE, related_name="steps")
    step = models.CharField(max_length=64)
    attempt = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=StepState, default=StepState.RUNNING)
    remote_id = models.CharField(max_length=NAME, blank=True)
    misses = models.PositiveSmallIntegerField(
        default=0, help_text="How often something was not found that may only be too new."
    )
    tries = models.PositiveIntegerField(
        default=1, help_text="How often it was taken up, waits included."
    )
    polls = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=LONG_NAME, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["promotion", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "step", "attempt"], name="unique_attempt_of_step"
            )
        ]

    def __str__(self) -> str:
        return f"{self.step} #{self.attempt}: {self.state}"


class Deployment(models.Model):
    """One target environment of a promotion and what was deployed there (operation 8)."""

    promotion = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="deployments"
    )
    package = models.ForeignKey(
        PromotionPackage,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="deployments",
        help_text="Which of the promotion's further packages, where it is not the first.",
    )
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="deployments"
    )
    platform_id = models.CharField(
        max_length=NAME,
        blank=True,
        help_text="The environment's id on the platform, as it was requested.",
    )
    remote_id = models.CharField(max_length=NAME, blank=True)
    deployed_at = models.DateTimeField(null=True, blank=True)
    sending = models.CharField(
        max_length=NAME,
        blank=True,
        editable=False,
        help_text="The process, from the last look for a newer version until the answer is recorded.",
    )
    note = models.TextField(blank=True, help_text="Why nothing was deployed to it, where so.")
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True, help_text="Why the last try failed.")
    dropped_at = models.DateTimeField(null=True, blank=True)
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = DeploymentQuerySet["Deployment"].as_manager()

    class Meta:
        ordering = ["promotion", F("package").asc(nulls_first=True), "environment__name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(dropped_at__isnull=True) | (Q(deployed_at__isnull=True) & ~Q(note="")),
                name="dropped_environment_has_a_reason",
            ),
            models.UniqueConstraint(
                fields=["promotion", "environment"],
                condition=Q(package__isnull=True),
                name="unique_deployment_to_environment",
            ),
            models.UniqueConstraint(
                fields=["package", "environment"], name="unique_deployment_of_package"
            ),
            # An older version must not arrive after a newer one that was sent at the same moment.
            models.UniqueConstraint(
                fields=["environment", "sending"],
                condition=~Q(sending=""),
                name="one_version_is_sent_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.promotion_id} to {self.environment}"

    @property
    def brings(self) -> PromotedPackage:
        """The package that is deployed."""
        return self.package or self.promotion

    @property
    def target(self) -> str:
        """The environment, and what goes there where it is a further package: "Production EU (“Returns”)"."""
        what = f" (“{self.package.planned.root_name}”)" if self.package else ""
        return f"{self.environment.name}{what}"


class Turn(models.Model):
    """A row to lock while a turn is decided: slots for branches, the order of merges."""

    primary_account = models.ForeignKey(
        PrimaryAccount,
        on_delete=models.PROTECT,
        related_name="+",
        default=current_primary_account,
        editable=False,
    )
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["primary_account", "name"], name="unique_turn_of_primary_account"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def take(cls, name: str) -> None:
        """Wait until nobody else decides; it is ours until the transaction ends."""
        turn, _ = cls.objects.get_or_create(primary_account_id=current_primary_account(), name=name)
        cls.objects.select_for_update().get(pk=turn.pk)
