"""Many promotions at once: `python -m tests.benchmarks.crowd --dialect published [--quick]`.

Everybody asks at the same moment for a package of their own, submits the plan as soon as it is ready and is approved as
soon as it waits for an admin. The packages go into a few packs, and there are fewer branches than promotions. What is
measured is the time until the last one is deployed and the last branch is deleted, against the time that the calls
alone would take that the plans make necessary, one after the other at the rate that is allowed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Any

from partnerapi.simulator import seed
from tests.benchmarks.conditions import CALLS_A_SECOND, Row, tell
from tests.benchmarks.desk import PATIENCE_SECONDS, people, stack
from tests.benchmarks.family import plant

ACCOUNTS = (seed.ORDERS_ACCOUNT, seed.FINANCE_ACCOUNT)
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Size:
    requests: int = 40
    components: int = 30
    packs: int = 10
    workers: int = 4
    branches: int = 10


QUICK = Size(requests=6, components=10, packs=3, branches=3)


# What a promotion cannot do without, however few components it has. The premises are asked when the plan is made,
# before the first component is written, before the merge is asked for and before it is executed.
MOMENTS = 4
FIXED = {
    "names and copies in production, at each moment": 2 * MOMENTS,
    "the package, its manifest, its components, the versions that are taken": 4,
    "the package again, before writing and before the merge": 2,
    "the branches, a new one, whether it is ready, its deletion": 4,
    "the folders": 1,
    "the packs before review and before the merge": 2,
    "the branch's components, and main's": 2,
    "the main branch, a merge request, whether it is drafted, the merge, whether it is done": 5,
    "the packages that are there, main's components, a new package": 3,
    "the packs, a new one, its packages, the package into it": 4,
    "the pack's packages, a release, whether it is done": 3,
    "what is attached, what is deployed, a deployment to each of two environments": 4,
}


def budget(plan: Any) -> int:
    """The calls that a plan makes necessary, by the operations that the dialect has.

    Of each component they are: who uses what (operation 4) and its content; and of each that is written the write, and
    what main holds after the merge. The published dialect reads five at a time.
    """
    everything = plan.components.count()
    written = sum(component.is_written for component in plan.components.all())
    at_once = 5 if _reads_in_bulk() else 1
    reads = everything + ceil(everything / at_once) + ceil(written / at_once)
    return reads + written + sum(FIXED.values())


def _reads_in_bulk() -> bool:
    from django.conf import settings

    return bool(settings.PARTNER_API_DIALECT == "published")


@dataclass(frozen=True)
class Result:
    """:ivar refused: calls that the platform refused for their pace."""

    size: Size
    seconds: float
    budget: int
    calls: int
    refused: int
    by_operation: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.seconds / (self.budget / CALLS_A_SECOND)


def run(dialect: str, size: Size) -> Result:
    with stack(dialect, workers=size.workers, PROMOTION_BRANCH_LIMIT=str(size.branches)) as api:
        from promotions.models import ApiCall, Plan

        desk = people()
        accounts = [desk.orders, desk.finance]
        families = [
            plant(api, f"Crowd {n + 1}", size.components, account=ACCOUNTS[n % len(ACCOUNTS)])
            for n in range(size.requests)
        ]
        packages = [family.package() for family in families]
        began = time.monotonic()
        crowd = [
            Requester(desk, accounts[n % len(accounts)], package, f"Crowd {n % size.packs + 1}")
            for n, package in enumerate(packages)
        ]
        carry(crowd, began)
        seconds = time.monotonic() - began
        made = ApiCall.objects.all()
        plans = Plan.objects.filter(promotion__isnull=False).prefetch_related("components")
        return Result(
            size,
            seconds,
            sum(budget(plan) for plan in plans),
            made.count(),
            made.filter(status__in=(429, 503)).count(),
            dict(Counter(made.values_list("operation", flat=True)).most_common(12)),
        )


class Requester:
    """One who asks for a promotion, and the admin who approves it; neither takes any time."""

    def __init__(self, desk: Any, account: Any, package_id: str, pack: str) -> None:
        from promotions import services

        self.desk = desk
        self.pack = pack
        self.plan = services.make_plan(desk.alice, account, package_id)
        self.promotion: Any = None

    def act(self) -> bool:
        """Do what can be done now. Returns whether it is deployed."""
        from promotions.models import IntegrationPack, Plan
        from promotions.states import Status

        if self.promotion is None:
            plan = self.desk.fresh(self.plan)
            if plan.state != Plan.State.BUILDING:
                assert plan.can_be_submitted, (plan.error_code, list(plan.findings.values()))
                self.promotion = self.desk.submit(plan)
            return False
        promotion = self.desk.fresh(self.promotion)
        assert promotion.status != Status.FAILED, (promotion.error_code, promotion.error)
        if promotion.status == Status.ADMIN_REVIEW:
            made = IntegrationPack.objects.filter(name=self.pack).first()
            pack = {"pack": made} if made else {"new_pack_name": self.pack}
            self.desk.approve(promotion, **pack)
        return bool(promotion.status == Status.DEPLOYED)


def carry(crowd: list[Requester], began: float) -> None:
    from promotions.models import PromotionBranch, PromotionRequest

    left, told = list(crowd), 0.0
    while left or PromotionBranch.objects.filter(deleted_at__isnull=True).exists():
        left = [one for one in left if not one.act()]
        now = time.monotonic() - began
        assert now < PATIENCE_SECONDS, [vars(one) for one in left]
        if now - told > 30:
            told = now
            statuses = Counter(PromotionRequest.objects.values_list("status", flat=True))
            sys.stderr.write(f"{now:.0f} s: {dict(statuses)}\n")
        time.sleep(POLL_SECONDS)


def rows(dialect: str, found: Result) -> list[Row]:
    """For the table of `make bench`."""
    size = found.size
    named = f"{size.requests} requests of {size.components}, {dialect}"
    pace = found.calls / found.seconds
    return [
        (
            named,
            f"{found.seconds:.0f} s",
            "",
            f"{found.ratio:.2f}",
            "this ÷ calls needed at the rate",
        ),
        (
            f"{named}: calls",
            f"{found.calls}",
            "",
            f"{found.calls / found.budget:.2f}",
            f"of the {found.budget} needed",
        ),
        (
            f"{named}: calls a second",
            f"{pace:.1f}",
            "",
            f"{pace / CALLS_A_SECOND:.2f}",
            f"of the {CALLS_A_SECOND} allowed",
        ),
        (f"{named}: refused for their pace", f"{found.refused}", "", "", "calls"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=["guide", "published"], required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = run(options.dialect, QUICK if options.quick else Size())
    tell(rows(options.dialect, found), as_json=options.json)
    if not options.json:
        sys.stdout.write(f"calls by operation: {found.by_operation}\n")


if __name__ == "__main__":
    main()
