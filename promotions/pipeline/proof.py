"""Whether what the platform holds is what was planned, and what is recorded of it for later comparisons."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partnerapi import componentxml
from partnerapi.componentxml import Document, Overrides
from partnerapi.records import Component

from ..models import ComponentResult, Installation, PlannedComponent, PromotionRequest
from ..plan import contents, kept, team_rules
from ..plan.classify import store_difference
from ..plan.earlier import Plain
from ..plan.readings import read_change
from ..states import Action

# What the platform returns in place of a secret.
MASK = re.compile(rb"[0-9a-f]{128}")


@dataclass(frozen=True)
class Proof:
    """Compares documents with their plan, by the rules that apply now.

    :param symbols: production id -> symbol, for what the promotion creates: in the comparison, ids that the plan did
        not know become symbols again.
    :param names: production id -> name of every component of the plan, for readable changes.
    """

    overrides: Overrides
    symbols: Mapping[str, str]
    names: Mapping[str, str]

    @classmethod
    def of(cls, promotion: PromotionRequest) -> Proof:
        """With everything that the promotion has created so far."""
        created = promotion.written().filter(component__action=Action.CREATE)
        rows = created.values_list("component__dev_component_id", "prod_component_id")
        symbols = {prod: componentxml.symbol(dev) for dev, prod in rows if prod}
        everything = promotion.results.values_list("prod_component_id", "component__name")
        return cls(team_rules.active(), symbols, {prod: name for prod, name in everything if prod})

    def mask(self, document: Document) -> Document:
        """Without secrets and production's own values."""
        return componentxml.mask(document, overrides=self.overrides)

    def is_as_planned(self, component: PlannedComponent, masked: Document) -> bool:
        """Whether a masked document is the planned content.

        :raises PromotionError: PLAN_STALE when it was planned by other rules.
        """
        team_rules.check(component.digest, component.name, self.overrides)
        rewritten = componentxml.rewrite(masked, self.symbols).document
        return componentxml.digest(rewritten, self.overrides) == component.digest

    def columns(
        self, component: PlannedComponent, found: Component, main: Document | None
    ) -> dict[str, Any] | None:
        """What a result keeps of its component on the branch; None if that is not what was planned.

        :param main: its production twin, for the difference that reviewers see.
        """
        document = found.document
        masked = self.mask(document)
        if not self.is_as_planned(component, masked):
            return None
        plain = Plain.of(document)
        before = self.mask(main) if main is not None else None
        reading = read_change(before, masked, self.names)
        sealed = seal(document)
        return {
            "promoted_digest": plain.digest,
            "promoted_text": plain.store(),
            "staged_digest": componentxml.digest(masked, self.overrides),
            "staged_seal": sealed,
            "version_seal": VersionSeals().make(
                component, found.component_id, found.version, sealed
            ),
            **kept.columns(document, main),
            "sentence": reading.sentence if reading else "",
            "reading": contents.store(reading.to_json()) if reading else None,
            **store_difference(before, masked),
        }


def seal(document: Document) -> str:
    """A keyed hash over a component with its environment values, which the masked digest does not see.

    The version of the one form stands before it. Keyed, so that no value can be guessed from it. Masks are left out:
    nobody promises that the same secret has the same mask at every reading.
    """
    key = Installation.load().key("seal")
    content = MASK.sub(b"", componentxml.normalise(document))
    return f"{componentxml.FORM_VERSION}:{hmac.new(key, content, 'sha256').hexdigest()}"


class VersionSeals:
    """Keyed hashes that say: this version of a component was seen to be the planned content, with these values.

    Keyed, so that a row that was written by hand proves nothing; over the planned digest, which is what was approved.
    """

    def __init__(self) -> None:
        self._key = Installation.load().key("version seal")

    def make(
        self, component: PlannedComponent, prod_component_id: str, version: int, staged_seal: str
    ) -> str:
        """The seal of a version; ``staged_seal`` is :func:`seal` of its document."""
        said = "\n".join((prod_component_id.lower(), str(version), component.digest, staged_seal))
        return hmac.new(self._key, said.encode(), "sha256").hexdigest()

    def hold(self, result: ComponentResult, version: int) -> bool:
        """Whether this version of the component is the one that was sealed."""
        made = self.make(result.component, result.prod_component_id, version, result.staged_seal)
        return hmac.compare_digest(made, result.version_seal)
