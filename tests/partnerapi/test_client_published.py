"""The published dialect: each rule of the published API that concerns the wire has a test."""

import json
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

import pytest

from partnerapi import errors
from partnerapi.dialects import dialect_named
from partnerapi.records import (
    Component,
    Folder,
    MergeDetail,
    PackEntry,
    PinnedComponent,
    Reference,
    Release,
)
from tests.partnerapi import samples
from tests.partnerapi.samples import (
    BRANCH,
    BRANCH_JSON,
    CALLS,
    COMPONENT,
    DEV,
    ENVIRONMENT,
    MAIN,
    MAIN_JSON,
    MERGE,
    MERGE_JSON,
    OTHER,
    PACK,
    PACKAGE,
    PACKAGE_ID,
    PUBLISHER_PACK_JSON,
    RELEASE,
    SUPPORTING_CALLS,
    USED,
    component_xml,
    query_json,
    query_xml,
    to_json,
    xml,
)
from tests.partnerapi.stage import Stage, stage

GONE = {"@type": "Error", "message": "Specified branch is already deleted."}


@pytest.fixture
def published() -> Iterator[Stage]:
    with stage("published") as on:
        yield on


@pytest.mark.parametrize("number", CALLS)
def test_an_operation_is_sent_as_the_table_says(published: Stage, number: int) -> None:
    CALLS[number](published.client)
    expected = samples.target("published", number)
    assert (published.last.method, published.last.path) == (expected.method, expected.path)
    assert published.last.account == (DEV if number in {1, 4, 5, 6} else None)


@pytest.mark.parametrize(
    ("number", "body"),
    [
        (9, {"name": "Orders", "Description": "d", "installationType": "MULTI"}),
        (
            12,
            {
                "sourceBranchId": BRANCH,
                "destinationBranchId": MAIN,
                "strategy": "OVERRIDE",
                "priorityBranch": "SOURCE",
            },
        ),
        (13, {"id": MERGE, "mergeRequestAction": "MERGE"}),
    ],
)
def test_json_bodies(published: Stage, number: int, body: object) -> None:
    CALLS[number](published.client)
    assert published.last.json == body


# -- operations 1 to 3: components -------------------------------------------


def test_1_ids_and_versions_come_from_the_manifest(published: Stage) -> None:
    pinned = published.client.get_package_manifest(PACKAGE_ID, account=DEV)
    assert pinned == (PinnedComponent(COMPONENT, 7), PinnedComponent(USED, 3))
    assert published.last.account == DEV
    published.client.get_component(COMPONENT, account=DEV, version=7)
    assert published.last.path == f"Component/{COMPONENT}~7"


def test_1_a_row_of_the_manifest_without_a_version(published: Stage) -> None:
    rows = {"componentInfo": [{"id": COMPONENT, "version": 7}, {"id": USED}]}
    published.answer("GET", f"PackagedComponentManifest/{PACKAGE_ID}", json.dumps(rows).encode())
    pinned = published.client.get_package_manifest(PACKAGE_ID)
    assert pinned == (PinnedComponent(COMPONENT, 7), PinnedComponent(USED, None))


def test_1_a_manifest_that_is_none(published: Stage) -> None:
    # The published example for JSON shows a package instead of a manifest.
    published.answer("GET", f"PackagedComponentManifest/{PACKAGE_ID}", samples.PACKAGE_JSON)
    with pytest.raises(errors.BadResponse, match="componentInfo"):
        published.client.get_package_manifest(PACKAGE_ID)


@pytest.mark.parametrize("number", [2, 3])
def test_2_and_3_the_branch_is_an_attribute_of_the_root(published: Stage, number: int) -> None:
    CALLS[number](published.client)
    assert published.last.attributes["branchId"] == BRANCH
    assert "~" not in published.last.path


def test_2_and_3_the_id_is_empty_to_create_and_the_address_s_own_to_update(
    published: Stage,
) -> None:
    published.client.create_component(component_xml(OTHER), branch_id=BRANCH)
    assert published.last.attributes["componentId"] == ""
    published.client.update_component(COMPONENT, component_xml(OTHER), branch_id=BRANCH)
    assert published.last.attributes["componentId"] == COMPONENT


def test_2_the_folder_s_id_is_sent_and_read_back(published: Stage) -> None:
    made: Component = published.client.create_component(component_xml(), branch_id=BRANCH)
    assert published.last.attributes["folderId"] == "RjoxMDU"
    assert (made.folder_id, made.folder_full_path) == ("RjoxMDU", "Acme/Promoted")


