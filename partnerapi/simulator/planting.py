"""A seed: a directory with a manifest and component XML files, planted as a company's past.

``docs/simulator.md`` says how a seed is written. What happened in an account (saves, packages) is
planted in the order of its dates; an id that is not written down is made from the name.
"""

import tomllib
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from partnerapi.simulator import components, documents, packages
from partnerapi.simulator.errors import ApiError
from partnerapi.simulator.state import (
    Account,
    Component,
    Environment,
    Pack,
    PackInstance,
    Runtime,
    World,
)

NAMESPACE = uuid.UUID("6f1d2a52-3c1e-5b7e-9a53-0c9b5f1f7a10")
MANIFEST = "seed.toml"
DAY_ONE = "2025-03-03T08:30:00Z"
DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

Fields = dict[str, Any]
Event = tuple[str, Callable[[], object]]  # its date, and what happens


class SeedError(ValueError):
    """A seed that cannot be planted; the message names the file and what is wrong with it."""


def uid(account_id: str, key: str) -> str:
    """The id of a seeded thing, made from its name: the same at every start."""
    return str(uuid.uuid5(NAMESPACE, f"{account_id}/{key}"))


def plant(directory: Path, *, accounts_only: bool = False) -> World:
    """The world that a directory describes, or just its accounts with their environments.

    :raises SeedError: when the manifest or a component cannot be read, or one names what is not
        there.
    """
    manifest = _read_manifest(directory)
    world = World()
    try:
        world.primary_id = manifest["primary"]
        for described in manifest["account"]:
            created = _date(described.get("created", DAY_ONE))
            account = world.add_account(described["id"], described["name"], created)
            _plant_environments(account, described.get("environments", []))
            _plant_runtimes(account, described.get("runtimes", []))
        if accounts_only:
            return world
        # Production's components came from the dev accounts, so those are first.
        for described in sorted(manifest["account"], key=lambda a: a["id"] == world.primary_id):
            account = world.accounts[described["id"]]
            person = described.get("person", "developer@example.com")
            saves = component_events(world, account, person, directory / account.id)
            packaged = package_events(account, person, described.get("packages", []))
            happen([*saves, *packaged])
        for described in manifest.get("pack", []):
            _plant_pack(world, described)
        for described in manifest.get("instance", []):
            _plant_instance(world.primary, described)
    except ApiError as error:
        raise SeedError(f"{directory / MANIFEST}: {error.message}") from error
    except KeyError as error:
        raise SeedError(f"{directory / MANIFEST}: {error.args[0]} is missing.") from error
    return world


def _read_manifest(directory: Path) -> Fields:
    path = directory / MANIFEST
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SeedError(f"{path}: {error}") from error


def happen(events: list[Event]) -> None:
    """Let everything happen in the order of its date."""
    for _, event in sorted(events, key=lambda event: event[0]):
        event()


def _date(value: datetime | str) -> str:
    return value if isinstance(value, str) else value.strftime(DATE_FORMAT)


def _plant_environments(account: Account, rows: list[Fields]) -> None:
    for row in rows:
        id_ = row.get("id") or uid(account.id, row["key"])
        account.environments[id_] = Environment(id_, row["name"], row["classification"])


def _plant_runtimes(account: Account, rows: list[Fields]) -> None:
    """Runtimes, attached to environments of the account."""
    for row in rows:
        id_ = row.get("id") or uid(account.id, row["key"])
        attached = [uid(account.id, key) for key in row.get("environments", [])]
        account.runtimes[id_] = Runtime(id_, row["name"], row.get("type", "ATOM"), attached)


# Components


def component_events(
    world: World, account: Account, person: str, directory: Path
) -> Iterator[Event]:
    """The saves that the XML files of an account stand for: one file for each revision."""
    for path in sorted(directory.glob("*.xml")):
        try:
            sent = documents.read_component(grown(path.read_bytes()), blanks=False)
        except (OSError, ApiError) as error:
            raise SeedError(f"{path}: {error}") from error
        yield save_event(world, account, person, path.name.partition(".")[0], sent)


