from collections.abc import Callable, Iterator

import pytest
import responses

from promo_site.demo.visitor import VisitError, Visitor

SITE = "http://desk.test"
FORM = """<!doctype html><title> A
  form </title>
<a href="sub/">Further <b>down</b></a>
<form method="get" action="/search/"><input name="q"></form>
<form method="post" action="/things/">
  <input type="hidden" name="csrfmiddlewaretoken" value="abc">
  <input type="checkbox" name="places" value="1" checked>
  <input type="checkbox" name="places" value="2">
  <select name="pack"><option value="" selected>New<option value="7">Seven</select>
  <input name="name" value="old">
</form>"""


@pytest.fixture
def site() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        mock.get(f"{SITE}/things/", body=FORM, content_type="text/html")
        yield mock


def _is(path: str) -> Callable[[str], bool]:
    return lambda other: other == path


def test_it_reads_the_title_and_the_links_of_a_page(site: responses.RequestsMock) -> None:
    page = Visitor(SITE).get("/things/")
    assert page.title == "A form"
    assert list(page.links()) == [("/things/sub/", "Further down")]
    assert page.form(_is("/elsewhere/")) is None


def test_it_sends_what_the_form_holds_and_what_it_filled_in(
    site: responses.RequestsMock,
) -> None:
    expected = {
        "csrfmiddlewaretoken": "abc",
        "places": "1",
        "pack": "7",
        "name": "new",
    }
    site.post(
        f"{SITE}/things/",
        body="<title>Done</title>",
        match=[
            responses.matchers.urlencoded_params_matcher(expected),
            responses.matchers.header_matcher({"Referer": f"{SITE}/things/"}),
        ],
    )
    visitor = Visitor(SITE)
    page = visitor.get("/things/")
    form = page.form(_is("/things/"))
    assert form is not None
    assert visitor.send(page, form, name="new", pack="7").title == "Done"


def test_a_field_that_the_form_does_not_have_is_an_error(site: responses.RequestsMock) -> None:
    visitor = Visitor(SITE)
    page = visitor.get("/things/")
    form = page.form(_is("/things/"))
    assert form is not None
    with pytest.raises(VisitError, match="no field “colour”"):
        visitor.send(page, form, colour="red")


def test_a_page_that_fails_is_an_error(site: responses.RequestsMock) -> None:
    site.get(f"{SITE}/broken/", status=500)
    visitor = Visitor(SITE)
    visitor.get("/things/")
    with pytest.raises(VisitError, match="GET /broken/ was answered with 500"):
        visitor.get("/broken/")
