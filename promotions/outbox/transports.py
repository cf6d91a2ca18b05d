"""How a message gets there: e-mail, Slack, Microsoft Teams, signed webhooks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone

from .. import outbound
from ..models import Channel, Installation
from .wording import Told, address

DUMMY = "django.core.mail.backends.dummy.EmailBackend"


def mail_is_set_up() -> bool:
    """Whether there is a mail server to send through."""
    return str(settings.EMAIL_BACKEND) != DUMMY


def send_mail(person: User, told: Told, key: str) -> None:
    """Send it as text and HTML.

    :param key: names this delivery; a repetition has the same, so that mail programs recognise it.
    :raises OSError: when the server does not accept it (``smtplib``'s errors derive from it).
    """
    context = {"told": told, "preferences": address("/preferences/")}
    mail = EmailMultiAlternatives(
        told.subject,
        render_to_string("outbox/mail.txt", context),
        to=[person.email],
        headers={
            "Message-ID": f"<{key}.{Installation.load().mark}@promotion-desk>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string("outbox/mail.html", context), "text/html")
    mail.send()


def post(channel: Channel, told: Told, key: str) -> None:
    """Post it in the form that the channel's kind expects.

    :raises PromotionError: OUTBOUND_REFUSED, OUTBOUND_FAILED; CONTENT_UNREADABLE when the address cannot be decrypted.
    """
    bodies = {
        Channel.Kind.SLACK: _slack,
        Channel.Kind.TEAMS: _teams,
        Channel.Kind.WEBHOOK: _webhook,
    }
    body = bodies[Channel.Kind(channel.kind)](told)
    signing_key = channel.key if channel.kind == Channel.Kind.WEBHOOK else ""
    # The address of an incoming webhook is a secret itself.
    outbound.post_json(channel.url, body, key=signing_key, message_id=key, redact=True)


def _slack(told: Told) -> dict[str, Any]:
    lines = "\n".join(_slack_text(line) for line in told.lines)
    text = f"*{_slack_text(told.subject)}*\n{lines}\n<{told.link}|{told.link_words}>"
    return {
        "text": _slack_text(told.subject),
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}],
    }


def _slack_text(text: str) -> str:
    """Escapes Slack's three special characters, so that a name can neither mention anybody nor make a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(told: Told) -> dict[str, Any]:
    """An Adaptive Card, in the form that both workflows and incoming webhooks accept."""
    blocks = [
        {"type": "TextBlock", "text": _teams_text(told.subject), "weight": "Bolder", "wrap": True}
    ]
    blocks += [
        {"type": "TextBlock", "text": _teams_text(line), "wrap": True} for line in told.lines
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": told.link_words, "url": told.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _teams_text(text: str) -> str:
    """Markdown as it was typed: a name becomes neither a link nor emphasis."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]()#<>~" else letter for letter in text)


def _webhook(told: Told) -> dict[str, Any]:
    return {
        "type": f"promotion_desk.{told.kind}",
        "timestamp": timezone.now().isoformat(timespec="seconds"),
        "data": {
            "subject": told.subject,
            "lines": list(told.lines),
            "link": told.link,
            **told.data,
        },
    }
