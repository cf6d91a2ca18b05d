"""How the pages show people, times, statuses, steps and errors."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.contrib.auth.models import User
from django.contrib.humanize.templatetags.humanize import intcomma, naturaltime
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from .. import access
from ..messages import MESSAGES
from ..models import Approval, Ask, PromotionRequest
from ..pages import words
from ..pages.common import Problem, problem, uses_password
from ..pages.paging import count
from ..pages.queue import waiting_count
from ..pages.status import STATUS_PAGES, label
from ..states import Action, HoldKind, Outcome, Status
from ..worker import platform

register = template.Library()

# Icon and tint of each action and outcome; a status has them in pages/status.py.
ACTIONS = {
    Action.CREATE: ("plus", "good"),
    Action.UPDATE: ("up", "accent"),
    Action.UNCHANGED: ("equal", "gray"),
    Action.CONNECTION: ("link", "violet"),
}
OUTCOMES = {
    Outcome.PENDING: ("dot", "gray"),
    Outcome.DONE: ("check", "good"),
    Outcome.UNCHANGED: ("equal", "gray"),
    Outcome.FAILED: ("alert", "bad"),
    Outcome.SKIPPED: ("minus", "gray"),
}
STEP_ICONS = {
    "running": "spinner",
    "waiting": "hourglass",
    "done": "check",
    "failed": "alert",
    "abandoned": "minus",
    "skipped": "minus",
}
STEP_WORDS = {
    "pending": "To do",
    "running": "Running",
    "waiting": "Waiting",
    "done": "Done",
    "failed": "Failed",
    "abandoned": "Given up",
    "skipped": "Not needed",
}


SPELLED_OUT = re.compile(r"&lt;U\+[0-9A-F]{4,6}&gt;")


# --- Words -----------------------------------------------------------------------------------

register.filter("person", words.person)
register.filter("event_words", words.event_words)
register.filter("types_of", words.types_of)
register.filter("number", intcomma)


@register.filter
def visible_text(text: object) -> str:
    """As `visible`, without mark-up: for attributes."""
    return words.visible(str(text))


@register.filter
def visible(text: object) -> SafeString:
    """{{ text|visible }}: characters that cannot be seen, or that turn others around, stand as <U+202E>."""
    shown = format_html("{}", words.visible(str(text)))
    return mark_safe(SPELLED_OUT.sub(r'<span class="control">\g<0></span>', shown))  # noqa: S308 (escaped above)


@register.filter
def problem_of(code: str, detail: str = "") -> Problem:
    """{{ step.error_code|problem_of:step.error }}."""
    return problem(code, detail)


@register.filter
def note_words(note: str) -> str:
    """An event's note with the code at its beginning in words: "API_ERROR: …"."""
    code, _, rest = note.partition(": ")
    if code not in MESSAGES:
        return note
    return f"{MESSAGES[code].happened} {rest}".strip()


# --- Times -----------------------------------------------------------------------------------


def _absolute(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """A time with its zone, and how long ago that was."""
    if value is None:
        return "—"
    return format_html(
        '<time class="moment" datetime="{}">{} <span class="ago">{}</span></time>',
        value.isoformat(timespec="seconds"),
        _absolute(value),
        naturaltime(value),
    )


@register.simple_tag
def clock(value: datetime | None) -> SafeString | str:
    """A time to the second, for logs."""
    if value is None:
        return "—"
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}">{}</time>',
        value.isoformat(timespec="milliseconds"),
        f"{local.day} {local:%b, %H:%M:%S} {local.tzname()}",
    )


