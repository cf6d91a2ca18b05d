"""Steps after the merge, where the only way is forward: package (7), pack (9, 16, 17), release (18), deploy (8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import AlreadyExists, AnswerLost, NeedsPerson, NotFound, PartnerApiError
from partnerapi.records import ComponentMetadata, PackagedComponent, Release
from partnerapi.records import IntegrationPack as RemotePack

from ..messages import PromotionError
from ..models import (
    ApprovalLapsed,
    ApprovedEnvironment,
    ComponentResult,
    Deployment,
    IntegrationPack,
    PackRelease,
    PromotionPackage,
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
from .merge import contents_on_main, demand_approval
from .packages import Part, each, failure, going_on, packs, parts

PACK_LIMIT = 100  # published: packages in one pack
RELEASE_LOOKS = 60
RELEASE_PATIENCE = 24 * 3600.0  # seconds that a release may go on: it installs at every account
SLOW_RELEASE_POLL = 60.0


def delete_branch(context: StepContext) -> Wait | None:
    """Operation 15, as soon as MERGED is recorded. A failure does not hold up the deployment: it is tried again."""
    for branch in context.promotion.branches.filter(deleted_at__isnull=True):
        try:
            cleanup.delete_now(context.client, branch)
        except PartnerApiError as error:
            context.note(f"{branch.name} could not be deleted yet: {error.message}")
        else:
            context.note(f"{branch.name} is deleted")
    return None


def mark(promotion: PromotionRequest) -> str:
    """Put into the package's notes, so that a package made before a lost answer is recognised as ours."""
    return f"Promotion Desk {promotion.pk}-{promotion.content_hash[:12]}"


def create_package(context: StepContext) -> Wait | None:
    """Operation 7 from main, shareable, after checking whether it already exists (operation 6).

    :raises PromotionError: PACKAGE_VERSION_EXISTS, PRODUCTION_CHANGED.
    """
    made = [[part] for part in going_on(context) if not part.row.prod_package_id]
    return each(context, made, _package)


def _package(group: Sequence[Part]) -> None:
    (part,) = group
    context = part.context
    expected = _expected_on_main(part)
    found, on_main = context.client.both(
        _package_query(part),
        lambda: metadata_of_many(context.client, [r.prod_component_id for r, _ in expected]),
    )
    package = _known(part, found)
    if package is None:
        _check_main(context, expected, on_main)
        package = _create_package(part)
    part.record(prod_package_id=package.package_id)
    PromotionRequest.objects.look_again(HoldKind.TURN)
    context.note(f"Version {package.package_version}", remote_id=package.package_id)


Versions = list[tuple[ComponentResult, int]]


def _expected_on_main(part: Part) -> Versions:
    """The results that are packaged along, and the versions on main that were merged or approved as they are."""
    expected: Versions = []
    promotion = part.context.promotion
    held = promotion.results.filter(
        component__dev_component_id__in=promotion.plan.held_by(part.row.planned)
    )
    for result in held.select_related("component"):
        merged = result.merged_version
        if result.component.action == Action.UNCHANGED:
            merged = result.component.prod_version
        if merged is not None:
            expected.append((result, merged))
    return expected


def _check_main(
    context: StepContext, expected: Versions, on_main: Mapping[str, ComponentMetadata | None]
) -> None:
    """What is packaged must be what was merged; a retry's own approval accepts what differs.

    :param on_main: by production id in lower case.
    :raises PromotionError: PRODUCTION_CHANGED.
    """
    changed = []
    unmoved: Versions = []
    for result, merged in expected:
        twin = on_main[result.prod_component_id.lower()]
        version = twin.version if twin else None
        if version != merged:
            now = f"at version {version}" if version else "deleted"
            changed.append(f"“{result.component.name}” is {now} in production, not at {merged}.")
        else:
            unmoved.append((result, merged))
    for result in _not_what_was_staged(context, unmoved):
        changed.append(f"“{result.component.name}” in production is not what was staged.")
    told = " ".join(changed)
    if told and told not in context.approved.production_changes.split("\n"):
        raise PromotionError("PRODUCTION_CHANGED", told)


def _not_what_was_staged(context: StepContext, expected: Versions) -> Iterator[ComponentResult]:
    """Where the platform told the merge by its versions, what is packaged is read here, once."""
    if not context.client.capabilities.reports_merge_details:
        return
    written = [result for result, _ in expected if result.component.action != Action.UNCHANGED]
    same = contents_on_main(context.client, written)
    yield from (result for result in written if result.pk not in same)


