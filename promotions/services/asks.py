"""Asking an admin to settle a finding, answering that, and mappings picked from a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from .. import access
from ..messages import PromotionError
from ..models import Ask, ComponentMapping, Finding
from ..transitions import record_event
from .guards import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

# What is settled by a mapping.
MAPPED = frozenset(
    {"MISSING_CONNECTION_MAPPINGS", "MISSING_MAPPINGS", "MAPPING_OF_ANOTHER_KIND", "TWIN_DELETED"}
)
TWIN = "TWIN_IN_PRODUCTION"


def kind_of(finding: Finding) -> Ask.Kind | None:
    """What an admin would do about a finding; None where no admin is needed, or none could help."""
    if not finding.blocking or finding.accepted_by_id is not None:
        return None
    if finding.code == TWIN:
        return Ask.Kind.TWIN
    if finding.code in MAPPED or finding.code == "TWO_WRITERS":
        return Ask.Kind.MAPPING
    return Ask.Kind.ACCEPTANCE if finding.can_be_accepted else None


def ask_admin(user: User, finding: Finding, *, words: str = "") -> Ask:
    """Put a finding into the admins' inbox; a question that is already there is reused.

    :param words: what the asker wants to add.
    :raises PromotionError: FORBIDDEN when the user may not see the plan; INVALID_TRANSITION when no admin is needed.
    """
    plan = finding.plan
    if not access.plans(user).filter(pk=plan.pk).exists():
        refuse(user, f"ask about finding {finding.pk}")
    kind = kind_of(finding)
    if kind is None:
        raise PromotionError("INVALID_TRANSITION", "No admin is needed for this finding.")
    try:
        with transaction.atomic():
            made = Ask.objects.create(
                plan=plan,
                finding=finding,
                kind=kind,
                code=finding.code,
                subject_id=finding.component.dev_component_id
                if finding.component
                else finding.subject_id,
                subject_name=finding.subject_name,
                asked_by=user,
                words=words.strip(),
            )
            record_event("admin_asked", actor=user, subject=str(made), note=made.words)
    except IntegrityError:
        return Ask.objects.get(finding=finding, outcome="")
    return made


def answer(user: User, ask: Ask, *, outcome: str, words: str = "") -> None:
    """Record that a question is settled, or that it will not be; the asker sees it.

    :param words: the reason, which a refusal must have.
    :raises PromotionError: FORBIDDEN unless the user is an admin; REASON_REQUIRED; INVALID_TRANSITION when it has
        already been answered.
    """
    if not access.is_admin(user):
        refuse(user, f"answer ask {ask.pk}")
    words = words.strip()
    if outcome == Ask.Outcome.DECLINED and not words:
        raise PromotionError("REASON_REQUIRED")
    if _close(user, Ask.objects.filter(pk=ask.pk), Ask.Outcome(outcome), words) != 1:
        raise PromotionError("INVALID_TRANSITION", "It has already been answered.")


def settle(user: User, finding: Finding, words: str) -> None:
    """Tell everybody who asked about a finding that it has been accepted. The caller is in a transaction."""
    _close(user, Ask.objects.filter(finding=finding), Ask.Outcome.DONE, words)


def add_mapping(user: User, finding: Finding, production: dict[str, Any]) -> ComponentMapping:
    """Map the component of a finding to a production component picked from the list.

    :param production: ``id`` and ``version`` of the chosen row.
    :raises PromotionError: FORBIDDEN unless the user is an admin; MAPPING_REFUSED with the reason.
    """
    if not access.is_admin(user):
        refuse(user, f"add a mapping for finding {finding.pk}")
    component, account = finding.component, finding.plan.dev_account
    dev_id = (component.dev_component_id if component else finding.subject_id).lower()
    with transaction.atomic():
        mapping = ComponentMapping.objects.filter(
            dev_account=account, dev_component_id=dev_id
        ).first() or ComponentMapping(dev_account=account, dev_component_id=dev_id)
        before = mapping.prod_component_id
        mapping.prod_component_id = production["id"]
        mapping.prod_version = production.get("version")
        mapping.name = component.name if component else finding.subject_name
        mapping.component_type = component.component_type if component else "connector-settings"
        mapping.source = ComponentMapping.Source.ADMIN_SEEDING
        try:
            mapping.full_clean()
        except ValidationError as error:
            raise PromotionError("MAPPING_REFUSED", " ".join(error.messages)) from error
        mapping.save()
        note = f"{before} → {mapping.prod_component_id}" if before else mapping.prod_component_id
        record_event("mapping_added", actor=user, subject=str(mapping), note=note)
        asks = Ask.objects.filter(
            plan__dev_account=account,
            subject_id__iexact=dev_id,
            kind__in=(Ask.Kind.MAPPING, Ask.Kind.TWIN),
        )
        _close(user, asks, Ask.Outcome.DONE, "The mapping is added: make a new plan.")
    return mapping


def _close(user: User, asks: QuerySet[Ask], outcome: Ask.Outcome, words: str) -> int:
    with transaction.atomic():
        waiting = list(asks.filter(outcome="").select_for_update())
        for ask in waiting:
            Ask.objects.filter(pk=ask.pk).update(
                outcome=outcome, answer=words, answered_by=user, answered_at=timezone.now()
            )
            event = record_event(f"ask_{outcome.value}", actor=user, subject=str(ask), note=words)
            Ask.objects.filter(pk=ask.pk).update(answer_event=event)
    return len(waiting)
