"""Methods that take many ids or names, against the simulator in both dialects."""

import dataclasses
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import pytest

from partnerapi import client as client_module
from partnerapi import errors, wire
from partnerapi.client import PartnerApiClient, Wanted
from partnerapi.dialects import dialect_named
from partnerapi.records import Branch, Call, Component, ComponentMetadata
from partnerapi.simulator import seed
from partnerapi.simulator.server import Server
from partnerapi.simulator.service import PASSWORD, USER, Service
from partnerapi.transport import Transport
from tests.partnerapi.clients import NoThrottle

ACCOUNT = seed.ORDERS_ACCOUNT
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Live:
    """A running simulator, a client of it, and what the client did."""

    client: PartnerApiClient
    calls: list[Call] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def record(self, call: Call) -> None:
        self.threads.add(threading.get_ident())
        self.calls.append(call)

    def count(self) -> Counter[str]:
        """Calls since the last count, by name."""
        found = Counter(call.name for call in self.calls)
        self.calls.clear()
        return found


@pytest.fixture(params=["guide", "published"])
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    service = Service(request.param, 200.0)
    server = Server(("127.0.0.1", 0), service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    kind = dialect_named(request.param)
    on: list[Live] = []
    transport = Transport(
        f"http://127.0.0.1:{server.server_address[1]}",
        seed.PRIMARY_ACCOUNT,
        USER,
        lambda: PASSWORD,
        throttle=NoThrottle(),
        timeout=10,
        time_scale=0.01,
        record=lambda call: on[0].record(call),
    )
    on.append(Live(kind(transport)))
    yield on[0]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def everything(live: Live) -> dict[str, ComponentMetadata]:
    """What is in the dev account, read before the calls are counted."""
    found = {
        item.component_id: item for item in live.client.query_component_metadata(account=ACCOUNT)
    }
    assert len(found) > 5
    live.count()
    return found


def test_metadata_of_many(live: Live, everything: dict[str, ComponentMetadata]) -> None:
    found = live.client.get_many_metadata([*everything, NOBODY], account=ACCOUNT)
    error = found.pop(NOBODY)
    assert isinstance(error, errors.NotFound)
    assert list(found) == list(everything)
    assert found == everything
    counted = live.count()
    # The id that the answer does not have is asked for alone, and nothing else is.
    assert counted.pop("GET ComponentMetadata") == 1
    assert sum(counted.values()) == 1
    assert live.threads == {threading.get_ident()}


def test_an_id_is_found_however_it_is_written(
    live: Live, everything: dict[str, ComponentMetadata]
) -> None:
    first, second = list(everything)[:2]
    found = live.client.get_many_metadata([first.upper(), second], account=ACCOUNT)
    assert found == {first.upper(): everything[first], second: everything[second]}


def told(found: object) -> object:
    """A component with its bytes in place of its document, which is equal to no other."""
    assert isinstance(found, Component), found
    return dataclasses.replace(found, document=found.xml)  # type: ignore[arg-type]


def test_components_of_many(live: Live, everything: dict[str, ComponentMetadata]) -> None:
    wanted = [*everything][:12]
    alone = {id_: live.client.get_component(id_, account=ACCOUNT) for id_ in wanted}
    live.count()
    found = live.client.get_many_components([*wanted, NOBODY], account=ACCOUNT)
    assert isinstance(found.pop(NOBODY), errors.NotFound)
    # Byte by byte what a read of its own gives.
    assert {id_: told(item) for id_, item in found.items()} == {
        id_: told(item) for id_, item in alone.items()
    }
    counted = live.count()
    if live.client.name == "published":
        assert counted == {"BULK Component": 3, "GET Component": 1}
    else:
        assert counted == {"GET Component": 13}
    assert live.threads == {threading.get_ident()}


def test_components_of_many_at_their_versions(
    live: Live, everything: dict[str, ComponentMetadata]
) -> None:
    versions = {id_: item.version for id_, item in [*everything.items()][:5]}
    found = live.client.get_many_components(versions, account=ACCOUNT, versions=versions)
    read = {id_: item.version for id_, item in found.items() if isinstance(item, Component)}
    assert read == versions
    with pytest.raises(ValueError, match="not both"):
        live.client.get_many_components(versions, versions=versions, branch_id="b")


def test_references_of_many(live: Live, everything: dict[str, ComponentMetadata]) -> None:
    versions = {id_: item.version for id_, item in everything.items()}
    alone = {
        id_: live.client.get_component_references(id_, version=version, account=ACCOUNT)
        for id_, version in versions.items()
    }
    assert any(alone.values())
    assert not all(alone.values())
    live.count()
    found = live.client.get_many_references(versions, account=ACCOUNT)
    assert {id_: set(used) for id_, used in found.items() if isinstance(used, tuple)} == {
        id_: set(used) for id_, used in alone.items()
    }
    if live.client.name == "published":
        # Those that use nothing are missing from the grouped answers, and asked for alone.
        groups = -(-len(versions) // 20)
        leaves = sum(not used for used in alone.values())
        assert live.count() == {"GET ComponentReference": groups + leaves}


def test_twins_by_many_names(live: Live, everything: dict[str, ComponentMetadata]) -> None:
    names = sorted({item.name for item in everything.values()})
    found = live.client.query_component_metadata(
        names=[*names, "No & such <name>"], account=ACCOUNT
    )
    assert {item.component_id for item in found} == set(everything)
    # Two names in one answer show that the server looks at the whole group.
    assert live.count() == {"QUERY ComponentMetadata": -(-(len(names) + 1) // 50)}


def test_names_are_asked_for_alone_until_groups_are_known_to_work(live: Live) -> None:
    assert not list(live.client.query_component_metadata(names=["a?", "b?"], account=ACCOUNT))
    assert live.count() == {"QUERY ComponentMetadata": 3}


def test_a_proof_that_groups_work_saves_asking_for_each_name_and_each_origin(live: Live) -> None:
    nobody = [f"00000000-0000-4000-8000-{number:012}" for number in range(60)]
    assert not list(live.client.query_component_metadata(names=nobody))
    # The groups, and two calls for the proof; production has more than a page of neither.
    assert live.count() == {"QUERY ComponentMetadata": 2 + 2}
    assert not list(live.client.query_component_metadata(copied_from=nobody))
    assert live.count() == {"QUERY ComponentMetadata": 2}


def test_copies_of_many(live: Live) -> None:
    (alone,) = live.client.query_component_metadata(
        copied_from_component_id=seed.ORDERS_CUSTOMER_MASTER_ID
    )
    asked = [NOBODY, seed.ORDERS_CUSTOMER_MASTER_ID.upper()]
    assert list(live.client.query_component_metadata(copied_from=asked)) == [alone]


def test_a_refused_sign_in_is_not_repeated(live: Live) -> None:
    transport = live.client._transport
    transport._token = lambda: "wrong"
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(40)]
    found = live.client.get_many_components(ids, account=ACCOUNT)
    assert {type(error) for error in found.values()} == {errors.AuthFailed}
    assert sum(live.count().values()) <= 8  # those that were under way


def test_calls_run_at_once_and_keep_their_order(live: Live) -> None:
    together = threading.Barrier(6, timeout=60)

    def wait(number: int) -> int:
        together.wait()
        return number

    assert live.client.concurrently([partial(wait, n) for n in range(6)]) == [*range(6)]


def test_what_is_no_failure_of_a_call_is_raised(live: Live) -> None:
    def broken() -> tuple[Branch, ...]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        live.client.concurrently([broken, live.client.query_branches])


def test_components_of_two_places_come_as_they_are_answered(
    live: Live, everything: dict[str, ComponentMetadata]
) -> None:
    ours = [next(live.client.query_component_metadata()).component_id, NOBODY]
    live.count()
    wanted = [Wanted(id_, ACCOUNT) for id_ in [*everything][:6]] + [Wanted(id_) for id_ in ours]
    came = dict(live.client.each_component(wanted))
    assert came.keys() == set(wanted)
    assert isinstance(came.pop(Wanted(NOBODY)), errors.NotFound)
    for one, found in came.items():
        assert isinstance(found, Component)
        assert found.component_id == one.component_id
    if live.client.name == "published":
        # Fives of one place each; what is left over of a five, or left out of it, is read alone.
        assert live.count() == {"BULK Component": 2, "GET Component": 2}


def test_who_stops_listening_leaves_no_call_behind(
    live: Live, everything: dict[str, ComponentMetadata]
) -> None:
    with closing(live.client.each_component(Wanted(id_, ACCOUNT) for id_ in everything)) as came:
        next(came)
    made = sum(live.count().values())
    assert 0 < made < len(everything)
    time.sleep(0.1)
    assert not live.count()


def test_who_uses_many_is_asked_in_groups(live: Live) -> None:
    client = live.client
    everything = [item.component_id for item in client.query_component_metadata()]
    alone = {id_: client.query_component_parents(id_) for id_ in everything}
    live.count()
    found = client.get_many_parents(everything)
    for id_, users in found.items():
        assert not isinstance(users, errors.PartnerApiError)
        assert {one.component_id for one in users} == {one.component_id for one in alone[id_]}
    if client.name == "guide":
        assert not live.count()
    else:
        assert any(alone.values())
        # Only of what nobody uses the answer says nothing, and that is asked for alone.
        unused = sum(not users for users in alone.values())
        assert 0 < unused < len(everything)
        assert live.count() == {
            "GET ComponentReference": 1,
            "GET ComponentReference parents": unused,
            "GET ComponentMetadata": unused,  # 400 is believed of what is alive
        }


def test_ids_that_may_be_no_component_s_are_asked_for_in_groups_only(
    live: Live, everything: dict[str, ComponentMetadata]
) -> None:
    first = next(iter(everything))
    found = live.client.find_metadata([first.upper(), NOBODY], account=ACCOUNT)
    assert found == {first: everything[first]}
    assert sum(live.count().values()) == 1


def test_one_query_tells_every_version_that_was_made_on_a_branch(live: Live) -> None:
    client = live.client
    main = client.get_main_branch()
    branch = client.create_branch("promo-versions", "d", parent_id=main.branch_id)
    while not client.get_branch(branch.branch_id).ready:
        pass
    assert client.query_branch_versions(branch.branch_id) == {}
    id_ = next(client.query_component_metadata(component_type="process")).component_id
    before = client.get_component(id_)
    for word in (b"one", b"two"):
        xml = re.sub(
            rb"<bns:description>[^<]*</bns:description>|<bns:description/>",
            b"<bns:description>" + word + b"</bns:description>",
            before.xml,
        )
        written = client.update_component(id_, xml, branch_id=branch.branch_id)
    live.count()
    assert client.query_branch_versions(branch.branch_id) == {id_.lower(): written.version}
    assert written.version > before.version
    assert sum(live.count().values()) == 1


def test_versions_of_other_branches_tell_nothing(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not look at the condition answers versions of main."""
    monkeypatch.setattr(client_module, "Condition", lambda *_: wire.present("componentId"))
    assert live.client.query_branch_versions("another") == {}
    assert sum(live.count().values()) == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_calls_that_others_make_possible_join_them(live: Live, threads: int) -> None:
    """One that waits for a single call is sent beside those that are still on their way."""
    slow, order = threading.Event(), []

    def wait_for_the_last() -> str:
        assert slow.wait(10)
        return "slow"

    def last() -> str:
        slow.set()
        return "last"

    calls = [lambda: "first", last if threads == 1 else wait_for_the_last]
    follow = iter([lambda: "second", last])

    def more() -> list[Callable[[], str]]:
        return [call for call in [next(follow, None)] if call is not None]

    client = dialect_named(live.client.name)(live.client._transport, threads=threads)
    with closing(client.as_they_come(calls, more)) as came:
        for number, result in came:
            order.append((number, result))
    assert len(order) == 4
    assert dict(order)[2] == "second"
    if threads > 1:
        assert order.index((2, "second")) < order.index((1, "slow"))
