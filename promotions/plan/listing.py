"""The packages of a dev account, read by a worker and cached so that pages never wait (operations 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NotFound, PartnerApiError
from partnerapi.records import PackagedComponent

from .. import partner
from ..messages import PromotionError
from ..models import NO_HOLD, DevAccount, DevPackage, PackageListing
from ..worker.lease import Lease
from ..worker.loop import Stop, Work, carry_on
from ..worker.timing import SHORT_PATIENCE

# As many as the platform returns at once.
PAGE = 100
# What may have changed for a known package.
COLUMNS = [
    field.name
    for field in DevPackage._meta.concrete_fields
    if field.name not in ("id", "dev_account", "package_id")
]


def refresh_listing(listing_id: int) -> None:
    """Read all packages of one dev account, if it is due; if that fails, the old list stays."""
    carry_on(ListingWork(), listing_id)


class ListingWork(Work[PackageListing]):
    """Somebody waits for it on a page, so it gives up sooner than a promotion."""

    model = PackageListing
    patience = SHORT_PATIENCE

    def take(self, row: PackageListing, lease: Lease) -> Stop:
        """Read the whole list in one go."""
        _refresh(row, lease)
        return Stop("read")

    def fail(self, row: PackageListing, lease: Lease, error: PromotionError) -> None:
        """Keep the error; the list that was read before stays."""
        lease.record(error_code=error.code, error=error.detail, next_attempt_at=None, **NO_HOLD)


def _refresh(listing: PackageListing, lease: Lease) -> None:
    """Store page after page, so that people see what has arrived so far."""
    account = listing.dev_account
    client = partner.client()
    packages = client.query_packaged_components(account=account.account_id)
    names: dict[str, tuple[str, str]] = {}
    kept: set[str] = set()
    while page := {package.package_id: package for package in islice(packages, PAGE)}:
        new = dict.fromkeys(p.component_id for p in page.values() if p.component_id not in names)
        names |= _names(client, account.account_id, new)
        kept |= page.keys()
        with lease.writing():
            DevPackage.objects.bulk_create(
                (_row(account, package, *names[package.component_id]) for package in page.values()),
                update_conflicts=True,
                unique_fields=["dev_account", "package_id"],
                update_fields=COLUMNS,
            )
    with lease.writing():
        known = account.packages.values_list("package_id", "pk")
        gone = [pk for package_id, pk in known if package_id not in kept]
        for start in range(0, len(gone), PAGE):
            account.packages.filter(pk__in=gone[start : start + PAGE]).delete()
        lease.record(refreshed_at=timezone.now(), next_attempt_at=None, error_code="", error="")


def _row(account: DevAccount, package: PackagedComponent, name: str, folder: str) -> DevPackage:
    return DevPackage(
        dev_account=account,
        package_id=package.package_id,
        package_version=package.package_version,
        component_id=package.component_id,
        component_version=package.component_version,
        component_type=package.component_type,
        component_name=name,
        folder=folder,
        notes=package.notes,
        shareable=package.shareable,
        created_by=package.created_by,
        created_date=package.created_date,
    )


def _names(
    client: PartnerApiClient, account: str, component_ids: Iterable[str]
) -> dict[str, tuple[str, str]]:
    """Name and folder of each packaged component, which operation 6 leaves out; empty if it no longer exists.

    :raises PartnerApiError: when one of them cannot be read.
    """
    names: dict[str, tuple[str, str]] = {}
    for component_id, found in client.get_many_metadata(component_ids, account=account).items():
        if isinstance(found, NotFound):
            names[component_id] = ("", "")
        elif isinstance(found, PartnerApiError):
            raise found
        else:
            names[component_id] = (found.name, found.folder_full_path)
    return names
