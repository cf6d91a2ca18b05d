"""The simulator in the guide's dialect, over HTTP, by what it answers and what it then holds."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from partnerapi.simulator import seed
from partnerapi.simulator.seed import uid
from tests.partnerapi.simulators import JSON, PROJECT, TOKEN, USER, XML, Controls, running, until

ALL = '<QueryFilter xmlns="http://api.platform.boomi.com/"/>'
ORDERS = seed.ORDERS_ACCOUNT


@pytest.fixture(scope="module")
def process() -> Iterator[Controls]:
    with running("--dialect", "guide", "--speed", "10") as controls:
        yield controls


@pytest.fixture
def api(process: Controls) -> Controls:
    process.control("reset")
    return process


def message(answer: requests.Response) -> str:
    """Boomi's words, from whichever shape an error has."""
    if answer.headers["Content-Type"].startswith("application/json"):
        said: Any = answer.json()
        said = said.get("error", said)
        return str(said["message"])
    found = re.search("<message>(.*)</message>", answer.text, re.DOTALL)
    assert found, answer.text
    return found[1]


def attribute(answer: requests.Response, name: str) -> str:
    found = re.search(f'<bns:\\w+ [^>]*?{name}="([^"]*)"', answer.content.decode())
    assert found, answer.text[:500]
    return found[1]


def main_id(api: Controls) -> str:
    return str(next(b["id"] for b in api.state()["branches"] if b["name"] == "main"))


def make_branch(api: Controls, name: str = "promo-1", **more: str) -> str:
    answer = api.call("POST", "Branch", json={"name": name, "description": "a test", **more})
    assert answer.json()["ready"] is False
    assert answer.json()["stage"] == "CREATING"
    branch_id = str(answer.json()["branchId"])
    until(lambda: api.call("GET", f"Branch/{branch_id}", accept="*/*").json(), lambda b: b["ready"])
    return branch_id


def process_xml(text: str = "one", *, name: str = "Made by a test", component_id: str = "") -> str:
    return (
        '<bns:Component xmlns:bns="http://api.platform.boomi.com/" folderFullPath="/Promoted/Tests"'
        f' name="{name}" type="process" componentId="{component_id}"><bns:encryptedValues/>'
        "<bns:description></bns:description><bns:object>"
        f'<process xmlns=""><shapes><shape name="shape1" userlabel="{text}"/></shapes></process>'
        "</bns:object><bns:processOverrides/></bns:Component>"
    )


def create(api: Controls, branch_id: str, xml: str = "") -> str:
    answer = api.call("POST", f"Component~{branch_id}", xml or process_xml())
    assert answer.ok, answer.text
    return attribute(answer, "componentId")


def merge(api: Controls, branch_id: str, *, execute: bool = True) -> str:
    """Ask for a merge and carry it as far as it goes; its last stage."""
    answer = api.call(
        "POST",
        "MergeRequest",
        json={
            "sourceBranchId": branch_id,
            "targetBranchId": main_id(api),
            "strategy": "OVERRIDE",
            "priorityBranch": branch_id,
        },
    )
    assert answer.json()["stage"] == "DRAFTING"
    merge_id = answer.json()["mergeRequestId"]

    def stage() -> str:
        return str(api.call("GET", f"MergeRequest/{merge_id}", accept="*/*").json()["stage"])

    if execute:
        assert until(stage, lambda s: s in {"REVIEWING", "FAILED_TO_DRAFT"}) == "REVIEWING"
        api.call("POST", f"MergeRequest/execute/{merge_id}", json={"action": "MERGE"})
    return until(stage, lambda s: s in {"MERGED", "FAILED_TO_MERGE"})


def on_main(api: Controls, component_id: str) -> dict[str, Any]:
    components = api.state()["accounts"][seed.PRIMARY_ACCOUNT]["components"]
    found: dict[str, Any] = next(c for c in components if c["id"] == component_id)
    return found


