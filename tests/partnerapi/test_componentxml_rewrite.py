"""Ids are replaced in one pass, wherever they stand, and nothing else is."""

import pytest

from partnerapi.componentxml import ComponentXmlError, symbol
from tests.partnerapi.component_samples import component
from tests.partnerapi.in_bytes import rewrite

A = "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"
B = "bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb"
C = "cccccccc-3333-4333-8333-cccccccccccc"
UNKNOWN = "dddddddd-4444-4444-8444-dddddddddddd"


@pytest.mark.parametrize(
    ("body", "context"),
    [
        ('<connectoraction connectionId="{}"/>', "reference"),
        ('<connectoraction parameter-profile="EMBEDDED|HttpParameterChooser|{}"/>', "reference"),
        ('<x propertyId="definedprocess.{}@KEY"/>', "reference"),
        ('<x processRouteId="resource::rout:{}"/>', "reference"),
        ('<objectDefinition id="{}apiStats"/>', "reference"),
        ('<objectDefinition id="{}Zebra"/>', "reference"),
        ('<objectDefinition id="ff{}ff"/>', "reference"),
        ("<queueComponentId>{}</queueComponentId>", "reference"),
        ('<SqlLookup connection="{}"/>', "reference"),
        ('<DocumentCache profile="{}"/>', "reference"),
        ('<SSLOptions clientsslalias="{}"/>', "reference"),
        ("<script>// see {}</script>", "script"),
        ("<script><![CDATA[x < {}]]></script>", "script"),
        ('<ref value="{}"/>', "data"),
        ('<definedProcessProperty key="{}"/>', "data"),
        ("<msgTxt>Ü {} &amp;</msgTxt>", "data"),
        ("<a b='&#x26;Ü{}'/>", "data"),
        ("<!-- {} -->", "data"),
    ],
)
def test_an_id_is_replaced_where_it_stands(body, context):
    done = rewrite(component(body.format(A)), {A: B})
    assert done.xml == component(body.format(B))
    assert [(one.old, one.new, one.context) for one in done.rewrites] == [(A, B, context)]
    assert done.count == 1
    assert rewrite(component(body.format(A.upper())), {A: B}).xml == component(body.format(B))
    assert rewrite(component(body.format(A)), {A.upper(): B}).xml == component(body.format(B))
    assert rewrite(component(body.format(UNKNOWN)), {A: B}).count == 0


def test_one_pass_never_twice():
    both = component(f'<x a="{A}|{B}" b="{B}"/>')
    assert rewrite(both, {A: B, B: C}).xml == component(f'<x a="{B}|{C}" b="{C}"/>')
    assert rewrite(both, {A: B, B: A}).xml == component(f'<x a="{B}|{A}" b="{A}"/>')


def test_of_overlapping_ids_the_leftmost_wins_and_unknown_ones_hide_nothing():
    # The last eight digits of the first are the first eight of the second.
    first = "aaaaaaaa-1111-4111-8111-aaaabbbbbbbb"
    glued = first[:-8] + B
    assert rewrite(component(f'<x a="{glued}"/>'), {B: C}).xml == component(
        f'<x a="{first[:-8]}{C}"/>'
    )
    assert rewrite(component(f'<x a="{glued}"/>'), {B: C, first: A}).xml == component(
        f'<x a="{A}{B[8:]}"/>'
    )


@pytest.mark.parametrize(
    "spelt",
    [
        "&#x61;" + A[1:],
        A[:8] + "&#45;" + A[9:],
        A[:8] + "<![CDATA[" + A[8:] + "]]>",
        "<![CDATA[" + A[:8] + "]]>" + A[8:],
    ],
)
def test_an_id_is_found_however_it_is_spelt(spelt):
    done = rewrite(component(f"<processId>Ü&amp;{spelt}!</processId>"), {A: B})
    assert done.count == 1
    assert B in done.xml.decode()
    assert A[9:] not in done.xml.decode()


def test_the_roots_own_attributes_are_left_alone():
    data = component("<x/>", component_id=A)
    assert rewrite(data, {A: B}).xml == data


def test_symbols_stand_for_ids_in_both_directions():
    data = component(f'<x a="EMBEDDED|c|{A}|{A}"><processId>{A}</processId></x>')
    symbolic = rewrite(data, {A: symbol(A)})
    assert symbolic.count == 3
    assert symbol(A.upper()) == f"{{promotion-desk:new:{A}}}"
    assert rewrite(symbolic.xml, {A: symbol(A)}).count == 0
    assert rewrite(symbolic.xml, {A: B}).count == 0
    assert rewrite(symbolic.xml, {symbol(A): A}).xml == data
    assert rewrite(symbolic.xml, {symbol(A): B, A: C}).xml == rewrite(data, {A: B}).xml


def test_what_is_not_an_id_cannot_be_a_key():
    with pytest.raises(ValueError, match="is a GUID or a symbol"):
        rewrite(component("<x/>"), {"1": "2"})


def test_a_path_tells_where_without_telling_an_id():
    done = rewrite(component(f'<x><y id="{A}"/><y id="{A}"/></x>'), {A: B})
    assert [one.path for one in done.rewrites] == ["/object/x/y[1]/@id", "/object/x/y[2]/@id"]


def test_an_id_without_hyphens_is_rewritten_in_its_own_spelling():
    bare_a, bare_b = A.replace("-", ""), B.replace("-", "")
    data = component(f'<x processId="{bare_a}" other="{A}"/>')
    assert rewrite(data, {A: B}).xml == component(f'<x processId="{bare_b}" other="{B}"/>')


def test_mappings_that_differ_only_in_case_are_refused():
    with pytest.raises(ComponentXmlError) as caught:
        rewrite(component("<x/>"), {A: B, A.upper(): C})
    assert caught.value.code == "MAPPING_AMBIGUOUS"
