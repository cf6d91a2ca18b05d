"""The same promotions by Promotion Desk itself: Redis, PostgreSQL, a worker and the services.

In a process of its own for each dialect, since the settings are read once. It prints its results
as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from partnerapi.simulator import seed, service
from promo_site.demo import servers
from tests import services
from tests.benchmarks.conditions import CALLS_A_SECOND, platform
from tests.benchmarks.family import Family, plant
from tests.partnerapi.simulators import Controls

PATIENCE_SECONDS = 1800


@contextmanager
def stack(dialect: str, *, workers: int = 2, **settings: str) -> Iterator[Controls]:
    """Everything is up, migrated and set up as an admin would have done it.

    :param workers: processes that carry promotions on.
    :param settings: environment variables beside those of every lane.
    """
    with ExitStack() as started:
        api = started.enter_context(platform(dialect))
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="promo-bench-")))
        redis_port = servers.free_port()
        started.enter_context(services.redis_server(redis_port, folder))
        database = os.environ.get("TEST_DATABASE_URL") or started.enter_context(
            services.postgres_server()
        )
        for name in [n for n in os.environ if n.startswith(("PARTNER_API_", "PROMOTION_"))]:
            del os.environ[name]
        os.environ.update(
            {
                "DJANGO_SETTINGS_MODULE": "promo_site.settings",
                "ENV_FILE": os.devnull,
                "DEMO": "true",
                "DATABASE_URL": database,
                "REDIS_URL": f"redis://{servers.ADDRESS}:{redis_port}/0",
                "PARTNER_API_URL": api.url,
                "PARTNER_API_ACCOUNT": seed.PRIMARY_ACCOUNT,
                "PARTNER_API_USER": service.USER,
                "PARTNER_API_TOKEN": service.PASSWORD,
                "PARTNER_API_DIALECT": dialect,
                "PARTNER_API_SPACING_MS": str(1000 // CALLS_A_SECOND),
                **settings,
            }
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        worker = started.enter_context(services.celery_worker(folder, {}, processes=workers))
        with _log_on_failure(worker):
            yield api


@contextmanager
def _log_on_failure(worker: services.Worker) -> Iterator[None]:
    try:
        yield
    except Exception:
        sys.stderr.write(worker.log_end())
        raise


def run(dialect: str, components: int, repeat: int, *, warm: bool) -> list[dict[str, Any]]:
    """A creation and an update for each repetition."""
    with stack(dialect) as api:
        desk = people()
        results = []
        for number in range(repeat):
            family = plant(api, f"Desk {number + 1}", components)
            results.append(_promote(desk, family, "create", warm=warm))
            family.change()
            results.append(_promote(desk, family, "update", warm=warm))
        return results


def people() -> Any:
    """Somebody who asks and two who approve, with all that is set up for them."""
    from django.contrib.auth.models import User

    from promotions import access
    from promotions.management.commands.setup_roles import set_up_roles
    from tests.integration.desk import Desk, furnish

    furnish()
    set_up_roles()
    found = {}
    for name, groups in (
        ("alice", ("Team A", access.CONTRIBUTORS)),
        ("bob", (access.ADMINS,)),
        ("dora", (access.ADMINS,)),
    ):
        found[name] = User.objects.create_user(name)
        found[name].groups.set(_groups(groups))
    simulator: Any = None  # Nothing here asks it by its controls.
    return Desk(simulator, simulator, **found)


def _groups(names: tuple[str, ...]) -> list[Any]:
    from django.contrib.auth.models import Group

    return [Group.objects.get_or_create(name=name)[0] for name in names]


def _promote(desk: Any, family: Family, kind: str, *, warm: bool) -> dict[str, Any]:
    """One promotion, people's time left out: they submit and approve as soon as they can.

    :param warm: plan it twice and submit the second plan.
    """
    from django.db.models import Max

    from promotions import services as desk_services
    from promotions.models import ApiCall, Plan
    from promotions.states import Status

    def wait(row: Any, done: Any, what: str) -> Any:
        desk.wait_until(
            lambda: done(desk.fresh(row)),
            what,
            seconds=PATIENCE_SECONDS,
            told=lambda: str(desk.fresh(row).__dict__),
        )
        return desk.fresh(row)

    def plan_of(package_id: str) -> tuple[Plan, float, float, int]:
        """The plan, seconds until it could be read and until it could be requested, and its calls."""
        began, first = time.monotonic(), _newest_call()
        plan = desk_services.make_plan(desk.alice, desk.orders, package_id)
        plan = wait(plan, lambda p: p.state != Plan.State.BUILDING, "the plan")
        assert plan.can_be_submitted, (plan.error_code, plan.error, list(plan.findings.values()))
        seconds = time.monotonic() - began
        readable = (plan.readable_at - plan.created_at).total_seconds()
        return plan, readable, seconds, ApiCall.objects.filter(pk__gt=first).count()

    def _newest_call() -> int:
        return ApiCall.objects.aggregate(newest=Max("pk"))["newest"] or 0

    package_id = family.package()
    plans = {}
    plan, *plans["cold"] = plan_of(package_id)
    if warm:
        # The first plan has learnt who uses what; the second one, which is submitted, knows it.
        plan, *plans["warm"] = plan_of(package_id)
    first = _newest_call()
    began = time.monotonic()
    promotion = desk.submit(plan, version=f"{family.edition}.0")
    reviewed = (Status.ADMIN_REVIEW, Status.FAILED)
    promotion = wait(promotion, lambda p: p.status in reviewed, "the staging")
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    staged = time.monotonic() - began
    began = time.monotonic()
    desk.approve(promotion, new_pack_name=f"{family.name} {family.edition}")
    promotion = wait(promotion, lambda p: p.merged_at or p.status == Status.FAILED, "the merge")
    merged = time.monotonic() - began
    ended = (Status.DEPLOYED, Status.FAILED)
    promotion = wait(promotion, lambda p: p.status in ended, "the deployment")
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    deployed = time.monotonic() - began
    made = ApiCall.objects.filter(pk__gt=first)
    result: dict[str, Any] = {
        "kind": kind,
        "to merge": staged + merged,
        "refused": made.filter(status__in=(429, 503)).count(),
        "writing": _pace(promotion),
    }
    for how, (readable, seconds, calls) in plans.items():
        result[f"readable, {how}"] = readable
        result[f"plan, {how}"] = seconds
        result[f"whole, {how}"] = seconds + staged + deployed
        result[f"calls, {how}"] = calls + made.count()
    return result


def _pace(promotion: Any) -> float:
    """Calls a second while components are copied: then calls wait for their turn all the time."""
    from promotions.models import ApiCall

    step = promotion.steps.get(step="stage_components", state="done")
    calls = ApiCall.objects.filter(
        promotion=promotion, at__range=(step.started_at, step.finished_at)
    )
    return float(calls.count() / (step.finished_at - step.started_at).total_seconds())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dialect", choices=["guide", "published"], required=True)
    parser.add_argument("--components", type=int, required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--warm", action="store_true")
    options = parser.parse_args()
    results = run(options.dialect, options.components, options.repeat, warm=options.warm)
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
