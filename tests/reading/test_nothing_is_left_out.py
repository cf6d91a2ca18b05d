"""Taking any one change out of the XML changes what is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from promotions.reading import read
from tests.reading import samples

OPERATION = (
    '<Operation xmlns="" trackResponse="false"><Archiving directory="" enabled="false"/><Configuration>'
    '<HttpSendAction methodType="GET" responseProfileType="JSON"><requestHeaders/><pathElements>'
    '<element isVariable="false" key="1" name="stock?site="/></pathElements></HttpSendAction>'
    '<GenericOperationConfig><field id="url" type="string" value="/a"/><Objects><ConnectorField name="id"'
    ' selected="true"/><ConnectorField name="total" selected="false"/></Objects></GenericOperationConfig>'
    "</Configuration><Tracking><TrackedFields/></Tracking></Operation>"
)
PROPERTIES = (
    '<DefinedProcessProperties xmlns=""><definedProcessProperty key="a"><label>Size</label><type>number</type>'
    "<defaultValue>100</defaultValue><allowedValues><value><label>few</label><value>1</value></value>"
    "</allowedValues></definedProcessProperty><definedProcessProperty key='b'><label>Name</label>"
    "<type>string</type></definedProcessProperty></DefinedProcessProperties>"
)
TABLE = (
    '<CrossReferenceTable xmlns=""><ColumnHeaders><columnHeader colIdx="1" name="shop"/></ColumnHeaders><Rows>'
    + "".join(
        f'<row><ref colIdx="1" value="{shop}"/><ref colIdx="2" value="{erp}"/></row>'
        for shop, erp in (("AT", "040"), ("DE", "276"), ("FR", "250"))
    )
    + "</Rows></CrossReferenceTable>"
)
SCRIPT = '<ProcessingScript xmlns="" language="groovy2"><script>def a = 1\nreturn a</script></ProcessingScript>'
UNKNOWN = (
    '<Thing xmlns="" colour="red"><part a="1"/><part a="2">text</part><part><b/></part></Thing>'
)
FUNCTION = (
    '<FunctionStep key="1" name="Date format" category="Date" type="DateFormat" position="1"><Inputs>'
    '<Input key="1" name="date"/></Inputs><Outputs><Output key="2" name="out"/></Outputs><Configuration>'
    "<Scripting><ScriptToExecute>def a = 1\nreturn a</ScriptToExecute></Scripting></Configuration></FunctionStep>"
)

DOCUMENTS = {
    "process": samples.process(samples.small(), overrides='<Overrides><a id="1"/></Overrides>'),
    "large process": samples.process(samples.large(40, 3)),
    "map": samples.map_of(
        [
            samples.mapping("id", "number", 3),
            samples.mapping("total", "amount", 4),
            samples.mapping("date", "due", 5, fromFunction="1"),
            {"fromKey": "5", "fromNamePath": "Order/date", "toFunction": "1", "toKey": "1"},
        ],
        FUNCTION,
        '<Default toKey="103" value="0"/>',
    ),
    "profile": samples.profile(
        samples.element("id", 2)
        + samples.element("total", 3, "number")
        + samples.element(
            "customer", 4, inner=samples.element("name", 5) + samples.element("city", 6)
        )
    ),
    "operation": samples.document(OPERATION, "connector-action"),
    "properties": samples.document(PROPERTIES, "processproperty"),
    "table": samples.document(TABLE, "crossref"),
    "script": samples.document(SCRIPT, "script.processing"),
    "unknown": samples.document(UNKNOWN, "something.new"),
}


def places(root: etree._Element) -> list[tuple[str, str]]:
    """Everywhere something can be changed: (path of an element, what of it)."""
    tree = root.getroottree()
    found = []
    for node in root.iterdescendants():
        path = tree.getpath(node)
        tag = etree.QName(node).localname
        if tag in ("object", "encryptedValues", "description"):
            continue
        found += [(path, f"@{name!s}") for name in node.attrib]
        if node.text and node.text.strip():
            found.append((path, "text"))
        if node.getparent() is not None and etree.QName(node.getparent()).localname != "object":
            found.append((path, "remove"))
    return found


def with_changes(xml: bytes, chosen: list[tuple[str, str]]) -> bytes:
    """The document with these places changed; elements are removed last, so that the paths stay right."""
    root = etree.fromstring(xml)
    tree = root.getroottree()
    by_path = {tree.getpath(node): node for node in root.iter()}
    nodes = [(by_path[path], what) for path, what in chosen]
    for node, what in nodes:
        if what.startswith("@"):
            value = node.get(what[1:]) or ""
            is_place = what in ("@x", "@y")
            node.set(what[1:], str(float(value) + 7) if is_place else f"{value}x")
        elif what == "text":
            node.text = f"{node.text}x"
    for node, what in nodes:
        parent = node.getparent()
        if what == "remove" and parent is not None:
            parent.remove(node)
    return etree.tostring(root)


def told(old: bytes, new: bytes) -> bytes:
    return read(old, new, {}).to_json()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_single_change_is_told(name: str) -> None:
    xml = DOCUMENTS[name]
    nothing = told(xml, xml)
    for place in places(etree.fromstring(xml)):
        changed = with_changes(xml, [place])
        found = read(xml, changed, {})
        assert found.to_json() != nothing, place
        assert found.entries or found.notes, place


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
@pytest.mark.parametrize("name", DOCUMENTS)
def test_taking_back_one_of_several_changes_changes_what_is_told(
    name: str, data: st.DataObject
) -> None:
    xml = DOCUMENTS[name]
    # Where arrows bend is told for the whole of a process, not arrow by arrow; and a shape without arrows may have
    # an empty list of them or none.
    everywhere = [
        (path, what)
        for path, what in places(etree.fromstring(xml))
        if not ("dragpoint" in path and what in ("@x", "@y"))
        and not (path.endswith("/dragpoints") and what == "remove")
    ]
    chosen = data.draw(
        st.lists(st.sampled_from(everywhere), min_size=2, max_size=4, unique=True), label="changes"
    )
    left_out = data.draw(st.sampled_from(chosen), label="taken back")
    whole = with_changes(xml, chosen)
    fewer = with_changes(xml, [each for each in chosen if each != left_out])
    if etree.tostring(etree.fromstring(whole), method="c14n") == etree.tostring(
        etree.fromstring(fewer), method="c14n"
    ):
        return  # it stood in something that another change removed
    assert told(xml, whole) != told(xml, fewer)


def test_the_order_of_siblings_is_told() -> None:
    boxes = samples.small()
    for name, old, new in (
        ("shapes", samples.process(boxes), samples.process([boxes[1], boxes[0], *boxes[2:]])),
        (
            "elements",
            samples.profile(samples.element("a", 2) + samples.element("b", 3)),
            samples.profile(samples.element("b", 3) + samples.element("a", 2)),
        ),
        (
            "mappings",
            samples.map_of([samples.mapping("a", "a", 1), samples.mapping("b", "b", 2)]),
            samples.map_of([samples.mapping("b", "b", 2), samples.mapping("a", "a", 1)]),
        ),
    ):
        found = read(old, new, {})
        assert found.entries or found.notes, name


def test_a_new_internal_name_alone_is_told() -> None:
    boxes = samples.small()
    renamed = [
        *boxes[:3],
        replace(boxes[3], ways=(("", "shape8"),)),
        replace(boxes[4], name="shape8"),
    ]
    found = read(samples.process(boxes), samples.process(renamed), {})
    assert found.entries


def test_the_internal_name_of_a_new_shape_that_no_arrow_leads_to_is_told() -> None:
    boxes = samples.small()
    loose = replace(boxes[4], ways=(), at=(800, 300))
    one, other = (
        read(samples.process(boxes), samples.process([*boxes, replace(loose, name=name)]), {})
        for name in ("shape90", "shape91")
    )
    assert one.to_json() != other.to_json()
    assert any("the internal name “shape90”" in note for note in one.notes)


def test_an_arrow_to_what_was_removed_says_where_it_led() -> None:
    xml = DOCUMENTS["process"]
    root = etree.fromstring(xml)
    tree = root.getroottree()
    shapes = [node for node in root.iter() if etree.QName(node).localname == "shape"]
    pointing, aimed_at = next(
        (point, shape)
        for point in root.iter("dragpoint")
        for shape in shapes
        if point.get("toShape") == shape.get("name")
    )
    removed = (tree.getpath(aimed_at), "remove")
    turned = (tree.getpath(pointing), "@toShape")
    target = aimed_at.get("name")
    assert (
        f"leads to “{target}”, which is not there."
        in told(xml, with_changes(xml, [removed])).decode()
    )
    assert (
        f"leads to “{target}x”, which is not there."
        in told(xml, with_changes(xml, [removed, turned])).decode()
    )
