"""Steps after the merge, where there is only forward: package (7), pack (9, 16, 17), release (18), deploy (8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial

from django.db import IntegrityError
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import AlreadyExists, AnswerLost, NeedsPerson, NotFound, PartnerApiError
from partnerapi.records import ComponentMetadata, PackagedComponent, Release
from partnerapi.records import IntegrationPack as RemotePack

from ..messages import PromotionError
from ..models import (
    ApprovedEnvironment,
    ComponentResult,
    Deployment,
    IntegrationPack,
    PackRelease,
    PromotionRequest,
)
from ..plan import premises
from ..plan.look_up import metadata_of_many
from ..states import Action, HoldKind, Status
from ..transitions import record_event
from ..worker.timing import RELEASE_POLL, TURN_POLL, scaled
from ..worker.trouble import passes
from . import cleanup
from .context import StepContext, Wait, counted
from .merge import demand_approval

PACK_LIMIT = 100  # published: packages in one pack
RELEASE_LOOKS = 60
RELEASE_PATIENCE = 24 * 3600.0  # seconds that a release may go on: it installs at every account
SLOW_RELEASE_POLL = 60.0


def delete_branch(context: StepContext) -> Wait | None:
    """Operation 15, as soon as MERGED is recorded. A failure does not hold the deployment up: it is tried again."""
    for branch in context.promotion.branches.filter(deleted_at__isnull=True):
        try:
            cleanup.delete_now(context.client, branch)
        except PartnerApiError as error:
            context.note(f"{branch.name} could not be deleted yet: {error.message}")
        else:
            context.note(f"{branch.name} is deleted")
    return None


def mark(promotion: PromotionRequest) -> str:
    """Put into the package's notes, so that a package made before a lost answer is known as ours."""
    return f"Promotion Desk {promotion.pk}-{promotion.content_hash[:12]}"


def root_prod_id(promotion: PromotionRequest) -> str:
    """The production id of the packaged component."""
    promotion = promotion.origin
    return promotion.results.get(
        component__dev_component_id=promotion.plan.root_component_id
    ).prod_component_id


def create_package(context: StepContext) -> Wait | None:
    """Operation 7 from main, shareable, after looking whether it is there already (operation 6).

    :raises PromotionError: PACKAGE_VERSION_EXISTS, PRODUCTION_CHANGED.
    """
    expected = _expected_on_main(context)
    found, on_main = context.client.both(
        _package_query(context),
        lambda: metadata_of_many(context.client, [r.prod_component_id for r, _ in expected]),
    )
    package = _known(context, found)
    if package is None:
        _check_main(context, expected, on_main)
        package = _create_package(context)
    context.record(prod_package_id=package.package_id)
    context.note(f"Version {package.package_version}", remote_id=package.package_id)
    return None


Versions = list[tuple[ComponentResult, int]]


def _expected_on_main(context: StepContext) -> Versions:
    """The results that are packaged along, and the versions on main that were merged or approved as they are."""
    expected: Versions = []
    for result in context.promotion.results.select_related("component"):
        merged = result.merged_version
        if result.component.action == Action.UNCHANGED:
            merged = result.component.prod_version
        if merged is not None:
            expected.append((result, merged))
    return expected


def _check_main(
    context: StepContext, expected: Versions, on_main: Mapping[str, ComponentMetadata | None]
) -> None:
    """What is packaged must be what was merged; what differs is accepted by an approval of its own, at a retry.

    :param on_main: by production id in lower case.
    :raises PromotionError: PRODUCTION_CHANGED.
    """
    changed = []
    for result, merged in expected:
        twin = on_main[result.prod_component_id.lower()]
        version = twin.version if twin else None
        if version != merged:
            now = f"at version {version}" if version else "deleted"
            changed.append(f"“{result.component.name}” is {now} in production, not at {merged}.")
    told = " ".join(changed)
    if told and told != context.approved.production_changes:
        raise PromotionError("PRODUCTION_CHANGED", told)


def _package_query(context: StepContext) -> Callable[[], list[PackagedComponent]]:
    """Asks for the packages of the promotion's version; a thread may."""
    component_id, version = root_prod_id(context.promotion), context.approved.package_version
    return lambda: list(
        context.client.query_packaged_components(component_id=component_id, package_version=version)
    )


def _known(context: StepContext, found: Iterable[PackagedComponent]) -> PackagedComponent | None:
    """Ours among the packages of the promotion's version.

    :raises PromotionError: PACKAGE_VERSION_EXISTS.
    """
    for package in found:
        if mark(context.promotion.origin) in package.notes:
            return package
        raise PromotionError("PACKAGE_VERSION_EXISTS", context.approved.package_version)
    return None


