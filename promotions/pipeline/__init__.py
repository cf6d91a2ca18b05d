"""Carries a promotion from queued to deployed, one recorded step after the other."""