# -- who may ask what ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auth", [(USER, "wrong"), ("promotion@example.com", TOKEN), (USER.lower(), TOKEN), ("", "")]
)
def test_wrong_credentials_are_401(api: Controls, auth: tuple[str, str]) -> None:
    answer = api.call("GET", f"Component/{seed.COPIED_TWIN_ID}", auth=auth)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_an_unknown_account_is_403(api: Controls) -> None:
    prefix = "/partner/api/rest/v1/somebody-123456/"
    assert api.call("GET", "Component/x", prefix=prefix).status_code == 403
    answer = api.call("GET", f"Component/{seed.DEMO_COMPONENT_ID}", account="somebody-123456")
    assert answer.status_code == 403


def test_a_dev_account_is_read_with_override_account_only(api: Controls) -> None:
    address = f"Component/{seed.DEMO_COMPONENT_ID}"
    assert api.call("GET", address).status_code == 404
    answer = api.call("GET", address, account=ORDERS)
    assert attribute(answer, "name") == "Order to Cash"


def test_a_write_with_override_account_is_refused(api: Controls) -> None:
    body = {"name": "promo-1", "description": "x"}
    answer = api.call("POST", "Branch", json=body, account=ORDERS)
    assert answer.status_code == 400
    assert "overrideAccount" in message(answer)
    assert len(api.state()["branches"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "media", "accept", "status"),
    [
        ("GET", f"Component/{seed.COPIED_TWIN_ID}", XML, "application/json", 406),
        ("POST", "PackagedComponent/query", "application/json", XML, 415),
        ("POST", "PackagedComponent/queryMore", XML, XML, 415),
        ("POST", "Branch", XML, "application/json", 415),
        ("POST", "Branch", "application/json", XML, 406),
    ],
)
def test_wrong_media_types(
    api: Controls, method: str, path: str, media: str, accept: str, status: int
) -> None:
    assert api.call(method, path, ALL, media=media, accept=accept).status_code == status


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Branch", {"name": "x"}),
        ("Branch", {"description": "x"}),
        ("Branch", {"name": "x", "description": "x", "parentId": "Qjox"}),
        ("MergeRequest", {"sourceBranchId": "Qjox", "destinationBranchId": "Qjoy"}),
        ("PackagedComponent", {"componentId": seed.COPIED_TWIN_ID}),
        ("IntegrationPack", {"name": "x"}),
        ("IntegrationPack", {"name": "x", "installationType": "SOME"}),
        ("ReleaseIntegrationPack", {"integrationPackId": seed.PACKS["orders"]}),
        ("DeployedPackage", {"packageId": "x"}),
    ],
)
def test_missing_and_unknown_fields_are_refused(
    api: Controls, path: str, body: dict[str, str]
) -> None:
    assert api.call("POST", path, json=body).status_code == 400


def test_the_other_dialects_addresses_do_not_exist(api: Controls) -> None:
    for path in ("PublisherIntegrationPack/query", "Folder/query", "Component"):
        assert api.call("POST", path, ALL).status_code == 404
    plain = f"/api/rest/v1/{seed.PRIMARY_ACCOUNT}/"
    assert api.call("GET", f"Component/{seed.COPIED_TWIN_ID}", prefix=plain).status_code == 404


# -- reading ---------------------------------------------------------------------------------


def test_a_component_comes_in_the_platforms_form(api: Controls) -> None:
    text = api.call("GET", f"Component/{seed.DEMO_COMPONENT_ID}", account=ORDERS).content.decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><bns:Component ')
    assert text.count(seed.DEMO_COMPONENT_ID) == 1
    assert '<bns:object><process xmlns="" ' in text
    assert " />" not in text
    assert not text.endswith("\n")
    heartbeat = uid(ORDERS, "not-shared")
    text = api.call("GET", f"Component/{heartbeat}", account=ORDERS).content.decode()
    assert "<bns:encryptedValues/><bns:description></bns:description><bns:object>" in text
    script = uid(ORDERS, "round-totals")
    assert "&#xD;" in api.call("GET", f"Component/{script}", account=ORDERS).text


