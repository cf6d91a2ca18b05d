"""What each version of a dev component uses, asked once and kept forever (operation 4)."""

from __future__ import annotations

from collections.abc import Mapping

from partnerapi.client import PartnerApiClient
from partnerapi.errors import PartnerApiError
from partnerapi.records import Reference

from ..models import ComponentUses, DevAccount

References = tuple[Reference, ...]


class Uses:
    """Operation 4 for one dev account, with a memory."""

    def __init__(self, client: PartnerApiClient, account: DevAccount) -> None:
        self._client = client
        self._account = account
        self._learnt: dict[str, tuple[int, References]] = {}

    def known(self, versions: Mapping[str, int]) -> dict[str, References]:
        """What is kept of these components, or was asked before, by id.

        :param versions: ids in lower case, with the version to look at.
        """
        rows = ComponentUses.objects.filter(
            dev_account=self._account, component_id__in=list(versions)
        )
        kept = {
            row.component_id: tuple(Reference(*one) for one in row.references)
            for row in rows
            if row.version == versions[row.component_id]
        }
        learnt = {
            key: self._learnt[key][1]
            for key, version in versions.items()
            if key in self._learnt and self._learnt[key][0] == version
        }
        return kept | learnt

    def of(self, versions: Mapping[str, int]) -> dict[str, References]:
        """What these components use, by id and in their order; whatever is not kept is asked for.

        :param versions: ids in lower case, each with its version, which operation 5 has just shown.
        :raises PartnerApiError: when one of them cannot be asked about.
        """
        found = self.known(versions)
        unknown = {key: version for key, version in versions.items() if key not in found}
        asked = self._client.get_many_references(
            unknown, account=self._account.account_id, alive=True
        )
        for key, references in asked.items():
            if isinstance(references, PartnerApiError):
                raise references
            found[key] = references
            self._learnt[key] = (unknown[key], references)
        return {key: found[key] for key in versions}

    @property
    def asked(self) -> list[str]:
        """The components that were asked about."""
        return list(self._learnt)

    def keep(self) -> None:
        """Keep the answers; ``Walk.keep_uses`` knows when that is safe."""
        ComponentUses.objects.bulk_create(
            (
                ComponentUses(
                    dev_account=self._account,
                    component_id=key,
                    version=version,
                    references=[[one.component_id, one.type] for one in references],
                )
                for key, (version, references) in self._learnt.items()
            ),
            ignore_conflicts=True,
        )
        self._learnt.clear()