@pytest.mark.parametrize(
    ("folder_id", "is_there"), [("RjoxMDU", True), ('"RjoxMDU"', True), ("", True), ("Rjox", False)]
)
def test_2_the_folder_in_the_answer_is_looked_at(
    published: Stage, folder_id: str, is_there: bool
) -> None:
    # A write whose folder is ignored lands in the root folder.
    answer = component_xml().replace(
        b'folderId="RjoxMDU"', f"folderId={quoteattr(folder_id)}".encode()
    )
    published.answer("POST", "Component", answer)
    if is_there:
        published.client.create_component(component_xml(), branch_id=BRANCH)
        return
    with pytest.raises(errors.FolderIgnored):
        published.client.create_component(component_xml(), branch_id=BRANCH)


@pytest.mark.parametrize("number", [2, 3])
def test_2_and_3_the_branch_is_read_back(published: Stage, number: int) -> None:
    # An account without branching ignores the attribute and writes to main.
    path = samples.target("published", number).path
    published.answer("POST", path, component_xml(branch_id=MAIN))
    with pytest.raises(errors.BranchIgnored):
        CALLS[number](published.client)


def test_3_an_update_without_a_material_change(published: Stage) -> None:
    refused = {"@type": "Error", "message": "There are no material changes to the component."}
    published.answer("POST", f"Component/{COMPONENT}", refused, 400)
    with pytest.raises(errors.ImmaterialUpdate):
        CALLS[3](published.client)


def test_3_a_locked_component_is_not_tried_again(published: Stage) -> None:
    published.answer(
        "POST",
        f"Component/{COMPONENT}",
        {
            "message": f"Component {COMPONENT} is currently locked by another user. To complete "
            "this action, the component must be unlocked."
        },
        400,
    )
    with pytest.raises(errors.ComponentLocked):
        CALLS[3](published.client)
    assert len(published.sent) == 1


# -- folders -----------------------------------------------------------------


def _folder(
    folder_id: str, path: str, parent_id: str = "root", **also: object
) -> dict[str, object]:
    *above, name = path.split("/")
    return {
        "@type": "Folder",
        "id": folder_id,
        "name": name,
        "fullPath": path,
        "parentId": parent_id,
        "parentName": above[-1],
        "deleted": "false",
        **also,
    }


def test_folders_that_are_there_are_found_by_their_parents(published: Stage) -> None:
    rows = [
        _folder("wrong", "Acme/Old/Promoted", "old"),
        _folder("f1", "Acme/Promoted"),
        _folder("wrong", "Acme/Orders"),
        _folder("f2", "Acme/Promoted/Orders", "f1"),
    ]
    published.answer("POST", "Folder/query", query_json(*rows))
    found = published.client.ensure_folders(["/Promoted/Orders", "/Promoted"])
    assert found == {
        "/Promoted/Orders": Folder("f2", "Orders", "Acme/Promoted/Orders"),
        "/Promoted": Folder("f1", "Promoted", "Acme/Promoted"),
    }
    assert len(published.sent) == 1


def test_a_folder_that_a_grouped_answer_leaves_out_is_asked_for_alone(published: Stage) -> None:
    published.answer("POST", "Folder/query", query_json(_folder("f1", "Acme/Promoted")))
    published.then("POST", "Folder/query", query_json(_folder("f2", "Acme/Promoted/Orders", "f1")))
    paths = ["/Promoted/Orders", "/Promoted/Orders/"]
    found = published.client.ensure_folders(paths)
    assert set(found.values()) == {Folder("f2", "Orders", "Acme/Promoted/Orders")}
    assert len(published.sent) == 2
    assert published.last.conditions[0] == ("name", "EQUALS", ["Orders"])


def test_a_folder_that_cannot_be_made_is_the_trouble_of_its_own_path(published: Stage) -> None:
    published.answer("POST", "Folder/query", query_json(_folder("f1", "Acme/Promoted")))
    published.answer("POST", "Folder", {"message": "No such name."}, 400)
    found = published.client.ensure_folders(["/Promoted/?", "/Promoted"])
    assert isinstance(found["/Promoted/?"], errors.NeedsPerson)
    assert found["/Promoted"] == Folder("f1", "Promoted", "Acme/Promoted")


def test_folders_that_are_missing_are_made_below_one_another(published: Stage) -> None:
    published.answer("POST", "Folder/query", query_json())
    published.answer("POST", "Folder", _folder("f1", "Acme/Promoted"))
    published.then("POST", "Folder", _folder("f2", "Acme/Promoted/Orders", "f1"))
    [found] = published.client.ensure_folders(["Promoted/Orders/"]).values()
    assert isinstance(found, Folder)
    assert found.folder_id == "f2"
    assert [sent.json for sent in published.sent if sent.path == "Folder"] == [
        {"name": "Promoted"},
        {"name": "Orders", "parentId": "f1"},
    ]


