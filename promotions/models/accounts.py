"""Dev sub-accounts: who may promote from them, and the packages that they hold."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models

from .base import LONG_NAME, NAME, Leased
from .installation import PrimaryAccount, current_primary_account
from .querysets import LeasedQuerySet


class DevAccount(models.Model):
    """A dev sub-account, and what is known of its packages."""

    primary_account = models.ForeignKey(
        PrimaryAccount,
        on_delete=models.PROTECT,
        related_name="+",
        default=current_primary_account,
        editable=False,
    )
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
