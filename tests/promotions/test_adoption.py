"""Twins that were copied by hand: proposed against a real simulator, confirmed by a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
import redis
import requests
from django.test import Client
from django.utils import timezone

from partnerapi.simulator import seed
from partnerapi.simulator.documents import ROOT_NAMESPACES
from promotions import partner
from promotions.messages import PromotionError
from promotions.models import ComponentMapping, DevAccount, Event, Job, Plan
from promotions.services import setup as setup_services
from promotions.setup import adoption, jobs
from promotions.setup.adoption import COPIED, NAME_ONLY, NAMESAKE, Proposal
from promotions.states import Action, Status
from tests.promotions import factories, pages
from tests.services import Simulator

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(db: None) -> DevAccount:
    return DevAccount.objects.create(
        account_id=seed.ORDERS_ACCOUNT, name=seed.ACCOUNT_NAMES[seed.ORDERS_ACCOUNT]
    )


@pytest.fixture(params=["guide", "published"])
def dialect(request: pytest.FixtureRequest, simulator: Simulator, settings: Any) -> str:
    chosen = str(request.param)
    answer = requests.post(f"{simulator.url}/_control/reset", json={"dialect": chosen}, timeout=60)
    answer.raise_for_status()
    settings.PARTNER_API_DIALECT = chosen
    return chosen


def quiet(text: str) -> None:
    """Tells nobody how far it is."""


def found(result: dict[str, Any]) -> dict[str, Proposal]:
    """The proposals by the dev component's id."""
    return {stored["dev_component_id"]: adoption.read(stored) for stored in result["proposals"]}


def proposal(**columns: Any) -> Proposal:
    values: dict[str, Any] = {
        "dev_component_id": "dev-a",
        "dev_name": "Order import",
        "dev_folder": "Sales Dev/Orders",
        "dev_version": 4,
        "component_type": "process",
        "prod_component_id": "prod-a",
        "prod_name": "Order import",
        "prod_folder": "Company/Orders",
        "prod_version": 2,
        "how": COPIED,
    }
    return Proposal(**(values | columns))


def job_with(account: DevAccount, *proposals: Proposal) -> Job:
    return Job.objects.create(
        kind=Job.Kind.ADOPTION,
        argument=f"account:{account.pk}",
        finished_at=timezone.now(),
        result={"account": account.account_id, "proposals": [asdict(p) for p in proposals]}
        | {"looked_at": len(proposals), "mapped": 0, "without_twin": 0},
    )


# --- Looking ---------------------------------------------------------------------------------


def test_an_account_is_searched_through_its_packages(
    dialect: str, orders: DevAccount, redis_server: redis.Redis
) -> None:
    result = adoption.propose_for_account(partner.client(), orders, quiet)
    proposals = found(result)
    copied = proposals[seed.ORDERS_CUSTOMER_MASTER_ID]
    assert (copied.prod_component_id, copied.how) == (seed.COPIED_TWIN_ID, COPIED)
    for (_, dev_id), prod_id in seed.PLAIN_TWIN_IDS.items():
        plain = proposals[dev_id]
        assert (plain.prod_component_id, plain.how) == (prod_id, NAMESAKE)
        # The published dialect tells a folder's own name alone.
        assert plain.prod_folder.endswith("Customers")
        assert plain.prod_version
    assert result["looked_at"] > 30
    # Connections are set up by hand, so a name and a type in another folder are worth a look.
    for (account, dev_id), prod_id in seed.CONNECTIONS.items():
        if account == seed.ORDERS_ACCOUNT:
            assert proposals[dev_id].prod_component_id == prod_id
            assert proposals[dev_id].how in (NAMESAKE, NAME_ONLY)


def test_what_is_mapped_is_not_proposed_again(
    dialect: str, orders: DevAccount, redis_server: redis.Redis
) -> None:
    ComponentMapping.objects.create(
        dev_account=orders,
        dev_component_id=seed.ORDERS_CUSTOMER_MASTER_ID,
        prod_component_id=seed.COPIED_TWIN_ID,
        name="Customer Master Sync",
        component_type="process",
    )
    result = adoption.propose_for_account(partner.client(), orders, quiet)
    assert seed.ORDERS_CUSTOMER_MASTER_ID not in found(result)
    assert result["mapped"] == 1