def _create_package(context: StepContext) -> PackagedComponent:
    # The mark comes first: it must be there, however much of the notes is kept.
    notes = "\n".join(
        part for part in (mark(context.promotion), context.approved.notes[:200]) if part
    )
    try:
        return context.client.create_packaged_component(
            root_prod_id(context.promotion),
            package_version=context.approved.package_version,
            notes=notes,
            branch_name="main",
        )
    except AlreadyExists as error:
        raise PromotionError("PACKAGE_VERSION_EXISTS", error.message) from error


def our_package(context: StepContext) -> PackagedComponent:
    """The package of this promotion, read again."""
    return _ours(context, _package_query(context)())


def _ours(context: StepContext, found: Iterable[PackagedComponent]) -> PackagedComponent:
    package = _known(context, found)
    if package is None:
        raise PromotionError("PACKAGE_NOT_FOUND", context.approved.package_version)
    return package


def check_package(context: StepContext) -> Wait | None:
    """What is deployed to further environments is there, and none of them has come to a newer version (operation 6).

    :raises PromotionError: PACKAGE_NOT_FOUND, NEWER_IS_DEPLOYED, APPROVAL_MISSING, SWITCHED_OFF.
    """
    promotion = context.promotion
    demand_approval(context)
    package = our_package(context)
    if package.package_id != context.approved.package_id:
        raise PromotionError(
            "APPROVAL_MISSING", f"The package {package.package_id} is not what was approved."
        )
    premises.check_no_newer(promotion.origin, premises.environments_of(promotion))
    context.note(f"Version {package.package_version}", remote_id=package.package_id)
    return None


def ensure_pack(context: StepContext) -> Wait | None:
    """The pack that the admin chose (operation 16), or a new one under the chosen name (operation 9).

    :raises PromotionError: PACK_NOT_FOUND; PACK_EXISTS when somebody else has made a pack of that name meanwhile.
    """
    promotion, approved = context.promotion, context.approved
    packs = context.client.query_integration_packs()
    if approved.pack_id:
        if not any(pack.pack_id == approved.pack_id for pack in packs):
            raise PromotionError("PACK_NOT_FOUND", approved.pack_name)
        context.note(approved.pack_name, remote_id=approved.pack_id)
        return None
    remote = _pack_named(packs, context)
    if remote is None:
        remote = context.client.create_integration_pack(
            approved.pack_name, f"Made by {mark(promotion)}"
        )
    pack, _ = IntegrationPack.objects.update_or_create(
        pack_id=remote.pack_id, defaults={"name": remote.name, "description": remote.description}
    )
    context.record(pack=pack, made_pack_id=remote.pack_id)
    context.note(f"{pack.name} (new)", remote_id=pack.pack_id)
    return None


def _pack_id(context: StepContext) -> str:
    """The pack on the platform: the one that was approved, or the new one that this promotion has made."""
    return context.approved.pack_id or context.promotion.made_pack_id


def _pack_named(packs: Iterable[RemotePack], context: StepContext) -> RemotePack | None:
    """The pack of the new pack's name that an earlier try of this promotion has made.

    :raises PromotionError: PACK_EXISTS when the pack of that name is somebody else's, whatever it is for.
    """
    wanted = context.approved.pack_name.casefold()
    named = next((pack for pack in packs if pack.name.casefold() == wanted), None)
    if named is None or mark(context.promotion) in named.description:
        return named
    # Approved under the same new name before either was merged: whoever came first has made it for both.
    made_by_us = PromotionRequest.objects.filter(
        made_pack_id=named.pack_id, new_pack_name__iexact=named.name
    )
    for_production = IntegrationPack.objects.for_production().filter(pack_id=named.pack_id)
    if made_by_us.exists() and for_production.exists():
        return named
    raise PromotionError("PACK_EXISTS", f"“{named.name}”.")


