"""A release that goes on for ever, as the published API may have one."""

from __future__ import annotations

from typing import Any

import pytest

from partnerapi.simulator import seed
from promotions import services
from promotions.messages import MESSAGES
from promotions.pipeline import release
from promotions.states import Status
from tests.integration.test_published_rules import Office, office

__all__ = ["office"]


def test_a_release_that_never_ends_is_told_and_waited_for_again(
    office: Office,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PARTNER_API_DIALECT = "published"
    office.simulator._call("POST", "reset", {"dialect": "published"})
    monkeypatch.setattr(release, "RELEASE_PATIENCE", 3 * release.RELEASE_POLL)
    office.edit(release_mode="stuck")
    promotion = office.requested(seed.SINGLE_COMPONENT_PACKAGE_ID)
    office.approve(promotion)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert (promotion.error_code, promotion.failed_step) == ("RELEASE_TIMEOUT", "await_release")
    assert promotion.error_code in MESSAGES
    assert not office.state()["deployments"]
    assert not office.branches()
    office.edit(release_mode="normal")
    services.retry(office.bob, promotion)
    promotion = office.wait_for(promotion, Status.DEPLOYED)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    assert office.calls(18) == 1
    assert len(office.state()["deployments"]) == 2
