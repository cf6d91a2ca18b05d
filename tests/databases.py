"""The migrated database that the processes of a parallel run copy."""

import fcntl
from pathlib import Path

from django.conf import settings
from django.db import connection


def migrated_once(folder: Path) -> str:
    """A database on which the migrations have run; whoever asks first makes it, the others wait for it.

    :param folder: the same one for all who ask.
    :returns: the path of its file on SQLite, its name on PostgreSQL.
    """
    name = str(folder / "migrated.sqlite3")
    if connection.vendor != "sqlite":
        name = "test_promotion_desk_migrated"
    made = folder / "migrated"
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _migrate(name)
            made.touch()
    return name


def _migrate(name: str) -> None:
    plain = connection.settings_dict["NAME"], connection.settings_dict["TEST"]["NAME"]
    connection.settings_dict["TEST"]["NAME"] = name
    # What an earlier run has left on a server of one's own is replaced.
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    # Nothing can be copied while somebody is connected.
    connection.close()
    connection.settings_dict["NAME"], connection.settings_dict["TEST"]["NAME"] = plain
    settings.DATABASES["default"]["NAME"] = plain[0]
