"""Which production component looks like the one to be created."""

import pytest

from promotions.plan.same import same_folder


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/Promoted/Orders/Maps", "Northwind/Promoted/Orders/Maps", True),
        ("/Promoted/Orders/Maps", "Northwind/Orders/Maps", True),
        ("/Promoted/Orders/Maps", "Orders/Maps", True),
        ("/Promoted/Orders/Maps", "/promoted/orders/maps", True),
        ("/Promoted/Orders/Maps", "Maps", True),
        ("/Promoted/Orders/Maps", "Northwind/Invoices/Maps", False),
        ("/Promoted/Orders/Maps", "Northwind/Far/Away/Orders/Maps", False),
        ("/Promoted/Orders/Maps", "Profiles", False),
        ("/Promoted", "Northwind", True),
    ],
)
def test_a_folder_is_the_same_apart_from_its_beginning(one: str, other: str, same: bool) -> None:
    assert same_folder(one, other) is same
    assert same_folder(other, one) is same