@register.simple_tag
def duration(started: datetime | None, finished: datetime | None) -> str:
    """How long something took, or has taken so far."""
    if started is None:
        return ""
    seconds = max(0.0, ((finished or timezone.now()) - started).total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 90:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


# --- Forms that stay on their page -----------------------------------------------------------


@register.simple_tag
def stays_in(place: str) -> SafeString:
    """Attributes of a form whose answer takes the place of a part of the page, by its id.

    Without scripts the form is sent as any other, and its answer leads back to that part.
    """
    return format_html(
        'hx-boost="true" hx-push-url="false" hx-target="#{0}" hx-select="#{0}" '
        'hx-swap="outerHTML show:none"',
        place,
    )


# --- Icons and chips -------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon from static/img/icons.svg; words beside it say what it means."""
    return format_html(
        '<svg class="icon icon-{} {}" aria-hidden="true" focusable="false" width="16" height="16">'
        '<use href="{}#{}"></use></svg>',
        name,
        css,
        static("img/icons.svg"),
        name,
    )


def _chip(tint: str, icon_name: str, label: str) -> SafeString:
    return format_html('<span class="chip tint-{}">{}{}</span>', tint, icon(icon_name), label)


@register.simple_tag
def status_chip(promotion: PromotionRequest) -> SafeString:
    shown = STATUS_PAGES[Status(promotion.status)]
    return _chip(shown.tint, shown.icon, label(promotion))


@register.filter
def status_label(promotion: PromotionRequest) -> str:
    """What the status is called."""
    return label(promotion)


@register.filter
def status_tint(status: str) -> str:
    """The class that colours what belongs to a status."""
    return f"tint-{STATUS_PAGES[Status(status)].tint}"


@register.simple_tag
def action_chip(value: str) -> SafeString:
    action = Action(value)
    icon_name, tint = ACTIONS[action]
    return _chip(tint, icon_name, action.label)


@register.simple_tag
def outcome_chip(value: str) -> SafeString:
    outcome = Outcome(value)
    icon_name, tint = OUTCOMES[outcome]
    return _chip(tint, icon_name, outcome.label)


@register.filter
def step_word(state: str) -> str:
    return STEP_WORDS.get(str(state), str(state))


@register.filter
def step_icon(state: str) -> str:
    return STEP_ICONS.get(str(state), "dot")


# --- Pieces of pages -------------------------------------------------------------------------


@register.inclusion_tag("_platform.html", takes_context=True)
def platform_notice(context: Context) -> dict[str, Any]:
    """Says once, for everything that waits for it, that the platform does not answer."""
    account = platform.closed()
    if account is None:
        return {"hold": None, "messages": context.get("messages")}
    request = context["request"]
    waiting = PromotionRequest.objects.open().filter(hold_kind=HoldKind.PLATFORM)
    return {
        "hold": account.hold,
        "waiting": waiting.count(),
        "is_admin": access.is_admin(request.user),
        "csrf_token": context.get("csrf_token"),
        "messages": context.get("messages"),
        "page": request.path,
    }


@register.inclusion_tag("_navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """The links that the user may follow, and how many promotions wait for a decision."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User):
        return {"user": None}
    is_admin = access.is_admin(user)
    reviews = is_admin or access.decides(user) or access.is_peer(user)
    match = getattr(request, "resolver_match", None)
    return {
        "request": request,
        "user": user,
        "current": match.url_name if match else "",
        "may_enter": is_admin or access.may_enter(user),
        "is_admin": is_admin,
        "may_promote": access.may_promote(user),
        "role": _role(user),
        "asked": count(Ask.objects.filter(outcome="")) if is_admin else 0,
        "has_password": uses_password(user),
        "reviews": reviews,
        "waiting": waiting_for(request),
    }


@register.simple_tag(takes_context=True)
def may_promote(context: Context) -> bool:
    """Whether the user has any dev account to promote from."""
    return access.may_promote(context["request"].user)


def _role(user: User) -> str:
    """What the page calls the role of somebody who may enter."""
    if access.is_admin(user):
        return "Admin"
    return "Contributor" if access.is_contributor(user) else "Reviewer"


def waiting_for(request: Any) -> int:
    """How many promotions wait for the user's decision; counted once for a page's title and badge."""
    if not hasattr(request, "waiting_for_user"):
        user = request.user
        reviews = access.decides(user) or access.is_peer(user)
        request.waiting_for_user = waiting_count(user) if reviews else 0
    return int(request.waiting_for_user)


@register.simple_tag(takes_context=True)
def title_count(context: Context) -> str:
    """What stands before a page's title: "(2) ", where something waits for the user."""
    request = context.get("request")
    if request is None or not getattr(request, "user", None) or not request.user.is_authenticated:
        return ""
    waiting = waiting_for(request)
    return f"({waiting}) " if waiting else ""


@register.simple_tag(takes_context=True)
def sort_query(context: Context, column: str) -> str:
    """The query that sorts by a column, or the other way round where it is sorted by it."""
    current = context.get("sort", "")
    query = context["request"].GET.copy()
    query["sort"] = f"-{column}" if current == column else column
    query.pop("page", None)
    return f"?{query.urlencode()}"


@register.filter
def has_lapsed(approval: Approval) -> bool:
    """Whether the time of an approval is over."""
    return approval.until is not None and approval.until <= timezone.now()


@register.filter
def sorted_as(current: str, column: str) -> str:
    """The aria-sort of a column."""
    if current == column:
        return "ascending"
    return "descending" if current == f"-{column}" else "none"
