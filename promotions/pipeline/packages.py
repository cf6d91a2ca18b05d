"""A promotion's packages at work: after the merge each proceeds alone, and one that fails holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from partnerapi.errors import NeedsPerson

from ..messages import PromotionError
from ..models import ApprovalLapsed, ApprovedPackage, PromotedPackage, PromotionPackage
from ..worker.trouble import is_not_found, passes
from .context import MAX_MISSES, StepContext, Wait


@dataclass
class Part:
    """One package: its row, and its part of the approval. The pack in its row is set only once the pack exists."""

    context: StepContext
    row: PromotedPackage
    approved: ApprovedPackage

    @property
    def name(self) -> str:
        """What people call it: the packaged process, or the package's id."""
        planned = self.row.planned
        return planned.root_name or planned.package_id

    @property
    def is_one_of_several(self) -> bool:
        """Whether the promotion has further packages."""
        return len(self.context.promotion.packages) > 1

    @property
    def root_prod_id(self) -> str:
        """The production id of the packaged component."""
        results = self.context.promotion.origin.results
        return results.get(
            component__dev_component_id=self.row.planned.root_component_id
        ).prod_component_id

    @property
    def pack_id(self) -> str:
        """The pack on the platform: the approved one, or the new one that the promotion has made."""
        return self.approved.pack_id or self.row.made_pack_id

    @property
    def package(self) -> PromotionPackage | None:
        """As deployments name it: None for the promotion's first."""
        return self.row if isinstance(self.row, PromotionPackage) else None

    def record(self, **changes: Any) -> None:
        """Write columns of the row, while the lease is ours."""
        if not isinstance(self.row, PromotionPackage):
            self.context.record(**changes)
            return
        with self.context.writing():
            PromotionPackage.objects.filter(pk=self.row.pk).update(**changes)
        for name, value in changes.items():
            setattr(self.row, name, value)


def parts(context: StepContext) -> list[Part]:
    """Every package of the promotion, the first one first.

    :raises PromotionError: APPROVAL_MISSING when they are not those of the approval.
    """
    rows, approved = context.promotion.packages, context.approved.packages
    if context.promotion.is_deployment:
        return [Part(context, rows[0], approved[0])]
    if [row.planned.package_id for row in rows] != [one.package_id for one in approved]:
        raise PromotionError("APPROVAL_MISSING", "The packages are not those of the approval.")
    return [Part(context, row, one) for row, one in zip(rows, approved, strict=True)]


def going_on(context: StepContext) -> list[Part]:
    """The packages that have not failed."""
    return [part for part in parts(context) if not part.row.package_error_code]


def packs(context: StepContext) -> list[list[Part]]:
    """The packages that have not failed, those of one pack together: packs are released once."""
    found: dict[str, list[Part]] = {}
    for part in going_on(context):
        found.setdefault(part.approved.pack_key, []).append(part)
    return list(found.values())


def each(
    context: StepContext,
    groups: Sequence[Sequence[Part]],
    work: Callable[[Sequence[Part]], Wait | None],
) -> Wait | None:
    """Do some work for each group of packages. What fails keeps its error and is passed by from then on.

    :returns: the shortest of the waits.
    :raises PromotionError, NeedsPerson: of a promotion of one package; or when no package is left that could go on.
    """
    waits = []
    is_alone = len(context.promotion.packages) == 1
    for group in groups:
        try:
            wait = work(group)
        except ApprovalLapsed:
            raise
        except (NeedsPerson, PromotionError) as error:
            looks_again = is_not_found(error) and context.step_run.misses < MAX_MISSES
            if is_alone or looks_again or (isinstance(error, NeedsPerson) and passes(error)):
                raise
            for part in group:
                part.record(
                    package_error_code=error.code,
                    package_error=error.message if isinstance(error, NeedsPerson) else error.detail,
                )
        else:
            waits += [wait] if wait else []
    if not going_on(context):
        raise failure(context)
    return min(waits, key=lambda wait: wait.seconds, default=None)


def failure(context: StepContext, further: Sequence[PromotionError] = ()) -> PromotionError:
    """What became of the packages that failed, as one error.

    :param further: what else failed; there is something.
    """
    told = [
        PromotionError(part.row.package_error_code, f"“{part.name}”: {part.row.package_error}")
        for part in parts(context)
        if part.row.package_error_code
    ]
    told += further
    return PromotionError(told[0].code, " ".join(error.detail for error in told))