def _package_query(part: Part) -> Callable[[], list[PackagedComponent]]:
    """Asks for the packages of the promotion's version; safe in a thread."""
    component_id, version = part.root_prod_id, part.approved.package_version
    return lambda: list(
        part.context.client.query_packaged_components(
            component_id=component_id, package_version=version
        )
    )


def _known(part: Part, found: Iterable[PackagedComponent]) -> PackagedComponent | None:
    """Ours among the packages of the promotion's version.

    :raises PromotionError: PACKAGE_VERSION_EXISTS.
    """
    for package in found:
        if mark(part.context.promotion.origin) in package.notes:
            return package
        raise PromotionError("PACKAGE_VERSION_EXISTS", part.approved.package_version)
    return None


def _create_package(part: Part) -> PackagedComponent:
    context = part.context
    # The mark comes first: it must be there, however much of the notes is kept.
    notes = "\n".join(
        part for part in (mark(context.promotion), context.approved.notes[:200]) if part
    )
    try:
        return context.client.create_packaged_component(
            part.root_prod_id,
            package_version=part.approved.package_version,
            notes=notes,
            branch_name="main",
        )
    except AlreadyExists as error:
        raise PromotionError("PACKAGE_VERSION_EXISTS", error.message) from error


def _ours(part: Part, found: Iterable[PackagedComponent]) -> PackagedComponent:
    package = _known(part, found)
    if package is None:
        raise PromotionError("PACKAGE_NOT_FOUND", part.approved.package_version)
    return package


def check_package(context: StepContext) -> Wait | None:
    """What is deployed to further environments is there, and none of them has come to a newer version (operation 6).

    :raises PromotionError: PACKAGE_NOT_FOUND, NEWER_IS_DEPLOYED, APPROVAL_MISSING, SWITCHED_OFF.
    """
    promotion = context.promotion
    demand_approval(context)
    (part,) = parts(context)
    package = _ours(part, _package_query(part)())
    if package.package_id != context.approved.package_id:
        raise PromotionError(
            "APPROVAL_MISSING", f"The package {package.package_id} is not what was approved."
        )
    premises.check_no_newer(promotion.made, premises.environments_of(promotion))
    context.note(f"Version {package.package_version}", remote_id=package.package_id)
    return None


def ensure_pack(context: StepContext) -> Wait | None:
    """The pack that the admin chose (operation 16), or a new one under the chosen name (operation 9).

    :raises PromotionError: PACK_NOT_FOUND; PACK_EXISTS when somebody else has made a pack of that name meanwhile.
    """
    known = context.client.query_integration_packs()
    return each(context, packs(context), partial(_ensure_pack, known))


def _ensure_pack(known: Iterable[RemotePack], group: Sequence[Part]) -> None:
    context, approved = group[0].context, group[0].approved
    if approved.pack_id:
        if not any(pack.pack_id == approved.pack_id for pack in known):
            raise PromotionError("PACK_NOT_FOUND", approved.pack_name)
        context.note(approved.pack_name, remote_id=approved.pack_id)
        return
    remote = _pack_named(known, group[0])
    if remote is None:
        remote = context.client.create_integration_pack(
            approved.pack_name, f"Made by {mark(context.promotion)}"
        )
    pack, _ = IntegrationPack.objects.update_or_create(
        pack_id=remote.pack_id, defaults={"name": remote.name, "description": remote.description}
    )
    for part in group:
        part.record(pack=pack, made_pack_id=remote.pack_id)
    context.note(f"{pack.name} (new)", remote_id=pack.pack_id)


def _pack_named(known: Iterable[RemotePack], part: Part) -> RemotePack | None:
    """The pack of the new pack's name that an earlier try of this promotion has made.

    :raises PromotionError: PACK_EXISTS when the pack of that name is somebody else's, whatever it is for.
    """
    wanted = part.approved.pack_name.casefold()
    named = next((pack for pack in known if pack.name.casefold() == wanted), None)
    if named is None or mark(part.context.promotion) in named.description:
        return named
    # Approved under the same new name before either was merged: whoever came first has made it for both.
    made_by_us = any(
        rows.filter(made_pack_id=named.pack_id, new_pack_name__iexact=named.name).exists()
        for rows in (PromotionRequest.objects, PromotionPackage.objects)
    )
    for_production = IntegrationPack.objects.for_production().filter(pack_id=named.pack_id)
    if made_by_us and for_production.exists():
        return named
    raise PromotionError("PACK_EXISTS", f"“{named.name}”.")


