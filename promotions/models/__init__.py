"""The things of the system, and the invariants that the database holds for them."""

from .accounts import DevAccount, DevAccountAccess, DevPackage, PackageListing
from .base import LONG_NAME, NAME, Leased
from .history import ApiCall, AppendOnlyError, Event
from .jobs import Job
from .mappings import ComponentMapping
from .plans import Acceptance, Blob, Finding, Plan, PlannedComponent
from .production import Environment, IntegrationPack, PackRelease
from .promotions import (
    ComponentResult,
    Deployment,
    PromotionBranch,
    PromotionRequest,
    Reservation,
    StepRun,
    Turn,
)

__all__ = [
    "Acceptance",
    "ApiCall",
    "AppendOnlyError",
    "Blob",
    "ComponentMapping",
    "ComponentResult",
    "Deployment",
    "DevAccount",
    "DevAccountAccess",
    "DevPackage",
    "Environment",
    "Event",
    "Finding",
    "IntegrationPack",
    "Job",
    "LONG_NAME",
    "Leased",
    "NAME",
    "PackRelease",
    "PackageListing",
    "Plan",
    "PlannedComponent",
    "PromotionBranch",
    "PromotionRequest",
    "Reservation",
    "StepRun",
    "Turn",
]
