"""The audit chain: what somebody does behind the back of the product is found, and named."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from promotions import outbound, tasks
from promotions.access import ADMINS
from promotions.admin import RecordedAdmin
from promotions.audit import chain
from promotions.audit.anchor import read_anchors, write_anchor
from promotions.audit.chain import GENESIS, link, seal_events
from promotions.audit.history import Search, as_csv, as_json_lines
from promotions.audit.verify import Kind, verify
from promotions.models import AppendOnlyError, Event, Seal
from promotions.pages import words
from promotions.transitions import record_event
from tests.conftest import PASSWORD
from tests.promotions import pages
from tests.receivers import web_receiver

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def unfenced() -> Iterator[Callable[..., None]]:
    """What somebody with every right on the database can do: no trigger and no foreign key stops them."""
    with connection.cursor() as cursor:

        def run(statement: str, *values: Any) -> None:
            cursor.execute(statement, values or None)

        if connection.vendor == "postgresql":
            run("SET session_replication_role = replica")
            yield run
            run("SET session_replication_role = DEFAULT")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        run("PRAGMA foreign_keys = OFF")
        for name, _ in triggers:
            run(f"DROP TRIGGER {name}")
        yield run
        for _, statement in triggers:
            run(statement)
        run("PRAGMA foreign_keys = ON")


@pytest.fixture
def events(bob: User) -> list[Event]:
    """Ten events that are sealed; what the fixture of the person left comes before them."""
    made = [
        record_event(f"kind_{number}", actor=bob, subject=f"subject {number}", note="A note.")
        for number in range(10)
    ]
    seal_events()
    assert not list(verify())
    return made


def found() -> list[tuple[Kind, int | None]]:
    return [(flaw.kind, flaw.event_id) for flaw in verify()]


# --- Sealing ---------------------------------------------------------------------------------


def test_every_event_is_sealed_once_and_each_seal_continues_the_one_before(
    events: list[Event], bob: User
) -> None:
    assert seal_events() == 0
    record_event("later", actor=bob)
    assert seal_events() == 1
    before = GENESIS
    for position, seal in enumerate(Seal.objects.select_related("event"), start=1):
        assert (seal.position, seal.hash_before) == (position, before)
        assert seal.hash == link(position, before, seal.event)
        before = seal.hash
    assert Seal.objects.count() == Event.objects.count()


def test_many_events_are_sealed_in_batches(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 3)
    for number in range(10):
        record_event(f"kind_{number}", actor=bob)
    assert seal_events() == Event.objects.count()
    assert not list(verify())


@pytest.mark.parametrize(
    "statement", ["UPDATE promotions_seal SET hash = ''", "DELETE FROM promotions_seal"]
)
def test_the_database_refuses_to_change_a_seal(events: list[Event], statement: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_seal_is_neither_changed_nor_deleted(events: list[Event]) -> None:
    seal = Seal.objects.first()
    assert seal is not None
    for change in (
        seal.save,
        seal.delete,
        lambda: Seal.objects.update(hash=""),
        lambda: Seal.objects.all().delete(),
    ):
        with pytest.raises(AppendOnlyError):
            change()


def test_an_event_whose_transaction_ends_late_is_waited_for(bob: User) -> None:
    """Its key is smaller than that of an event that is there already."""
    if connection.vendor == "sqlite":
        # One writer at a time: the key is taken and the row is there in one go.
        first, second = record_event("first", actor=bob), record_event("second", actor=bob)
        assert first.pk < second.pk
        assert seal_events() == Event.objects.count()
        return
    begun, go = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                record_event("late", actor=bob)
                begun.set()
                go.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=late)
    thread.start()
    assert begun.wait(20)
    record_event("early", actor=bob)
    threading.Timer(0.5, go.set).start()
    seal_events()
    thread.join()
    sealed = list(Seal.objects.order_by("position").values_list("event__action", flat=True))
    assert sealed[-2:] == ["late", "early"]


def test_two_that_seal_at_once_make_one_chain(bob: User) -> None:
    for number in range(30):
        record_event(f"kind_{number}", actor=bob)

    def seal() -> None:
        try:
            seal_events()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=seal) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Seal.objects.count() == Event.objects.count()
    assert not list(verify())


def test_the_task_seals(bob: User) -> None:
    record_event("kind", actor=bob)
    tasks.seal_events_task()
    assert Seal.objects.count() == Event.objects.count()


# --- Manipulations ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("note", "Another note."),
        ("action", "other"),
        ("subject", ""),
        ("actor_id", None),
        ("to_status", "approved"),
        ("at", timezone.now() - timedelta(days=1)),
    ],
)
def test_a_changed_event_is_found(events: list[Event], column: str, value: Any) -> None:
    with unfenced() as run:
        run(f"UPDATE promotions_event SET {column} = %s WHERE id = %s", value, events[4].pk)
    assert found() == [(Kind.CHANGED, events[4].pk)]


def test_a_removed_event_is_found(events: list[Event]) -> None:
    with unfenced() as run:
        run("DELETE FROM promotions_event WHERE id = %s", events[4].pk)
    assert found() == [(Kind.REMOVED, events[4].pk)]


def test_an_event_that_was_removed_with_its_seal_is_found(events: list[Event]) -> None:
    position = events[4].seal.position
    with unfenced() as run:
        run("DELETE FROM promotions_seal WHERE event_id = %s", events[4].pk)
        run("DELETE FROM promotions_event WHERE id = %s", events[4].pk)
    flaws = list(verify())
    assert [(flaw.kind, flaw.position) for flaw in flaws] == [(Kind.REMOVED, position)]


def test_a_removed_event_whose_followers_moved_up_is_found(events: list[Event]) -> None:
    with unfenced() as run:
        run("DELETE FROM promotions_seal WHERE event_id = %s", events[4].pk)
        run("DELETE FROM promotions_event WHERE id = %s", events[4].pk)
        for event in events[5:]:
            run("UPDATE promotions_seal SET position = position - 1 WHERE event_id = %s", event.pk)
    kinds = found()
    assert kinds[0] == (Kind.RESEALED, events[5].pk)
    assert {pk for kind, pk in kinds[1:]} == {one.pk for one in events[5:]}


def insert(run: Callable[..., None], pk: int, at: Any) -> None:
    run(
        "INSERT INTO promotions_event (id, at, action, subject, from_status, to_status, note) "
        "VALUES (%s, %s, 'inserted', '', '', '', '')",
        pk,
        at,
    )


def test_an_event_that_was_inserted_between_others_is_found(bob: User) -> None:
    first = record_event("first", actor=bob)
    with unfenced() as run:
        # The key in between was taken by a transaction that was rolled back.
        insert(run, first.pk + 2, timezone.now())
    seal_events()
    assert not list(verify())
    with unfenced() as run:
        insert(run, first.pk + 1, timezone.now())
    assert found() == [(Kind.INSERTED, first.pk + 1)]
    # It is not sealed afterwards.
    seal_events()
    assert found() == [(Kind.INSERTED, first.pk + 1)]


def test_an_event_that_was_added_with_an_earlier_date_is_found(events: list[Event]) -> None:
    last = events[-1].pk
    with unfenced() as run:
        insert(run, last + 1, timezone.now() - timedelta(days=2))
    assert found() == [(Kind.INSERTED, last + 1)]
    seal_events()
    assert found() == [(Kind.INSERTED, last + 1)]


def test_events_that_changed_places_are_found(events: list[Event]) -> None:
    one, other = events[3].pk, events[6].pk
    with unfenced() as run:
        run("UPDATE promotions_event SET id = %s WHERE id = %s", 10**6, one)
        run("UPDATE promotions_event SET id = %s WHERE id = %s", one, other)
        run("UPDATE promotions_event SET id = %s WHERE id = %s", other, 10**6)
    assert sorted(found()) == [(Kind.REORDERED, one), (Kind.REORDERED, other)]


def test_seals_that_changed_events_are_found(events: list[Event]) -> None:
    one, other = events[3].seal.position, events[4].seal.position
    with unfenced() as run:
        run("UPDATE promotions_seal SET event_id = %s WHERE position = %s", 10**6, one)
        run("UPDATE promotions_seal SET event_id = %s WHERE position = %s", events[3].pk, other)
        run("UPDATE promotions_seal SET event_id = %s WHERE position = %s", events[4].pk, one)
    assert sorted(found()) == [
        (Kind.REORDERED, events[3].pk),
        (Kind.REORDERED, events[4].pk),
    ]


def test_seals_that_changed_places_are_found(events: list[Event]) -> None:
    one, other = events[3].seal.position, events[4].seal.position
    with unfenced() as run:
        run("UPDATE promotions_seal SET position = %s WHERE position = %s", 10**6, one)
        run("UPDATE promotions_seal SET position = %s WHERE position = %s", one, other)
        run("UPDATE promotions_seal SET position = %s WHERE position = %s", other, 10**6)
    kinds = found()
    assert (Kind.REORDERED, events[3].pk) in kinds
    assert (Kind.REORDERED, events[4].pk) in kinds


def test_a_chain_that_was_made_anew_is_found_by_its_anchors(
    events: list[Event], tmp_path: Path, settings: Any
) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    write_anchor()
    anchors = read_anchors(tmp_path / "anchors")
    assert not list(verify(anchors))
    with unfenced() as run:
        run("DELETE FROM promotions_seal")
        run("UPDATE promotions_event SET note = 'otherwise' WHERE id = %s", events[4].pk)
    seal_events()
    assert not list(verify())
    assert [flaw.kind for flaw in verify(anchors)] == [Kind.RESEALED]


def test_an_anchor_is_posted_and_signed(events: list[Event], settings: Any) -> None:
    settings.AUDIT_ANCHOR_KEY = outbound.new_key()
    settings.OUTBOUND_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with web_receiver() as receiver:
        settings.AUDIT_ANCHOR_URL = receiver.url
        tasks.write_anchor_task()
    posted = receiver.posted[0]
    said = Webhook(settings.AUDIT_ANCHOR_KEY).verify(posted.body, posted.headers)
    last = Seal.objects.latest("position")
    assert said["type"] == "audit.anchor"
    assert (said["data"]["position"], said["data"]["hash"]) == (last.position, last.hash)


def test_an_anchor_that_cannot_be_written_is_logged_and_no_more(
    events: list[Event], tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "nowhere" / "anchors")
    settings.AUDIT_ANCHOR_URL = "http://127.0.0.1:9/its-token"
    settings.OUTBOUND_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    write_anchor()
    assert "could not be written" in caplog.text
    assert "could not be posted" in caplog.text


def test_an_end_that_was_cut_off_is_found_by_its_anchors(
    events: list[Event], tmp_path: Path, settings: Any
) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    write_anchor()
    with unfenced() as run:
        run("DELETE FROM promotions_seal WHERE event_id = %s", events[-1].pk)
        run("DELETE FROM promotions_event WHERE id = %s", events[-1].pk)
    assert not list(verify())
    flaws = list(verify(read_anchors(tmp_path / "anchors")))
    assert [flaw.kind for flaw in flaws] == [Kind.REMOVED]


def test_erasing_a_name_does_not_break_the_chain(events: list[Event], bob: User) -> None:
    bob.username, bob.first_name, bob.last_name, bob.email = "erased-1", "", "", ""
    bob.save()
    assert not list(verify())
    text = "".join(as_json_lines(Search()))
    assert "bob" not in text.casefold()


def test_no_event_names_a_person_whose_name_may_be_erased(
    client: Client, make_user: Callable[..., User], bob: User
) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    eve = make_user("eve-the-deputy")
    pages.signed_in(client, root)
    now = timezone.localtime()
    answer = client.post(
        "/admin/promotions/deputy/add/",
        {
            "admin": bob.pk,
            "deputy": eve.pk,
            "starts_at_0": f"{now:%Y-%m-%d}",
            "starts_at_1": f"{now:%H:%M:%S}",
            "ends_at_0": f"{now + timedelta(days=9):%Y-%m-%d}",
            "ends_at_1": "10:00:00",
            "reason": "On leave.",
        },
    )
    assert answer.status_code == 302, pages.text(answer)
    event = Event.objects.get(action="deputy_added")
    assert "eve-the-deputy" not in event.subject + event.note
    assert f"person {eve.pk}" in event.note
    assert f"Eve-the-deputy (person {eve.pk})" in pages.text(client.get("/setup/history/"))


# --- The command -----------------------------------------------------------------------------


def test_the_command_says_that_all_is_well(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_audit")
    said = capsys.readouterr().out
    assert f"{Seal.objects.count()} events are sealed" in said
    assert "as it was sealed" in said


def test_the_command_names_the_event_and_fails(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    with unfenced() as run:
        run("UPDATE promotions_event SET note = 'otherwise' WHERE id = %s", events[4].pk)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1
    assert f"Event {events[4].pk}, sealed at position" in capsys.readouterr().out


def test_the_command_refuses_a_file_that_holds_no_anchors(db: None, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_audit", anchors=path)
    path.write_text("not an anchor\n")
    with pytest.raises(CommandError, match="Line 1 is not an anchor"):
        call_command("verify_audit", anchors=path)


# --- Who signs in, who may what --------------------------------------------------------------


def actions(subject: str = "") -> list[str]:
    rows = Event.objects.filter(subject=subject) if subject else Event.objects.all()
    return list(rows.order_by("pk").values_list("action", flat=True))


def test_signing_in_and_out_leaves_events(bob: User, client: Client) -> None:
    form = {"username": "bob", "password": PASSWORD}
    client.post("/accounts/login/", form)
    client.post("/accounts/logout/")
    client.post("/accounts/login/", form | {"password": "wrong-one"})
    client.post("/accounts/login/", {"username": "hunter2-typed-here", "password": "wrong-one"})
    mine = f"person {bob.pk}"
    assert actions(mine)[-3:] == ["signed_in", "signed_out", "sign_in_failed"]
    assert actions("an unknown name") == ["sign_in_failed"]
    assert not [row for row in Event.objects.values() if "hunter2" in str(row)]


def test_a_locked_name_leaves_no_event_for_each_try(
    bob: User, client: Client, settings: Any
) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT + 5):
        client.post("/accounts/login/", {"username": "bob", "password": "wrong-one"})
    assert actions(f"person {bob.pk}").count("sign_in_failed") == settings.AXES_FAILURE_LIMIT


def test_changes_of_a_person_leave_events(bob: User, make_user: Callable[..., User]) -> None:
    eve = make_user("eve")
    about = f"person {eve.pk}"
    eve.set_password("Another-password-1")
    eve.is_superuser = eve.is_staff = True
    eve.save()
    eve.is_active = False
    eve.save()
    eve.last_login = timezone.now()
    eve.save(update_fields=["last_login"])
    assert actions(about) == [
        "person_added",
        "password_changed",
        "staff_given",
        "superuser_given",
        "person_switched_off",
    ]


def test_a_hash_that_is_only_renewed_is_no_new_password(bob: User, client: Client) -> None:
    bob.password = "md5$salt$" + "0" * 32
    User.objects.filter(pk=bob.pk).update(password=bob.password)
    bob.password = "pbkdf2_sha256$1$salt$hash"
    bob.save(update_fields=["password"])
    assert "password_changed" not in actions()


def test_changes_of_groups_leave_events(bob: User, make_user: Callable[..., User]) -> None:
    eve = make_user("eve")
    about = f"person {eve.pk}"
    admins = Group.objects.get(name=ADMINS)
    eve.groups.add(admins)
    eve.groups.add(admins)
    admins.user_set.remove(eve)
    eve.groups.set([admins])
    eve.groups.clear()
    notes = Event.objects.filter(subject=about, action="person_groups_changed").order_by("pk")
    assert list(notes.values_list("note", flat=True)) == [
        f"added: {ADMINS}",
        f"removed: {ADMINS}",
        f"added: {ADMINS}",
        f"removed: {ADMINS}",
    ]


def test_who_changes_a_person_in_the_admin_pages_stands_in_the_event(
    client: Client, make_user: Callable[..., User]
) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    eve = make_user("eve")
    pages.signed_in(client, root)
    answer = client.post(
        f"/admin/auth/user/{eve.pk}/change/",
        {
            "username": "eve",
            "is_active": "on",
            "is_superuser": "on",
            "date_joined_0": "2026-01-01",
            "date_joined_1": "10:00:00",
        },
    )
    assert answer.status_code == 302, pages.text(answer)
    event = Event.objects.get(action="superuser_given", subject=f"person {eve.pk}")
    assert event.actor == root


def test_what_admins_edit_is_among_the_kinds_to_search_for() -> None:
    recorded = [
        model for model, shown in admin.site._registry.items() if isinstance(shown, RecordedAdmin)
    ]
    assert sorted(str(model._meta.model_name) for model in recorded) == sorted(words.EDITED)
    assert words.event_words("componentmapping_changed") == "changed"
    assert words.event_words("group_added") == "added"


# --- The page and the exports ----------------------------------------------------------------


def test_the_page_is_for_admins(client: Client, alice: User) -> None:
    pages.signed_in(client, alice)
    assert client.get("/setup/history/").status_code == 403
    assert client.get("/setup/history/export/?format=csv").status_code == 403
    assert not Event.objects.filter(action="history_exported").exists()


def test_the_page_finds_by_person_kind_words_and_day(client: Client, bob: User, dora: User) -> None:
    record_event("kind_one", actor=bob, subject="a first thing")
    record_event("kind_two", actor=dora, subject="a second thing", note="with a note")
    pages.signed_in(client, bob)

    def read(query: str) -> str:
        return pages.text(client.get(f"/setup/history/?{query}"))

    assert "a first thing" in read("")
    assert "a second thing" not in read("kind=kind_one")
    assert "a first thing" not in read(f"who={dora.pk}")
    assert "a second thing" in read("words=WITH+a+note")
    today = timezone.localdate()
    assert "a first thing" in read(f"start={today}&end={today}")
    assert "No event is like this" in read(f"start={today + timedelta(days=2)}")
    assert "No event is like this" in read("start=yesterday")


def test_the_page_goes_on_by_key(client: Client, bob: User) -> None:
    pages.signed_in(client, bob)
    for number in range(60):
        record_event("counted", actor=bob, subject=f"thing {number:02}")
    seen: list[str] = []
    address = "/setup/history/?kind=counted"
    for _ in range(3):
        answer = client.get(address)
        seen += [word for word in pages.text(answer).split() if word.isdigit() and len(word) == 2]
        older = [link for link in pages.links(answer) if "before=" in link and "export" not in link]
        address = f"/setup/history/{older[0]}" if older else ""
    assert not address
    for number in range(60):
        assert f"{number:02}" in seen


def test_the_export_is_whole_defused_and_left_as_an_event(client: Client, bob: User) -> None:
    record_event("kind", actor=bob, subject="=HYPERLINK(1)", note="+1\n@x")
    seal_events()
    pages.signed_in(client, bob)
    answer: Any = client.get("/setup/history/export/?format=csv&kind=kind")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["subject"], row["note"]) for row in rows] == [("'=HYPERLINK(1)", "'+1\n@x")]
    assert Event.objects.get(action="history_exported").actor == bob
    assert client.get("/setup/history/export/?format=exe").status_code == 400


def test_json_lines_hold_all_that_a_seal_covers(events: list[Event]) -> None:
    before = GENESIS
    for line in as_json_lines(Search()):
        row = json.loads(line)
        event = Event(
            pk=row["event"],
            at=datetime.fromisoformat(row["at"]),
            promotion_id=row["promotion"],
            actor_id=row["person"],
            **{
                name: row[name]
                for name in ("action", "subject", "from_status", "to_status", "note")
            },
        )
        assert row["hash_before"] == before
        assert link(row["position"], before, event) == row["hash"]
        before = row["hash"]
    assert before != GENESIS
    assert len(list(csv.reader(as_csv(Search())))) == Event.objects.count() + 1