def test_an_older_version_is_read_by_its_number(api: Controls) -> None:
    stock = uid(ORDERS, "stock-sync")
    assert attribute(api.call("GET", f"Component/{stock}", account=ORDERS), "version") == "3"
    older = api.call("GET", f"Component/{stock}~1", account=ORDERS)
    assert (attribute(older, "version"), attribute(older, "currentVersion")) == ("1", "false")
    assert api.call("GET", f"Component/{stock}~99", account=ORDERS).status_code == 404


def test_references_are_what_a_component_uses(api: Controls) -> None:
    answer = api.call("GET", f"ComponentReference/{seed.DEMO_COMPONENT_ID}", account=ORDERS)
    found = set(
        re.findall('<bns:references [^>]*componentId="([^"]*)" type="DEPENDENT"', answer.text)
    )
    for key in ("commerce-api", "fetch-orders", "order-settings", "order-table", "customer-cache"):
        assert uid(ORDERS, key) in found, key
    assert uid(ORDERS, "key:batch") not in found  # a property's key is no reference


def test_no_references_is_400_and_an_unknown_component_404(api: Controls) -> None:
    answer = api.call("GET", f"ComponentReference/{uid(ORDERS, 'heartbeat')}", account=ORDERS)
    assert answer.status_code == 400
    assert "no references" in message(answer)
    unknown = "00000000-0000-4000-8000-000000000000"
    assert api.call("GET", f"ComponentReference/{unknown}", account=ORDERS).status_code == 404


def test_a_script_that_names_a_component_does_not_refer_to_it(api: Controls) -> None:
    script = uid(ORDERS, "return-rules")
    assert uid(ORDERS, "handle-error") in api.raw(script)
    answer = api.call("GET", f"ComponentReference/{script}", account=ORDERS)
    assert answer.status_code == 400


def test_a_deleted_reference_is_still_reported_and_says_that_it_is_deleted(api: Controls) -> None:
    legacy = uid(ORDERS, "legacy-map")
    answer = api.call("GET", f"ComponentReference/{legacy}", account=ORDERS)
    assert seed.DELETED_COMPONENT_ID in answer.text
    answer = api.call("GET", f"ComponentMetadata/{seed.DELETED_COMPONENT_ID}", account=ORDERS)
    assert attribute(answer, "deleted") == "true"


def test_packages_come_a_hundred_at_a_time(api: Controls) -> None:
    account = seed.FINANCE_ACCOUNT
    first = api.call("POST", "PackagedComponent/query", ALL, account=account)
    assert first.text.count("<bns:result ") == 100
    token = re.search("<bns:queryToken>(.*)</bns:queryToken>", first.text)
    assert token
    assert "/" in token[1]
    assert "+" in token[1]
    path = "PackagedComponent/queryMore"
    rest = api.call("POST", path, token[1], account=account, media="text/plain")
    assert "queryToken" not in rest.text
    ids = re.findall("<bns:packageId>(.*?)</bns:packageId>", first.text + rest.text)
    assert len(ids) == len(set(ids)) == 123
    other_account = api.call("POST", path, token[1], media="text/plain")
    assert other_account.status_code == 400


