"""A client that nobody here wrote, the ``boomi`` SDK, works against the published dialect."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from boomi import Boomi
from boomi import models as sdk_models
from boomi.net.transport.api_error import ApiError

from partnerapi.simulator import seed
from partnerapi.simulator.seed import uid
from tests.partnerapi.simulators import TOKEN, USER, Controls, running, until

# The SDK takes plain text for its enumerations, and its annotations deny it.
models: Any = sdk_models

PARTNER = f"/partner/api/rest/v1/{seed.PRIMARY_ACCOUNT}"
PLAIN = f"/api/rest/v1/{seed.PRIMARY_ACCOUNT}"


@pytest.fixture(scope="module")
def process() -> Iterator[Controls]:
    with running("--dialect", "published", "--speed", "20") as controls:
        yield controls


@pytest.fixture
def simulator_controls(process: Controls) -> Controls:
    process.control("reset")
    return process


@pytest.fixture(params=[PARTNER, PLAIN], ids=["partner", "plain"])
def sdk(simulator_controls: Controls, request: pytest.FixtureRequest) -> Any:
    return Boomi(username=USER, password=TOKEN, base_url=simulator_controls.url + request.param)


def where(kind: str, *terms: tuple[str, str]) -> Any:
    """A query of the SDK: all of these properties EQUAL these values."""
    simple = getattr(models, f"{kind}SimpleExpression")
    expressions = [simple(operator="EQUALS", property=p, argument=[v]) for p, v in terms]
    grouping = getattr(models, f"{kind}GroupingExpression")
    whole = (
        expressions[0]
        if len(expressions) == 1
        else grouping(operator="and", nested_expression=expressions)
    )
    query_filter = getattr(models, f"{kind}QueryConfigQueryFilter")(expression=whole)
    return getattr(models, f"{kind}QueryConfig")(query_filter=query_filter)


def main_branch(sdk: Any) -> str:
    return str(sdk.branch.query_branch(where("Branch", ("name", "main"))).result[0].id_)


def branch(sdk: Any, name: str) -> str:
    made = sdk.branch.create_branch(models.Branch(parent_id=main_branch(sdk), name=name))
    assert (made.ready, made.stage) == (False, "CREATING")
    ready = until(lambda: sdk.branch.get_branch(made.id_), lambda found: found.ready)
    assert ready.stage == "NORMAL"
    return str(made.id_)


def process_xml(text: str, *, branch_id: str, folder_id: str = "", component_id: str = "") -> str:
    return (
        '<bns:Component xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:bns="http://api.platform.boomi.com/" name="From the SDK" type="process" '
        f'componentId="{component_id}" branchId="{branch_id}" folderId="{folder_id}">'
        "<bns:encryptedValues/><bns:description/><bns:object>"
        f'<process xmlns=""><shapes><shape name="shape1" userlabel="{text}"/></shapes></process>'
        "</bns:object><bns:processOverrides/></bns:Component>"
    )


def attribute(xml: bytes, name: str) -> str:
    found = re.search(f'<bns:Component [^>]* {name}="([^"]*)"', xml.decode())
    assert found, (name, xml[:500])
    return found[1]


def merge(sdk: Any, source: str) -> Any:
    made = sdk.merge_request.create_merge_request(
        models.MergeRequest(
            merge_request_details=models.MergeRequestDetails(merge_request_detail=[]),
            source_branch_id=source,
            destination_branch_id=main_branch(sdk),
            strategy="OVERRIDE",
            priority_branch="SOURCE",
        )
    )
    # The SDK insists on details, which a merge request has only once it is drafted: until then
    # it hands out the plain answer.
    merge_id = made["id"] if isinstance(made, dict) else made.id_
    reviewed = until(
        lambda: sdk.merge_request.get_merge_request(merge_id),
        lambda found: not isinstance(found, dict) and found.stage == "REVIEWING",
    )
    sdk.merge_request.execute_merge_request(
        merge_id,
        models.MergeRequest(
            merge_request_details=reviewed.merge_request_details,
            id_=merge_id,
            merge_request_action="MERGE",
        ),
    )
    return until(
        lambda: sdk.merge_request.get_merge_request(merge_id),
        lambda found: found.stage == "MERGED",
    )


def test_a_component_travels_from_a_branch_to_a_release(
    sdk: Any, simulator_controls: Controls
) -> None:
    """Folder, branch, create, update, merge, package, pack, release, deploy: all by the SDK."""
    root = sdk.folder.query_folder(where("Folder", ("name", "Northwind Outfitters"))).result[0]
    folder = sdk.folder.create_folder(models.Folder(name="By SDK", parent_id=root.id_))
    assert folder.full_path == "Northwind Outfitters/By SDK"

    branch_id = branch(sdk, "sdk/work")
    created = sdk.component.create_component(
        process_xml("one", branch_id=branch_id, folder_id=folder.id_)
    )
    component_id = attribute(created, "componentId")
    assert attribute(created, "folderFullPath") == "Northwind Outfitters/By SDK"
    assert attribute(created, "branchId") == branch_id
    updated = sdk.component.update_component(
        component_id, process_xml("two", branch_id=branch_id, component_id=component_id)
    )
    assert attribute(updated, "version") == "2"
    assert b"two" in sdk.component.get_component(f"{component_id}~{branch_id}")
    assert b"one" in sdk.component.get_component(f"{component_id}~1")
    with pytest.raises(ApiError):
        sdk.component.get_component(component_id)

    merged = merge(sdk, branch_id)
    detail = merged.merge_request_details.merge_request_detail[0]
    assert (detail.component_guid, detail.change_type) == (component_id, "ADDED")
    sdk.branch.delete_branch(branch_id)
    assert [b["name"] for b in simulator_controls.state()["branches"]] == ["main"]
    on_main = sdk.component_metadata.get_component_metadata(component_id)
    assert (on_main.current_version, on_main.branch_name) == (True, "main")

    package = sdk.packaged_component.create_packaged_component(
        models.PackagedComponent(
            component_id=component_id,
            component_type="process",
            package_version="1.0",
            notes="By the SDK",
            shareable=True,
            branch_name="main",
        )
    )
    manifest = sdk.packaged_component_manifest.get_packaged_component_manifest(package.package_id)
    assert [info.id_ for info in manifest.component_info] == [component_id]

    pack = sdk.publisher_integration_pack.create_publisher_integration_pack(
        models.PublisherIntegrationPack(
            description="By the SDK", name="SDK pack", installation_type="MULTI"
        )
    )
    sdk.publisher_integration_pack.update_publisher_integration_pack(
        pack.id_,
        models.PublisherIntegrationPack(
            description="By the SDK",
            id_=pack.id_,
            name="SDK pack",
            installation_type="MULTI",
            operation_type="ADD",
            publisher_packaged_components=models.PublisherPackagedComponents(
                [models.PublisherPackagedComponent(component_id=component_id)]
            ),
        ),
    )
    pending = sdk.publisher_integration_pack.get_publisher_integration_pack(pack.id_)
    entry = pending.publisher_packaged_components.publisher_packaged_component[0]
    assert (entry.current_version, entry.pending_version) == ("", "1.0")

    simulator_controls.edit(release_mode="stuck")
    release = sdk.release_integration_pack.create_release_integration_pack(
        models.ReleaseIntegrationPack(
            id_=pack.id_,
            name="SDK pack",
            installation_type="MULTI",
            release_schedule="IMMEDIATELY",
            release_packaged_components=models.ReleasePackagedComponents(
                [models.ReleasePackagedComponent(component_id=component_id, version="1.0")]
            ),
        )
    )
    ask = sdk.release_integration_pack_status.get_release_integration_pack_status
    assert ask(release.request_id).release_status == "IN_PROGRESS"
    simulator_controls.edit(release_mode="normal")
    done = until(lambda: ask(release.request_id), lambda s: s.release_status != "IN_PROGRESS")
    assert (done.release_status, done.response_status_code) == ("SUCCESS", 200)

    deployed = sdk.deployed_package.create_deployed_package(
        models.DeployedPackage(
            environment_id=seed.ENVIRONMENTS["prod-eu"], package_id=package.package_id
        )
    )
    assert (deployed.active, deployed.package_version) == (True, "1.0")
    state = simulator_controls.state()
    assert [d["package_id"] for d in state["deployments"]] == [package.package_id]
    assert state["dangling_references"] == []


def test_queries_filter(sdk: Any) -> None:
    production = sdk.packaged_component.query_packaged_component(
        where("PackagedComponent", ("componentType", "process"), ("shareable", "true"))
    )
    names = {row.package_version for row in production.result}
    assert names == {"1.0", "4.2", "2023.1"}
    metadata = sdk.component_metadata.query_component_metadata(
        where("ComponentMetadata", ("name", "Stock Level Sync"), ("currentVersion", "true"))
    )
    assert [row.folder_name for row in metadata.result] == ["Stock"]
    environments = sdk.environment.query_environment(
        where("Environment", ("classification", "PROD"))
    )
    assert environments.number_of_results == 2


def test_what_more_than_a_page_holds_comes_with_the_token(
    simulator_controls: Controls, sdk: Any
) -> None:
    simulator_controls.control("reset", seed="large")
    everything = where("ComponentMetadata", ("type", "profile.json"))
    page = sdk.component_metadata.query_component_metadata(everything)
    total = page.number_of_results
    while getattr(page, "query_token", None):
        page = sdk.component_metadata.query_more_component_metadata(page.query_token)
        total += page.number_of_results
    assert total > 1000


def test_references_are_parents_by_get_and_children_by_query(sdk: Any) -> None:
    stock = seed.TWINS[seed.ORDERS_ACCOUNT, uid(seed.ORDERS_ACCOUNT, "get-stock")]
    parents = sdk.component_reference.get_component_reference(stock)
    assert {reference.component_id for reference in parents.references} == {stock}
    children = sdk.component_reference.query_component_reference(
        where("ComponentReference", ("parentComponentId", stock), ("parentVersion", "1"))
    )
    profile = uid(seed.PRIMARY_ACCOUNT, "stock-level")
    assert [row.references[0].component_id for row in children.result] == [profile]
    process = uid(seed.PRIMARY_ACCOUNT, "stock-report")
    with pytest.raises(ApiError) as error:
        sdk.component_reference.get_component_reference(process)
    assert error.value.status == 400


def test_bulk_reads_tell_each_id_apart(sdk: Any) -> None:
    known, unknown = seed.COPIED_TWIN_ID, "00000000-0000-4000-8000-000000000000"
    xml = sdk.component.bulk_component(
        models.ComponentBulkRequest(
            type_="GET", request=[models.BulkId(id_=known), models.BulkId(id_=unknown)]
        )
    )
    assert xml.count(b"<bns:Result ") == 1
    assert b'statusCode="400"' in xml
    with pytest.raises(ApiError):
        sdk.component.bulk_component(
            models.ComponentBulkRequest(type_="GET", request=[models.BulkId(id_=known)] * 6)
        )
    packs = sdk.publisher_integration_pack.bulk_publisher_integration_pack(
        models.PublisherIntegrationPackBulkRequest(
            type_="GET", request=[models.BulkId(id_=pack) for pack in seed.PACKS.values()]
        )
    )
    assert len(packs.response) == len(seed.PACKS)


def test_errors_reach_the_caller_with_their_message(sdk: Any) -> None:
    with pytest.raises(ApiError) as error:
        sdk.branch.get_branch("QjoxMjM0NTY")
    assert error.value.status == 400
    with pytest.raises(ApiError) as error:
        sdk.component.create_component("<nonsense/>")
    assert error.value.status == 400
