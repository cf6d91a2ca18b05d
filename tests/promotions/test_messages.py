"""Messages: who hears of what, what they read, and that it gets there by a real mail server and real web servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from partnerapi.errors import AuthFailed
from promotions import outbound, services, tasks
from promotions.audit.chain import seal_events
from promotions.audit.verify import verify
from promotions.messages import PromotionError
from promotions.models import (
    Channel,
    Delivery,
    DevAccount,
    Event,
    Message,
    MessageKind,
    MessagePreference,
    PrimaryAccount,
    PromotionRequest,
    ReviewPolicy,
)
from promotions.outbox import delivery, moments
from promotions.outbox.audience import kinds_for
from promotions.states import Status
from promotions.transitions import move, record_event
from promotions.worker import platform, retention
from promotions.worker.loop import carry_on
from promotions.worker.probe import ask_platform
from tests.promotions import factories, pages
from tests.receivers import (
    MailReceiver,
    WebReceiver,
    certificate,
    mail_receiver,
    text_of,
    web_proxy,
    web_receiver,
)
from tests.services import Simulator

pytestmark = pytest.mark.django_db

State = Delivery.State
SECRET = "hunter2-the-secret"
SENTENCES = ["One process changes.", "One map is new.", "One profile stays."]


@pytest.fixture
def mail(settings: Any) -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
        yield receiver


@pytest.fixture
def web(settings: Any) -> Iterator[WebReceiver]:
    settings.OUTBOUND_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def staged(sales: DevAccount, alice: User) -> PromotionRequest:
    """One that is about to be offered for review."""
    plan = factories.plan(sales, alice, sentences=SENTENCES)
    return factories.promotion(plan, alice, Status.STAGING)


def channel(kind: str, url: str, **columns: Any) -> Channel:
    made = Channel(name=f"A {kind}", kind=kind, told=MessageKind.values, **columns)
    made.url = url
    made.save()
    return made


def offer(promotion: PromotionRequest) -> None:
    move(promotion.pk, to=Status.ADMIN_REVIEW)


def hand_out() -> None:
    for pk in Message.objects.filter(handed_out_at=None).values_list("pk", flat=True):
        delivery.hand_out(pk)


def deliver() -> None:
    hand_out()
    delivery.deliver_due()


def skip_the_pause() -> None:
    Delivery.objects.filter(state=State.WAITING).update(next_attempt_at=timezone.now())


def recipients(mail: MailReceiver) -> list[str]:
    return sorted(str(one["To"]).partition("@")[0] for one in mail.mails)


def pref(user: User, **columns: Any) -> MessagePreference:
    return MessagePreference.objects.create(person=user, **columns)


# --- Stored with the event -------------------------------------------------------------------


def test_the_message_is_stored_with_its_event_or_not_at_all(staged: PromotionRequest) -> None:
    before = Message.objects.count()
    with transaction.atomic():
        offer(staged)
        assert Message.objects.count() == before + 1
        transaction.set_rollback(True)
    assert Message.objects.count() == before
    offer(staged)
    message = Message.objects.get()
    assert (message.kind, message.event.promotion) == ("to_review", staged)


def test_what_nobody_is_told_leaves_no_message(bob: User) -> None:
    record_event("mapping_added", actor=bob)
    assert not Message.objects.exists()


def test_a_receiver_that_is_away_changes_nothing_about_the_promotion(
    staged: PromotionRequest, bob: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    offer(staged)
    deliver()
    staged.refresh_from_db()
    assert staged.status == Status.ADMIN_REVIEW
    failed = Delivery.objects.get()
    assert (failed.state, failed.tries, failed.error) == (
        State.WAITING,
        1,
        "ConnectionRefusedError",
    )


# --- Who hears of it -------------------------------------------------------------------------


def test_reviewers_hear_of_a_new_promotion_in_three_lines(
    staged: PromotionRequest,
    bob: User,
    dora: User,
    charlie: User,
    mail: MailReceiver,
    settings: Any,
) -> None:
    settings.SITE_URL = "https://desk.example.com"
    offer(staged)
    deliver()
    assert recipients(mail) == ["bob", "dora"]
    letter = mail.mails[0]
    assert "waits for a decision" in letter["Subject"]
    for kind in ("plain", "html"):
        text = text_of(letter, kind)
        assert f"https://desk.example.com/queue/{staged.pk}/" in text
        for sentence in SENTENCES:
            assert sentence in text
    assert letter["Auto-Submitted"] == "auto-generated"


def test_the_link_survives_the_sign_in(
    staged: PromotionRequest, bob: User, mail: MailReceiver, client: Client
) -> None:
    offer(staged)
    deliver()
    words = text_of(mail.mails[0]).split()
    path = next(word for word in words if "/queue/" in word).removeprefix("http://localhost:8000")
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={path}"


def test_the_requester_does_not_hear_that_reviewers_are_asked(
    sales: DevAccount, bob: User, dora: User, mail: MailReceiver
) -> None:
    promotion = factories.promotion(factories.plan(sales, bob), bob, Status.STAGING)
    offer(promotion)
    deliver()
    assert recipients(mail) == ["dora"]


def test_the_requester_hears_of_the_decision_with_its_reason(
    staged: PromotionRequest, bob: User, mail: MailReceiver
) -> None:
    offer(staged)
    move(staged.pk, to=Status.REJECTED, actor=bob, note="Too wide.", decision_reason="Too wide.")
    deliver()
    # Nobody is asked any more to decide.
    assert recipients(mail) == ["alice"]
    assert "was rejected" in mail.mails[0]["Subject"]
    assert "Too wide." in text_of(mail.mails[0])


@pytest.mark.parametrize(
    ("status", "words"),
    [(Status.CANCELLED, "was cancelled"), (Status.LAPSED, "nobody decided in time")],
)
def test_the_requester_hears_of_the_end(
    staged: PromotionRequest, bob: User, mail: MailReceiver, status: Status, words: str
) -> None:
    offer(staged)
    move(staged.pk, to=status)
    deliver()
    assert recipients(mail) == ["alice"]
    assert words in str(mail.mails[0]["Subject"]).replace("\n", "")


def test_whoever_does_it_is_not_told(
    staged: PromotionRequest, alice: User, mail: MailReceiver
) -> None:
    offer(staged)
    move(staged.pk, to=Status.WITHDRAWN, actor=alice)
    deliver()
    assert not mail.mails


def test_a_failure_is_told_in_known_words_alone(
    staged: PromotionRequest, bob: User, mail: MailReceiver, web: WebReceiver
) -> None:
    channel("webhook", web.url)
    note = f"PROMOTION_FAILED: <password>{SECRET}</password>"
    move(staged.pk, to=Status.FAILED, note=note, error_code="PROMOTION_FAILED", error=SECRET)
    deliver()
    assert recipients(mail) == ["alice"]
    assert "could not be written to the branch" in text_of(mail.mails[0])
    assert web.posted[0].json["data"]["error_code"] == "PROMOTION_FAILED"
    assert SECRET not in mail.mails[0].as_string()
    assert SECRET.encode() not in web.posted[0].body


def test_admins_hear_that_the_platform_is_away_and_back(
    bob: User, charlie: User, mail: MailReceiver
) -> None:
    PrimaryAccount.current()
    platform.suspect(AuthFailed("No.", status=401, operation=11))
    platform.suspect(AuthFailed("No.", status=401, operation=11))
    deliver()
    assert recipients(mail) == ["bob"]
    assert "refused the API token" in text_of(mail.mails[0])
    record_event("platform_back")
    deliver()
    assert "answers again" in mail.mails[1]["Subject"]


def test_an_outage_is_told_once_and_its_end_too(
    simulator: Simulator, bob: User, mail: MailReceiver, redis_server: redis.Redis
) -> None:
    account = PrimaryAccount.current()

    def ask() -> None:
        PrimaryAccount.objects.update(next_attempt_at=timezone.now())
        ask_platform(account.pk)

    simulator.fault(11, "status", status=503, times=50)
    ask()
    ask()
    deliver()
    assert [str(one["Subject"]) for one in mail.mails] == ["Promotion Desk waits for the platform"]
    assert "did not answer" in text_of(mail.mails[0])
    simulator.reset()
    ask()
    ask()
    deliver()
    assert [str(one["Subject"]) for one in mail.mails[1:]] == ["The platform answers again"]


def test_admins_hear_of_stray_branches(bob: User, alice: User, mail: MailReceiver) -> None:
    record_event("stray_branch_deleted", subject="promo-4711")
    deliver()
    assert recipients(mail) == ["bob"]
    assert "promo-4711" in text_of(mail.mails[0])


def test_admins_hear_of_what_people_ask_for(
    sales: DevAccount, alice: User, bob: User, dora: User, mail: MailReceiver
) -> None:
    finding = factories.finding(factories.plan(sales, alice), "MISSING_CONNECTION_MAPPINGS")
    services.ask_admin(alice, finding, words=f"For {SECRET}.")
    deliver()
    assert recipients(mail) == ["bob", "dora"]
    assert mail.mails[0]["Subject"] == "Alice asks an admin"
    assert "Add a mapping: Order connection" in text_of(mail.mails[0])
    assert "/asks/" in text_of(mail.mails[0])
    assert SECRET not in mail.mails[0].as_string()


@pytest.mark.parametrize("outcome", ["done", "declined"])
def test_the_asker_hears_of_the_answer(
    sales: DevAccount, alice: User, bob: User, dora: User, mail: MailReceiver, outcome: str
) -> None:
    finding = factories.finding(factories.plan(sales, alice), "MISSING_CONNECTION_MAPPINGS")
    ask = services.ask_admin(alice, finding)
    deliver()
    mail.mails.clear()
    services.answer(bob, ask, outcome=outcome, words="It is called Orders of old.")
    deliver()
    assert recipients(mail) == ["alice"]
    assert mail.mails[0]["Subject"] == "Bob answered: Add a mapping: Order connection"
    told = text_of(mail.mails[0])
    assert outcome in told.lower()
    assert "It is called Orders of old." in told
    assert finding.plan.get_absolute_url() in told


def test_who_may_not_see_the_plan_any_more_is_not_told_of_an_answer(
    sales: DevAccount, alice: User, bob: User, mail: MailReceiver
) -> None:
    ask = services.ask_admin(
        alice, factories.finding(factories.plan(sales, alice), "MISSING_CONNECTION_MAPPINGS")
    )
    alice.groups.clear()
    deliver()
    mail.mails.clear()
    services.answer(bob, ask, outcome="done")
    deliver()
    assert recipients(mail) == []


def test_a_comment_reaches_the_other_participants(
    staged: PromotionRequest, alice: User, bob: User, dora: User, mail: MailReceiver
) -> None:
    offer(staged)
    hand_out()
    Delivery.objects.all().delete()
    services.reviews.comment(bob, staged, text=f"Why {SECRET}?")
    services.reviews.comment(dora, staged, text=f"A note: {SECRET}.", is_private=True)
    deliver()
    assert recipients(mail) == ["alice"]
    assert "Bob commented on" in mail.mails[0]["Subject"]
    services.reviews.comment(alice, staged, text=f"Because {SECRET}.")
    deliver()
    assert recipients(mail) == ["alice", "bob"]
    assert SECRET not in "".join(one.as_string() for one in mail.mails)


def test_a_deployment_says_where_to(
    client: Client, sales: DevAccount, alice: User, bob: User, mail: MailReceiver
) -> None:
    source = factories.deployed(
        factories.plan(sales, alice, sentences=SENTENCES),
        alice,
        bob,
        process_id="prod-root",
        prod_package_id="package-1",
        released_package_id="released-1",
        release_id="release-1",
        pack=factories.pack(),
    )
    there = factories.environment("Production US")
    services.deployments.request_deployment(alice, source, environments=[there])
    deliver()
    assert str(mail.mails[0]["Subject"]).startswith("Deployment of Order import")
    assert "to be deployed to Production US." in text_of(mail.mails[0])
    pages.signed_in(client, bob)
    for address in ("/setup/messages/", "/setup/history/"):
        assert "Order import" in pages.text(client.get(address))


def test_the_same_decision_is_asked_for_once(
    staged: PromotionRequest, bob: User, mail: MailReceiver
) -> None:
    offer(staged)
    deliver()
    move(staged.pk, to=Status.QUEUED, action="staged_again")
    move(staged.pk, to=Status.STAGING)
    offer(staged)
    deliver()
    assert len(mail.mails) == 1


def test_peers_hear_first_and_admins_when_the_peers_are_done(
    sales: DevAccount,
    alice: User,
    bob: User,
    make_user: Callable[..., User],
    mail: MailReceiver,
    web: WebReceiver,
) -> None:
    fay, pam = make_user("fay", "Finance"), make_user("pam", "Platform")
    channel("webhook", web.url)
    policy = ReviewPolicy.objects.create(name="Money")
    for group in ("Finance", "Platform"):
        policy.groups.create(group=Group.objects.get(name=group), number=1)
    promotion = factories.under_policies(factories.mapped_plan(sales, alice), alice)
    record_event("submitted", promotion=promotion, actor=alice, to_status="admin_review")
    deliver()
    assert recipients(mail) == ["fay", "pam"]
    for peer in (fay, pam):
        services.approve_as_peer(peer, promotion, plan_hash=promotion.content_hash)
        deliver()
        # One of them is not enough, and nobody is told twice.
        assert recipients(mail) == (["fay", "pam"] if peer == fay else ["bob", "fay", "pam"])
    assert len(web.posted) == 1


def test_reviewers_hear_again_when_an_approval_has_lapsed(
    staged: PromotionRequest, bob: User, mail: MailReceiver
) -> None:
    offer(staged)
    deliver()
    move(staged.pk, to=Status.APPROVED, actor=bob, approved_by=bob, approved_hash="f" * 64)
    move(
        staged.pk,
        to=Status.ADMIN_REVIEW,
        action="approval_lapsed",
        approved_by=None,
        approved_hash="",
    )
    deliver()
    to_bob = [str(one["Subject"]) for one in mail.mails if "bob" in one["To"]]
    assert len(to_bob) == 2
    assert to_bob[1].replace("\n", "").endswith("waits for a decision again")


def test_what_was_handed_out_is_not_handed_out_again(
    staged: PromotionRequest, bob: User, mail: MailReceiver, web: WebReceiver
) -> None:
    channel("webhook", web.url)
    offer(staged)
    hand_out()
    # As if the worker had died before it could say so.
    Message.objects.update(handed_out_at=None, next_attempt_at=timezone.now())
    hand_out()
    deliver()
    assert (len(mail.mails), len(web.posted)) == (1, 1)


def test_who_may_not_see_it_any_more_is_not_told(
    staged: PromotionRequest, bob: User, mail: MailReceiver
) -> None:
    offer(staged)
    hand_out()
    bob.groups.clear()
    delivery.deliver_due()
    assert not mail.mails
    assert Delivery.objects.get().state == State.DROPPED


def test_names_bring_no_line_and_no_header_along(
    sales: DevAccount, alice: User, bob: User, mail: MailReceiver, web: WebReceiver
) -> None:
    channel("slack", web.url)
    name = "Orders\r\nBcc: everybody@example.com <!channel> \u202eevil"
    plan = factories.plan(sales, alice, root_name=name)
    offer(factories.promotion(plan, alice, Status.STAGING))
    deliver()
    assert mail.mails[0]["Bcc"] is None
    assert "\u202e" not in text_of(mail.mails[0])
    assert "<!channel>" not in web.posted[0].body.decode()


# --- When ------------------------------------------------------------------------------------


def test_kinds_can_be_switched_off(
    staged: PromotionRequest, bob: User, dora: User, mail: MailReceiver
) -> None:
    pref(bob, how={"to_review": "off"})
    offer(staged)
    deliver()
    assert recipients(mail) == ["dora"]


def test_kinds_are_those_that_somebody_can_get(
    alice: User, bob: User, make_user: Callable[..., User]
) -> None:
    assert MessageKind.TO_REVIEW not in kinds_for(alice)
    assert MessageKind.FAILED in kinds_for(alice)
    assert set(kinds_for(bob)) == set(MessageKind)


def test_the_digest_brings_what_still_waits_in_one_mail(
    sales: DevAccount, alice: User, bob: User, mail: MailReceiver
) -> None:
    pref(bob, how={"to_review": "digest", "stray_branch": "digest"})
    promotions = []
    for name in ("First", "Second", "Third"):
        plan = factories.plan(sales, alice, root_name=name)
        promotions.append(factories.promotion(plan, alice, Status.STAGING))
        offer(promotions[-1])
    record_event("stray_branch_deleted", subject="promo-4711")
    deliver()
    assert not mail.mails
    move(promotions[1].pk, to=Status.LAPSED)
    skip_the_pause()
    deliver()
    to_bob = [one for one in mail.mails if "bob" in one["To"]]
    assert len(to_bob) == 1
    text = text_of(to_bob[0])
    assert "First" in text
    assert "Third" in text
    assert "promo-4711" in text
    assert "Second" not in text
    assert to_bob[0]["Subject"].startswith("3 messages")
    states = Delivery.objects.filter(person=bob).values_list("state", flat=True)
    assert sorted(states) == [State.DROPPED, State.SENT, State.SENT, State.SENT]


def test_quiet_hours_and_digests_are_those_of_the_persons_own_clock(bob: User) -> None:
    berlin = MessagePreference(
        time_zone="Europe/Berlin", quiet_from=time(20), quiet_until=time(7), digest_at=time(8)
    )
    evening = datetime(2026, 7, 1, 18, 30, tzinfo=UTC)  # 20:30 in Berlin
    assert moments.after_quiet_hours(evening, berlin) == datetime(2026, 7, 2, 5, tzinfo=UTC)
    noon = datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert moments.after_quiet_hours(noon, berlin) == noon
    early = datetime(2026, 7, 1, 4, 59, tzinfo=UTC)
    assert moments.after_quiet_hours(early, berlin) == datetime(2026, 7, 1, 5, tzinfo=UTC)
    assert moments.digest_time(noon, berlin) == datetime(2026, 7, 2, 6, tzinfo=UTC)
    # The clocks go back in the night between: eight o'clock stays eight o'clock.
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert moments.digest_time(autumn, berlin) == datetime(2026, 10, 25, 7, tzinfo=UTC)
    # And while clocks show the hour from two to three again, half past two is half an hour away, not a day.
    late = MessagePreference(
        time_zone="Europe/Berlin", quiet_from=time(22), quiet_until=time(2, 30)
    )
    again = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert moments.after_quiet_hours(again, late) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    # In spring there is no half past two.
    spring = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert moments.after_quiet_hours(spring, late) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    nowhere = MessagePreference(time_zone="Mars/Base", digest_at=time(8))
    assert moments.digest_time(noon, nowhere) == datetime(2026, 7, 2, 8, tzinfo=UTC)


def test_nobody_is_told_in_their_quiet_hours(
    staged: PromotionRequest, bob: User, mail: MailReceiver
) -> None:
    now = timezone.now()
    start, end = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    pref(bob, quiet_from=start, quiet_until=end)
    offer(staged)
    deliver()
    assert not mail.mails
    due = Delivery.objects.get().next_attempt_at
    assert due is not None
    assert timedelta(minutes=58) < due - now <= timedelta(hours=1)


# --- That it gets there ----------------------------------------------------------------------


def test_a_mail_server_that_is_busy_is_tried_again_with_growing_pauses(
    staged: PromotionRequest, bob: User, mail: MailReceiver, settings: Any
) -> None:
    settings.PROMOTION_TIME_SCALE = 1.0
    mail.answers = ["451 Later, please"] * 3
    offer(staged)
    pauses = []
    for _ in range(3):
        deliver()
        row = Delivery.objects.get()
        assert row.next_attempt_at is not None
        pauses.append((row.next_attempt_at - timezone.now()).total_seconds())
        skip_the_pause()
    deliver()
    assert len(mail.mails) == 1
    assert [round(pause, -1) for pause in pauses] == [30, 120, 600]
    row = Delivery.objects.get()
    assert (row.state, row.tries, row.error) == (State.SENT, 3, "")


def test_after_two_days_it_is_given_up_and_the_log_says_why(
    staged: PromotionRequest, web: WebReceiver
) -> None:
    web.statuses = [503] * 20
    channel("webhook", web.url)
    offer(staged)
    for _ in range(len(delivery.PAUSES) + 2):
        deliver()
        skip_the_pause()
    row = Delivery.objects.get()
    assert (row.state, row.error) == (State.FAILED, "It answered with status 503.")
    assert len(web.posted) == len(delivery.PAUSES) + 1
    assert sum(delivery.PAUSES) > 36 * 3600


def test_a_receiver_that_does_not_answer_is_asked_once_a_round(
    sales: DevAccount, alice: User, web: WebReceiver
) -> None:
    web.statuses = [500]
    channel("webhook", web.url)
    for _ in range(3):
        offer(factories.promotion(factories.plan(sales, alice), alice, Status.STAGING))
    deliver()
    assert len(web.posted) == 1
    assert not Delivery.objects.exclude(state=State.WAITING).exists()


def test_a_webhook_is_signed_as_the_standard_has_it(
    staged: PromotionRequest, web: WebReceiver
) -> None:
    key = outbound.new_key()
    made = channel("webhook", f"{web.url}/hook?a=b")
    made.key = key
    made.save()
    offer(staged)
    web.statuses = [500]
    deliver()
    skip_the_pause()
    deliver()
    first, second = web.posted
    said = Webhook(key).verify(second.body, second.headers)
    assert said["type"] == "promotion_desk.to_review"
    assert said["data"]["promotion"] == staged.pk
    assert said["data"]["sentences"] == SENTENCES
    # A repetition can be told by its id.
    assert {k.lower(): v for k, v in first.headers.items()}["webhook-id"] == second.headers[
        "webhook-id"
    ]
    assert second.path == "/hook?a=b"
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(second.body + b" ", second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(outbound.new_key()).verify(second.body, second.headers)


def test_slack_and_teams_get_what_they_take(staged: PromotionRequest, web: WebReceiver) -> None:
    channel("slack", f"{web.url}/slack")
    channel("teams", f"{web.url}/teams")
    offer(staged)
    deliver()
    bodies = {one.path: one.json for one in web.posted}
    text = bodies["/slack"]["blocks"][0]["text"]
    assert text["type"] == "mrkdwn"
    assert all(sentence in text["text"] for sentence in SENTENCES)
    assert f"/queue/{staged.pk}/|Review it>" in text["text"]
    card = bodies["/teams"]["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in card["content"]["body"][1:]] == SENTENCES
    assert card["content"]["actions"][0]["url"].endswith(f"/queue/{staged.pk}/")


def test_a_reason_that_somebody_typed_goes_to_no_channel(
    staged: PromotionRequest, bob: User, web: WebReceiver, mail: MailReceiver
) -> None:
    for kind in Channel.Kind.values:
        channel(kind, web.url)
    offer(staged)
    move(staged.pk, to=Status.REJECTED, actor=bob, note=SECRET, decision_reason=SECRET)
    deliver()
    assert SECRET in text_of(mail.mails[0])
    assert len(web.posted) == 6
    assert not [one for one in web.posted if SECRET.encode() in one.body]


def test_channels_hear_only_of_what_they_are_for(
    staged: PromotionRequest, web: WebReceiver
) -> None:
    made = channel("webhook", web.url)
    made.told = ["failed"]
    made.save()
    offer(staged)
    deliver()
    assert not web.posted
    made.told = ["failed", "ended"]
    made.is_active = False
    made.save()
    move(staged.pk, to=Status.LAPSED)
    deliver()
    assert not web.posted


# --- Where nothing is sent -------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://0x7f.1:{port}/",
        "https://2130706433:{port}/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fec0::1]/",
        "https://[2002:a9fe:a9fe::]/",
        "https://0.0.0.0:{port}/",
        "https://user:password@8.8.8.8/",
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "https://",
    ],
)
def test_private_and_odd_addresses_are_refused(url: str, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = []
    with web_receiver() as receiver:
        port = receiver.url.rpartition(":")[2]
        with pytest.raises(PromotionError, match="OUTBOUND_REFUSED"):
            outbound.post_json(url.format(port=port), {})
        assert not receiver.posted


def test_every_address_behind_a_name_is_checked(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = []

    def resolve(*args: Any, **kwargs: Any) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("8.8.8.8", 443)), (*kind, ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(PromotionError, match="private network"):
        outbound.check_url("https://hooks.example.com/")


def test_a_name_is_resolved_once_so_that_it_cannot_lead_elsewhere_afterwards(
    monkeypatch: pytest.MonkeyPatch, web: WebReceiver
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1" if host == "hooks.example.com" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = web.url.rpartition(":")[2]
    outbound.post_json(f"http://hooks.example.com:{port}/", {})
    assert asked.count("hooks.example.com") == 1
    assert web.posted[0].headers["Host"] == f"hooks.example.com:{port}"


def test_the_certificate_is_that_of_the_name(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    """Though the connection goes to the address that was checked."""
    settings.OUTBOUND_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        is_example = str(host).endswith(".example.com")
        return real("127.0.0.1" if is_example else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with web_receiver(certificate=certificate(tmp_path, "hooks.example.com")) as receiver:
        port = receiver.url.rpartition(":")[2]
        with pytest.raises(PromotionError, match="OUTBOUND_FAILED"):
            outbound.post_json(f"https://hooks.example.com:{port}/", {})
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        with pytest.raises(PromotionError, match="OUTBOUND_FAILED"):
            outbound.post_json(f"https://elsewhere.example.com:{port}/", {})
        assert outbound.post_json(f"https://hooks.example.com:{port}/", {}) == 200
    assert len(receiver.posted) == 1


class TestThroughAProxy:
    """What reaches the internet only by one; names are resolved as each test says."""

    @pytest.fixture
    def names(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        found = {"hooks.example.com": "8.8.8.8", "inside.example.com": "10.0.0.1"}
        real = socket.getaddrinfo

        def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
            if str(host).endswith(".example.com") and host not in found:
                raise socket.gaierror(socket.EAI_NONAME, "No such name")
            return real(found.get(host, host), *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return found

    @pytest.fixture
    def there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        with web_receiver(certificate(tmp_path, "hooks.example.com")) as receiver:
            yield receiver

    @pytest.fixture
    def proxy(
        self, there: WebReceiver, names: dict[str, str], settings: Any
    ) -> Iterator[WebReceiver]:
        settings.OUTBOUND_PRIVATE_NETWORKS = []
        with web_proxy(there.url) as made:
            settings.OUTBOUND_PROXY = made.url.replace("//", "//desk:pa%20ss@")
            yield made

    def test_it_is_asked_for_the_name(self, there: WebReceiver, proxy: WebReceiver) -> None:
        assert outbound.post_json("https://hooks.example.com/way?x=1", {"a": 1}) == 200
        [asked] = proxy.posted
        assert asked.path == "hooks.example.com:443"
        assert asked.headers["proxy-authorization"] == "Basic ZGVzazpwYSBzcw=="
        [posted] = there.posted
        assert (posted.path, posted.json) == ("/way?x=1", {"a": 1})
        assert posted.headers["Host"] == "hooks.example.com"
        assert "proxy-authorization" not in {name.lower() for name in posted.headers}

    @pytest.mark.parametrize(
        "url",
        [
            "https://inside.example.com/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "http://hooks.example.com/",
        ],
    )
    def test_it_is_not_asked_for_what_is_refused(
        self, proxy: WebReceiver, url: str, settings: Any
    ) -> None:
        settings.OUTBOUND_PROXY_RESOLVES = True
        with pytest.raises(PromotionError, match="OUTBOUND_REFUSED"):
            outbound.post_json(url, {})
        assert not proxy.posted

    def test_a_name_that_leads_elsewhere_by_then_gets_nothing(
        self, there: WebReceiver, proxy: WebReceiver, names: dict[str, str]
    ) -> None:
        names["other.example.com"] = "8.8.4.4"
        with pytest.raises(PromotionError, match="OUTBOUND_FAILED"):
            outbound.post_json("https://other.example.com/", {})
        assert len(proxy.posted) == 1
        assert not there.posted

    def test_a_name_that_only_it_can_resolve(
        self, there: WebReceiver, proxy: WebReceiver, names: dict[str, str], settings: Any
    ) -> None:
        del names["hooks.example.com"]
        with pytest.raises(PromotionError, match="cannot be resolved"):
            outbound.post_json("https://hooks.example.com/", {})
        assert not proxy.posted
        settings.OUTBOUND_PROXY_RESOLVES = True
        assert outbound.post_json("https://hooks.example.com/", {}) == 200

    @pytest.mark.parametrize("how", ["a network of one's own", "NO_PROXY"])
    def test_what_is_reached_without_it(
        self,
        there: WebReceiver,
        proxy: WebReceiver,
        names: dict[str, str],
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        how: str,
    ) -> None:
        names["hooks.example.com"] = "127.0.0.1"
        settings.OUTBOUND_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        if how == "NO_PROXY":
            monkeypatch.setenv("NO_PROXY", "hooks.example.com")
        port = there.url.rpartition(":")[2]
        assert outbound.post_json(f"https://hooks.example.com:{port}/", {}) == 200
        assert not proxy.posted

    def test_one_that_is_away_is_told_without_its_password(
        self, proxy: WebReceiver, settings: Any
    ) -> None:
        settings.OUTBOUND_PROXY = "http://desk:secret-word@127.0.0.1:9"
        with pytest.raises(PromotionError, match="OUTBOUND_FAILED") as error:
            outbound.post_json("https://hooks.example.com/", {})
        assert "secret-word" not in str(error.value)


@pytest.mark.django_db(transaction=True)
def test_two_couriers_at_once_bring_nothing_twice(
    sales: DevAccount, alice: User, bob: User, dora: User, mail: MailReceiver
) -> None:
    for _ in range(4):
        offer(factories.promotion(factories.plan(sales, alice), alice, Status.STAGING))
    hand_out()

    def carry() -> None:
        try:
            due = Delivery.objects.due(timezone.now()).values_list("pk", flat=True)
            courier = delivery.Courier()
            for pk in list(due):
                carry_on(courier, pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=carry) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recipients(mail) == ["bob"] * 4 + ["dora"] * 4
    assert not Delivery.objects.exclude(state=State.SENT).exists()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(web: WebReceiver, status: int) -> None:
    web.statuses = [status]
    with pytest.raises(PromotionError, match="OUTBOUND_FAILED"):
        outbound.post_json(web.url, {})
    assert [one.path for one in web.posted] == ["/"]


def test_an_address_that_is_no_longer_in_use_is_not_tried_again(
    staged: PromotionRequest, web: WebReceiver
) -> None:
    """As the Standard Webhooks have it: 410 is for good."""
    web.statuses = [410]
    channel("webhook", web.url)
    offer(staged)
    deliver()
    row = Delivery.objects.get()
    assert (row.state, len(web.posted)) == (State.FAILED, 1)
    assert "no longer in use" in row.error


def test_a_refused_address_fails_at_once(staged: PromotionRequest, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = []
    channel("webhook", "https://10.0.0.1/token-in-the-path")
    offer(staged)
    deliver()
    row = Delivery.objects.get()
    assert row.state == State.FAILED
    assert "token-in-the-path" not in row.error


def test_no_error_tells_the_address_of_a_channel(
    staged: PromotionRequest, web: WebReceiver
) -> None:
    channel("slack", "http://127.0.0.1:9/services/token-in-the-path")
    offer(staged)
    deliver()
    row = Delivery.objects.get()
    assert row.state == State.WAITING
    assert row.error
    assert "token" not in row.error


# --- Kept ------------------------------------------------------------------------------------


def test_addresses_and_keys_are_encrypted_and_change_their_key_with_the_rest(
    settings: Any, web: WebReceiver
) -> None:
    made = channel("webhook", f"{web.url}/{SECRET}")
    made.key = key = outbound.new_key()
    made.save()
    urls = Channel.objects.values_list("encrypted_url", "encrypted_key", "name", "told")
    stored = repr([[bytes(row[0]), bytes(row[1]), *row[2:]] for row in urls])
    assert SECRET not in stored
    assert key not in stored
    settings.CONTENT_KEYS = ["a-new-key", *settings.CONTENT_KEYS]
    call_command("rotate_content_keys")
    settings.CONTENT_KEYS = settings.CONTENT_KEYS[:1]
    kept = Channel.objects.get()
    assert (kept.url, kept.key) == (f"{web.url}/{SECRET}", key)


def test_messages_are_removed_after_a_while_and_their_events_stay(
    staged: PromotionRequest, bob: User, mail: MailReceiver, settings: Any
) -> None:
    offer(staged)
    deliver()
    events = Event.objects.count()
    Message.objects.update(created_at=timezone.now() - timedelta(days=91))
    seal_events()
    retention.remove_outdated()
    assert not list(verify())
    assert not Message.objects.exists()
    assert not Delivery.objects.exists()
    assert Event.objects.count() == events


def test_the_tick_sends_one_courier_at_a_time(
    staged: PromotionRequest, bob: User, monkeypatch: pytest.MonkeyPatch, mail: MailReceiver
) -> None:
    sent: list[float] = []
    monkeypatch.setattr(
        tasks.deliver_due_task, "apply_async", lambda **kw: sent.append(kw["expires"])
    )
    monkeypatch.setattr(tasks, "enqueue", lambda task, pk, **kw: None)
    offer(staged)
    hand_out()
    tasks._send_courier()
    assert len(sent) == 1
    Delivery.objects.update(lease_until=timezone.now() + timedelta(seconds=60))
    tasks._send_courier()
    assert len(sent) == 1


# --- The set-up page -------------------------------------------------------------------------


def save(client: Client, address: str, **said: Any) -> Any:
    form = {"name": "Operations", "kind": "webhook", "told": ["failed"], "is_active": "on"}
    return client.post(address, form | said)


def test_a_channel_is_added_and_its_address_and_key_are_shown_once(
    client: Client, bob: User, web: WebReceiver, mail: MailReceiver
) -> None:
    pages.signed_in(client, bob)
    answer = save(client, "/setup/messages/add/", url=f"{web.url}/{SECRET}")
    made = Channel.objects.get()
    assert made.key in pages.text(answer)
    assert made.url == f"{web.url}/{SECRET}"
    for address in ("/setup/messages/", f"/setup/messages/{made.pk}/", "/setup/history/"):
        body = client.get(address).content.decode()
        assert SECRET not in body
        assert made.key not in body
    assert Event.objects.filter(action="channel_added", actor=bob, subject="Operations").exists()
    # Without a new address the old one stays, and so does the key.
    key = made.key
    assert (
        save(client, f"/setup/messages/{made.pk}/", name="Ops", told=["ended"]).status_code == 302
    )
    made.refresh_from_db()
    assert (made.name, made.told, made.url) == ("Ops", ["ended"], f"{web.url}/{SECRET}")
    assert made.key == key
    answer = save(client, f"/setup/messages/{made.pk}/", name="Ops", new_key="on")
    made.refresh_from_db()
    assert made.key != key
    assert made.key in pages.text(answer)


def test_a_channel_into_the_own_network_is_refused_on_the_page(
    client: Client, bob: User, settings: Any
) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = []
    pages.signed_in(client, bob)
    answer = save(client, "/setup/messages/add/", url="https://10.0.0.1/its-token")
    assert "does not send anything to this address" in pages.text(answer)
    assert "its-token" not in answer.content.decode()
    assert not Channel.objects.exists()


def test_a_test_message_goes_to_a_channel_and_to_oneself(
    client: Client, bob: User, web: WebReceiver, mail: MailReceiver
) -> None:
    made = channel("slack", web.url, is_active=False)
    pages.signed_in(client, bob)
    client.post(f"/setup/messages/{made.pk}/test/")
    client.post("/setup/messages/test/")
    assert pages.polls(client.get("/setup/messages/"))
    delivery.deliver_due()
    assert web.posted[0].json["text"] == "Test message from Promotion Desk"
    assert recipients(mail) == ["bob"]
    page = client.get("/setup/messages/")
    assert pages.text(page).count("Sent") == 2
    assert pages.polls(page) is None


def test_the_log_tells_what_went_wrong(
    client: Client, bob: User, staged: PromotionRequest, web: WebReceiver
) -> None:
    web.statuses = [503]
    channel("webhook", web.url)
    offer(staged)
    deliver()
    pages.signed_in(client, bob)
    text = pages.text(client.get("/setup/messages/"))
    assert "It answered with status 503." in text
    assert "Tried 1 time" in text


def test_a_channel_is_deleted_with_an_event(client: Client, bob: User, web: WebReceiver) -> None:
    made = channel("slack", web.url)
    pages.signed_in(client, bob)
    client.post(f"/setup/messages/{made.pk}/delete/")
    assert not Channel.objects.exists()
    assert Event.objects.get(action="channel_deleted").actor == bob


def test_channels_are_for_admins(client: Client, alice: User, web: WebReceiver) -> None:
    made = channel("slack", web.url)
    pages.signed_in(client, alice)
    own = f"/setup/messages/{made.pk}/"
    for address in ("/setup/messages/", "/setup/messages/add/", own):
        assert client.get(address).status_code == 403
    assert save(client, own).status_code == 403
    for address in (f"{own}delete/", f"{own}test/", "/setup/messages/test/"):
        assert client.post(address).status_code == 403
    made.refresh_from_db()
    assert made.name == "A slack"
    assert not Delivery.objects.exists()


# --- One's own choice ------------------------------------------------------------------------


def test_everybody_chooses_what_they_are_told(
    client: Client, alice: User, staged: PromotionRequest, bob: User, mail: MailReceiver
) -> None:
    pages.signed_in(client, alice)
    page = client.get("/preferences/")
    assert not pages.fields(page, "how_to_review")
    form = {f"how_{kind}": "now" for kind in kinds_for(alice)} | {
        "how_ended": "off",
        # What alice cannot get is not hers to choose.
        "how_platform": "now",
        "time_zone": "Europe/Berlin",
        "digest_at": "09:30",
        "quiet_from": "",
        "quiet_until": "",
    }
    assert client.post("/preferences/", form).status_code == 302
    row = MessagePreference.objects.get()
    assert (row.time_zone, row.digest_at) == ("Europe/Berlin", time(9, 30))
    assert "platform" not in row.how
    offer(staged)
    move(staged.pk, to=Status.LAPSED)
    deliver()
    assert recipients(mail) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Base"},
        {"digest_at": "late"},
        {"quiet_from": "20:00"},
        {"how_ended": "x"},
    ],
)
def test_a_choice_that_cannot_be_is_refused(
    client: Client, alice: User, wrong: dict[str, str]
) -> None:
    pages.signed_in(client, alice)
    form = {f"how_{kind}": "now" for kind in kinds_for(alice)}
    form |= {"time_zone": "UTC", "digest_at": "08:00", "quiet_from": "", "quiet_until": ""}
    answer = client.post("/preferences/", form | wrong)
    assert answer.status_code == 200
    assert not MessagePreference.objects.exists()
