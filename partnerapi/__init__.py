"""Speaks Boomi's Partner API; knows nothing about Django or promotions."""
