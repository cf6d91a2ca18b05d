"""Hands messages out and delivers them, with growing pauses while a receiver does not accept one."""

from __future__ import annotations

import logging
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from time import monotonic

from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.utils import timezone

from ..messages import PromotionError, sentence
from ..models import Channel, Delivery, Message, MessageKind, MessagePreference
from ..worker.lease import Lease, claim
from ..worker.loop import Stop, Wait, Work, carry_on
from . import transports
from .audience import audience, is_settled, may_read
from .moments import after_quiet_hours, digest_time
from .wording import Told, digest, tell, test_message

logger = logging.getLogger(__name__)

How = MessagePreference.How
State = Delivery.State

# (Unscaled) seconds until it is tried again: two days in all.
PAUSES = (30.0, 120.0, 600.0, 1800.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
# Seconds of one round of the courier. What is left is delivered in the next one.
ROUND = 30.0
# (Unscaled) seconds after which a receiver that dribbles its answer is left alone.
LONGEST_ROUND = 90.0
BATCH = 200


# --- Handing out -----------------------------------------------------------------------------


def hand_out(message_id: int) -> None:
    """Make a delivery for everybody who gets the message, if that is due and nobody else is doing it."""
    carry_on(HandOut(), message_id)


class HandOut(Work[Message]):
    """From one message to its deliveries, in one transaction."""

    model = Message
    heeds_platform = False
    most_workers = 5

    def read(self, pk: int) -> Message:
        """The message with what its words and its audience need."""
        related = ("event__actor", "event__promotion__plan", "event__promotion__dev_account")
        return Message.objects.select_related(*related, "event__promotion__requester").get(pk=pk)

    def take(self, row: Message, lease: Lease) -> Stop:
        """Make the deliveries, unless the message has become pointless."""
        now = timezone.now()
        people = [] if is_settled(row) or not transports.mail_is_set_up() else audience(row)
        with lease.writing():
            deliveries = [self._to_channel(row, one) for one in _channels(row)]
            deliveries += [one for user in people if (one := self._to_person(row, user))]
            Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
            lease.record(next_attempt_at=None, handed_out_at=now)
        return Stop("Handed out.")

    def _to_channel(self, row: Message, channel: Channel) -> Delivery:
        return Delivery(message=row, channel=channel, next_attempt_at=timezone.now())

    def _to_person(self, row: Message, user: User) -> Delivery | None:
        preference = preference_of(user)
        how = preference.how_of(row.kind)
        if how == How.OFF or not user.email or _was_told(row, user):
            return None
        now = timezone.now()
        moment = digest_time if how == How.DIGEST else after_quiet_hours
        return Delivery(
            message=row,
            person=user,
            is_digest=how == How.DIGEST,
            next_attempt_at=moment(now, preference),
        )

    def fail(self, row: Message, lease: Lease, error: PromotionError) -> None:
        """Give the message up; its event stays."""
        lease.record(next_attempt_at=None)


def preference_of(user: User) -> MessagePreference:
    """The person's preference, or the default."""
    found = MessagePreference.objects.filter(person=user).first()
    return found or MessagePreference(person=user)


def _channels(row: Message) -> list[Channel]:
    """The channels for messages of this kind. They hear only once that a promotion waits, whoever it waits for next."""
    if row.kind == MessageKind.TO_REVIEW and not row.event.to_status:
        return []
    return [one for one in Channel.objects.filter(is_active=True) if row.kind in one.told]


def _was_told(row: Message, user: User) -> bool:
    """Whether people were asked for this decision before: true after staging again, false after a lapsed approval."""
    if row.kind != MessageKind.TO_REVIEW or row.event.promotion is None:
        return False
    lapses = row.event.promotion.events.filter(action="approval_lapsed", pk__lte=row.event_id)
    since = lapses.order_by("-pk").values_list("pk", flat=True).first() or 0
    before = Delivery.objects.filter(
        message__kind=row.kind,
        message__event__promotion=row.event.promotion_id,
        message__event__gte=since,
        person=user,
    )
    return before.exclude(message=row).exclude(state=State.DROPPED).exists()


# --- Delivering ------------------------------------------------------------------------------


def is_something_due() -> bool:
    """Whether a courier is needed: something is due, and no other courier is under way."""
    now = timezone.now()
    return (
        Delivery.objects.due(now).exists()
        and not Delivery.objects.filter(lease_until__gt=now).exists()
    )


def deliver_due() -> None:
    """Deliver what is due, one by one and for a limited time: promotions share the workers."""
    if not is_something_due():
        return
    end = monotonic() + ROUND
    courier = Courier()
    due = Delivery.objects.due(timezone.now()).order_by("next_attempt_at", "pk")
    for pk in due.values_list("pk", flat=True)[:BATCH]:
        if monotonic() > end:
            break
        carry_on(courier, pk)


class Courier(Work[Delivery]):
    """One round. A receiver that failed to answer is not tried again before the next round."""

    model = Delivery
    heeds_platform = False
    most_workers = 5

    def __init__(self) -> None:
        self._silent: set[int | None] = set()

    def read(self, pk: int) -> Delivery:
        """The delivery with what its words need."""
        related = ("message__event__actor", "message__event__promotion__plan", "person", "channel")
        more = ("message__event__promotion__dev_account", "message__event__promotion__requester")
        return Delivery.objects.select_related(*related, *more).get(pk=pk)

    def take(self, row: Delivery, lease: Lease) -> Wait | Stop:
        """Deliver it, unless nobody wants it any more."""
        if not _is_wanted(row):
            lease.record(state=State.DROPPED, next_attempt_at=None)
            return Stop("Not needed any more.")
        if row.channel_id in self._silent:
            return Wait(PAUSES[0], "The receiver has just failed to answer.")
        try:
            if row.is_digest:
                self._send_digest(row, lease)
            else:
                self._send(row)
        except PromotionError as error:
            if error.code == "OUTBOUND_FAILED":
                return self._again(row, lease, error.detail)
            raise
        except SoftTimeLimitExceeded:
            return self._again(row, lease, "It took too long to answer.")
        except SMTPRecipientsRefused:
            # The server answers: others may get theirs.
            return self._again(row, lease, "The mail server refuses the address.", is_silent=False)
        except (SMTPException, OSError) as error:
            return self._again(row, lease, _in_short(error))
        lease.record(state=State.SENT, sent_at=timezone.now(), next_attempt_at=None, error="")
        return Stop("Sent.")

    def fail(self, row: Delivery, lease: Lease, error: PromotionError) -> None:
        """Give the delivery up, with the reason for the log."""
        told = sentence(error.code, error.detail)[:255]
        lease.record(state=State.FAILED, next_attempt_at=None, error=told)

    def _send(self, row: Delivery) -> None:
        told = tell(row.message) if row.message else test_message()
        key = f"msg_{row.pk}"
        if row.channel is not None:
            transports.post(row.channel, told, key)
        elif row.person is not None:
            transports.send_mail(row.person, told, key)

    def _send_digest(self, row: Delivery, lease: Lease) -> None:
        """Everything due in the same digest goes along, each delivery leased so that no other courier takes it."""
        others = Delivery.objects.due(timezone.now()).filter(
            person=row.person, is_digest=True, state=State.WAITING
        )
        along = [
            (self.read(pk), other)
            for pk in others.exclude(pk=row.pk).order_by("pk").values_list("pk", flat=True)[:BATCH]
            if (other := claim(Delivery, pk))
        ]
        wanted = [(one, other) for one, other in along if _is_wanted(one)]
        try:
            told: list[Told] = [
                tell(one.message) for one, _ in [(row, lease), *wanted] if one.message
            ]
            if row.person is not None:
                transports.send_mail(row.person, digest(told), f"msg_{row.pk}")
            now = timezone.now()
            for one, other in along:
                state = State.SENT if (one, other) in wanted else State.DROPPED
                other.record(state=state, sent_at=now, next_attempt_at=None)
        finally:
            for _, other in along:
                other.release(unfinished=0)

    def _again(
        self, row: Delivery, lease: Lease, why: str, *, is_silent: bool = True
    ) -> Wait | Stop:
        if is_silent:
            self._silent.add(row.channel_id)
        lease.record(tries=row.tries + 1, error=why[:255])
        if row.tries >= len(PAUSES):
            lease.record(state=State.FAILED, next_attempt_at=None)
            return Stop("Given up.")
        return Wait(PAUSES[row.tries], "It will be sent again.")


def _is_wanted(row: Delivery) -> bool:
    if row.channel is not None:
        return row.channel.is_active or row.is_test
    if row.message is None or row.person is None:
        return True
    return not is_settled(row.message) and may_read(row.person, row.message)


def _in_short(error: Exception) -> str:
    """What went wrong at the mail server, without its own words, which name people."""
    name = type(error).__name__
    return f"{name} {error.smtp_code}" if isinstance(error, SMTPResponseException) else name


def log(limit: int = 50) -> list[Delivery]:
    """The newest deliveries."""
    promotion = "message__event__promotion"
    related = ("person", "channel", f"{promotion}__plan", f"{promotion}__source__plan")
    rows = Delivery.objects.select_related(*related)
    return list(rows[:limit])
