"""Carries a promotion request from queued to deployed, one recorded step after the other."""
