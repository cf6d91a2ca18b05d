"""What a value means decides, and not what it is called alone: cases of each kind, with their siblings."""

from __future__ import annotations

import pytest

from partnerapi import componentxml
from partnerapi.componentxml import ComponentXmlError, Document, Stripped
from tests.partnerapi import in_bytes
from tests.partnerapi.component_samples import component


def strip(body: str, *, type: str = "connector-action", production: str | None = None) -> Stripped:
    twin = Document.parse(component(production, type=type)) if production is not None else None
    return componentxml.strip(Document.parse(component(body, type=type)), production=twin, key=b"k")


def written(stripped: Stripped, production: str, *, type: str) -> str:
    twin = Document.parse(component(production, type=type))
    return componentxml.fill(stripped.document, production=twin, ids={}).to_bytes().decode()


# --- values that a property allows ------------------------------------------------------------


INSIDE = "<allowedValue><label>{0}</label><value>{1}</value></allowedValue>"
BEFORE = '<allowedValue label="{0}"><value>{1}</value></allowedValue>'
BESIDE = '<allowedValue label="{0}" value="{1}"/>'


def choices(*values: tuple[str, str], row: str = INSIDE) -> str:
    """A property with a URL for each label, in one of the forms of a row."""
    rows = "".join(row.format(label, value) for label, value in values)
    return (
        '<DefinedProcessProperties><definedProcessProperty key="k"><label>Service URL</label>'
        f"<type>string</type><allowedValues>{rows}</allowedValues></definedProcessProperty></DefinedProcessProperties>"
    )


@pytest.mark.parametrize("row", [INSIDE, BEFORE, BESIDE])
def test_allowed_values_are_matched_by_label_and_a_new_one_blocks(row: str) -> None:
    dev = choices(
        ("Asia", "https://asia.dev.example.org"),
        ("Europe", "https://eu.dev.example.org"),
        ("America", "https://us.dev.example.org"),
        row=row,
    )
    production = choices(
        ("Europe", "https://eu.example.org"), ("America", "https://us.example.org"), row=row
    )
    done = strip(dev, type="processproperty", production=production)
    assert [place.outcome for place in done.places] == ["emptied", "kept", "kept"]
    (finding,) = done.findings
    assert finding.rule == "uncertain-place"
    assert 'allowedValue[label="Asia"]' in finding.path
    said = written(done, production, type="processproperty")
    assert said.index("Europe") < said.index("https://eu.example.org") < said.index("America")
    assert "dev.example.org" not in said


def test_allowed_values_without_labels_are_never_moved() -> None:
    row = "<allowedValue><value>https://{}.example.org</value></allowedValue>"
    body = (
        '<ps><definedProcessProperty key="k"><label>Service URL</label><type>string</type>'
        "<allowedValues>{}</allowedValues></definedProcessProperty></ps>"
    )
    dev = body.format("".join(map(row.format, ("a", "b", "c"))))
    production = body.format("".join(map(row.format, ("x", "y"))))
    done = strip(dev, type="processproperty", production=production)
    assert {place.outcome for place in done.places} == {"emptied"}
    assert {finding.rule for finding in done.findings} == {"uncertain-place"}
    assert "example.org" not in done.document.to_bytes().decode().partition("<bns:object>")[2]


# --- headers and parameters of any connector ---------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        '<header key="1000000" headerName="{name}" headerValue="{value}" isVariable="false"/>',
        '<properties encrypted="false" key="{name}" value="{value}"/>',
        '<requestHeader id="{at}" name="{name}" value="{value}"/>',
        '<entry key="{name}" value="{value}"/>',
        '<queryParameter key="{at}" paramName="{name}" value="{value}"/>',
        '<param index="{at}" parameterName="{name}" value="{value}"/>',
        '<httpHeader header="{name}" index="{at}" value="{value}"/>',
        '<item id="{at}" title="{name}" value="{value}"/>',
        "<header><name>{name}</name><value>{value}</value></header>",
        '<entry index="{at}"><key>{name}</key><value>{value}</value></entry>',
        '<propertyvalue childKey="{name}" key="h"><staticparameter staticproperty="{value}"/></propertyvalue>',
    ],
)
def test_a_credential_never_moves_to_another_name(row: str) -> None:
    def rows(*pairs: tuple[str, str]) -> str:
        return "<GenericOperationConfig><list>{}</list></GenericOperationConfig>".format(
            "".join(
                row.format(at=at, name=name, value=value) for at, (name, value) in enumerate(pairs)
            )
        )

    dev = rows(("Accept", "text/dev"), ("Authorization", "Bearer dev-k3y-1234567"))
    production = rows(("Authorization", "Bearer prod-k3y-1234567"), ("Accept", "text/prod"))
    done = strip(dev, production=production)
    said = written(done, production, type="connector-action")
    assert (
        said
        == component(
            rows(("Accept", "text/dev"), ("Authorization", "Bearer prod-k3y-1234567"))
        ).decode()
    )