def check_pack(context: StepContext) -> Wait | None:
    """Whether the chosen pack can take the package, before anything is merged (operation 16).

    A pack that has vanished is no matter yet: after the merge another one can be chosen.

    :raises PromotionError: PACK_EXISTS, PACK_FULL, PACK_PENDING, SWITCHED_OFF (it is not for production any more).
    """
    chosen = context.approved.pack_id
    packs = context.client.query_integration_packs()
    if not chosen:
        _pack_named(packs, context)
        return None
    known = IntegrationPack.objects.filter(pack_id=chosen).first()
    if (
        known is not None
        and not IntegrationPack.objects.for_production().filter(pk=known.pk).exists()
    ):
        raise PromotionError("SWITCHED_OFF", f"The Integration Pack “{known}”.")
    pack = next((pack for pack in packs if pack.pack_id == chosen), None)
    if pack is None:
        return None
    root = root_prod_id(context.promotion)
    if len(pack.entries) >= PACK_LIMIT and all(e.component_id != root for e in pack.entries):
        raise PromotionError("PACK_FULL", f"“{pack.name}” holds {len(pack.entries)} packages.")
    # What waits of our own process is replaced by what we add.
    pending = [
        e
        for e in pack.entries
        if (e.pending_version or e.deletion_pending) and e.component_id != root
    ]
    if not pending:
        return None
    other = _releasing(context.promotion)
    if other is not None:
        why = f"Promotion {other.pk} is releasing the same pack."
        return Wait(TURN_POLL, why, HoldKind.TURN)
    names = ", ".join(f"“{entry.name or entry.component_id}”" for entry in pending[:10])
    raise PromotionError("PACK_PENDING", f"“{pack.name}” has {names} waiting for a release.")


def _releasing(promotion: PromotionRequest) -> PromotionRequest | None:
    """Another promotion into the same pack that is past its merge and not done."""
    return (
        PromotionRequest.objects.filter(
            pack=promotion.pack, status=Status.DEPLOYING, merged_at__isnull=False
        )
        .exclude(pk=promotion.pk)
        .first()
    )


def _remote_pack(context: StepContext) -> RemotePack:
    return _chosen(context, context.client.query_integration_packs())


def _pack_and_package(context: StepContext) -> tuple[RemotePack, PackagedComponent]:
    """The pack and our package, read at once.

    :raises PromotionError: PACK_NOT_FOUND, PACKAGE_NOT_FOUND.
    """
    packs, packages = context.client.both(
        context.client.query_integration_packs, _package_query(context)
    )
    return _chosen(context, packs), _ours(context, packages)


def _chosen(context: StepContext, packs: Iterable[RemotePack]) -> RemotePack:
    chosen = _pack_id(context)
    for pack in packs:
        if pack.pack_id == chosen:
            return pack
    raise PromotionError("PACK_NOT_FOUND", context.approved.pack_name)


def add_to_pack(context: StepContext) -> Wait | None:
    """Operation 17; the pack's other content stays as it is.

    :raises PromotionError: PACK_NOT_FOUND.
    """
    pack, package = _pack_and_package(context)
    if not any(
        _holds(entry.package_id, entry.pending_version, entry.component_id, package)
        for entry in pack.entries
    ):
        try:
            context.client.add_to_integration_pack(pack.pack_id, package)
        except NotFound as error:
            raise PromotionError("PACK_NOT_FOUND", error.message) from error
    context.note(f"{pack.name}: {counted(max(len(pack.entries), 1), 'package')}")
    return None


def _holds(
    package_id: str, pending_version: str, component_id: str, package: PackagedComponent
) -> bool:
    if package_id:
        return package_id == package.package_id
    return component_id == package.component_id and pending_version == package.package_version


def release_version(context: StepContext) -> str:
    """The version of the pack's release: unique for each promotion, whatever else the pack holds."""
    return f"{context.approved.package_version}+promo-{context.promotion.pk}"


def release_pack(context: StepContext) -> Wait | None:
    """Operation 18, unless an earlier try released it although its answer was lost.

    :raises PromotionError: RELEASE_FAILED, PACK_NOT_FOUND.
    """
    pack, package = _pack_and_package(context)
    version = release_version(context)
    if pack.released_version == version or _is_released(pack, package):
        release = Release(version, "SUCCESS", package_id=pack.released_package_id)
    else:
        try:
            release = _release(context, pack, package, version)
        except PromotionError as error:
            # While a release whose answer was lost goes on, another one is refused.
            polls = context.step_run.polls + 1
            if error.code != "RELEASE_FAILED" or not _may_go_on(context) or polls > RELEASE_LOOKS:
                raise
            context.note(f"Looking for the release (look {polls})", polls=polls)
            return Wait(RELEASE_POLL, "An earlier release may be going on.")
    context.record(release_id=release.release_id, released_package_id=release.package_id)
    context.note(version, remote_id=release.release_id)
    return None