def test_packages_are_filtered(api: Controls) -> None:
    def found(filter_: str) -> int:
        query = (
            '<QueryFilter xmlns="http://api.platform.boomi.com/" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{filter_}</QueryFilter>'
        )
        answer = api.call("POST", "PackagedComponent/query", query, account=ORDERS)
        assert answer.ok, answer.text
        return answer.text.count("<bns:result ")

    def simple(tag: str, name: str, operator: str, *values: str) -> str:
        arguments = "".join(f"<argument>{value}</argument>" for value in values)
        return (
            f'<{tag} operator="{operator}" property="{name}" xsi:type="SimpleExpression">'
            f"{arguments}</{tag}>"
        )

    everything = found("")
    assert found(simple("expression", "shareable", "EQUALS", "true")) == everything - 1
    stock = simple("nestedExpression", "componentId", "EQUALS", uid(ORDERS, "stock-sync"))
    newer = simple("nestedExpression", "packageVersion", "LIKE", "%.1")
    both = f'<expression operator="and" xsi:type="GroupingExpression">{stock}{newer}</expression>'
    assert found(both) == 1
    assert found(both.replace('"and"', '"or"')) == 4
    days = ("2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z")
    assert found(simple("expression", "createdDate", "BETWEEN", *days)) == 0
    wrong = simple("expression", "colour", "EQUALS", "red")
    query = f'<QueryFilter xmlns="http://api.platform.boomi.com/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{wrong}</QueryFilter>'
    assert api.call("POST", "PackagedComponent/query", query).status_code == 400


def test_awkward_names_come_back_whole(api: Controls) -> None:
    account = seed.LOGISTICS_ACCOUNT
    answer = api.call("GET", f"ComponentMetadata/{seed.AWKWARD_COMPONENT_ID}", account=account)
    assert 'name="Pick &amp; Pack &quot;express&quot; ~ v/2 &lt;fast&gt; 🚚"' in answer.text
    packages = api.call("POST", "PackagedComponent/query", ALL, account=account)
    assert '<bns:packageVersion>1.0~rc/2 &amp; "final" 🚚</bns:packageVersion>' in packages.text


def test_the_large_profile_is_two_megabytes(api: Controls) -> None:
    account = seed.LOGISTICS_ACCOUNT
    answer = api.call("GET", f"Component/{seed.LARGE_PROFILE_ID}", account=account)
    assert len(answer.content) > 2_000_000


# -- branches --------------------------------------------------------------------------------


def test_nothing_can_be_written_before_a_branch_is_ready(api: Controls) -> None:
    api.edit(branch_mode="never_ready")
    branch_id = api.call("POST", "Branch", json={"name": "slow", "description": "x"}).json()[
        "branchId"
    ]
    answer = api.call("POST", f"Component~{branch_id}", process_xml())
    assert answer.status_code == 400
    assert "not ready" in message(answer)


def test_names_are_normalised_and_unique(api: Controls) -> None:
    body = {"name": "promo/1", "description": "x"}
    assert api.call("POST", "Branch", json=body).json()["name"] == "promo-1"
    answer = api.call("POST", "Branch", json=body)
    assert answer.status_code == 400
    assert "already exists" in message(answer)


def test_the_branch_limit(api: Controls) -> None:
    api.edit(branch_limit=2)
    api.edit(action="make_branches", count=2)
    answer = api.call("POST", "Branch", json={"name": "third", "description": "x"})
    assert answer.status_code == 400
    assert "maximum number of branches (2)" in message(answer)


def test_branches_are_queried_by_name(api: Controls) -> None:
    make_branch(api)
    like = {"operator": "LIKE", "property": "name", "argument": ["promo-%"]}
    answer = api.call("POST", "Branch/query", json={"QueryFilter": {"expression": like}}).json()
    assert [b["name"] for b in answer["result"]] == ["promo-1"]
    everything = api.call("POST", "Branch/query", json={}).json()
    assert {b["name"] for b in everything["result"]} == {"main", "promo-1"}


def test_a_branch_is_deleted_once(api: Controls) -> None:
    branch_id = make_branch(api)
    assert api.call("DELETE", f"Branch/{branch_id}", accept="*/*").json() is True
    assert api.call("DELETE", f"Branch/{branch_id}", accept="*/*").status_code == 404
    assert api.call("GET", f"Branch/{branch_id}", accept="*/*").status_code == 404
    assert api.call("POST", f"Component~{branch_id}", process_xml()).status_code == 404


def test_main_cannot_be_deleted(api: Controls) -> None:
    assert api.call("DELETE", f"Branch/{main_id(api)}", accept="*/*").status_code == 400