def test_a_row_that_nothing_names_stops_the_component() -> None:
    row = '<header key="1000000" headerValue="Bearer {}"/>'
    production = row.format("prod-one-1") + row.format("prod-two-2")
    done = strip(row.format("dev-one-1"), production=production)
    assert [finding.rule for finding in done.findings] == ["authorization"]
    assert "prod" not in done.document.to_bytes().decode()


def test_what_stands_in_rows_that_nothing_names_is_not_told_by_their_order() -> None:
    row = "<step><login><password>{}</password></login></step>"
    production = row.format("prod-one") + row.format("prod-two")
    done = strip(row.format("dev-one") + row.format("dev-two"), production=production)
    assert [place.outcome for place in done.places] == ["emptied"] * 2
    assert {finding.rule for finding in done.findings} == {"uncertain-place"}
    # Nobody could tell the difference between equal ones.
    same = row.format("prod-one") * 2
    done = strip(row.format("dev-one") + row.format("dev-two"), production=same)
    assert [place.outcome for place in done.places] == ["kept"] * 2


def test_the_name_of_a_header_means_the_same_in_capitals() -> None:
    row = '<header headerName="{}" headerValue="{}" isVariable="false" key="1000000"/>'
    production = row.format("Authorization", "Bearer prod-k3y-1234567")
    done = strip(row.format("authorization", "Bearer dev-k3y-1234567"), production=production)
    said = written(done, production, type="connector-action")
    assert 'headerName="authorization" headerValue="Bearer prod-k3y-1234567"' in said


@pytest.mark.parametrize(
    "script",
    [
        "char[] password = {'h','3','r','o','n','7'}",
        "def pwd = new String([104, 51, 114, 111, 110, 55] as byte[])",
        "var secret = String.fromCharCode(104, 51, 114, 111, 110, 55)",
        "byte[] password = { (byte)0x68, (byte)0x33, (byte)0x72, (byte)0x6f, (byte)0x6e, (byte)0x37 }",
    ],
)
def test_a_secret_in_pieces_stops_the_component(script: str) -> None:
    for name, blocks in (("password", True), ("pattern", False)):
        said = script.replace("pwd", "password").replace("secret", "password")
        body = f"<script>{said.replace('password', name)}</script>"
        assert bool(strip(body, type="script.processing").findings) == blocks


@pytest.mark.parametrize("number", ["id", "key"])
def test_a_number_alone_is_no_name(number: str) -> None:
    row = f'<login {number}="{{}}" password="{{}}"/>'
    production = row.format(1, "prod-one") + row.format(2, "prod-two")
    done = strip(row.format(1, "dev-one") + row.format(2, "dev-two"), production=production)
    assert [place.outcome for place in done.places] == ["emptied"] * 2
    assert {finding.rule for finding in done.findings} == {"uncertain-place"}
    # Alone, or with a key of the target's profile, there is nothing to be mistaken for.
    alone = strip(row.format(1, "dev-one"), production=row.format(1, "prod-one"))
    assert [place.outcome for place in alone.places] == ["kept"]
    default = '<Default toKey="{}" toNamePath="Root/login/password" value="{}"/>'
    named = strip(
        default.format(5, "a") + default.format(6, "b"),
        production=default.format(6, "d") + default.format(5, "c"),
    )
    assert [place.outcome for place in named.places] == ["kept"] * 2


