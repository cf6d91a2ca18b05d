"""A person without JavaScript: follows links, fills in forms and sends them, over HTTP.

The demo walks through the product with it, so that what the demo shows is what a person can do.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from lxml import html

TIMEOUT = 30


class VisitError(Exception):
    """A page did not have what the visitor looked for; the message is a sentence for a person."""


class Page:
    """One answer of the web server."""

    def __init__(self, answer: requests.Response) -> None:
        self.url = answer.url
        self.path = urlsplit(answer.url).path
        # The stubs of lxml know elements of XML only.
        self.document: Any = html.document_fromstring(answer.content, base_url=answer.url)

    @property
    def title(self) -> str:
        return " ".join((self.document.findtext(".//title") or "").split())

    @property
    def text(self) -> str:
        return " ".join(self.document.text_content().split())

    def links(self) -> Iterator[tuple[str, str]]:
        """Path and text of every link."""
        for link in self.document.iterfind(".//a[@href]"):
            path = urlsplit(urljoin(self.url, link.get("href"))).path
            yield path, " ".join(link.text_content().split())

    def form(self, action: Callable[[str], bool]) -> html.FormElement | None:
        """The first form that sends to a path for which `action` is true."""
        for form in self.document.forms:
            if action(urlsplit(urljoin(self.url, form.get("action") or "")).path):
                return form
        return None


class Visitor:
    """A browser session of one user."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()

    def get(self, path: str) -> Page:
        answer = self.session.get(urljoin(self.address, path), timeout=TIMEOUT)
        return self._page(answer)

    def send(self, page: Page, form: html.FormElement, **values: str | list[str]) -> Page:
        """Sends a form as a browser would: what it holds already, and `values` on top."""
        data: list[tuple[str, str]] = [
            (name, value) for name, value in form.form_values() if name not in values
        ]
        for name, value in values.items():
            if name not in form.inputs.keys():  # noqa: SIM118 (not a dictionary)
                raise VisitError(f"The form at {page.path} has no field “{name}”.")
            data.extend((name, each) for each in ([value] if isinstance(value, str) else value))
        answer = self.session.post(
            urljoin(page.url, form.get("action") or ""),
            data=data,
            # Django compares it over HTTPS, and every browser sends it to its own site.
            headers={"Referer": page.url},
            timeout=TIMEOUT,
        )
        return self._page(answer)

    def sign_in(self, username: str, password: str) -> Page:
        page = self.get("/accounts/login/")
        form = page.form(lambda path: path == "/accounts/login/")
        if form is None:
            raise VisitError("The sign-in page has no form.")
        page = self.send(page, form, username=username, password=password)
        if page.path == "/accounts/login/":
            raise VisitError(f"{username} could not sign in.")
        return page

    def _page(self, answer: requests.Response) -> Page:
        if not answer.ok:
            raise VisitError(
                f"{answer.request.method} {urlsplit(answer.url).path} was answered with "
                f"{answer.status_code} {answer.reason}."
            )
        return Page(answer)
