"""Steps that copy each component to the branch (1, 2, 3) and read back what is there."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from django.utils import timezone

from partnerapi import componentxml
from partnerapi.componentxml import ComponentXmlError, Document
from partnerapi.errors import (
    AnswerLost,
    BadRequest,
    BadResponse,
    ImmaterialUpdate,
    NeedsPerson,
    NotFound,
)
from partnerapi.records import Component

from ..messages import PromotionError
from ..models import ComponentResult, Installation, IntegrationPack, Reservation
from ..plan import premises, team_rules
from ..plan.classify import store_difference, symbolic
from ..plan.earlier import Plain
from ..plan.pairs import read_dev
from ..plan.premises import Moment
from ..setup import accounts
from ..states import Action, Outcome, Status
from ..worker.trouble import is_not_found, may_be_done, passes
from .context import MAX_MISSES, BranchGone, StageAgain, StepContext, Wait, counted

# What the platform answers in place of a secret.
MASK = re.compile(rb"[0-9a-f]{128}")
# What the platform, or a gateway before it, answers while it is away.
PLATFORM_AWAY = frozenset({429, 503})
# Failures that are not one component's own: they stop the step at once.
CONCERNS_ALL = frozenset({"AUTH_FAILED", "FORBIDDEN_ACCOUNT", "BRANCH_IGNORED"})


def stage_components(context: StepContext) -> Wait | None:
    """Write every component of the plan to the branch, dependencies first, all or nothing.

    A component that fails does not stop the ones that do not use it, so that one run tells all that is wrong; its
    dependents are skipped, and then the promotion fails with every outcome kept.

    :raises PromotionError: PROMOTION_FAILED, or the code of the failures where they have one in common;
        PACKAGE_NOT_FOUND when the package has vanished since the plan was made.
    :raises StageAgain: when a write's answer was lost, or the worker died: whether the component exists is not
        known then.
    """
    _check_no_worker_died_here(context)
    promotion = context.promotion
    premises.check(Moment.WRITING, promotion.plan, promotion=promotion, client=context.client)
    results = list(context.written())
    for _, group in groupby(results, key=lambda result: result.component.group):
        members = list(group)
        _write(context, members, _create)
        _write(context, members, _complete)
    # Ids of components that no reference puts first may stand in scripts and data.
    _write(context, results, _complete)
    failed = list(context.written().filter(outcome=Outcome.FAILED))
    if failed:
        codes = {result.error_code for result in failed}
        code = codes.pop() if len(codes) == 1 else "PROMOTION_FAILED"
        names = ", ".join(f"“{result.component.name}”" for result in failed)
        raise PromotionError(code, f"{names}: {failed[0].error}")
    context.note(f"{len(results)} of {counted(len(results), 'component')}")
    return None


def _check_no_worker_died_here(context: StepContext) -> None:
    before = context.promotion.steps.filter(
        step=context.step_run.step, attempt=context.step_run.attempt - 1
    ).first()
    if before is not None and before.error_code == "WORKER_LOST":
        raise StageAgain("WORKER_LOST", "The worker died while it copied components.")


def _write(
    context: StepContext,
    results: list[ComponentResult],
    write: Callable[[StepContext, ComponentResult], None],
) -> None:
    """Do one pass over components that are still to be written; a failure is the component's own."""
    for result in results:
        if result.outcome != Outcome.PENDING:
            continue
        if _uses_a_failed_one(context, result):
            _finish(context, result, Outcome.SKIPPED)
            continue
        try:
            write(context, result)
        except (NeedsPerson, PromotionError, ComponentXmlError) as error:
            if error.code in CONCERNS_ALL or (isinstance(error, NeedsPerson) and passes(error)):
                raise
            if is_not_found(error) and context.step_run.misses < MAX_MISSES:
                raise
            gone = context.vanished_branch()
            if gone is not None:
                raise BranchGone(gone) from error
            detail = error.detail if isinstance(error, PromotionError) else error.message
            _finish(context, result, Outcome.FAILED, error_code=error.code, error=detail)


def _uses_a_failed_one(context: StepContext, result: ComponentResult) -> bool:
    return context.promotion.results.filter(
        component__dev_component_id__in=result.component.depends_on,
        outcome__in=(Outcome.FAILED, Outcome.SKIPPED),
    ).exists()