def test_a_part_that_was_put_in_front_moves_no_value() -> None:
    def parts(*values: str) -> str:
        static = '<staticparameter staticproperty="{}"/>'
        inside = "".join(
            f'<parametervalue key="{at}" valueType="static">{static.format(value)}</parametervalue>'
            for at, value in enumerate(values)
        )
        return (
            '<documentproperty propertyId="dynamicdocument.DDP_URL">'
            f"<sourcevalues>{inside}</sourcevalues></documentproperty>"
        )

    production = parts("prod.example.org", "/v1/orders")
    done = strip(parts("https://", "dev.example.org", "/v2/orders"), production=production)
    sent = done.document.to_bytes().decode()
    assert "example.org" not in sent.partition("<bns:object>")[2]
    assert "/v2/orders" in sent
    assert [finding.rule for finding in done.findings] == ["uncertain-place"]
    # A property that production does not know takes nothing away.
    other = parts("dev.example.org", "/v2").replace("DDP_URL", "DDP_ENDPOINT")
    assert strip(other, production=production).findings == ()


# --- what a connector imported ------------------------------------------------------------------


@pytest.mark.parametrize(
    "blob",
    [
        '<cookie role="request"><value>{}</value></cookie>',
        '<cookie role="response" value="{}"/>',
        '<cookie role="request">{}</cookie>',
    ],
)
def test_an_imported_blob_is_kept_and_tells_nothing_however_often_it_is_imported(blob: str) -> None:
    first = blob.format("UEsDBBQACAgIAHReedRush4711LakeHeronXyZ8Qa7PbW6vC")
    second = blob.format("UEsDBBQACAgIAJQm3nX7LakeHeron1174RushReedAbC1dE2")
    for body, production in ((first, None), (second, first)):
        done = strip(body, production=production)
        assert done.findings == ()
        assert done.places == ()
        assert body in done.document.to_bytes().decode()


# --- fields of an operation ---------------------------------------------------------------------

PARAMETERS = ["companyId", "tenantId", "database", "domain", "userId", "clientId", "accountId"]


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(
    ("said", "outcome", "rule"),
    [
        ('type="string"', "left", "operation-parameter"),
        ('type="integer"', "left", "operation-parameter"),
        ('type="string" overrideable="false"', "left", "operation-parameter"),
        ('type="string" overrideable="true"', "emptied", "declared-override"),
        ('type="password"', "emptied", "password-field"),
    ],
)
def test_a_field_of_an_operation_is_judged_by_its_type_and_its_declaration(
    name: str, said: str, outcome: str, rule: str
) -> None:
    body = (
        f'<GenericOperationConfig><field id="{name}" {said} value="4711"/></GenericOperationConfig>'
    )
    done = strip(body)
    assert [(place.outcome, place.rule) for place in done.places] == [(outcome, rule)]
    assert (body in done.document.to_bytes().decode()) == (outcome == "left")
    # Production's own is kept where one is taken out, and never where it is a business parameter.
    twin = strip(body, production=body.replace("4711", "1174"))
    assert [place.outcome for place in twin.places] == ["left" if outcome == "left" else "kept"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_same_field_of_a_connection_is_the_environments(name: str) -> None:
    done = strip(
        f'<GenericConnectionConfig><field id="{name}" type="string" value="4711"/></GenericConnectionConfig>',
        type="connector-settings",
    )
    assert [(place.outcome, place.rule) for place in done.places] == [("emptied", "account-name")]


# --- defaults beside the property that is set ---------------------------------------------------


@pytest.mark.parametrize("element", ["parameter", "processparameter", "trackparameter"])
@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("DPP_PASSWORD", "reed", "secret-name"),
        ("DPP_PASSWORT", "Schilf", "secret-name"),
        ("DPP_CONTRASEÑA", "junco", "secret-name"),
        ("DPP_API_TOKEN", "k3y-4711", "secret-name"),
        ("DPP_BASE_URL", "https://lake.example.org", "network-name"),
        ("DPP_PATH_URL", "/v1/orders", None),
        ("DPP_SESSION_KEY", "SESSION_KEY", None),
        ("DPP_LIMIT", "100", None),
    ],
)
def test_the_default_of_a_property_is_judged_by_the_property(
    element: str, name: str, value: str, rule: str | None
) -> None:
    body = f'<{element} processproperty="{name}" processpropertydefaultvalue="{value}"/>'
    done = strip(body, type="process")
    assert [place.rule for place in done.places] == ([rule] if rule else [])
    assert done.findings == ()
    assert (f'"{value}"' in done.document.to_bytes().decode()) == (rule is None)


