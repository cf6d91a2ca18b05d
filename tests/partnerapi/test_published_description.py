"""What the client sends in the published dialect, judged by what the description says."""

import re
import tomllib
from typing import Any, cast

import pytest

from partnerapi.client import PartnerApiClient
from partnerapi.simulator import published, schema
from tests.partnerapi import openapi, samples
from tests.partnerapi.samples import (
    BRANCH,
    CALLS,
    COMPONENT,
    MERGE,
    PACK,
    PACKAGE_ID,
    SUPPORTING_CALLS,
    USED,
    query_json,
    query_xml,
)
from tests.partnerapi.simulators import running
from tests.partnerapi.stage import stage


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
            assert openapi.problems(sent.method, sent.path, sent.media_type, sent.body) == []


def test_every_call_of_the_client_is_judged() -> None:
    """What is called here, and in the tests below, is everything that the client can do."""
    called: set[str] = set()

    class Named:
        def __getattr__(self, name: str) -> object:
            called.add(name)
            return lambda *args, **kwargs: ()

    for call in [*CALLS.values(), *SUPPORTING_CALLS.values()]:
        call(cast("PartnerApiClient", Named()))
    public = {
        name
        for name, member in vars(PartnerApiClient).items()
        if callable(member) and not name.startswith("_")
    }
    many = {
        "get_many_metadata",
        "get_many_components",
        "get_many_references",
        "get_many_parents",
        "find_metadata",
    }
    at_once = {"both", "concurrently", "as_they_come", "each_component"}
    made_of_others = {"find_metadata", "ensure_folders", "get_main_branch"}
    assert public - called == many | at_once | made_of_others


def test_many_at_once() -> None:
    with stage("published") as on:
        on.answer("POST", "ComponentMetadata/bulk", {"@type": "BulkResult", "response": []})
        on.answer("POST", "Component/bulk", {"@type": "BulkResult", "response": []})
        ids = [COMPONENT, USED]
        on.answer("GET", f"ComponentMetadata/{COMPONENT}", {"message": "no"}, 400)
        on.answer("GET", f"ComponentMetadata/{USED}", {"message": "no"}, 400)
        on.answer("GET", f"Component/{COMPONENT}", {"message": "no"}, 400)
        on.answer("GET", f"Component/{USED}~3", {"message": "no"}, 400)
        on.client.get_many_metadata(ids)
        on.client.get_many_components(ids, versions={USED: 3})
        on.client.get_many_references({COMPONENT: 2, USED: 3})
        list(on.client.query_component_metadata(names=["a", "é & <b>"]))
        assert {sent.path for sent in on.sent} >= {"ComponentMetadata/bulk", "Component/bulk"}
        for sent in on.sent:
            assert openapi.problems(sent.method, sent.path, sent.media_type, sent.body) == []


def test_folders() -> None:
    with stage("published") as on:
        folder = {"id": "f", "name": "Promoted", "fullPath": "Acme/Promoted"}
        on.answer("POST", "Folder/query", query_json())
        on.answer("POST", "Folder", folder)
        on.client.ensure_folders(["/Promoted/Orders"])
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
        client.execute_merge_request(MERGE)
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
        wanted = openapi.example_fields(target.method, target.path)
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


def test_the_facts_are_written_as_the_description_says_them() -> None:
    """The reader of the description, tried on a small one of the same form."""
    field = {"type": "string", "xml": {"attribute": True}}
    described = {
        "paths": {
            "/Branch": {"post": body("Branch", {"@type": "Branch", "name": "x"})},
            "/Branch/{id}": {"get": {}, "delete": {}},
            "/Branch/query": {"post": query({"property": "name", "operator": "EQUALS"})},
        },
        "components": {
            "schemas": {
                "Branch": {
                    "properties": {
                        "name": field,
                        "stage": {**field, "enum": ["CREATING", "NORMAL"]},
                        "ready": {"type": "boolean", "xml": {"attribute": True}},
                        "parents": {"type": "array", "items": {"$ref": "#/x/BulkId"}},
                    }
                },
                "BulkId": {"allOf": [{"properties": {"id": field}}]},
                "BranchBulkRequest": {
                    "properties": {"request": {"type": "array", "items": {"$ref": "#/x/BulkId"}}}
                },
                "BranchSimpleExpression": {
                    "properties": {"operator": {"enum": ["EQUALS"]}, "property": {}}
                },
            }
        },
    }
    facts = tomllib.loads(openapi.written(openapi.Description(described)))
    assert facts == {
        "operators": ["EQUALS"],
        "groupings": ["and", "or"],
        "verbs": {"Branch": "create get delete query"},
        "queried_by": {"Branch": "name stage ready parents"},
        "examples": {"Branch create": "name"},
        "objects": {
            "Branch": {
                "name": "@string",
                "stage": "@CREATING|NORMAL",
                "ready": "@boolean",
                "parents": "[BulkId]",
            },
            "BulkId": {"id": "@string"},
            "BulkRequest": {"request": "[BulkId]"},
        },
    }


def body(kind: str, example: dict[str, str]) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/x/{kind}"}, "example": example}
    return {"requestBody": {"content": {"application/json": content}}}


def query(expression: dict[str, Any]) -> dict[str, Any]:
    value = {"QueryFilter": {"expression": expression}}
    content = {"examples": {"SimpleExpression": {"value": value}}}
    return {"requestBody": {"content": {"application/json": content}}}


def test_every_address_of_the_simulator_is_described() -> None:
    extra = {"Atom", "EnvironmentAtomAttachment"}
    for route in published.TABLE.routes:
        if route.kind not in extra:
            path = re.sub("<[a-z]+>", "x", route.path)
            assert openapi.operation(route.method, path), route


def test_the_simulator_answers_fields_that_are_described() -> None:
    """Every field of every answer in JSON, besides those that name types and errors."""
    with running("--dialect", "published", "--pace-limit", "0") as simulator:
        unknown: set[str] = set()
        for kind, verbs in schema.DESCRIBED["verbs"].items():
            if "query" not in verbs.split() or kind in {"ComponentReference", "MergeRequest"}:
                continue
            asked = schema.DESCRIBED["queried_by"][kind].split()[0]
            expression = {"operator": "IS_NOT_NULL", "property": asked}
            sent = {"QueryFilter": {"expression": expression}}
            answer = simulator.call("POST", f"{kind}/query", json=sent)
            assert answer.ok, answer.text
            for row in answer.json()["result"]:
                if kind in schema.DESCRIBED["objects"]:
                    described = schema.fields_of(kind).keys() | {"@type"}
                    unknown |= {f"{kind}.{name}" for name in row.keys() - described}
        assert unknown == set()
