"""Planting a seed: components, packages and packs with ids that are always the same."""

import uuid
from datetime import UTC, datetime, timedelta

from partnerapi.simulator import components, documents, packages
from partnerapi.simulator.state import Account, Component, Package, Version, World

NAMESPACE = uuid.UUID("6f1d2a52-3c1e-5b7e-9a53-0c9b5f1f7a10")
FIRST_DAY = datetime(2025, 3, 3, 8, 30, tzinfo=UTC)


def uid(account_id: str, key: str) -> str:
    """The id of a seeded thing, known before it exists: references may go in circles."""
    return str(uuid.uuid5(NAMESPACE, f"{account_id}/{key}"))


class Planter:
    """Puts a believable past into one account. Every save is an hour after the one before."""

    def __init__(self, world: World, account: Account, person: str) -> None:
        self.world = world
        self.account = account
        self.person = person
        self._clock = FIRST_DAY

    def id(self, key: str) -> str:
        return uid(self.account.id, key)

    def _date(self) -> str:
        self._clock += timedelta(hours=1)
        return self._clock.strftime("%Y-%m-%dT%H:%M:%SZ")

    def component(
        self,
        key: str,
        name: str,
        type_: str,
        content: str,
        *,
        folder: str,
        sub_type: str = "",
        description: str = "",
        overrides: str = "",
        copied_from: str = "",
        copied_from_version: int | None = None,
    ) -> str:
        """Save a component: a new one, or the next revision of the one with this key."""
        sub = f' subType="{documents.attribute(sub_type)}"' if sub_type else ""
        wrapped = f"<bns:processOverrides>{overrides}</bns:processOverrides>" if overrides else ""
        sent = documents.read_component(
            (
                f"<bns:Component {documents.ROOT_NAMESPACES}"
                f' name="{documents.attribute(name)}" type="{type_}"{sub}>'
                f"<bns:encryptedValues/><bns:description>{documents.attribute(description)}"
                f"</bns:description><bns:object>{content}</bns:object>{wrapped}</bns:Component>"
            ).encode()
        )
        component_id, date = self.id(key), self._date()
        component = self.account.components.get(component_id)
        if component is None:
            component = self.account.components[component_id] = Component(
                id=component_id,
                type=type_,
                sub_type=sub_type,
                created_by=self.person,
                created_date=date,
                copied_from_id=copied_from,
                copied_from_version=copied_from_version,
            )
        sealed = documents.seal(sent, component_id, None, keep_omitted=True)
        self.world.secrets.update(sealed.secrets)
        self._add(component, name, folder, sealed.body, date)
        return component_id

    def _add(self, component: Component, name: str, folder: str, body: bytes, date: str) -> Version:
        return components.add_version(
            self.world,
            self.account,
            component,
            self.account.main,
            name=name,
            folder_id=self.world.folder_for_path(self.account, folder).id,
            body=body,
            by=self.person,
            date=date,
        )

    def delete(self, key: str) -> None:
        component = self.account.components[self.id(key)]
        components.delete(self.world, self.account, component, self.account.main)

    def package(
        self, key: str, version: str, notes: str = "", *, shareable: bool = True
    ) -> Package:
        """Package a component as it is now."""
        return packages.create(
            self.account,
            self.id(key),
            version,
            notes,
            shareable=shareable,
            by=self.person,
            created_date=self._date(),
            package_id=self.id(f"package:{key}:{version}"),
        )
