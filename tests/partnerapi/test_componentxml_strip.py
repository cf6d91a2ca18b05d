"""Secrets and environment values go, production's own stay, and every other byte does."""

import pytest

from partnerapi.componentxml import HIDDEN, ComponentXmlError, symbol
from tests.partnerapi.component_samples import MASK, component
from tests.partnerapi.in_bytes import (
    digest,
    fill,
    hide,
    mask,
    normalise,
    read_envelope,
    rewrite,
    strip,
)

DEV = "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"
PRODUCTION = "bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb"

# Each with a secret or an environment value in the place of the braces.
EMPTIED = [
    '<GenericConnectionConfig><field id="url" type="string" value="{}"/></GenericConnectionConfig>',
    '<field id="a" type="password" value="{}"/>',
    "<field id='a' type='PASSWORD' value='{}'/>",
    '<field id="a" type="password"><value>{}</value></field>',
    '<field id="consumerSecret" type="string" value="{}"/>',
    '<HttpSettings url="{}"/>',
    '<HttpSettings><AuthSettings password="{}"/></HttpSettings>',
    '<HttpSettings><AuthSettings user="{}"/></HttpSettings>',
    "<AwsSettings><credentials><awsSecret>{}</awsSecret></credentials></AwsSettings>",
    "<AwsSettings><credentials><accessKeyId><![CDATA[{}]]></accessKeyId></credentials></AwsSettings>",
    '<OAuth2Config><credentials clientSecret="{}"/></OAuth2Config>',
    '<customProperties><properties encrypted="true" key="k" value="{}"/></customProperties>',
    '<header headerName="Authorization" headerValue="{}" isVariable="false"/>',
    '<header headerName="Ocp-Apim-Subscription-Key" headerValue="{}"/>',
    "<p><definedProcessProperty><label>x</label><type>password</type>"
    "<defaultValue>{}</defaultValue></definedProcessProperty></p>",
    "<p><definedProcessProperty><label>Client secret</label><type>string</type>"
    "<defaultValue>{}</defaultValue></definedProcessProperty></p>",
    '<documentproperty propertyId="process.DPP_TOKEN"><sourcevalues><parametervalue>'
    '<staticparameter staticproperty="{}"/></parametervalue></sourcevalues></documentproperty>',
    '<Input default="{}" key="1" name="Password"/>',
    '<param name="api_key">{}</param>',
    '<new passwd="{}"/>',
    "<DB_PASSWORD>{}</DB_PASSWORD>",
    '<x xmlns:p="urn:p" p:clientSecret="{}"/>',
]

KEPT_AS_IT_IS = [
    '<field id="keyField" type="string" value="{}"/>',
    '<field id="primaryKey" type="string" value="{}"/>',
    '<field id="tokenizer" type="string" value="{}"/>',
    '<field id="passwordFieldName" type="string" value="{}"/>',
    '<header headerName="Authorization" headerValue="{}" isVariable="true"/>',
    '<header headerName="Idempotency-Key" headerValue="{}"/>',
    '<XMLProfile><XMLElement name="password" password="{}"/></XMLProfile>',
    '<connectoraction keyField="{}" primaryKey="{}"/>',
    '<Default toKey="1" toNamePath="Root/customer/url" value="{}"/>',
    '<Default toKey="1" toNamePath="Root/auth" value="{}"/>',
    '<LimitOptions outputTokens="{}"/>',
    '<shape name="password" userlabel="{}"/>',
    '<cookie role="response">{}</cookie>',
    '<parametervalue elementToSetName="port (Root/port)"><staticparameter staticproperty="{}"/>'
    "</parametervalue>",
]


def text_of(stripped):
    return stripped.xml.decode()


