"""What a message says. Never a component's content or a secret: only names, the plan's own sentences, known words."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from ..messages import MESSAGES, message
from ..models import Event, Message, MessageKind, PromotionRequest
from ..states import Kind, Status

# What a plan says of itself, as reviewers read it first.
SENTENCES = 3
LONGEST = 300

PREFIXES: dict[str, str] = {Kind.DEPLOYMENT: "Deployment of ", Kind.ROLLBACK: "Rollback to "}
ENDS: dict[str, str] = {
    Status.DEPLOYED: "was deployed",
    Status.WITHDRAWN: "was withdrawn",
    Status.CANCELLED: "was cancelled",
    Status.LAPSED: "was closed because nobody decided in time",
}


@dataclass(frozen=True)
class Told:
    """A message in words, whatever carries it.

    :param lines: what happened, one sentence each.
    :param reason: what somebody typed; for the person it is meant for, and for no channel.
    :param link: an absolute address; people who are not signed in get there after signing in.
    :param data: the same for other systems.
    """

    kind: str
    subject: str
    lines: tuple[str, ...]
    link: str
    link_words: str
    data: dict[str, Any]
    reason: str = ""


def tell(told_of: Message) -> Told:
    """The words of a message."""
    event = told_of.event
    if event.promotion is None:
        return _of_the_desk(told_of, event)
    return _of_a_promotion(told_of, event, event.promotion)


def test_message() -> Told:
    """What a test of a channel says."""
    return Told(
        "test",
        "Test message from Promotion Desk",
        ("This is a test: messages arrive here.",),
        address(reverse("home")),
        "Open Promotion Desk",
        {},
    )


def digest(told: list[Told]) -> Told:
    """Many messages in one, in the order in which they happened."""
    number = len(told)
    return Told(
        "digest",
        f"{number} message{'' if number == 1 else 's'} of Promotion Desk",
        tuple(line for one in told for line in (f"{one.subject}: {one.link}", *one.lines)),
        address(reverse("home")),
        "Open Promotion Desk",
        {},
    )


def address(path: str) -> str:
    """The absolute address of a path on this site."""
    return settings.SITE_URL.rstrip("/") + path


def plain(text: str, longest: int = LONGEST) -> str:
    """One line without invisible characters and without those that reverse others."""
    seen = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter
        for letter in text
        if unicodedata.category(letter) not in ("Cf", "Cs", "Co", "Cn")
    )
    line = " ".join(seen.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _name(user: User | None) -> str:
    return plain(user.get_full_name() or user.get_username()) if user else "Promotion Desk"


def _of_a_promotion(told_of: Message, event: Event, promotion: PromotionRequest) -> Told:
    called = plain(promotion.called)
    title = (
        f"{PREFIXES.get(promotion.kind, '')}{called} {plain(promotion.versions)} (#{promotion.pk})"
    )
    requester, actor = _name(promotion.requester), _name(event.actor)
    path, link_words = promotion.get_absolute_url(), "See the promotion"
    lines: tuple[str, ...] = ()
    reason = ""
    if told_of.kind == MessageKind.TO_REVIEW:
        again = " again" if event.action == "approval_lapsed" else ""
        subject = f"{title} waits for a decision{again}"
        lines = _what_changes(promotion)
        lines = lines or (
            f"{requester} asks to promote it from {plain(str(promotion.dev_account))}.",
        )
        path, link_words = reverse("review", args=[promotion.pk]), "Review it"
    elif told_of.kind == MessageKind.DECIDED:
        what = "approved" if event.to_status == Status.APPROVED else "rejected"
        subject = f"{title} was {what}"
        lines = (f"{actor} {what} it.",)
        reason = event.note
    elif told_of.kind == MessageKind.FAILED:
        subject = f"{title} failed"
        code = promotion.error_code or event.note.partition(": ")[0]
        said = message(code if code in MESSAGES else "INTERNAL_ERROR")
        lines = (said.happened, said.to_do)
    elif told_of.kind == MessageKind.COMMENTED:
        subject = f"{actor} commented on {title}"
        lines = (f"{actor} left a comment.",)
    else:
        subject = f"{title} {ENDS.get(event.to_status, 'ended')}"
        lines = (f"{requester} had requested it.",)
    data = {
        "promotion": promotion.pk,
        "kind": promotion.kind,
        "process": called,
        "package_version": plain(promotion.versions),
        "dev_account": plain(str(promotion.dev_account)),
        "requester": promotion.requester.get_username(),
        "status": event.to_status or promotion.status,
        "actor": event.actor.get_username() if event.actor else None,
        "sentences": list(lines) if told_of.kind == MessageKind.TO_REVIEW else [],
        "error_code": promotion.error_code,
    }
    return Told(
        told_of.kind, plain(subject), lines, address(path), link_words, data, reason.strip()
    )


def _what_changes(promotion: PromotionRequest) -> tuple[str, ...]:
    if promotion.kind == Kind.DEPLOYMENT:
        names = promotion.deployments.values_list("environment__name", flat=True)
        return (plain(f"What was promoted before is to be deployed to {', '.join(names)}."),)
    return tuple(plain(sentence) for sentence in promotion.about.sentences[:SENTENCES])


def _of_the_desk(told_of: Message, event: Event) -> Told:
    subject = told_of.get_kind_display()
    lines: tuple[str, ...] = ()
    reason = ""
    path, link_words = reverse("setup"), "Open the set-up"
    data: dict[str, Any] = {"subject": plain(event.subject)}
    if event.action == "platform_away":
        code = event.note.partition(": ")[0]
        said = message(code if code in MESSAGES else "API_UNAVAILABLE")
        subject = "Promotion Desk waits for the platform"
        lines = (
            said.happened,
            "Promotions continue automatically when it answers again.",
            said.to_do,
        )
        data = {"error_code": code}
    elif event.action == "platform_back":
        subject = "The platform answers again"
        lines = ("What was waiting for it continues.",)
    elif event.action == "stray_branch_deleted":
        subject = "A branch without an owner was deleted"
        lines = (f"Its name was {plain(event.subject)}.",)
        path, link_words = f"{reverse('history')}?kind={event.action}", "See the history"
    elif told_of.kind == MessageKind.DRIFT:
        subject = "Production was changed by hand"
        lines = (
            f"Changed since its promotion: {plain(event.subject)}.",
            "Its next promotion would undo the change, unless the change is made in the dev account too.",
        )
        path, link_words = f"{reverse('process_board')}?show=drift", "See the processes"
    elif told_of.kind == MessageKind.ASKED:
        subject = f"{_name(event.actor)} asks an admin"
        lines = (plain(event.subject),) if event.subject else ()
        path, link_words = reverse("asks"), "See the question"
    elif told_of.kind == MessageKind.ANSWERED:
        ask = event.answered_ask
        subject = f"{_name(event.actor)} answered: {plain(event.subject)}"
        lines = (f"{ask.get_outcome_display()}.",)
        path, link_words = ask.plan.get_absolute_url(), "Open the plan"
        reason = event.note
    return Told(told_of.kind, subject, lines, address(path), link_words, data, reason.strip())