def test_folders_that_were_deleted_are_not_used(published: Stage) -> None:
    published.answer(
        "POST", "Folder/query", query_json(_folder("f0", "Acme/Promoted", deleted=True))
    )
    published.answer("POST", "Folder", _folder("f1", "Acme/Promoted"))
    [found] = published.client.ensure_folders(["Promoted"]).values()
    assert isinstance(found, Folder)
    assert found.folder_id == "f1"


def test_folders_without_a_parent_in_the_answer_are_told_by_their_path(published: Stage) -> None:
    # The published example has only id, name, fullPath and deleted.
    rows = [
        {"id": "f1", "name": "Promoted", "fullPath": "Acme/Promoted", "deleted": False},
        {"id": "f9", "name": "Promoted", "fullPath": "Acme/X/Promoted", "deleted": False},
    ]
    published.answer("POST", "Folder/query", query_json(*reversed(rows)))
    [found] = published.client.ensure_folders(["Promoted"]).values()
    assert isinstance(found, Folder)
    assert found.folder_id == "f1"


def test_a_folder_that_somebody_else_makes_at_the_same_time(published: Stage) -> None:
    published.answer("POST", "Folder/query", query_json())
    published.then("POST", "Folder/query", query_json(_folder("f1", "Acme/Promoted")))
    published.answer("POST", "Folder", {"message": "That folder already exists."}, 400)
    [found] = published.client.ensure_folders(["Promoted"]).values()
    assert isinstance(found, Folder)
    assert found.folder_id == "f1"


@pytest.mark.parametrize("name", ["a & b", "\"'<>", "x~y", "🚀 é", "n" * 250])
def test_folders_with_awkward_names(published: Stage, name: str) -> None:
    published.answer("POST", "Folder/query", query_json())
    published.answer("POST", "Folder", _folder("f1", f"Acme/{name}"))
    [made] = published.client.ensure_folders([f"/{name}"]).values()
    assert made == Folder("f1", name, f"Acme/{name}")
    assert published.last.json == {"name": name}


def test_no_folder_is_the_root(published: Stage) -> None:
    assert published.client.ensure_folders(["/"]) == {"/": None}
    assert published.sent == []


# -- operation 4: references -------------------------------------------------


def test_4_what_a_component_uses_is_a_query_for_its_id_and_version(published: Stage) -> None:
    found = published.client.get_component_references(COMPONENT, version=7, account=DEV)
    assert found == (Reference(USED, "DEPENDENT"),)
    assert published.last.path == "ComponentReference/query"
    assert published.last.account == DEV
    assert b"<QueryConfig" in published.last.body
    assert published.last.conditions == [
        ("parentComponentId", "EQUALS", [COMPONENT]),
        ("parentVersion", "EQUALS", ["7"]),
    ]


def test_4_nothing_used_is_an_empty_result(published: Stage) -> None:
    published.answer("POST", "ComponentReference/query", query_xml())
    assert published.client.get_component_references(COMPONENT, version=7) == ()


def test_4_what_is_used_in_both_ways_is_dependent(published: Stage) -> None:
    def page(kind: str, token: str = "") -> bytes:
        rows = samples.REFERENCE.replace("DEPENDENT", kind)
        return query_xml(
            f'<bns:result xsi:type="ComponentReference">{rows}</bns:result>', token=token
        )

    published.answer("POST", "ComponentReference/query", page("INDEPENDENT", "t"))
    published.answer("POST", "ComponentReference/queryMore", page("DEPENDENT"))
    found = published.client.get_component_references(COMPONENT, version=7)
    assert found == (Reference(USED, "DEPENDENT"),)


def test_4_all_pages_and_both_shapes_of_results(published: Stage) -> None:
    two = samples.REFERENCE + samples.REFERENCE.replace(USED, OTHER)
    one = query_xml(f'<bns:result xsi:type="ComponentReference">{two}</bns:result>', token="t")
    published.answer("POST", "ComponentReference/query", one)
    published.answer(
        "POST",
        "ComponentReference/queryMore",
        query_json(
            {
                "references": {
                    "parentComponentId": COMPONENT,
                    "componentId": "x",
                    "type": "DEPENDENT",
                }
            }
        ),
    )
    found = published.client.get_component_references(COMPONENT, version=7)
    assert [reference.component_id for reference in found] == [USED, OTHER, "x"]


