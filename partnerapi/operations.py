"""The calls of the Partner API as two tables: the guide's 19 operations, and what supports them.

Paths are relative to ``/partner/api/rest/v1/{primaryAccountId}/``. A row says what the guide writes
(build guide, step 2.2) and, where it differs, what Boomi publishes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

XML = "application/xml"
JSON = "application/json"
TEXT = "text/plain"

BASE_PATH = "/partner/api/rest/v1"

_WAIT = frozenset({429, 503})
_NO_ADDRESS = frozenset({405, 410})


@dataclass(frozen=True)
class Operation:
    """One row of the table.

    :param number: the guide's number, or None for a supporting call.
    :param name: the guide's name without its prefix ``PROMO - HTTP Op -``.
    :param path: below the account, with ``{placeholders}``.
    :param media_type: of the request's body, and of the answer.
    :param success: statuses of a successful answer.
    :param errors: statuses that the guide lists as errors.
    :param wrong_address: statuses that mean that the address does not exist, whatever the message. In the published API
        a missing object is 400, and 404 is one of these.
    :param reads: whether the call changes nothing, so that it may be repeated blindly.
    :param overrides_account: whether it may be sent with ``overrideAccount`` (1, 4, 5 and 6).
    """

    number: int | None
    name: str
    method: str
    path: str
    media_type: str
    errors: frozenset[int] = frozenset({400}) | _WAIT
    success: frozenset[int] = frozenset({200})
    wrong_address: frozenset[int] = frozenset({404, 405, 410})
    reads: bool = False
    overrides_account: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again without looking: it reads, or deletes what may already be gone."""
        return self.reads or self.method == "DELETE"

    @property
    def guide_name(self) -> str:
        """The operation's name as the guide spells it in full."""
        return f"PROMO - HTTP Op - {self.name}"

    @property
    def key(self) -> int | str:
        """What errors and recorded calls name the operation by: its number, or else its name."""
        return self.name if self.number is None else self.number


def _row(
    number: int,
    name: str,
    method: str,
    path: str,
    media_type: str,
    *also: int,
    reads: bool = False,
    overrides_account: bool = False,
    published: tuple[str, str] | None = None,
) -> tuple[Operation, Operation]:
    """One row for both dialects.

    :param also: further statuses that the guide lists as errors.
    :param published: method and path as Boomi publishes them, where they differ.
    """
    guide = Operation(
        number,
        name,
        method,
        path,
        media_type,
        errors=frozenset({400, *also}) | _WAIT,
        wrong_address=_NO_ADDRESS,
        reads=reads,
        overrides_account=overrides_account,
    )
    method, path = published or (method, path)
    # A missing object is 400; 404 means a wrong address.
    errors = guide.errors - {404}
    wrong_address = _NO_ADDRESS | {404}
    return guide, replace(
        guide, method=method, path=path, errors=errors, wrong_address=wrong_address
    )


def _delete_branch() -> tuple[Operation, Operation]:
    """Operation 15: in the guide 404 is success as well."""
    guide, published = _row(15, "DELETE Branch", "DELETE", "Branch/{branch}", JSON)
    return replace(guide, errors=_WAIT, success=frozenset({200, 404})), published


