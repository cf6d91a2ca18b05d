"""One promotion through the pages, as the people of the demo do it, told as it happens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from .visitor import Page, VisitError, Visitor

# Seconds without any change after which the demo gives up.
PATIENCE_SECONDS = 120
POLL_SECONDS = 0.4

FINISHED_BADLY = {"failed", "rejected", "withdrawn", "cancelled", "lapsed"}


class Walk:
    """The way of one package from a dev account to production.

    :param say: tells one line of what happens.
    :param check: raises when a server has ended meanwhile.
    """

    def __init__(self, address: str, say: Callable[[str], None], check: Callable[[], None]) -> None:
        self.address = address
        self.say = say
        self.check = check
        # How many components the plan would write.
        self.planned = 0
        self._told: set[tuple[str, str]] = set()

    def request(self, user: str, password: str, *, account: str, process: str) -> str:
        """The developer plans and requests the promotion. Returns the path of its page."""
        visitor = self._sign_in(user, password)
        choose = self._follow(visitor.get("/promotions/new/"), visitor, account)
        reread = choose.form(lambda path: path == f"{choose.path}refresh/")
        if reread is not None:
            visitor.send(choose, reread)
        page = self._wait(
            lambda: visitor.get(choose.path), lambda page: self._package(page, process) is not None
        )
        self.say(f"{user} reads the packages of {account} and chooses “{process}”")
        page = visitor.send(page, self._package(page, process))
        plan_path = page.path
        began = time.monotonic()
        page = self._wait(
            lambda: visitor.get(plan_path),
            lambda page: not page.document.xpath("//*[@id='plan'][@hx-get]"),
            tell=lambda page: self._texts(page, "working-title"),
        )
        for figures in self._texts(page, "figures"):
            self.say(f"The plan is ready after {time.monotonic() - began:.1f} s: {figures}")
        for figure in ("create", "update"):
            for tile in page.document.xpath(f"//*[@data-figure='{figure}']"):
                self.planned += sum(int(n.text_content()) for n in tile.find_class("tile-number"))
        form = page.form(lambda path: path == f"{plan_path}submit/")
        if form is None:
            raise VisitError(f"The plan cannot be requested. {self._problem(page)}")
        page = visitor.send(page, form, notes="The demo's own promotion.")
        if not re.fullmatch(r"/promotions/\d+/", page.path):
            raise VisitError(f"The request was refused. {self._problem(page)}")
        self.say(f"{user} requests the promotion: {page.path}")
        self._watch(visitor, page.path, "admin_review")
        return page.path

    def approve(self, user: str, password: str, promotion: str, *, new_pack: str) -> None:
        """The admin looks at it and approves it into a new pack; it is followed to its end."""
        visitor = self._sign_in(user, password)
        review_path = promotion.replace("/promotions/", "/queue/")
        queue = visitor.get("/queue/")
        if review_path not in {path for path, _ in queue.links()}:
            raise VisitError(f"The review queue does not offer {review_path}.")
        page = visitor.get(review_path)
        form = page.form(lambda path: path == f"{review_path}approve/")
        if form is None:
            raise VisitError(f"{user} cannot approve {promotion}. {self._problem(page)}")
        page = visitor.send(page, form, pack="", new_pack_name=new_pack)
        form = page.form(lambda path: path == f"{review_path}approve/")
        if form is None or not form.fields.get("confirmed_hash"):
            raise VisitError(f"The approval was refused. {self._problem(page)}")
        self.say(f"{user} reads what the approval does, and confirms it")
        page = visitor.send(page, form)
        if page.path == f"{review_path}approve/":
            raise VisitError(f"The approval was refused. {self._problem(page)}")
        self.say(f"{user} approves it, into the new pack “{new_pack}”")
        self._watch(visitor, promotion, "deployed")

    # --- How ---------------------------------------------------------------------------------

    def _sign_in(self, user: str, password: str) -> Visitor:
        visitor = Visitor(self.address)
        visitor.sign_in(user, password)
        self.say(f"{user} signs in")
        return visitor

    def _follow(self, page: Page, visitor: Visitor, text: str) -> Page:
        for path, label in page.links():
            if path.startswith(page.path) and text in label:
                return visitor.get(path)
        raise VisitError(f"{page.path} has no link to “{text}”.")

    def _package(self, page: Page, process: str) -> Any:
        """The form beside a package of this name, the newest first."""
        for row in page.document.iter("tr"):
            names = [name.text_content() for name in row.find_class("name")]
            forms = [form for form in row.iter("form") if form.get("action") == "/plans/"]
            if process in names and forms:
                return forms[0]
        return None

    def _watch(self, visitor: Visitor, path: str, status: str) -> Page:
        """Waits until the promotion has the status; its steps are told as they end."""

        def reached(page: Page) -> bool:
            now = self._status(page)
            if now in FINISHED_BADLY and now != status:
                raise VisitError(f"The promotion has {now}. {self._problem(page)}")
            return now == status

        return self._wait(lambda: visitor.get(path), reached, tell=self._steps)

    def _status(self, page: Page) -> str:
        [promotion] = page.document.xpath("//*[@id='promotion']")
        return str(promotion.get("data-status")).replace(" ", "_")

    def _steps(self, page: Page) -> list[str]:
        lines = []
        for step in page.document.find_class("step"):
            if len(step.find_class("step")) > 1:
                continue  # a phase: its steps are told one by one
            label, word, took, detail = (
                " ".join(" ".join(e.text_content().split()) for e in step.find_class(css_class))
                for css_class in ("step-label", "step-state", "step-time", "sub")
            )
            key = (label, word)
            if key in self._told or step.classes.isdisjoint({"step-done", "step-failed"}):
                continue
            self._told.add(key)
            lines.append(f"  {label}: {word}, {took}" + (f" ({detail})" if detail else ""))
        if (key := ("status", self._status(page))) not in self._told:
            self._told.add(key)
            lines.append(f"Status: {self._status(page).replace('_', ' ')}")
        return lines

    def _wait(
        self,
        look: Callable[[], Page],
        found: Callable[[Page], bool],
        *,
        tell: Callable[[Page], list[str]] | None = None,
    ) -> Page:
        """Looks at a page again and again; each new line of what it tells is said once."""
        said: list[str] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.check()
            page = look()
            lines = tell(page) if tell else []
            if lines and lines != said:
                said = lines
                deadline = time.monotonic() + PATIENCE_SECONDS
                for line in lines:
                    self.say(line)
            if found(page):
                return page
            if time.monotonic() > deadline:
                raise VisitError(
                    f"Nothing has changed at {page.path} for {PATIENCE_SECONDS} s. "
                    f"{self._problem(page)}"
                )
            time.sleep(POLL_SECONDS)

    def _texts(self, page: Page, css_class: str) -> list[str]:
        return [" ".join(e.text_content().split()) for e in page.document.find_class(css_class)]

    def _problem(self, page: Page) -> str:
        """What the page itself says about it."""
        return " ".join([*self._texts(page, "problem"), *self._texts(page, "errorlist")])