def test_4_answers_about_another_parent_stop_everything(published: Stage) -> None:
    row = samples.REFERENCE.replace(COMPONENT, OTHER)
    published.answer(
        "POST", "ComponentReference/query", query_xml(f"<bns:result>{row}</bns:result>")
    )
    with pytest.raises(errors.BadResponse, match="another dialect"):
        published.client.get_component_references(COMPONENT, version=7)


def test_4_the_parents_are_what_get_answers(published: Stage) -> None:
    assert published.client.query_component_parents(COMPONENT) == (Reference(OTHER, "INDEPENDENT"),)
    assert published.paths() == [f"GET ComponentReference/{COMPONENT}"]


def test_4_400_means_empty_only_if_the_component_is_alive(published: Stage) -> None:
    path = f"ComponentReference/{COMPONENT}"
    published.answer("GET", path, {"message": "Something about references."}, 400)
    assert published.client.query_component_parents(COMPONENT) == ()
    deleted = {"componentId": COMPONENT, "type": "process", "version": 7, "deleted": "true"}
    published.answer("GET", f"ComponentMetadata/{COMPONENT}", deleted)
    with pytest.raises(errors.BadRequest):
        published.client.query_component_parents(COMPONENT)
    published.answer(
        "GET", f"ComponentMetadata/{COMPONENT}", {"message": "The component (X) is not found."}, 400
    )
    with pytest.raises(errors.NotFound):
        published.client.query_component_parents(COMPONENT)


def test_5_metadata_as_child_elements(published: Stage) -> None:
    # The published example for XML has elements where the schema says attributes.
    published.answer(
        "GET",
        f"ComponentMetadata/{COMPONENT}",
        '<bns:ComponentMetadata xmlns:bns="http://api.boomi.com/">'
        f"<bns:componentId>{COMPONENT}</bns:componentId><bns:version>7</bns:version>"
        "<bns:name>Café</bns:name><bns:type>process</bns:type><bns:deleted>true</bns:deleted>"
        '<bns:folderId>"Plox"</bns:folderId></bns:ComponentMetadata>'.encode(),
    )
    found = published.client.get_component_metadata(COMPONENT)
    assert (found.name, found.version, found.deleted, found.folder_id) == ("Café", 7, True, "Plox")


def test_5_a_missing_component_is_400(published: Stage) -> None:
    published.answer(
        "GET",
        f"ComponentMetadata/{COMPONENT}",
        {"@type": "Error", "message": "The component (X) is not found."},
        400,
    )
    with pytest.raises(errors.NotFound):
        published.client.get_component_metadata(COMPONENT)


@pytest.mark.parametrize("body", [b"", b'{"message": "Not found."}'])
@pytest.mark.parametrize("status", [404, 410])
def test_404_and_410_mean_a_wrong_address(published: Stage, status: int, body: bytes) -> None:
    published.answer("GET", f"ComponentMetadata/{COMPONENT}", body, status)
    with pytest.raises(errors.BadResponse, match="no such address"):
        published.client.get_component_metadata(COMPONENT)


def test_an_account_that_is_not_ours(published: Stage) -> None:
    published.answer(
        "GET", f"ComponentMetadata/{COMPONENT}", {"message": "Account dev-D1 is not found."}, 400
    )
    with pytest.raises(errors.AccountNotFound):
        published.client.get_component_metadata(COMPONENT, account=DEV)


# -- operations 6 to 8: packages and deployments -----------------------------


def test_6_xml_queries_are_wrapped_and_never_without_a_condition(published: Stage) -> None:
    list(published.client.query_packaged_components(account=DEV))
    assert b"<QueryConfig" in published.last.body
    assert published.last.conditions == [("componentId", "IS_NOT_NULL", [])]


def test_6_deleted_packages_are_filtered_here(published: Stage) -> None:
    gone = samples.PACKAGE_XML.replace("deleted>false", "deleted>true")
    published.answer("POST", "PackagedComponent/query", query_xml(gone, samples.PACKAGE_XML))
    assert len(list(published.client.query_packaged_components())) == 1


def test_6_a_deleted_package_keeps_its_version_taken(published: Stage) -> None:
    gone = samples.PACKAGE_XML.replace("deleted>false", "deleted>true")
    published.answer("POST", "PackagedComponent/query", query_xml(gone))
    (found,) = published.client.query_packaged_components(with_deleted=True)
    assert found.deleted


def test_6_json_answers_to_xml_queries_are_read_too(published: Stage) -> None:
    row = samples.PACKAGE_JSON | {"componentVersion": "7.0", "shareable": "true"}
    published.answer("POST", "PackagedComponent/query", {"QueryResult": {"result": row}})
    (found,) = published.client.query_packaged_components()
    assert (found.component_version, found.shareable) == (7, True)


