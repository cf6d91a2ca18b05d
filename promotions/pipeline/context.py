"""What a step gets and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NotFound

from ..models import Approved, ComponentResult, PromotionBranch, PromotionRequest, StepRun
from ..states import FINAL, Status, StepName, StepState
from ..transitions import StalePromotion, move, touch
from ..worker.lease import Lease, LeaseLost
from ..worker.loop import Wait
from ..worker.timing import FIRST_LOOK, scaled


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 component", "2 components"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class StageAgain(Exception):
    """The branch is in doubt: drop it and stage again. Before the merge a branch is disposable.

    :param code: the code that the promotion fails with once it has been staged too often.
    :param result: the component in doubt; each has its own count.
    """

    def __init__(self, code: str, why: str, *, result: ComponentResult | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.result = result

    def times(self, context: StepContext) -> int:
        """How often this doubt has come up, including this time."""
        if self.result is not None:
            return self.result.losses + 1
        losses = context.promotion.results.aggregate(losses=Sum("losses"))["losses"] or 0
        return context.promotion.staged_times - int(losses)


class BranchGone(StageAgain):
    """Somebody else deleted the branch."""

    def __init__(self, branch: PromotionBranch) -> None:
        super().__init__("BRANCH_GONE", f"The branch “{branch.name}” has been deleted.")
        self.branch = branch


class Stopped(Exception):
    """A person ended the promotion while the step ran."""


class StepContext:
    """One worker at one step of one promotion.

    :ivar asked: what this worker has asked for the step that follows, and when (``time.monotonic``).
    """

    def __init__(
        self,
        promotion: PromotionRequest,
        lease: Lease,
        step_run: StepRun,
        client_of: Callable[[PromotionRequest], PartnerApiClient],
        asked: dict[Hashable, float],
    ) -> None:
        self._client_of = client_of
        self.asked = asked
        self.promotion = promotion
        self.lease = lease
        self.step_run = step_run

    @cached_property
    def client(self) -> PartnerApiClient:
        """The client that this worker uses for the promotion."""
        return self._client_of(self.promotion)

    @property
    def approved(self) -> Approved:
        """What was approved: a step after the approval takes its choices from nowhere else.

        :raises ApprovalLapsed: before the merge, when the approval is no longer valid.
        :raises PromotionError: APPROVAL_MISSING.
        """
        return self.promotion.standing_approval()

    @property
    def branch(self) -> PromotionBranch:
        """The live branch of the promotion.

        :raises Stopped: when a person has ended the promotion, and with it the branch.
        :raises LeaseLost: when another worker has dropped it.
        """
        live = self.promotion.branches.filter(delete_due__isnull=True).first()
        if live is None:
            self.check_not_stopped()
            raise LeaseLost(f"Promotion {self.promotion.pk} has no branch.")
        return live

    @property
    def tried_before(self) -> bool:
        """Whether an earlier attempt at this step may have done its write without recording an answer."""
        return self.step_run.tries > 1 or (
            self.promotion.steps.filter(step=self.step_run.step).count() > 1
        )

    def written(self) -> QuerySet[ComponentResult]:
        """The results of the components that are created or updated, dependencies first."""
        return self.promotion.written()

    def record(self, **changes: Any) -> None:
        """Write columns of the promotion, while the lease is ours."""
        self.lease.record(**changes)
        for name, value in changes.items():
            setattr(self.promotion, name, value)

    def note(self, detail: str, **changes: Any) -> None:
        """Show on the page how far the step is."""
        changes["detail"] = detail[:1000]
        StepRun.objects.filter(pk=self.step_run.pk).update(**changes)
        touch(self.promotion.pk)
        for name, value in changes.items():
            setattr(self.step_run, name, value)

    def move(self, to: Status, **changes: Any) -> None:
        """Move the promotion as this worker; a worker that has lost its lease cannot.

        :raises Stopped: when a person has moved it first.
        :raises LeaseLost: when another worker has it.
        """
        try:
            with transaction.atomic():
                move(self.promotion.pk, to=to, epoch=self.lease.epoch, **changes)
                if to in FINAL:
                    # An end abandons every running step, except the one that caused it: that one is done.
                    StepRun.objects.filter(pk=self.step_run.pk).update(state=StepState.DONE)
        except StalePromotion as stale:
            if stale.current in FINAL:
                raise Stopped from stale
            raise LeaseLost(str(stale)) from stale
        self.promotion.refresh_from_db()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction for what a step records, open only while nobody has ended the promotion.

        :raises Stopped: a person has ended it: whatever is written now would outlive it.
        :raises LeaseLost: when another worker has it.
        """
        with transaction.atomic():
            try:
                self.lease.record_while(status=self.promotion.status)
            except LeaseLost:
                self.check_not_stopped()
                raise
            yield

    def vanished_branch(self) -> PromotionBranch | None:
        """The live branch, if somebody else deleted it on the platform before its merge (operation 14)."""
        live = self.promotion.branches.filter(delete_due__isnull=True).first()
        was_ready = self.promotion.steps.filter(
            step=StepName.AWAIT_BRANCH, state=StepState.DONE
        ).exists()
        if live is None or not live.remote_id or not was_ready:
            return None
        if PromotionRequest.objects.filter(
            Q(merged_at__isnull=False) | Q(merge_executed_at__isnull=False), pk=self.promotion.pk
        ).exists():
            return None
        try:
            remote = self.client.get_branch(live.remote_id)
        except NotFound:
            return live
        return live if remote.deleted or remote.stage == "DELETING" else None

    def soon(self, poll: float) -> float | None:
        """(Unscaled) seconds until the next look, doubling each time until the first ``poll`` has passed.

        :returns: None afterwards, when looks are counted.
        """
        waited = (timezone.now() - self.step_run.started_at).total_seconds() / (scaled(1) or 1)
        return min(max(FIRST_LOOK, waited), poll - waited) if waited < poll else None

    def check_not_stopped(self) -> None:
        """Check, between two calls of a long step, whether a person has ended the promotion.

        :raises Stopped: when it is final.
        """
        status = PromotionRequest.objects.values_list("status", flat=True).get(pk=self.promotion.pk)
        if status in FINAL:
            raise Stopped


StepFunction = Callable[[StepContext], "Wait | None"]

MAX_MISSES = 2  # times to look again for something that is not found


@dataclass(frozen=True)
class Step:
    """One step: its name, whose label the page shows, and the function that does it."""

    name: StepName
    take: StepFunction
