"""Steps from the approval to MERGED: one merge at a time, exactly what was approved (1, 12, 19, 13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from partnerapi import componentxml
from partnerapi.client import PartnerApiClient, Wanted
from partnerapi.componentxml import Document, Overrides
from partnerapi.errors import AnswerLost, Conflict, NotFound, PartnerApiError
from partnerapi.records import MergeDetail, MergeRequest

from .. import votes
from ..access import check_standing
from ..messages import PromotionError
from ..models import (
    Approved,
    ComponentMapping,
    ComponentResult,
    PromotionRequest,
    Reservation,
    Turn,
)
from ..plan import content_hash, deployed_hash, team_rules
from ..plan.look_up import metadata_of_many
from ..plan.premises import Moment
from ..states import MERGE_INCOMPLETE, HoldKind, Kind, Stage, Status
from ..transitions import drop_branches, record_event, record_events
from ..worker.lease import Lease
from ..worker.timing import MERGE_POLL, TURN_POLL
from . import ahead
from .context import StepContext, Wait, counted
from .packages import parts
from .proof import Proof, VersionSeals, seal

# What a mapping says of the last promotion.
PROMOTED = (
    "prod_component_id",
    "name",
    "component_type",
    "prod_version",
    "promoted_dev_version",
    "promoted_digest",
    "promoted_text",
    "last_promoted_at",
    "last_promoted_by",
)


def begin(context: StepContext) -> Wait | None:
    """Start the approved work: with staging if that follows the approval, otherwise with the merge."""
    demand_approval(context)
    after_approval = context.promotion.stage == Stage.AFTER_APPROVAL
    to = Status.QUEUED if after_approval else Status.DEPLOYING
    context.move(to, next_attempt_at=timezone.now())
    return None


def demand_approval(context: StepContext) -> Approved:
    """Nothing is merged without somebody else's approval, whatever the settings say now.

    :raises ApprovalLapsed: it is no longer valid.
    :raises PromotionError: APPROVAL_MISSING; SWITCHED_OFF when somebody or something that it needs was switched off.
    """
    approved, promotion = context.approved, context.promotion
    if approved.content_hash != _content_hash_now(promotion):
        raise PromotionError("APPROVAL_MISSING", "The plan is not the one that was approved.")
    for rule in ("stage", "dialect", "environment_values", "rules_version"):
        if getattr(approved, rule) != getattr(promotion, rule):
            raise PromotionError(
                "APPROVAL_MISSING", "It would follow other rules than the approved ones."
            )
    parts(context)
    wanted = {environment.environment_id for environment in approved.environments}
    for package in (None, *promotion.further.all()):
        targets = promotion.deployments.filter(package=package)
        if set(targets.values_list("platform_id", flat=True)) != wanted:
            raise PromotionError(
                "APPROVAL_MISSING", "The environments are not those of the approval."
            )
    check_standing(promotion)
    votes.check(promotion, approved)
    return approved


def _content_hash_now(promotion: PromotionRequest) -> str:
    if promotion.is_deployment:
        return deployed_hash(promotion.made)
    first, *others = promotion.plan.packages
    return content_hash(
        first.package_id,
        promotion.plan.components.all(),
        further=[package.package_id for package in others],
    )


def begin_deploying(context: StepContext) -> Wait | None:
    """What was approved has been staged: continue with the merge."""
    context.move(Status.DEPLOYING, next_attempt_at=timezone.now())
    return None


def take_merge_turn(context: StepContext) -> Wait | None:
    """One merge per primary account at a time: the next starts when the last one has its mappings and package.

    Two promotions into the same pack follow each other to the end: adding, releasing and deploying concern all of it.
    """
    demand_approval(context)
    with transaction.atomic():
        Turn.take("merges")
        others = PromotionRequest.objects.exclude(pk=context.promotion.pk)
        merging = others.merging().first()
        names = [package.pack_name for package in context.promotion.packages]
        releasing = others.going_into_packs(names).first()
        if merging is None and releasing is None:
            context.record(merge_started_at=timezone.now())
            return None
    why = "This one is next."
    if merging is not None:
        why = f"Promotion {merging.pk} is being merged; this one is next."
    elif releasing is not None:
        why = f"Promotion {releasing.pk} goes into the same Integration Pack; this one is next."
    return Wait(TURN_POLL, why, HoldKind.TURN)


def verify(context: StepContext) -> Wait | None:
    """What is about to be merged must be what was approved, on top of the production that was compared.

    :raises PromotionError: PLAN_STALE.
    """
    client, branch_id = context.client, context.branch.remote_id
    on_branch: dict[str, int] = {}
    ahead.check(
        context,
        Moment.VERIFYING,
        lambda: on_branch.update(client.query_branch_versions(branch_id)),
        client.get_main_branch,  # for the merge request, which follows
    )
    results = list(context.written().select_related("component"))
    _check_nothing_else(results, on_branch)
    _read_moved(context, _not_proved(results, on_branch))
    context.note(f"{counted(len(results), 'component')} as approved")
    return None


def _check_nothing_else(results: list[ComponentResult], on_branch: Mapping[str, int]) -> None:
    """The merge would bring whatever is on the branch."""
    if on_branch.keys() - {result.prod_component_id.lower() for result in results}:
        raise PromotionError("PLAN_STALE", "The branch holds components that nobody approved.")


def _not_proved(
    results: list[ComponentResult], on_branch: Mapping[str, int]
) -> list[ComponentResult]:
    """Those of which the branch does not hold the very version that was compared with the plan when it was written."""
    overrides, seals = team_rules.active(), VersionSeals()
    moved = []
    for result in results:
        component = result.component
        team_rules.check(component.digest, component.name, overrides)
        version = on_branch.get(result.prod_component_id.lower())
        if version is None or not seals.hold(result, version):
            moved.append(result)
    return moved


def _read_moved(context: StepContext, results: list[ComponentResult]) -> None:
    """What is on the branch must be the planned content with the values that were staged.

    :raises PromotionError: PLAN_STALE.
    """
    proof, branch_id = Proof.of(context.promotion), context.branch.remote_id
    wanted = {Wanted(r.prod_component_id, branch_id=branch_id): r for r in results}
    with closing(context.client.each_component(wanted)) as arriving:
        for number, (one, found) in enumerate(arriving, start=1):
            component = wanted[one].component
            context.note(f"{number} of {counted(len(results), 'component')}: {component.name}")
            if isinstance(found, PartnerApiError):
                raise found
            if seal(found.document) != wanted[one].staged_seal or not proof.is_as_planned(
                component, proof.mask(found.document)
            ):
                raise PromotionError("PLAN_STALE", f"“{component.name}” was changed on the branch.")


def create_merge_request(context: StepContext) -> Wait | None:
    """Operation 12 from our branch to main; the branch wins (OVERRIDE)."""
    if context.promotion.merge_request_id:
        return None
    demand_approval(context)
    if context.tried_before and _merged_by_itself(context):
        return None
    main = context.client.get_main_branch()
    try:
        merge = context.client.create_merge_request(
            context.branch.remote_id, target_branch_id=main.branch_id
        )
    except AnswerLost:
        # A second merge request for the same branch does no harm, unless the first one has merged by itself.
        if _merged_by_itself(context):
            return None
        raise
    context.record(merge_request_id=merge.merge_request_id)
    context.note(f"Merge request {merge.merge_request_id}", remote_id=merge.merge_request_id)
    return None


def _merged_by_itself(context: StepContext) -> bool:
    if not is_on_main(context.client, context.promotion):
        return False
    context.record(merge_executed_at=timezone.now())
    context.note("Merged by itself")
    return True


def is_on_main(client: PartnerApiClient, promotion: PromotionRequest) -> bool:
    """Whether main holds the staged content of every written component."""
    return not _not_on_main(client, promotion.written())


def _not_on_main(
    client: PartnerApiClient, results: Iterable[ComponentResult]
) -> list[ComponentResult]:
    """The written components whose staged content is not on main."""
    on_main = {result.pk for result, _ in _found_on_main(client, results)}
    return [result for result in results if result.pk not in on_main]


def _found_on_main(
    client: PartnerApiClient, results: Iterable[ComponentResult]
) -> Iterator[tuple[ComponentResult, int]]:
    """The components whose staged content is on main, with the version there (operation 1)."""
    overrides = team_rules.active()
    wanted = {Wanted(result.prod_component_id): result for result in results}
    with closing(client.each_component(wanted)) as arriving:
        for one, twin in arriving:
            if isinstance(twin, NotFound):
                continue
            if isinstance(twin, PartnerApiError):
                raise twin
            if _is_what_was_staged(twin.document, wanted[one], overrides):
                yield wanted[one], twin.version


def _is_what_was_staged(document: Document, result: ComponentResult, overrides: Overrides) -> bool:
    """Whether a document on main says what was staged.

    If the rules have changed since, only the seal can tell, because it does not depend on them.
    """
    if componentxml.rules_of(result.staged_digest) == componentxml.rules_version(overrides):
        masked = componentxml.mask(document, overrides=overrides)
        return componentxml.digest(masked, overrides) == result.staged_digest
    return seal(document) == result.staged_seal


def await_draft(context: StepContext) -> Wait | None:
    """Operation 19 until the merge request can be executed; then check what it would do to main.

    :raises PromotionError: MERGE_FAILED, MERGE_TIMEOUT, PLAN_STALE.
    """
    if not context.promotion.merge_request_id:
        return None
    merge = ahead.ask_ahead(
        context, Moment.MERGE, _look(context), lambda merge: merge.can_be_executed
    )
    if merge.is_merged or merge.stage == "MERGING":
        return None
    if merge.can_be_executed:
        _check_details(context, merge)
        context.note("It can be merged")
        return None
    return _still_moving(context, merge)


def _check_details(context: StepContext, merge: MergeRequest) -> None:
    """What the platform is about to merge must be what was approved, all of it and nothing else.

    OVERRIDE would undo something newer on main, and a component that is left out would be reported as promoted.

    :raises PromotionError: PLAN_STALE (more than was approved, or newer in production), MERGE_DIFFERS (less),
        COMPONENT_LOCKED.
    """
    if merge.details is None:
        return
    planned = {
        result.prod_component_id.lower(): result
        for result in context.written().select_related("component")
    }
    details = {detail.component_id.lower(): detail for detail in merge.details}
    if details.keys() - planned.keys():
        raise PromotionError(
            "PLAN_STALE", "The merge would change components that nobody approved."
        )
    for key, detail in details.items():
        result = planned[key]
        version = result.merged_version or result.component.prod_version
        if detail.destination_revision and version and detail.destination_revision > version:
            raise PromotionError("PLAN_STALE", f"“{result.component.name}” is newer in production.")
        if detail.locked:
            raise PromotionError("COMPONENT_LOCKED", f"“{result.component.name}” on main.")
    # The draft is the snapshot that would be merged: somebody may have written to the branch since it was looked at.
    drafted = {
        key: detail.source_revision for key, detail in details.items() if detail.source_revision
    }
    _read_moved(context, _not_proved([planned[key] for key in drafted], drafted))
    left_out = {key: why for key, detail in details.items() if (why := _left_out(detail))}
    # A write that changed nothing is in no merge: then main already holds the content.
    missing = [result for key, result in planned.items() if key not in details]
    left_out |= {
        result.prod_component_id.lower(): "it is missing from the merge request"
        for result in _not_on_main(context.client, missing)
    }
    if left_out:
        named = (f"“{planned[key].component.name}”: {why}." for key, why in left_out.items())
        raise PromotionError("MERGE_DIFFERS", " ".join(named))


def _left_out(detail: MergeDetail) -> str:
    """Why the platform would not bring this component to main as it is on the branch; empty if it would."""
    if detail.excluded:
        return "it is excluded from the merge"
    if detail.resolution == "KEEP_DESTINATION":
        return "the merge keeps what is on main"
    if detail.change_type == "DELETED":
        return "the merge would delete it"
    return ""


def _look(context: StepContext) -> Callable[[], MergeRequest]:
    """Operation 19, as a call."""
    return partial(context.client.get_merge_request, context.promotion.merge_request_id)


def execute_merge(context: StepContext) -> Wait | None:
    """Operation 13, unless the merge request has merged by itself.

    :raises PromotionError: MERGE_CONFLICT, PLAN_STALE.
    """
    if not context.promotion.merge_request_id:
        return None
    if not ahead.has_just_asked(context, Moment.MERGE):
        merge = _look(context)()
        if merge.is_merged or merge.stage == "MERGING":
            context.record(merge_executed_at=timezone.now())
            return None
        if not merge.can_be_executed:
            return _still_moving(context, merge)
        ahead.check(context, Moment.MERGE)
    demand_approval(context)
    # Written before the call: from here on main may change, and the clean-up checks before it drops the branch. An
    # approval that has lapsed or was removed since it was read is the UPDATE's to find.
    began = timezone.now()
    approved = PromotionRequest.objects.with_standing_approval(began)
    context.lease.record_among(approved, merge_executed_at=began)
    context.promotion.merge_executed_at = began
    try:
        context.client.execute_merge_request(context.promotion.merge_request_id)
    except Conflict as error:
        now = _look(context)()
        if not (now.is_merged or now.stage == "MERGING"):
            # Nothing has reached main: if the branch is gone, it is staged again.
            context.record(merge_executed_at=None)
            raise PromotionError("MERGE_CONFLICT", error.message) from error
    return None


def await_merged(context: StepContext) -> Wait | None:
    """Operation 19 every 2 s until MERGED; then mappings and the branch's deletion in one transaction.

    MERGED is checked, not believed. If a component was left out, mappings are written for what is there, and the branch
    stays so that an admin can have the rest merged or give it up.

    :raises PromotionError: MERGE_FAILED, MERGE_TIMEOUT, MERGE_INCOMPLETE.
    """
    promotion = context.promotion
    versions: dict[int, int] = {}
    if promotion.merge_request_id:
        merge = context.client.get_merge_request(promotion.merge_request_id)
        if not merge.is_merged:
            return _still_moving(context, merge)
        versions = _as_told(context, merge)
    rest = promotion.written().exclude(pk__in=versions)
    versions |= {r.pk: version for r, version in _found_on_main(context.client, rest)}
    if len(versions) < promotion.written().count():
        with context.writing():
            _record_mappings(promotion, versions)
            # Nobody else has to wait to merge while people look at this one.
            context.record(merge_started_at=None)
        raise _incomplete(promotion, versions)
    record_merged(context.lease, promotion, versions)
    promotion.refresh_from_db()
    context.note(f"{counted(len(versions), 'component')} on main")
    return None


def _as_told(context: StepContext, merge: MergeRequest) -> dict[int, int]:
    """Result id -> version, of what main has at the version that the platform says the merge has made of it.

    What was merged is the version that was proved, so nothing has to be read to know that the merge brought it.
    """
    details = {detail.component_id.lower(): detail for detail in merge.details or ()}
    if not any(detail.merge_revision for detail in details.values()):
        return {}
    results = list(context.written().select_related("component"))
    on_main = metadata_of_many(context.client, [r.prod_component_id for r in results])
    seals, versions = VersionSeals(), {}
    for result in results:
        key = result.prod_component_id.lower()
        detail, twin = details.get(key), on_main[key]
        if detail is None or twin is None or twin.version != detail.merge_revision:
            continue
        if detail.source_revision and seals.hold(result, detail.source_revision):
            versions[result.pk] = twin.version
    return versions


def contents_on_main(client: PartnerApiClient, results: Iterable[ComponentResult]) -> set[int]:
    """The ids of those results whose staged content main holds now."""
    return {result.pk for result, _ in _found_on_main(client, results)}


def _incomplete(promotion: PromotionRequest, versions: dict[int, int]) -> PromotionError:
    names = [result.component.name for result in promotion.written() if result.pk not in versions]
    return PromotionError(
        MERGE_INCOMPLETE, f"Not on main: {', '.join(f'“{name}”' for name in names)}."
    )


def _still_moving(context: StepContext, merge: MergeRequest) -> Wait:
    if not merge.is_moving and not merge.can_be_executed:
        raise PromotionError("MERGE_FAILED", f"{merge.stage}. {merge.message}".strip())
    if merge.stage == "FAILED_TO_MERGE":
        raise PromotionError("MERGE_FAILED", merge.message)
    soon = context.soon(MERGE_POLL)
    if soon is not None:
        context.note(merge.stage)
        return Wait(soon, f"The merge is {merge.stage}.")
    polls = context.step_run.polls + 1
    if polls * MERGE_POLL > settings.PROMOTION_MERGE_TIMEOUT:
        raise PromotionError("MERGE_TIMEOUT", f"It is {merge.stage}.")
    context.note(f"{merge.stage} (look {polls})", polls=polls)
    return Wait(MERGE_POLL, f"The merge is {merge.stage}.")


def merged_versions(client: PartnerApiClient, promotion: PromotionRequest) -> dict[int, int]:
    """Result id -> the version on main, for components whose staged content is on main."""
    return {result.pk: version for result, version in _found_on_main(client, promotion.written())}


def record_merged(lease: Lease, promotion: PromotionRequest, versions: dict[int, int]) -> None:
    """MERGED, the mappings, the end of the reservations and the branch's deletion: all together or not at all."""
    with lease.writing():
        _record_mappings(promotion, versions)
        PromotionRequest.objects.filter(pk=promotion.pk).update(merged_at=timezone.now())
        drop_branches(promotion.pk)
        Reservation.objects.filter(promotion=promotion).delete()
        record_event("merged", promotion=promotion, note=counted(len(versions), "component"))
        if promotion.kind == Kind.ROLLBACK and promotion.source is not None:
            _tell_the_others(promotion, promotion.source)