def test_without_branching_nothing_of_it_works(api: Controls) -> None:
    api.edit(branching_enabled=False)
    assert api.call("POST", "Branch/query", json={}).status_code == 400
    body = {"name": "x", "description": "x"}
    assert api.call("POST", "Branch", json=body).status_code == 400


# -- writing ---------------------------------------------------------------------------------


def test_a_new_component_is_on_its_branch_only(api: Controls) -> None:
    branch_id = make_branch(api)
    answer = api.call("POST", f"Component~{branch_id}", process_xml())
    component_id = attribute(answer, "componentId")
    assert attribute(answer, "folderFullPath") == "Northwind Outfitters/Promoted/Tests"
    assert attribute(answer, "version") == "1"
    assert attribute(answer, "branchId") == branch_id
    assert api.call("GET", f"Component/{component_id}").status_code == 404
    assert api.call("GET", f"Component/{component_id}~{branch_id}").ok
    other = make_branch(api, "promo-2")
    assert api.call("GET", f"Component/{component_id}~{other}").status_code == 404


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("</bns:Component>", "", "not valid XML"),
        ("bns:Component", "bns:Thing", "Unable to read message body"),
        (' name="Made by a test"', "", "'name'"),
        (' type="process"', "", "'type'"),
        (' type="process"', ' type="connector-action"', "'subType'"),
        ("<bns:encryptedValues/>", "", ""),
        ('<process xmlns="">', "<bns:process>", ""),
        ("<bns:object>", "<bns:thing/><bns:object>", "Invalid content"),
        ('type="process"', 'type="profile.xml"', "Only a process"),
        ('componentId=""', 'componentId="x"', "must be empty"),
    ],
)
def test_component_xml_is_checked(api: Controls, old: str, new: str, why: str) -> None:
    branch_id = make_branch(api)
    xml = process_xml()
    if new == "<bns:process>":
        xml = xml.replace("</process>", "</bns:process>")
    if old == "bns:Component":
        xml = xml.replace("</bns:Component>", "</bns:Thing>").replace(
            "<bns:Component", "<bns:Thing"
        )
    answer = api.call("POST", f"Component~{branch_id}", xml.replace(old, new))
    if old == "<bns:encryptedValues/>":
        assert answer.ok  # it may be left out
        return
    assert answer.status_code == 400
    assert why in message(answer)


def test_children_must_be_in_order(api: Controls) -> None:
    branch_id = make_branch(api)
    first, second = "<bns:encryptedValues/>", "<bns:description></bns:description>"
    xml = process_xml().replace(first + second, second + first)
    answer = api.call("POST", f"Component~{branch_id}", xml)
    assert answer.status_code == 400
    assert "order" in message(answer)


def test_a_document_type_is_refused(api: Controls) -> None:
    branch_id = make_branch(api)
    xml = '<!DOCTYPE x [<!ENTITY e "v">]>' + process_xml()
    assert api.call("POST", f"Component~{branch_id}", xml).status_code == 400


def test_an_update_raises_the_version_and_leaves_main_alone(api: Controls) -> None:
    branch_id = make_branch(api)
    twin = uid(seed.PRIMARY_ACCOUNT, "stock-sync")
    before = on_main(api, twin)
    xml = api.call("GET", f"Component/{twin}").text.replace("pages of 100", "pages of 500")
    answer = api.call("POST", f"Component/{twin}~{branch_id}", xml)
    assert attribute(answer, "version") == str(before["version"] + 1)
    after = on_main(api, twin)
    assert (after["version"], after["sha"]) == (before["version"], before["sha"])
    assert after["branches"][branch_id]["version"] == before["version"] + 1
    assert "pages of 500" in api.call("GET", f"Component/{twin}~{branch_id}").text