def test_7_the_branch_is_always_named(published: Stage) -> None:
    CALLS[7](published.client)
    assert published.last.json["branchName"] == "main"
    published.client.create_packaged_component(
        COMPONENT, package_version="1", notes="", branch_name="a-b"
    )
    assert published.last.json["branchName"] == "a-b"
    assert published.last.json["shareable"] is True


def test_8_an_ordinary_package_is_deployed(published: Stage) -> None:
    assert not published.client.capabilities.deploys_released_package
    CALLS[8](published.client)
    assert published.last.json == {
        "environmentId": ENVIRONMENT,
        "packageId": PACKAGE_ID,
        "notes": "n",
    }


def test_8_where_an_instance_of_the_pack_is_attached(published: Stage) -> None:
    assert published.client.query_pack_environments(PACK) == (ENVIRONMENT,)
    assert [sent.conditions for sent in published.sent] == [
        [("integrationPackId", "EQUALS", [PACK])],
        [("integrationPackInstanceId", "EQUALS", ["instance-1"])],
    ]
    assert published.client.query_all_pack_environments() == {PACK: (ENVIRONMENT,)}


def test_8_looking_before_deploying_again(published: Stage) -> None:
    (found,) = published.client.query_deployed_packages(
        environment_id=ENVIRONMENT, package_id=PACKAGE_ID
    )
    assert found.active
    assert published.last.conditions == [
        ("environmentId", "EQUALS", [ENVIRONMENT]),
        ("packageId", "EQUALS", [PACKAGE_ID]),
    ]


# -- operations 10, 11, 14 and 15: branches ----------------------------------


def test_10_the_parent_is_main_and_looked_up_where_it_is_not_given(published: Stage) -> None:
    published.client.create_branch("promo-1", "d")
    assert published.paths() == ["POST Branch/query", "POST Branch"]
    assert published.sent[0].conditions == [("name", "EQUALS", ["main"])]
    assert published.last.json == {"name": "promo-1", "description": "d", "parentId": MAIN}


def test_10_a_parent_that_is_given_is_not_looked_up(published: Stage) -> None:
    published.client.create_branch("promo-1", "d", parent_id="other")
    assert published.paths() == ["POST Branch"]
    assert published.last.json["parentId"] == "other"


def test_10_from_a_package_there_is_no_parent(published: Stage) -> None:
    published.client.create_branch("promo-1", "d", package_id=PACKAGE_ID)
    assert published.paths() == ["POST Branch"]
    assert published.last.json == {"name": "promo-1", "description": "d", "packageId": PACKAGE_ID}


def test_10_the_answered_name_counts(published: Stage) -> None:
    published.answer("POST", "Branch", BRANCH_JSON | {"name": "promo-1-a", "stage": "CREATING"})
    made = published.client.create_branch("promo-1/a", "d")
    assert made.name == "promo-1-a"
    assert not made.ready, "it says ready and CREATING"


def test_10_branching_that_is_not_enabled(published: Stage) -> None:
    refused = {"message": "Branching is not enabled for this account."}
    published.answer("POST", "Branch/query", refused, 400)
    with pytest.raises(errors.BranchingNotEnabled):
        published.client.create_branch("promo-1", "d")


def test_10_an_account_without_main(published: Stage) -> None:
    published.answer("POST", "Branch/query", query_json())
    with pytest.raises(errors.BadResponse, match="named main"):
        published.client.create_branch("promo-1", "d")


def test_11_main_is_listed_and_deleted_branches_are_left_out(published: Stage) -> None:
    gone = BRANCH_JSON | {"id": "x", "deleted": "true"}
    published.answer("POST", "Branch/query", query_json(MAIN_JSON, BRANCH_JSON, gone, token="t"))
    published.answer("POST", "Branch/queryMore", query_json(BRANCH_JSON | {"id": "y"}))
    found = published.client.query_branches()
    assert [branch.branch_id for branch in found] == [MAIN, BRANCH, "y"]
    assert [branch.is_main for branch in found] == [True, False, False]
    assert published.sent[0].conditions == [("id", "IS_NOT_NULL", [])]


def test_11_one_result_as_an_object_and_wrapped(published: Stage) -> None:
    # As in the published example.
    published.answer(
        "POST", "Branch/query", {"QueryResult": {"numberOfResults": "1", "result": MAIN_JSON}}
    )
    (found,) = published.client.query_branches()
    # The wire says "true".
    assert found.is_main
    assert found.ready


def test_14_a_branch_in_a_wrapper(published: Stage) -> None:
    published.answer("GET", f"Branch/{BRANCH}", {"Branch": BRANCH_JSON})
    assert published.client.get_branch(BRANCH).ready
    published.answer("GET", f"Branch/{BRANCH}", BRANCH_JSON | {"ready": True})
    assert published.client.get_branch(BRANCH).ready


