"""What a promotion would do, and what people have to know or settle before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from ..reading.sentences import headline
from ..states import Action, EnvironmentValues
from .accounts import DevAccount
from .base import LONG_NAME, NAME, Leased
from .contents import Content
from .packages import SourcePackage, and_more
from .querysets import LeasedQuerySet

if TYPE_CHECKING:
    from .promotions import PromotionPackage, PromotionRequest


def current_environment_values() -> str:
    """The rule for production's own values that is set now."""
    return str(settings.ENVIRONMENT_VALUES)


class Plan(SourcePackage, Leased):
    """What a promotion would do: made by a task, frozen when ready.

    Its own columns tell of its first package, the rows in ``further`` of the others.
    """

    class State(models.TextChoices):
        BUILDING = "building", "Building"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    dev_account = models.ForeignKey(DevAccount, on_delete=models.PROTECT, related_name="plans")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="plans"
    )
    environment_values = models.CharField(
        max_length=8,
        choices=EnvironmentValues,
        default=current_environment_values,
        editable=False,
        help_text="The rule for production's own values that it was made under.",
    )
    rules_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="The rules for component XML that it was made by."
    )
    state = models.CharField(max_length=16, choices=State, default=State.BUILDING)
    progress = models.CharField(max_length=NAME, blank=True)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True)
    compares_packaged_versions = models.BooleanField(
        default=False, help_text="Whether the platform told which versions the package holds."
    )
    sentences = models.JSONField(
        default=list, help_text="What changes, what is new, what stays: a sentence each."
    )
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    resubmits = models.ForeignKey(
        "promotions.PromotionRequest",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="resubmissions",
        help_text="The failed promotion whose inputs it takes over.",
    )
    restores = models.ForeignKey(
        "promotions.PromotionRequest",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rollback_plans",
        help_text="The former promotion that a rollback restores; empty for a promotion.",
    )
    restores_package = models.ForeignKey(
        "promotions.PromotionPackage",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Which of its further packages, where it is not the first.",
    )
    submits_itself = models.BooleanField(
        default=False, help_text="It is submitted with those inputs as soon as it is ready."
    )
    created_at = models.DateTimeField(default=timezone.now)
    readable_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Since then it can be read, although the proof of what uses what may still be running.",
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LeasedQuerySet["Plan"].as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="plan_newest"),
            models.Index(fields=["requested_by", "-created_at", "-id"], name="plan_of_person"),
            models.Index(fields=["package_id"], name="plan_of_package"),
        ]
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
    def headline(self) -> str:
        """What it does in one sentence, for lists."""
        return headline(self.sentences)

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.READY

    @property
    def packages(self) -> list[SourcePackage]:
        """Every package that it is made for, in the order in which they were chosen."""
        return [self, *self.further.all()]

    @property
    def called(self) -> str:
        """The name of what it packages: "Order import", "Order import and 2 more"."""
        return and_more(self.root_name or self.package_id, len(self.packages) - 1)

    @property
    def restored(self) -> PromotionRequest | PromotionPackage | None:
        """What a rollback goes back to: a promotion, for its first package, or a further package of one."""
        return self.restores_package or self.restores

    def package_of(self, root_component_id: str) -> SourcePackage:
        """The package of the plan that packages this component; the first one where none does."""
        key = root_component_id.lower()
        return next((p for p in self.packages if p.root_component_id.lower() == key), self)

    @property
    def versions(self) -> str:
        """The versions of its packages in the dev account, each once."""
        return ", ".join(dict.fromkeys(package.package_version for package in self.packages))

    def twin_of(self, package: SourcePackage) -> str:
        """The production id of the component that a package of the plan holds; empty where it is new."""
        root = self.components.filter(dev_component_id=package.root_component_id).first()
        return root.prod_component_id if root is not None else ""

    @property
    def root_twin(self) -> str:
        """The production id of the packaged component; empty where it is new."""
        return self.twin_of(self)

    def held_by(self, package: SourcePackage) -> set[str]:
        """Dev ids of what a package of the plan brings: the component that it packages, and all that this uses."""
        uses = dict(self.components.values_list("dev_component_id", "depends_on"))
        if len(self.packages) == 1:
            return set(uses)
        held, waiting = set(), [package.root_component_id]
        while waiting:
            key = waiting.pop()
            if key in uses and key not in held:
                held.add(key)
                waiting += uses[key]
        return held

    @property
    def is_being_proved(self) -> bool:
        """Whether it can be read, and what uses what is still being asked: it cannot be submitted yet."""
        return self.state == self.State.BUILDING and self.readable_at is not None

    @property
    def is_cancelled(self) -> bool:
        return self.state == self.State.CANCELLED

    @property
    def is_readable(self) -> bool:
        return self.is_ready or self.is_being_proved

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to promote."""
        return self.components.filter(action__in=(Action.CREATE, Action.UPDATE)).exists()

    @property
    def has_listeners(self) -> bool:
        """Whether something in it takes requests as soon as it is deployed."""
        return self.findings.filter(code="LISTENER_STARTS").exists()

    @property
    def why_nothing(self) -> str:
        """Why there is nothing to promote, as far as it was compared."""
        if self.restores_id is not None:
            return "Production has exactly what this promotion has brought."
        if self.compares_packaged_versions:
            return "Production already has everything that this package holds."
        return (
            "Production already has these components as they are in the dev account now. "
            "Which versions this package holds is not known here, so they were not compared."
        )

    @property
    def can_be_submitted(self) -> bool:
        return self.is_ready and self.has_changes and not self.blocking_findings().exists()

    def blocking_findings(self) -> models.QuerySet[Finding]:
        return self.findings.filter(blocking=True, accepted_by__isnull=True)


class PlanPackage(SourcePackage):
    """A further package of a plan that is made for several of one dev account."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="further")

    class Meta:
        ordering = ["plan", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "package_id"], name="unique_package_of_plan")
        ]

    def __str__(self) -> str:
        return f"{self.root_name or self.package_id} {self.package_version}"


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
    sub_type = models.CharField(max_length=NAME, blank=True)
    copied_from = models.CharField(
        max_length=NAME, blank=True, help_text="The component that the dev component is a copy of."
    )
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
    digest = models.CharField(
        max_length=NAME, blank=True, help_text="Version of the rules, colon, SHA-256."
    )
    base_digest = models.CharField(max_length=NAME, blank=True)
    content = models.ForeignKey(
        Content,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What is to be written: stripped, with placeholders for ids and for production's own values.",
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
        help_text="What changes, as people of its type see it.",
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
                condition=Q(action=Action.CREATE, prod_component_id="")
                | (~Q(action=Action.CREATE) & ~Q(prod_component_id=""))
                | Q(action=Action.CONNECTION),
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
    difference = models.ForeignKey(
        Content, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reading = models.ForeignKey(
        Content,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of a change by hand: from what was promoted last to what production has now.",
    )
    outcome = models.ForeignKey(
        Content,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="From the same beginning to what the promotion would make of it.",
    )
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

    @property
    def anchor(self) -> str:
        """The id of its place on a page."""
        return f"finding-{self.pk}"


class Acceptance(models.Model):
    """An admin's acceptance of a finding, valid while the value behind it stays the same."""

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
