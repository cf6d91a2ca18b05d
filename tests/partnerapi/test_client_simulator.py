"""The client and the simulator understand each other over HTTP, in both dialects."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from partnerapi import componentxml, errors
from partnerapi.client import PartnerApiClient
from partnerapi.dialects import dialect_named
from partnerapi.records import Branch, Component, Folder, MergeRequest, PackagedComponent, Release
from partnerapi.simulator import seed
from partnerapi.simulator.server import Server
from partnerapi.simulator.service import PASSWORD, USER, Service
from partnerapi.transport import Transport
from tests.partnerapi.clients import NoThrottle

_Found = TypeVar("_Found")

AWKWARD = "A & B \"quoted\" 'single' <tag> ~/slash é 🚀 " + "long " * 40


@dataclass
class Live:
    """A running simulator and a client of it."""

    service: Service
    client: PartnerApiClient
    url: str

    @property
    def pinned(self) -> bool:
        return self.client.capabilities.pins_versions


@pytest.fixture(params=["guide", "published"])
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    service = Service(request.param, 200.0)
    server = Server(("127.0.0.1", 0), service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    yield Live(service, dialect_named(request.param)(_transport(url)), url)
    server.shutdown()
    server.server_close()
    thread.join()


def _transport(url: str, user: str = USER, token: str = PASSWORD) -> Transport:
    return Transport(
        url,
        seed.PRIMARY_ACCOUNT,
        user,
        lambda: token,
        throttle=NoThrottle(),
        timeout=10,
        time_scale=0.01,
    )


def _until(ask: Callable[[], _Found], done: Callable[[_Found], bool]) -> _Found:
    end = time.monotonic() + 60
    while not done(found := ask()):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def _branch(live: Live, name: str = "promo-test") -> Branch:
    made = live.client.create_branch(name, "a test")
    return _until(lambda: live.client.get_branch(made.branch_id), lambda branch: branch.ready)


def _document(live: Live, source: Component, name: str = "") -> bytes:
    """A component of a dev account, addressed to the primary account's Promoted folder."""
    [folder] = live.client.ensure_folders(["/Promoted/Over the wire"]).values()
    document = componentxml.set_envelope(
        source.document,
        component_id=None,
        folder_full_path="/Promoted/Over the wire",
        folder_id=folder.folder_id if isinstance(folder, Folder) else None,
    )
    xml = document.to_bytes()
    if name:
        quoted = name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        xml = xml.replace(f'name="{source.name}"'.encode(), f'name="{quoted}"'.encode(), 1)
    return xml


def _heartbeat(live: Live) -> Component:
    """A component that uses nothing."""
    package = next(
        found
        for found in live.client.query_packaged_components(account=seed.ORDERS_ACCOUNT)
        if found.package_id == seed.SINGLE_COMPONENT_PACKAGE_ID
    )
    return live.client.get_component(package.component_id, account=seed.ORDERS_ACCOUNT)


def _merge(live: Live, branch: Branch) -> MergeRequest:
    main = next(item for item in live.client.query_branches() if item.is_main)
    asked = live.client.create_merge_request(branch.branch_id, target_branch_id=main.branch_id)
    ask = lambda: live.client.get_merge_request(asked.merge_request_id)  # noqa: E731
    ready = _until(ask, lambda merge: not merge.is_moving)
    if ready.can_be_executed:
        live.client.execute_merge_request(asked.merge_request_id)
    return _until(ask, lambda merge: merge.is_merged)


def _release(live: Live, pack_id: str, package: PackagedComponent) -> Release:
    made = live.client.release_integration_pack(
        pack_id, packages=[package], version="wire-1", notes="n"
    )
    if not made.is_running:
        return made
    return _until(
        lambda: live.client.get_release(made.release_id), lambda release: not release.is_running
    )


# -- reading -----------------------------------------------------------------


def test_a_package_and_what_it_uses(live: Live) -> None:
    packages = {
        package.package_id: package
        for package in live.client.query_packaged_components(account=seed.ORDERS_ACCOUNT)
    }
    package = packages[seed.DEMO_PACKAGE_ID]
    assert package.component_id == seed.DEMO_COMPONENT_ID
    root = live.client.get_component_metadata(package.component_id, account=seed.ORDERS_ACCOUNT)
    used = live.client.get_component_references(
        package.component_id, version=root.version, account=seed.ORDERS_ACCOUNT
    )
    assert len(used) > 3
    for reference in used:
        found = live.client.get_component(reference.component_id, account=seed.ORDERS_ACCOUNT)
        assert found.name
        assert found.xml
    pinned = live.client.get_package_manifest(package.package_id, account=seed.ORDERS_ACCOUNT)
    assert (pinned is not None) is live.pinned
    if pinned is not None:
        assert {package.component_id} < {one.component_id for one in pinned}