def check_pack(context: StepContext) -> Wait | None:
    """Whether the chosen pack can take the package, before anything is merged (operation 16).

    A pack that has disappeared does not matter yet: after the merge another one can be chosen.

    :raises PromotionError: PACK_EXISTS, PACK_FULL, PACK_PENDING, SWITCHED_OFF (it is no longer for production).
    """
    packs_known = context.client.query_integration_packs()
    waits = [_check_pack(packs_known, group) for group in packs(context)]
    return next((wait for wait in waits if wait), None)


def _check_pack(known_packs: Iterable[RemotePack], group: Sequence[Part]) -> Wait | None:
    context = group[0].context
    chosen = group[0].approved.pack_id
    if not chosen:
        _pack_named(known_packs, group[0])
        return None
    known = IntegrationPack.objects.filter(pack_id=chosen).first()
    if (
        known is not None
        and not IntegrationPack.objects.for_production().filter(pk=known.pk).exists()
    ):
        raise PromotionError("SWITCHED_OFF", f"The Integration Pack “{known}”.")
    pack = next((pack for pack in known_packs if pack.pack_id == chosen), None)
    if pack is None:
        return None
    roots = {part.root_prod_id for part in group}
    added = roots - {entry.component_id for entry in pack.entries}
    if added and len(pack.entries) + len(added) > PACK_LIMIT:
        raise PromotionError("PACK_FULL", f"“{pack.name}” holds {len(pack.entries)} packages.")
    # What waits of our own processes is replaced by what we add.
    pending = [
        e
        for e in pack.entries
        if (e.pending_version or e.deletion_pending) and e.component_id not in roots
    ]
    if not pending:
        return None
    other = _releasing(context.promotion, group[0].approved.pack_name)
    if other is not None:
        why = f"Promotion {other.pk} is releasing the same pack."
        return Wait(TURN_POLL, why, HoldKind.TURN)
    names = ", ".join(f"“{entry.name or entry.component_id}”" for entry in pending[:10])
    raise PromotionError("PACK_PENDING", f"“{pack.name}” has {names} waiting for a release.")


def _releasing(promotion: PromotionRequest, pack_name: str) -> PromotionRequest | None:
    """Another promotion into the same pack that is past its merge and not done."""
    going_in = PromotionRequest.objects.going_into_packs([pack_name])
    return going_in.filter(merged_at__isnull=False).exclude(pk=promotion.pk).first()


def _remote_pack(part: Part) -> RemotePack:
    return _chosen(part, part.context.client.query_integration_packs())


def _pack_and_packages(group: Sequence[Part]) -> tuple[RemotePack, list[PackagedComponent]]:
    """The pack and our packages in it, read at once.

    :raises PromotionError: PACK_NOT_FOUND, PACKAGE_NOT_FOUND.
    """
    client = group[0].context.client
    queries = [_package_query(part) for part in group]
    known, found = client.both(
        client.query_integration_packs, lambda: [query() for query in queries]
    )
    packages = [_ours(part, of_part) for part, of_part in zip(group, found, strict=True)]
    return _chosen(group[0], known), packages


def _chosen(part: Part, known: Iterable[RemotePack]) -> RemotePack:
    for pack in known:
        if pack.pack_id == part.pack_id:
            return pack
    raise PromotionError("PACK_NOT_FOUND", part.approved.pack_name)


def add_to_pack(context: StepContext) -> Wait | None:
    """Operation 17; the pack's other content stays as it is.

    :raises PromotionError: PACK_NOT_FOUND.
    """
    return each(context, _unreleased(context), _add_to_pack)


def _unreleased(context: StepContext) -> list[list[Part]]:
    """By pack, what a release has still to bring."""
    left = [[part for part in group if not part.row.release_id] for group in packs(context)]
    return [group for group in left if group]


def _add_to_pack(group: Sequence[Part]) -> None:
    context = group[0].context
    pack, packages = _pack_and_packages(group)
    for package in packages:
        if any(
            _holds(entry.package_id, entry.pending_version, entry.component_id, package)
            for entry in pack.entries
        ):
            continue
        try:
            context.client.add_to_integration_pack(pack.pack_id, package)
        except NotFound as error:
            raise PromotionError("PACK_NOT_FOUND", error.message) from error
    context.note(f"{pack.name}: {counted(max(len(pack.entries), len(packages)), 'package')}")


def _holds(
    package_id: str, pending_version: str, component_id: str, package: PackagedComponent
) -> bool:
    if package_id:
        return package_id == package.package_id
    return component_id == package.component_id and pending_version == package.package_version


