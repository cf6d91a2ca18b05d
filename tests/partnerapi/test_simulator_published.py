"""The simulator in the published dialect: the rules on which the two dialects differ."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import requests

from partnerapi.simulator import seed
from partnerapi.simulator.documents import BNS, XSI
from partnerapi.simulator.seed import uid
from tests.partnerapi.simulators import JSON, XML, Controls, running, until

PRIMARY = seed.PRIMARY_ACCOUNT
STOCK = uid(PRIMARY, "stock-sync")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def process() -> Iterator[Controls]:
    with running("--dialect", "published", "--speed", "10") as controls:
        yield controls


@pytest.fixture
def api(process: Controls) -> Controls:
    process.control("reset")
    return process


def message(answer: requests.Response) -> str:
    if answer.headers["Content-Type"] == JSON:
        said: Any = answer.json()
        return str(said.get("error", said)["message"])
    found = re.search("<message>(.*)</message>", answer.text)
    assert found, answer.text
    return found[1]


def get(api: Controls, path: str, account: str = "") -> Any:
    answer = api.call("GET", path, accept=JSON, account=account)
    assert answer.ok, answer.text
    return answer.json()


def grouped(operator: str, *nested: Any) -> dict[str, Any]:
    return {"operator": operator, "nestedExpression": list(nested)}


def equals(name: str, value: object) -> dict[str, Any]:
    return {"operator": "EQUALS", "property": name, "argument": [str(value)]}


def asked(api: Controls, kind: str, expression: Any, account: str = "") -> list[Any]:
    body = {"QueryFilter": {"expression": expression}}
    answer = api.call("POST", f"{kind}/query", json=body, account=account)
    assert answer.ok, answer.text
    rows: list[Any] = answer.json()["result"]
    return rows


def query(api: Controls, kind: str, **equal: str) -> list[Any]:
    nested = [equals(name, value) for name, value in equal.items()]
    return asked(api, kind, grouped("and", *nested) if nested else everything(kind))


def everything(kind: str) -> dict[str, Any]:
    """A filter that every object passes: a query without one is refused."""
    names = {
        "PackagedComponent": "componentId",
        "ComponentMetadata": "componentId",
        "IntegrationPackInstance": "integrationPackId",
        "IntegrationPackEnvironmentAttachment": "environmentId",
    }
    return {"operator": "IS_NOT_NULL", "property": names.get(kind, "id")}


def everything_in_xml(kind: str) -> str:
    asked_by = everything(kind)["property"]
    return (
        f'<QueryConfig xmlns="{BNS}" xmlns:xsi="{XSI}"><QueryFilter><expression '
        f'operator="IS_NOT_NULL" property="{asked_by}" xsi:type="SimpleExpression"/>'
        "</QueryFilter></QueryConfig>"
    )


def main_id(api: Controls) -> str:
    return str(query(api, "Branch", name="main")[0]["id"])


def make_branch(api: Controls, name: str = "promo-1") -> str:
    made = api.call("POST", "Branch", json={"name": name, "parentId": main_id(api)}).json()
    until(lambda: get(api, f"Branch/{made['id']}"), lambda b: b["ready"])
    return str(made["id"])


def process_xml(text: str = "one", **attributes: str) -> str:
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return (
        '<bns:Component xmlns:bns="http://api.platform.boomi.com/" name="Made by a test"'
        f' type="process" folderFullPath="Somewhere/Else"{more}>'
        "<bns:encryptedValues/><bns:description/><bns:object>"
        f'<process xmlns=""><shapes><shape name="shape1" userlabel="{text}"/></shapes></process>'
        "</bns:object><bns:processOverrides/></bns:Component>"
    )


def attribute(answer: requests.Response, name: str) -> str:
    assert answer.ok, answer.text
    found = re.search(f'<bns:Component [^>]*?{name}="([^"]*)"', answer.content.decode())
    assert found, answer.text[:500]
    return found[1]


# -- errors and addresses --------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"Component/{NOBODY}",
        "Component/not-an-id",
        f"Component/{seed.DELETED_COMPONENT_ID}",
        f"ComponentMetadata/{NOBODY}",
        f"ComponentReference/{NOBODY}",
        "Branch/QjoxMjM",
        "MergeRequest/TVI6MQ",
        f"PackagedComponent/{NOBODY}",
        f"PackagedComponentManifest/{NOBODY}",
        f"PublisherIntegrationPack/{NOBODY}",
        "ReleaseIntegrationPackStatus/release-nothing",
        "Folder/RjoxMjM",
    ],
)
def test_what_is_missing_is_400_and_not_404(api: Controls, path: str) -> None:
    answer = api.call("GET", path)
    assert answer.status_code == 400
    assert re.search("is not found|is invalid", message(answer))


def test_the_guides_addresses_are_refused(api: Controls) -> None:
    branch_id = make_branch(api)
    assert api.call("POST", f"Component~{branch_id}", process_xml()).status_code == 404
    answer = api.call("POST", f"Component/{STOCK}~{branch_id}", process_xml())
    assert (answer.status_code, "is invalid" in message(answer)) == (400, True)
    answer = api.call("POST", "IntegrationPack", json={"name": "x", "installationType": "MULTI"})
    assert "Unknown objectType" in message(answer)
    assert api.call("POST", "Branch", json={"name": "x", "description": "y"}).status_code == 400
    body = {"sourceBranchId": branch_id, "targetBranchId": main_id(api), "strategy": "OVERRIDE"}
    assert api.call("POST", "MergeRequest", json=body).status_code == 400
    filter_ = '<QueryFilter xmlns="http://api.platform.boomi.com/"/>'
    assert api.call("POST", "PackagedComponent/query", filter_).status_code == 400


def test_both_addresses_are_served_and_only_one_knows_override_account(api: Controls) -> None:
    plain = f"/api/rest/v1/{PRIMARY}/"
    assert api.call("GET", f"Component/{STOCK}", prefix=plain).ok
    path = f"Component/{seed.DEMO_COMPONENT_ID}"
    assert api.call("GET", path, account=seed.ORDERS_ACCOUNT).ok
    ignored = api.call("GET", path, account=seed.ORDERS_ACCOUNT, prefix=plain)
    assert ignored.status_code == 400


def test_everything_speaks_xml_and_json(api: Controls) -> None:
    for kind in (
        "Branch",
        "Environment",
        "Folder",
        "PackagedComponent",
        "PublisherIntegrationPack",
    ):
        xml = api.call("POST", f"{kind}/query", everything_in_xml(kind))
        assert xml.text.count("<bns:result ") == len(query(api, kind))
    body = (
        '<bns:Branch xmlns:bns="http://api.platform.boomi.com/" name="by-xml" '
        f'parentId="{main_id(api)}"/>'
    )
    answer = api.call("POST", "Branch", body)
    assert 'name="by-xml"' in answer.text
    assert api.call("GET", f"Component/{STOCK}", accept=JSON).status_code == 406


# -- components ------------------------------------------------------------------------------


def test_the_branch_is_an_attribute_and_the_path_is_ignored(api: Controls) -> None:
    branch_id = make_branch(api)
    answer = api.call("POST", "Component", process_xml(branchId=branch_id))
    assert attribute(answer, "folderFullPath") == "Northwind Outfitters"
    component_id = attribute(answer, "componentId")
    assert api.call("GET", f"Component/{component_id}").status_code == 400
    answer = api.call(
        "POST",
        f"Component/{component_id}",
        process_xml("two", branchId=branch_id, componentId=component_id),
    )
    assert (attribute(answer, "version"), attribute(answer, "branchId")) == ("2", branch_id)
    without_id = process_xml("three", branchId=branch_id)
    assert api.call("POST", f"Component/{component_id}", without_id).status_code == 400


def test_a_component_lands_in_the_folder_of_its_folder_id(api: Controls) -> None:
    root = query(api, "Folder", name="Northwind Outfitters")[0]["id"]
    body = {"name": "Promoted/x~ & 🚚", "parentId": root}
    folder = api.call("POST", "Folder", json=body).json()
    assert api.call("POST", "Folder", json=body).status_code == 400
    branch_id = make_branch(api)
    xml = process_xml(branchId=branch_id, folderId=folder["id"])
    assert attribute(api.call("POST", "Component", xml), "folderId") == folder["id"]
    nowhere = process_xml(branchId=branch_id, folderId="RjoxMjM")
    assert api.call("POST", "Component", nowhere).status_code == 400


def test_a_folder_without_a_parent_is_made_in_the_root(api: Controls) -> None:
    made = api.call("POST", "Folder", json={"name": "Top"}).json()
    assert made["fullPath"] == "Northwind Outfitters/Top"


def test_a_folder_is_deleted_with_what_is_in_it_and_can_be_restored(api: Controls) -> None:
    folder = get(api, f"ComponentMetadata/{STOCK}")["folderId"]
    assert api.call("DELETE", f"Folder/{folder}", accept="*/*").ok
    assert api.call("GET", f"Component/{STOCK}").status_code == 400
    xml = process_xml(folderId=folder)
    assert api.call("POST", "Component", xml).status_code == 400
    restored = api.call("POST", "Folder", json={"id": folder, "name": "Stock"}).json()
    assert restored["deleted"] is False


def test_without_branching_a_write_lands_on_main_and_says_nothing(api: Controls) -> None:
    api.edit(branching_enabled=False)
    answer = api.call("POST", "Component", process_xml(branchId="QjoxMjM"))
    component_id = attribute(answer, "componentId")
    assert api.call("GET", f"Component/{component_id}").ok
    assert api.call("POST", "Branch/query", json={}).status_code == 400


def test_metadata_has_the_folders_id_and_no_path(api: Controls) -> None:
    found = get(api, f"ComponentMetadata/{seed.DEMO_COMPONENT_ID}", seed.ORDERS_ACCOUNT)
    assert "folderFullPath" not in found
    folder = get(api, f"Folder/{found['folderId']}", seed.ORDERS_ACCOUNT)
    assert folder["fullPath"] == "Northwind Orders Team/Orders/Order to Cash"


def test_metadata_queries_give_old_revisions_too(api: Controls) -> None:
    body = {
        "QueryFilter": {
            "expression": {
                "operator": "EQUALS",
                "property": "componentId",
                "argument": [uid(seed.ORDERS_ACCOUNT, "stock-sync")],
            }
        }
    }
    path, account = "ComponentMetadata/query", seed.ORDERS_ACCOUNT
    rows = api.call("POST", path, json=body, account=account).json()["result"]
    assert [(r["version"], r["currentVersion"]) for r in rows] == [
        (1, False),
        (2, False),
        (3, True),
    ]


def test_a_deletion_goes_through_metadata(api: Controls) -> None:
    assert api.call("DELETE", f"ComponentMetadata/{STOCK}", accept="*/*").ok
    assert api.call("GET", f"Component/{STOCK}").status_code == 400
    assert get(api, f"ComponentMetadata/{STOCK}")["deleted"] is True
    again = api.call("POST", "ComponentMetadata", json={"componentId": STOCK})
    assert again.json()["deleted"] is False
    assert api.call("GET", f"Component/{STOCK}").ok


# -- references and manifests ----------------------------------------------------------------


def test_get_tells_parents_and_query_tells_children(api: Controls) -> None:
    operation = uid(PRIMARY, "get-stock")
    parents = get(api, f"ComponentReference/{operation}")["references"]
    report = uid(PRIMARY, "stock-report")
    assert {r["parentComponentId"] for r in parents} == {STOCK, report}
    children = query(api, "ComponentReference", parentComponentId=operation, parentVersion="1")
    assert children[0]["references"][0]["componentId"] == uid(PRIMARY, "stock-level")
    leaf = uid(PRIMARY, "stock-level")
    assert query(api, "ComponentReference", parentComponentId=leaf, parentVersion="1") == []
    answer = api.call("GET", f"ComponentReference/{report}")
    assert answer.status_code == 400


def test_children_need_the_parents_version(api: Controls) -> None:
    expression = {"operator": "EQUALS", "property": "parentComponentId", "argument": [STOCK]}
    body = {"QueryFilter": {"expression": expression}}
    assert api.call("POST", "ComponentReference/query", json=body).status_code == 400


def test_a_route_is_independent_and_not_in_the_manifest(api: Controls) -> None:
    account = seed.LOGISTICS_ACCOUNT
    route, dispatch = uid(account, "delivery-route"), uid(account, "dispatch")
    parents = get(api, f"ComponentReference/{route}", account)["references"]
    assert [(r["parentComponentId"], r["type"]) for r in parents] == [(dispatch, "INDEPENDENT")]
    manifest = get(api, f"PackagedComponentManifest/{seed.ROUTE_PACKAGE_ID}", account)
    assert [info["id"] for info in manifest["componentInfo"]] == [dispatch]


def test_a_manifest_keeps_the_versions_that_were_packaged(api: Controls) -> None:
    manifest = get(
        api, f"PackagedComponentManifest/{seed.OLD_UPDATE_PACKAGE_ID}", seed.ORDERS_ACCOUNT
    )
    versions = {info["id"]: info["version"] for info in manifest["componentInfo"]}
    assert versions[uid(seed.ORDERS_ACCOUNT, "stock-sync")] == 1


def test_references_of_many_components_are_asked_for_at_once(api: Controls) -> None:
    orders = seed.ORDERS_ACCOUNT
    parents = [uid(orders, key) for key in ("stock-sync", "customer-master", "heartbeat")]
    versions = [3, 1, 1]

    def used(*pairs: tuple[str, int]) -> set[tuple[str, int, str]]:
        ways = [
            grouped("and", equals("parentComponentId", parent), equals("parentVersion", version))
            for parent, version in pairs
        ]
        rows = asked(api, "ComponentReference", grouped("or", *ways), account=orders)
        return {
            (r["parentComponentId"], r["parentVersion"], r["componentId"])
            for row in rows
            for r in row["references"]
        }

    pairs = list(zip(parents, versions, strict=True))
    alone = [used(pair) for pair in pairs]
    assert [len(found) for found in alone] == [3, 2, 0]
    assert used(*pairs) == set().union(*alone)
    # Another revision of one of them is a way of its own.
    assert {version for _, version, _ in used(pairs[0], (parents[0], 1))} == {1, 3}


def test_a_version_belongs_to_the_parent_beside_it(api: Controls) -> None:
    half = grouped(
        "or",
        grouped("and", equals("parentComponentId", STOCK), equals("parentVersion", 1)),
        equals("parentComponentId", STOCK),
    )
    body = {"QueryFilter": {"expression": half}}
    answer = api.call("POST", "ComponentReference/query", json=body)
    assert (answer.status_code, "parentVersion" in message(answer)) == (400, True)


def test_nested_groups_are_evaluated_in_full(api: Controls) -> None:
    named = grouped("or", equals("name", "Stock Level Sync"), equals("name", "Stock Settings"))
    kind = grouped("or", equals("type", "process"), equals("type", "profile.json"))
    rows = asked(api, "ComponentMetadata", grouped("and", named, kind, equals("deleted", "false")))
    assert {row["name"] for row in rows} == {"Stock Level Sync"}
    rows = asked(api, "ComponentMetadata", grouped("or", named, equals("name", "Commerce API")))
    assert {row["name"] for row in rows} == {"Stock Level Sync", "Stock Settings", "Commerce API"}


def test_queries_and_bulk_reads_look_into_a_sub_account(api: Controls) -> None:
    orders, demo = seed.ORDERS_ACCOUNT, seed.DEMO_COMPONENT_ID
    rows = asked(api, "ComponentMetadata", equals("componentId", demo), account=orders)
    assert [row["name"] for row in rows] == ["Order to Cash"]
    body = {"type": "GET", "request": [{"id": demo}, {"id": NOBODY}]}
    for kind in ("ComponentMetadata", "Component"):
        there = api.call("POST", f"{kind}/bulk", json=body, account=orders, accept=XML)
        assert re.findall('statusCode="([0-9]+)"', there.text) == ["200", "400"], there.text
        here = api.call("POST", f"{kind}/bulk", json=body, accept=XML)
        assert re.findall('statusCode="([0-9]+)"', here.text) == ["400", "400"]


def test_addresses_may_end_with_a_slash(api: Controls) -> None:
    assert api.call("GET", f"Component/{STOCK}/").ok
    assert api.call("POST", "Branch/query/", everything_in_xml("Branch")).ok
    assert api.call("GET", "Branch//").status_code in {400, 404}


# -- branches and merges ---------------------------------------------------------------------


def test_deleting_a_branch_answers_what_is_not_json(api: Controls) -> None:
    branch_id = make_branch(api)
    answer = api.call("DELETE", f"Branch/{branch_id}", accept=JSON)
    assert (answer.status_code, answer.text) == (200, "{true}")
    again = api.call("DELETE", f"Branch/{branch_id}", accept=JSON)
    assert (again.status_code, message(again)) == (400, "Specified branch is already deleted.")
    assert query(api, "Branch", name="promo-1") == []


def test_a_merge_tells_what_it_would_do(api: Controls) -> None:
    branch_id = make_branch(api)
    xml = api.call("GET", f"Component/{STOCK}").text
    xml = xml.replace(f'branchId="{main_id(api)}"', f'branchId="{branch_id}"')
    assert api.call("POST", f"Component/{STOCK}", xml.replace("of 100", "of 500")).ok
    # Somebody changes production meanwhile: OVERRIDE would undo it, and the details say so.
    api.edit(action="touch", componentId=STOCK)
    made = api.call(
        "POST",
        "MergeRequest",
        json={
            "sourceBranchId": branch_id,
            "destinationBranchId": main_id(api),
            "strategy": "OVERRIDE",
            "priorityBranch": "SOURCE",
        },
    ).json()
    path = f"MergeRequest/{made['id']}"
    reviewed = until(lambda: get(api, path), lambda m: m["stage"] == "REVIEWING")
    detail = reviewed["MergeRequestDetails"]["MergeRequestDetail"][0]
    assert detail["componentGuid"] == STOCK
    assert (detail["changeType"], detail["conflict"]) == ("MODIFIED", True)
    assert (detail["sourceRevision"], detail["destinationRevision"]) == (2, 3)
    body = {"id": made["id"], "mergeRequestAction": "MERGE"}
    execute = f"MergeRequest/execute/{made['id']}"
    assert api.call("POST", execute, json={**body, "id": "TVI6MQ"}).status_code == 400
    assert api.call("POST", execute, json=body).json()["stage"] == "MERGING"
    until(lambda: get(api, path), lambda m: m["stage"] == "MERGED")
    assert "of 500" in api.raw(STOCK)
    revert = {"id": made["id"], "mergeRequestAction": "REVERT"}
    assert api.call("POST", execute, json=revert).json()["stage"] == "REVERTED"
    assert "Touched" in api.raw(STOCK)


@pytest.mark.parametrize("wrong", [{"strategy": "SUBSET"}, {"priorityBranch": "x"}])
def test_a_merge_needs_a_strategy_and_a_side(api: Controls, wrong: dict[str, str]) -> None:
    body = {
        "sourceBranchId": make_branch(api),
        "destinationBranchId": main_id(api),
        "strategy": "OVERRIDE",
        "priorityBranch": "SOURCE",
        **wrong,
    }
    assert api.call("POST", "MergeRequest", json=body).status_code == 400


def test_a_draft_that_fails_can_be_tried_again(api: Controls) -> None:
    api.edit(merge_mode="fail_draft")
    body = {
        "sourceBranchId": make_branch(api),
        "destinationBranchId": main_id(api),
        "strategy": "OVERRIDE",
        "priorityBranch": "SOURCE",
    }
    merge_id = api.call("POST", "MergeRequest", json=body).json()["id"]
    path = f"MergeRequest/{merge_id}"
    until(lambda: get(api, path), lambda m: m["stage"] == "FAILED_TO_DRAFT")
    api.edit(merge_mode="normal")
    again = {"id": merge_id, "mergeRequestAction": "RETRY_DRAFTING"}
    api.call("POST", f"MergeRequest/execute/{merge_id}", json=again)
    until(lambda: get(api, path), lambda m: m["stage"] == "REVIEWING")


# -- packs and releases ----------------------------------------------------------------------


def pack_of(api: Controls, key: str = "orders") -> dict[str, Any]:
    entries = get(api, f"PublisherIntegrationPack/{seed.PACKS[key]}")
    rows = entries["PublisherPackagedComponents"]["PublisherPackagedComponent"]
    return {row["componentId"]: row for row in rows}


def update_pack(api: Controls, *component_ids: str, key: str = "orders") -> requests.Response:
    body = {
        "id": seed.PACKS[key],
        "Description": "d",
        "operationType": "ADD",
        "PublisherPackagedComponents": {
            "PublisherPackagedComponent": [{"componentId": c} for c in component_ids]
        },
    }
    return api.call("POST", f"PublisherIntegrationPack/{seed.PACKS[key]}", json=body)


def release(api: Controls, *pairs: tuple[str, str], **more: str) -> requests.Response:
    body = {
        "id": seed.PACKS["orders"],
        "releaseSchedule": "IMMEDIATELY",
        "ReleasePackagedComponents": {
            "ReleasePackagedComponent": [{"componentId": c, "version": v} for c, v in pairs]
        },
        **more,
    }
    return api.call("POST", "ReleaseIntegrationPack", json=body)


def status(api: Controls, request_id: str) -> requests.Response:
    return api.call("GET", f"ReleaseIntegrationPackStatus/{request_id}", accept=JSON)


def test_a_pack_takes_the_newest_shareable_package_and_drops_what_is_not_named(
    api: Controls,
) -> None:
    for version in ("2.0", "3.0-test"):
        body = {"componentId": STOCK, "packageVersion": version, "shareable": True}
        assert api.call("POST", "PackagedComponent", json=body).ok
    report = uid(PRIMARY, "stock-report")
    assert pack_of(api)[STOCK]["latestVersion"] == "3.0-test"
    update_pack(api, STOCK)
    entries = pack_of(api)
    assert (entries[STOCK]["currentVersion"], entries[STOCK]["pendingVersion"]) == (
        "1.0",
        "3.0-test",
    )
    assert entries[report]["deleted"] is True
    update_pack(api, STOCK, report)
    answer = release(api, (STOCK, "2.0"), (report, "4.2"))
    done = until(
        lambda: status(api, answer.json()["requestId"]), lambda s: s.status_code == 200
    ).json()
    assert done["releaseStatus"] == "SUCCESS"
    assert pack_of(api)[STOCK]["currentVersion"] == "2.0"
    assert pack_of(api)[report]["currentVersion"] == "4.2"


def test_what_a_release_does_not_name_leaves_the_pack(api: Controls) -> None:
    answer = release(api, (STOCK, "1.0"))
    until(lambda: status(api, answer.json()["requestId"]), lambda s: s.status_code == 200)
    assert list(pack_of(api)) == [STOCK]


def test_a_release_is_polled_with_202_and_names_an_address_outside_partner(api: Controls) -> None:
    api.edit(release_mode="stuck")
    answer = release(api, (STOCK, "1.0"))
    assert f"/api/rest/v1/{PRIMARY}/" in answer.json()["releaseStatusUrl"]
    assert "/partner/" not in answer.json()["releaseStatusUrl"]
    running_status = status(api, answer.json()["requestId"])
    assert running_status.status_code == 202
    assert running_status.json()["releaseStatus"] == "IN_PROGRESS"
    assert release(api, (STOCK, "1.0")).status_code == 400
    api.edit(release_mode="error")
    ended = until(lambda: status(api, answer.json()["requestId"]), lambda s: s.status_code == 200)
    assert ended.json()["releaseStatus"] == "ERROR"


def test_a_scheduled_release_waits_for_its_day(api: Controls) -> None:
    later = (date.today() + timedelta(days=3)).isoformat()
    schedule = {"releaseSchedule": "RELEASE_ON_SPECIFIED_DATE"}
    assert release(api, (STOCK, "1.0"), **schedule).status_code == 400
    request_id = release(api, (STOCK, "1.0"), **schedule, releaseOnDate=later).json()["requestId"]
    waiting = status(api, request_id)
    assert (waiting.status_code, waiting.json()["releaseStatus"]) == (202, "SCHEDULED")
    api.edit(action="finish_release", releaseId=request_id)
    until(lambda: status(api, request_id), lambda s: s.status_code == 200)


@pytest.mark.parametrize("pair", [(NOBODY, "1.0"), (STOCK, "99"), (STOCK, "")])
def test_a_release_names_only_what_is_in_the_pack(api: Controls, pair: tuple[str, str]) -> None:
    assert release(api, pair).status_code == 400


def test_own_packs_are_not_among_the_offered_ones(api: Controls) -> None:
    offered = {row["id"] for row in query(api, "IntegrationPack")}
    own = {row["id"] for row in query(api, "PublisherIntegrationPack")}
    assert offered
    assert not offered & own


def test_a_package_is_deployed_and_where_a_pack_is_attached_can_be_asked(api: Controls) -> None:
    package_id = uid(PRIMARY, "package:stock-sync:1.0")
    body = {"environmentId": seed.ENVIRONMENTS["test-eu"], "packageId": package_id}
    assert api.call("POST", "DeployedPackage", json=body).json()["packageVersion"] == "1.0"
    again = api.call("POST", "DeployedPackage", json=body)
    assert (again.status_code, "duplicate" in message(again)) == (400, True)
    instances = query(api, "IntegrationPackInstance")
    assert [i["integrationPackId"] for i in instances] == [seed.PACKS["customers"]]
    attached = query(
        api,
        "IntegrationPackEnvironmentAttachment",
        environmentId=seed.ENVIRONMENTS["prod-us"],
    )
    assert [a["integrationPackInstanceId"] for a in attached] == [instances[0]["id"]]


def test_a_deleted_package_keeps_its_version_taken_and_can_be_restored(api: Controls) -> None:
    body = {"componentId": STOCK, "packageVersion": "7.0", "branchName": "main"}
    package_id = api.call("POST", "PackagedComponent", json=body).json()["packageId"]
    api.call("DELETE", f"PackagedComponent/{package_id}", accept="*/*")
    assert api.call("POST", "PackagedComponent", json=body).status_code == 400
    restored = api.call("POST", "PackagedComponent", json={**body, "packageId": package_id})
    assert restored.json()["deleted"] is False
    in_use = uid(PRIMARY, "package:stock-sync:1.0")
    assert api.call("DELETE", f"PackagedComponent/{in_use}", accept="*/*").status_code == 400


def test_answers_can_be_as_careless_as_the_platforms(api: Controls) -> None:
    api.edit(loose_json=True)
    answer = api.call("POST", "Branch/query", everything_in_xml("Branch"), accept=JSON).json()
    assert answer["numberOfResults"] == "1"
    assert answer["result"]["ready"] == "true"


def test_wrong_media_types_are_refused(api: Controls) -> None:
    assert api.call("POST", "Component", process_xml(), media=JSON, accept=XML).status_code == 415
    assert api.call("POST", "Branch", "name=x", media="text/plain").status_code == 415


# -- strictness ------------------------------------------------------------------------------


def refused(answer: requests.Response) -> str:
    assert answer.status_code == 400, answer.text
    return message(answer)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "needs an expression"),
        ({"QueryFilter": {}}, "needs an expression"),
        ({"queryFilter": {}}, "queryFilter"),
        ({"QueryFilter": {"expresion": everything("Branch")}}, "expresion"),
        ({"operator": "EQUALS", "propertyName": "name", "argument": ["x"]}, "propertyName"),
        ({"operator": "EQUALS", "property": "nme", "argument": ["x"]}, "nme"),
        ({"operator": "STARTS_WITH", "property": "name", "argument": ["x"]}, "STARTS_WITH"),
        ({"operator": "equals", "property": "name", "argument": ["x"]}, "equals"),
        ({"operator": "EQUALS", "property": "name", "argument": "x"}, "list of strings"),
        ({"operator": "EQUALS", "property": "ready", "argument": [True]}, "list of strings"),
        ({"operator": "EQUALS", "property": "name"}, "argument"),
        ({"operator": "EQUALS", "property": "name", "argument": ["x", "y"]}, "argument"),
        ({"operator": "IS_NULL", "property": "name", "argument": ["x"]}, "argument"),
        ({"operator": "EQUALS", "property": "ready", "argument": ["yes"]}, "valid value"),
        ({"operator": "AND", "nestedExpression": [everything("Branch")]}, "'and' or 'or'"),
        ({"operator": "and", "nestedExpression": []}, "nested expressions"),
        ({"operator": "and", "nestedExpression": everything("Branch")}, "must be a list"),
    ],
)
def test_a_filter_that_is_not_as_described_is_refused(
    api: Controls, body: dict[str, Any], said: str
) -> None:
    if "operator" in body:
        body = {"QueryFilter": {"expression": body}}
    assert said in refused(api.call("POST", "Branch/query", json=body))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (f' xmlns="{BNS}"', "", "Unable to read message body"),
        ("QueryConfig", "QueryFilters", "Unable to read message body"),
        ("QueryFilter>", "Filter>", "Filter"),
        ("operator=", "operater=", "operater"),
        ("IS_NOT_NULL", "NOT_NULL", "NOT_NULL"),
        ('property="id"', 'property="ident"', "ident"),
        (' xsi:type="SimpleExpression"', "", "xsi:type"),
        ("<expression", "<argument/><expression", "argument"),
    ],
)
def test_the_same_in_xml(api: Controls, old: str, new: str, said: str) -> None:
    body = everything_in_xml("Branch")
    assert old in body
    assert said in refused(api.call("POST", "Branch/query", body.replace(old, new)))


def test_account_properties_are_known_in_capitals_too(api: Controls) -> None:
    for name in ("status", "STATUS"):
        assert len(asked(api, "Account", equals(name, "active"))) == 3


PACK = f"PublisherIntegrationPack/{seed.PACKS['orders']}"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("Branch", {"name": 1, "parentId": "x"}, "type string"),
        ("Branch", {"name": "x", "parentID": "x"}, "parentID"),
        ("Branch", {"@type": "Folder", "name": "x", "parentId": "x"}, "Folder is not Branch"),
        ("PackagedComponent", {"componentId": STOCK, "shareable": "true"}, "type boolean"),
        ("DeployedPackage", {"environmentId": "x", "listenerStatus": "running"}, "RUNNING"),
        ("PublisherIntegrationPack", {"name": "x", "installationType": "MULTI"}, "Description"),
        (
            "PublisherIntegrationPack",
            {"name": "x", "installationType": "MULTI", "description": ""},
            "description",
        ),
        (
            "PublisherIntegrationPack",
            {"name": "x", "installationType": "ONE", "Description": ""},
            "SINGLE, MULTI",
        ),
        (PACK, {"operationType": "ADD"}, "Description"),
        (
            PACK,
            {
                "operationType": "ADD",
                "Description": "",
                "PublisherPackagedComponents": [{"componentId": STOCK}],
            },
            "PublisherPackagedComponents must be a JSON object",
        ),
        (
            PACK,
            {
                "operationType": "ADD",
                "Description": "",
                "PublisherPackagedComponent": [{"componentId": STOCK}],
            },
            "PublisherPackagedComponent",
        ),
        (
            "ReleaseIntegrationPack",
            {
                "id": seed.PACKS["orders"],
                "releaseSchedule": "IMMEDIATELY",
                "ReleasePackagedComponents": {"ReleasePackagedComponent": {"componentId": STOCK}},
            },
            "must be a list",
        ),
        ("ReleaseIntegrationPack", {"id": "x", "releaseSchedule": "NOW"}, "IMMEDIATELY"),
        ("MergeRequest", {"sourceBranchId": "x", "strategy": "override"}, "OVERRIDE"),
        ("ComponentMetadata/bulk", {"type": "GET", "request": {"id": STOCK}}, "must be a list"),
        ("ComponentMetadata/bulk", {"type": "READ", "request": [{"id": STOCK}]}, "GET"),
        ("ComponentMetadata/bulk", {"type": "GET", "requests": [{"id": STOCK}]}, "requests"),
        ("ComponentMetadata/bulk", {"type": "GET", "request": [{"ids": STOCK}]}, "ids"),
        ("ComponentMetadata/bulk", {"type": "GET", "request": [{}]}, "needs an id"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused(
    api: Controls, path: str, body: dict[str, Any], said: str
) -> None:
    before = api.state()
    assert said in refused(api.call("POST", path, json=body))
    after = api.state()
    assert {key: after[key] for key in ("packs", "branches", "packages", "releases")} == {
        key: before[key] for key in ("packs", "branches", "packages", "releases")
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<Branch name="x"/>', "Unable to read message body"),
        (f'<b:Folder xmlns:b="{BNS}" name="x"/>', "Unable to read message body"),
        (f'<b:Branch xmlns:b="{BNS}" nme="x"/>', "nme"),
        (f'<b:Branch xmlns:b="{BNS}" name="x" ready="yes"/>', "not a valid value for 'ready'"),
        (f'<b:Branch xmlns:b="{BNS}"><b:name>x</b:name></b:Branch>', "name"),
        (f'<b:Branch xmlns:b="{BNS}" name="x"><name/></b:Branch>', "Unable to read message body"),
    ],
)
def test_an_object_in_xml_that_is_not_as_described_is_refused(
    api: Controls, body: str, said: str
) -> None:
    assert said in refused(api.call("POST", "Branch", body))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('xmlns:bns="http://api.platform.boomi.com/"', 'xmlns:bns="urn:x"', "Unable to read"),
        ('type="process"', 'type="processes"', "type processes is not valid"),
        ('type="process"', 'type="process" colour="red"', "colour"),
        ('type="process"', 'type="process" version="new"', "version"),
        ('type="process"', 'type="process" deleted="no"', "deleted"),
        ('type="process"', 'type="transform.map"', "cannot hold"),
        ("<process xmlns=", "<Map xmlns=", "cannot hold"),
        ("<shapes>", f'<shapes><map mapId="{NOBODY}"/>', "referenced component"),
    ],
)
def test_a_component_that_is_not_as_described_is_refused(
    api: Controls, old: str, new: str, said: str
) -> None:
    body = process_xml(branchId=make_branch(api)).replace(old, new)
    if "Map" in new:
        body = body.replace("</process>", "</Map>").replace("<bns:processOverrides/>", "")
    if "transform.map" in new or "processes" in new:
        body = body.replace("<bns:processOverrides/>", "")
    assert said in refused(api.call("POST", "Component", body))


def test_what_a_dev_account_has_is_a_known_type(api: Controls) -> None:
    """New types come; whoever has a component of one may send it."""
    branch_id = make_branch(api)
    xml = process_xml(branchId=branch_id).replace('type="process"', 'type="agent.step"')
    xml = xml.replace("<process ", "<AgentStep ").replace("</process>", "</AgentStep>")
    xml = xml.replace("<bns:processOverrides/>", "")
    assert "is not valid" in refused(api.call("POST", "Component", xml))
    plain = xml.replace(f' branchId="{branch_id}"', "")
    api.edit(action="create_component", account=seed.ORDERS_ACCOUNT, xml=plain)
    assert api.call("POST", "Component", xml).ok


@pytest.mark.parametrize(("method", "path"), [("POST", "Branch"), ("DELETE", "Folder/RjoxMjM")])
def test_override_account_is_refused_on_writes(api: Controls, method: str, path: str) -> None:
    body = '{"name": "x"}' if method == "POST" else None
    answer = api.call(method, path, body, account=seed.ORDERS_ACCOUNT, media=JSON)
    assert "overrideAccount" in refused(answer)


def test_a_row_of_packages_tells_its_branch(api: Controls) -> None:
    rows = query(api, "PackagedComponent")
    assert {row["branchName"] for row in rows} == {"main"}


def test_an_account_can_hide_descriptions_of_branches(api: Controls) -> None:
    api.edit(hides_descriptions=True)
    body = {"name": "promo-1", "parentId": main_id(api), "description": "Ours"}
    assert "description" not in api.call("POST", "Branch", json=body).json()


def test_answers_about_many_can_leave_one_out(api: Controls) -> None:
    twin = seed.COPIED_TWIN_ID
    api.edit(answers_leave_out=[STOCK])

    def in_bulk(*ids: str) -> int:
        body = {"type": "GET", "request": [{"id": id_} for id_ in ids]}
        return len(api.call("POST", "ComponentMetadata/bulk", json=body).json()["response"])

    def by_query(*ids: str) -> set[str]:
        ways = grouped("or", *(equals("componentId", id_) for id_ in ids))
        return {row["componentId"] for row in asked(api, "ComponentMetadata", ways)}

    def used(*ids: str) -> set[str]:
        pairs = [
            grouped("and", equals("parentComponentId", id_), equals("parentVersion", 1))
            for id_ in ids
        ]
        rows = asked(api, "ComponentReference", grouped("or", *pairs))
        return {row["references"][0]["parentComponentId"] for row in rows}

    assert (in_bulk(STOCK, twin), in_bulk(STOCK)) == (1, 1)
    assert (by_query(STOCK, twin), by_query(STOCK)) == ({twin}, {STOCK})
    assert (used(STOCK, twin), used(STOCK)) == ({twin}, {STOCK})
