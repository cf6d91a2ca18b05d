"""What the client sends in the published dialect, judged by Boomi's own description."""

from typing import cast

import pytest

from partnerapi.client import PartnerApiClient
from tests.partnerapi import openapi, samples
from tests.partnerapi.samples import (
    BRANCH,
    CALLS,
    COMPONENT,
    MERGE,
    PACK,
    PACKAGE_ID,
    SUPPORTING_CALLS,
    query_json,
    query_xml,
)
from tests.partnerapi.stage import stage

pytestmark = pytest.mark.skipif(
    not openapi.is_there(), reason="the published description does not lie beside the project"
)

# The description contradicts itself here: its list of properties has capitals, its own example
# has not, and the example is what other clients send.
CONTRADICTIONS = {"Account/query.QueryFilter.expression.property may not be status"}


@pytest.mark.parametrize("number", CALLS)
def test_operations(number: int) -> None:
    with stage("published") as on:
        CALLS[number](on.client)
        for sent in on.sent:
            assert openapi.problems(sent.method, sent.path, sent.media_type, sent.body) == []


@pytest.mark.parametrize("name", SUPPORTING_CALLS)
def test_supporting_calls(name: str) -> None:
    with stage("published") as on:
        SUPPORTING_CALLS[name](on.client)
        for sent in on.sent:
            found = openapi.problems(sent.method, sent.path, sent.media_type, sent.body)
            assert set(found) <= CONTRADICTIONS


def test_every_call_of_the_client_is_judged() -> None:
    """What is called here, and in the tests below, is everything that the client can do."""
    called: set[str] = set()

    class Named:
        def __getattr__(self, name: str) -> object:
            called.add(name)
            return lambda *args, **kwargs: ()

    for call in [*CALLS.values(), *SUPPORTING_CALLS.values()]:
        call(cast("PartnerApiClient", Named()))
    public = {name for name in vars(PartnerApiClient) if not name.startswith("_")}
    assert public - called == {"ensure_folder"}


def test_folders() -> None:
    with stage("published") as on:
        folder = {"id": "f", "name": "Promoted", "fullPath": "Acme/Promoted"}
        on.answer("POST", "Folder/query", query_json())
        on.answer("POST", "Folder", folder)
        on.client.ensure_folder("/Promoted/Orders")
        assert len(on.sent) == 4
        for sent in on.sent:
            assert openapi.problems(sent.method, sent.path, sent.media_type, sent.body) == []


def test_variants() -> None:
    """Calls with every option that changes what is sent."""
    with stage("published") as on:
        client = on.client
        client.create_branch("b", "d", package_id=PACKAGE_ID)
        client.get_component(COMPONENT, version=7)
        client.get_component(COMPONENT, branch_id=BRANCH)
        client.create_deployed_package("e", PACKAGE_ID, notes="n", listener_status="PAUSED")
        client.execute_merge_request(MERGE, action="REVERT")
        list(client.query_packaged_components(component_id=COMPONENT, package_version="1"))
        client.query_branches(name="main")
        on.answer("POST", "PackagedComponent/query", query_xml(token="t"))
        on.answer("POST", "PackagedComponent/queryMore", query_xml())
        list(client.query_packaged_components())
        for sent in on.sent:
            assert openapi.problems(sent.method, sent.path, sent.media_type, sent.body) == []


@pytest.mark.parametrize(
    ("number", "not_sent"),
    [
        (7, set()),
        # Either a package or a component is deployed; ours is always a package.
        (8, {"componentId"}),
        (9, set()),
        (10, set()),
        (12, set()),
        (13, set()),
        (17, set()),
        (18, set()),
    ],
)
def test_every_field_of_the_example_is_sent(number: int, not_sent: set[str]) -> None:
    with stage("published") as on:
        CALLS[number](on.client)
        target = samples.target("published", number)
        wanted = openapi.example_fields(target.method, target.path, "application/json")
        assert wanted - not_sent <= on.last.json.keys()


@pytest.mark.parametrize(
    ("method", "path", "media_type", "body"),
    [
        ("POST", f"Component~{BRANCH}", "application/xml", b"<x/>"),
        ("PUT", "Branch", "application/json", b"{}"),
        ("POST", "Branch", "text/plain", b"{}"),
        ("POST", "Branch", "application/json", b'{"branchId": "x"}'),
        ("POST", "Branch", "application/json", b'{"name": 1}'),
        ("POST", "PackagedComponent", "application/json", b'{"shareable": "true"}'),
        ("POST", "MergeRequest", "application/json", b'{"priorityBranch": "QjoyMDI1OTk"}'),
        ("POST", "Branch/query", "application/json", b"{}"),
        ("POST", "PackagedComponent/query", "application/xml", b'<QueryFilter xmlns="u"/>'),
        ("POST", f"PublisherIntegrationPack/{PACK}", "application/json", b'{"description": ""}'),
        ("GET", f"Branch/{BRANCH}", "", b"body"),
    ],
)
def test_the_judge_finds_what_is_wrong(
    method: str, path: str, media_type: str, body: bytes
) -> None:
    assert openapi.problems(method, path, media_type, body)
