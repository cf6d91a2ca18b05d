"""Time grows with size and not with its square; the margins are wide, for machines are busy."""

from collections.abc import Callable

import pytest

from tests.benchmarks import componentxml


@pytest.mark.parametrize("make", [componentxml.profile, componentxml.inputs])
def test_time_grows_with_the_number_of_elements(make: Callable[[int], bytes]) -> None:
    small, large = make(500), make(8_000)
    once = componentxml.best(lambda: componentxml.way(small))
    assert componentxml.best(lambda: componentxml.way(large)) < 16 * 3 * once
