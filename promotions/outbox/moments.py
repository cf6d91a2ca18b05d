"""When people get their messages: quiet hours and the digest, in their own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..models import MessagePreference


def zone(name: str) -> ZoneInfo:
    """The time zone of that name, or UTC if this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def next_time(now: datetime, at: time, place: ZoneInfo) -> datetime:
    """The next moment after now at which clocks in the zone show that time."""
    local = now.astimezone(place)
    # In the hour that clocks show twice, the one that now is in.
    moment = datetime.combine(local.date(), at, place).replace(fold=local.fold)
    if moment <= now:
        moment = datetime.combine(local.date() + timedelta(days=1), at, place)
    return moment.astimezone(UTC)


def after_quiet_hours(now: datetime, preference: MessagePreference) -> datetime:
    """Now, or the end of the quiet hours that now lies in; they may span midnight."""
    start, end = preference.quiet_from, preference.quiet_until
    if start is None or end is None or start == end:
        return now
    place = zone(preference.time_zone)
    clock = now.astimezone(place).time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    return next_time(now, end, place) if is_quiet else now


def digest_time(now: datetime, preference: MessagePreference) -> datetime:
    """When the person's next digest is due."""
    return next_time(now, preference.digest_at, zone(preference.time_zone))