def test_pages(live: Live) -> None:
    found = live.client.query_packaged_components(
        account=seed.FINANCE_ACCOUNT, component_id=seed.RATES_COMPONENT_ID
    )
    assert len({package.package_id for package in found}) > 100


def test_awkward_names_are_read(live: Live) -> None:
    package = next(
        found
        for found in live.client.query_packaged_components(account=seed.LOGISTICS_ACCOUNT)
        if found.package_id == seed.AWKWARD_PACKAGE_ID
    )
    assert package.package_version == '1.0~rc/2 & "final" 🚚'
    again = live.client.query_packaged_components(
        account=seed.LOGISTICS_ACCOUNT,
        component_id=package.component_id,
        package_version=package.package_version,
    )
    assert [one.package_id for one in again] == [package.package_id]
    component = live.client.get_component(package.component_id, account=seed.LOGISTICS_ACCOUNT)
    metadata = live.client.get_component_metadata(
        package.component_id, account=seed.LOGISTICS_ACCOUNT
    )
    assert component.name == metadata.name
    assert len(metadata.name) > 20


def test_a_component_that_uses_nothing(live: Live) -> None:
    alone = _heartbeat(live)
    assert (
        live.client.get_component_references(
            alone.component_id, version=alone.version, account=seed.ORDERS_ACCOUNT
        )
        == ()
    )


def test_who_uses_a_component(live: Live) -> None:
    twin = next(live.client.query_component_metadata(component_type="process"))
    used = live.client.get_component_references(twin.component_id, version=twin.version)
    parents = live.client.query_component_parents(used[0].component_id) if used else ()
    if live.client.capabilities.reports_parents and used:
        assert twin.component_id in {parent.component_id for parent in parents}
    else:
        assert parents == ()


def test_metadata_by_name_type_and_origin(live: Live) -> None:
    (copied,) = live.client.query_component_metadata(
        copied_from_component_id=seed.ORDERS_CUSTOMER_MASTER_ID
    )
    assert copied.component_id == seed.COPIED_TWIN_ID
    same = live.client.query_component_metadata(name=copied.name, component_type=copied.type)
    assert copied.component_id in {one.component_id for one in same}


def test_the_account(live: Live) -> None:
    assert {one.classification for one in live.client.query_environments()} == {"TEST", "PROD"}
    assert {one.account_id for one in live.client.query_accounts()} >= set(seed.DEV_ACCOUNTS)


# -- refusals ----------------------------------------------------------------


def test_unknown_ids(live: Live) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    for call in (
        lambda: live.client.get_component(unknown),
        lambda: live.client.get_component_metadata(unknown, account=seed.ORDERS_ACCOUNT),
        lambda: live.client.get_branch("Qjo5OTk5"),
        lambda: live.client.get_merge_request("TVI6OTk5"),
    ):
        with pytest.raises(errors.NotFound):
            call()


def test_an_account_that_is_not_ours(live: Live) -> None:
    with pytest.raises((errors.Forbidden, errors.AccountNotFound)):
        list(live.client.query_packaged_components(account="nobody-123"))


@pytest.mark.parametrize(
    ("user", "token"), [(USER, "wrong"), (USER.removeprefix("BOOMI_TOKEN."), PASSWORD)]
)
def test_wrong_credentials(live: Live, user: str, token: str) -> None:
    client = type(live.client)(_transport(live.url, user, token))
    with pytest.raises(errors.AuthFailed):
        client.query_branches()


def test_the_wrong_dialect_is_noticed(live: Live) -> None:
    # At a component that others use; of one that nobody uses both dialects say that it is alone.
    root = live.client.get_component_metadata(seed.DEMO_COMPONENT_ID, account=seed.ORDERS_ACCOUNT)
    used = live.client.get_component_references(
        root.component_id, version=root.version, account=seed.ORDERS_ACCOUNT
    )
    other = "published" if live.client.name == "guide" else "guide"
    client = dialect_named(other)(_transport(live.url))
    with pytest.raises(errors.BadResponse, match="dialect"):
        client.get_component_references(
            used[0].component_id, version=1, account=seed.ORDERS_ACCOUNT
        )


# -- a promotion, call by call -----------------------------------------------


