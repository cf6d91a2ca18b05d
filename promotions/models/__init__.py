"""The rows of the system, and the invariants that the database enforces on them."""

from .accounts import DevAccount, DevAccountAccess, DevPackage, PackageListing
from .approved import (
    APPROVED_VERSION,
    ApprovalLapsed,
    Approved,
    ApprovedEnvironment,
    ApprovedFinding,
    ApprovedPackage,
)
from .asks import Ask
from .base import LONG_NAME, NAME, NO_HOLD, Hold, Leased
from .checklists import DoneTask
from .contents import Content
from .demand import Demand, GroupDemand
from .history import ApiCall, AppendOnlyError, Event, Seal
from .installation import Installation, PrimaryAccount, current_primary_account
from .jobs import Job
from .mappings import ComponentMapping
from .outbox import Channel, Delivery, Message, MessageKind, MessagePreference, kind_of
from .packages import ProductionPackage, SourcePackage
from .people import GivenPermission, Identity
from .plans import Acceptance, Finding, Plan, PlannedComponent, PlanPackage
from .policies import Deputy, PolicyGroup, ReviewPolicy
from .production import Environment, IntegrationPack, PackRelease
from .promotions import (
    Approval,
    ComponentResult,
    Deployment,
    PromotedPackage,
    PromotionBranch,
    PromotionPackage,
    PromotionRequest,
    Reservation,
    StepRun,
    Turn,
)
from .readings import Reading
from .reviews import Comment, Viewed
from .rules import RuleOverride
from .uses import ComponentUses

__all__ = [
    "Ask",
    "Acceptance",
    "ApiCall",
    "AppendOnlyError",
    "APPROVED_VERSION",
    "Approval",
    "ApprovalLapsed",
    "Approved",
    "Channel",
    "Delivery",
    "Message",
    "MessageKind",
    "MessagePreference",
    "kind_of",
    "ApprovedEnvironment",
    "ApprovedFinding",
    "ApprovedPackage",
    "Comment",
    "ComponentMapping",
    "ComponentResult",
    "ComponentUses",
    "Demand",
    "Deployment",
    "Deputy",
    "Content",
    "DevAccount",
    "DevAccountAccess",
    "DevPackage",
    "DoneTask",
    "Environment",
    "Event",
    "Finding",
    "GivenPermission",
    "GroupDemand",
    "Hold",
    "Identity",
    "Installation",
    "IntegrationPack",
    "Job",
    "LONG_NAME",
    "Leased",
    "NAME",
    "NO_HOLD",
    "PackRelease",
    "PackageListing",
    "Plan",
    "PlanPackage",
    "PlannedComponent",
    "PolicyGroup",
    "PrimaryAccount",
    "ProductionPackage",
    "PromotedPackage",
    "PromotionBranch",
    "PromotionPackage",
    "PromotionRequest",
    "Reading",
    "Reservation",
    "ReviewPolicy",
    "RuleOverride",
    "Seal",
    "SourcePackage",
    "StepRun",
    "Turn",
    "Viewed",
    "current_primary_account",
]