def test_a_twin_that_another_component_of_the_account_has_is_proposed_with_the_conflict(
    simulator: Simulator, orders: DevAccount, redis_server: redis.Redis
) -> None:
    ComponentMapping.objects.create(
        dev_account=orders,
        dev_component_id="something-else",
        prod_component_id=seed.COPIED_TWIN_ID.upper(),
        name="Something else",
        component_type="process",
    )
    result = adoption.propose_for_account(partner.client(), orders, quiet)
    assert "Something else" in found(result)[seed.ORDERS_CUSTOMER_MASTER_ID].conflict


def test_a_twin_that_another_account_has_mapped_may_be_shared(
    simulator: Simulator, orders: DevAccount, redis_server: redis.Redis
) -> None:
    other = DevAccount.objects.create(account_id="other", name="Other")
    ComponentMapping.objects.create(
        dev_account=other,
        dev_component_id="theirs",
        prod_component_id=seed.COPIED_TWIN_ID,
        name="Theirs",
        component_type="process",
    )
    result = adoption.propose_for_account(partner.client(), orders, quiet)
    assert not found(result)[seed.ORDERS_CUSTOMER_MASTER_ID].conflict


def test_a_plan_is_searched_for_what_it_would_create(
    dialect: str, orders: DevAccount, alice: User, redis_server: redis.Redis
) -> None:
    plan = factories.plan(orders, alice, ready=False, state=Plan.State.READY, content_hash="x")
    for name, dev_id, kind, action in (
        ("Customer Record", seed.ORDERS_CUSTOMER_RECORD_ID, "profile.xml", Action.CREATE),
        ("Customer Master Sync", seed.ORDERS_CUSTOMER_MASTER_ID, "process", Action.UNCHANGED),
        ("Nothing like it", "dev-new", "process", Action.CREATE),
    ):
        factories.component(
            plan,
            name,
            kind,
            action,
            dev_component_id=dev_id,
            dev_folder=f"{orders.name}/Orders/Customers",
        )
    # The factory has added a new map and a connection of its own.
    result = adoption.propose_for_plan(partner.client(), plan, quiet)
    assert set(found(result)) == {seed.ORDERS_CUSTOMER_RECORD_ID}
    assert (result["looked_at"], result["without_twin"]) == (4, 3)


def test_a_twin_of_another_connector_is_not_proposed(
    dialect: str, simulator: Simulator, orders: DevAccount, alice: User
) -> None:
    """Two connections of one name, for HTTP and for a database, are no twins; an account's own id is no matter."""

    def made(account: str, name: str, sub_type: str) -> str:
        xml = (
            f'<bns:Component {ROOT_NAMESPACES} name="{name}" type="connector-settings" subType="{sub_type}">'
            '<bns:encryptedValues/><bns:description/><bns:object><C xmlns=""/></bns:object></bns:Component>'
        )
        sent = {"action": "create_component", "account": account, "xml": xml, "folder": "Partner"}
        answer = requests.post(f"{simulator.url}/_control/edit", json=sent, timeout=60)
        assert answer.ok, answer.text
        return str(answer.json()["componentId"])

    plan = factories.plan(orders, alice, ready=False)
    for name, ours, theirs in (
        ("Partner A", "http", "database"),
        ("Partner B", "http", "http"),
        ("Partner C", f"{seed.ORDERS_ACCOUNT}-partner", f"{seed.PRIMARY_ACCOUNT}-partner"),
    ):
        made(seed.PRIMARY_ACCOUNT, name, theirs)
        factories.component(
            plan, name, "connector-settings", Action.CONNECTION, prod_component_id="", sub_type=ours
        )
    result = adoption.propose_for_plan(partner.client(), plan, quiet)
    assert {row["dev_name"] for row in result["proposals"]} == {"Partner B", "Partner C"}
    assert result["without_twin"] == 1


def test_looking_never_writes(
    simulator: Simulator, orders: DevAccount, redis_server: redis.Redis
) -> None:
    before = simulator.state()
    adoption.propose_for_account(partner.client(), orders, quiet)
    after = simulator.state()
    assert before.pop("calls") != after.pop("calls")
    assert before == after
    assert not ComponentMapping.objects.exists()


def test_the_job_keeps_what_it_finds(
    simulator: Simulator, orders: DevAccount, bob: User, redis_server: redis.Redis
) -> None:
    job = setup_services.look_for_twins(bob, orders)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.finished_at
    assert not job.error_code
    assert seed.ORDERS_CUSTOMER_MASTER_ID in found(job.result)


def test_an_account_that_cannot_be_read_ends_the_job_with_the_reason(
    simulator: Simulator, bob: User, redis_server: redis.Redis
) -> None:
    account = DevAccount.objects.create(account_id="not-ours", name="Not ours")
    job = setup_services.look_for_twins(bob, account)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.error_code, job.result) == ("FORBIDDEN_ACCOUNT", {})