def test_a_component_from_dev_to_deployed(live: Live) -> None:
    client = live.client
    branch = _branch(live)
    source = _heartbeat(live)
    created = client.create_component(_document(live, source), branch_id=branch.branch_id)
    assert created.component_id != source.component_id
    assert created.folder_full_path.strip("/").endswith("Promoted/Over the wire")
    on_branch = client.get_component(created.component_id, branch_id=branch.branch_id)
    assert on_branch.version == created.version
    with pytest.raises(errors.NotFound):
        client.get_component(created.component_id)

    with pytest.raises(errors.ImmaterialUpdate):
        client.update_component(created.component_id, on_branch.xml, branch_id=branch.branch_id)
    changed = on_branch.xml.replace(b"</bns:description>", b" Changed.</bns:description>", 1)
    assert changed != on_branch.xml
    updated = client.update_component(created.component_id, changed, branch_id=branch.branch_id)
    assert updated.version > created.version

    merged = _merge(live, branch)
    if client.capabilities.reports_merge_details:
        assert merged.details is not None
        assert [one.component_id for one in merged.details] == [created.component_id]
    assert client.get_component(created.component_id).version >= updated.version

    package = client.create_packaged_component(
        created.component_id, package_version="1.0 & more", notes=AWKWARD
    )
    with pytest.raises(errors.AlreadyExists):
        client.create_packaged_component(
            created.component_id, package_version="1.0 & more", notes=""
        )
    pack = client.create_integration_pack("Wire é", "made by a test")
    with pytest.raises(errors.AlreadyExists):
        client.create_integration_pack("Wire é", "again")
    client.add_to_integration_pack(pack.pack_id, package)
    released = _release(live, pack.pack_id, package)
    assert released.state == "SUCCESS"
    listed = {one.pack_id: one for one in client.query_integration_packs()}[pack.pack_id]
    assert [(one.component_id, one.current_version) for one in listed.entries] == [
        (created.component_id, "1.0 & more")
    ]

    deploys_pack = client.capabilities.deploys_released_package
    package_id = released.package_id if deploys_pack else package.package_id
    environment = next(one for one in client.query_environments() if one.classification == "TEST")
    assert environment.environment_id not in client.query_pack_environments(pack.pack_id)
    where = {"environment_id": environment.environment_id, "package_id": package_id}
    assert client.query_deployed_packages(**where) == ()
    deployed = client.create_deployed_package(environment.environment_id, package_id, notes="n")
    assert [one.deployment_id for one in client.query_deployed_packages(**where)] == [
        deployed.deployment_id
    ]
    with pytest.raises(errors.AlreadyExists):
        client.create_deployed_package(environment.environment_id, package_id)

    client.delete_branch(branch.branch_id)
    client.delete_branch(branch.branch_id)
    assert branch.name not in {one.name for one in client.query_branches()}
    with pytest.raises(errors.NotFound):
        client.get_branch(branch.branch_id)


def test_a_second_package_in_a_pack_leaves_the_first_as_it_is(live: Live) -> None:
    client = live.client
    pack = next(one for one in client.query_integration_packs() if one.entries)
    before = {one.component_id: one.current_version for one in pack.entries}
    branch = _branch(live)
    created = client.create_component(_document(live, _heartbeat(live)), branch_id=branch.branch_id)
    _merge(live, branch)
    package = client.create_packaged_component(created.component_id, package_version="1", notes="")
    client.add_to_integration_pack(pack.pack_id, package)
    assert _release(live, pack.pack_id, package).state == "SUCCESS"
    after = {
        one.component_id: one.current_version
        for found in client.query_integration_packs()
        if found.pack_id == pack.pack_id
        for one in found.entries
    }
    assert after == before | {created.component_id: "1"}


def test_awkward_names_survive_the_trip(live: Live) -> None:
    branch = _branch(live)
    source = _heartbeat(live)
    xml = _document(live, source, name=AWKWARD)
    created = live.client.create_component(xml, branch_id=branch.branch_id)
    assert created.name == AWKWARD
    found = live.client.get_component(created.component_id, branch_id=branch.branch_id)
    assert found.name == AWKWARD
    _merge(live, branch)
    assert live.client.get_component_metadata(created.component_id).name == AWKWARD
    (same,) = live.client.query_component_metadata(name=AWKWARD)
    assert same.component_id == created.component_id


def test_a_branch_gets_the_name_that_is_answered(live: Live) -> None:
    made = live.client.create_branch("promo/1 & é", "d")
    assert live.client.get_branch(made.branch_id).name == made.name
    (found,) = live.client.query_branches(name=made.name)
    assert found.branch_id == made.branch_id


def test_no_more_branches(live: Live) -> None:
    limit = 20
    for number in range(limit):
        live.client.create_branch(f"promo-{number}", "d")
    with pytest.raises(errors.BranchLimitReached):
        live.client.create_branch(f"promo-{limit}", "d")


def test_a_branch_from_a_package(live: Live) -> None:
    client = live.client
    branch = _branch(live)
    created = client.create_component(_document(live, _heartbeat(live)), branch_id=branch.branch_id)
    package = client.create_packaged_component(
        created.component_id, package_version="t1", notes="", branch_name=branch.name
    )
    client.delete_branch(branch.branch_id)
    made = client.create_branch("promo-again", "d", package_id=package.package_id)
    again = _until(lambda: client.get_branch(made.branch_id), lambda one: one.ready)
    found = client.get_component(created.component_id, branch_id=again.branch_id)
    assert found.component_id == created.component_id
    with pytest.raises(errors.NotFound):
        client.get_component(created.component_id)
