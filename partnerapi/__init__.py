"""Speaks Boomi's Partner API; knows nothing of Django or of promotions."""
