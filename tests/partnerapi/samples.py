"""A small company in both dialects: what a healthy server answers to every call of the client.

Every body has an ``é``, so that a wrong encoding shows.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from partnerapi.client import PartnerApiClient
from partnerapi.dialects import dialect_named
from partnerapi.operations import BASE_PATH, XML
from partnerapi.records import PackagedComponent

ACCOUNT = "primary-P1"
DEV = "dev-D1"
COMPONENT = "11111111-1111-4111-8111-111111111111"
USED = "22222222-2222-4222-8222-222222222222"
OTHER = "33333333-3333-4333-8333-333333333333"
PACKAGE_ID = "44444444-4444-4444-8444-444444444444"
ENVIRONMENT = "55555555-5555-4555-8555-555555555555"
PACK = "66666666-6666-4666-8666-666666666666"
BRANCH = "QjoyMDI1OTk"
MAIN = "Qjox"
MERGE = "TVI6NTQ5"
RELEASE = "release-77777777-7777-4777-8777-777777777777"
DEPLOYMENT = "88888888-8888-4888-8888-888888888888"

NAMESPACES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:bns="http://api.platform.boomi.com/"'
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

PACKAGE = PackagedComponent(
    package_id=PACKAGE_ID,
    package_version="2.0",
    component_id=COMPONENT,
    component_type="process",
    component_version=7,
)


def component_xml(
    component_id: str = COMPONENT, *, version: int = 7, branch_id: str = BRANCH, name: str = "Café"
) -> bytes:
    return (
        f"{DECLARATION}<bns:Component {NAMESPACES} "
        f'folderFullPath="Acme/Promoted" componentId="{component_id}" version="{version}" '
        f'name="{name}" type="process" deleted="false" currentVersion="true" '
        f'folderName="Promoted" folderId="RjoxMDU" branchName="b" branchId="{branch_id}">'
        "<bns:encryptedValues/><bns:description></bns:description>"
        '<bns:object><process xmlns=""><shapes/></process></bns:object>'
        "<bns:processOverrides/></bns:Component>"
    ).encode()


def xml(inside: str, root: str, attributes: str = "") -> bytes:
    return f"{DECLARATION}<bns:{root} {NAMESPACES} {attributes}>{inside}</bns:{root}>".encode()


def query_xml(*results: str, token: str = "") -> bytes:
    more = f"<bns:queryToken>{token}</bns:queryToken>" if token else ""
    return xml(more + "".join(results), "QueryResult", f'numberOfResults="{len(results)}"')


def query_json(*results: Mapping[str, Any], token: str = "") -> bytes:
    body: dict[str, Any] = {"@type": "QueryResult", "result": results, "numberOfResults": 1}
    return to_json(body | ({"queryToken": token} if token else {}) | {"note": "é"})


def to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


REFERENCE = (
    f'<bns:references parentComponentId="{COMPONENT}" parentVersion="7" '
    f'componentId="{USED}" type="DEPENDENT" note="é"/>'
)
PACKAGE_XML = (
    '<bns:result xsi:type="bns:PackagedComponent">'
    f"<bns:packageId>{PACKAGE_ID}</bns:packageId><bns:packageVersion>2.0</bns:packageVersion>"
    f"<bns:componentId>{COMPONENT}</bns:componentId><bns:componentVersion>7.0</bns:componentVersion>"
    "<bns:componentType>process</bns:componentType><bns:createdBy>é@example.com</bns:createdBy>"
    "<bns:createdDate>2026-01-12T17:29:55Z</bns:createdDate>"
    "<bns:shareable>true</bns:shareable><bns:deleted>false</bns:deleted></bns:result>"
)
METADATA_XML = xml(
    "",
    "ComponentMetadata",
    f'componentId="{COMPONENT}" name="Café" type="process" version="7" currentVersion="true" '
    'deleted="false" folderFullPath="Acme/Orders" folderId="RjoxMDU" modifiedBy="é"',
)
PACKAGE_JSON = {
    "packageId": PACKAGE_ID,
    "packageVersion": "2.0",
    "componentId": COMPONENT,
    "componentVersion": 7,
    "componentType": "process",
    "shareable": True,
    "notes": "é",
}
DEPLOYED_JSON = {
    "deploymentId": DEPLOYMENT,
    "environmentId": ENVIRONMENT,
    "packageId": PACKAGE_ID,
    "componentId": COMPONENT,
    "version": 3,
    "active": True,
    "notes": "é",
}
MAIN_JSON = {"id": MAIN, "name": "main", "ready": "true", "deleted": "false", "stage": "NORMAL"}
BRANCH_JSON = {
    "id": BRANCH,
    "name": "promo-1",
    "description": "é",
    "ready": "true",
    "deleted": "false",
    "stage": "NORMAL",
}
MERGE_JSON = {
    "@type": "MergeRequest",
    "id": MERGE,
    "sourceBranchId": BRANCH,
    "destinationBranchId": MAIN,
    "strategy": "OVERRIDE",
    "stage": "REVIEWING",
    "note": "é",
    "MergeRequestDetails": {
        "MergeRequestDetail": {
            "componentGuid": COMPONENT,
            "sourceRevision": "8",
            "destinationRevision": "7",
            "changeType": "MODIFIED",
            "conflict": "false",
        }
    },
}
PUBLISHER_PACK_JSON = {
    "@type": "PublisherIntegrationPack",
    "id": PACK,
    "name": "Orders é",
    "Description": "what is in it",
    "installationType": "MULTI",
    "PublisherPackagedComponents": {
        "PublisherPackagedComponent": [
            {
                "componentId": OTHER,
                "componentName": "Other",
                "componentType": "process",
                "currentVersion": "1.1",
                "pendingVersion": "9-test",
                "deleted": True,
            },
            {"componentId": COMPONENT, "currentVersion": "1.0", "pendingVersion": "2.0"},
        ]
    },
}


def _guide() -> dict[tuple[str, str], bytes]:
    branch = {key: value for key, value in BRANCH_JSON.items() if key != "id"} | {
        "branchId": BRANCH
    }
    merge = {"mergeRequestId": MERGE, "stage": "REVIEWING", "message": "é"}
    return {
        ("POST", f"Component~{BRANCH}"): component_xml(),
        ("POST", f"Component/{COMPONENT}~{BRANCH}"): component_xml(),
        ("GET", f"ComponentReference/{COMPONENT}"): xml(REFERENCE, "ComponentReference"),
        ("POST", "IntegrationPack"): to_json(
            {"id": PACK, "name": "Orders", "description": "é", "installationType": "MULTI"}
        ),
        ("POST", "Branch"): to_json(branch),
        ("POST", "Branch/query"): query_json(
            {"branchId": MAIN, "name": "main", "ready": True}, branch
        ),
        ("GET", f"Branch/{BRANCH}"): to_json(branch),
        ("POST", "MergeRequest"): to_json(merge),
        ("POST", f"MergeRequest/execute/{MERGE}"): to_json(merge),
        ("GET", f"MergeRequest/{MERGE}"): to_json(merge),
        ("POST", "IntegrationPack/query"): query_xml(
            f'<bns:result xsi:type="bns:IntegrationPack" id="{PACK}" name="Orders" '
            f'installationType="MULTI" releasedVersion="5" releasedPackageId="{OTHER}">'
            "<bns:description>é</bns:description>"
            f'<bns:PackagedComponent packageId="{PACKAGE_ID}" componentId="{COMPONENT}" '
            'componentName="Café" componentType="process" packageVersion="2.0" released="true"/>'
            "</bns:result>"
        ),
        ("POST", f"IntegrationPack/{PACK}/PackagedComponent/{PACKAGE_ID}"): to_json(
            {"integrationPackId": PACK, "packageId": PACKAGE_ID, "note": "é"}
        ),
        ("POST", "ReleaseIntegrationPack"): to_json(
            {
                "integrationPackId": PACK,
                "packageId": PACKAGE_ID,
                "releaseId": RELEASE,
                "version": "5",
                "releaseStatus": "SUCCESS",
                "note": "é",
            }
        ),
    }


def _published() -> dict[tuple[str, str], bytes]:
    return {
        ("POST", "Component"): component_xml(),
        ("POST", f"Component/{COMPONENT}"): component_xml(),
        ("POST", "ComponentReference/query"): query_xml(
            f'<bns:result xsi:type="ComponentReference">{REFERENCE}</bns:result>'
        ),
        ("GET", f"ComponentReference/{COMPONENT}"): xml(
            f'<bns:references parentComponentId="{OTHER}" parentVersion="2" '
            f'componentId="{COMPONENT}" type="INDEPENDENT"/>',
            "ComponentReference",
        ),
        ("POST", "PublisherIntegrationPack"): to_json(PUBLISHER_PACK_JSON),
        ("POST", "Branch"): to_json(BRANCH_JSON),
        ("POST", "Branch/query"): to_json(
            {
                "QueryResult": {"numberOfResults": "2", "result": [MAIN_JSON, BRANCH_JSON]},
            }
        ),
        ("GET", f"Branch/{BRANCH}"): to_json({"Branch": BRANCH_JSON}),
        ("POST", "MergeRequest"): to_json(MERGE_JSON),
        ("POST", f"MergeRequest/execute/{MERGE}"): to_json(MERGE_JSON),
        ("GET", f"MergeRequest/{MERGE}"): to_json(MERGE_JSON),
        ("POST", "PublisherIntegrationPack/query"): query_xml(
            f'<bns:result xsi:type="bns:PublisherIntegrationPack" id="{PACK}" name="Orders" '
            'installationType="MULTI"><bns:Description>é</bns:Description>'
            "<bns:PublisherPackagedComponents>"
            f'<bns:PublisherPackagedComponent componentId="{COMPONENT}" componentName="Café" '
            'componentType="process" currentVersion="1.0" pendingVersion=""/>'
            "</bns:PublisherPackagedComponents></bns:result>"
        ),
        ("GET", f"PublisherIntegrationPack/{PACK}"): to_json(PUBLISHER_PACK_JSON),
        ("POST", f"PublisherIntegrationPack/{PACK}"): to_json(PUBLISHER_PACK_JSON),
        ("POST", "ReleaseIntegrationPack"): to_json(
            {"@type": "ReleaseIntegrationPack", "id": PACK, "requestId": RELEASE, "name": "é"}
        ),
        ("GET", f"ReleaseIntegrationPackStatus/{RELEASE}"): to_json(
            {"requestId": RELEASE, "releaseStatus": "SUCCESS", "name": "é"}
        ),
        ("GET", f"PackagedComponentManifest/{PACKAGE_ID}"): xml(
            f'<bns:componentInfo id="{COMPONENT}" version="7"/>'
            f'<bns:componentInfo id="{USED}" version="3"/>',
            "PackagedComponentManifest",
            f'packageId="{PACKAGE_ID}"',
        ),
        ("POST", "IntegrationPackInstance/query"): query_json(
            {"id": "instance-1", "integrationPackId": PACK}
        ),
        ("POST", "IntegrationPackEnvironmentAttachment/query"): query_json(
            {"id": "x", "environmentId": ENVIRONMENT, "integrationPackInstanceId": "instance-1"}
        ),
    }


def answers(dialect: str) -> dict[tuple[str, str], bytes]:
    """What a healthy server answers, by method and path below the account."""
    common = {
        ("GET", f"Component/{COMPONENT}"): component_xml(branch_id=MAIN),
        ("GET", f"Component/{COMPONENT}~7"): component_xml(branch_id=MAIN),
        ("GET", f"Component/{COMPONENT}~{BRANCH}"): component_xml(),
        ("GET", f"ComponentMetadata/{COMPONENT}"): METADATA_XML,
        ("POST", "ComponentMetadata/query"): query_json(
            {
                "componentId": COMPONENT,
                "name": "é",
                "type": "process",
                "version": 7,
                "branchId": BRANCH,
            }
        ),
        ("POST", "PackagedComponent/query"): query_xml(PACKAGE_XML),
        ("POST", "PackagedComponent"): to_json(PACKAGE_JSON),
        ("POST", "DeployedPackage"): to_json(DEPLOYED_JSON),
        ("POST", "DeployedPackage/query"): query_json(DEPLOYED_JSON),
        ("DELETE", f"Branch/{BRANCH}"): b"{true}",
        ("POST", "Environment/query"): query_json(
            {"id": ENVIRONMENT, "name": "é", "classification": "TEST"}
        ),
        ("POST", "Account/query"): query_json(
            {"accountId": DEV, "name": "é", "status": "active"},
            {"accountId": "gone", "name": "Gone", "status": "deleted"},
        ),
    }
    return common | (_guide() if dialect == "guide" else _published())


def media_type_of(body: bytes) -> str:
    return XML if body.lstrip().startswith(b"<") else "application/json"


#: One call of the client for each of the 19 operations.
CALLS: dict[int, Callable[[PartnerApiClient], object]] = {
    1: lambda client: client.get_component(COMPONENT, account=DEV),
    2: lambda client: client.create_component(component_xml(), branch_id=BRANCH),
    3: lambda client: client.update_component(COMPONENT, component_xml(), branch_id=BRANCH),
    4: lambda client: client.get_component_references(COMPONENT, version=7, account=DEV),
    5: lambda client: client.get_component_metadata(COMPONENT, account=DEV),
    6: lambda client: list(client.query_packaged_components(account=DEV)),
    7: lambda client: client.create_packaged_component(COMPONENT, package_version="2.0", notes="n"),
    8: lambda client: client.create_deployed_package(ENVIRONMENT, PACKAGE_ID, notes="n"),
    9: lambda client: client.create_integration_pack("Orders", "d"),
    10: lambda client: client.create_branch("promo-1", "d"),
    11: lambda client: client.query_branches(),
    12: lambda client: client.create_merge_request(BRANCH, target_branch_id=MAIN),
    13: lambda client: client.execute_merge_request(MERGE),
    14: lambda client: client.get_branch(BRANCH),
    15: lambda client: client.delete_branch(BRANCH),
    16: lambda client: client.query_integration_packs(),
    17: lambda client: client.add_to_integration_pack(PACK, PACKAGE),
    18: lambda client: client.release_integration_pack(
        PACK, packages=[PACKAGE], version="5", notes="n"
    ),
    19: lambda client: client.get_merge_request(MERGE),
}

#: One call for each supporting operation, where the dialect has it.
SUPPORTING_CALLS: dict[str, Callable[[PartnerApiClient], object]] = {
    "manifest": lambda client: client.get_package_manifest(PACKAGE_ID, account=DEV),
    "metadata": lambda client: list(
        client.query_component_metadata(
            name="é", component_type="process", copied_from_component_id=USED
        )
    ),
    "branch versions": lambda client: client.query_branch_versions(BRANCH),
    "parents": lambda client: client.query_component_parents(COMPONENT),
    "deployed": lambda client: client.query_deployed_packages(
        environment_id=ENVIRONMENT, package_id=PACKAGE_ID
    ),
    "environments": lambda client: client.query_environments(),
    "accounts": lambda client: client.query_accounts(),
    "pack environments": lambda client: client.query_pack_environments(PACK),
    "all pack environments": lambda client: client.query_all_pack_environments(),
    "release": lambda client: client.get_release(RELEASE),
}


@dataclass(frozen=True)
class Target:
    """Where an operation goes, as method and path below the account."""

    method: str
    path: str


def target(dialect: str, number: int) -> Target:
    """The address that the sample call of an operation has in a dialect."""
    operation = dialect_named(dialect).operations[number]
    path = operation.path.format(
        component=COMPONENT, branch=BRANCH, pack=PACK, package=PACKAGE_ID, merge_request=MERGE
    )
    return Target(operation.method, path)


def below_account(path: str) -> str:
    """A request's path without what all have in front."""
    return path.removeprefix(f"{BASE_PATH}/{ACCOUNT}/")


def each_operation() -> Iterator[tuple[str, int]]:
    for dialect in ("guide", "published"):
        for number in CALLS:
            yield dialect, number
