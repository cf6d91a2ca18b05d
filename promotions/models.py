"""The things of the system, and the invariants that the database holds for them."""

from __future__ import annotations

import zlib
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from .querysets import IntegrationPackQuerySet, LeasedQuerySet, PromotionRequestQuerySet
from .states import FINAL, Action, Outcome, Status, StepState

NAME = 255
# Component names may be long on the platform; the column holds what any of them needs.
LONG_NAME = 1000


class Leased(models.Model):
    """A row that workers carry on, one at a time.

    ``next_attempt_at`` says when there is something to do (None: nothing). The lease says which worker is at it;
    every recording UPDATE of that worker carries ``lease_epoch``, so that a worker that was given up cannot write.
    """

    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True, editable=False)
    enqueued_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_epoch = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True


class DevAccount(models.Model):
    """A dev sub-account, and what is known of its packages."""

    account_id = models.CharField("account id", max_length=NAME, unique=True)
    name = models.CharField(
        max_length=NAME, help_text="As the platform names it: folder paths begin with it."
    )
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class DevAccountAccess(models.Model):
    """A team (group) that may promote from a dev account."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    dev_account = models.ForeignKey(DevAccount, on_delete=models.CASCADE, related_name="access")
    is_active = models.BooleanField(
        "active", default=True, help_text="Switch it off instead of deleting it."
    )

    class Meta:
        verbose_name = "dev account access"
        verbose_name_plural = "dev account access"
        ordering = ["group__name", "dev_account__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "dev_account"], name="unique_access_of_group_to_dev_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.group} → {self.dev_account}"


class PackageListing(Leased):
    """The packages of one dev account, as a worker last read them (operation 6)."""

    dev_account = models.OneToOneField(
        DevAccount, on_delete=models.CASCADE, related_name="package_listing"
    )
    refreshed_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    objects = LeasedQuerySet["PackageListing"].as_manager()

    def __str__(self) -> str:
        return f"Packages of {self.dev_account}"

    @property
    def is_refreshing(self) -> bool:
        return self.next_attempt_at is not None


class DevPackage(models.Model):
    """A package of a dev account, cached so that pages never wait for the API."""

    dev_account = models.ForeignKey(DevAccount, on_delete=models.CASCADE, related_name="packages")
    package_id = models.CharField(max_length=NAME)
    package_version = models.CharField(max_length=NAME)
    component_id = models.CharField(max_length=NAME)
    component_version = models.PositiveIntegerField(null=True, blank=True)
    component_type = models.CharField(max_length=64)
    component_name = models.CharField(max_length=LONG_NAME, blank=True)
    folder = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    shareable = models.BooleanField(default=True)
    created_by = models.CharField(max_length=NAME, blank=True)
    created_date = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_date", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "package_id"], name="unique_package_of_dev_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component_name or self.component_id} {self.package_version}"


class Environment(models.Model):
    """An environment of the primary account that a promotion may deploy to."""

    class Classification(models.TextChoices):
        TEST = "TEST", "Test"
        PROD = "PROD", "Production"

    environment_id = models.CharField("environment id", max_length=NAME, unique=True)
    name = models.CharField(max_length=NAME)
    classification = models.CharField(max_length=8, choices=Classification)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["classification", "name"]

    def __str__(self) -> str:
        return self.name


class IntegrationPack(models.Model):
    """An Integration Pack of the primary account, as last synchronised."""

    class Purpose(models.TextChoices):
        PRODUCTION = "production", "Production"
        TEST = "test", "Test"

    pack_id = models.CharField("pack id", max_length=NAME, unique=True)
    name = models.CharField(max_length=NAME)
    description = models.TextField(blank=True)
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.PRODUCTION)
    is_active = models.BooleanField("active", default=True)
    synchronised_at = models.DateTimeField(null=True, blank=True)

    objects = IntegrationPackQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class PackRelease(models.Model):
    """Which production process was last released in which pack, so that the right pack can be suggested."""

    pack = models.ForeignKey(IntegrationPack, on_delete=models.CASCADE, related_name="releases")
    prod_component_id = models.CharField(max_length=NAME, db_index=True)
    package_version = models.CharField(max_length=NAME)
    released_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["pack", "prod_component_id"], name="unique_release_of_component_in_pack"
            )
        ]

    def __str__(self) -> str:
        return f"{self.prod_component_id} in {self.pack}"


class ComponentMapping(models.Model):
    """A dev component and its one production twin."""

    class Source(models.TextChoices):
        ENGINE = "engine", "engine"
        ADMIN_SEEDING = "admin seeding", "admin seeding"

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="mappings")
    dev_component_id = models.CharField("dev component id", max_length=NAME)
    prod_component_id = models.CharField("production component id", max_length=NAME, db_index=True)
    name = models.CharField(max_length=LONG_NAME)
    component_type = models.CharField("type", max_length=64)
    prod_version = models.PositiveIntegerField("latest production version", null=True, blank=True)
    last_promoted_at = models.DateTimeField(null=True, blank=True)
    last_promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    source = models.CharField(max_length=16, choices=Source, default=Source.ADMIN_SEEDING)

    class Meta:
        ordering = ["dev_account", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "dev_component_id"], name="unique_mapping_of_dev_component"
            ),
            models.CheckConstraint(
                condition=~Q(dev_component_id="") & ~Q(prod_component_id=""),
                name="mapping_names_both_components",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.component_type})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Ids are the same in any letter case; one spelling lets the constraint see that.
        self.dev_component_id = self.dev_component_id.strip().lower()
        self.prod_component_id = self.prod_component_id.strip()
        super().save(*args, **kwargs)


class Blob(models.Model):
    """Content by its hash: written once by a worker, read by pages."""

    digest = models.CharField(max_length=64, primary_key=True)
    compressed = models.BinaryField()
    size = models.PositiveIntegerField(help_text="Bytes before compression.")

    def __str__(self) -> str:
        return self.digest

    @property
    def content(self) -> bytes:
        return zlib.decompress(bytes(self.compressed))


class Plan(Leased):
    """What a promotion would do: made by a task, frozen when ready."""

    class State(models.TextChoices):
        BUILDING = "building", "Building"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="plans")
    package_id = models.CharField(max_length=NAME)
    package_version = models.CharField(max_length=NAME, blank=True)
    root_component_id = models.CharField(max_length=NAME, blank=True)
    root_name = models.CharField(max_length=LONG_NAME, blank=True)
    root_type = models.CharField(max_length=64, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="plans"
    )
    state = models.CharField(max_length=16, choices=State, default=State.BUILDING)
    progress = models.CharField(max_length=NAME, blank=True)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LeasedQuerySet["Plan"].as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="ready") | ~Q(content_hash=""), name="ready_plan_has_a_hash"
            )
        ]

    def __str__(self) -> str:
        return f"Plan {self.pk}: {self.root_name or self.package_id} {self.package_version}"

    def get_absolute_url(self) -> str:
        return reverse("plan_detail", args=[self.pk])

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.READY

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to promote."""
        return self.components.filter(action__in=(Action.CREATE, Action.UPDATE)).exists()

    @property
    def can_be_submitted(self) -> bool:
        return self.is_ready and self.has_changes and not self.blocking_findings().exists()

    def blocking_findings(self) -> models.QuerySet[Finding]:
        return self.findings.filter(blocking=True, accepted_by__isnull=True)


