"""Reading documents: what is refused, the envelope, one form for what says the same."""

import pytest

from partnerapi import componentxml
from partnerapi.componentxml import document as documents
from tests.partnerapi import in_bytes
from tests.partnerapi.component_samples import ROOT_NAMESPACES, component

BODY = '<process xmlns="" a="1"><shapes/></process>'
EVERY_READER = [
    in_bytes.read_envelope,
    in_bytes.strip,
    in_bytes.mask,
    in_bytes.normalise,
    in_bytes.pretty_lines,
    in_bytes.digest,
    lambda data: in_bytes.rewrite(data, {}),
    lambda data: in_bytes.set_envelope(data, component_id=None),
    lambda data: in_bytes.fill(data, production=None, ids={}),
]


@pytest.mark.parametrize("read", EVERY_READER)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>Bad gateway</body></html>",
        b"<bns:Component>",
        b'<Component xmlns="urn:else"/>',
        component(BODY)[:-5],
        component(BODY).replace(b"UTF-8", b"ISO-8859-1"),
        component(BODY).decode().encode("utf-16"),
        component(BODY).replace(b"Fetch", b"F\xe9tch"),
        component("<a>&nbsp;</a>"),
        component('<a b="1" b="2"/>'),
        b'{"@type":"Error","message":"no"}',
    ],
)
def test_what_is_no_component_is_refused_by_every_function(read, data):
    with pytest.raises(componentxml.BadXml) as caught:
        read(data)
    assert caught.value.code == "BAD_RESPONSE"
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("read", EVERY_READER)
@pytest.mark.parametrize(
    "data",
    [
        component(BODY).replace(b"<bns:Component", b'<!DOCTYPE x SYSTEM "x"><bns:Component', 1),
        component("<a>&x;</a>").replace(
            b"<bns:Component", b'<!DOCTYPE x [<!ENTITY x "y">]><bns:Component', 1
        ),
        component("<?php echo 1 ?>" + BODY),
    ],
)
def test_tricks_are_refused_by_every_function(read, data):
    with pytest.raises(componentxml.UnsafeXml) as caught:
        read(data)
    assert caught.value.code == "UNSAFE_XML"


@pytest.mark.parametrize(
    "marker",
    [
        '<a b="{promotion-desk:kept:0}"/>',
        '<a b="x{promotion-desk:new:1}"/>',
        '<a b="&#123;promotion-desk:kept:0}"/>',
        "<a>&#x7b;promotion-desk:kept:0}</a>",
        "<a>{promo<![CDATA[tion-desk:]]>kept}</a>",
        '<a xmlns:x="{promotion-desk:kept:0}"/>',
        "<!-- {promotion-desk:kept:0} -->",
    ],
)
def test_a_source_that_holds_a_marker_is_refused(marker):
    for one in (in_bytes.strip, in_bytes.mask):
        with pytest.raises(componentxml.UnsafeXml):
            one(component(marker))
    with pytest.raises(componentxml.UnsafeXml):
        in_bytes.strip(component(BODY), production=component(marker))


def test_what_is_too_large_is_refused(monkeypatch):
    with pytest.raises(componentxml.TooLarge) as caught:
        componentxml.Document.parse(component(BODY), max_bytes=100)
    assert caught.value.code == "COMPONENT_TOO_LARGE"
    monkeypatch.setattr(documents, "MAX_ELEMENTS", 20)
    with pytest.raises(componentxml.TooLarge):
        in_bytes.read_envelope(component("<a/>" * 20))
    monkeypatch.undo()
    with pytest.raises(componentxml.TooLarge):
        in_bytes.read_envelope(component("<a>" * 1500 + "</a>" * 1500))


def test_a_byte_order_mark_does_not_move_the_places():
    data = b"\xef\xbb\xbf" + component('<f><field id="url" value="https://x"/></f>')
    assert in_bytes.strip(data).xml == data.replace(b"https://x", b"")


def test_no_message_holds_a_value():
    for body in ("<a b='hunter2'>&hunter2;</a>", "<a>hunter2", "<?hunter2 hunter2?>"):
        with pytest.raises(componentxml.ComponentXmlError) as caught:
            in_bytes.strip(component(body))
        assert "hunter2" not in str(caught.value)


def test_the_envelope_says_what_the_root_says():
    path = "//HttpSettings/AuthSettings/@password"
    data = component(BODY, encrypted=(path,), name="A &amp; B", root=' subType="http"')
    data = data.replace(
        b'isSet="true"/>', b'isSet="true"/><bns:encryptedValue path="//x/@y" isSet="false"/>'
    )
    assert in_bytes.read_envelope(data) == componentxml.Envelope(
        component_id="0d3f6a52-6b7e-4c1f-9b57-5a1f0c2e9d10",
        name="A & B",
        type="connector-action",
        sub_type="http",
        version=7,
        folder_full_path="Acme Dev/Orders",
        folder_id="RjoxMjM0NQ",
        folder_name="Orders",
        branch_id="QjoyMzQ1",
        branch_name="main",
        deleted=False,
        current_version=True,
        copied_from_component_id="3b0c5f5e-93d9-4b52-8d3b-1a0a9c4d7e11",
        encrypted_paths=(path,),
    )


