"""The desk that integration tests work at."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.integration.desk import Desk, furnish
from tests.services import Simulator, Worker


@pytest.fixture
def desk(simulator: Simulator, worker: Worker, alice: User, bob: User, dora: User) -> Desk:
    furnish()
    return Desk(simulator, worker, alice, bob, dora)