# --- pieces of composed values ------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "/",
            "-",
            ": ",
            "Bearer ",
            "Basic ",
            "SSWS ",
            "Token token=&quot;",
            "JSESSIONID=",
            "; ROUTEID=",
        ),
        *("?limit=100", "&amp;offset=", "/v1/orders", "services/data/v58.0/query?q=", "https://"),
        *("AWS4-HMAC-SHA256 Credential=", "orders('", "OAuth oauth_consumer_key=&quot;"),
    ],
)
@pytest.mark.parametrize("name", ["DDP_URL", "DPP_PASSWORD", "inheader_Authorization", "DPP_TOKEN"])
def test_what_holds_pieces_together_travels(piece: str, name: str) -> None:
    body = (
        f'<documentproperty propertyId="dynamicdocument.{name}"><sourcevalues>'
        '<parametervalue key="0" valueType="static"><staticparameter staticproperty="{}"/></parametervalue>'
        '<parametervalue key="1" valueType="track"><trackparameter propertyId="x"/></parametervalue>'
        "</sourcevalues></documentproperty>"
    )
    done = strip(body.format(piece), type="process", production=body.format("/v0/items"))
    assert f'staticproperty="{piece}"' in done.document.to_bytes().decode()
    assert done.findings == ()


@pytest.mark.parametrize(
    "credential",
    ["Basic Ym9iOnBvbmQ=", "Ym9iOnBvbmQ=", "dG9rZW4xMjM0NTY3ODk=", "q7RkV2mPz8LwXc4Tn9BsYd1Hf6a="],
)
def test_a_credential_that_ends_like_an_open_parameter_is_none(credential: str) -> None:
    body = (
        '<documentproperty propertyId="dynamicdocument.inheader_Authorization"><sourcevalues><parametervalue>'
        f'<staticparameter staticproperty="{credential}"/></parametervalue></sourcevalues></documentproperty>'
    )
    done = strip(body, type="process")
    assert credential.split()[-1] not in done.document.to_bytes().decode()
    assert [place.outcome for place in done.places] == ["emptied"]


# --- ids in another spelling --------------------------------------------------------------------

A, B, C = (f"{one * 8}-{one * 4}-4{one * 3}-8{one * 3}-{one * 12}" for one in "abc")


def test_ids_without_hyphens_are_rewritten_in_texts_and_glued_names_too() -> None:
    bare_a, bare_b = A.replace("-", ""), B.replace("-", "")
    body = '<x id="EMBEDDED|c|{0}" other="{1}apiStats"><script>go("{0}", "{1}")</script></x>'
    done = in_bytes.rewrite(component(body.format(bare_a.upper(), A.upper())), {A: B})
    assert done.xml == component(body.format(bare_b, B))


def test_a_longer_number_holds_no_id() -> None:
    checksum = A.replace("-", "") + "0" * 32
    document = Document.parse(component(f'<x sum="{checksum}" id="{A}"/>'))
    assert componentxml.component_ids(document) == {A}


@pytest.mark.parametrize("spelt", [A.upper(), A.replace("-", ""), A.title()])
def test_two_spellings_of_one_id_lead_to_one_component_or_are_refused(spelt: str) -> None:
    for refuse in (
        lambda: in_bytes.rewrite(component("<x/>"), {A: B, spelt: C}),
        lambda: in_bytes.fill(component("<x/>"), production=None, ids={A: B, spelt: C}),
    ):
        with pytest.raises(ComponentXmlError) as caught:
            refuse()
        assert caught.value.code == "MAPPING_AMBIGUOUS"
    same = in_bytes.rewrite(component(f'<x id="{A}"/>'), {A: B, spelt: B.upper()})
    assert same.count == 1
