"""Freezing what somebody approves, and keeping it on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from .. import access, votes
from ..messages import PromotionError
from ..models import (
    Approval,
    Approved,
    ApprovedEnvironment,
    ApprovedFinding,
    ApprovedPackage,
    IntegrationPack,
    PromotionPackage,
    PromotionRequest,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class PackChoice:
    """The Integration Pack that a package goes into: one that is there, or the name of a new one."""

    pack: IntegrationPack | None = None
    new_pack_name: str = ""


# Of the further packages of a bundle, by their keys.
PackChoices = Mapping[int, PackChoice]


def freeze(
    promotion: PromotionRequest,
    *,
    pack: IntegrationPack | None,
    new_pack_name: str,
    further_packs: PackChoices | None = None,
    package_version: str = "",
    production_changes: str = "",
) -> Approved:
    """Freeze everything that the work after an approval uses, as it is now.

    :param further_packs: where the further packages go; as their rows say if it is left out.
    :param package_version: a version other than the promotion's own.
    :param production_changes: what was reported about production after the merge and is accepted.
    :raises PromotionError: PLAN_STALE when an environment has changed since it was requested.
    """
    if pack is not None:
        pack.refresh_from_db()
    environments = []
    # The other packages of a bundle go to the same ones.
    for deployment in promotion.deployments.filter(package=None).select_related("environment"):
        environment = deployment.environment
        if environment.environment_id != deployment.platform_id:
            raise PromotionError(
                "PLAN_STALE", f"The environment “{environment}” has changed since it was requested."
            )
        environments.append(
            ApprovedEnvironment(
                deployment.platform_id, environment.name, environment.classification
            )
        )
    accepted = promotion.about.findings.filter(accepted_by__isnull=False).select_related(
        "accepted_by", "component"
    )
    return Approved(
        content_hash=promotion.content_hash,
        package_id=promotion.package_id,
        package_version=package_version or promotion.package_version,
        pack_id=pack.pack_id if pack else "",
        pack_name=pack.name if pack else new_pack_name,
        notes=promotion.notes,
        pause_listeners=promotion.pause_listeners,
        stage=promotion.stage,
        dialect=promotion.dialect,
        environment_values=promotion.environment_values,
        rules_version=promotion.rules_version,
        environments=tuple(sorted(environments, key=lambda found: found.environment_id)),
        findings=tuple(
            ApprovedFinding(
                code=finding.code,
                component_id=finding.component.dev_component_id if finding.component else "",
                fingerprint=finding.fingerprint,
                reason=finding.accepted_reason,
                accepted_by=finding.accepted_by.get_username() if finding.accepted_by else "",
            )
            for finding in accepted.order_by("code", "pk")
        ),
        production_changes=production_changes,
        demand=promotion.demanded,
        further=tuple(
            _further(made, (further_packs or {}).get(made.pk))
            for made in promotion.further.select_related("planned", "pack")
        ),
    )


def _further(made: PromotionPackage, choice: PackChoice | None) -> ApprovedPackage:
    choice = choice or PackChoice(made.pack, made.new_pack_name)
    return ApprovedPackage(
        package_id=made.planned.package_id,
        package_version=made.package_version,
        pack_id=choice.pack.pack_id if choice.pack else "",
        pack_name=choice.pack.name if choice.pack else choice.new_pack_name,
    )


def keep_packs(promotion: PromotionRequest, choices: PackChoices) -> None:
    """Write down which packs the further packages go into; the caller is in the transaction of the approval."""
    for key, choice in choices.items():
        promotion.further.filter(pk=key).update(
            pack=choice.pack, new_pack_name=choice.new_pack_name
        )


def columns_of(user: User, approved: Approved) -> dict[str, object]:
    """The summary of an approval in the promotion's own columns."""
    return {
        "approved_by": user,
        "approved_at": timezone.now(),
        "approved_hash": approved.hash,
        "approved": approved.as_json(),
        "approvals_missing": 0,
    }


def keep(
    promotion: PromotionRequest,
    user: User,
    approved: Approved,
    *,
    comment: str = "",
    role: Approval.Role = Approval.Role.ADMIN,
    in_place_of: User | None = None,
) -> None:
    """Store the approval as a sealed row of its own, with the time it expires.

    :param in_place_of: the admin for whom a deputy decides.

    The caller runs it in the transaction that acts on the approval.
    """
    days = settings.PROMOTION_APPROVAL_DAYS
    is_peer = role == Approval.Role.PEER
    approval = Approval(
        promotion=promotion,
        person=user,
        role=role,
        in_place_of=in_place_of,
        approved_hash=approved.peers_hash if is_peer else approved.hash,
        comment=comment,
        until=timezone.now() + timedelta(days=days) if days else None,
    )
    approval.seal = approval.make_seal()
    approval.save()


def votes_so_far(promotion: PromotionRequest) -> votes.Votes:
    """The approvals that count now, for the pack that an admin has chosen so far."""
    try:
        approved = freeze(promotion, pack=promotion.pack, new_pack_name=promotion.new_pack_name)
    except PromotionError:
        # An environment has changed: no earlier approval counts.
        return votes.Votes(promotion, promotion.demanded, spent=list(promotion.approvals.all()))
    return votes.count(promotion, approved)


def needing(user: User) -> list[PromotionRequest]:
    """The promotions that need this user's decision, the longest-waiting first."""
    waiting = votes.asked(user).order_by("submitted_at", "pk")
    return [
        found
        for found in waiting.select_related(
            "plan", "requester", "pack", "dev_account"
        ).prefetch_related("further__planned")
        if _needs(found, user)
    ]


def _needs(promotion: PromotionRequest, user: User) -> bool:
    if not promotion.demand:
        return access.may_decide(user, promotion)
    found = votes_so_far(promotion)
    return found.may_approve_as_peer(user) or found.may_approve_as_admin(user)
