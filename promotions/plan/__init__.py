"""The plan: resolve, order, classify, findings, hash."""

from .build import build_plan, check_mappings

__all__ = ["build_plan", "check_mappings"]