@pytest.fixture
def guide(simulator: Simulator, settings: Any) -> None:
    """What the test says of faults and dialects is the guide's, whichever one the other tests speak."""
    settings.PARTNER_API_DIALECT = "guide"
    simulator._call("POST", "reset", {"dialect": "guide"})


@pytest.mark.usefixtures("guide")
def test_one_odd_component_does_not_keep_the_others_from_being_found(
    simulator: Simulator, orders: DevAccount, redis_server: redis.Redis
) -> None:
    simulator.fault(4, "status", status=400, message="The component cannot be parsed.")
    # That it is no empty list is known when the component itself is not there either.
    simulator.fault(5, "status", status=404, after=1)
    result = adoption.propose_for_account(partner.client(), orders, quiet)
    assert len(result["unreadable"]) == 1
    assert seed.ORDERS_CUSTOMER_MASTER_ID in found(result)


# --- Confirming ------------------------------------------------------------------------------


def test_confirming_maps_with_an_event(bob: User) -> None:
    account = factories.account()
    one = proposal()
    done = setup_services.adopt_twins(bob, job_with(account, one), [one.key])
    assert (done.mapped, done.skipped) == (["Order import"], [])
    mapping = ComponentMapping.objects.get()
    assert mapping.dev_account == account
    assert (mapping.dev_component_id, mapping.prod_component_id) == ("dev-a", "prod-a")
    assert (mapping.source, mapping.prod_version) == (ComponentMapping.Source.ADMIN_SEEDING, 2)
    event = Event.objects.get(action="mapping_adopted")
    assert event.actor == bob
    assert "dev-a → prod-a" in event.note


def test_nothing_but_the_proposals_can_be_mapped(bob: User) -> None:
    done = setup_services.adopt_twins(
        bob, job_with(factories.account(), proposal()), ["dev-a:evil"]
    )
    assert not done.mapped
    assert "not among the proposals" in done.skipped[0]
    assert not ComponentMapping.objects.exists()


def test_in_bulk_what_conflicts_is_left_out_with_a_sentence(bob: User, alice: User) -> None:
    account = factories.account()
    ComponentMapping.objects.create(
        dev_account=account,
        dev_component_id="dev-mapped",
        prod_component_id="prod-mapped",
        name="Mapped before",
        component_type="process",
    )
    plan = factories.plan(account, alice)
    factories.component(plan, "Under way", "process", Action.CREATE, dev_component_id="dev-open")
    factories.promotion(plan, alice, Status.ADMIN_REVIEW)
    proposals = [
        proposal(),
        proposal(prod_component_id="prod-b"),  # a second twin for the same component
        proposal(dev_component_id="dev-mapped", dev_name="Known", prod_component_id="prod-c"),
        proposal(dev_component_id="dev-d", dev_name="Thief", prod_component_id="PROD-MAPPED"),
        proposal(dev_component_id="dev-open", dev_name="Under way", prod_component_id="prod-e"),
        proposal(dev_component_id="dev-f", dev_name="Last one", prod_component_id="prod-f"),
    ]
    job = job_with(account, *proposals)
    done = setup_services.adopt_twins(bob, job, [p.key for p in proposals])
    assert done.mapped == ["Order import", "Last one"]
    assert done.skipped == [
        "“Order import” was left out: it is already mapped.",
        "“Known” was left out: it is already mapped.",
        "“Thief” was left out: the twin is mapped by “Mapped before” of the same account.",
        f"“Under way” was left out: promotion {plan.promotion.pk} is creating a twin of its own; "
        "withdraw or cancel that first.",
    ]


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_only_admins_look_and_confirm(
    who: str, request: pytest.FixtureRequest, client: Client
) -> None:
    user = request.getfixturevalue(who)
    account = factories.account()
    one = proposal()
    job = job_with(account, one)
    with pytest.raises(PromotionError, match="FORBIDDEN"):
        setup_services.look_for_twins(user, account)
    with pytest.raises(PromotionError, match="FORBIDDEN"):
        setup_services.adopt_twins(user, job, [one.key])
    assert Event.objects.filter(action="access_refused", actor=user).count() == 2
    client.force_login(user)
    for path in ("/setup/adoption/", f"/setup/adoption/{job.pk}/"):
        assert client.get(path).status_code == 403
    for path in ("/setup/adoption/look/", f"/setup/adoption/{job.pk}/adopt/"):
        assert client.post(path, {"dev_account": account.pk}).status_code == 403
    assert not ComponentMapping.objects.exists()


