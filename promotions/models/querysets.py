"""The vocabulary of questions to the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone

from ..states import FINAL, MERGE_INCOMPLETE, OPEN, HoldKind, Kind, Status

M = TypeVar("M", bound=models.Model)


class LeasedQuerySet(models.QuerySet[M]):
    """Rows that workers take turns to carry on."""

    def due(self, now: datetime) -> LeasedQuerySet[M]:
        """Rows to work on now: their time has come and no worker holds them."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        return self.filter(free, next_attempt_at__lte=now)

    def not_held(self, now: datetime) -> LeasedQuerySet[M]:
        """Rows that no living worker holds, whether due or not."""
        return self.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))


class ComponentMappingQuerySet(models.QuerySet[M]):
    """Mappings by what they name."""

    def of_twins(self, prod_ids: Iterable[str]) -> ComponentMappingQuerySet[M]:
        """The mappings to these production components, whose ids are the same in any letter case."""
        keys = {prod_id.upper() for prod_id in prod_ids}
        keyed: Any = self.alias(twin_key=Upper("prod_component_id"))
        found: ComponentMappingQuerySet[M] = keyed.filter(twin_key__in=keys)
        return found


class EnvironmentQuerySet(models.QuerySet[M]):
    """Environments by what they are for."""

    def for_production(self) -> EnvironmentQuerySet[M]:
        """The environments that a promotion to production may deploy to."""
        return self.filter(is_active=True, classification="PROD")


class DeploymentQuerySet(models.QuerySet[M]):
    """Target environments by how far they are."""

    def of_package(self, made: Any) -> DeploymentQuerySet[M]:
        """Of the promotion that made a package and of the deployments that brought it further.

        :param made: a promotion, for its first package, or a further package of one.
        """
        further = made if made.origin != made else None
        return self.filter(
            Q(promotion=made.origin, package=further)
            | Q(
                promotion__source=made.origin,
                promotion__source_package=further,
                promotion__kind="deployment",
            )
        )

    def of_processes(self, process_ids: Iterable[str]) -> DeploymentQuerySet[M]:
        """Of whatever packages these processes, alone or among others.

        Each half is found by its own index; an OR over both tables would read all of them.
        """
        everything = self.model._default_manager.order_by()
        alone = everything.filter(package__isnull=True, promotion__process_id__in=process_ids)
        among = everything.filter(package__process_id__in=process_ids)
        return self.filter(pk__in=alone.values("pk").union(among.values("pk")))

    def newer_than(self, made: Any) -> DeploymentQuerySet[M]:
        """Where a package of the same process has been deployed that was merged after this one.

        :param made: a promotion, for its first package, or a further package of one.
        """
        merged_at = Coalesce("promotion__merged_at", "promotion__source__merged_at")
        rows = self.of_processes([made.process_id]).filter(deployed_at__isnull=False)
        return rows.filter(
            pk__in=rows.annotate(package_merged_at=merged_at)
            .filter(package_merged_at__gt=made.origin.merged_at)
            .values("pk")
        )

    def outstanding(self) -> DeploymentQuerySet[M]:
        """Neither deployed nor left out."""
        return self.filter(deployed_at__isnull=True, dropped_at__isnull=True)


class IntegrationPackQuerySet(models.QuerySet[M]):
    """Packs by what they are for."""

    def for_production(self) -> IntegrationPackQuerySet[M]:
        """The packs that a promotion to production may go into."""
        return self.filter(is_active=True, purpose="production")


