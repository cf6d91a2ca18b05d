"""Pages and counts that cost no more after a year of history than after a day."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import Paginator

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

#: Rows that are counted and paged through. Who looks for older ones searches or filters.
MOST = 1000


class Count(int):
    """A number of rows; one that stands for more of them says so: "1,000+"."""

    is_more = False

    def __str__(self) -> str:
        return f"{intcomma(int(self))}{'+' if self.is_more else ''}"


def count(rows: Any, most: int = MOST) -> Count:
    """Count the rows of a queryset, and stop where there are more than ``most``."""
    number = rows.order_by()[: most + 1].count()
    counted = Count(min(number, most))
    counted.is_more = number > most
    return counted


class ShortPaginator(AnyPaginator):
    """Pages through the first rows of a queryset without counting the rest."""

    most = MOST

    @cached_property
    def count(self) -> Count:
        return count(self.object_list, self.most)


class AdminPaginator(ShortPaginator):
    """As many rows as an admin may want to page through."""

    most = 5000
