"""Deploying a promoted package to further environments: requested, approved by another person, nothing staged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction

from ..messages import PromotionError
from ..models import (
    Deployment,
    Environment,
    PromotedPackage,
    PromotionRequest,
    Turn,
)
from ..plan import deployed_hash, premises
from ..states import OPEN, Status
from ..transitions import open_deployment
from .guards import check_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet


def further_environments(source: PromotedPackage) -> list[Environment]:
    """The production environments that have neither the package nor a newer one, and are not about to get it."""
    source = as_made(source)
    taken = _having(source).values_list("environment_id", flat=True)
    newer = Deployment.objects.newer_than(source).values_list("environment_id", flat=True)
    return list(Environment.objects.for_production().exclude(pk__in=taken).exclude(pk__in=newer))


def as_made(source: PromotedPackage) -> PromotedPackage:
    """What was packaged: for a deployment the package that it brings, otherwise the source itself."""
    return source.made if isinstance(source, PromotionRequest) else source


def _having(source: PromotedPackage) -> QuerySet[Deployment]:
    """Where the package is, or is about to be."""
    everywhere = Deployment.objects.of_package(source).filter(dropped_at__isnull=True)
    there = everywhere.filter(deployed_at__isnull=False)
    return there | everywhere.filter(promotion__status__in=OPEN)


def request_deployment(
    user: User,
    source: PromotedPackage,
    *,
    environments: Iterable[Environment],
    notes: str = "",
) -> PromotionRequest:
    """Request the deployment of a promoted package to further environments.

    :param source: a deployed promotion or rollback, a further package of one, or a deployment of one.
    :returns: a promotion of the kind ``DEPLOYMENT``; it waits for an admin.
    :raises PromotionError: FORBIDDEN; NOT_DEPLOYED; NO_ENVIRONMENT; DEPLOYED_ALREADY and NEWER_IS_DEPLOYED, with the
        environments.
    """
    source = as_made(source)
    origin = source.origin
    check_account(user, origin.dev_account, f"deploy promotion {origin.pk} further")
    if origin.status != Status.DEPLOYED or not source.prod_package_id:
        raise PromotionError("NOT_DEPLOYED", f"{source}.")
    chosen = list(environments)
    if not chosen:
        raise PromotionError("NO_ENVIRONMENT")
    wanted = [environment.pk for environment in chosen]
    if Environment.objects.for_production().filter(pk__in=wanted).count() != len(wanted):
        raise PromotionError("NO_ENVIRONMENT", "One of them is switched off or not for production.")
    with transaction.atomic():
        # Of two deployments requested at once, the second sees the first.
        Turn.take("submissions")
        there = _having(source).filter(environment__in=wanted).select_related("environment")
        if names := sorted({f"“{deployment.environment}”" for deployment in there}):
            raise PromotionError("DEPLOYED_ALREADY", f"{', '.join(names)}.")
        premises.check_no_newer(source, chosen)
        promotion = open_deployment(
            requester=user,
            source=source,
            notes=notes,
            environments=chosen,
            content_hash=deployed_hash(source),
            pack=source.pack,
        )
        Deployment.objects.bulk_create(
            Deployment(
                promotion=promotion, environment=environment, platform_id=environment.environment_id
            )
            for environment in chosen
        )
    return promotion
