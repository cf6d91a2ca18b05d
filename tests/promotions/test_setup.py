"""Set-up: what is synchronised, what the page says is missing, and the jobs that its buttons start."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
import requests
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from partnerapi.simulator import seed
from promotions import heartbeat, partner, tasks
from promotions.access import CONTRIBUTORS
from promotions.audit.chain import seal_events
from promotions.messages import PromotionError
from promotions.models import (
    Channel,
    ComponentMapping,
    Delivery,
    DevAccount,
    DevAccountAccess,
    Environment,
    Event,
    IntegrationPack,
    Job,
    PackRelease,
)
from promotions.outbox import transports
from promotions.services import setup as setup_services
from promotions.setup import accounts, jobs, readiness
from tests.promotions import factories, pages
from tests.services import Simulator, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db

PAGES = ("/setup/", "/setup/connection/", "/setup/adoption/")
BUTTONS = ("/setup/accounts/", "/setup/connection/check/")


def items() -> dict[str, readiness.Item]:
    reader = User(username="nobody", is_active=False)
    return {item.title: item for part in readiness.sections(reader) for item in part.items}


def titles(state: str) -> list[str]:
    return [title for title, item in items().items() if item.state == state]


# --- Synchronising ---------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["guide", "published"])
def test_accounts_environments_and_packs_are_read(
    simulator: Simulator, settings: Any, redis_server: redis.Redis, bob: User, dialect: str
) -> None:
    requests.post(f"{simulator.url}/_control/reset", json={"dialect": dialect}, timeout=60)
    settings.PARTNER_API_DIALECT = dialect
    result = accounts.synchronise(partner.client(), bob)
    assert set(DevAccount.objects.values_list("account_id", "name")) == {
        (account, seed.ACCOUNT_NAMES[account]) for account in seed.DEV_ACCOUNTS
    }
    assert Environment.objects.filter(classification="TEST").count() == 2
    assert Environment.objects.filter(classification="PROD").count() == 2
    purposes = dict(IntegrationPack.objects.values_list("name", "purpose"))
    assert purposes["Order Management"] == "production"
    assert purposes["Order Management (Test)"] == "test"
    assert PackRelease.objects.filter(pack__name="Order Management").count() == 2
    assert result["accounts"]["seen"] == len(result["accounts"]["new"]) == 3
    assert Event.objects.filter(action="devaccount_added", actor=bob).count() == 3


def test_a_second_time_nothing_changes_but_names(
    simulator: Simulator, redis_server: redis.Redis, bob: User
) -> None:
    accounts.synchronise(partner.client(), bob)
    orders = DevAccount.objects.get(account_id=seed.ORDERS_ACCOUNT)
    DevAccount.objects.filter(pk=orders.pk).update(name="Old name", is_active=False)
    DevAccount.objects.create(account_id="gone", name="Sold team")
    IntegrationPack.objects.filter(name="Finance Core").update(purpose="test")
    before = set(Event.objects.values_list("pk", flat=True))
    result = accounts.synchronise(partner.client(), bob)
    orders.refresh_from_db()
    assert (orders.name, orders.is_active) == (seed.ACCOUNT_NAMES[seed.ORDERS_ACCOUNT], False)
    assert result["accounts"]["gone"] == ["Sold team"]
    assert DevAccount.objects.get(account_id="gone").is_active
    assert IntegrationPack.objects.get(name="Finance Core").purpose == "test"
    event = Event.objects.exclude(pk__in=before).get()
    assert (event.action, event.actor) == ("devaccount_changed", bob)
    assert event.note == f"name: Old name → {orders.name}"


def test_packs_that_may_not_be_read_do_not_stop_the_rest(
    simulator: Simulator, redis_server: redis.Redis
) -> None:
    simulator.fault(16, "status", status=403)
    result = accounts.synchronise(partner.client())
    assert result["accounts"]["seen"] == 3
    assert "Integration Packs could not be read" in result["problems"][0]


def test_the_command_synchronises(
    simulator: Simulator, redis_server: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_accounts")
    told = capsys.readouterr().out
    assert "3 dev accounts seen" in told
    assert f"new: {seed.ACCOUNT_NAMES[seed.ORDERS_ACCOUNT]}" in told
    assert Job.objects.get().finished_at


def test_the_command_tells_what_went_wrong(
    simulator: Simulator, redis_server: redis.Redis, settings: Any
) -> None:
    settings.PARTNER_API_TOKEN = "wrong"
    with pytest.raises(CommandError, match="refused the API token"):
        call_command("sync_accounts")


# --- Jobs ------------------------------------------------------------------------------------


def test_a_real_worker_does_all_three_kinds(
    worker: Worker, client: Client, bob: User, simulator: Simulator
) -> None:
    client.force_login(bob)

    def wait_until(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline, worker.log_end()
            time.sleep(0.1)

    def ended(kind: str) -> Job:
        wait_until(Job.objects.filter(kind=kind, finished_at__isnull=False).exists)
        return Job.objects.get(kind=kind)

    client.post("/setup/accounts/")
    job = ended(Job.Kind.ACCOUNTS)
    assert (job.error_code, job.requested_by) == ("", bob)
    page = client.get("/setup/").content.decode()
    assert "3 seen; new:" in page
    assert seed.ACCOUNT_NAMES[seed.FINANCE_ACCOUNT] in page
    # The job may be done before the first tick of the beat.
    wait_until(lambda: "Workers and beat are alive" in client.get("/setup/").content.decode())
    client.post("/setup/connection/check/")
    job = ended(Job.Kind.CONNECTION_CHECK)
    assert {"ok", "warn", "skipped"} == {check["state"] for check in job.result["checks"]}
    orders = DevAccount.objects.get(account_id=seed.ORDERS_ACCOUNT)
    client.post("/setup/adoption/look/", {"dev_account": orders.pk})
    job = ended(Job.Kind.ADOPTION)
    proposal = next(
        p for p in job.result["proposals"] if p["prod_component_id"] == seed.COPIED_TWIN_ID
    )
    key = f"{proposal['dev_component_id']}:{proposal['prod_component_id']}"
    client.post(f"/setup/adoption/{job.pk}/adopt/", {"proposal": key})
    assert ComponentMapping.objects.get().prod_component_id == seed.COPIED_TWIN_ID


def test_a_failed_job_is_told_and_may_be_started_again(
    simulator: Simulator, redis_server: redis.Redis, client: Client, bob: User, settings: Any
) -> None:
    settings.PARTNER_API_TOKEN = "wrong"
    job = setup_services.start_job(bob, Job.Kind.ACCOUNTS)
    jobs.run_job(job.pk)
    client.force_login(bob)
    page = client.get("/setup/").content.decode()
    assert "The platform refused the API token." in page
    assert "wrong" not in page.replace("wrong format", "")
    assert setup_services.start_job(bob, Job.Kind.ACCOUNTS).pk != job.pk


def test_a_second_click_joins_the_job_that_is_under_way(bob: User, dora: User) -> None:
    first = setup_services.start_job(bob, Job.Kind.ACCOUNTS)
    assert setup_services.start_job(dora, Job.Kind.ACCOUNTS) == first
    assert setup_services.start_job(dora, Job.Kind.CONNECTION_CHECK) != first


def test_a_job_whose_workers_die_again_and_again_is_given_up(bob: User) -> None:
    job = setup_services.start_job(bob, Job.Kind.ACCOUNTS)
    Job.objects.filter(pk=job.pk).update(lease_epoch=jobs.MOST_WORKERS)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.error_code, job.next_attempt_at) == ("WORKER_LOST", None)


@pytest.mark.parametrize("kind", Job.Kind.values)
def test_only_admins_start_jobs(kind: str, alice: User) -> None:
    with pytest.raises(PromotionError, match="FORBIDDEN"):
        setup_services.start_job(alice, kind)
    assert not Job.objects.exists()
    assert Event.objects.filter(action="access_refused", actor=alice).exists()


# --- The pages -------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_the_pages_are_for_admins(who: str, request: pytest.FixtureRequest, client: Client) -> None:
    user = request.getfixturevalue(who)
    client.force_login(user)
    assert {client.get(path).status_code for path in PAGES} == {403}
    assert {client.post(path).status_code for path in BUTTONS} == {403}
    assert "Set-up" not in client.get("/").content.decode()
    assert Event.objects.filter(action="access_refused", actor=user).count() == 5
    assert not Job.objects.exists()


@pytest.mark.parametrize("path", [*PAGES, "/setup/adoption/1/"])
def test_strangers_sign_in_first(path: str, client: Client) -> None:
    assert client.get(path).headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", [*BUTTONS, "/setup/adoption/look/", "/setup/adoption/1/adopt/"])
def test_a_link_starts_nothing(path: str, client: Client, bob: User) -> None:
    client.force_login(bob)
    assert client.get(path).status_code == 405


def test_a_page_of_the_admin_is_offered_to_those_who_may_see_it(
    client: Client, bob: User, make_user: Callable[..., User]
) -> None:
    client.force_login(bob)
    assert "/admin/auth/user/" not in client.get("/setup/").content.decode()
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    assert "/admin/auth/user/" in client.get("/setup/").content.decode()


def test_an_admin_finds_the_set_up_in_the_navigation(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert 'href="/setup/"' in client.get("/").content.decode()


@pytest.mark.parametrize(("page", "button"), [("/setup/", BUTTONS[0]), (PAGES[1], BUTTONS[1])])
def test_a_button_starts_a_job_that_the_page_follows(
    page: str, button: str, client: Client, bob: User
) -> None:
    client.force_login(bob)
    shown = client.post(button, follow=True)
    [(address, status)] = shown.redirect_chain
    assert (address.partition("#")[0], status) == (page, 302)
    assert "Waiting for a worker" in pages.text(shown)
    follow = pages.polls(shown)
    assert follow == f"{page}?seen={shown.context['seen']}"
    assert pages.reloads(shown)
    assert client.get(follow, **pages.HTMX).status_code == 204
    Job.objects.update(progress="Reading Orders")
    fragment = client.get(follow, **pages.HTMX)
    assert "Reading Orders" in pages.text(fragment)
    assert pages.is_fragment(fragment)
    Job.objects.update(finished_at=timezone.now(), next_attempt_at=None)
    assert not pages.polls(client.get(page, **pages.HTMX))


# --- What is missing -------------------------------------------------------------------------


def test_an_empty_installation_names_everything(bob: User, redis_server: redis.Redis) -> None:
    missing = titles("fail")
    assert "The Contributors group is missing" in missing
    assert "No dev account is known" in missing
    assert "No production environment is known" in missing
    assert "No worker or no beat is running" in missing
    warned = titles("warn")
    assert "The connection has never been checked" in warned
    assert "No test environment is known" in warned
    assert "No Integration Pack is known" in warned
    assert "There is no contributor" in warned


def test_the_only_admin_cannot_approve_their_own_promotions(bob: User) -> None:
    [item] = [item for title, item in items().items() if "only admin" in title]
    assert item.state == "warn"
    assert item.title == "Bob is the only admin"
    assert item.detail == "The only admin cannot approve their own promotions."


def test_two_admins_are_enough(bob: User, dora: User) -> None:
    assert items()["2 admins"].state == "ok"


def test_two_accounts_of_one_person_are_one_admin(
    bob: User, make_user: Callable[..., User]
) -> None:
    second = make_user("bob2", "Admins")
    type(second).objects.filter(pk=second.pk).update(email=bob.email.upper())
    assert any("only admin" in title for title in titles("warn"))


def test_no_admin_is_a_fault(alice: User) -> None:
    assert "There is no admin" in titles("fail")


def test_contributors_without_access_are_named(alice: User, charlie: User, bob: User) -> None:
    factories.account(group="Team A")
    item = items()["1 contributor without access to any dev account"]
    assert item.detail == "Charlie"


def test_access_that_is_switched_off_does_not_count(alice: User, bob: User) -> None:
    factories.account(group="Team A")
    DevAccountAccess.objects.update(is_active=False)
    assert "1 contributor without access to any dev account" in titles("warn")
    assert "1 dev account that no team has access to" in titles("warn")


def test_users_without_a_role_are_named(bob: User, make_user: Callable[..., User]) -> None:
    make_user("rita")
    assert items()["1 user without a role"].detail == "Rita"


def test_admins_who_cannot_enter_the_admin_pages(bob: User, make_user: Callable[..., User]) -> None:
    make_user("adam", "Admins")
    assert items()["Admins who cannot enter the admin pages"].detail == "Adam"


def test_a_complete_set_up_misses_nothing(
    alice: User, bob: User, dora: User, redis_server: redis.Redis, client: Client
) -> None:
    factories.account(group="Team A")
    factories.environment()
    factories.environment("Test EU", classification="TEST")
    factories.pack()
    check = {"name": "All", "state": "ok", "detail": "", "to_do": ""}
    Job.objects.create(
        kind=Job.Kind.CONNECTION_CHECK, finished_at=timezone.now(), result={"checks": [check]}
    )
    tasks.tick_task()
    assert [*titles("fail"), *titles("warn")] == []
    client.force_login(bob)
    assert "Nothing is missing." in client.get("/setup/").content.decode()


@pytest.mark.parametrize(
    ("states", "days", "state", "title"),
    [
        (["ok"], 0, "ok", "The connection works"),
        (["ok", "warn"], 0, "warn", "The connection works, with 1 remark"),
        (["ok", "fail", "fail"], 0, "fail", "The connection check found 2 faults"),
        (["ok"], 8, "warn", "The connection check is old"),
    ],
)
def test_the_age_and_the_result_of_the_connection_check(
    db: None, states: list[str], days: int, state: str, title: str
) -> None:
    Job.objects.create(
        kind=Job.Kind.CONNECTION_CHECK,
        finished_at=timezone.now() - timedelta(days=days),
        result={"checks": [{"state": each} for each in states]},
    )
    item = readiness.connection()
    assert (item.state, item.title) == (state, title)
    assert item.detail.startswith("Checked ")


def test_connections_that_recent_plans_miss(client: Client, alice: User, bob: User) -> None:
    account = factories.account()
    for _ in range(2):
        plan = factories.plan(account, alice)
        factories.finding(plan, readiness.MISSING_MAPPINGS, "Bank Gateway", subject_id="DEV-BANK")
    factories.finding(plan, readiness.MISSING_MAPPINGS, "Mapped by now", subject_id="dev-known")
    old = factories.plan(account, alice, created_at=timezone.now() - timedelta(days=60))
    factories.finding(old, readiness.MISSING_MAPPINGS, "Forgotten", subject_id="dev-old")
    ComponentMapping.objects.create(
        dev_account=account,
        dev_component_id="dev-known",
        prod_component_id="prod-known",
        name="Mapped by now",
        component_type="connector-settings",
    )
    assert [finding.subject_name for finding in readiness.unmapped_connections()] == [
        "Bank Gateway"
    ]
    client.force_login(bob)
    page = client.get("/setup/").content.decode()
    assert "Bank Gateway" in page
    assert "/admin/promotions/componentmapping/add/?" in page


# --- Workers and beat ------------------------------------------------------------------------


def test_a_tick_shows_that_workers_and_beat_are_alive(redis_server: redis.Redis) -> None:
    assert heartbeat.pulse() == heartbeat.Pulse(None, 0)
    tasks.tick_task()
    pulse = heartbeat.pulse()
    assert pulse is not None
    assert pulse.is_alive


def test_an_old_tick_and_a_full_queue_mean_that_no_worker_is_there(
    redis_server: redis.Redis,
) -> None:
    old = timezone.now() - timedelta(minutes=5)
    redis_server.set(heartbeat.KEY, old.timestamp())
    assert "No worker or no beat is running" in titles("fail")
    redis_server.lpush(heartbeat.QUEUE, "a task")
    assert "No worker takes up tasks" in titles("fail")
    # A worker that is started later would stumble over it.
    redis_server.delete(heartbeat.QUEUE)


def test_a_redis_that_is_away_is_a_fault_and_no_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_redis", lambda: redis.Redis.from_url("redis://127.0.0.1:9/0"))
    heartbeat.beat()
    assert heartbeat.pulse() is None
    assert "Redis cannot be reached" in titles("fail")


# --- Messages and history --------------------------------------------------------------------


def test_it_is_told_that_nobody_is_told_and_that_messages_failed(settings: Any) -> None:
    settings.EMAIL_BACKEND = transports.DUMMY
    assert "Nobody is notified" in titles("warn")
    channel = Channel.objects.create(name="Operations", kind="slack", encrypted_url=b"")
    assert "People are notified" in titles("ok")
    Delivery.objects.create(channel=channel, state=Delivery.State.FAILED)
    assert "1 message could not be delivered" in titles("warn")


def test_it_is_told_that_events_are_not_sealed(bob: User) -> None:
    assert "Events are not being sealed" not in items()
    Event.objects.create(action="old", at=timezone.now() - timedelta(hours=1))
    seal_events()
    assert "Events are not being sealed" not in items()
    Event.objects.create(action="old", at=timezone.now() - timedelta(hours=1))
    assert "Events are not being sealed" in titles("warn")


# --- Settings --------------------------------------------------------------------------------


def test_faults_of_the_settings_are_told(settings: Any) -> None:
    settings.PARTNER_API_DIALECT = "klingon"
    assert "PARTNER_API_DIALECT is 'klingon'." in titles("fail")


def test_in_production_its_own_checks_are_told_too(settings: Any) -> None:
    assert not any("DEMO is on" in title for title in items())
    settings.LOCAL = False
    assert any("DEMO is on" in title for title in titles("fail"))


def test_groups_are_named_as_the_roles(db: None) -> None:
    Group.objects.create(name=CONTRIBUTORS)
    assert "The Admins group is missing" in titles("fail")