def release_version(part: Part) -> str:
    """The version of the pack's release: unique for each promotion, whatever else the pack holds.

    :param part: the first of the packages that it brings.
    """
    promotion = part.context.promotion
    number = promotion.packages.index(part.row)
    which = f".{number}" if number else ""
    return f"{part.approved.package_version}+promo-{promotion.pk}{which}"


def release_pack(context: StepContext) -> Wait | None:
    """Operation 18, unless an earlier attempt released it although its answer was lost.

    :raises PromotionError: RELEASE_FAILED, PACK_NOT_FOUND.
    """
    return each(context, _unreleased(context), _release_pack)


def _release_pack(group: Sequence[Part]) -> Wait | None:
    context = group[0].context
    pack, packages = _pack_and_packages(group)
    version = release_version(group[0])
    if pack.released_version == version or _are_released(pack, packages):
        release = Release(version, "SUCCESS", package_id=pack.released_package_id)
    else:
        try:
            release = _release(group[0], pack, packages, version)
        except PromotionError as error:
            # While a release whose answer was lost goes on, another one is refused.
            polls = context.step_run.polls + 1
            if error.code != "RELEASE_FAILED" or not _may_go_on(context) or polls > RELEASE_LOOKS:
                raise
            context.note(f"Looking for the release (look {polls})", polls=polls)
            return Wait(RELEASE_POLL, "An earlier release may be going on.")
    for part in group:
        part.record(release_id=release.release_id, released_package_id=release.package_id)
    context.note(version, remote_id=release.release_id)
    return None


def _may_go_on(context: StepContext) -> bool:
    """Whether an earlier attempt may have started a release that nobody knows about."""
    died = context.promotion.steps.filter(
        step=context.step_run.step, error_code="WORKER_LOST"
    ).exists()
    return died or context.step_run.tries > 1


def _release(
    part: Part, pack: RemotePack, packages: Sequence[PackagedComponent], version: str
) -> Release:
    client = part.context.client
    try:
        release = client.release_integration_pack(
            pack.pack_id, packages=packages, version=version, notes=mark(part.context.promotion)
        )
    except AnswerLost:
        again = _remote_pack(part)
        if again.released_version != version and not _are_released(again, packages):
            raise
        return Release(version, "SUCCESS", package_id=again.released_package_id)
    except NotFound as error:
        raise PromotionError("PACK_NOT_FOUND", error.message) from error
    except NeedsPerson as error:
        if passes(error):
            raise
        raise PromotionError("RELEASE_FAILED", error.message) from error
    return _checked(release)


def _are_released(pack: RemotePack, packages: Iterable[PackagedComponent]) -> bool:
    released = {(entry.component_id, entry.current_version) for entry in pack.entries}
    return all((one.component_id, one.package_version) in released for one in packages)


def _checked(release: Release) -> Release:
    if release.state == "ERROR":
        raise PromotionError("RELEASE_FAILED", release.message)
    return release


def await_release(context: StepContext) -> Wait | None:
    """The release's own status, if the platform releases in the background.

    A scheduled release waits for its day; one that never ends does not hold the promotion forever.

    :raises PromotionError: RELEASE_FAILED, RELEASE_TIMEOUT.
    """
    releases: dict[tuple[str, str], list[Part]] = {}
    for part in going_on(context):
        releases.setdefault((part.pack_id, part.row.release_id), []).append(part)
    return each(context, list(releases.values()), _await_release)


def _await_release(group: Sequence[Part]) -> Wait | None:
    context, row = group[0].context, group[0].row
    # A release that was found done, and not answered, has only our own name for it.
    is_known_done = row.release_id == release_version(group[0])
    if is_known_done or not context.client.capabilities.releases_asynchronously:
        _remember_release(group)
        return None
    release = _checked(context.client.get_release(row.release_id))
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
    _remember_release(group)
    return None


def _remember_release(group: Sequence[Part]) -> None:
    pack = IntegrationPack.objects.filter(pack_id=group[0].pack_id).first()
    if pack is None:
        return  # an admin has removed the row; the next synchronisation brings it back
    for part in group:
        PackRelease.objects.update_or_create(
            pack=pack,
            prod_component_id=part.root_prod_id,
            defaults={
                "package_version": part.approved.package_version,
                "released_at": timezone.now(),
            },
        )


