"""A row in words, so that an event can show before and after."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Field, Model

from ..models import ComponentMapping
from ..transitions import of_person


def described(row: Model) -> dict[str, str]:
    """The fields of a row in words."""
    return {
        field.name: _words(row, field)
        for field in row._meta.fields
        if field.editable and not field.primary_key
    }


def _words(row: Model, field: Field[Any, Any]) -> str:
    value = getattr(row, field.name)
    if isinstance(value, User):
        return of_person(value)
    return "" if value is None else str(value)


def named(row: Model) -> str:
    """What an event is about; a row that links people is shown without its own name, which would name them."""
    links_people = any(isinstance(getattr(row, field.name), User) for field in row._meta.fields)
    is_about_people = links_people and not isinstance(row, ComponentMapping)
    called = f"{row._meta.verbose_name} {row.pk}"
    return called if is_about_people else f"{called}: {row}"


def changes(before: dict[str, str], after: dict[str, str]) -> str:
    """One line for each field that differs, such as "name: Alpha → Beta"."""
    return "\n".join(
        f"{name}: {before.get(name, '') or '—'} → {after.get(name, '') or '—'}"
        for name in after | before
        if before.get(name, "") != after.get(name, "")
    )