def test_an_envelope_may_be_nearly_empty_but_a_version_is_a_number():
    bare = f"<bns:Component {ROOT_NAMESPACES}/>".encode()
    assert in_bytes.read_envelope(bare).version is None
    with pytest.raises(componentxml.BadXml):
        in_bytes.read_envelope(component(BODY).replace(b'version="7"', b'version="vii"'))


def test_a_created_component_carries_nothing_of_its_origin():
    written = in_bytes.set_envelope(component(BODY), component_id=None).decode()
    head = written[: written.index("<bns:encryptedValues")]
    assert head.endswith(
        f'<bns:Component {ROOT_NAMESPACES} name="Fetch orders" type="connector-action">'
    )
    assert written[len(head) :].encode() in component(BODY)


def test_an_updated_component_is_addressed_and_nothing_else_changes():
    written = in_bytes.set_envelope(
        component(BODY),
        component_id="11111111-1111-1111-1111-111111111111",
        folder_full_path='Promoted/A & "B"',
        folder_id="F1",
        branch_id="B1",
    )
    envelope = in_bytes.read_envelope(written)
    assert envelope.component_id == "11111111-1111-1111-1111-111111111111"
    assert (envelope.folder_full_path, envelope.folder_id) == ('Promoted/A & "B"', "F1")
    assert (envelope.branch_id, envelope.branch_name) == ("B1", "")
    assert envelope.version is None
    created = in_bytes.set_envelope(component(BODY), component_id=None)
    again = in_bytes.set_envelope(created, component_id="x", branch_id="B1")
    assert in_bytes.set_envelope(again, component_id=None) == created


def test_normalising_drops_what_an_account_makes_and_nothing_else():
    one = component(BODY, encrypted=("//a/@b",))
    other = (
        in_bytes.set_envelope(one, component_id="x", branch_id="y", folder_id="z")
        .replace(b'<process xmlns="" a="1">', b"<process   a='&#49;'\n>")
        .replace(b"<shapes/>", b"\n  <shapes></shapes><!-- c -->\n")
        .replace(b"<bns:description></bns:description>", b"<bns:description/>")
        .replace(b"bns:", b"q:")
        .replace(b"xmlns:bns", b"xmlns:q")
    )
    assert in_bytes.digest(one) == in_bytes.digest(other)
    assert in_bytes.digest(one) != in_bytes.digest(component(BODY, name="Other"))
    assert in_bytes.digest(one) != in_bytes.digest(component(BODY.replace("1", "2")))
    assert in_bytes.digest(one) != in_bytes.digest(component(BODY, description="d"))


def test_white_space_counts_where_it_is_a_value():
    assert in_bytes.digest(component("<a><b> </b></a>")) != in_bytes.digest(
        component("<a><b/></a>")
    )


def test_namespaces_count_and_their_prefixes_do_not():
    one = component('<a xmlns:p="urn:p"><p:b p:c="1" c="2"/></a>')
    other = component('<a xmlns:q="urn:p"><q:b c="2" q:c="1"/></a>')
    third = component('<a xmlns:p="urn:other"><p:b p:c="1" c="2"/></a>')
    assert in_bytes.normalise(one) == in_bytes.normalise(other)
    assert in_bytes.normalise(one) != in_bytes.normalise(third)
    again = in_bytes.normalise(in_bytes.normalise(one))
    assert again == in_bytes.normalise(one)


def test_lines_for_people_have_one_element_or_one_line_of_a_script_each():
    script = "def a = 1 &amp; 2\n  return a"
    wide = " ".join(f'attribute{number}="{number}"' for number in range(10))
    lines = in_bytes.pretty_lines(component(f"<p><s>{script}</s><w {wide}/><e/></p>"))
    at = lines.index("    <p>")
    assert lines[at + 1 : at + 6] == [
        "      <s>",
        "def a = 1 &amp; 2",
        "  return a",
        "      </s>",
        "      <w",
    ]
    assert lines[at + 6] == '          attribute0="0"'
    assert lines[at + 16] == "      <e/>"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("<a>" * 1200 + "</a>" * 1200, "levels"),
        ("<a " + " ".join(f'b{n}="1"' for n in range(1500)) + "/>", "attributes"),
        ("<a " + " ".join(f'xmlns:p{n}="urn:{n}"' for n in range(300)) + "/>", "prefixes"),
    ],
)
def test_what_no_component_has_is_refused_by_name(body, what):
    with pytest.raises(componentxml.TooLarge) as caught:
        componentxml.Document.parse(component(body))
    assert what in caught.value.message
