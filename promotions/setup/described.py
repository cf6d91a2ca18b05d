"""A row in words, to tell before from after in an event."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, Model


def described(row: Model) -> dict[str, str]:
    """The fields of a row in words."""
    return {
        field.name: _words(row, field)
        for field in row._meta.fields
        if field.editable and not field.primary_key
    }


def _words(row: Model, field: Field[Any, Any]) -> str:
    value = getattr(row, field.name)
    return "" if value is None else str(value)


def changes(before: dict[str, str], after: dict[str, str]) -> str:
    """One line for each field that differs, such as "name: Alpha → Beta"."""
    return "\n".join(
        f"{name}: {before.get(name, '') or '—'} → {after.get(name, '') or '—'}"
        for name in after | before
        if before.get(name, "") != after.get(name, "")
    )