class PlannedComponent(models.Model):
    """One component of a plan, in the order of promotion."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="components")
    position = models.PositiveIntegerField()
    group = models.PositiveIntegerField(
        default=0, help_text="Members of a reference cycle share a number."
    )
    dev_component_id = models.CharField(max_length=NAME)
    name = models.CharField(max_length=LONG_NAME)
    component_type = models.CharField(max_length=64)
    dev_folder = models.TextField(blank=True)
    target_folder = models.TextField(blank=True)
    dev_version = models.PositiveIntegerField()
    prod_component_id = models.CharField(max_length=NAME, blank=True)
    prod_version = models.PositiveIntegerField(null=True, blank=True)
    action = models.CharField(max_length=16, choices=Action)
    depends_on = models.JSONField(default=list, help_text="Dev ids of the components it uses.")
    places = models.JSONField(
        default=list, help_text="What was emptied, kept or omitted: path, rule, outcome."
    )
    rewrites = models.JSONField(default=list, help_text="References rewritten: path, context.")
    digest = models.CharField(max_length=64, blank=True)
    base_digest = models.CharField(max_length=64, blank=True)
    difference = models.ForeignKey(
        Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lines_added = models.PositiveIntegerField(default=0)
    lines_removed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["plan", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "dev_component_id"], name="unique_component_of_plan"
            ),
            models.UniqueConstraint(fields=["plan", "position"], name="unique_position_in_plan"),
            models.CheckConstraint(
                condition=Q(action="create", prod_component_id="")
                | (~Q(action="create") & ~Q(prod_component_id=""))
                | Q(action="connection"),
                name="only_a_new_component_has_no_twin",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_written(self) -> bool:
        return self.action in (Action.CREATE, Action.UPDATE)


class Finding(models.Model):
    """Something that a person must know, or settle, before a plan is promoted."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="findings")
    component = models.ForeignKey(
        PlannedComponent, on_delete=models.CASCADE, null=True, blank=True, related_name="findings"
    )
    code = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=NAME, blank=True)
    subject_name = models.CharField(max_length=LONG_NAME, blank=True)
    path = models.TextField(blank=True)
    message = models.TextField()
    fingerprint = models.CharField(max_length=64, blank=True)
    blocking = models.BooleanField(default=True)
    can_be_accepted = models.BooleanField(default=False)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["plan", "-blocking", "code", "subject_name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_by__isnull=True) | ~Q(accepted_reason=""),
                name="acceptance_has_a_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.subject_name or self.subject_id}"


class Acceptance(models.Model):
    """An admin's word that a finding is all right, as long as the value behind it stays the same."""

    dev_account = models.ForeignKey(DevAccount, on_delete=models.CASCADE, related_name="+")
    dev_component_id = models.CharField(max_length=NAME)
    code = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    reason = models.TextField()
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    accepted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "dev_component_id", "code", "fingerprint"],
                name="unique_acceptance_of_finding",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="acceptance_needs_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.code} in {self.dev_component_id}"


