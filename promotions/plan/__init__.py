"""The plan: resolve, order, classify, findings, hash."""

from .build import build_plan, content_hash, deployed_hash
from .rules import RULES_VERSION, check_rules

__all__ = ["RULES_VERSION", "build_plan", "check_rules", "content_hash", "deployed_hash"]