def _create(context: StepContext, result: ComponentResult) -> None:
    """First pass: a component without a twin gets its id; references to what does not exist yet stay empty."""
    if result.prod_component_id:
        return
    component = result.component
    _progress(context, result)
    content = _content(context, result, production=None)
    ids = _ids(context)
    missing = _missing(context, content, ids)
    body = componentxml.fill(content, production=None, ids=ids | dict.fromkeys(missing, ""))
    folder = context.client.ensure_folder(component.target_folder)
    body = componentxml.set_envelope(
        body,
        component_id=None,
        folder_full_path=component.target_folder,
        folder_id=folder.folder_id if folder else None,
    )
    sent_before = _reserve(context, result)
    created = _find_created(context, result)[0] if sent_before else None
    if created is None:
        try:
            created = context.client.create_component(body, branch_id=context.branch.remote_id)
        except (AnswerLost, BadResponse) as error:
            if not may_be_done(error):
                raise
            created, is_absent = _find_created(context, result)
            if created is None and is_absent and error.status in PLATFORM_AWAY:
                raise  # nothing was made: it is looked for again before it is sent again
            if created is None:
                raise StageAgain(
                    error.code, f"“{component.name}”: {error.message}", result=result
                ) from error
    with context.writing():
        ComponentResult.objects.filter(pk=result.pk).update(
            prod_component_id=created.component_id, branch_version=created.version
        )
        Reservation.objects.filter(
            promotion=context.promotion, dev_component_id=component.dev_component_id
        ).update(prod_component_id=created.component_id)
    result.prod_component_id, result.branch_version = created.component_id, created.version
    _check_main_did_not_move(context, result)
    if not missing:
        _finish(context, result, Outcome.DONE)


def _complete(context: StepContext, result: ComponentResult) -> None:
    """Second pass: an update, or the references of a new component that had to wait for other new ones.

    What still refers to a component without an id is left for a later pass.
    """
    component = result.component
    _progress(context, result)
    prod_id = result.prod_component_id
    production: Component | None = None
    if component.action == Action.UPDATE:
        production = _unmoved_twin(context, result)
    content = _content(context, result, production=production.document if production else None)
    ids = _ids(context)
    if _missing(context, content, ids):
        return
    base = production or context.client.get_component(prod_id, branch_id=context.branch.remote_id)
    body = componentxml.fill(
        content, production=production.document if production else None, ids=ids
    )
    envelope = componentxml.read_envelope(base.document)
    body = componentxml.set_envelope(
        body,
        component_id=prod_id,
        folder_full_path=envelope.folder_full_path or None,
        folder_id=envelope.folder_id or None,
    )
    try:
        written = context.client.update_component(prod_id, body, branch_id=context.branch.remote_id)
        version = written.version
    except ImmaterialUpdate:
        # An earlier try of this very write was done, or the platform sees no difference: look.
        version = context.client.get_component(prod_id, branch_id=context.branch.remote_id).version
    except NotFound as error:
        if production is None:
            raise
        # It is on main: made there after the branch, which does not see it.
        raise StageAgain(
            "COMPONENT_NOT_FOUND", f"“{component.name}” is not on the branch."
        ) from error
    result.branch_version = version
    _check_main_did_not_move(context, result)
    _finish(context, result, Outcome.DONE, branch_version=version)


def _content(
    context: StepContext, result: ComponentResult, *, production: Document | None
) -> Document:
    """The component as planned: what the plan has kept of it, or else read and prepared again.

    :raises PromotionError: PLAN_STALE when it is not what was planned.
    """
    component = result.component
    team_rules.check(component.digest, component.name)
    if component.content is not None:
        kept = Document.parse(component.content.content)
        if componentxml.digest(kept, team_rules.active()) == component.digest:
            return kept
    dev = read_dev(
        context.client,
        context.promotion.dev_account.account_id,
        component.dev_component_id,
        component.dev_version,
        pinned=context.client.capabilities.pins_versions,
    )
    references = {
        planned.dev_component_id: planned.prod_component_id
        or componentxml.symbol(planned.dev_component_id)
        for planned in context.promotion.plan.components.all()
    }
    wanted = symbolic(
        dev,
        production=production,
        references=references,
        environment_values=context.promotion.environment_values,
    )
    if wanted.digest != component.digest:
        raise PromotionError(
            "PLAN_STALE", f"“{component.name}” is not what it was when the plan was made."
        )
    return wanted.document


