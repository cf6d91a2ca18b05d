"""Who has to approve what, and who decides for an absent admin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .accounts import DevAccount
from .base import NAME
from .demand import Demand, GroupDemand
from .plans import Plan
from .production import Environment


class ReviewPolicyQuerySet(models.QuerySet["ReviewPolicy"]):
    """Policies by what they apply to."""

    def demand_on(self, plan: Plan, environments: Iterable[Environment]) -> Demand:
        """What the active policies ask of a promotion of a plan, combined to the strictest.

        The most peers, the most of each group and the most admins; anybody whom one of them excludes is excluded.
        Nobody counts for two groups, so there are never fewer peers than the groups need together.
        """
        targets = {environment.pk for environment in environments}
        folders = [c.target_folder for c in plan.components.all() if c.is_written]
        applying = [
            policy
            for policy in self.filter(is_active=True).prefetch_related(
                "groups__group", "excluded_groups", "excluded_people"
            )
            if policy.applies_to(plan, targets, folders)
        ]
        wanted: dict[Group, int] = defaultdict(int)
        for policy in applying:
            for row in policy.groups.all():
                wanted[row.group] = max(wanted[row.group], row.number)
        return Demand(
            policies=tuple(policy.name for policy in applying),
            peers=max([*(policy.peers for policy in applying), sum(wanted.values())]),
            groups=tuple(
                GroupDemand(group.pk, group.name, number)
                for group, number in sorted(wanted.items(), key=lambda item: item[0].name)
            ),
            admins=max([1, *(policy.admins for policy in applying)]),
            excluded_groups=_ids(g.pk for policy in applying for g in policy.excluded_groups.all()),
            excluded_people=_ids(p.pk for policy in applying for p in policy.excluded_people.all()),
        )


def _ids(found: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(found)))


class ReviewPolicy(models.Model):
    """Who has to approve promotions of some accounts, processes, folders or environments.

    An empty field applies to all of them. A promotion keeps the policies that applied when it was submitted.
    """

    name = models.CharField(max_length=NAME, unique=True)
    dev_account = models.ForeignKey(
        DevAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only promotions from this account.",
    )
    root_component_id = models.CharField(
        "process id",
        max_length=NAME,
        blank=True,
        help_text="Only promotions of this process: its component id in the dev account.",
    )
    folder = models.CharField(
        "target folder",
        max_length=NAME,
        blank=True,
        help_text="Only promotions that write to this production folder or below it: Finance/Invoices.",
    )
    environment = models.ForeignKey(
        Environment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only promotions that deploy to this environment.",
    )
    peers = models.PositiveSmallIntegerField(
        default=0,
        help_text="How many people approve before the admins, those of the groups below included.",
    )
    admins = models.PositiveSmallIntegerField(default=1, choices=[(1, "One"), (2, "Two")])
    excluded_groups = models.ManyToManyField(
        Group, blank=True, related_name="+", help_text="Their members neither approve nor reject."
    )
    excluded_people = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        help_text="They neither approve nor reject.",
    )
    is_active = models.BooleanField("active", default=True)

    objects = ReviewPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "review policies"
        constraints = [
            models.CheckConstraint(condition=Q(admins__in=(1, 2)), name="one_or_two_admins")
        ]

    def __str__(self) -> str:
        return self.name

    def applies_to(self, plan: Plan, environments: set[int], folders: Iterable[str]) -> bool:
        """Whether a promotion of the plan to these environments (keys) and production folders falls under it."""
        below = f"{_path(self.folder)}/"
        return (
            self.dev_account_id in (None, plan.dev_account_id)
            and self.root_component_id.strip().lower()
            in ("", *(package.root_component_id.lower() for package in plan.packages))
            and (self.environment_id is None or self.environment_id in environments)
            and (below == "/" or any(f"{_path(one)}/".startswith(below) for one in folders))
        )

    def people(self) -> dict[str, str]:
        """The people it names, in words, which its own columns do not hold."""
        return {
            "from groups": ", ".join(f"{row.number} {row.group}" for row in self.groups.all()),
            "excluded groups": ", ".join(str(group) for group in self.excluded_groups.all()),
            "excluded people": ", ".join(str(person) for person in self.excluded_people.all()),
        }


def _path(folder: str) -> str:
    return folder.strip().strip("/").casefold()


class PolicyGroup(models.Model):
    """How many of the peers that a policy asks for come from one group."""

    policy = models.ForeignKey(ReviewPolicy, on_delete=models.CASCADE, related_name="groups")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["group__name"]
        verbose_name = "group of peers"
        verbose_name_plural = "groups of peers"
        constraints = [
            models.UniqueConstraint(fields=["policy", "group"], name="unique_group_of_policy"),
            models.CheckConstraint(condition=Q(number__gte=1), name="at_least_one_of_a_group"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.group}"


class DeputyQuerySet(models.QuerySet["Deputy"]):
    """Deputies by whom they stand in for."""

    def acting(self, user: User, at: datetime) -> DeputyQuerySet:
        """The deputyships that somebody held at a moment."""
        return self.filter(deputy=user, starts_at__lte=at, ends_at__gt=at).select_related("admin")


class Deputy(models.Model):
    """Somebody who decides on promotions in an admin's place for a time. The two count as one."""

    admin = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField("from", default=timezone.now)
    ends_at = models.DateTimeField("until")

    objects = DeputyQuerySet.as_manager()

    class Meta:
        ordering = ["-ends_at", "pk"]
        verbose_name_plural = "deputies"
        constraints = [
            models.CheckConstraint(
                condition=~Q(admin=F("deputy")), name="nobody_is_their_own_deputy"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="deputy_for_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} for {self.admin}"

    def clean(self) -> None:
        """Refuse a deputyship that ends before it begins, or of an admin for themselves.

        :raises ValidationError: in these cases.
        """
        if self.ends_at and self.starts_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": "It ends after it begins."})
        if self.admin_id and self.admin_id == self.deputy_id:
            raise ValidationError({"deputy": "Name somebody else."})
