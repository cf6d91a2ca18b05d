"""The guide's dialect on the wire, as docs/guide-dialect.md has it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from partnerapi import errors
from partnerapi.dialects import dialect_named
from partnerapi.records import (
    ComponentMetadata,
    IntegrationPack,
    PackEntry,
    Reference,
    Release,
)
from tests.partnerapi import samples
from tests.partnerapi.samples import (
    BRANCH,
    CALLS,
    COMPONENT,
    DEV,
    ENVIRONMENT,
    MAIN,
    MERGE,
    OTHER,
    PACK,
    PACKAGE,
    PACKAGE_ID,
    RELEASE,
    SUPPORTING_CALLS,
    USED,
    component_xml,
    query_xml,
    xml,
)
from tests.partnerapi.stage import Stage, stage

NOT_FOUND = {"message": "The component (X) is not found."}


@pytest.fixture
def guide() -> Iterator[Stage]:
    with stage("guide") as on:
        yield on


@pytest.mark.parametrize("number", CALLS)
def test_an_operation_is_sent_as_the_table_says(guide: Stage, number: int) -> None:
    CALLS[number](guide.client)
    expected = samples.target("guide", number)
    assert (guide.last.method, guide.last.path) == (expected.method, expected.path)
    assert guide.last.account == (DEV if number in {1, 4, 5, 6} else None)
    assert len(guide.sent) == 1, "one call for each operation"


@pytest.mark.parametrize(
    ("number", "body"),
    [
        (
            7,
            {
                "componentId": COMPONENT,
                "packageVersion": "2.0",
                "notes": "n",
                "shareable": True,
                "branchName": "main",
            },
        ),
        (8, {"environmentId": ENVIRONMENT, "packageId": PACKAGE_ID, "notes": "n"}),
        (9, {"name": "Orders", "description": "d", "installationType": "MULTI"}),
        (10, {"name": "promo-1", "description": "d"}),
        (11, {}),
        (
            12,
            {
                "sourceBranchId": BRANCH,
                "targetBranchId": MAIN,
                "strategy": "OVERRIDE",
                "priorityBranch": BRANCH,
            },
        ),
        (13, {"action": "MERGE"}),
        (18, {"integrationPackId": PACK, "version": "5", "notes": "n"}),
    ],
)
def test_json_bodies(guide: Stage, number: int, body: object) -> None:
    CALLS[number](guide.client)
    assert guide.last.json == body
    assert guide.last.media_type == "application/json"


def test_adding_to_a_pack_has_no_body(guide: Stage) -> None:
    CALLS[17](guide.client)
    assert guide.last.body == b""


# -- components --------------------------------------------------------------


def test_a_component_keeps_its_bytes(guide: Stage) -> None:
    found = guide.client.get_component(COMPONENT)
    assert found.xml == component_xml(branch_id=MAIN)
    assert (found.component_id, found.name, found.type) == (COMPONENT, "Café", "process")
    assert (found.version, found.branch_id, found.deleted) == (7, MAIN, False)
    assert (found.folder_full_path, found.folder_id) == ("Acme/Promoted", "RjoxMDU")


def test_a_component_at_a_version_and_on_a_branch(guide: Stage) -> None:
    guide.client.get_component(COMPONENT, version=7)
    guide.client.get_component(COMPONENT, branch_id=BRANCH)
    assert guide.paths() == [
        f"GET Component/{COMPONENT}~7",
        f"GET Component/{COMPONENT}~{BRANCH}",
    ]
    with pytest.raises(ValueError, match="not both"):
        guide.client.get_component(COMPONENT, version=7, branch_id=BRANCH)


def test_another_component_than_the_one_asked_for(guide: Stage) -> None:
    guide.answer("GET", f"Component/{COMPONENT}", component_xml(OTHER))
    with pytest.raises(errors.BadResponse, match="another component"):
        guide.client.get_component(COMPONENT)


def test_a_created_component_is_sent_without_its_id(guide: Stage) -> None:
    guide.client.create_component(component_xml(OTHER), branch_id=BRANCH)
    assert guide.last.path == f"Component~{BRANCH}"
    assert guide.last.attributes.get("componentId", "") == ""
    assert guide.last.attributes["folderFullPath"] == "Acme/Promoted"
    assert "branchId" not in guide.last.attributes


def test_an_updated_component_is_sent_with_its_production_id(guide: Stage) -> None:
    guide.client.update_component(COMPONENT, component_xml(OTHER), branch_id=BRANCH)
    assert guide.last.path == f"Component/{COMPONENT}~{BRANCH}"
    assert guide.last.attributes["componentId"] == COMPONENT


def test_a_write_that_landed_on_another_branch_is_an_error(guide: Stage) -> None:
    guide.answer("POST", f"Component/{COMPONENT}~{BRANCH}", component_xml(branch_id=MAIN))
    with pytest.raises(errors.BranchIgnored, match="look at main"):
        guide.client.update_component(COMPONENT, component_xml(), branch_id=BRANCH)


@pytest.mark.parametrize(
    ("path", "is_there"),
    [("Acme/Promoted", True), ("/acme/promoted/", True), ("", True), ("Acme", False)],
)
def test_the_folder_in_the_answer_is_looked_at(guide: Stage, path: str, is_there: bool) -> None:
    sent = re.sub(b'folder[A-Za-z]+="[^"]*" ', b"", component_xml())
    sent = sent.replace(b"componentId=", b'folderFullPath="/Promoted" componentId=', 1)
    answer = component_xml().replace(b'"Acme/Promoted"', b'"%s"' % path.encode())
    guide.answer("POST", f"Component~{BRANCH}", answer)
    if is_there:
        guide.client.create_component(sent, branch_id=BRANCH)
        return
    with pytest.raises(errors.FolderIgnored, match="“Acme” and not in “/Promoted”"):
        guide.client.create_component(sent, branch_id=BRANCH)


def test_references(guide: Stage) -> None:
    rows = (
        samples.REFERENCE
        + samples.REFERENCE
        + f'<bns:references parentComponentId="{COMPONENT.upper()}" parentVersion="7" '
        f'componentId="{OTHER}" type="INDEPENDENT"/>'
    )
    guide.answer("GET", f"ComponentReference/{COMPONENT}", xml(rows, "ComponentReference"))
    assert guide.client.get_component_references(COMPONENT, version=7) == (
        Reference(USED, "DEPENDENT"),
        Reference(OTHER, "INDEPENDENT"),
    )


def test_no_references_is_an_empty_list(guide: Stage) -> None:
    refused = {"message": "The component has no references."}
    guide.answer("GET", f"ComponentReference/{COMPONENT}", refused, 400)
    assert guide.client.get_component_references(COMPONENT, version=7, account=DEV) == ()
    assert guide.paths()[-1] == f"GET ComponentMetadata/{COMPONENT}"
    assert guide.last.account == DEV


def test_an_empty_answer_without_references(guide: Stage) -> None:
    guide.answer("GET", f"ComponentReference/{COMPONENT}", xml("", "ComponentReference"))
    assert guide.client.get_component_references(COMPONENT, version=7) == ()


def test_an_unknown_component_has_no_empty_list(guide: Stage) -> None:
    guide.answer("GET", f"ComponentReference/{COMPONENT}", NOT_FOUND, 404)
    with pytest.raises(errors.NotFound):
        guide.client.get_component_references(COMPONENT, version=7)


def test_references_of_other_parents_mean_the_wrong_dialect(guide: Stage) -> None:
    row = (
        f'<bns:references parentComponentId="{OTHER}" parentVersion="2" '
        f'componentId="{COMPONENT}" type="DEPENDENT"/>'
    )
    guide.answer("GET", f"ComponentReference/{COMPONENT}", xml(row, "ComponentReference"))
    with pytest.raises(errors.BadResponse, match="another dialect"):
        guide.client.get_component_references(COMPONENT, version=7)


def test_metadata(guide: Stage) -> None:
    guide.answer(
        "GET",
        f"ComponentMetadata/{COMPONENT}",
        xml(
            "",
            "ComponentMetadata",
            f'componentId="{COMPONENT}" name="a &amp; &quot;b&quot; ~/ 🚀" type="transform.map" '
            'subType="x" version="7" currentVersion="true" deleted="false" '
            'modifiedDate="2026-01-02T03:04:05Z" modifiedBy="ann@example.test" '
            f'folderFullPath="Acme/A &lt; B" folderId="RjoxMDU" copiedFromComponentId="{OTHER}"',
        ),
    )
    assert guide.client.get_component_metadata(COMPONENT) == ComponentMetadata(
        component_id=COMPONENT,
        name='a & "b" ~/ 🚀',
        type="transform.map",
        sub_type="x",
        version=7,
        folder_full_path="Acme/A < B",
        folder_id="RjoxMDU",
        modified_by="ann@example.test",
        modified_date=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        copied_from_component_id=OTHER,
    )


def test_a_type_that_nobody_knows_is_kept(guide: Stage) -> None:
    guide.answer(
        "GET",
        f"ComponentMetadata/{COMPONENT}",
        {"componentId": COMPONENT, "name": "n", "type": "agent.new", "version": "3"},
    )
    assert guide.client.get_component_metadata(COMPONENT).type == "agent.new"


# -- packages ----------------------------------------------------------------


def test_all_packages_are_asked_for_with_an_empty_filter(guide: Stage) -> None:
    list(guide.client.query_packaged_components(account=DEV))
    assert b"<QueryFilter" in guide.last.body
    assert b"QueryConfig" not in guide.last.body
    assert guide.last.conditions == []
    assert guide.last.media_type == "application/xml"


def test_packages_of_a_component_at_a_version(guide: Stage) -> None:
    awkward = "1.0 <&> \"'~/ 🚀"
    list(guide.client.query_packaged_components(component_id=COMPONENT, package_version=awkward))
    assert guide.last.conditions == [
        ("componentId", "EQUALS", [COMPONENT]),
        ("packageVersion", "EQUALS", [awkward]),
    ]


def test_every_page_of_packages_is_fetched_and_deleted_ones_left_out(guide: Stage) -> None:
    gone = samples.PACKAGE_XML.replace(
        "<bns:deleted>false</bns:deleted>", "<bns:deleted>true</bns:deleted>"
    )
    guide.answer(
        "POST", "PackagedComponent/query", query_xml(samples.PACKAGE_XML, gone, token="t/1+=")
    )
    guide.answer("POST", "PackagedComponent/queryMore", query_xml(samples.PACKAGE_XML, token="t2"))
    guide.then("POST", "PackagedComponent/queryMore", query_xml(samples.PACKAGE_XML))
    found = list(guide.client.query_packaged_components(account=DEV))
    assert [package.package_id for package in found] == [PACKAGE_ID] * 3
    assert [sent.body for sent in guide.sent[1:]] == [b"t/1+=", b"t2"]
    assert all(sent.account == DEV for sent in guide.sent)
    assert guide.last.media_type == "text/plain"


def test_pages_are_fetched_as_they_are_needed(guide: Stage) -> None:
    guide.answer("POST", "PackagedComponent/query", query_xml(samples.PACKAGE_XML, token="t"))
    next(guide.client.query_packaged_components())
    assert len(guide.sent) == 1


def test_a_server_that_gives_the_same_page_for_ever(guide: Stage) -> None:
    guide.answer("POST", "PackagedComponent/query", query_xml(samples.PACKAGE_XML, token="t"))
    guide.answer("POST", "PackagedComponent/queryMore", query_xml(samples.PACKAGE_XML, token="t"))
    with pytest.raises(errors.BadResponse, match="same next page"):
        list(guide.client.query_packaged_components())


def test_a_package(guide: Stage) -> None:
    (found,) = guide.client.query_packaged_components()
    assert (found.package_version, found.component_id) == ("2.0", COMPONENT)
    assert found.component_version == 7, "the wire says 7.0"
    assert found.created_date == datetime(2026, 1, 12, 17, 29, 55, tzinfo=UTC)
    assert found.shareable
    assert not found.deleted


def test_a_package_version_that_is_taken(guide: Stage) -> None:
    guide.answer("POST", "PackagedComponent", {"message": "Version 2.0 is taken."}, 400)
    with pytest.raises(errors.AlreadyExists):
        CALLS[7](guide.client)


def test_a_deployment(guide: Stage) -> None:
    found = guide.client.create_deployed_package(ENVIRONMENT, PACKAGE_ID, listener_status="PAUSED")
    assert guide.last.json == {
        "environmentId": ENVIRONMENT,
        "packageId": PACKAGE_ID,
        "listenerStatus": "PAUSED",
    }
    assert (found.deployment_id, found.active, found.version) == (samples.DEPLOYMENT, True, 3)
    with pytest.raises(ValueError, match="RUNNING or PAUSED"):
        guide.client.create_deployed_package(ENVIRONMENT, PACKAGE_ID, listener_status="paused")


def test_a_repeated_deployment(guide: Stage) -> None:
    guide.answer("POST", "DeployedPackage", {"message": "duplicate deployment"}, 400)
    with pytest.raises(errors.AlreadyExists):
        CALLS[8](guide.client)


# -- branches and merges -----------------------------------------------------


def test_a_branch(guide: Stage) -> None:
    guide.answer(
        "POST", "Branch", {"branchId": BRANCH, "name": "a-b", "ready": False, "stage": "CREATING"}
    )
    made = guide.client.create_branch("a/b", "d", package_id=PACKAGE_ID, parent_id=MAIN)
    assert guide.last.json == {"name": "a/b", "description": "d", "packageId": PACKAGE_ID}
    assert (made.branch_id, made.name, made.ready, made.stage) == (BRANCH, "a-b", False, "CREATING")
    assert guide.client.get_branch(BRANCH).ready


def test_main_is_among_the_branches(guide: Stage) -> None:
    found = guide.client.query_branches()
    assert [(branch.branch_id, branch.is_main) for branch in found] == [
        (MAIN, True),
        (BRANCH, False),
    ]


def test_one_branch_by_name(guide: Stage) -> None:
    guide.client.query_branches(name="promo-1")
    assert guide.last.conditions == [("name", "EQUALS", ["promo-1"])]


@pytest.mark.parametrize(("status", "body"), [(200, b"true"), (404, NOT_FOUND), (404, b"")])
def test_deleting_a_branch_ends_well_with_200_and_404(
    guide: Stage, status: int, body: object
) -> None:
    guide.answer("DELETE", f"Branch/{BRANCH}", body, status)
    guide.client.delete_branch(BRANCH)
    assert len(guide.sent) == 1


def test_a_merge_request(guide: Stage) -> None:
    made = guide.client.create_merge_request(BRANCH, target_branch_id=MAIN)
    assert (made.merge_request_id, made.stage, made.details) == (MERGE, "REVIEWING", None)
    assert made.can_be_executed


def test_a_merge_request_is_executed_with_the_only_action_of_the_guide(guide: Stage) -> None:
    guide.client.execute_merge_request(MERGE)
    assert guide.last.json == {"action": "MERGE"}


# -- packs -------------------------------------------------------------------


def test_packs_and_what_is_in_them(guide: Stage) -> None:
    assert guide.client.query_integration_packs() == (
        IntegrationPack(
            pack_id=PACK,
            name="Orders",
            description="é",
            entries=(PackEntry(COMPONENT, "Café", "process", "2.0", "", PACKAGE_ID),),
            released_version="5",
            released_package_id=OTHER,
        ),
    )
    assert guide.last.conditions == [("installationType", "EQUALS", ["MULTI"])]
    assert b"QueryConfig" not in guide.last.body


def test_a_release_ends_at_once_and_names_what_is_deployed(guide: Stage) -> None:
    made = guide.client.release_integration_pack(PACK, packages=[PACKAGE], version="5", notes="n")
    assert made == Release(RELEASE, "SUCCESS", PACKAGE_ID)
    assert not made.is_running


# -- what the guide's dialect does not have ----------------------------------


def test_what_the_guide_does_not_have_needs_no_call(guide: Stage) -> None:
    assert guide.client.get_package_manifest(PACKAGE_ID) is None
    assert guide.client.ensure_folders(["/Promoted/Orders"]) == {"/Promoted/Orders": None}
    assert guide.client.query_component_parents(COMPONENT) == ()
    assert guide.client.query_pack_environments(PACK) == ()
    assert guide.client.query_all_pack_environments() is None
    assert guide.sent == []


def test_capabilities() -> None:
    can = dialect_named("guide").capabilities
    assert can.deploys_released_package
    assert not any(
        (
            can.pins_versions,
            can.reports_merge_details,
            can.reports_parents,
            can.releases_asynchronously,
        )
    )


@pytest.mark.parametrize("name", ["metadata", "deployed", "environments", "accounts"])
def test_supporting_calls_are_sent_as_published(guide: Stage, name: str) -> None:
    assert SUPPORTING_CALLS[name](guide.client)
    assert guide.last.media_type == "application/json"
    assert guide.last.conditions


def test_an_unknown_dialect() -> None:
    with pytest.raises(ValueError, match="guide or published"):
        dialect_named("klingon")