def test_an_update_without_a_change_is_refused(api: Controls) -> None:
    branch_id = make_branch(api)
    xml = api.call("GET", f"Component/{seed.COPIED_TWIN_ID}").text
    path = f"Component/{seed.COPIED_TWIN_ID}~{branch_id}"
    answer = api.call("POST", path, xml.replace("><shape ", ">\n  <shape "))
    assert answer.status_code == 400
    assert "material changes" in message(answer)
    api.edit(immaterial="accept")
    assert api.call("POST", path, xml).ok


def test_a_locked_component_is_refused_until_it_is_unlocked(api: Controls) -> None:
    branch_id = make_branch(api)
    xml = api.call("GET", f"Component/{seed.COPIED_TWIN_ID}").text.replace("Moved?", "Gone?")
    path = f"Component/{seed.COPIED_TWIN_ID}~{branch_id}"
    api.edit(action="lock", componentId=seed.COPIED_TWIN_ID)
    answer = api.call("POST", path, xml)
    assert answer.status_code == 400
    assert "currently locked by another user" in message(answer)
    api.edit(action="unlock", componentId=seed.COPIED_TWIN_ID)
    assert api.call("POST", path, xml).ok


def test_an_update_of_what_is_not_there(api: Controls) -> None:
    branch_id = make_branch(api)
    unknown = "00000000-0000-4000-8000-000000000000"
    assert api.call("POST", f"Component/{unknown}~{branch_id}", process_xml()).status_code == 404
    gone = uid(seed.PRIMARY_ACCOUNT, "gone-report")
    assert api.call("POST", f"Component/{gone}~{branch_id}", process_xml()).status_code == 404


# -- merging ---------------------------------------------------------------------------------


def test_a_merge_brings_everything_to_main_as_new_revisions(api: Controls) -> None:
    branch_id = make_branch(api)
    created = create(api, branch_id)
    twin = uid(seed.PRIMARY_ACCOUNT, "stock-sync")
    xml = api.call("GET", f"Component/{twin}").text.replace("pages of 100", "pages of 500")
    staged = int(attribute(api.call("POST", f"Component/{twin}~{branch_id}", xml), "version"))
    assert merge(api, branch_id) == "MERGED"
    assert on_main(api, twin)["version"] == staged + 1
    assert on_main(api, created)["version"] == 2
    assert "pages of 500" in api.raw(twin)
    details = api.state()["merges"][0]["details"]
    assert {d["change_type"] for d in details} == {"ADDED", "MODIFIED"}


def test_what_main_gets_later_is_not_visible_on_a_branch(api: Controls) -> None:
    old, other = make_branch(api, "old"), make_branch(api, "other")
    created = create(api, other)
    merge(api, other)
    assert api.call("GET", f"Component/{created}").ok
    assert api.call("GET", f"Component/{created}~{old}").status_code == 404


def test_a_merge_can_only_be_executed_in_its_time(api: Controls) -> None:
    api.edit(merge_mode="stuck")
    branch_id = make_branch(api)
    create(api, branch_id)
    body = {"sourceBranchId": branch_id, "targetBranchId": main_id(api), "strategy": "OVERRIDE"}
    merge_id = api.call("POST", "MergeRequest", json=body).json()["mergeRequestId"]
    path = f"MergeRequest/execute/{merge_id}"
    stage = lambda: api.call("GET", f"MergeRequest/{merge_id}", accept="*/*").json()["stage"]  # noqa: E731
    until(stage, lambda s: s == "REVIEWING")
    assert api.call("POST", path, json={"action": "MERGE"}).json()["stage"] == "MERGING"
    assert api.call("POST", path, json={"action": "MERGE"}).status_code == 409
    assert api.call("POST", path, json={"mergeRequestAction": "MERGE"}).status_code == 400