def deploy(context: StepContext) -> Wait | None:
    """Operation 8 once for each target environment, except those that the release reaches automatically.

    Environments do not depend on one another: each is tried, and a retry tries those that failed. Where an instance of
    the pack is attached, the package would run twice if it were deployed as well. An environment that got a newer
    version while this one waited keeps it.

    :raises PromotionError: DEPLOY_FAILED, with the name of each environment that failed and why; NO_ENVIRONMENT when
        every environment has been left out.
    """
    failed: list[PromotionError] = []
    waits: list[Wait] = []
    for part in going_on(context):
        try:
            wait = _deploy_package(part)
        except ApprovalLapsed:
            raise
        except PromotionError as error:
            failed.append(error)
        else:
            waits += [wait] if wait else []
    if waits:
        return waits[0]
    if failed or len(going_on(context)) < len(parts(context)):
        raise failure(context, failed)
    reached = context.promotion.deployments.filter(deployed_at__isnull=False)
    names = list(dict.fromkeys(reached.values_list("environment__name", flat=True)))
    context.note(", ".join(names))
    return None


def _deploy_package(part: Part) -> Wait | None:
    context, made = part.context, part.row
    made = made.made if isinstance(made, PromotionRequest) else made
    deployments = context.promotion.deployments.filter(package=part.package)
    if not deployments.outstanding().exists():
        _check_reached(deployments)
        return None
    approved = {
        environment.environment_id: environment for environment in context.approved.environments
    }
    attached = frozenset(context.client.query_pack_environments(part.pack_id))
    package_id = _package_to_deploy(part)
    try:
        with context.writing():
            deployments.outstanding().update(sending=part.root_prod_id.lower())
    except IntegrityError:
        why = "Another version of the process is on its way to one of the environments."
        return Wait(TURN_POLL, why, HoldKind.TURN)
    outstanding = list(deployments.outstanding().select_related("environment"))
    newer = premises.newer_versions(made, [row.environment for row in outstanding])
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
            _reached(part, deployment)
        elif version := newer.get(deployment.environment):
            _drop(context, deployment, f"It has the newer version {version}.")
        else:
            sending.append((deployment, environment))
    _deploy(part, package_id, sending)
    _check_reached(deployments)
    return None


def _check_reached(deployments: QuerySet[Deployment]) -> None:
    if not deployments.filter(deployed_at__isnull=False).exists():
        raise PromotionError("NO_ENVIRONMENT")


def _package_to_deploy(part: Part) -> str:
    """The package of operation 7, or the pack's newest release that contains it.

    Somebody else's release after a failure of ours contains our package, too; ours would undo theirs.
    """
    made = part.row.made if isinstance(part.row, PromotionRequest) else part.row
    if not part.context.client.capabilities.deploys_released_package:
        return made.prod_package_id
    pack, packages = _pack_and_packages([part])
    is_newest = pack.released_package_id and _are_released(pack, packages)
    return pack.released_package_id if is_newest else made.released_package_id


def _drop(context: StepContext, deployment: Deployment, why: str) -> None:
    """Leave out an environment that no longer takes part, and say why."""
    with context.writing():
        Deployment.objects.filter(pk=deployment.pk).update(
            dropped_at=timezone.now(), note=why, sending=""
        )
        record_event(
            "environment_dropped",
            promotion=context.promotion,
            subject=deployment.target,
            note=why,
        )


def _deployment_failed(context: StepContext, deployment: Deployment, error: PromotionError) -> None:
    with context.writing():
        Deployment.objects.filter(pk=deployment.pk).update(
            error_code=error.code, error=error.detail, sending=""
        )


def _reached(part: Part, deployment: Deployment) -> None:
    context, pack = part.context, part.approved.pack_name
    note = (
        f"Reached through the pack “{pack}”, which is installed there; nothing else was deployed."
    )
    with context.writing():
        Deployment.objects.filter(pk=deployment.pk).update(
            deployed_at=timezone.now(), note=note, error_code="", error="", sending=""
        )


def _deploy(
    part: Part, package_id: str, sending: list[tuple[Deployment, ApprovedEnvironment]]
) -> None:
    """Deploy to these at once, and record each as soon as it is answered.

    :raises PartnerApiError: passing trouble.
    :raises PromotionError: DEPLOY_FAILED.
    """
    context = part.context
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
                where = (
                    f"“{part.name}” to {environment.name}"
                    if part.is_one_of_several
                    else environment.name
                )
                failed[number] = f"{where}: {error.detail}"
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
    """Deploy to one environment, unless the package is already deployed there.

    :returns: the deployment's id, if the platform gives one.
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
