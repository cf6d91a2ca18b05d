"""What is deployed where, as far as promotions brought it there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import Coalesce, RowNumber

from ..models import Deployment, Environment, PromotionRequest


@dataclass(frozen=True)
class Place:
    """An environment and the newest package of one process that was deployed there.

    :param promotion: what brought it: a promotion, a rollback or a deployment.
    """

    environment: Environment
    promotion: PromotionRequest
    version: str
    since: datetime

    @property
    def origin_id(self) -> int:
        """The promotion that made the package."""
        return (self.promotion.is_deployment and self.promotion.source_id) or self.promotion.pk


def places_of(process_ids: Iterable[str]) -> dict[str, list[Place]]:
    """Production id of a process -> where it is deployed, by the name of the environment; one query for all."""
    newest = Window(
        RowNumber(),
        partition_by=(F("process"), F("environment")),
        order_by=(F("deployed_at").desc(), F("pk").desc()),
    )
    named = [process_id for process_id in process_ids if process_id]
    deployed = (
        Deployment.objects.of_processes(named)
        .filter(deployed_at__isnull=False)
        .annotate(process=Coalesce("package__process_id", "promotion__process_id"))
        .annotate(newest=newest)
    )
    found: dict[str, list[Place]] = defaultdict(list)
    for deployment in (
        deployed.filter(newest=1)
        .select_related("environment", "promotion", "package")
        .order_by("environment__name")
    ):
        if deployment.deployed_at is not None:
            brings = deployment.brings
            found[brings.process_id].append(
                Place(
                    deployment.environment,
                    deployment.promotion,
                    brings.package_version,
                    deployment.deployed_at,
                )
            )
    return dict(found)
