"""What is still missing before promotions can run well: read from the database, the settings and Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.checks import ERROR, CheckMessage
from django.core.checks.registry import registry
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from .. import heartbeat
from ..access import ADMINS, CONTRIBUTORS
from ..audit.chain import last_seal
from ..models import (
    Channel,
    ComponentMapping,
    Delivery,
    DevAccount,
    DevAccountAccess,
    Environment,
    Event,
    Finding,
    IntegrationPack,
    Job,
)
from ..outbox import transports

OK, WARN, FAIL = "ok", "warn", "fail"
MISSING_MAPPINGS = "MISSING_CONNECTION_MAPPINGS"
# Older connection checks say little about today, and older plans are ignored.
CHECK_AGE = timedelta(days=7)
RECENT = timedelta(days=30)
# The sealing task runs every minute.
UNSEALED = timedelta(minutes=15)
NAMES = 8


@dataclass(frozen=True)
class Item:
    """One line of the set-up page: how it stands, what to do, and where."""

    state: str
    title: str
    detail: str = ""
    to_do: str = ""
    url: str = ""
    link: str = ""


@dataclass(frozen=True)
class Section:
    """A heading of the set-up page with its lines, worst first."""

    title: str
    items: list[Item]


def sections(reader: User) -> list[Section]:
    """Everything that the set-up page shows to its reader, worst first within each section."""
    found = [
        ("Platform", [connection(), *_accounts()]),
        ("People", list(_people(reader))),
        ("This installation", [_workers(), _messages(), *_history(), *_settings()]),
    ]
    rank = {FAIL: 0, WARN: 1, OK: 2}
    return [Section(title, sorted(items, key=lambda i: rank[i.state])) for title, items in found]


# --- Platform --------------------------------------------------------------------------------


def latest(kind: str) -> Job | None:
    """The last job of this kind that has ended."""
    return Job.objects.filter(kind=kind, finished_at__isnull=False).first()


def connection() -> Item:
    """What the last connection check found, and how long ago."""
    at = {"url": reverse("connection_check"), "link": "Connection check"}
    job = latest(Job.Kind.CONNECTION_CHECK)
    if job is None or job.finished_at is None:
        return Item(WARN, "The connection has never been checked", to_do="Run the check.", **at)
    age = f"Checked {timesince(job.finished_at)} ago."
    if job.error_code:
        return Item(FAIL, "The connection check failed", age, "Read why, and run it again.", **at)
    states = [check["state"] for check in job.result.get("checks", [])]
    if failed := states.count("fail"):
        return Item(FAIL, f"The connection check found {_count(failed, 'fault')}", age, **at)
    if timezone.now() - job.finished_at > CHECK_AGE:
        return Item(WARN, "The connection check is old", age, "Run it again.", **at)
    if warned := states.count("warn"):
        return Item(WARN, f"The connection works, with {_count(warned, 'remark')}", age, **at)
    return Item(OK, "The connection works", age, **at)


def _accounts() -> Iterator[Item]:
    accounts = DevAccount.objects.filter(is_active=True)
    yield _known(
        accounts.count(),
        "dev account",
        Item(FAIL, "No dev account is known", to_do="Synchronise with the platform, above."),
        "admin:promotions_devaccount_changelist",
    )
    environments = Environment.objects.filter(is_active=True)
    kinds = Environment.Classification
    yield _known(
        environments.filter(classification=kinds.PROD).count(),
        "production environment",
        Item(
            FAIL,
            "No production environment is known",
            "Promotions have nothing to deploy to.",
            "Synchronise with the platform, above.",
        ),
        "admin:promotions_environment_changelist",
    )
    yield _known(
        environments.filter(classification=kinds.TEST).count(),
        "test environment",
        Item(WARN, "No test environment is known", "Promotions can only go to production."),
        "admin:promotions_environment_changelist",
    )
    yield _known(
        IntegrationPack.objects.filter(is_active=True).count(),
        "Integration Pack",
        Item(WARN, "No Integration Pack is known", "An admin names a new one when approving."),
        "admin:promotions_integrationpack_changelist",
    )


def _known(count: int, noun: str, missing: Item, admin_page: str) -> Item:
    if not count:
        return missing
    return Item(OK, _count(count, noun), url=reverse(admin_page), link="Change")


def unmapped_connections() -> list[Finding]:
    """Connections that recent plans needed in production and that are still unmapped, each once."""
    found: dict[tuple[int, str], Finding] = {}
    findings = Finding.objects.filter(
        code=MISSING_MAPPINGS, plan__created_at__gte=timezone.now() - RECENT
    ).select_related("plan__dev_account", "component")
    for finding in findings.order_by("-plan__created_at", "subject_name"):
        found.setdefault((finding.plan.dev_account_id, finding.subject_id.lower()), finding)
    mapped = set(
        ComponentMapping.objects.filter(
            dev_component_id__in=[component_id for _, component_id in found]
        ).values_list("dev_account_id", "dev_component_id")
    )
    return [finding for key, finding in found.items() if key not in mapped]


# --- People ----------------------------------------------------------------------------------


def _people(reader: User) -> Iterator[Item]:
    users = {}
    if reader.has_perm("auth.view_user"):
        users = {"url": reverse("admin:auth_user_changelist"), "link": "Users"}
    missing = [n for n in (CONTRIBUTORS, ADMINS) if not Group.objects.filter(name=n).exists()]
    if missing:
        yield Item(
            FAIL,
            f"The {' and '.join(missing)} group{'' if len(missing) == 1 else 's'} "
            f"{'is' if len(missing) == 1 else 'are'} missing",
            to_do="Run manage.py setup_roles.",
        )
    active = User.objects.filter(is_active=True)
    admins = list(active.filter(Q(is_superuser=True) | Q(groups__name=ADMINS)).distinct())
    yield _admins(admins, users)
    outside = [admin for admin in admins if not admin.is_staff]
    if outside:
        yield Item(
            WARN,
            "Admins who cannot enter the admin pages",
            _names(outside),
            "Run manage.py setup_roles, or make them staff.",
            **users,
        )
    others = active.exclude(pk__in=[admin.pk for admin in admins])
    yield from _contributors(others.filter(groups__name=CONTRIBUTORS))
    roleless = others.exclude(groups__name=CONTRIBUTORS)
    if roleless:
        yield Item(
            WARN,
            f"{_count(len(roleless), 'user')} without a role",
            _names(roleless),
            f"Put them into the group {CONTRIBUTORS} or {ADMINS}, or deactivate them.",
            **users,
        )


def _admins(admins: list[User], users: dict[str, str]) -> Item:
    people = {admin.email.casefold() or admin.pk: admin for admin in admins}
    if not people:
        return Item(
            FAIL,
            "There is no admin",
            "Nobody can approve a promotion.",
            f"Put somebody into the group {ADMINS}.",
            **users,
        )
    if len(people) == 1:
        return Item(
            WARN,
            f"{_names(people.values())} is the only admin",
            "The only admin cannot approve their own promotions.",
            "Make a second person an admin.",
            **users,
        )
    return Item(OK, f"{len(people)} admins", _names(people.values()), **users)


def _contributors(contributors: Iterable[User]) -> Iterator[Item]:
    access = {
        "url": reverse("admin:promotions_devaccountaccess_changelist"),
        "link": "Dev account access",
    }
    rows = DevAccountAccess.objects.filter(is_active=True, dev_account__is_active=True)
    with_access = set(
        User.objects.filter(groups__in=rows.values("group")).values_list("pk", flat=True)
    )
    contributors = list(contributors)
    without = [user for user in contributors if user.pk not in with_access]
    if without:
        yield Item(
            WARN,
            f"{_count(len(without), 'contributor')} without access to any dev account",
            _names(without),
            "Give one of their groups access to a dev account.",
            **access,
        )
    elif contributors:
        yield Item(OK, f"{_count(len(contributors), 'contributor')} with access", **access)
    else:
        yield Item(
            WARN,
            "There is no contributor",
            "Only admins can request promotions, and nobody approves their own.",
            f"Put developers into the group {CONTRIBUTORS} and into a group of their team.",
        )
    closed = DevAccount.objects.filter(is_active=True).exclude(
        pk__in=rows.filter(group__user__is_active=True).values("dev_account")
    )
    if closed:
        yield Item(
            WARN,
            f"{_count(len(closed), 'dev account')} that no team has access to",
            _names(closed),
            "Add an access row for the team's group, or switch the account off.",
            **access,
        )


# --- This installation -----------------------------------------------------------------------


def _messages() -> Item:
    at = {"url": reverse("message_setup"), "link": "Messages"}
    channels = Channel.objects.filter(is_active=True).count()
    if not channels and not transports.mail_is_set_up():
        return Item(
            WARN,
            "Nobody is notified",
            "There is neither a mail server nor a channel, so people have to check for themselves.",
            "Set EMAIL_URL, or add a channel.",
            **at,
        )
    failed = Delivery.objects.filter(
        state=Delivery.State.FAILED, created_at__gte=timezone.now() - CHECK_AGE
    ).count()
    if failed:
        return Item(
            WARN, f"{_count(failed, 'message')} could not be delivered", to_do="Read why.", **at
        )
    mail = "by e-mail" if transports.mail_is_set_up() else "not by e-mail"
    return Item(OK, "People are notified", f"{_count(channels, 'channel')}, {mail}.", **at)


def _history() -> Iterator[Item]:
    """Shown only when something is wrong with the sealing: verifying the chain takes a command."""
    last = last_seal()
    oldest = Event.objects.filter(pk__gt=last.event_id if last else 0).order_by("pk").first()
    if oldest is not None and timezone.now() - oldest.at > UNSEALED:
        yield Item(
            WARN,
            "Events are not being sealed",
            f"The oldest unsealed one is from {timesince(oldest.at)} ago.",
            "The workers' log says why the task seal_events_task does not seal them.",
            url=reverse("history"),
            link="History",
        )


def _workers() -> Item:
    pulse = heartbeat.pulse()
    if pulse is None:
        return Item(
            FAIL,
            "Redis cannot be reached",
            "Workers get their tasks through it.",
            "Start Redis, or correct REDIS_URL.",
        )
    if pulse.is_alive:
        waiting = f"{_count(pulse.waiting, 'task')} in the queue." if pulse.waiting else ""
        return Item(OK, "Workers and beat are alive", waiting)
    last = f"Last seen {timesince(pulse.at)} ago." if pulse.at else "None has ever been seen."
    if pulse.waiting:
        return Item(FAIL, "No worker takes up tasks", last, "Start a Celery worker.")
    return Item(FAIL, "No worker or no beat is running", last, "Start a Celery worker and beat.")


def _settings() -> Iterator[Item]:
    """Our own system checks; in production also those for production."""
    problems = list(_checked())
    for problem in problems:
        state = FAIL if problem.level >= ERROR else WARN
        yield Item(state, problem.msg, to_do=problem.hint or "")
    if not problems:
        yield Item(OK, "The settings are in order")


def _checked() -> Iterator[CheckMessage]:
    for check in registry.get_checks(include_deployment_checks=not settings.LOCAL):
        if check.__module__.startswith("promotions."):
            found: Any = check(app_configs=None, databases=["default"])
            yield from found


# --- Words -----------------------------------------------------------------------------------


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _names(rows: Iterable[Any]) -> str:
    names = [
        (row.get_full_name() or row.username) if isinstance(row, User) else str(row) for row in rows
    ]
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
