"""Promotions of packaged components from dev sub-accounts to the primary account."""