@pytest.mark.parametrize("body", EMPTIED)
def test_a_secret_or_environment_value_is_emptied_and_told_by_its_path(body):
    stripped = strip(component(body.format("hun&#116;er2 &amp;")))
    expected = component(body.format("").replace("<![CDATA[]]>", ""))
    assert stripped.xml == expected
    assert [place.outcome for place in stripped.places] == ["emptied"]
    assert "hunter2" not in repr(stripped.places)
    assert stripped.findings == ()
    assert strip(stripped.xml).places == ()


@pytest.mark.parametrize("body", EMPTIED)
def test_production_keeps_its_own_value(body):
    dev = component(body.format("dev"))
    production = component(body.format("Prod &#38; &lt;uction"), component_id=PRODUCTION)
    stripped = strip(dev, production=production)
    assert [place.outcome for place in stripped.places] == ["kept"]
    assert "uction" not in text_of(stripped)
    assert digest(mask(production)) == digest(stripped.xml)
    filled = fill(stripped.xml, production=production, ids={})
    assert normalise(filled) == normalise(production)
    # An empty place here does not empty production's.
    empty = strip(component(body.format("")), production=production)
    assert normalise(fill(empty.xml, production=production, ids={})) == normalise(production)


@pytest.mark.parametrize("body", EMPTIED)
def test_a_masked_value_is_left_out_and_never_written(body):
    dev = component(body.format(MASK))
    assert MASK not in text_of(strip(dev))
    stripped = strip(dev, production=dev)
    assert [place.outcome for place in stripped.places] == ["omitted"]
    assert MASK not in text_of(stripped)
    assert digest(mask(dev)) == digest(stripped.xml)
    with pytest.raises(ComponentXmlError) as caught:
        fill(dev, production=dev, ids={})
    assert caught.value.code == "SECRET_LEFT_BEHIND"


@pytest.mark.parametrize("body", KEPT_AS_IT_IS)
def test_ordinary_data_stays_whatever_it_is_called(body):
    data = component(body.replace("{}", "hunter2"))
    assert strip(data).xml == data
    assert strip(data).places == ()


def test_attributes_that_are_missing_here_are_put_back():
    dev = component('<field id="url"/><AuthSettings  ></AuthSettings><awsSecret/>')
    production = component(
        '<field id="url" value="https://p"/><AuthSettings password="it\'s"></AuthSettings>'
        "<awsSecret>s</awsSecret>"
    )
    filled = fill(strip(dev, production=production).xml, production=production, ids={})
    assert normalise(filled) == normalise(production)


def test_a_variable_is_neither_kept_nor_replaced_by_a_value():
    literal = component('<header headerName="Authorization" headerValue="x" isVariable="false"/>')
    variable = component('<header headerName="Authorization" headerValue="v" isVariable="true"/>')
    assert strip(variable, production=literal).xml == variable
    assert [one.outcome for one in strip(literal, production=variable).places] == ["emptied"]


def test_quotes_are_escaped_only_as_far_as_needed():
    dev = component("<field id='secret' value='d'/>")
    production = component('<field id="secret" value="it\'s&#x41;&gt;"/>')
    filled = fill(strip(dev, production=production).xml, production=production, ids={})
    assert filled == component("<field id='secret' value='it&apos;s&#x41;&gt;'/>")


def test_places_are_matched_by_name_and_not_by_position():
    dev = component('<field id="new" type="password" value="n"/><field id="url" value="d"/>')
    production = component('<field id="url" value="https://p"/>')
    filled = fill(strip(dev, production=production).xml, production=production, ids={})
    assert filled == component(
        '<field id="new" type="password" value=""/><field id="url" value="https://p"/>'
    )


def test_nameless_places_keep_a_value_only_if_it_cannot_be_anothers():
    two = '<a><Settings password="x"/><Settings password="y"/></a>'
    three = '<a><Settings password="1"/><Settings password="2"/><Settings password="3"/></a>'
    stripped = strip(component(three), production=component(two))
    assert [place.outcome for place in stripped.places] == ["emptied"] * 3
    assert stripped.places[1].path == "/object/a/Settings[2]/@password"
    # A row that moved would take the other's value along, so it is emptied, told, and stops.
    stripped = strip(component(two), production=component(two.replace("x", "z").replace("y", "q")))
    assert [place.outcome for place in stripped.places] == ["emptied"] * 2
    assert [finding.rule for finding in stripped.findings] == ["uncertain-place"] * 2
    stripped = strip(component(two), production=component(two.replace("x", "y")))
    assert [place.outcome for place in stripped.places] == ["kept"] * 2


