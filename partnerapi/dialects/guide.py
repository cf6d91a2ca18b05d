"""The operations as the set-up guide writes them (``docs/guide-dialect.md`` has the bodies)."""

from collections.abc import Sequence

from partnerapi import answers, wire
from partnerapi.client import Capabilities, PartnerApiClient, as_document
from partnerapi.componentxml import Document
from partnerapi.records import (
    Branch,
    Component,
    Folder,
    IntegrationPack,
    MergeRequest,
    PackagedComponent,
    PinnedComponent,
    Reference,
    Release,
)
from partnerapi.transport import Request
from partnerapi.wire import Condition


class GuideClient(PartnerApiClient):
    name = "guide"
    capabilities = Capabilities(
        pins_versions=False,
        reports_merge_details=False,
        reports_parents=False,
        releases_asynchronously=False,
        deploys_released_package=True,
    )

    # -- components --------------------------------------------------------

    def create_component(self, xml: Document | bytes, *, branch_id: str) -> Component:
        document = as_document(xml)
        body = self._addressed(document, "")
        answer = self._send(Request(self.operations[2], {"branch": branch_id}, body))
        return self._created(answer, branch_id, document)

    def update_component(
        self, component_id: str, xml: Document | bytes, *, branch_id: str
    ) -> Component:
        document = as_document(xml)
        body = self._addressed(document, component_id)
        values = {"component": component_id, "branch": branch_id}
        answer = self._send(Request(self.operations[3], values, body))
        return self._written(answer, branch_id, component_id)

    def get_component_references(
        self, component_id: str, *, version: int, account: str | None = None
    ) -> tuple[Reference, ...]:
        request = Request(self.operations[4], {"component": component_id}, account=account)
        return self._references_or_none(
            request, component_id, lambda answer: answers.references(answer, component_id)
        )

    def query_component_parents(self, component_id: str) -> tuple[Reference, ...]:
        return ()

    def ensure_folder(self, full_path: str) -> Folder | None:
        return None

    # -- packages ----------------------------------------------------------

    def _package_query(self, conditions: Sequence[Condition]) -> bytes:
        return wire.xml_query(conditions, wrapped=False)

    def get_package_manifest(
        self, package_id: str, *, account: str | None = None
    ) -> tuple[PinnedComponent, ...] | None:
        return None

    # -- branches and merges -----------------------------------------------

    def create_branch(
        self,
        name: str,
        description: str,
        *,
        package_id: str | None = None,
        parent_id: str | None = None,
    ) -> Branch:
        body = {"name": name, "description": description}
        if package_id is not None:
            body["packageId"] = package_id
        answer = self._send(Request(self.operations[10], body=wire.json_body(body)))
        with answers.reading(answer):
            return answers.branch(answers.fields_of(answer, "Branch"))

    def _branch_query(self) -> Sequence[Condition]:
        return []

    def delete_branch(self, branch_id: str) -> None:
        answer = self._send(Request(self.operations[15], {"branch": branch_id}))
        if answer.status != 404:
            self._check_deleted(answer)

    def create_merge_request(self, source_branch_id: str, *, target_branch_id: str) -> MergeRequest:
        body = {
            "sourceBranchId": source_branch_id,
            "targetBranchId": target_branch_id,
            "strategy": "OVERRIDE",
            "priorityBranch": source_branch_id,
        }
        answer = self._send(Request(self.operations[12], body=wire.json_body(body)))
        return self._merge_request(answer)

    def execute_merge_request(self, merge_request_id: str) -> MergeRequest:
        values = {"merge_request": merge_request_id}
        body = wire.json_body({"action": "MERGE"})
        return self._merge_request(self._send(Request(self.operations[13], values, body)))

    # -- packs -------------------------------------------------------------

    def create_integration_pack(self, name: str, description: str) -> IntegrationPack:
        body = {"name": name, "description": description, "installationType": "MULTI"}
        answer = self._send(Request(self.operations[9], body=wire.json_body(body)))
        with answers.reading(answer):
            return answers.integration_pack(answers.fields_of(answer, "IntegrationPack"))

    def query_integration_packs(self) -> tuple[IntegrationPack, ...]:
        body = wire.xml_query([Condition("installationType", "MULTI")], wrapped=False)
        request = Request(self.operations[16], body=body)
        return tuple(self._records(request, answers.integration_pack))

    def add_to_integration_pack(self, pack_id: str, package: PackagedComponent) -> None:
        values = {"pack": pack_id, "package": package.package_id}
        answer = self._send(Request(self.operations[17], values))
        with answers.reading(answer):
            wire.required(answers.fields_of(answer), "packageId")

    def release_integration_pack(
        self, pack_id: str, *, package: PackagedComponent, version: str, notes: str
    ) -> Release:
        body = {"integrationPackId": pack_id, "version": version, "notes": notes}
        answer = self._send(Request(self.operations[18], body=wire.json_body(body)))
        with answers.reading(answer):
            fields = answers.fields_of(answer, "ReleaseIntegrationPack")
            # The guide's answer is the end of the release, and the package is what is deployed.
            if wire.text(fields, "releaseStatus").upper() != "ERROR":
                wire.required(fields, "packageId")
            fields.setdefault("releaseStatus", "SUCCESS")
            return answers.release(fields, "releaseId", "packageId")

    def query_pack_environments(self, pack_id: str) -> tuple[str, ...]:
        return ()