@pytest.mark.parametrize(
    ("stage_", "ready"), [("CREATING", False), ("NORMAL", True), ("DELETING", False)]
)
def test_14_a_branch_is_ready_only_when_its_stage_is_normal(
    published: Stage, stage_: str, ready: bool
) -> None:
    published.answer("GET", f"Branch/{BRANCH}", BRANCH_JSON | {"ready": "true", "stage": stage_})
    assert published.client.get_branch(BRANCH).ready is ready


def test_14_a_branch_that_is_gone_is_400(published: Stage) -> None:
    published.answer("GET", f"Branch/{BRANCH}", GONE, 400)
    with pytest.raises(errors.AlreadyGone):
        published.client.get_branch(BRANCH)


@pytest.mark.parametrize("body", [b"{true}", b"true", b"", b" {true}\n"])
def test_15_the_answer_to_a_deletion_is_no_json(published: Stage, body: bytes) -> None:
    published.answer("DELETE", f"Branch/{BRANCH}", body)
    published.client.delete_branch(BRANCH)
    assert len(published.sent) == 1


@pytest.mark.parametrize(("status", "body"), [(400, GONE), (404, {}), (410, b"")])
def test_15_gone_is_confirmed_by_the_list(published: Stage, status: int, body: object) -> None:
    published.answer("DELETE", f"Branch/{BRANCH}", body, status)
    published.answer("POST", "Branch/query", query_json(MAIN_JSON))
    published.client.delete_branch(BRANCH)
    assert published.paths() == [f"DELETE Branch/{BRANCH}", "POST Branch/query"]


@pytest.mark.parametrize(("status", "body"), [(400, GONE), (404, {}), (410, b"")])
def test_15_a_branch_that_is_still_listed_is_not_gone(
    published: Stage, status: int, body: object
) -> None:
    published.answer("DELETE", f"Branch/{BRANCH}", body, status)
    with pytest.raises(errors.NeedsPerson):
        published.client.delete_branch(BRANCH)


def test_15_a_branch_that_is_being_deleted_is_as_good_as_gone(published: Stage) -> None:
    published.answer("DELETE", f"Branch/{BRANCH}", GONE, 400)
    published.answer("POST", "Branch/query", query_json(BRANCH_JSON | {"stage": "DELETING"}))
    published.client.delete_branch(BRANCH)


# -- operations 12, 13 and 19: merges ----------------------------------------


@pytest.mark.parametrize("rows", ["one", "list"])
def test_19_details_say_what_the_merge_would_do(published: Stage, rows: str) -> None:
    detail = {
        "componentGuid": COMPONENT,
        "sourceRevision": "8",
        "destinationRevision": 7,
        "changeType": "MODIFIED",
        "conflict": "false",
    }
    added = {"componentGuid": OTHER, "changeType": "ADDED", "sourceRevision": 1, "conflict": True}
    details: object = detail if rows == "one" else [detail, added]
    published.answer(
        "GET",
        f"MergeRequest/{MERGE}",
        MERGE_JSON | {"MergeRequestDetails": {"MergeRequestDetail": details}},
    )
    found = published.client.get_merge_request(MERGE)
    expected = [MergeDetail(COMPONENT, "MODIFIED", 8, 7, False)]
    if rows == "list":
        expected.append(MergeDetail(OTHER, "ADDED", 1, None, True))
    assert found.details == tuple(expected)
    assert (found.source_branch_id, found.destination_branch_id) == (BRANCH, MAIN)


def test_12_a_request_without_details_yet(published: Stage) -> None:
    published.answer("POST", "MergeRequest", {"id": MERGE, "stage": "DRAFTING"})
    made = published.client.create_merge_request(BRANCH, target_branch_id=MAIN)
    assert made.details == ()
    assert made.is_moving
    assert not made.can_be_executed


@pytest.mark.parametrize(
    ("stage_", "executable", "moving", "merged"),
    [
        ("DRAFTING", False, True, False),
        ("DRAFTED", False, True, False),
        ("REVIEWING", True, False, False),
        ("MERGING", False, True, False),
        ("MERGED", False, False, True),
        ("FAILED_TO_MERGE", True, False, False),
        ("FAILED_TO_DRAFT", False, False, False),
        ("DELETED", False, False, False),
    ],
)
def test_13_merge_is_allowed_only_in_reviewing_or_failed_to_merge(
    published: Stage, stage_: str, executable: bool, moving: bool, merged: bool
) -> None:
    published.answer("GET", f"MergeRequest/{MERGE}", MERGE_JSON | {"stage": stage_})
    found = published.client.get_merge_request(MERGE)
    assert (found.can_be_executed, found.is_moving, found.is_merged) == (executable, moving, merged)