def test_a_merge_is_outdated_when_its_branch_has_changed(api: Controls) -> None:
    branch_id = make_branch(api)
    created = create(api, branch_id)
    body = {"sourceBranchId": branch_id, "targetBranchId": main_id(api), "strategy": "OVERRIDE"}
    merge_id = api.call("POST", "MergeRequest", json=body).json()["mergeRequestId"]
    stage = lambda: api.call("GET", f"MergeRequest/{merge_id}", accept="*/*").json()["stage"]  # noqa: E731
    until(stage, lambda s: s == "REVIEWING")
    api.call("POST", f"Component/{created}~{branch_id}", process_xml("two"))
    answer = api.call("POST", f"MergeRequest/execute/{merge_id}", json={"action": "MERGE"})
    assert answer.status_code == 409


def test_merges_fail_or_need_no_execution_on_demand(api: Controls) -> None:
    branch_id = make_branch(api)
    created = create(api, branch_id)
    api.edit(merge_mode="fail")
    assert merge(api, branch_id) == "FAILED_TO_MERGE"
    assert on_main(api, created)["version"] is None
    api.edit(merge_mode="auto")
    assert merge(api, branch_id, execute=False) == "MERGED"
    assert on_main(api, created)["version"] == 2


# -- packages, packs, releases, deployments --------------------------------------------------


def package(api: Controls, component_id: str, version: str = "1.0", **more: Any) -> Any:
    body = {
        "componentId": component_id,
        "packageVersion": version,
        "notes": "n",
        "shareable": True,
        **more,
    }
    return api.call("POST", "PackagedComponent", json=body)


def test_a_package_is_made_from_a_branch_by_its_name(api: Controls) -> None:
    branch_id = make_branch(api)
    created = create(api, branch_id)
    assert package(api, created).status_code == 404
    assert package(api, created, branchName=branch_id).status_code == 400
    made = package(api, created, branchName="promo-1").json()
    assert (made["branchName"], made["componentVersion"]) == ("promo-1", 1)
    again = package(api, created, branchName="promo-1")
    assert again.status_code == 400
    assert "already exists" in message(again)


def test_a_branch_of_a_package_holds_what_was_packaged(api: Controls) -> None:
    """The way from a tested package to production."""
    branch_id = make_branch(api)
    created = create(api, branch_id)
    package_id = package(api, created, branchName="promo-1").json()["packageId"]
    api.call("DELETE", f"Branch/{branch_id}", accept="*/*")
    second = make_branch(api, "promo-2", packageId=package_id)
    assert api.call("GET", f"Component/{created}~{second}").ok
    assert merge(api, second) == "MERGED"
    assert on_main(api, created)["version"] == 2


def test_a_pack_holds_one_package_of_a_component_until_the_newer_is_released(
    api: Controls,
) -> None:
    stock, pack = uid(seed.PRIMARY_ACCOUNT, "stock-sync"), seed.PACKS["orders"]
    newer = package(api, stock, "2.0").json()["packageId"]
    path = f"IntegrationPack/{pack}/PackagedComponent/{newer}"
    for _ in range(2):
        assert api.call("POST", path, accept="application/json").json() == {
            "integrationPackId": pack,
            "packageId": newer,
        }
    packs = api.call("POST", "IntegrationPack/query", ALL).text
    content = packs[packs.index(pack) : packs.index("</bns:result>", packs.index(pack))]
    assert content.count("<bns:PackagedComponent ") == 2
    assert 'packageVersion="2.0" released="false"' in content
    assert 'packageVersion="4.2" released="true"' in content
    body = {"integrationPackId": pack, "version": "2", "notes": "n"}
    released = api.call("POST", "ReleaseIntegrationPack", json=body).json()
    assert released["releaseStatus"] == "SUCCESS"
    assert api.call("POST", "ReleaseIntegrationPack", json=body).status_code == 400
    snapshot = api.state()["releases"][-1]["packages"]
    assert snapshot[stock] == newer
    assert len(snapshot) == 2


