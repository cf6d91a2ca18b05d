"""When two things that are written differently are the same: folders, connectors of accounts."""

from __future__ import annotations

from collections.abc import Iterable


def same_folder(one: str, other: str) -> bool:
    """Whether two folder paths are the same, ignoring the account's name and /Promoted at the beginning.

    Operation 5 of the published API only gives a folder's own name: a bare name is compared with the last segment.
    """
    short, long = sorted((_below_promoted(one), _below_promoted(other)), key=len)
    is_bare = "/" not in one or "/" not in other
    return long[len(long) - len(short) :] == short and (is_bare or len(long) - len(short) <= 1)


def _below_promoted(path: str) -> list[str]:
    parts = [part.casefold() for part in path.split("/") if part]
    return parts[parts.index("promoted") + 1 :] if "promoted" in parts else parts


def same_sub_type(one: str, other: str, accounts: Iterable[str]) -> bool:
    """Whether two subtypes name one connector; a custom connector's begins with the id of its account.

    :param accounts: ids of the accounts that the two components are in.
    """
    known = tuple(accounts)
    return _without_account(one, known) == _without_account(other, known)


def _without_account(sub_type: str, accounts: Iterable[str]) -> str:
    short = sub_type.casefold()
    for account in accounts:
        short = short.replace(account.casefold(), "")
    return short
