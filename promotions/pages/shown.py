"""What the pages show of a plan and of a promotion, read once for page and fragment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.http import urlencode

from .. import access
from ..models import Ask, ComponentResult, Finding, Plan, PlannedComponent
from ..services.asks import kind_of
from ..states import FINAL, Action, Outcome, Status
from .readings import plan_graph

MISSING_MAPPINGS = "MISSING_CONNECTION_MAPPINGS"
TWIN = "TWIN_IN_PRODUCTION"
# From here a package can be planned again: nothing of it is in production, or on its way there.
MADE_ANEW = FINAL - {Status.DEPLOYED}


# --- Plans -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """A plan in numbers."""

    create: int
    update: int
    unchanged: int
    connections: int
    unmapped: int
    emptied: int
    kept: int
    omitted: int
    rewritten: int
    lines_added: int
    lines_removed: int

    @property
    def written(self) -> int:
        return self.create + self.update


def figures(components: Iterable[PlannedComponent]) -> Figures:
    components = list(components)
    actions = Counter(component.action for component in components)
    outcomes = Counter(
        place.get("outcome") for component in components for place in component.places
    )
    return Figures(
        create=actions[Action.CREATE],
        update=actions[Action.UPDATE],
        unchanged=actions[Action.UNCHANGED],
        connections=actions[Action.CONNECTION],
        unmapped=sum(
            component.action == Action.CONNECTION and not component.prod_component_id
            for component in components
        ),
        emptied=outcomes["emptied"],
        kept=outcomes["kept"],
        omitted=outcomes["omitted"],
        rewritten=sum(len(component.rewrites) for component in components),
        lines_added=sum(component.lines_added for component in components),
        lines_removed=sum(component.lines_removed for component in components),
    )


def plan_components(plan: Plan) -> list[PlannedComponent]:
    """The components with their outcomes; once they are staged, with the figures of the branch."""
    results = ComponentResult.objects.filter(promotion__plan=plan).select_related("component")
    components = []
    for result in results.order_by("component__position"):
        component = result.component
        component.result = result  # type: ignore[attr-defined]
        if result.difference_id:
            component.difference_id = result.difference_id
            component.lines_added = result.lines_added
            component.lines_removed = result.lines_removed
        if result.reading_id:
            component.sentence = result.sentence
        components.append(component)
    # Before it is requested they have no outcome.
    return components or list(plan.components.all())


def is_done(component: PlannedComponent) -> bool:
    """Whether a component of ``plan_components`` is on the branch, or merged."""
    result = getattr(component, "result", None)
    return result is not None and result.outcome == Outcome.DONE


@dataclass(frozen=True)
class MissingMapping:
    """A connection that an admin has to map, and where."""

    name: str
    component_id: str
    add_url: str
    finding: Finding


def add_mapping_url(plan: Plan, finding: Finding) -> str:
    """The admin page that adds a mapping, with everything known filled in."""
    component = finding.component
    known: dict[str, str | int] = {
        "dev_account": plan.dev_account_id,
        "dev_component_id": component.dev_component_id if component else finding.subject_id,
        "name": finding.subject_name,
        "component_type": component.component_type if component else "connector-settings",
    }
    if finding.code == TWIN:
        known["prod_component_id"] = finding.subject_id
    return f"{reverse('admin:promotions_componentmapping_add')}?{urlencode(known)}"


def plan_context(plan: Plan, user: User, review: str = "") -> dict[str, Any]:
    """Everything that the page of a ready plan shows, also for the review.

    :param review: the address of the review.
    """
    components = plan_components(plan)
    findings = list(plan.findings.select_related("accepted_by", "component"))
    missing = [finding for finding in findings if finding.code == MISSING_MAPPINGS]
    others = [finding for finding in findings if finding.code != MISSING_MAPPINGS]
    asked: dict[int | None, Ask] = {
        ask.finding_id: ask
        for ask in Ask.objects.filter(plan=plan)
        .select_related("asked_by", "answered_by")
        .order_by("pk")
    }
    for finding in findings:
        finding.ask = asked.get(finding.pk)  # type: ignore[attr-defined]
        finding.needs_admin = kind_of(finding) is not None  # type: ignore[attr-defined]
    for finding in others:
        if finding.code in (TWIN, "MISSING_MAPPINGS"):
            finding.add_mapping_url = add_mapping_url(plan, finding)  # type: ignore[attr-defined]
    return {
        "plan": plan,
        "is_admin": access.is_admin(user),
        "may_accept": access.is_admin(user) and not access.same_person(user, plan.requested_by),
        "components": components,
        "figures": figures(components),
        "graph": plan_graph(plan, components, review),
        "missing_mappings": [
            MissingMapping(
                finding.subject_name, finding.subject_id, add_mapping_url(plan, finding), finding
            )
            for finding in missing
            if finding.accepted_by is None
        ],
        "findings": others,
        "unsettled": sum(f.blocking and f.accepted_by is None for f in others),
        "blocking": [f for f in findings if f.blocking and f.accepted_by is None],
    }
