"""A promotion with real workers tells a web server of every turn that it takes, and waits for none of it."""

from __future__ import annotations

from standardwebhooks.webhooks import Webhook

from promotions import outbound
from promotions.audit.verify import verify
from promotions.models import Channel, Delivery, Event, MessageKind, Seal
from promotions.states import Status
from tests.integration.desk import Desk
from tests.integration.test_promotion import dev_secrets
from tests.receivers import web_receiver


def test_a_promotion_is_told_and_sealed_on_its_way(desk: Desk) -> None:
    with web_receiver() as receiver:
        channel = Channel(name="Operations", kind=Channel.Kind.WEBHOOK, told=MessageKind.values)
        channel.url, channel.key = receiver.url, outbound.new_key()
        channel.save()
        # The first message is refused at first: it comes later, and the promotion goes on meanwhile.
        receiver.statuses = [500]
        promotion = desk.promoted()
        sent = Delivery.objects.filter(state=Delivery.State.SENT)
        desk.wait_until(lambda: sent.count() >= 3, "three messages")
        said = [Webhook(channel.key).verify(one.body, one.headers) for one in receiver.posted]
    assert {one["type"].partition(".")[2] for one in said} == {"to_review", "decided", "ended"}
    assert all(one["data"]["promotion"] == promotion.pk for one in said)
    asked = next(one for one in said if one["type"].endswith("to_review"))
    assert asked["data"]["sentences"] == desk.fresh(promotion.plan).sentences[:3]
    bodies = b"".join(one.body for one in receiver.posted).decode()
    assert not [secret for secret in dev_secrets(desk) if secret in bodies]
    # Meanwhile the beat had events sealed.
    desk.wait_until(lambda: Seal.objects.count() == Event.objects.count(), "every event sealed")
    assert not list(verify())


def test_a_receiver_that_never_ends_its_answer_is_left_alone(desk: Desk) -> None:
    with web_receiver() as receiver:
        receiver.dribbles = True
        channel = Channel(name="Slow", kind=Channel.Kind.WEBHOOK, told=MessageKind.values)
        channel.url = receiver.url
        channel.save()
        assert desk.promoted().status == Status.DEPLOYED
        slow = Delivery.objects.filter(error="It took too long to answer.", tries__gt=0)
        desk.wait_until(slow.exists, "the courier to give up")
        receiver.dribbles = False


def test_a_receiver_that_is_down_delays_nothing(desk: Desk) -> None:
    channel = Channel(name="Gone", kind=Channel.Kind.SLACK, told=MessageKind.values)
    channel.url = "http://127.0.0.1:9/"
    channel.save()
    promotion = desk.promoted()
    assert promotion.status == Status.DEPLOYED
    waiting = Delivery.objects.filter(channel=channel, tries__gt=0)
    desk.wait_until(waiting.exists, "a try")
    assert not Delivery.objects.filter(state=Delivery.State.SENT).exists()