class PromotionRequest(Leased):
    """One promotion run: who, what, where to, and how far it has come."""

    class Target(models.TextChoices):
        PRODUCTION = "production", "Production"

    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="request")
    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="requests")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="promotion_requests"
    )
    target = models.CharField(max_length=16, choices=Target, default=Target.PRODUCTION)
    package_version = models.CharField(max_length=NAME)
    notes = models.TextField(blank=True)
    status = models.CharField(
        max_length=16, choices=Status, default=Status.QUEUED, db_index=True, editable=False
    )
    submitted_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_hash = models.CharField(max_length=64, blank=True)
    decision_reason = models.TextField(blank=True)
    pack = models.ForeignKey(
        IntegrationPack, on_delete=models.PROTECT, null=True, blank=True, related_name="requests"
    )
    new_pack_name = models.CharField(max_length=NAME, blank=True)
    merge_request_id = models.CharField(max_length=NAME, blank=True)
    content_hash = models.CharField(
        max_length=64, blank=True, help_text="What reviewers see and approve."
    )
    merge_started_at = models.DateTimeField(null=True, blank=True)
    merge_executed_at = models.DateTimeField(null=True, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    prod_package_id = models.CharField(max_length=NAME, blank=True)
    release_id = models.CharField(max_length=NAME, blank=True)
    released_package_id = models.CharField(max_length=NAME, blank=True)
    deployed_at = models.DateTimeField(null=True, blank=True)
    staged_times = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    failed_step = models.CharField(max_length=64, blank=True)
    waiting_for = models.CharField(max_length=NAME, blank=True)

    objects = PromotionRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at", "-pk"]
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
                | Q(merged_at__isnull=False, approved_by__isnull=False),
                name="deployed_was_approved_and_merged",
            ),
            models.UniqueConstraint(
                fields=["dev_account"],
                condition=Q(status="staging"),
                name="one_staging_promotion_per_dev_account",
            ),
        ]

    def __str__(self) -> str:
        return f"Promotion {self.pk}: {self.plan.root_name} {self.package_version}"

    def get_absolute_url(self) -> str:
        return reverse("promotion_detail", args=[self.pk])

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def can_be_retried(self) -> bool:
        """After the merge there is only forward: a failed later step may be taken again."""
        return self.status == Status.FAILED and self.merged_at is not None

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


