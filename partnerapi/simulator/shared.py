"""What both dialects have with the same bodies: reads and supporting queries."""

from collections.abc import Iterable

from partnerapi.simulator import components, objects
from partnerapi.simulator.routing import Routes
from partnerapi.simulator.wire import XML, Answer, Fields, Request

routes = Routes()


@routes.on("GET", "Component/<id>", 1, "GET Component", accepts=(XML,))
def get_component(request: Request) -> Answer:
    """Operation 1, also with ``~{branchId}`` and ``~{version}``."""
    component, version = components.find(request.account, request.groups["id"])
    return Answer(body=components.document(request.account, component, version))


@routes.get("ComponentMetadata", 5)
def metadata_of(request: Request, reference: str) -> Fields:
    """Operation 5. A deleted component still has metadata, which says so."""
    component, version = components.find(request.account, reference)
    return components.metadata(request.account, component, version)


@routes.query("ComponentMetadata")
def metadata_rows(request: Request) -> Iterable[Fields]:
    return objects.metadata_rows(request.account)


@routes.query("Environment")
def environments(request: Request) -> Iterable[Fields]:
    return map(objects.environment_fields, request.account.environments.values())


@routes.query("DeployedPackage")
def deployments(request: Request) -> Iterable[Fields]:
    return map(objects.deployment_fields, request.account.deployments.values())


@routes.query("Account")
def accounts(request: Request) -> Iterable[Fields]:
    """The accounts that belong to the primary one."""
    return [
        objects.account_fields(account)
        for account in request.world.accounts.values()
        if account.id != request.world.primary_id
    ]


@routes.query("Atom")
def runtimes(request: Request) -> Iterable[Fields]:
    """The platform calls every runtime an Atom here."""
    return map(objects.runtime_fields, request.account.runtimes.values())


@routes.query("EnvironmentAtomAttachment")
def runtime_attachments(request: Request) -> Iterable[Fields]:
    """Which runtimes are attached to which environments: without one nothing runs there."""
    for runtime in request.account.runtimes.values():
        for environment_id in runtime.environment_ids:
            yield objects.runtime_attachment_fields(runtime, environment_id)
