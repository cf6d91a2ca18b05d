"""Events about people and groups: sign-ins, and every change of access rights.

Events name a person only by key, so that the name can be erased without changing the history. The name typed at a
failed sign-in is not kept either: sometimes it is a password.
"""

from __future__ import annotations

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from ..models import Event
from ..transitions import of_person, record_event
from .acting import acting_person

# What is recorded about a person, and the event for each way that it can change.
STANDING = {
    "is_active": ("person_switched_on", "person_switched_off"),
    "is_staff": ("staff_given", "staff_taken"),
    "is_superuser": ("superuser_given", "superuser_taken"),
}


def _record(action: str, *, subject: str, note: str = "", actor: User | None = None) -> Event:
    return record_event(action, actor=actor or acting_person(), subject=subject, note=note)


# --- Signing in ------------------------------------------------------------------------------


@receiver(user_logged_in)
def signed_in(user: User, **kwargs: Any) -> None:
    record_event("signed_in", actor=user, subject=of_person(user))


@receiver(user_logged_out)
def signed_out(user: User | None, **kwargs: Any) -> None:
    if user is not None:
        record_event("signed_out", actor=user, subject=of_person(user))


@receiver(user_login_failed)
def sign_in_failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Not recorded while the name is locked for the address, so that guessing cannot flood the history."""
    if request is not None and AxesProxyHandler.is_locked(request, credentials):
        return
    name = credentials.get("username")
    known = get_user_model().objects.filter(username=name).first() if name else None
    record_event("sign_in_failed", subject=of_person(known) if known else "an unknown name")


# --- People ----------------------------------------------------------------------------------


@receiver(pre_save, sender=User)
def look_before(instance: User, raw: bool, **kwargs: Any) -> None:
    """Keep what is stored, for comparison after the write."""
    stored = None if raw or instance.pk is None else User.objects.filter(pk=instance.pk).first()
    setattr(instance, "_stored", stored)  # noqa: B010 (the type has no such attribute)


@receiver(post_save, sender=User)
def person_saved(
    instance: User, created: bool, raw: bool, update_fields: Any = None, **kwargs: Any
) -> None:
    if raw:
        return
    stored: User | None = getattr(instance, "_stored", None)
    subject = of_person(instance)
    if created:
        _record("person_added", subject=subject)
    elif stored is not None and _has_new_password(stored, instance, update_fields):
        _record("password_changed", subject=subject)
    for name, (given, taken) in STANDING.items():
        before = getattr(stored, name) if stored is not None else name == "is_active"
        now = getattr(instance, name)
        # With update_fields only some columns are written.
        if before != now and (update_fields is None or name in update_fields):
            _record(given if now else taken, subject=subject)


def _has_new_password(stored: User, user: User, update_fields: Any) -> bool:
    """Whether a new password was set; a sign-in that only renews the hash saves that column alone."""
    if stored.password == user.password or not (
        update_fields is None or "password" in update_fields
    ):
        return False
    is_upgrade = set(update_fields or ()) == {"password"} and not getattr(user, "_password", None)
    return not is_upgrade


@receiver(post_delete, sender=User)
def person_deleted(instance: User, **kwargs: Any) -> None:
    _record("person_deleted", subject=of_person(instance))


# --- Groups and permissions ------------------------------------------------------------------


@receiver(m2m_changed, sender=User.groups.through)
def groups_changed(
    instance: Model, action: str, reverse: bool, pk_set: set[Any] | None, **kwargs: Any
) -> None:
    """A person's groups have changed, from whichever side of the relation."""
    changes = _changes(instance, action, pk_set, "user_set" if reverse else "groups")
    if changes is None:
        return
    verb, keys = changes
    if isinstance(instance, User):
        names = Group.objects.filter(pk__in=keys).order_by("name").values_list("name", flat=True)
        note = f"{verb}: {', '.join(names)}"
        _record("person_groups_changed", subject=of_person(instance), note=note)
    else:
        for user in User.objects.filter(pk__in=keys).order_by("pk"):
            _record("person_groups_changed", subject=of_person(user), note=f"{verb}: {instance}")


def permissions_changed(
    instance: Model, action: str, reverse: bool, pk_set: set[Any] | None, **kwargs: Any
) -> None:
    if reverse or not isinstance(instance, User | Group):
        return
    name = "user_permissions" if isinstance(instance, User) else "permissions"
    changes = _changes(instance, action, pk_set, name)
    if changes is None:
        return
    verb, keys = changes
    codes = Permission.objects.filter(pk__in=keys).order_by("codename")
    note = f"{verb}: {', '.join(codes.values_list('codename', flat=True))}"
    if isinstance(instance, User):
        _record("person_permissions_changed", subject=of_person(instance), note=note)
    else:
        _record("group_permissions_changed", subject=f"group {instance}", note=note)


for _through in (User.user_permissions.through, Group.permissions.through):
    m2m_changed.connect(permissions_changed, sender=_through)


def _changes(
    instance: Model, action: str, pk_set: set[Any] | None, name: str
) -> tuple[str, set[Any]] | None:
    """What was just added or removed; clearing names no keys, so those are looked up before."""
    if action == "pre_clear":
        keys: set[Any] = set(getattr(instance, name).values_list("pk", flat=True))
        return ("removed", keys) if keys else None
    verbs: dict[str, str] = {"post_add": "added", "post_remove": "removed"}
    return (verbs[action], pk_set) if action in verbs and pk_set else None


@receiver(post_save, sender=Group)
def group_added(instance: Group, created: bool, raw: bool, **kwargs: Any) -> None:
    if created and not raw:
        _record("group_added", subject=f"group {instance}")


@receiver(post_delete, sender=Group)
def group_deleted(instance: Group, **kwargs: Any) -> None:
    _record("group_deleted", subject=f"group {instance}")


@receiver(pre_save, sender=Group)
def group_renamed(instance: Group, raw: bool, **kwargs: Any) -> None:
    stored = None if raw or instance.pk is None else Group.objects.filter(pk=instance.pk).first()
    if stored is not None and stored.name != instance.name:
        _record("group_renamed", subject=f"group {stored}", note=f"{stored} → {instance}")