def test_the_key_of_a_process_property_names_it_and_a_components_id_does_not():
    one = "11111111-2222-4333-8444-555555555555"
    body = (
        '<ps><definedProcessProperty key="{}"><type>password</type><defaultValue>{}</defaultValue>'
        '</definedProcessProperty><c id="{}"><field id="url" value="{}"/></c></ps>'
    )
    dev = component(body.format(one, "d", DEV, "https://d"))
    production = component(body.format(one, "p", PRODUCTION, "https://p"))
    stripped = strip(dev, production=production)
    assert one in stripped.places[0].path
    assert DEV not in repr(stripped.places)
    done = rewrite(stripped.xml, {DEV: PRODUCTION})
    assert digest(done.xml) == digest(mask(production))
    assert fill(done.xml, production=production, ids={}) == production


def test_what_may_be_a_value_is_not_shown_in_a_path():
    data = component('<field name="q7RkV2mPz8LwXc4Tn9BsYd1Hf6" type="password" value="x"/>')
    assert strip(data).places[0].path == "/object/field/@value"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "//HttpSettings/AuthSettings/@code",
            '<HttpSettings><AuthSettings code="{}"/></HttpSettings>',
        ),
        (
            "//SalesforceSettings|MailSettings|SFTPSettings/AuthSettings/@code",
            '<MailSettings><AuthSettings code="{}"/></MailSettings>',
        ),
        ("//A/@x | //B/@x", '<B x="{}"/>'),
        ("//a/b/text()", "<a><b>{}</b></a>"),
        ("//Config/field[@kind='x']", '<Config><field kind="x" value="{}"/></Config>'),
        ("//Config/field[@kind='x']", '<Config><field kind="x">{}</field></Config>'),
        (
            "//f[@type=&quot;c&quot;]/customProperties/properties[@e='true']/@value",
            '<f type="c"><customProperties><properties e="true" value="{}"/></customProperties></f>',
        ),
        ("/Component/object/x/@y", '<x y="{}"/>'),
        ("//bns:object/*/@y", '<x y="{}"/>'),
        ("//XMLProfile/@y", '<XMLProfile y="{}"/>'),
    ],
)
def test_the_platforms_own_paths_are_followed(path, body):
    assert strip(component(body.format("v"))).places == ()
    data = component(body.format("v"), encrypted=(path,))
    assert strip(data).xml == component(body.format(""), encrypted=(path,))
    stripped = strip(data, production=data)
    assert [place.outcome for place in stripped.places] == ["omitted"]
    assert b'"v"' not in stripped.xml
    assert b">v<" not in stripped.xml
    # Production's list counts for a document that has none, too.
    stripped = strip(component(body.format("v")), production=data)
    assert [place.outcome for place in stripped.places] == ["omitted"]
    assert digest(stripped.xml) == digest(mask(data))


@pytest.mark.parametrize(
    "path", ["//a[1]/@b", "//a[contains(@b,'c')]", "//a//b/@c", "//@a/b", "//", "", "id('x')"]
)
def test_a_path_that_is_not_understood_stops_the_component(path):
    stripped = strip(component('<a b="c"/>', encrypted=(path,)))
    assert [finding.rule for finding in stripped.findings] == ["encrypted-path"]


def test_extensions_are_declarations_and_stay():
    after = (
        '<bns:processOverrides><Overrides xmlns=""><field id="password" value="x" '
        'xpath="//AuthSettings/@password"/></Overrides></bns:processOverrides>'
    )
    data = component("<process/>", type="process", after=after)
    assert strip(data, production=data).xml == data