def test_13_the_only_action_is_merge(published: Stage) -> None:
    published.client.execute_merge_request(MERGE)
    assert published.last.json == {"id": MERGE, "mergeRequestAction": "MERGE"}


@pytest.mark.parametrize("number", [12, 13])
def test_12_and_13_409_is_a_conflict(published: Stage, number: int) -> None:
    published.answer("POST", samples.target("published", number).path, {"message": "No."}, 409)
    with pytest.raises(errors.Conflict):
        CALLS[number](published.client)


# -- operations 16 to 18: packs ----------------------------------------------


def test_16_our_own_packs_are_publisher_packs(published: Stage) -> None:
    (pack,) = published.client.query_integration_packs()
    assert published.paths() == ["POST PublisherIntegrationPack/query"]
    assert b"<QueryConfig" in published.last.body
    assert (pack.pack_id, pack.description) == (PACK, "é")
    assert pack.entries == (PackEntry(COMPONENT, "Café", "process", "1.0", ""),)


def test_17_every_component_of_the_pack_is_sent_again(published: Stage) -> None:
    published.client.add_to_integration_pack(PACK, PACKAGE)
    assert published.paths() == [
        f"GET PublisherIntegrationPack/{PACK}",
        f"POST PublisherIntegrationPack/{PACK}",
    ]
    assert published.last.json == {
        "id": PACK,
        "name": "Orders é",
        "Description": "what is in it",
        "installationType": "MULTI",
        "operationType": "ADD",
        "PublisherPackagedComponents": {
            "PublisherPackagedComponent": [{"componentId": OTHER}, {"componentId": COMPONENT}]
        },
    }


@pytest.mark.parametrize(
    "inside", [None, {}, {"PublisherPackagedComponent": []}, {"PublisherPackagedComponent": None}]
)
def test_17_a_pack_with_nothing_in_it(published: Stage, inside: object) -> None:
    empty = PUBLISHER_PACK_JSON | {"PublisherPackagedComponents": inside}
    published.answer("GET", f"PublisherIntegrationPack/{PACK}", empty)
    published.client.add_to_integration_pack(PACK, PACKAGE)
    assert published.last.json["PublisherPackagedComponents"] == {
        "PublisherPackagedComponent": [{"componentId": COMPONENT}]
    }


def test_17_a_pack_that_cannot_be_read_is_not_written(published: Stage) -> None:
    published.answer("GET", f"PublisherIntegrationPack/{PACK}", b"<html></html>")
    with pytest.raises(errors.BadResponse):
        published.client.add_to_integration_pack(PACK, PACKAGE)
    assert len(published.sent) == 1


def test_18_every_component_is_named_with_its_version(published: Stage) -> None:
    # Ours with the new one; the other with what is released, not with its pending test package.
    made = published.client.release_integration_pack(
        PACK, packages=[PACKAGE], version="5", notes="n"
    )
    assert published.paths() == [
        f"GET PublisherIntegrationPack/{PACK}",
        "POST ReleaseIntegrationPack",
    ]
    assert published.last.json == {
        "id": PACK,
        "name": "Orders é",
        "installationType": "MULTI",
        "releaseSchedule": "IMMEDIATELY",
        "ReleasePackagedComponents": {
            "ReleasePackagedComponent": [
                {"componentId": OTHER, "version": "1.1"},
                {"componentId": COMPONENT, "version": "2.0"},
            ]
        },
    }
    assert made == Release(RELEASE, "IN_PROGRESS")
    assert made.is_running
    assert made.package_id == ""


def test_18_a_component_that_was_never_released_is_not_released_along(published: Stage) -> None:
    pack = PUBLISHER_PACK_JSON | {
        "PublisherPackagedComponents": {
            "PublisherPackagedComponent": {
                "componentId": OTHER,
                "currentVersion": "",
                "pendingVersion": "3-test",
            }
        }
    }
    published.answer("GET", f"PublisherIntegrationPack/{PACK}", pack)
    CALLS[18](published.client)
    assert published.last.json["ReleasePackagedComponents"] == {
        "ReleasePackagedComponent": [{"componentId": COMPONENT, "version": "2.0"}]
    }