def test_only_a_released_pack_is_deployed_and_once_to_an_environment(api: Controls) -> None:
    stock, pack = uid(seed.PRIMARY_ACCOUNT, "stock-sync"), seed.PACKS["orders"]
    package_id = package(api, stock, "2.0").json()["packageId"]
    api.call("POST", f"IntegrationPack/{pack}/PackagedComponent/{package_id}", accept="*/*")
    body = {"integrationPackId": pack, "version": "2", "notes": "n"}
    released = api.call("POST", "ReleaseIntegrationPack", json=body).json()["packageId"]
    environment = seed.ENVIRONMENTS["prod-eu"]

    def deploy(what: str, where: str = environment) -> requests.Response:
        body = {"environmentId": where, "packageId": what}
        return api.call("POST", "DeployedPackage", json=body)

    assert deploy(package_id).status_code == 400
    assert deploy("nothing").status_code == 404
    assert deploy(released, "nowhere").status_code == 404
    assert deploy(released).json()["active"] is True
    again = deploy(released)
    assert again.status_code == 400
    assert "duplicate" in message(again)
    assert len(api.state()["deployments"]) == 1


def test_what_is_not_shareable_or_has_a_route_is_in_no_pack(api: Controls) -> None:
    stock = uid(seed.PRIMARY_ACCOUNT, "stock-sync")
    private = package(api, stock, "3.0", shareable=False).json()["packageId"]
    path = f"IntegrationPack/{seed.PACKS['orders']}/PackagedComponent/{private}"
    answer = api.call("POST", path, accept="*/*")
    assert answer.status_code == 400
    assert "not shareable" in message(answer)


def test_a_pack_has_a_name_of_its_own_and_may_vanish(api: Controls) -> None:
    body = {"name": "New pack", "description": "d", "installationType": "MULTI"}
    pack = api.call("POST", "IntegrationPack", json=body).json()
    assert api.call("POST", "IntegrationPack", json=body).status_code == 400
    api.edit(action="delete_pack", packId=pack["id"])
    body = {"integrationPackId": pack["id"], "version": "1", "notes": "n"}
    assert api.call("POST", "ReleaseIntegrationPack", json=body).status_code == 404


def test_a_release_can_end_in_an_error(api: Controls) -> None:
    api.edit(release_mode="error")
    body = {"integrationPackId": seed.PACKS["orders"], "version": "2", "notes": "n"}
    answer = api.call("POST", "ReleaseIntegrationPack", json=body).json()
    assert answer["releaseStatus"] == "ERROR"
    assert "packageId" not in answer


# -- the seed and the process ----------------------------------------------------------------


def test_the_demo_package_has_thirty_components_and_mapped_connections(api: Controls) -> None:
    account = api.state()["accounts"][ORDERS]
    demo = next(p for p in account["packages"] if p["id"] == seed.DEMO_PACKAGE_ID)
    types = {c["id"]: c["type"] for c in account["components"]}
    connections = [c for c in demo["manifest"] if types[c] == "connector-settings"]
    assert len(demo["manifest"]) - len(connections) >= 25
    assert {(ORDERS, c) for c in connections} <= seed.CONNECTIONS.keys()


def test_the_seed_is_the_same_at_every_start(api: Controls) -> None:
    before = api.state()["accounts"]
    api.control("reset")
    assert api.state()["accounts"] == before


def test_production_starts_without_dangling_references_or_masks(api: Controls) -> None:
    state = api.state()
    assert state["dangling_references"] == []
    assert state["mask_stored"] == []


def test_the_simulator_imports_nothing_from_the_client() -> None:
    for file in (PROJECT / "partnerapi" / "simulator").glob("*.py"):
        for name in re.findall(r"^\s*(?:from|import) (partnerapi\S*)", file.read_text(), re.M):
            assert name.startswith("partnerapi.simulator"), (file.name, name)


@pytest.mark.parametrize("path", ["Branch/query", "IntegrationPack/query"])
def test_override_account_belongs_to_four_operations(api: Controls, path: str) -> None:
    media = JSON if path.startswith("Branch") else XML
    answer = api.call("POST", path, "{}" if media == JSON else ALL, account=ORDERS, media=media)
    assert (answer.status_code, "overrideAccount" in answer.text) == (400, True)