_ROWS = (
    _row(1, "GET Component", "GET", "Component/{component}", XML, 404,
         reads=True, overrides_account=True),
    _row(2, "POST Component Create", "POST", "Component~{branch}", XML,
         published=("POST", "Component")),
    _row(3, "POST Component Update", "POST", "Component/{component}~{branch}", XML, 404,
         published=("POST", "Component/{component}")),
    _row(4, "GET ComponentReference", "GET", "ComponentReference/{component}", XML, 404,
         reads=True, overrides_account=True, published=("POST", "ComponentReference/query")),
    _row(5, "GET ComponentMetadata", "GET", "ComponentMetadata/{component}", XML, 404,
         reads=True, overrides_account=True),
    _row(6, "QUERY PackagedComponent", "POST", "PackagedComponent/query", XML,
         reads=True, overrides_account=True),
    _row(7, "POST PackagedComponent", "POST", "PackagedComponent", JSON),
    _row(8, "POST DeployedPackage", "POST", "DeployedPackage", JSON, 404),
    _row(9, "POST IntegrationPack", "POST", "IntegrationPack", JSON,
         published=("POST", "PublisherIntegrationPack")),
    _row(10, "POST Branch", "POST", "Branch", JSON),
    _row(11, "QUERY Branch", "POST", "Branch/query", JSON, reads=True),
    _row(12, "POST MergeRequest", "POST", "MergeRequest", JSON, 409),
    _row(13, "POST MergeRequest Execute", "POST", "MergeRequest/execute/{merge_request}", JSON,
         409),
    _row(14, "GET Branch", "GET", "Branch/{branch}", JSON, 404, reads=True),
    _delete_branch(),
    _row(16, "QUERY IntegrationPack", "POST", "IntegrationPack/query", XML, reads=True,
         published=("POST", "PublisherIntegrationPack/query")),
    _row(17, "POST Add To IntegrationPack", "POST",
         "IntegrationPack/{pack}/PackagedComponent/{package}", JSON, 404,
         published=("POST", "PublisherIntegrationPack/{pack}")),
    _row(18, "POST ReleaseIntegrationPack", "POST", "ReleaseIntegrationPack", JSON, 404),
    _row(19, "GET MergeRequest", "GET", "MergeRequest/{merge_request}", JSON, 404, reads=True),
)  # fmt: skip

#: The guide's 19 operations by number.
OPERATIONS: Mapping[int, Operation] = MappingProxyType(
    {guide.number: guide for guide, _ in _ROWS if guide.number is not None}
)

#: The same operations as Boomi publishes them.
PUBLISHED: Mapping[int, Operation] = MappingProxyType(
    {published.number: published for _, published in _ROWS if published.number is not None}
)


def _supporting(
    name: str,
    method: str,
    path: str,
    media_type: str = JSON,
    *,
    success: frozenset[int] = frozenset({200}),
    reads: bool = True,
    overrides_account: bool = False,
) -> Operation:
    return Operation(
        None,
        name,
        method,
        path,
        media_type,
        success=success,
        reads=reads,
        overrides_account=overrides_account,
    )


_SUPPORTING_ROWS = (
    _supporting("GET PackagedComponentManifest", "GET", "PackagedComponentManifest/{package}", XML,
                overrides_account=True),
    _supporting("QUERY Folder", "POST", "Folder/query"),
    _supporting("POST Folder", "POST", "Folder", reads=False),
    _supporting("QUERY Environment", "POST", "Environment/query"),
    _supporting("QUERY Account", "POST", "Account/query"),
    _supporting("QUERY ComponentMetadata", "POST", "ComponentMetadata/query",
                overrides_account=True),
    _supporting("BULK ComponentMetadata", "POST", "ComponentMetadata/bulk",
                overrides_account=True),
    _supporting("BULK Component", "POST", "Component/bulk", XML, overrides_account=True),
    _supporting("GET ComponentReference parents", "GET", "ComponentReference/{component}", XML),
    _supporting("GET PublisherIntegrationPack", "GET", "PublisherIntegrationPack/{pack}"),
    _supporting("GET ReleaseIntegrationPackStatus", "GET", "ReleaseIntegrationPackStatus/{release}",
                success=frozenset({200, 202})),
    _supporting("QUERY DeployedPackage", "POST", "DeployedPackage/query"),
    _supporting("QUERY IntegrationPackInstance", "POST", "IntegrationPackInstance/query"),
    _supporting("QUERY IntegrationPackEnvironmentAttachment", "POST",
                "IntegrationPackEnvironmentAttachment/query"),
)  # fmt: skip

#: What is needed beside the 19 operations, by name (source: the published API).
SUPPORTING: Mapping[str, Operation] = MappingProxyType({row.name: row for row in _SUPPORTING_ROWS})
