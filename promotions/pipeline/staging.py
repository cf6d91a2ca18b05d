"""The step that copies each component to the branch (2, 3), as many at once as the API allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

from django.utils import timezone

from partnerapi.componentxml import symbol
from partnerapi.errors import NeedsPerson, NotFound, PartnerApiError

from ..messages import PromotionError
from ..models import ComponentResult, Reservation
from ..plan.premises import Moment
from ..states import Action, Outcome
from ..worker.trouble import is_not_found, passes
from . import ahead
from .context import MAX_MISSES, BranchGone, StageAgain, StepContext, Wait, counted
from .proof import Proof
from .writing import Failure, Writer, Written, words_of

# Failures that are not one component's own: they stop the step at once.
CONCERNS_ALL = frozenset({"AUTH_FAILED", "FORBIDDEN_ACCOUNT", "BRANCH_IGNORED"})
# Bytes of planned content whose components, and their twins, are held at once.
HELD_AT_ONCE = 32 * 1024 * 1024


def stage_components(context: StepContext) -> Wait | None:
    """Write every component of the plan to the branch, dependencies first, all or nothing.

    A component that fails does not stop those that do not use it, so that one run shows everything that is wrong; its
    dependents are skipped, and then the promotion fails with every outcome kept.

    :raises PromotionError: PROMOTION_FAILED, or the code that the failures have in common; PACKAGE_NOT_FOUND when the
        package has disappeared since the plan was made.
    :raises StageAgain: when a write's answer was lost, or the worker died, so that nobody knows whether the component
        exists.
    """
    _check_no_worker_died_here(context)
    if not ahead.has_just_asked(context, Moment.WRITING):
        ahead.check(context, Moment.WRITING)
    staging = _Staging(context)
    # Once more for members of a cycle, whose references had to wait for one another's ids, and for ids that stand in
    # scripts and data, which no reference puts first.
    while staging.write():
        pass
    failed = list(context.written().filter(outcome=Outcome.FAILED))
    if failed:
        codes = {result.error_code for result in failed}
        code = codes.pop() if len(codes) == 1 else "PROMOTION_FAILED"
        names = ", ".join(f"“{result.component.name}”" for result in failed)
        raise PromotionError(code, f"{names}: {failed[0].error}")
    context.note(f"{len(staging.results)} of {counted(len(staging.results), 'component')}")
    return None


def _check_no_worker_died_here(context: StepContext) -> None:
    before = context.promotion.steps.filter(
        step=context.step_run.step, attempt=context.step_run.attempt - 1
    ).first()
    if before is not None and before.error_code == "WORKER_LOST":
        raise StageAgain("WORKER_LOST", "The worker died while it copied components.")


class _Staging:
    """What one run of the step knows. Threads make the calls, the step's own thread reads and writes rows.

    :ivar ids: dev id -> production id, of every component of the plan that has one so far.
    :ivar waited_for: dev ids of what is still to be written before what uses it.
    """

    def __init__(self, context: StepContext) -> None:
        self.context = context
        self.results = list(context.written().select_related("component__content"))
        self.planned = list(context.promotion.plan.components.all())
        known = context.promotion.results.exclude(prod_component_id="")
        self.ids = dict(known.values_list("component__dev_component_id", "prod_component_id"))
        self.writer = Writer(context, self.planned)
        self.group_of = {one.dev_component_id: one.group for one in self.planned}
        self.waited_for: set[str] = set()
        # Where branching is not enabled the platform ignores the branch and writes to main.
        self.is_proved_that_branches_work = any(
            result.outcome == Outcome.DONE for result in self.results
        )

    def write(self) -> bool:
        """Write what is still to be written, each component as soon as those that it uses have been.

        A failure is the component's own; what concerns all of them ends the step.

        :returns: whether anything was written, or failed.
        """
        ready = self._ready()
        self.waited_for = {result.component.dev_component_id for result in ready}
        is_any = False
        for some in self._portions(ready):
            self.writer.prepare(some, self.ids, self._reserve(some), self._updates_ahead(some))
            waiting = list(some)
            while not self.is_proved_that_branches_work and (free := self._free(waiting)):
                waiting.remove(free[0])
                is_any |= self._send(free[:1])
            is_any |= self._send(waiting)
        return is_any

    def _free(self, waiting: list[ComponentResult]) -> list[ComponentResult]:
        """Those that wait for none that they use, but for members of their own cycle."""
        return [
            result
            for result in waiting
            if not any(
                self.group_of[key] != result.component.group
                for key in self.waited_for.intersection(result.component.depends_on)
            )
        ]

    def _ready(self) -> list[ComponentResult]:
        """Those to be written; whatever uses a failed component is skipped."""
        lost = {
            result.component.dev_component_id
            for result in self.results
            if result.outcome in (Outcome.FAILED, Outcome.SKIPPED)
        }
        ready = []
        for result in self.results:
            if result.outcome != Outcome.PENDING:
                continue
            if lost.isdisjoint(result.component.depends_on):
                ready.append(result)
            else:
                self._fail(result, Outcome.SKIPPED)
                lost.add(result.component.dev_component_id)
        return ready

    def _portions(self, results: list[ComponentResult]) -> Iterator[list[ComponentResult]]:
        portion: list[ComponentResult] = []
        size = 0
        for result in results:
            content = result.component.content
            portion.append(result)
            size += content.size if content is not None else 0
            if size > HELD_AT_ONCE:
                yield portion
                portion, size = [], 0
        if portion:
            yield portion

    def _updates_ahead(self, results: list[ComponentResult]) -> list[ComponentResult]:
        """The updates among these and, as far as there is room, further ones: their twins are read together."""
        pending = [r for r in self.results if r.outcome == Outcome.PENDING and r not in results]
        room = next(self._portions([*results, *pending]))
        return [
            r
            for r in {r.pk: r for r in (*results, *room)}.values()
            if r.component.action == Action.UPDATE
        ]

    def _reserve(self, results: list[ComponentResult]) -> dict[int, PromotionError | bool]:
        """Reserve dev components before they are created: two open promotions never create the same one.

        :returns: for each new component's result, whether an earlier attempt on this branch may have created it, or why
            it must not be created.
        """
        promotion = self.context.promotion
        new = {r.component.dev_component_id: r for r in results if not r.prod_component_id}
        if not new:
            return {}
        held = Reservation.objects.filter(
            dev_account=promotion.dev_account, dev_component_id__in=new
        )
        with self.context.writing():
            packages = promotion.brought_by()
            before = set(held.values_list("dev_component_id", flat=True))
            Reservation.objects.bulk_create(
                (
                    Reservation(
                        dev_account=promotion.dev_account,
                        dev_component_id=dev_id,
                        promotion=promotion,
                        package=packages.get(dev_id),
                    )
                    for dev_id in new
                    if dev_id not in before
                ),
                ignore_conflicts=True,
            )
            rows = held.select_related("package__planned")
            holders = {row.dev_component_id: row for row in rows}
        return {
            result.pk: dev_id in before
            if (held_by := holders.get(dev_id)) and held_by.promotion_id == promotion.pk
            else PromotionError(
                "COMPONENT_RESERVED",
                f"“{result.component.name}” is being created by "
                f"{held_by.holder if held_by else 'another promotion'}.",
            )
            for dev_id, result in new.items()
        }

    def _send(self, waiting: list[ComponentResult]) -> bool:
        """Write these. What has been sent when one ends the step is recorded first."""
        failures: list[tuple[ComponentResult, Failure]] = []
        sent: list[ComponentResult] = []
        is_any = False

        def free() -> list[Callable[[], Written | Failure | None]]:
            now = self._free(waiting)
            for result in now:
                waiting.remove(result)
            sent.extend(now)
            return [partial(self.writer.write, result) for result in now]

        try:
            with closing(self.context.client.as_they_come(free(), free)) as ended:
                for number, outcome in ended:
                    result = sent[number]
                    if outcome is None or isinstance(outcome, Written):
                        self.waited_for.discard(result.component.dev_component_id)
                    if isinstance(outcome, Written):
                        self._record(result, outcome)
                        is_any = True
                    elif outcome is not None:
                        failures.append((result, outcome))
                        if _ends_the_step(outcome):
                            self.writer.stop()
        except BaseException:
            self.writer.stop()
            raise
        if failures:
            self._settle(failures)
        return is_any or bool(failures)

    def _record(self, result: ComponentResult, written: Written) -> None:
        context, component = self.context, result.component
        result.prod_component_id = written.component.component_id
        self.ids[component.dev_component_id] = result.prod_component_id
        self.writer.learn(self.ids)
        changes = {
            "prod_component_id": result.prod_component_id,
            "branch_version": written.component.version,
        }
        with context.writing():
            ComponentResult.objects.filter(pk=result.pk).update(**changes)
            if component.action == Action.CREATE:
                Reservation.objects.filter(
                    promotion=context.promotion, dev_component_id=component.dev_component_id
                ).update(prod_component_id=result.prod_component_id)
        if not self.is_proved_that_branches_work:
            self._check_main_did_not_move(result)
            self.is_proved_that_branches_work = True
        if written.is_whole:
            proved = self._prove(result, written)
            with context.writing():
                ComponentResult.objects.filter(pk=result.pk).update(
                    outcome=Outcome.DONE, finished_at=timezone.now(), **proved
                )
            result.outcome = Outcome.DONE
        done = sum(result.outcome != Outcome.PENDING for result in self.results)
        context.note(f"{done} of {counted(len(self.results), 'component')}: {component.name}")

    def _prove(self, result: ComponentResult, written: Written) -> dict[str, object]:
        """What the answer proves about the component on the branch; nothing if it has to be read."""
        component = result.component
        if any(place["outcome"] == "omitted" for place in component.places):
            # Only the platform knows what it has kept of a secret.
            return {}
        created = (one for one in self.planned if one.action == Action.CREATE)
        symbols = {
            self.ids[one.dev_component_id]: symbol(one.dev_component_id)
            for one in created
            if one.dev_component_id in self.ids
        }
        names = {
            self.ids[one.dev_component_id]: one.name
            for one in self.planned
            if one.dev_component_id in self.ids
        }
        proof = Proof(self.writer.rules.overrides, symbols, names)
        return proof.columns(component, written.component, written.main) or {}

    def _check_main_did_not_move(self, result: ComponentResult) -> None:
        """The first write must not be on main.

        :raises PromotionError: BRANCH_IGNORED.
        """
        component = result.component
        try:
            on_main = self.context.client.get_component(result.prod_component_id)
        except NotFound:
            return
        if component.action == Action.CREATE and on_main.branch_id != self.context.branch.remote_id:
            raise PromotionError("BRANCH_IGNORED", f"“{component.name}” is on main.")
        if component.action == Action.UPDATE and on_main.version != component.prod_version:
            raise PromotionError("BRANCH_IGNORED", f"“{component.name}” has a new version on main.")

    def _settle(self, failures: list[tuple[ComponentResult, Failure]]) -> None:
        """A failure concerns its component, unless it concerns them all.

        :raises PartnerApiError, PromotionError, StageAgain: what ends the step.
        """
        for _, failure in failures:
            if failure.code in CONCERNS_ALL:
                raise failure
        for _, failure in failures:
            if isinstance(failure, StageAgain):
                raise failure
        for _, failure in failures:
            looks_again = is_not_found(failure) and self.context.step_run.misses < MAX_MISSES
            if looks_again or _ends_the_step(failure):
                raise failure
        gone = self.context.vanished_branch()
        if gone is not None:
            raise BranchGone(gone) from failures[0][1]
        for result, failure in failures:
            self._fail(result, Outcome.FAILED, error_code=failure.code, error=words_of(failure))

    def _fail(self, result: ComponentResult, outcome: Outcome, **changes: str) -> None:
        with self.context.writing():
            ComponentResult.objects.filter(pk=result.pk).update(
                outcome=outcome, finished_at=timezone.now(), **changes
            )
        result.outcome = outcome


def _ends_the_step(failure: Failure) -> bool:
    """Whether nothing further is to be sent: trouble with the platform, or a branch in doubt."""
    if isinstance(failure, PartnerApiError):
        waits = not isinstance(failure, NeedsPerson) or passes(failure)
        return waits or failure.code in CONCERNS_ALL
    return isinstance(failure, StageAgain) or failure.code in CONCERNS_ALL
