"""Faults, pace, latency and the log: what tests of the product lean on."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from partnerapi.simulator import seed
from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.documents import ROOT_NAMESPACES
from partnerapi.simulator.seed import uid
from tests.partnerapi.simulators import PROJECT, Controls, running, until

READ = f"Component/{seed.COPIED_TWIN_ID}"


@pytest.fixture(scope="module")
def process() -> Iterator[Controls]:
    with running("--dialect", "guide", "--speed", "10") as controls:
        yield controls


@pytest.fixture
def api(process: Controls) -> Controls:
    process.control("reset")
    return process


def make_branch(api: Controls) -> requests.Response:
    return api.call("POST", "Branch", json={"name": "promo-1", "description": "x"})


def branch_names(api: Controls) -> list[str]:
    return [branch["name"] for branch in api.state()["branches"]]


def test_a_status_strikes_as_often_as_asked(api: Controls) -> None:
    api.fault(1, "status", status=429, times=2, retry_after="3", message="Too fast, friend")
    first = api.call("GET", READ)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert "Too fast, friend" in first.text
    assert api.call("GET", READ).status_code == 429
    assert api.call("GET", READ).status_code == 200


def test_a_fault_lets_the_first_calls_pass(api: Controls) -> None:
    api.fault("GET Component", "status", status=500, after=1)
    assert [api.call("GET", READ).status_code for _ in range(3)] == [200, 500, 200]


def test_a_fault_strikes_only_its_operation(api: Controls) -> None:
    api.fault("Environment", "status", status=503)
    assert api.call("GET", READ).ok
    assert api.call("POST", "Environment/query", json={}).status_code == 503


def test_a_call_with_a_status_was_not_done(api: Controls) -> None:
    api.fault(10, "status", status=503)
    assert make_branch(api).status_code == 503
    assert branch_names(api) == ["main"]


def test_a_lost_reply_was_done(api: Controls) -> None:
    api.fault(10, "lost_reply")
    with pytest.raises(requests.ConnectionError):
        make_branch(api)
    assert branch_names(api) == ["main", "promo-1"]


def test_a_reset_was_not_done(api: Controls) -> None:
    api.fault(10, "reset")
    with pytest.raises(requests.ConnectionError):
        make_branch(api)
    assert branch_names(api) == ["main"]


def test_a_timeout_answers_nothing(api: Controls) -> None:
    api.fault(1, "timeout", seconds=2)
    with pytest.raises(requests.Timeout):
        api.call("GET", READ, timeout=0.3)
    assert api.call("GET", READ).ok


def test_a_truncated_answer_breaks_off(api: Controls) -> None:
    api.fault(1, "truncated")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        api.call("GET", READ)


def test_html_empty_and_errors_with_a_good_status(api: Controls) -> None:
    api.fault(1, "html")
    answer = api.call("GET", READ)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    api.fault(1, "html", status=502)
    assert api.call("GET", READ).status_code == 502
    api.fault(1, "empty")
    assert api.call("GET", READ).content == b""
    api.fault(1, "error_in_200", message="No, after all")
    answer = api.call("GET", READ)
    assert (answer.status_code, "No, after all" in answer.text) == (200, True)


def test_a_redirect_and_a_wrong_encoding(api: Controls) -> None:
    api.fault(1, "redirect")
    answer = api.call("GET", READ)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/somewhere/else")
    api.fault(1, "wrong_encoding")
    answer = api.call("GET", READ)
    assert "charset=utf-8" in answer.headers["Content-Type"]
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")


def test_an_endless_answer_goes_on(api: Controls) -> None:
    api.fault(1, "endless")
    url = f"{api.url}/partner/api/rest/v1/{seed.PRIMARY_ACCOUNT}/{READ}"
    read = 0
    with api.session.get(url, headers={"Accept": "*/*"}, stream=True, timeout=60) as answer:
        for piece in answer.iter_content(1 << 20):
            read += len(piece)
            if read > 30_000_000:
                break
    assert read > 30_000_000
    assert api.call("GET", READ).ok


def test_an_unknown_kind_of_fault_is_refused(api: Controls) -> None:
    answer = requests.post(f"{api.url}/_control/faults", json={"kind": "gremlin"}, timeout=60)
    assert answer.status_code == 400


def test_faults_can_be_cleared(api: Controls) -> None:
    api.fault("*", "status", status=500, times=-1)
    assert api.call("GET", READ).status_code == 500
    api.control("faults", clear=True)
    assert api.call("GET", READ).ok


def test_latency_makes_every_call_slower(api: Controls) -> None:
    api.control("latency", ms=120)
    started = time.monotonic()
    assert api.call("GET", READ).ok
    assert time.monotonic() - started >= 0.12


def test_too_fast_is_503(api: Controls) -> None:
    api.control("pace", limit=5)
    statuses = [api.call("GET", READ).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [503]
    time.sleep(1.05)
    assert api.call("GET", READ).ok


def test_ten_calls_a_second_are_allowed_unless_said_otherwise() -> None:
    command = [sys.executable, "-m", "partnerapi.simulator", "--port", "0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            controls = Controls(process.stdout.readline().split(" on ")[1].split()[0])
            with ThreadPoolExecutor(20) as pool:
                answers = list(pool.map(lambda _: controls.call("GET", READ), range(20)))
            statuses = sorted(answer.status_code for answer in answers)
            assert statuses[:10] == [200] * 10
            assert statuses[-1] == 503
        finally:
            process.terminate()


def test_the_log_counts_and_names_calls(api: Controls) -> None:
    api.call("GET", READ)
    api.call("GET", f"Component/{seed.DEMO_COMPONENT_ID}", account=seed.ORDERS_ACCOUNT)
    api.call("POST", "Branch/query", json={})
    calls = api.state()["calls"]
    assert calls["total"] == 3
    assert calls["by_operation"] == {"1": 2, "11": 1}
    assert calls["max_per_second"] == 3
    assert [c["account"] for c in calls["last"]] == [
        seed.PRIMARY_ACCOUNT,
        seed.ORDERS_ACCOUNT,
        seed.PRIMARY_ACCOUNT,
    ]
    assert {c["status"] for c in calls["last"]} == {200}


def test_a_reset_forgets_everything_and_can_change_the_dialect(api: Controls) -> None:
    make_branch(api)
    api.fault(1, "status", times=-1)
    api.edit(merge_mode="fail")
    api.control("reset", dialect="published", seed="empty")
    state = api.state()
    assert (state["dialect"], state["faults"], state["calls"]["total"]) == ("published", [], 0)
    assert state["accounts"][seed.PRIMARY_ACCOUNT]["components"] == []
    assert state["modes"]["merge_mode"] == "normal"
    assert branch_names(api) == ["main"]


@pytest.mark.parametrize(
    "body",
    [{"merge_mode": "sideways"}, {"action": "dance"}, {"colour": "red"}, {"action": "touch"}],
)
def test_a_wrong_edit_is_refused(api: Controls, body: dict[str, str]) -> None:
    answer = requests.post(f"{api.url}/_control/edit", json=body, timeout=60)
    assert answer.status_code == 400


def test_a_person_works_in_the_editor(api: Controls) -> None:
    dev = seed.DEMO_COMPONENT_ID
    assert api.edit(action="touch", componentId=dev)["version"] == 2
    api.edit(action="component_xml", componentId=dev, replace=[["Batch size", "Lot size"]])
    assert "Lot size" in api.raw(dev)
    package = api.edit(action="create_package", componentId=dev, packageVersion="1.1")
    api.edit(action="delete_package", packageId=package["packageId"])
    packages = api.state()["accounts"][seed.ORDERS_ACCOUNT]["packages"]
    assert next(p for p in packages if p["id"] == package["packageId"])["deleted"] is True
    api.edit(action="delete_component", componentId=dev)
    answer = api.call("GET", f"ComponentMetadata/{dev}", account=seed.ORDERS_ACCOUNT)
    assert 'deleted="true"' in answer.text


def test_an_edit_keeps_the_real_secrets(api: Controls) -> None:
    connection = next(iter(seed.CONNECTIONS.values()))
    before = api.raw(connection)
    api.edit(action="touch", componentId=connection)
    assert "prod-violet-anchor-1" in before
    assert "prod-violet-anchor-1" in api.raw(connection)
    assert api.state()["mask_stored"] == []


# What is done, and answered badly


def published(api: Controls) -> None:
    api.control("reset", dialect="published")


def component_xml(name: str, branch: str = "", component: str = "") -> str:
    return (
        f'<bns:Component {ROOT_NAMESPACES} name="{name}" type="script.processing"'
        f' branchId="{branch}" componentId="{component}"><bns:object>'
        f"{x.processing_script(name)}</bns:object></bns:Component>"
    )


def ready_branch(api: Controls, name: str = "promo-1") -> str:
    found = api.edit(action="make_branches", count=1, prefix=name)["branchIds"]
    return str(found[0])


WRITES: dict[str, tuple[str, str, Any]] = {
    "component": ("POST", "Component", component_xml("Written")),
    "package": (
        "POST",
        "PackagedComponent",
        {"componentId": seed.COPIED_TWIN_ID, "packageVersion": "9", "branchName": "main"},
    ),
    "deployment": ("POST", "DeployedPackage", None),
    "pack": (
        "POST",
        "PublisherIntegrationPack",
        {"name": "New pack", "Description": "", "installationType": "MULTI"},
    ),
    "branch": ("POST", "Branch", {"name": "promo-1", "parentId": "main"}),
    "folder": ("POST", "Folder", {"name": "Written"}),
    "release": ("POST", "ReleaseIntegrationPack", None),
}


def write(api: Controls, name: str) -> requests.Response:
    method, path, body = WRITES[name]
    if name == "deployment":
        stock = next(p for p in api.state()["packages"] if p["version"] == "1.0")
        body = {"environmentId": seed.ENVIRONMENTS["prod-eu"], "packageId": stock["id"]}
    elif name == "branch":
        main = next(b for b in api.state()["branches"] if b["name"] == "main")
        body = {**body, "parentId": main["id"]}
    elif name == "release":
        body = {"id": seed.PACKS["orders"], "releaseSchedule": "IMMEDIATELY"}
    if isinstance(body, str):
        return api.call(method, path, body)
    return api.call(method, path, json=body)


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("kind", "status"), [("status", 503), ("html", 200), ("html", 502)])
def test_any_write_can_be_done_and_answered_badly(
    api: Controls, name: str, kind: str, status: int
) -> None:
    published(api)
    before = api.state()
    api.fault("write", kind, status=status, done=True)
    assert write(api, name).status_code == status
    after = api.state()
    changed = {
        key
        for key in ("accounts", "branches", "packages", "packs", "releases", "deployments")
        if before[key] != after[key]
    }
    assert changed


def test_faults_of_writes_leave_reads_alone(api: Controls) -> None:
    api.fault("write", "status", times=-1)
    assert api.call("GET", READ).ok
    assert api.call("POST", "Branch/query", json={}).ok
    assert make_branch(api).status_code == 503


def test_the_true_answer_comes_with_another_status(api: Controls) -> None:
    api.fault(10, "other_status")
    answer = make_branch(api)
    assert (answer.status_code, answer.json()["name"]) == (201, "promo-1")


def test_an_error_echoes_what_was_sent(api: Controls) -> None:
    api.fault(10, "echo", message="The branch cannot be made.")
    answer = make_branch(api)
    assert answer.status_code == 400
    assert "promo-1" in answer.json()["message"]
    assert branch_names(api) == ["main"]


# What other people do meanwhile


def test_another_user_deletes_the_branch_right_before_a_call(api: Controls) -> None:
    made = make_branch(api).json()["branchId"]
    api.fault(14, "meanwhile", edit={"action": "delete_branch", "branch": "promo-"})
    answer = api.call("GET", f"Branch/{made}", accept="application/json")
    assert (answer.status_code, "already deleted" in answer.text) == (404, True)


def test_another_user_saves_on_main_right_after_a_call(api: Controls) -> None:
    edit = {"action": "touch", "name": "Customer Master Sync", "description": "Hotfix"}
    api.fault(1, "meanwhile", edit=edit, done=True)
    assert "Hotfix" not in api.call("GET", READ).text
    assert "Hotfix" in api.call("GET", READ).text


def test_another_user_works_on_a_branch(api: Controls) -> None:
    branch = ready_branch(api)
    api.edit(action="touch", componentId=seed.COPIED_TWIN_ID, branch="promo-", description="Mine")
    assert "Mine" in api.call("GET", f"{READ}~{branch}").text
    assert "Mine" not in api.call("GET", READ).text
    api.edit(action="delete_component", componentId=seed.COPIED_TWIN_ID, branchId=branch)
    assert 'deleted="true"' in api.call("GET", f"{READ}~{branch}").text


def test_what_cannot_be_done_meanwhile_stands_in_the_log(api: Controls) -> None:
    api.fault(1, "meanwhile", edit={"action": "delete_branch", "branch": "promo-"})
    assert api.call("GET", READ).ok
    assert "No branch" in api.state()["calls"]["last"][-1]["fault"]


def test_another_user_changes_packs(api: Controls) -> None:
    published(api)
    pack, report = seed.PACKS["orders"], uid(seed.PRIMARY_ACCOUNT, "stock-report")

    def entry() -> dict[str, Any]:
        answer = api.call("GET", f"PublisherIntegrationPack/{pack}", accept="application/json")
        rows = answer.json()["PublisherPackagedComponents"]["PublisherPackagedComponent"]
        return next((row for row in rows if row["componentId"] == report), {})

    package = api.edit(action="create_package", componentId=report, packageVersion="5")
    api.edit(action="add_to_pack", packId=pack, packageId=package["packageId"])
    assert (entry()["pendingVersion"], entry()["deleted"]) == ("5", False)
    api.edit(action="remove_from_pack", packId=pack, componentId=report)
    assert entry()["deleted"] is True
    api.edit(action="release_pack", packId=pack)
    assert entry() == {}
    api.edit(action="rename_pack", packId=pack, name="Renamed")
    api.edit(action="create_pack", name="Order Management")
    names = [p["name"] for p in api.state()["packs"]]
    assert (names[0], names[-1]) == ("Renamed", "Order Management")


@pytest.mark.parametrize(
    ("left_out_as", "told"),
    [
        ("skipped", {"excluded": False, "stage": "MERGED"}),
        ("missing", None),
        ("excluded", {"excluded": True}),
        ("keep_destination", {"resolution": "KEEP_DESTINATION", "conflict": True}),
        ("locked", {"lockedOnDestinationBranch": True}),
    ],
)
def test_a_merge_leaves_a_component_out(
    api: Controls, left_out_as: str, told: dict[str, Any] | None
) -> None:
    published(api)
    api.edit(merge_mode="auto", merge_leaves_out=["Second"], merge_leaves_out_as=left_out_as)
    branch = ready_branch(api)
    for name in ("First", "Second"):
        assert api.call("POST", "Component", component_xml(name, branch)).ok
    merged = merge(api, branch)
    by_name = {c["name"]: c for c in api.state()["accounts"][seed.PRIMARY_ACCOUNT]["components"]}
    assert by_name["First"]["version"]
    assert by_name["Second"]["version"] is None
    rows = merged["MergeRequestDetails"]["MergeRequestDetail"]
    row = next((r for r in rows if r["componentGuid"] == by_name["Second"]["id"]), None)
    assert (row is None) == (told is None)
    assert (told or {}).items() <= (row or {}).items()


def test_a_merge_without_details(api: Controls) -> None:
    published(api)
    api.edit(merge_mode="auto", merge_details="none")
    branch = ready_branch(api)
    api.call("POST", "Component", component_xml("First", branch))
    assert "MergeRequestDetails" not in merge(api, branch)


def test_a_merge_carries_out_a_deletion(api: Controls) -> None:
    published(api)
    api.edit(merge_mode="auto")
    branch = ready_branch(api)
    api.edit(action="delete_component", componentId=seed.COPIED_TWIN_ID, branchId=branch)
    rows = merge(api, branch)["MergeRequestDetails"]["MergeRequestDetail"]
    assert [row["changeType"] for row in rows] == ["DELETED"]
    assert 'deleted="true"' in api.call("GET", f"ComponentMetadata/{seed.COPIED_TWIN_ID}").text


def merge(api: Controls, branch: str) -> dict[str, Any]:
    main = next(b for b in api.state()["branches"] if b["name"] == "main")
    body = {
        "sourceBranchId": branch,
        "destinationBranchId": main["id"],
        "strategy": "OVERRIDE",
        "priorityBranch": "SOURCE",
    }
    made = api.call("POST", "MergeRequest", json=body).json()["id"]

    def ask() -> dict[str, Any]:
        answer = api.call("GET", f"MergeRequest/{made}", accept="application/json")
        found: dict[str, Any] = answer.json()
        return found

    return until(ask, lambda found: found["stage"] == "MERGED")


def test_an_environment_refuses(api: Controls) -> None:
    published(api)
    api.edit(refusing_environments=["Production EU"])
    answer = write(api, "deployment")
    assert (answer.status_code, "Production EU" in answer.text) == (400, True)
    api.edit(refusing_environments=[])
    assert write(api, "deployment").ok


def test_an_environment_is_retired(api: Controls) -> None:
    published(api)
    api.edit(action="delete_environment", environmentId=seed.ENVIRONMENTS["prod-eu"])
    assert "is not found" in write(api, "deployment").text


def test_runtimes_are_attached_to_environments(api: Controls) -> None:
    def attached(name: str) -> list[str]:
        asked = {
            "operator": "EQUALS",
            "property": "environmentId",
            "argument": [seed.ENVIRONMENTS[name]],
        }
        body = {"QueryFilter": {"expression": asked}}
        found = api.call("POST", "EnvironmentAtomAttachment/query", json=body).json()["result"]
        everyone = {"QueryFilter": {"expression": {"operator": "IS_NOT_NULL", "property": "id"}}}
        atoms = api.call("POST", "Atom/query", json=everyone).json()["result"]
        names = {atom["id"]: f"{atom['name']} {atom['status']}" for atom in atoms}
        return [names[row["atomId"]] for row in found]

    assert attached("prod-eu") == ["EU Molecule ONLINE"]
    api.edit(action="attach_runtime", name="EU Molecule", environmentIds=[])
    assert attached("prod-eu") == []
    api.edit(action="attach_runtime", name="US Molecule", status="OFFLINE")
    assert attached("prod-us") == ["US Molecule OFFLINE"]