@pytest.mark.parametrize(
    ("status", "body", "state", "running"),
    [
        (202, b"", "IN_PROGRESS", True),
        (202, to_json({"releaseStatus": "IN_PROGRESS", "responseStatusCode": 202}),
         "IN_PROGRESS", True),
        (202, to_json({"releaseStatus": "INPROGRESS"}), "IN_PROGRESS", True),
        (202, to_json({"requestId": RELEASE, "releaseStatus": "SCHEDULED"}), "SCHEDULED", True),
        (202, xml("", "ReleaseIntegrationPackStatus", 'releaseStatus="SCHEDULED"'),
         "SCHEDULED", True),
        (200, to_json({"requestId": RELEASE, "releaseStatus": "QUEUED"}), "QUEUED", True),
        (200, to_json({"requestId": RELEASE, "releaseStatus": "SUCCESS"}), "SUCCESS", False),
        (200, to_json({"ReleaseIntegrationPackStatus": {"releaseStatus": "ERROR"}}),
         "ERROR", False),
    ],
)  # fmt: skip
def test_18_a_release_is_polled_until_success_or_error(
    published: Stage, status: int, body: bytes, state: str, running: bool
) -> None:
    published.answer("GET", f"ReleaseIntegrationPackStatus/{RELEASE}", body, status)
    found = published.client.get_release(RELEASE)
    assert (found.release_id, found.state, found.is_running) == (RELEASE, state, running)


@pytest.mark.parametrize(("status", "body"), [(200, b""), (200, b"{}"), (202, b"<html></html>")])
def test_18_a_release_that_says_nothing_is_not_done(
    published: Stage, status: int, body: bytes
) -> None:
    published.answer("GET", f"ReleaseIntegrationPackStatus/{RELEASE}", body, status)
    with pytest.raises(errors.BadResponse):
        published.client.get_release(RELEASE)


# -- supporting --------------------------------------------------------------


def test_metadata_of_what_is_there_now(published: Stage) -> None:
    rows: list[dict[str, object]] = [
        {"componentId": "a", "name": "n", "type": "process", "version": 1, "currentVersion": False},
        {"componentId": "b", "name": "n", "type": "process", "version": 1, "deleted": "true"},
        {"componentId": "c", "name": "n", "type": "process", "version": "2.0"},
    ]
    published.answer("POST", "ComponentMetadata/query", query_json(*rows))
    found = published.client.query_component_metadata(name="n", component_type="process")
    assert [component.component_id for component in found] == ["c"]
    assert published.last.conditions == [
        ("deleted", "EQUALS", ["false"]),
        ("currentVersion", "EQUALS", ["true"]),
        ("name", "EQUALS", ["n"]),
        ("type", "EQUALS", ["process"]),
    ]


def test_a_copy_s_origin_is_asked_for_with_its_version(published: Stage) -> None:
    # "The copiedFromComponentId field must accompany the copiedFromComponentVersion field."
    list(published.client.query_component_metadata(copied_from_component_id=USED))
    assert published.last.conditions[2:] == [
        ("copiedFromComponentId", "EQUALS", [USED]),
        ("copiedFromComponentVersion", "GREATER_THAN_OR_EQUAL", ["0"]),
    ]


def test_accounts_without_deleted_ones(published: Stage) -> None:
    assert [account.account_id for account in published.client.query_accounts()] == [DEV]


def test_environments(published: Stage) -> None:
    basic = {"id": "e2", "name": "Basic"}
    published.answer(
        "POST", "Environment/query", query_json({"id": "e1", "classification": "TEST"}, basic)
    )
    found = published.client.query_environments()
    assert [environment.classification for environment in found] == ["TEST", "PROD"]


@pytest.mark.parametrize("name", SUPPORTING_CALLS)
def test_supporting_calls(published: Stage, name: str) -> None:
    assert SUPPORTING_CALLS[name](published.client)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "It went wrong."}},
        {"message": "It went wrong."},
        {"@type": "Error", "message": "It went wrong."},
        b"<error><message>It went wrong.</message></error>",
    ],
)
def test_three_shapes_of_errors_and_xml(published: Stage, body: object) -> None:
    for status in (400, 200):
        published.answer("GET", f"Branch/{BRANCH}", body, status)
        with pytest.raises(errors.NeedsPerson) as caught:
            published.client.get_branch(BRANCH)
        assert caught.value.boomi_message == "It went wrong."


def test_an_error_where_results_should_be(published: Stage) -> None:
    published.answer("POST", "Environment/query", {"@type": "Error", "message": "No."})
    with pytest.raises(errors.BadResponse, match="not the result of a query"):
        published.client.query_environments()


def test_capabilities() -> None:
    can = dialect_named("published").capabilities
    assert not can.deploys_released_package
    assert all(
        (
            can.pins_versions,
            can.reports_merge_details,
            can.reports_parents,
            can.releases_asynchronously,
        )
    )