def _missing(context: StepContext, content: Document, ids: Mapping[str, str]) -> list[str]:
    """Dev ids that the content names and that have no production id yet."""
    planned = context.promotion.plan.components.values_list("dev_component_id", flat=True)
    named = componentxml.symbols(content)
    return [key for key in planned if key not in ids and key.lower() in named]


def _unmoved_twin(context: StepContext, result: ComponentResult) -> Component:
    """The twin on main, at the version of the plan.

    :raises PromotionError: PLAN_STALE.
    """
    component = result.component
    twin = context.client.get_component(component.prod_component_id)
    if twin.version != component.prod_version:
        raise PromotionError(
            "PLAN_STALE",
            f"“{component.name}” is at version {twin.version} in production, not {component.prod_version}.",
        )
    return twin


def _check_main_did_not_move(context: StepContext, result: ComponentResult) -> None:
    """Where branching is not enabled the platform ignores the branch and writes to main: stop at the first write.

    :raises PromotionError: BRANCH_IGNORED.
    """
    if context.written().filter(outcome=Outcome.DONE).exists():
        return
    component = result.component
    try:
        on_main = context.client.get_component(result.prod_component_id)
    except NotFound:
        return
    if component.action == Action.CREATE and on_main.branch_id != context.branch.remote_id:
        raise PromotionError("BRANCH_IGNORED", f"“{component.name}” is on main.")
    if component.action == Action.UPDATE and on_main.version != component.prod_version:
        raise PromotionError("BRANCH_IGNORED", f"“{component.name}” has a new version on main.")


def _find_created(context: StepContext, result: ComponentResult) -> tuple[Component | None, bool]:
    """The component of this name and type that is on our branch and that we do not know yet.

    :returns: it, and whether it is certain that there is none. Where nothing can tell, the branch is worth nothing.
    """
    component = result.component
    branch_id = context.branch.remote_id
    known = {prod_id.lower() for prod_id in _ids(context).values()}
    try:
        found = context.client.query_component_metadata(
            name=component.name, component_type=component.component_type, branch_id=branch_id
        )
        candidates = {row.component_id for row in found if row.component_id.lower() not in known}
        if len(candidates) != 1:
            return None, not candidates
        created = context.client.get_component(candidates.pop(), branch_id=branch_id)
    except (BadRequest, NotFound):
        return None, False
    path = created.folder_full_path.strip("/").casefold()
    is_there = not path or f"/{path}".endswith(component.target_folder.casefold().rstrip("/"))
    return (created if created.branch_id == branch_id and is_there else None), False


def _reserve(context: StepContext, result: ComponentResult) -> bool:
    """Hold the dev component before it is created: two open promotions never create it twice.

    :returns: whether an earlier try on this branch may have created it.
    :raises PromotionError: COMPONENT_RESERVED.
    """
    component = result.component
    with context.writing():
        reservation, is_new = Reservation.objects.get_or_create(
            dev_account=context.promotion.dev_account,
            dev_component_id=component.dev_component_id,
            defaults={"promotion": context.promotion},
        )
    if reservation.promotion_id != context.promotion.pk:
        raise PromotionError(
            "COMPONENT_RESERVED",
            f"Promotion {reservation.promotion_id} is creating “{component.name}”.",
        )
    return not is_new


def _ids(context: StepContext) -> dict[str, str]:
    """Dev id -> production id, for every component of the plan that has one by now."""
    rows = context.promotion.results.exclude(prod_component_id="").values_list(
        "component__dev_component_id", "prod_component_id"
    )
    return dict(rows)


def _finish(
    context: StepContext, result: ComponentResult, outcome: Outcome, **changes: Any
) -> None:
    with context.writing():
        ComponentResult.objects.filter(pk=result.pk).update(
            outcome=outcome, finished_at=timezone.now(), **changes
        )
    result.outcome = outcome


