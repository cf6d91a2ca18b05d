"""manage.py plan_promotion: a dry run whose exit status tells what came of it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from partnerapi.simulator import seed
from promotions.models import Plan
from tests.integration.desk import Desk


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("plan_promotion", *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    status, printed = run(*arguments, "--json")
    return status, json.loads(printed)


def test_ready(desk: Desk) -> None:
    status, printed = run(seed.ORDERS_ACCOUNT, seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert status == 0
    assert "Ready to be requested." in printed
    assert "create     Nightly Heartbeat" in printed
    assert not Plan.objects.exists()
    name = seed.ACCOUNT_NAMES[seed.ORDERS_ACCOUNT]
    status, plan = told(name, seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert (status, plan["status"], plan["process"]) == (0, 0, "Nightly Heartbeat")
    assert [component["action"] for component in plan["components"]] == ["create"]
    assert plan["sentences"]


def test_several_packages_make_one_plan(desk: Desk) -> None:
    status, plan = told(
        seed.ORDERS_ACCOUNT, seed.RETURNS_PACKAGE_ID, seed.SINGLE_COMPONENT_PACKAGE_ID
    )
    assert (status, plan["process"]) == (0, f"{plan['packages'][0]['process']} and 1 more")
    assert [package["id"] for package in plan["packages"]] == [
        seed.RETURNS_PACKAGE_ID,
        seed.SINGLE_COMPONENT_PACKAGE_ID,
    ]
    assert "Nightly Heartbeat" in {component["name"] for component in plan["components"]}
    assert not Plan.objects.exists()


def test_nothing_to_do(desk: Desk) -> None:
    desk.promoted(seed.SINGLE_COMPONENT_PACKAGE_ID)
    status, plan = told(seed.ORDERS_ACCOUNT, seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert (status, plan["status"]) == (3, 3)


def test_blocked_and_failed(desk: Desk) -> None:
    status, plan = told(seed.FINANCE_ACCOUNT, seed.UNMAPPED_CONNECTIONS_PACKAGE_ID)
    assert (status, plan["status"]) == (4, 4)
    assert any(finding["blocking"] for finding in plan["findings"])
    status, plan = told(seed.ORDERS_ACCOUNT, "no-such-package")
    assert (status, plan["status"]) == (1, 1)
    assert "The package is no longer in the dev account." in plan["outcome"]
    with pytest.raises(CommandError, match="no active dev account"):
        run("nowhere", seed.SINGLE_COMPONENT_PACKAGE_ID)
