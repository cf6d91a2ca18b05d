"""The table says what the guide says."""

import pytest

from partnerapi.dialects import dialect_named
from partnerapi.operations import JSON, OPERATIONS, SUPPORTING, XML

# Build guide, step 2.2: number, name, method, address, media type, error codes.
GUIDE = [
    (1, "GET Component", "GET", "Component/{}", XML, {400, 404, 429, 503}),
    (2, "POST Component Create", "POST", "Component~{}", XML, {400, 429, 503}),
    (3, "POST Component Update", "POST", "Component/{}~{}", XML, {400, 404, 429, 503}),
    (4, "GET ComponentReference", "GET", "ComponentReference/{}", XML, {400, 404, 429, 503}),
    (5, "GET ComponentMetadata", "GET", "ComponentMetadata/{}", XML, {400, 404, 429, 503}),
    (6, "QUERY PackagedComponent", "POST", "PackagedComponent/query", XML, {400, 429, 503}),
    (7, "POST PackagedComponent", "POST", "PackagedComponent", JSON, {400, 429, 503}),
    (8, "POST DeployedPackage", "POST", "DeployedPackage", JSON, {400, 404, 429, 503}),
    (9, "POST IntegrationPack", "POST", "IntegrationPack", JSON, {400, 429, 503}),
    (10, "POST Branch", "POST", "Branch", JSON, {400, 429, 503}),
    (11, "QUERY Branch", "POST", "Branch/query", JSON, {400, 429, 503}),
    (12, "POST MergeRequest", "POST", "MergeRequest", JSON, {400, 409, 429, 503}),
    (
        13,
        "POST MergeRequest Execute",
        "POST",
        "MergeRequest/execute/{}",
        JSON,
        {400, 409, 429, 503},
    ),
    (14, "GET Branch", "GET", "Branch/{}", JSON, {400, 404, 429, 503}),
    (15, "DELETE Branch", "DELETE", "Branch/{}", JSON, {429, 503}),
    (16, "QUERY IntegrationPack", "POST", "IntegrationPack/query", XML, {400, 429, 503}),
    (
        17,
        "POST Add To IntegrationPack",
        "POST",
        "IntegrationPack/{}/PackagedComponent/{}",
        JSON,
        {400, 404, 429, 503},
    ),
    (
        18,
        "POST ReleaseIntegrationPack",
        "POST",
        "ReleaseIntegrationPack",
        JSON,
        {400, 404, 429, 503},
    ),
    (19, "GET MergeRequest", "GET", "MergeRequest/{}", JSON, {400, 404, 429, 503}),
]


def test_all_nineteen_are_there() -> None:
    assert list(OPERATIONS) == list(range(1, 20))


@pytest.mark.parametrize(("number", "name", "method", "path", "media_type", "codes"), GUIDE)
def test_a_row_is_as_in_the_guide(
    number: int, name: str, method: str, path: str, media_type: str, codes: set[int]
) -> None:
    row = OPERATIONS[number]
    placeholders = dict.fromkeys(("component", "branch", "merge_request", "pack", "package"), "{}")
    assert row.name == name
    assert row.guide_name == f"PROMO - HTTP Op - {name}"
    assert row.method == method
    assert row.path.format_map(placeholders) == path
    assert row.media_type == media_type
    assert row.errors == codes


def test_only_a_deletion_ends_well_with_404() -> None:
    assert {number for number, row in OPERATIONS.items() if 404 in row.success} == {15}
    assert all(200 in row.success for row in OPERATIONS.values())


def test_404_is_a_missing_object_in_the_guide_and_a_wrong_address_as_published() -> None:
    assert not any(404 in row.wrong_address for row in OPERATIONS.values())
    published = dialect_named("published").operations.values()
    for row in (*SUPPORTING.values(), *published):
        assert row.wrong_address >= {404, 410}
        assert 404 not in row.errors | row.success


def test_only_four_operations_read_from_a_dev_account() -> None:
    assert {number for number, row in OPERATIONS.items() if row.overrides_account} == {1, 4, 5, 6}


def test_what_reads_changes_nothing() -> None:
    reads = {number for number, row in OPERATIONS.items() if row.reads}
    assert reads == {1, 4, 5, 6, 11, 14, 16, 19}


def test_supporting_calls_have_names_and_no_numbers() -> None:
    assert all(row.number is None and row.key == name for name, row in SUPPORTING.items())
    assert {name for name, row in SUPPORTING.items() if not row.reads} == {"POST Folder"}
    assert {name for name, row in SUPPORTING.items() if row.overrides_account} == {
        "GET PackagedComponentManifest",
        "QUERY ComponentMetadata",
        "BULK ComponentMetadata",
        "BULK Component",
    }


def test_the_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        OPERATIONS[1] = OPERATIONS[2]  # type: ignore[index]
