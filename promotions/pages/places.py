"""What is deployed where, as far as promotions have brought it there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..models import Deployment, Environment, PromotionRequest


@dataclass(frozen=True)
class Place:
    """An environment and the newest package of one process that was deployed there.

    :param promotion: what brought it: a promotion, a rollback or a deployment.
    """

    environment: Environment
    promotion: PromotionRequest
    since: datetime

    @property
    def version(self) -> str:
        return self.promotion.package_version


def places_of(process_ids: Iterable[str]) -> dict[str, list[Place]]:
    """Production id of a process -> where it is deployed, by the name of the environment; one query for all."""
    found: dict[str, dict[int, Place]] = {}
    deployed = Deployment.objects.filter(
        promotion__process_id__in=[process_id for process_id in process_ids if process_id],
        deployed_at__isnull=False,
    ).select_related("environment", "promotion__source")
    for deployment in deployed.order_by("environment__name", "deployed_at"):
        if deployment.deployed_at is None:
            continue
        places = found.setdefault(deployment.promotion.process_id, {})
        # The newest one is the last.
        places[deployment.environment_id] = Place(
            deployment.environment, deployment.promotion, deployment.deployed_at
        )
    return {process_id: list(places.values()) for process_id, places in found.items()}
