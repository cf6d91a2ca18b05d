"""What people and other systems are notified of: stored with its event, delivered by workers."""

from __future__ import annotations

from datetime import time

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..encryption import decrypt, encrypt
from ..states import Status
from .base import NAME, Leased
from .history import Event
from .querysets import LeasedQuerySet


class MessageKind(models.TextChoices):
    """What a message is about: the unit that people switch on and off."""

    TO_REVIEW = "to_review", "A promotion waits for a decision"
    DECIDED = "decided", "A promotion was approved or rejected"
    ENDED = "ended", "A promotion was deployed, or ended otherwise"
    FAILED = "failed", "A promotion failed"
    COMMENTED = "commented", "Somebody commented on a promotion"
    ASKED = "asked", "Somebody asks an admin for something"
    ANSWERED = "answered", "An admin answered what you asked"
    PLATFORM = "platform", "The platform does not answer, or answers again"
    STRAY_BRANCH = "stray_branch", "A branch without an owner was deleted"
    DRIFT = "drift", "Production was changed by hand"


_BY_STATUS: dict[str, MessageKind] = {
    Status.APPROVED: MessageKind.DECIDED,
    Status.REJECTED: MessageKind.DECIDED,
    Status.DEPLOYED: MessageKind.ENDED,
    Status.WITHDRAWN: MessageKind.ENDED,
    Status.CANCELLED: MessageKind.ENDED,
    Status.LAPSED: MessageKind.ENDED,
    Status.FAILED: MessageKind.FAILED,
    Status.ADMIN_REVIEW: MessageKind.TO_REVIEW,
}
_BY_ACTION = {
    # Whom it waits for now may be others.
    "approved_as_peer": MessageKind.TO_REVIEW,
    "commented": MessageKind.COMMENTED,
    "admin_asked": MessageKind.ASKED,
    "ask_done": MessageKind.ANSWERED,
    "ask_declined": MessageKind.ANSWERED,
    "platform_away": MessageKind.PLATFORM,
    "platform_back": MessageKind.PLATFORM,
    "stray_branch_deleted": MessageKind.STRAY_BRANCH,
    "drift_found": MessageKind.DRIFT,
}


def kind_of(event: Event) -> MessageKind | None:
    """What the event is told as; None where nobody is told of it."""
    if event.to_status and event.to_status != event.from_status:
        return _BY_STATUS.get(event.to_status)
    return _BY_ACTION.get(event.action)


class Channel(models.Model):
    """Where messages go besides people: a chat or another system. Its address and key are never shown again."""

    class Kind(models.TextChoices):
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        WEBHOOK = "webhook", "Webhook"

    name = models.CharField(max_length=NAME, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    encrypted_url = models.BinaryField()
    encrypted_key = models.BinaryField(default=bytes)
    told = models.JSONField(default=list, help_text="The kinds of messages that go there.")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """:raises PromotionError: CONTENT_UNREADABLE when no key of CONTENT_KEYS fits."""
        return decrypt(bytes(self.encrypted_url)).decode()

    @url.setter
    def url(self, value: str) -> None:
        self.encrypted_url = encrypt(value.encode())

    @property
    def key(self) -> str:
        """The signing key, or "".

        :raises PromotionError: CONTENT_UNREADABLE when no key of CONTENT_KEYS fits.
        """
        return decrypt(bytes(self.encrypted_key)).decode() if self.encrypted_key else ""

    @key.setter
    def key(self, value: str) -> None:
        self.encrypted_key = encrypt(value.encode()) if value else b""


class MessagePreference(models.Model):
    """How a person wants to be notified; without one, at once."""

    class How(models.TextChoices):
        NOW = "now", "At once"
        DIGEST = "digest", "In the digest"
        OFF = "off", "Not at all"

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="message_preference"
    )
    how = models.JSONField(default=dict, help_text="Kind of message → how.")
    time_zone = models.CharField(max_length=64, default="UTC")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    digest_at = models.TimeField(default=time(8))

    def __str__(self) -> str:
        return f"Messages to {self.person}"

    def how_of(self, kind: str) -> MessagePreference.How:
        return self.How(self.how.get(kind, self.How.NOW))


class Message(Leased):
    """An event worth telling: written in the event's transaction, and handed out by a worker."""

    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="message")
    kind = models.CharField(max_length=16, choices=MessageKind)
    created_at = models.DateTimeField(default=timezone.now)
    handed_out_at = models.DateTimeField(null=True, blank=True)

    objects = LeasedQuerySet["Message"].as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: event {self.event_id}"


class Delivery(Leased):
    """One message to one person or channel, and what became of it. Its words are written when it is sent."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not needed any more"

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    is_digest = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=NAME, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = LeasedQuerySet["Delivery"].as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=True) ^ Q(channel__isnull=True),
                name="delivery_to_a_person_or_a_channel",
            ),
            models.UniqueConstraint(
                fields=["message", "person"],
                condition=Q(person__isnull=False),
                name="one_delivery_to_a_person",
            ),
            models.UniqueConstraint(
                fields=["message", "channel"],
                condition=Q(channel__isnull=False),
                name="one_delivery_to_a_channel",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message or 'Test'} to {self.person or self.channel}"

    @property
    def is_test(self) -> bool:
        return self.message_id is None
