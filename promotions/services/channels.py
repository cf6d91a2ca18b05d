"""Where messages go, and how people want to receive them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from .. import outbound
from ..models import Channel, Delivery, MessagePreference
from ..outbox.audience import kinds_for
from ..outbox.delivery import preference_of
from ..transitions import record_event
from .setup import check_admin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.contrib.auth.models import User


@dataclass(frozen=True)
class ChannelInput:
    """What an admin enters for a channel.

    :param url: "" keeps the address as it is.
    :param new_key: whether a webhook gets a new signing key.
    """

    name: str
    kind: str
    told: Iterable[str]
    is_active: bool = True
    url: str = ""
    new_key: bool = False


def save_channel(user: User, channel: Channel | None, said: ChannelInput) -> tuple[Channel, str]:
    """Add or change a channel.

    :returns: the channel, and its signing key if a new one was made: it is shown this once only.
    :raises PromotionError: FORBIDDEN; OUTBOUND_REFUSED or OUTBOUND_FAILED for an address that cannot be posted to.
    """
    check_admin(user, "change where messages go")
    if said.url or channel is None:
        outbound.check_url(said.url)
    row = channel or Channel()
    is_webhook = said.kind == Channel.Kind.WEBHOOK
    key = outbound.new_key() if is_webhook and (said.new_key or not row.encrypted_key) else ""
    row.name, row.kind, row.told, row.is_active = said.name, said.kind, [*said.told], said.is_active
    if said.url:
        row.url = said.url
    if key or not is_webhook:
        row.key = key
    note = [f"kind: {row.get_kind_display()}", f"told: {', '.join(row.told) or 'nothing'}"]
    note += ["switched off"] * (not row.is_active)
    note += ["a new address"] * bool(said.url) + ["a new signing key"] * bool(key)
    with transaction.atomic():
        row.save()
        action = "channel_changed" if channel else "channel_added"
        record_event(action, actor=user, subject=row.name, note="\n".join(note))
    return row, key


def delete_channel(user: User, channel: Channel) -> None:
    """Delete a channel.

    :raises PromotionError: FORBIDDEN unless the user is an admin.
    """
    check_admin(user, "delete a channel")
    with transaction.atomic():
        record_event("channel_deleted", actor=user, subject=channel.name)
        channel.delete()


def send_test(user: User, channel: Channel | None = None) -> Delivery:
    """Send a test message to a channel, or to the user by e-mail; the log shows the outcome.

    :raises PromotionError: FORBIDDEN unless the user is an admin.
    """
    check_admin(user, "send a test message")
    with transaction.atomic():
        subject = channel.name if channel else "their own e-mail address"
        record_event("message_tested", actor=user, subject=subject)
        return Delivery.objects.create(
            channel=channel, person=None if channel else user, next_attempt_at=timezone.now()
        )


def save_preference(
    user: User,
    how: Mapping[str, str],
    *,
    time_zone: str,
    quiet_from: time | None,
    quiet_until: time | None,
    digest_at: time,
) -> MessagePreference:
    """Store how the user wants to be notified, limited to the messages that they can receive at all."""
    row = preference_of(user)
    known = {kind.value for kind in kinds_for(user)}
    row.how = {
        kind: MessagePreference.How(value).value for kind, value in how.items() if kind in known
    }
    row.time_zone, row.digest_at = time_zone, digest_at
    row.quiet_from, row.quiet_until = quiet_from, quiet_until
    row.save()
    return row
