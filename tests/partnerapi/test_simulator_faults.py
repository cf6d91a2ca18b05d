"""Faults, pace, latency and the log: what tests of the product lean on."""

import time
from collections.abc import Iterator

import pytest
import requests

from partnerapi.simulator import seed
from tests.partnerapi.simulators import Controls, running

READ = f"Component/{seed.COPIED_TWIN_ID}"


@pytest.fixture(scope="module")
def process() -> Iterator[Controls]:
    with running("--dialect", "guide") as controls:
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
    with api.session.get(url, headers={"Accept": "*/*"}, stream=True, timeout=20) as answer:
        for piece in answer.iter_content(1 << 20):
            read += len(piece)
            if read > 30_000_000:
                break
    assert read > 30_000_000
    assert api.call("GET", READ).ok


def test_an_unknown_kind_of_fault_is_refused(api: Controls) -> None:
    answer = requests.post(f"{api.url}/_control/faults", json={"kind": "gremlin"}, timeout=10)
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
    answer = requests.post(f"{api.url}/_control/edit", json=body, timeout=10)
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
