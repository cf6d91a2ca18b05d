"""What must hold for every document."""

import uuid
from xml.etree import ElementTree

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from partnerapi import componentxml
from partnerapi.componentxml.document import Document, decode, values
from tests.partnerapi import in_bytes
from tests.partnerapi.component_samples import SHAPES, make, samples

few = settings(max_examples=60, deadline=None)


def said(xml):
    """Everything that a document says, in one string."""
    document = Document.parse(xml)
    return "\0".join(decode(document, value) for value in values(document))


@few
@given(samples())
def test_no_secret_survives_unreported_and_no_ordinary_value_dies(sample):
    stripped = in_bytes.strip(sample.xml, key=b"k")
    left = said(stripped.xml)
    assert [word for word in sample.gone if word in left] == []
    assert [word for word in sample.stays if word not in left] == []
    assert len(stripped.findings) == len(sample.reported)
    told = repr((stripped.places, stripped.findings))
    assert not any(word in told for word in sample.gone + sample.reported)
    assert in_bytes.strip(stripped.xml).xml == stripped.xml


def untouched(before, after, changed):
    """Whether `after` is `before` with only the bytes of the changed values different."""
    old, new = Document.parse(before), Document.parse(after)
    old_values, new_values = list(values(old)), list(values(new))
    assert len(old.elements) == len(new.elements)
    at_old = at_new = 0
    news = {(new.elements.index(one.element), one.slot): one for one in new_values}
    numbers = {element: number for number, element in enumerate(old.elements)}
    for one in sorted(old_values, key=lambda value: value.start):
        if before[one.start : one.end] == b"":
            continue
        other = news.get((numbers[one.element], one.slot))
        if other is None:  # a text that was emptied; its place is where the gap closes
            gap = one.start - at_old
            assert before[at_old : one.start] == after[at_new : at_new + gap]
            at_old, at_new = one.end, at_new + gap
            continue
        assert before[at_old : one.start] == after[at_new : other.start]
        if before[one.start : one.end] != after[other.start : other.end]:
            changed.append((one.element.name, one.slot))
        at_old, at_new = one.end, other.end
    assert before[at_old:] == after[at_new:]


@few
@given(samples())
def test_nothing_outside_the_places_changes(sample):
    changed: list[tuple[str, str]] = []
    stripped = in_bytes.strip(sample.xml)
    untouched(sample.xml, stripped.xml, changed)
    assert len(changed) <= len(stripped.places)
    ids = {one: str(uuid.uuid4()) for one in sample.ids}
    changed = []
    rewritten = in_bytes.rewrite(sample.xml, ids)
    untouched(sample.xml, rewritten.xml, changed)
    assert rewritten.count == len(sample.ids)
    assert len(changed) <= rewritten.count


@few
@given(samples(), st.booleans())
def test_a_mapping_and_its_inverse_is_the_identity(sample, symbolic):
    # References by character number become plain: compare with what plain ids give.
    plain = in_bytes.rewrite(sample.xml, {one: one for one in sample.ids}).xml
    ids = {one: componentxml.symbol(one) if symbolic else str(uuid.uuid4()) for one in sample.ids}
    there = in_bytes.rewrite(plain, ids)
    back = in_bytes.rewrite(there.xml, {new: old for old, new in ids.items()})
    assert back.xml == plain
    assert back.count == there.count == len(sample.ids)


@few
@given(samples())
def test_normalising_is_idempotent_and_keeps_what_is_said(sample):
    once = in_bytes.normalise(sample.xml)
    assert in_bytes.normalise(once) == once
    tree, other = ElementTree.fromstring(sample.xml), ElementTree.fromstring(once)
    body, normal = (one.find("{*}object") for one in (tree, other))
    assert body is not None
    assert normal is not None
    assert ElementTree.tostring(body) == ElementTree.tostring(normal) or [
        (one.tag, one.attrib, (one.text or "").strip()) for one in body.iter()
    ] == [(one.tag, dict(one.attrib), (one.text or "").strip()) for one in normal.iter()]


@few
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.sampled_from(sorted(SHAPES)))
def test_production_keeps_every_value_of_its_own(one, other, kind):
    assume(one != other)
    production, dev = make(other, kind), make(one, kind)
    unchanged = in_bytes.strip(production.xml, production=production.xml)
    assert in_bytes.digest(unchanged.xml) == in_bytes.digest(in_bytes.mask(production.xml))
    filled = in_bytes.fill(unchanged.xml, production=production.xml, ids={})
    assert in_bytes.normalise(filled) == in_bytes.normalise(production.xml)
    promoted = in_bytes.strip(dev.xml, production=production.xml)
    written = said(in_bytes.fill(promoted.xml, production=production.xml, ids={}))
    assert not any(word in written for word in dev.gone)
    assert not any(word in said(promoted.xml) for word in production.gone)
    # Process properties are named by keys, which differ between two random documents.
    if kind != "processproperty":
        assert all(word in written for word in production.gone)


@few
@given(samples())
def test_an_envelope_is_all_that_setting_it_changes(sample):
    written = in_bytes.set_envelope(sample.xml, component_id="x", branch_id="b")
    cut = sample.xml.index(b"<bns:encryptedValues")
    assert written.endswith(sample.xml[cut:])
    assert in_bytes.normalise(written) == in_bytes.normalise(sample.xml)