# --- Pages -----------------------------------------------------------------------------------


def test_the_page_shows_both_sides_and_ticks_what_is_sure(client: Client, bob: User) -> None:
    account = factories.account()
    job = job_with(
        account,
        proposal(),
        proposal(dev_component_id="dev-b", dev_name="Twice", prod_component_id="prod-b1"),
        proposal(dev_component_id="dev-b", dev_name="Twice", prod_component_id="prod-b2"),
        proposal(dev_component_id="dev-c", prod_component_id="prod-c", how=NAME_ONLY),
    )
    client.force_login(bob)
    page = client.get(f"/setup/adoption/{job.pk}/").content.decode()
    for text in ("dev-a", "prod-a", "Sales Dev/Orders", "Company/Orders", "was copied from"):
        assert text in page
    assert page.count(" checked>") == 1
    assert page.count("One of several") == 2


def test_one_by_one_and_in_bulk(client: Client, bob: User) -> None:
    account = factories.account()
    proposals = [
        proposal(dev_component_id=f"dev-{n}", prod_component_id=f"prod-{n}", dev_name=f"No. {n}")
        for n in range(3)
    ]
    job = job_with(account, *proposals)
    client.force_login(bob)
    address = f"/setup/adoption/{job.pk}/adopt/"
    # The button of one row wins over what is ticked elsewhere.
    client.post(address, {"one": proposals[1].key, "proposal": [p.key for p in proposals]})
    assert [m.dev_component_id for m in ComponentMapping.objects.all()] == ["dev-1"]
    page = client.post(address, {"proposal": [p.key for p in proposals]}, follow=True)
    assert ComponentMapping.objects.count() == 3
    text = page.content.decode()
    assert "2 components mapped: No. 0, No. 2." in text
    assert "“No. 1” was left out: it is already mapped." in text
    assert "Everything that was proposed is mapped." in text


def test_many_proposals_come_in_pages(client: Client, bob: User) -> None:
    proposals = [
        proposal(dev_component_id=f"dev-{n}", prod_component_id=f"prod-{n}") for n in range(101)
    ]
    job = job_with(factories.account(), *proposals)
    client.force_login(bob)
    first = client.get(f"/setup/adoption/{job.pk}/").content.decode()
    assert first.count('name="proposal"') == 100
    assert "page=2" in first
    second = client.get(f"/setup/adoption/{job.pk}/?page=2").content.decode()
    assert second.count('name="proposal"') == 1


def test_nothing_ticked_is_told(client: Client, bob: User) -> None:
    job = job_with(factories.account(), proposal())
    client.force_login(bob)
    page = client.post(f"/setup/adoption/{job.pk}/adopt/", follow=True)
    assert "Nothing was ticked" in page.content.decode()


def test_a_search_is_started_from_the_page_and_followed(client: Client, bob: User) -> None:
    account = factories.account()
    client.force_login(bob)
    page = client.post("/setup/adoption/look/", {"dev_account": account.pk}, follow=True)
    job = Job.objects.get()
    assert page.redirect_chain[-1][0] == f"/setup/adoption/{job.pk}/"
    seen = page.context["seen"]
    assert pages.polls(page) == f"/setup/adoption/{job.pk}/?seen={seen}"
    live = client.get(f"/setup/adoption/{job.pk}/?seen={seen}", headers={"HX-Request": "true"})
    assert live.status_code == 204
    # A second click joins the search that is under way.
    client.post("/setup/adoption/look/", {"dev_account": account.pk})
    assert Job.objects.count() == 1
    assert client.post("/setup/adoption/look/", {"dev_account": "x"}).status_code == 404


def test_a_plan_with_twins_offers_to_look_for_all_of_them(
    client: Client, alice: User, bob: User
) -> None:
    plan = factories.plan(factories.account(), alice)
    for name in ("One", "Other"):
        factories.finding(plan, "TWIN_IN_PRODUCTION", name, can_be_accepted=True)
    client.force_login(alice)
    address = 'action="/setup/adoption/look/"'
    assert address not in client.get(plan.get_absolute_url()).content.decode()
    client.force_login(bob)
    assert client.get(plan.get_absolute_url()).content.decode().count(address) == 1
    client.post("/setup/adoption/look/", {"plan": plan.pk})
    job = Job.objects.get()
    assert job.argument == f"plan:{plan.pk}"
    assert setup_services.account_of(job) == plan.dev_account
    page = client.get(f"/setup/adoption/{job.pk}/").content.decode()
    assert f'href="/plans/{plan.pk}/"' in page