def grown(data: bytes) -> bytes:
    """The file with its ``<?repeat TIMES TEXT?>`` written out: large contents from small files.

    ``{n}`` in the text counts from 0, ``{key}`` from 3, where the fields of a profile begin.
    """
    head, repeat, rest = data.partition(b"<?repeat ")
    if not repeat:
        return data
    piece, _, tail = rest.partition(b"?>")
    times, _, text = piece.decode().partition(" ")
    pieces = (text.format(n=n, key=n + 3) for n in range(int(times)))
    return head + "".join(pieces).encode() + tail


def save_event(
    world: World, account: Account, person: str, key: str, sent: documents.Sent
) -> Event:
    """The save of a component: a new one, or the next revision of the one with this id."""
    attributes = sent.attributes
    date = attributes.get("modifiedDate", DAY_ONE)
    by = attributes.get("modifiedBy", person)
    component_id = (attributes.get("componentId") or uid(account.id, key)).lower()

    def save() -> None:
        component = account.components.get(component_id)
        if component is None:
            copied_version = attributes.get("copiedFromComponentVersion")
            component = account.components[component_id] = Component(
                id=component_id,
                type=sent.type,
                sub_type=attributes.get("subType", ""),
                created_by=attributes.get("createdBy", by),
                created_date=attributes.get("createdDate", date),
                copied_from_id=attributes.get("copiedFromComponentId", ""),
                copied_from_version=int(copied_version) if copied_version else None,
            )
        sealed = documents.seal(sent, component_id, None, keep_omitted=True)
        world.secrets.update(sealed.secrets)
        components.add_version(
            world,
            account,
            component,
            account.main,
            name=sent.name,
            folder_id=world.folder_for_path(account, attributes.get("folderFullPath", "")).id,
            body=sealed.body,
            by=by,
            date=date,
            deleted=attributes.get("deleted") == "true",
        )

    return date, save


# Packages and packs


def package_events(account: Account, person: str, rows: list[Fields]) -> Iterator[Event]:
    """The packagings of an account; with a ``count``, one each hour, ``{n}`` counting from 1."""
    for row in rows:
        first = datetime.strptime(_date(row.get("created", DAY_ONE)), DATE_FORMAT)
        for n in range(1, row.get("count", 1) + 1):
            version = row["version"].format(n=n) if "count" in row else row["version"]
            date = (first + timedelta(hours=n - 1)).strftime(DATE_FORMAT)
            yield date, _packaging(account, person, row, version, date)


def _packaging(
    account: Account, person: str, row: Fields, version: str, date: str
) -> Callable[[], object]:
    return lambda: packages.create(
        account,
        component_id_of(account, row["component"]),
        version,
        row.get("notes", ""),
        shareable=row.get("shareable", True),
        by=person,
        created_date=date,
        package_id=row.get("id") or package_id(account.id, row["component"], version),
    )


def component_id_of(account: Account, named: str) -> str:
    """A component's id from what a manifest says: the id itself, or the name of its file."""
    return named if named in account.components else uid(account.id, named)


def package_id(account_id: str, component: str, version: str) -> str:
    return uid(account_id, f"package:{component}:{version}")


def _plant_pack(world: World, row: Fields) -> None:
    """A pack of the primary account, with its packages already released if it has any."""
    account = world.primary
    pack = Pack(
        row.get("id") or uid(account.id, row["key"]),
        row["name"],
        row.get("description", ""),
        row.get("installation_type", "MULTI"),
    )
    account.packs[pack.id] = pack
    for component, version in row.get("packages", []):
        wanted = component_id_of(account, component)
        package = packages.package_of_version(account, wanted, version)
        packages.add_to_pack(account, pack, package)
    if pack.entries:
        release = packages.release(
            world,
            account,
            pack,
            {entry.component_id: entry.package_id for entry in pack.entries.values()},
            version=row.get("released", "1"),
            notes=row.get("notes", ""),
            wait=False,
        )
        release.package_id = row.get("release_id") or uid(account.id, f"{row['key']}:release")


def _plant_instance(account: Account, row: Fields) -> None:
    """A pack that the primary account has installed itself."""
    instance = PackInstance(
        row.get("id") or uid(account.id, row["key"]),
        row.get("pack_id") or uid(account.id, row["pack"]),
        row["name"],
        [uid(account.id, key) for key in row.get("environments", [])],
    )
    account.instances[instance.id] = instance
