"""Working through a plan: the list of its components beside one difference, and the comments on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from .. import services, votes
from ..models import Comment, ComponentResult, Content, Plan, PlannedComponent, PromotionRequest
from .common import UserRequest
from .differences import Difference, glance, part_of
from .forms import WorkFilterForm
from .readings import reading_of

# A plan page shows the components of a larger plan as a list with one difference at a time.
SMALL = 12


@dataclass
class Row:
    """One component in the list.

    :param digest: of everything shown of it; empty where nothing changes.
    :param talk: the number of comments on it.
    """

    component: PlannedComponent
    digest: str
    is_seen: bool
    talk: int
    address: str


@dataclass
class Thread:
    """A comment and its answers.

    :param address: where the commented place is shown, if it is.
    :param is_outdated: the difference has changed since.
    """

    comment: Comment
    answers: list[Comment]
    address: str = ""
    is_outdated: bool = False


@dataclass
class Workbench:
    """The list, and the component that is open.

    :param rows: the components that are written and match the filters.
    :param others: those that are not written.
    :param address: of this page with its filters and its component, ending so that more can follow.
    """

    filters: WorkFilterForm
    is_filtered: bool
    rows: list[Row]
    others: list[Row]
    to_see: int
    seen: int
    current: Row | None
    before: Row | None
    after: Row | None
    unseen: Row | None
    address: str
    opens_all: bool
    clear: str
    threads: list[Thread] = field(default_factory=list)

    @property
    def place(self) -> int:
        """The position of the open component in the list, counted from 1; 0 when the filters hide it."""
        pks = [row.component.pk for row in (*self.rows, *self.others)]
        return (
            pks.index(self.current.component.pk) + 1
            if self.current and self.current.component.pk in pks
            else 0
        )

    @property
    def shown(self) -> int:
        return len(self.rows) + len(self.others)


def work_context(
    request: UserRequest,
    plan: Plan,
    components: list[PlannedComponent],
    page: str,
    promotion: PromotionRequest | None = None,
) -> dict[str, Any]:
    """The list and the open difference for the template ``_workbench.html``.

    :param components: as ``plan_components`` gives them.
    :param page: the address of the page, without a query.
    """
    talk = services.comments(request.user, promotion) if promotion else []
    filters = WorkFilterForm(request.GET, components=components)
    digests = {each.pk: services.shown_digest(each) for each in components}
    marked = services.seen_by(request.user, digests.values())
    asked = filters.asked()
    rows = [
        Row(
            each,
            digests[each.pk],
            digests[each.pk] in marked,
            sum(comment.component_id == each.pk for comment in talk),
            f"{page}?{urlencode(asked | {'component': each.pk})}#work",
        )
        for each in components
    ]
    fitting = [
        row for row in rows if filters.fits(row.component, is_seen=row.is_seen or not row.digest)
    ]
    written = [row for row in fitting if row.component.is_written]
    others = [row for row in fitting if not row.component.is_written]
    listed = written + others
    current = _current(request, rows, listed)
    at = listed.index(current) if current in listed else None
    bench = Workbench(
        filters=filters,
        is_filtered=bool(asked),
        rows=written,
        others=others,
        to_see=sum(bool(row.digest) for row in rows),
        seen=sum(row.is_seen for row in rows),
        current=current,
        before=listed[at - 1] if at else None,
        after=listed[at + 1] if at is not None and at + 1 < len(listed) else None,
        unseen=_next_unseen(rows, current),
        address=f"{page}?{urlencode(asked | ({'component': current.component.pk} if current else {}))}&",
        opens_all="all" in request.GET,
        clear=f"{page}?{urlencode({'component': current.component.pk} if current else {})}#work",
    )
    context: dict[str, Any] = {"bench": bench}
    if current is not None:
        context |= difference_context(request, current.component, bench.address)
        context |= talk_context(request, promotion, talk, current.component, context["difference"])
    return context


def _current(request: HttpRequest, rows: list[Row], listed: list[Row]) -> Row | None:
    """The component that the address names, or the first that its viewer has not seen."""
    asked = request.GET.get("component", "")
    named = next((row for row in rows if str(row.component.pk) == asked), None)
    unseen = next((row for row in listed if row.digest and not row.is_seen), None)
    return named or unseen or next(iter(listed), None)


def _next_unseen(rows: list[Row], current: Row | None) -> Row | None:
    """The next component to look at, starting over at the end of the list."""
    at = rows.index(current) if current else 0
    around = rows[at + 1 :] + rows[:at]
    return next((row for row in around if row.digest and not row.is_seen), None)


def difference_context(
    request: UserRequest, component: PlannedComponent, address: str
) -> dict[str, Any]:
    """What changes in a component: at a glance, or one part with every line in full.

    Opening a part counts as reading it.

    :param address: of the page that shows it, ending so that a parameter can follow.
    """
    content, is_staged = difference_of(component)
    part = request.GET.get("part", "")
    unfolded = "unfolded" in request.GET
    difference: Difference | None = None
    is_part = part.isascii() and part.isdigit()
    if content is not None and (is_part or unfolded):
        difference = part_of(content, int(part[:9]) if is_part else 1, unfolded=unfolded)
        services.open_parts(request.user, content, range(difference.part, difference.part + 1))
    elif content is not None:
        difference = glance(content)
    return {
        "plan": component.plan,
        "component": component,
        "difference": difference,
        "difference_address": address,
        "shown": reading_of(component, opens_all="all" in request.GET) if not is_part else None,
        "opens_xml": unfolded,
        "is_staged": is_staged,
    }


def difference_of(component: PlannedComponent) -> tuple[Content | None, bool]:
    """The component's difference, and whether it is the one on the branch."""
    staged = (
        ComponentResult.objects.filter(component=component, difference__isnull=False)
        .select_related("difference")
        .first()
    )
    return (staged.difference, True) if staged else (component.difference, False)


