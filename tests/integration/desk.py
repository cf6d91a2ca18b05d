"""A set-up desk, and its people at work: what an integration test does through services and waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from django.contrib.auth.models import Group, User

from partnerapi.simulator import seed
from promotions import services
from promotions.models import (
    ComponentMapping,
    Content,
    DevAccount,
    DevAccountAccess,
    Environment,
    IntegrationPack,
    Plan,
    PromotionBranch,
    PromotionRequest,
)
from promotions.states import FINAL, Status
from tests.services import Simulator, Worker

# How long anything may take on a busy machine.
PATIENCE_SECONDS = 120


@dataclass
class Desk:
    """Alice's team has the orders account; Bob and Dora are admins; everything runs for real."""

    simulator: Simulator
    worker: Worker
    alice: User
    bob: User
    dora: User

    @property
    def orders(self) -> DevAccount:
        return DevAccount.objects.get(account_id=seed.ORDERS_ACCOUNT)

    @property
    def finance(self) -> DevAccount:
        return DevAccount.objects.get(account_id=seed.FINANCE_ACCOUNT)

    # -- what people do ---------------------------------------------------------------------

    def plan(
        self,
        package_id: str = seed.DEMO_PACKAGE_ID,
        *,
        account: DevAccount | None = None,
        user: User | None = None,
    ) -> Plan:
        """A plan that a worker has made, ready or failed."""
        plan = services.make_plan(user or self.alice, account or self.orders, package_id)
        self.wait_until(lambda: self.fresh(plan).state != Plan.State.BUILDING, "the plan")
        return self.fresh(plan)

    def submit(
        self, plan: Plan, *, version: str = "1.0", user: User | None = None
    ) -> PromotionRequest:
        return services.submit(
            user or self.alice,
            plan,
            package_version=version,
            environments=Environment.objects.filter(classification="PROD"),
            notes="For the season.",
        )

    def requested(self, package_id: str = seed.DEMO_PACKAGE_ID, **kwargs: Any) -> PromotionRequest:
        """A promotion that waits for an admin, or has ended before that."""
        version = kwargs.pop("version", "1.0")
        plan = self.plan(package_id, **kwargs)
        assert plan.can_be_submitted, (plan.error_code, list(plan.findings.values()))
        promotion = self.submit(plan, version=version)
        return self.wait_for(promotion, Status.ADMIN_REVIEW)

    def approve(
        self, promotion: PromotionRequest, *, user: User | None = None, **pack: Any
    ) -> None:
        promotion = self.fresh(promotion)
        self.read(promotion, user or self.bob)
        services.approve(
            user or self.bob,
            promotion,
            plan_hash=promotion.content_hash,
            **({"other_pack_accepted": True} | (pack or self._usual_pack())),
        )

    def read(self, promotion: PromotionRequest, user: User) -> None:
        """Open what the first look does not show of the differences, as the page asks for."""
        for missing in services.unread(user, promotion):
            difference = Content.objects.get(digest=missing.digest)
            services.open_parts(user, difference, range(1, missing.parts + 1))

    def _usual_pack(self) -> dict[str, Any]:
        """A pack that is made by the first promotion into it."""
        made = IntegrationPack.objects.filter(name="Orders to Cash").first()
        return {"pack": made} if made else {"new_pack_name": "Orders to Cash"}

    def promoted(self, package_id: str = seed.DEMO_PACKAGE_ID, **kwargs: Any) -> PromotionRequest:
        """A promotion that an admin has approved and a worker has carried to its end."""
        pack = kwargs.pop("pack", {})
        promotion = self.requested(package_id, **kwargs)
        assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
        self.approve(promotion, **pack)
        return self.wait_for(promotion, Status.DEPLOYED)

    # -- waiting ----------------------------------------------------------------------------

    def fresh(self, row: Any) -> Any:
        return type(row).objects.get(pk=row.pk)

    def wait_for(
        self, promotion: PromotionRequest, *statuses: Status, seconds: float = PATIENCE_SECONDS
    ) -> PromotionRequest:
        """The promotion when it has one of the statuses, or is final."""
        self.wait_until(
            lambda: self.fresh(promotion).status in {*statuses, *FINAL},
            f"promotion {promotion.pk} to be {statuses}",
            seconds=seconds,
            told=lambda: (
                f"{self.fresh(promotion).status}, "
                f"{list(promotion.steps.values_list('step', 'state', 'detail', 'error_code', 'error'))}"
            ),
        )
        return self.fresh(promotion)

    def wait_until(
        self,
        done: Callable[[], bool],
        what: str,
        *,
        seconds: float = PATIENCE_SECONDS,
        told: Callable[[], str] = lambda: "",
    ) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"Waited {seconds} s for {what}. {told()}"
            time.sleep(0.05)

    def wait_until_no_branch(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Every branch that this system made is gone, on the platform and in the rows."""
        self.wait_until(
            lambda: (
                not self.branches()
                and not PromotionBranch.objects.filter(deleted_at__isnull=True).exists()
            ),
            "the branch to be deleted",
            seconds=seconds,
            told=lambda: f"{self.branches()} {list(PromotionBranch.objects.values())}",
        )

    # -- the end state on the platform ------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return self.simulator.state()

    def branches(self) -> list[str]:
        return [b["name"] for b in self.state()["branches"] if b["name"].startswith("promo-")]

    def production(self) -> dict[str, dict[str, Any]]:
        """The components on main by id."""
        components = self.state()["accounts"][seed.PRIMARY_ACCOUNT]["components"]
        return {c["id"]: c for c in components if c["version"] is not None}

    def calls(self, operation: int | str) -> int:
        """How many calls of an operation the platform has received."""
        return int(self.state()["calls"]["by_operation"].get(str(operation), 0))

    def edit(self, **change: Any) -> dict[str, Any]:
        """Play another person: see the simulator's control endpoint."""
        answer = requests.post(f"{self.simulator.url}/_control/edit", json=change, timeout=60)
        assert answer.ok, answer.text
        return dict(answer.json())

    def raw(self, component_id: str) -> str:
        """The component as the platform keeps it, with its real secrets."""
        answer = requests.get(f"{self.simulator.url}/_control/component/{component_id}", timeout=60)
        assert answer.ok, answer.text
        return answer.text


def furnish() -> None:
    """Accounts, access, environments, packs and the mappings of connections and earlier twins."""
    team = Group.objects.get_or_create(name="Team A")[0]
    accounts = {
        account_id: DevAccount.objects.create(
            account_id=account_id, name=seed.ACCOUNT_NAMES[account_id]
        )
        for account_id in seed.DEV_ACCOUNTS
    }
    for account_id in (seed.ORDERS_ACCOUNT, seed.FINANCE_ACCOUNT):
        DevAccountAccess.objects.create(group=team, dev_account=accounts[account_id])
    for key, environment_id in seed.ENVIRONMENTS.items():
        Environment.objects.create(
            environment_id=environment_id,
            name=key,
            classification="PROD" if key.startswith("prod") else "TEST",
        )
    for name, pack_id in seed.PACKS.items():
        IntegrationPack.objects.create(pack_id=pack_id, name=name)
    for table, kind in ((seed.CONNECTIONS, "connector-settings"), (seed.TWINS, "process")):
        for (account_id, dev_id), prod_id in table.items():
            ComponentMapping.objects.create(
                dev_account=accounts[account_id],
                dev_component_id=dev_id,
                prod_component_id=prod_id,
                name=f"mapped {kind}",
                component_type=kind,
            )