class PromotionRequestQuerySet(LeasedQuerySet[M]):
    """Requests by where they stand and by who may see them."""

    def open(self) -> PromotionRequestQuerySet[M]:
        return self.filter(status__in=OPEN)

    def final(self) -> PromotionRequestQuerySet[M]:
        return self.filter(status__in=FINAL)

    def named(self, words: str) -> PromotionRequestQuerySet[M]:
        """Requests whose root component's name or whose version contains the words.

        Each half is found by its own index; an OR over both tables would read all of them.
        """
        everything = self.model._default_manager.order_by()
        by_name = everything.filter(plan__root_name__icontains=words).values("pk")
        among = everything.filter(
            Q(further__planned__root_name__icontains=words)
            | Q(further__package_version__icontains=words)
        ).values("pk")
        further = everything.filter(source__in=by_name, plan__isnull=True).values("pk")
        by_version = everything.filter(package_version__icontains=words).values("pk")
        return self.filter(pk__in=by_name.union(by_version, further, among))

    def of_process(self, process_id: str) -> PromotionRequestQuerySet[M]:
        """Requests that package this component of production, alone or among others."""
        everything = self.model._default_manager.order_by()
        alone = everything.filter(process_id=process_id).values("pk")
        among = everything.filter(further__process_id=process_id).values("pk")
        return self.filter(pk__in=alone.union(among))

    def of_root(self, dev_account: Any, root_component_id: str) -> PromotionRequestQuerySet[M]:
        """Requests that package this component of a dev account, alone or among others."""
        everything = self.model._default_manager.order_by().filter(dev_account=dev_account)
        alone = everything.filter(plan__root_component_id__iexact=root_component_id)
        among = everything.filter(further__planned__root_component_id__iexact=root_component_id)
        return self.filter(pk__in=alone.values("pk").union(among.values("pk")))

    def look_again(self, *kinds: HoldKind) -> None:
        """Have a worker look at once at what waits for a slot or its turn, as soon as the transaction is committed.

        Outside of it, so that no row is locked while another one is.
        """
        waiting = self.filter(hold_kind__in=kinds)
        transaction.on_commit(
            lambda: waiting.update(next_attempt_at=timezone.now(), enqueued_at=None), robust=True
        )

    def may_be_retried(self) -> PromotionRequestQuerySet[M]:
        """Failed after something reached production, or as an approved deployment; a retry may still refuse."""
        return self.filter(
            Q(merged_at__isnull=False)
            | Q(error_code=MERGE_INCOMPLETE)
            | Q(kind=Kind.DEPLOYMENT, approved_by__isnull=False),
            status=Status.FAILED,
        )

    def awaiting_review(self) -> PromotionRequestQuerySet[M]:
        return self.filter(status=Status.ADMIN_REVIEW)

    def requested_by(self, user: Any) -> PromotionRequestQuerySet[M]:
        return self.filter(requester=user)

    def in_line_for_a_branch(self) -> PromotionRequestQuerySet[M]:
        """Requests that need a branch and have none, first come first."""
        return self.filter(status__in=(Status.QUEUED, Status.WAITING)).order_by(
            "submitted_at", "pk"
        )

    def with_standing_approval(self, now: datetime) -> PromotionRequestQuerySet[M]:
        """Those whose approval is on record for exactly this hash, and has not lapsed."""
        return self.filter(
            Q(approvals__until__isnull=True) | Q(approvals__until__gt=now),
            approvals__approved_hash=F("approved_hash"),
            approvals__person=F("approved_by"),
        )

    def merging(self) -> PromotionRequestQuerySet[M]:
        """Requests that have begun to merge and whose package is not made yet: until then nobody else may merge.

        One that failed on the way belongs to them until its clean-up has looked: the platform may still be merging.
        """
        # One of several that failed to be packaged waits for a retry; the others need not.
        unpackaged = Q(status=Status.DEPLOYING) & (
            Q(prod_package_id="", package_error_code="")
            | Q(further__prod_package_id="", further__package_error_code="")
        )
        unsettled = Q(
            status=Status.FAILED, merged_at__isnull=True, branches__deleted_at__isnull=True
        )
        return self.filter(unpackaged | unsettled, merge_started_at__isnull=False).distinct()

    def going_into_packs(self, names: Iterable[str]) -> PromotionRequestQuerySet[M]:
        """Requests between the beginning of their merge and the end of their deployment, by their packs' names."""
        return self.filter(
            Q(pack__name__in=names)
            | Q(pack__isnull=True, new_pack_name__in=names)
            | Q(further__pack__name__in=names)
            | Q(further__pack__isnull=True, further__new_pack_name__in=names),
            status=Status.DEPLOYING,
            merge_started_at__isnull=False,
        ).distinct()
