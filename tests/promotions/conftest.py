"""The dev account that most tests of the pages and services look at."""

from __future__ import annotations

import pytest

from promotions.models import DevAccount
from tests.promotions import factories


@pytest.fixture
def sales(db: None) -> DevAccount:
    return factories.account()