def _tell_the_others(rollback: PromotionRequest, source: PromotionRequest) -> None:
    """Note it in the history of the promotion that is restored and of those that are undone, too."""
    record_event("restored", promotion=source, subject=str(rollback))
    of_process = PromotionRequest.objects.of_process(rollback.process_id)
    taken_back = of_process.filter(merged_at__gt=source.merged_at).exclude(pk=rollback.pk)
    for other in taken_back:
        record_event("taken_back", promotion=other, subject=str(rollback))


def record_late_merge(lease: Lease, promotion: PromotionRequest, versions: dict[int, int]) -> None:
    """Record a merge that ended after its promotion had failed; if it left something out, the branch stays."""
    if len(versions) == promotion.written().count():
        record_merged(lease, promotion, versions)
        return
    error = _incomplete(promotion, versions)
    with lease.writing():
        _record_mappings(promotion, versions)
        PromotionRequest.objects.filter(pk=promotion.pk).update(
            error_code=error.code, error=error.detail, merge_started_at=None
        )
        promotion.branches.filter(deleted_at__isnull=True).update(
            delete_due=None, next_attempt_at=None
        )


def _record_mappings(promotion: PromotionRequest, versions: dict[int, int]) -> None:
    """Record which twins main holds now; the caller is in a transaction."""
    now = timezone.now()
    for package in promotion.packages:
        root = promotion.results.filter(
            component__dev_component_id=package.planned.root_component_id
        ).first()
        if root is not None and root.prod_component_id:
            rows = type(package)._default_manager.filter(pk=package.pk)
            rows.update(process_id=root.prod_component_id.lower())
    results = list(promotion.results.filter(pk__in=versions).select_related("component"))
    for result in results:
        result.merged_version = versions[result.pk]
    ComponentResult.objects.bulk_update(results, ["merged_version"])
    mappings = [
        ComponentMapping(
            dev_account=promotion.dev_account,
            dev_component_id=result.component.dev_component_id.lower(),
            prod_component_id=result.prod_component_id,
            name=result.component.name,
            component_type=result.component.component_type,
            prod_version=versions[result.pk],
            promoted_dev_version=result.component.dev_version,
            promoted_digest=result.promoted_digest,
            promoted_text_id=result.promoted_text_id,
            last_promoted_at=now,
            last_promoted_by=promotion.requester,
            source=ComponentMapping.Source.ENGINE,
        )
        for result in results
    ]
    dev_ids = [mapping.dev_component_id for mapping in mappings]
    known = promotion.dev_account.mappings.filter(dev_component_id__in=dev_ids)
    before = dict(known.values_list("dev_component_id", "prod_component_id"))
    # A mapping that is there keeps where it came from.
    ComponentMapping.objects.bulk_create(
        mappings,
        update_conflicts=True,
        unique_fields=["dev_account", "dev_component_id"],
        update_fields=PROMOTED,
    )
    added = [str(mapping) for mapping in mappings if mapping.dev_component_id not in before]
    record_events("mapping_added", promotion, added)
    for mapping in mappings:
        was = before.get(mapping.dev_component_id, mapping.prod_component_id)
        if was != mapping.prod_component_id:
            # Somebody mapped it while it was being merged. What production now holds refers to ours.
            record_event(
                "mapping_replaced",
                promotion=promotion,
                subject=str(mapping),
                note=f"{was} → {mapping.prod_component_id}",
            )