class ComponentResult(models.Model):
    """What became of one planned component in one request."""

    request = models.ForeignKey(PromotionRequest, on_delete=models.CASCADE, related_name="results")
    component = models.ForeignKey(PlannedComponent, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)
    prod_component_id = models.CharField(max_length=NAME, blank=True)
    branch_version = models.PositiveIntegerField(null=True, blank=True)
    merged_version = models.PositiveIntegerField(null=True, blank=True)
    staged_digest = models.CharField(max_length=64, blank=True)
    staged_seal = models.CharField(
        max_length=64, blank=True, help_text="Keyed hash over everything on the branch, values too."
    )
    difference = models.ForeignKey(
        Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lines_added = models.PositiveIntegerField(default=0)
    lines_removed = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["request", "component__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "component"], name="unique_result_of_component"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.outcome}"


class Reservation(models.Model):
    """A production id that a promotion has created on its branch and not merged yet."""

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="+")
    dev_component_id = models.CharField(max_length=NAME)
    prod_component_id = models.CharField(max_length=NAME, blank=True)
    request = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="reservations"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dev_account", "dev_component_id"],
                name="unique_reservation_of_dev_component",
            )
        ]

    def __str__(self) -> str:
        return f"{self.dev_component_id} by promotion {self.request_id}"


class PromotionBranch(Leased):
    """A branch of the primary account. The row is written before operation 10 is sent."""

    request = models.ForeignKey(PromotionRequest, on_delete=models.PROTECT, related_name="branches")
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
                fields=["request"],
                condition=Q(delete_due__isnull=True),
                name="one_live_branch_per_request",
            )
        ]

    def __str__(self) -> str:
        return self.name


class StepRun(models.Model):
    """One run of one step of a request: what the page shows is what the worker records."""

    request = models.ForeignKey(PromotionRequest, on_delete=models.CASCADE, related_name="steps")
    step = models.CharField(max_length=64)
    attempt = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=StepState, default=StepState.RUNNING)
    remote_id = models.CharField(max_length=NAME, blank=True)
    polls = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=LONG_NAME, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["request", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "step", "attempt"], name="unique_attempt_of_step"
            )
        ]

    def __str__(self) -> str:
        return f"{self.step} #{self.attempt}: {self.state}"


class Deployment(models.Model):
    """One target environment of a request and what was deployed there (operation 8)."""

    request = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, related_name="deployments"
    )
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    remote_id = models.CharField(max_length=NAME, blank=True)
    deployed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="Why nothing was deployed to it, where so.")

    class Meta:
        ordering = ["request", "environment__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "environment"], name="unique_deployment_to_environment"
            )
        ]

    def __str__(self) -> str:
        return f"{self.request_id} to {self.environment}"


class Job(Leased):
    """Something that a worker does once for a person beside promotions, and what came of it."""

    class Kind(models.TextChoices):
        ACCOUNTS = "accounts", "Synchronise accounts and environments"
        CONNECTION_CHECK = "connection_check", "Check the connection"
        ADOPTION = "adoption", "Look for production twins to adopt"

    kind = models.CharField(max_length=32, choices=Kind)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    argument = models.CharField(max_length=NAME, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress = models.CharField(max_length=NAME, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    objects = LeasedQuerySet["Job"].as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.get_kind_display()


class Turn(models.Model):
    """A row to lock while a turn is decided: slots for branches, the order of merges."""

    name = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def take(cls, name: str) -> None:
        """Wait until nobody else decides; it is ours until the transaction ends."""
        cls.objects.get_or_create(name=name)
        cls.objects.select_for_update().get(name=name)


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete a row of the history."""


class Event(models.Model):
    """Append-only history: who did what, when, from which state to which, and why."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    request = models.ForeignKey(
        PromotionRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=LONG_NAME, blank=True)
    from_status = models.CharField(max_length=16, blank=True)
    to_status = models.CharField(max_length=16, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("An event is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("An event is never deleted.")


class ApiCall(models.Model):
    """One try of one Partner API call. Never a secret, never a body."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    request = models.ForeignKey(
        PromotionRequest, on_delete=models.CASCADE, null=True, blank=True, related_name="api_calls"
    )
    plan = models.ForeignKey(
        Plan, on_delete=models.CASCADE, null=True, blank=True, related_name="api_calls"
    )
    operation = models.CharField(max_length=64)
    name = models.CharField(max_length=128)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=LONG_NAME)
    account = models.CharField(max_length=NAME, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = "API call"

    def __str__(self) -> str:
        return f"{self.operation} {self.name}: {self.status or self.error}"
