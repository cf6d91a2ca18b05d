"""What is kept of a promoted version restores it, whatever production has become: but for values of environments."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from partnerapi import componentxml
from partnerapi.componentxml import Document
from tests.partnerapi.component_samples import SHAPES, make

few = settings(max_examples=80, deadline=None)


def restored(former: bytes, production: bytes) -> Document:
    """As plan/kept.py keeps it, plan/rollback.py prepares it and staging writes it."""
    kept = componentxml.strip(Document.parse(former)).document
    now = Document.parse(production)
    prepared = componentxml.strip(Document.parse(kept.to_bytes()), production=now).document
    return componentxml.fill(prepared, production=now, ids={})


def content(xml: Document) -> str:
    return componentxml.digest(componentxml.mask(xml))


@few
@given(st.integers(0, 2**32), st.sampled_from(sorted(SHAPES)), st.data())
def test_a_changed_component_comes_back(number: int, kind: str, data: st.DataObject) -> None:
    former = make(number, kind)
    assume(former.stays)
    word = data.draw(st.sampled_from(former.stays)).encode()
    assume(former.xml.count(word))
    newer = former.xml.replace(word, b"Qxz" + word)
    back = restored(former.xml, newer)
    assert content(back) == content(Document.parse(former.xml))


@few
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.sampled_from(sorted(SHAPES)))
def test_no_value_of_then_replaces_one_of_today(one: int, other: int, kind: str) -> None:
    assume(one != other)
    former, newer = make(one, kind), make(other, kind)
    written = restored(former.xml, newer.xml).to_bytes().decode()
    assert not [word for word in former.gone if word in written]