def test_a_plan_is_stale_when_production_has_changed():
    dev = component('<field id="secret" value="d"/>')
    production = component('<field id="secret" value="p"/>')
    planned = strip(dev, production=production).xml
    moved = [
        None,
        component("<other/>"),
        component('<field id="secret" value=""/>'),
        component(f'<field id="secret" value="{MASK}"/>'),
        component('<field id="secret" value="p"/>', encrypted=("//field[@id='secret']",)),
        component('<field id="secret" value="p"/><field id="secret" value="p"/>'),
    ]
    for other in moved:
        with pytest.raises(ComponentXmlError) as caught:
            fill(planned, production=other, ids={})
        assert caught.value.code == "PLAN_STALE"


def test_symbolic_ids_become_the_created_ones_or_the_plan_is_stale():
    planned = rewrite(component(f'<x processId="{DEV}" p="E|{DEV}"/>'), {DEV: symbol(DEV)}).xml
    filled = fill(planned, production=None, ids={DEV.upper(): PRODUCTION})
    assert filled == component(f'<x processId="{PRODUCTION}" p="E|{PRODUCTION}"/>')
    for text in (planned, component('<x a="{promotion-desk:odd}"/>')):
        with pytest.raises(ComponentXmlError) as caught:
            fill(text, production=None, ids={PRODUCTION: DEV})
        assert caught.value.code == "PLAN_STALE"


def test_fingerprints_follow_the_value_the_place_and_the_key():
    body = "<script>def password = 'hunter{}'</script>"
    first = strip(component(body.format(2)), key=b"k").findings
    assert [finding.path for finding in first] == ["/object/script/text()"]
    assert "hunter" not in repr(first)
    again = strip(component(body.format(2) + "<!-- more -->", component_id=DEV), key=b"k").findings
    assert again == first
    assert strip(component(body.format(3)), key=b"k").findings != first
    assert strip(component(body.format(2)), key=b"other").findings != first
    elsewhere = strip(component(body.replace("script", "text").format(2)), key=b"k").findings
    assert elsewhere[0].fingerprint != first[0].fingerprint


def test_reading_the_envelope_of_what_was_stripped_still_works():
    data = component('<field id="url" value="d"/>')
    assert read_envelope(strip(data).xml) == read_envelope(data)


def test_a_mask_inside_a_longer_value_stops_the_component() -> None:
    data = component(f'<shape userlabel="was {MASK} once" other="{MASK}0"/>')
    (found,) = strip(data).findings
    assert (found.path, found.rule) == ("/object/shape/@userlabel", "masked-value")
    assert MASK.encode() not in hide(data).replace(f"{MASK}0".encode(), b"")


def test_a_map_function_that_sets_a_property_is_named_by_its_other_input() -> None:
    def function(name: str) -> bytes:
        return component(
            '<FunctionStep type="PropertySet"><Inputs>'
            f'<Input default="{name}" key="1" name="Property Name"/>'
            '<Input default="swordfish" key="2" name="Property Value"/></Inputs></FunctionStep>',
            type="transform.map",
        )

    (place,) = strip(function("DPP_PASSWORD")).places
    assert place.rule == "secret-name"
    assert strip(function("DPP_FISH")).xml == function("DPP_FISH")


def test_what_is_found_is_hidden_where_it_is_shown() -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2"
    body = f'<script><text>def token = "{token}" &amp; more</text></script>'
    data = component(body, type="script.processing")
    assert token in data.decode()
    assert strip(data).findings
    hidden = hide(data)
    assert token not in hidden.decode()
    assert HIDDEN in hidden.decode()
    assert "&amp; more" in hidden.decode()
    assert not strip(data.replace(token.encode(), b"")).findings


def test_hiding_leaves_a_document_without_findings_as_it_is() -> None:
    data = component("<process><shape name='a &gt; b'/></process>", type="process")
    assert hide(data) == data
