"""What one package is to a plan and to a promotion.

Most plans have one package, whose columns are the plan's own; so it is with promotions. The further packages of a
bundle are rows of the same shape beside it, so that code that works on a package never asks which of them it is.
"""

from __future__ import annotations

from django.db import models

from .base import LONG_NAME, NAME
from .production import IntegrationPack


def and_more(name: str, others: int) -> str:
    """A name for several things: "Order import and 2 more"; of one thing the name itself."""
    return f"{name} and {others} more" if others else name


class SourcePackage(models.Model):
    """A package of the dev account that a plan is made for, and the component that it packages."""

    package_id = models.CharField(max_length=NAME)
    package_version = models.CharField(max_length=NAME, blank=True)
    root_component_id = models.CharField(max_length=NAME, blank=True)
    root_name = models.CharField(max_length=LONG_NAME, blank=True)
    root_type = models.CharField(max_length=64, blank=True)
    package_created_at = models.DateTimeField(null=True, blank=True)
    taken_versions = models.JSONField(
        default=list, help_text="Package versions that the production twin has already."
    )

    class Meta:
        abstract = True


class ProductionPackage(models.Model):
    """A package that is to be made in production: its version, its pack, and how far it is."""

    process_id = models.CharField(
        max_length=NAME,
        blank=True,
        db_index=True,
        editable=False,
        help_text="The production component that it packages, in lower case; empty as long as there is none.",
    )
    package_version = models.CharField(max_length=NAME)
    pack = models.ForeignKey(
        IntegrationPack,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="%(class)ss",
    )
    new_pack_name = models.CharField(max_length=NAME, blank=True)
    made_pack_id = models.CharField(
        max_length=NAME, blank=True, editable=False, help_text="The new pack, once it is made."
    )
    prod_package_id = models.CharField(max_length=NAME, blank=True)
    release_id = models.CharField(max_length=NAME, blank=True)
    released_package_id = models.CharField(max_length=NAME, blank=True)
    package_error_code = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Why it goes no further, while the other packages of the promotion do.",
    )
    package_error = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def pack_name(self) -> str:
        """The chosen Integration Pack, or the one to be made."""
        return self.pack.name if self.pack else self.new_pack_name