# --- What is said ----------------------------------------------------------------------------


def talk_context(
    request: UserRequest,
    promotion: PromotionRequest | None,
    talk: Iterable[Comment],
    component: PlannedComponent,
    difference: Difference | None,
) -> dict[str, Any]:
    """The comments on one component, with a marker at each line and change that one is about."""
    if promotion is None:
        return {"promotion": None}
    threads = threads_of(each for each in talk if each.component_id == component.pk)
    _sign_lines(threads, component, difference)
    place, _, line = request.GET.get("about", "").partition("-")
    return {
        "promotion": promotion,
        "threads": threads,
        "talk_at_changes": {
            thread.comment.line: thread.comment.pk
            for thread in threads
            if thread.comment.place == Comment.Place.CHANGE
        },
        "about": {"place": place, "line": line} if line.isdigit() else {},
        "places": Comment.Place.choices,
        "may_note": votes.reviews(request.user, promotion),
    }


def threads_of(talk: Iterable[Comment]) -> list[Thread]:
    """Comments with their answers, oldest first."""
    threads: dict[int, Thread] = {}
    for comment in talk:
        if comment.parent_id in threads:
            threads[comment.parent_id].answers.append(comment)
        else:
            threads[comment.pk] = Thread(comment, [])
    return list(threads.values())


def _sign_lines(
    threads: list[Thread], component: PlannedComponent, difference: Difference | None
) -> None:
    lines = difference.sides() if difference else {}
    digest = services.shown_digest(component)
    for thread in threads:
        about = thread.comment
        thread.is_outdated = bool(about.place) and about.digest != digest
        if about.place == Comment.Place.CHANGE:
            thread.address = f"#change-{component.pk}-{about.line}"
        elif side := lines.get((about.place, about.line)):
            side.threads.append(about.pk)
            thread.address = f"#line-{component.pk}-{about.place}-{about.line}"


def whole_talk(user: User, promotion: PromotionRequest, page: str) -> dict[str, Any]:
    """All comments, each with a link to what it is about.

    :param page: the address of the review; empty if the component's own page shows it.
    """
    threads = threads_of(services.comments(user, promotion))
    for thread in threads:
        about = thread.comment
        if about.component is None:
            continue
        own = reverse("component_difference", args=[promotion.about.pk, about.component.pk])
        address = f"{page}?component={about.component.pk}" if page else own
        thread.address = f"{address}#thread-{about.pk}"
    return {
        "all_threads": threads,
        "whole_threads": [each for each in threads if each.comment.component_id is None],
        "may_note": votes.reviews(user, promotion),
    }