def _may_go_on(context: StepContext) -> bool:
    """Whether an earlier try may have begun a release that nobody knows of."""
    died = context.promotion.steps.filter(
        step=context.step_run.step, error_code="WORKER_LOST"
    ).exists()
    return died or context.step_run.tries > 1


def _release(
    context: StepContext, pack: RemotePack, package: PackagedComponent, version: str
) -> Release:
    try:
        release = context.client.release_integration_pack(
            pack.pack_id, package=package, version=version, notes=mark(context.promotion)
        )
    except AnswerLost:
        again = _remote_pack(context)
        if again.released_version != version and not _is_released(again, package):
            raise
        return Release(version, "SUCCESS", package_id=again.released_package_id)
    except NotFound as error:
        raise PromotionError("PACK_NOT_FOUND", error.message) from error
    except NeedsPerson as error:
        if passes(error):
            raise
        raise PromotionError("RELEASE_FAILED", error.message) from error
    return _checked(release)


def _is_released(pack: RemotePack, package: PackagedComponent) -> bool:
    return any(
        entry.component_id == package.component_id
        and entry.current_version == package.package_version
        for entry in pack.entries
    )


def _checked(release: Release) -> Release:
    if release.state == "ERROR":
        raise PromotionError("RELEASE_FAILED", release.message)
    return release


def await_release(context: StepContext) -> Wait | None:
    """The release's own status, where the platform releases in the background.

    One that is scheduled waits for its day; one that never ends does not hold the promotion forever.

    :raises PromotionError: RELEASE_FAILED, RELEASE_TIMEOUT.
    """
    promotion = context.promotion
    # A release that was found done, and not answered, has only our own name for it.
    is_known_done = promotion.release_id == release_version(context)
    if is_known_done or not context.client.capabilities.releases_asynchronously:
        _remember_release(context)
        return None
    release = _checked(context.client.get_release(promotion.release_id))
    if release.is_running:
        soon = context.soon(RELEASE_POLL)
        if soon is not None:
            context.note(release.state)
            return Wait(soon, f"The release is {release.state}.")
        polls = context.step_run.polls + 1
        waited = (timezone.now() - context.step_run.started_at).total_seconds()
        if release.state != "SCHEDULED" and waited > scaled(RELEASE_PATIENCE):
            raise PromotionError("RELEASE_TIMEOUT", f"It is {release.state}.")
        context.note(f"{release.state} (look {polls})", polls=polls)
        pause = RELEASE_POLL if polls < RELEASE_LOOKS else SLOW_RELEASE_POLL
        return Wait(pause, f"The release is {release.state}.")
    _remember_release(context)
    return None


def _remember_release(context: StepContext) -> None:
    pack = IntegrationPack.objects.filter(pack_id=_pack_id(context)).first()
    if pack is None:
        return  # an admin has removed the row; the next synchronisation brings it back
    PackRelease.objects.update_or_create(
        pack=pack,
        prod_component_id=root_prod_id(context.promotion),
        defaults={
            "package_version": context.approved.package_version,
            "released_at": timezone.now(),
        },
    )


def deploy(context: StepContext) -> Wait | None:
    """Operation 8 once for each target environment, but for those that the release reaches by itself.

    Environments do not depend on one another: every one is tried, and a retry takes up those that failed. Where an
    instance of the pack is attached, the package would run twice if it were deployed as well. An environment to which
    a newer version has come while this one waited keeps that; while another version is on its way,
    this one waits.

    :raises PromotionError: DEPLOY_FAILED, with the name of each environment that failed and why; NO_ENVIRONMENT when
        every environment has been left out.
    """
    promotion = context.promotion
    approved = {
        environment.environment_id: environment for environment in context.approved.environments
    }
    attached = frozenset(context.client.query_pack_environments(_pack_id(context)))
    package_id = _package_to_deploy(context)
    try:
        with context.writing():
            promotion.deployments.outstanding().update(sending=root_prod_id(promotion).lower())
    except IntegrityError:
        why = "Another version of the process is on its way to one of the environments."
        return Wait(TURN_POLL, why, HoldKind.TURN)
    outstanding = list(promotion.deployments.outstanding().select_related("environment"))
    newer = premises.newer_versions(promotion.origin, [row.environment for row in outstanding])
    sending: list[tuple[Deployment, ApprovedEnvironment]] = []
    for deployment in outstanding:
        environment = approved.get(deployment.platform_id)
        if environment is None:
            raise PromotionError(
                "APPROVAL_MISSING", f"For the environment “{deployment.environment}”."
            )
        if not deployment.environment.is_active:
            _drop(context, deployment, "It was switched off after the approval.")
        elif environment.environment_id in attached:
            _reached(context, deployment)
        elif version := newer.get(deployment.environment):
            _drop(context, deployment, f"It has the newer version {version}.")
        else:
            sending.append((deployment, environment))
    _deploy(context, package_id, sending)
    reached = promotion.deployments.filter(deployed_at__isnull=False)
    names = list(reached.values_list("environment__name", flat=True))
    if not names:
        raise PromotionError("NO_ENVIRONMENT")
    context.note(", ".join(names))
    return None