def _progress(context: StepContext, result: ComponentResult) -> None:
    context.check_not_stopped()
    done = context.written().exclude(outcome=Outcome.PENDING).count()
    context.note(
        f"{done} of {counted(context.written().count(), 'component')}: {result.component.name}"
    )


def check_staged(context: StepContext) -> Wait | None:
    """Read back what is on the branch and keep its difference from main: that is what reviewers see.

    :raises PromotionError: PLAN_STALE when the branch does not hold what the plan says;
        PACKAGE_VERSION_EXISTS while nothing has reached production yet.
    """
    results = list(context.written())
    for number, result in enumerate(results, start=1):
        context.check_not_stopped()
        context.note(f"{number} of {counted(len(results), 'component')}: {result.component.name}")
        _read_back(context, result)
    _check_package_version(context)
    context.note(f"{counted(len(results), 'component')} read back")
    return None


def _read_back(context: StepContext, result: ComponentResult) -> None:
    on_branch = context.client.get_component(
        result.prod_component_id, branch_id=context.branch.remote_id
    )
    overrides = team_rules.active()
    main: Document | None = None
    if result.component.action == Action.UPDATE:
        main = componentxml.mask(_unmoved_twin(context, result).document, overrides=overrides)
    masked = componentxml.mask(on_branch.document, overrides=overrides)
    staged_digest = componentxml.digest(masked, overrides)
    if not is_as_planned(context, result, masked):
        raise PromotionError(
            "PLAN_STALE", f"“{result.component.name}” on the branch is not what was planned."
        )
    columns = store_difference(main, masked)
    plain = Plain.of(on_branch.document)
    with context.writing():
        ComponentResult.objects.filter(pk=result.pk).update(
            promoted_digest=plain.digest,
            promoted_text=plain.store(),
            staged_digest=staged_digest,
            staged_seal=seal(on_branch.document),
            **columns,
        )
    result.staged_digest = staged_digest


def is_as_planned(context: StepContext, result: ComponentResult, masked: Document) -> bool:
    """Whether the branch holds the planned content: new production ids are symbols again for the comparison."""
    symbols = {
        prod: componentxml.symbol(dev)
        for dev, prod in context.written()
        .filter(component__action=Action.CREATE)
        .values_list("component__dev_component_id", "prod_component_id")
    }
    team_rules.check(result.component.digest, result.component.name)
    rewritten = componentxml.rewrite(masked, symbols).document
    planned = componentxml.digest(rewritten, team_rules.active())
    return planned == result.component.digest


def seal(document: Document) -> str:
    """A keyed hash over a component with its environment values, which the masked digest does not see.

    The version of the one form stands before it. Keyed, so that no value can be guessed from it. Masks are left out:
    nobody promises that the same secret has the same mask at every reading.
    """
    key = Installation.load().key("seal")
    content = MASK.sub(b"", componentxml.normalise(document))
    return f"{componentxml.FORM_VERSION}:{hmac.new(key, content, 'sha256').hexdigest()}"


def _check_package_version(context: StepContext) -> None:
    root = context.promotion.results.get(
        component__dev_component_id=context.promotion.plan.root_component_id
    )
    if root.component.action == Action.CREATE:
        return
    taken = context.client.query_packaged_components(
        component_id=root.prod_component_id,
        package_version=context.promotion.package_version,
        with_deleted=True,
    )
    if any(True for _ in taken):
        raise PromotionError("PACKAGE_VERSION_EXISTS", context.promotion.package_version)


def synchronise_packs(context: StepContext) -> Wait | None:
    """Operation 16, so that the admin chooses among the packs of this moment."""
    began = timezone.now()
    told = accounts.synchronise_packs(context.client)
    # What the platform does not list any more cannot be chosen. What an admin switched off stays off.
    IntegrationPack.objects.filter(synchronised_at__lt=began).update(is_active=False)
    context.note(counted(told["seen"], "pack"))
    return None


def offer_for_review(context: StepContext) -> Wait | None:
    """Hand over to people; a worker has nothing to do until one of them decides.

    One that was approved before its branch had to be staged again goes on: it holds what was approved.
    """
    if context.promotion.approved_by_id:
        context.move(Status.DEPLOYING, next_attempt_at=timezone.now())
        return None
    context.move(Status.ADMIN_REVIEW, next_attempt_at=None)
    return None
