"""The operations as the set-up guide writes them (``docs/guide-dialect.md`` has the bodies)."""

from collections.abc import Iterable, Sequence

from partnerapi import answers, wire
from partnerapi.client import Capabilities, PartnerApiClient
from partnerapi.errors import PartnerApiError
from partnerapi.records import (
    Folder,
    IntegrationPack,
    PackagedComponent,
    PinnedComponent,
    Reference,
    Release,
)
from partnerapi.transport import Request
from partnerapi.wire import Fields


class GuideClient(PartnerApiClient):
    """For servers that follow the set-up guide."""

    name = "guide"
    capabilities = Capabilities(
        pins_versions=False,
        reports_merge_details=False,
        reports_parents=False,
        releases_asynchronously=False,
        deploys_released_package=True,
    )

    # -- components --------------------------------------------------------

    _branch_in_body = False

    def get_component_references(
        self, component_id: str, *, version: int, account: str | None = None, alive: bool = False
    ) -> tuple[Reference, ...]:
        request = Request(self.operations[4], {"component": component_id}, account=account)
        return self._references_or_none(
            request,
            component_id,
            lambda answer: answers.references(answer, component_id),
            alive=alive,
        )

    def query_component_parents(
        self, component_id: str, *, alive: bool = False
    ) -> tuple[Reference, ...]:
        return ()

    def ensure_folders(
        self, full_paths: Iterable[str]
    ) -> dict[str, Folder | PartnerApiError | None]:
        return dict.fromkeys(full_paths)

    # -- packages ----------------------------------------------------------

    _wraps_queries = False
    _needs_a_condition = False

    def get_package_manifest(
        self, package_id: str, *, account: str | None = None
    ) -> tuple[PinnedComponent, ...] | None:
        return None

    # -- branches and merges -----------------------------------------------

    def _branch_origin(self, package_id: str | None, parent_id: str | None) -> dict[str, str]:
        return {} if package_id is None else {"packageId": package_id}

    def delete_branch(self, branch_id: str) -> None:
        answer = self._send(Request(self.operations[15], {"branch": branch_id}))
        if answer.status != 404:
            self._check_deleted(answer)

    def _merge_body(self, source: str, target: str) -> dict[str, str]:
        return {"targetBranchId": target, "priorityBranch": source}

    def _execution_body(self, merge_request_id: str) -> dict[str, str]:
        return {"action": "MERGE"}

    # -- packs -------------------------------------------------------------

    _pack_type = "IntegrationPack"
    _pack_description = "description"

    def _pack_of(self, fields: Fields) -> IntegrationPack:
        return answers.integration_pack(fields)

    def add_to_integration_pack(self, pack_id: str, package: PackagedComponent) -> None:
        values = {"pack": pack_id, "package": package.package_id}
        answer = self._send(Request(self.operations[17], values))
        with answers.reading(answer):
            wire.required(answers.fields_of(answer), "packageId")

    def release_integration_pack(
        self, pack_id: str, *, packages: Sequence[PackagedComponent], version: str, notes: str
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

    def query_all_pack_environments(self) -> None:
        return None
