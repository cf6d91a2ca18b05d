"""What must hold for every shape of the field: names tell, positions do not, and bytes stay."""

from __future__ import annotations

from xml.sax.saxutils import escape

from hypothesis import given, settings

from partnerapi import componentxml
from partnerapi.componentxml import Document
from tests.partnerapi.component_samples import component
from tests.partnerapi.field_shapes import Made, Script, pairs, scripts

many = settings(max_examples=250, deadline=None)


@many
@given(pairs())
def test_what_is_written_is_known_to_the_byte(made: Made) -> None:
    production = Document.parse(made.production)
    stripped = componentxml.strip(Document.parse(made.dev), production=production, key=b"k")
    planned = componentxml.rewrite(stripped.document, made.ids)
    assert stripped.findings == ()
    assert planned.count == len(made.ids)
    filled = componentxml.fill(planned.document, production=production, ids={})
    assert filled.to_bytes() == made.written


@many
@given(pairs())
def test_no_value_of_an_environment_stands_in_a_plan(made: Made) -> None:
    production = Document.parse(made.production)
    stripped = componentxml.strip(Document.parse(made.dev), production=production, key=b"k")
    kept = stripped.document.to_bytes().decode()
    masked = componentxml.mask(production).to_bytes().decode()
    told = repr((stripped.places, stripped.findings))
    for secret in made.dev_secrets + made.production_secrets:
        assert secret not in kept
        assert secret not in masked
        assert secret not in told


@many
@given(pairs())
def test_what_was_written_is_planned_as_unchanged(made: Made) -> None:
    """The same rows again: what production holds now is what the plan says."""
    production = Document.parse(made.written)
    again = componentxml.strip(Document.parse(made.written), production=production, key=b"k")
    assert componentxml.digest(again.document) == componentxml.digest(componentxml.mask(production))
    assert not any(place.hides_change for place in again.places)


@many
@given(pairs())
def test_every_kept_value_that_hides_a_change_is_told_by_its_path(made: Made) -> None:
    production = Document.parse(made.production)
    stripped = componentxml.strip(Document.parse(made.dev), production=production, key=b"k")
    kept = [place for place in stripped.places if place.outcome == "kept"]
    # No value of the one side is a value of the other.
    assert all(place.hides_change and place.path for place in kept)


@many
@given(scripts())
def test_a_script_stops_exactly_where_it_gives_something_away(script: Script) -> None:
    body = f"<ProcessingScript><script>{escape(script.text)}</script></ProcessingScript>"
    document = Document.parse(component(body, type="script.processing"))
    stripped = componentxml.strip(document, key=b"k")
    assert stripped.document.to_bytes() == document.to_bytes()
    assert bool(stripped.findings) == bool(script.secrets)
    hidden = componentxml.hide(document).to_bytes().decode()
    told = repr(stripped.findings)
    for secret in script.secrets:
        assert secret not in hidden
        assert secret not in told