def _package_to_deploy(context: StepContext) -> str:
    """The package of operation 7, or the pack's newest release that has it.

    A release of somebody else's that came after a failure of ours holds our package, too; ours would take theirs back.
    """
    promotion = context.promotion.origin
    if not context.client.capabilities.deploys_released_package:
        return promotion.prod_package_id
    pack, package = _pack_and_package(context)
    is_newest = pack.released_package_id and _is_released(pack, package)
    return pack.released_package_id if is_newest else promotion.released_package_id


def _drop(context: StepContext, deployment: Deployment, why: str) -> None:
    """Leave out an environment that no longer takes part, and say why."""
    with context.writing():
        Deployment.objects.filter(pk=deployment.pk).update(
            dropped_at=timezone.now(), note=why, sending=""
        )
        record_event(
            "environment_dropped",
            promotion=context.promotion,
            subject=deployment.environment.name,
            note=why,
        )


def _deployment_failed(context: StepContext, deployment: Deployment, error: PromotionError) -> None:
    with context.writing():
        Deployment.objects.filter(pk=deployment.pk).update(
            error_code=error.code, error=error.detail, sending=""
        )


def _reached(context: StepContext, deployment: Deployment) -> None:
    pack = context.approved.pack_name
    note = (
        f"Reached through the pack “{pack}”, which is installed there; nothing else was deployed."
    )
    with context.writing():
        Deployment.objects.filter(pk=deployment.pk).update(
            deployed_at=timezone.now(), note=note, error_code="", error="", sending=""
        )


def _deploy(
    context: StepContext, package_id: str, sending: list[tuple[Deployment, ApprovedEnvironment]]
) -> None:
    """Deploy to these at once, and record each as soon as it is answered.

    :raises PartnerApiError: trouble that passes.
    :raises PromotionError: DEPLOY_FAILED.
    """
    listeners = "PAUSED" if context.approved.pause_listeners else None
    calls = [
        partial(
            _send_deployment,
            context.client,
            environment.environment_id,
            package_id,
            notes=mark(context.promotion),
            listener_status=listeners,
        )
        for _, environment in sending
    ]
    failed: dict[int, str] = {}
    waits: list[PartnerApiError] = []
    with closing(context.client.as_they_come(calls)) as answered:
        for number, answer in answered:
            deployment, environment = sending[number]
            context.note(environment.name)
            if isinstance(answer, str):
                with context.writing():
                    Deployment.objects.filter(pk=deployment.pk).update(
                        remote_id=answer,
                        deployed_at=timezone.now(),
                        error_code="",
                        error="",
                        sending="",
                    )
            elif isinstance(answer, NeedsPerson) and not passes(answer):
                error = PromotionError("DEPLOY_FAILED", answer.message)
                _deployment_failed(context, deployment, error)
                failed[number] = f"{environment.name}: {error.detail}"
            else:
                waits.append(answer)
    if waits:
        raise waits[0]
    if failed:
        raise PromotionError("DEPLOY_FAILED", " ".join(failed[n] for n in sorted(failed)))


def _send_deployment(
    client: PartnerApiClient,
    environment_id: str,
    package_id: str,
    *,
    notes: str,
    listener_status: str | None,
) -> str:
    """Deploy to one environment, unless the package is deployed there.

    :returns: the deployment's id, as far as it is told.
    """
    for known in client.query_deployed_packages(
        environment_id=environment_id, package_id=package_id
    ):
        if known.active:
            return known.deployment_id
    try:
        deployed = client.create_deployed_package(
            environment_id, package_id, notes=notes, listener_status=listener_status
        )
    except AlreadyExists:
        return ""
    return deployed.deployment_id


def finish(context: StepContext) -> Wait | None:
    """Deployed."""
    context.move(Status.DEPLOYED, next_attempt_at=None, deployed_at=timezone.now())
    return None
