"""Builds a component's document and sends it (2, 3): what threads do while the step's own thread handles the rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from partnerapi import componentxml
from partnerapi.componentxml import ComponentXmlError, Document
from partnerapi.errors import (
    AnswerLost,
    BadRequest,
    BadResponse,
    ImmaterialUpdate,
    NotFound,
    PartnerApiError,
)
from partnerapi.records import Component, Folder

from ..messages import PromotionError
from ..models import ComponentResult, PlannedComponent
from ..plan import team_rules
from ..plan.classify import StripRules, symbolic
from ..plan.pairs import read_dev
from ..states import Action
from ..worker.trouble import may_be_done
from .context import StageAgain, StepContext
from .read_back import unmoved

# What the platform, or a gateway in front of it, answers while it is away.
PLATFORM_AWAY = frozenset({429, 503})

Failure = PartnerApiError | PromotionError | ComponentXmlError | StageAgain


def words_of(failure: Failure) -> str:
    """What a failure says about its component."""
    if isinstance(failure, PromotionError):
        return failure.detail
    return failure.why if isinstance(failure, StageAgain) else failure.message


@dataclass(frozen=True)
class Written:
    """One answered write.

    :param main: the production twin that it is based on.
    :param is_whole: whether every reference has its id; otherwise it is written once more.
    """

    component: Component
    main: Document | None
    is_whole: bool


class Writer:
    """Writes a promotion's components to its branch. ``write`` is for threads: it uses no database."""

    def __init__(self, context: StepContext, planned: Sequence[PlannedComponent]) -> None:
        promotion = context.promotion
        self.rules = StripRules.now()
        self._client = context.client
        self._branch_id = context.branch.remote_id
        self._account_id = promotion.dev_account.account_id
        self._environment_values = promotion.environment_values
        self._planned = planned
        self._references = {
            one.dev_component_id: one.prod_component_id or componentxml.symbol(one.dev_component_id)
            for one in planned
        }
        self._stopped = threading.Event()
        self._ids: dict[str, str] = {}
        self._reserved: Mapping[int, PromotionError | bool] = {}
        self._twins: dict[str, Component | PartnerApiError] = {}
        self._folders: dict[str, Folder | PartnerApiError | None] = {}

    def prepare(
        self,
        results: Sequence[ComponentResult],
        ids: Mapping[str, str],
        reserved: Mapping[int, PromotionError | bool],
        updates: Sequence[ComponentResult],
    ) -> None:
        """Read ahead what writing these needs: the twins of updates, the folders of new components.

        :param ids: dev id -> production id, as far as they exist.
        :param reserved: by result, whether an earlier attempt may have created the new component, or why it must not be
            created.
        :param updates: components whose twins are read, unless they already have been.
        """
        self.learn(ids)
        self._reserved = reserved
        # Only main has production's own values, and shows whether it is what was compared.
        unread = [r.prod_component_id for r in updates if r.prod_component_id not in self._twins]
        self._twins |= self._client.get_many_components(unread)
        wanted = {r.component.target_folder for r in results if r.pk in reserved}
        self._folders |= self._client.ensure_folders(sorted(wanted - self._folders.keys()))

    def learn(self, ids: Mapping[str, str]) -> None:
        """Tell which production ids there are by now, by dev id."""
        self._ids = dict(ids)

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped.set()

    def write(self, result: ComponentResult) -> Written | Failure | None:
        """Write one component; a failure is returned, not raised.

        :returns: None if a reference has no id yet, or nothing more is to be sent.
        """
        if self._stopped.is_set():
            return None
        send: Callable[[ComponentResult], Written | None]
        send = self._complete if result.prod_component_id else self._create
        try:
            return send(result)
        except (PromotionError, ComponentXmlError, StageAgain) as failure:
            return failure

    def _create(self, result: ComponentResult) -> Written:
        """Create a component without a twin to get its id; references to what does not exist yet stay empty."""
        component = result.component
        content = self._content(component, production=None)
        missing = self._missing(content)
        body = componentxml.fill(
            content, production=None, ids=self._ids | dict.fromkeys(missing, "")
        )
        may_exist = self._reserved[result.pk]
        if isinstance(may_exist, PromotionError):
            raise may_exist
        body = self._addressed(component, body, component_id=None)
        created = self._find_created(component)[0] if may_exist else None
        if created is None:
            created = self._send_new(result, body)
        return Written(created, main=None, is_whole=not missing)

    def _send_new(self, result: ComponentResult, body: Document) -> Component:
        component = result.component
        try:
            return self._client.create_component(body, branch_id=self._branch_id)
        except (AnswerLost, BadResponse) as error:
            if not may_be_done(error):
                raise
            created, is_absent = self._find_created(component)
            if created is not None:
                return created
            if is_absent and error.status in PLATFORM_AWAY:
                raise  # nothing was created: look for it again before sending it again
            raise StageAgain(
                error.code, f"“{component.name}”: {error.message}", result=result
            ) from error

    def _complete(self, result: ComponentResult) -> Written | None:
        """An update, or the references of a new component that had to wait for other new ones."""
        component, prod_id = result.component, result.prod_component_id
        main: Document | None = None
        if component.action == Action.UPDATE:
            twin = self._twins[prod_id]
            if isinstance(twin, PartnerApiError):
                raise twin
            main = unmoved(result, twin).document
        content = self._content(component, production=main)
        if self._missing(content):
            return None
        body = componentxml.fill(content, production=main, ids=self._ids)
        if main is None:
            body = self._addressed(component, body, component_id=prod_id)
        else:
            envelope = componentxml.read_envelope(main)
            body = componentxml.set_envelope(
                body,
                component_id=prod_id,
                folder_full_path=envelope.folder_full_path or None,
                folder_id=envelope.folder_id or None,
            )
        try:
            written = self._client.update_component(prod_id, body, branch_id=self._branch_id)
        except ImmaterialUpdate:
            # An earlier attempt at this write succeeded, or the platform sees no difference: look.
            written = self._client.get_component(prod_id, branch_id=self._branch_id)
        except NotFound as error:
            if main is None:
                raise
            # It is on main: created there after the branch, which does not see it.
            raise StageAgain(
                "COMPONENT_NOT_FOUND", f"“{component.name}” is not on the branch."
            ) from error
        self._twins.pop(prod_id, None)
        return Written(written, main=main, is_whole=True)

    def _addressed(
        self, component: PlannedComponent, body: Document, *, component_id: str | None
    ) -> Document:
        """A new component goes into the folder that the plan names."""
        if component.target_folder not in self._folders:
            self._folders |= self._client.ensure_folders([component.target_folder])
        folder = self._folders[component.target_folder]
        if isinstance(folder, PartnerApiError):
            raise folder
        return componentxml.set_envelope(
            body,
            component_id=component_id,
            folder_full_path=component.target_folder,
            folder_id=folder.folder_id if folder else None,
        )

    def _content(self, component: PlannedComponent, *, production: Document | None) -> Document:
        """The component as planned: from what the plan has kept, or else read and prepared again.

        :raises PromotionError: PLAN_STALE when it is not what was planned.
        """
        team_rules.check(component.digest, component.name, self.rules.overrides)
        if component.content is not None:
            content = Document.parse(component.content.content)
            digest = componentxml.digest(content, self.rules.overrides)
        else:
            dev = read_dev(
                self._client,
                self._account_id,
                component.dev_component_id,
                component.dev_version,
                pinned=self._client.capabilities.pins_versions,
            )
            wanted = symbolic(
                dev,
                production=production,
                references=self._references,
                environment_values=self._environment_values,
                rules=self.rules,
            )
            content, digest = wanted.document, wanted.digest
        if digest != component.digest:
            raise PromotionError(
                "PLAN_STALE", f"“{component.name}” is not what it was when the plan was made."
            )
        return content

    def _missing(self, content: Document) -> list[str]:
        """Dev ids that the content names and that have no production id yet."""
        named = componentxml.symbols(content)
        keys = (one.dev_component_id for one in self._planned)
        return [key for key in keys if key not in self._ids and key.lower() in named]

    def _find_created(self, component: PlannedComponent) -> tuple[Component | None, bool]:
        """The component of this name and type that is on our branch and not yet known to us.

        :returns: it, and whether it certainly does not exist. If nothing can tell, the branch cannot be trusted.
        """
        branch_id = self._branch_id
        for other in self._planned:
            is_like_it = (other.name, other.component_type) == (
                component.name,
                component.component_type,
            )
            if is_like_it and other.pk != component.pk and other.dev_component_id not in self._ids:
                return None, False  # another thread may just have made it
        known = {prod_id.lower() for prod_id in self._ids.values()}
        try:
            found = self._client.query_component_metadata(
                name=component.name, component_type=component.component_type, branch_id=branch_id
            )
            candidates = {
                row.component_id for row in found if row.component_id.lower() not in known
            }
            if len(candidates) != 1:
                return None, not candidates
            created = self._client.get_component(candidates.pop(), branch_id=branch_id)
        except (BadRequest, NotFound):
            return None, False
        path = created.folder_full_path.strip("/").casefold()
        is_there = not path or f"/{path}".endswith(component.target_folder.casefold().rstrip("/"))
        return (created if created.branch_id == branch_id and is_there else None), False
