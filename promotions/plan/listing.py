"""The packages of a dev account, read by a worker and cached so that pages never wait (operations 5 and 6)."""

from __future__ import annotations

from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import NotFound
from partnerapi.records import PackagedComponent

from ..messages import PromotionError
from ..models import NO_HOLD, DevPackage, PackageListing
from ..partner import client as partner_client
from ..worker.lease import Lease
from ..worker.loop import Stop, Work, carry_on
from ..worker.timing import SHORT_PATIENCE


def refresh_listing(listing_id: int) -> None:
    """Read all packages of one dev account, if it is due; the old list stays when that fails."""
    carry_on(ListingWork(), listing_id)


class ListingWork(Work[PackageListing]):
    """Somebody waits for it at a page, so it gives up earlier than a promotion."""

    model = PackageListing
    patience = SHORT_PATIENCE

    def take(self, row: PackageListing, lease: Lease) -> Stop:
        _refresh(row, lease)
        return Stop("read")

    def fail(self, row: PackageListing, lease: Lease, error: PromotionError) -> None:
        lease.record(error_code=error.code, error=error.detail, next_attempt_at=None, **NO_HOLD)


def _refresh(listing: PackageListing, lease: Lease) -> None:
    account = listing.dev_account
    client = partner_client()
    packages = list(client.query_packaged_components(account=account.account_id))
    names = _names(client, listing, packages)
    with lease.writing():
        kept = [package.package_id for package in packages]
        account.packages.exclude(package_id__in=kept).delete()
        for package in packages:
            name, folder = names.get(package.component_id, ("", ""))
            DevPackage.objects.update_or_create(
                dev_account=account,
                package_id=package.package_id,
                defaults={
                    "package_version": package.package_version,
                    "component_id": package.component_id,
                    "component_version": package.component_version,
                    "component_type": package.component_type,
                    "component_name": name,
                    "folder": folder,
                    "notes": package.notes,
                    "shareable": package.shareable,
                    "created_by": package.created_by,
                    "created_date": package.created_date,
                },
            )
        lease.record(refreshed_at=timezone.now(), next_attempt_at=None, error_code="", error="")


def _names(
    client: PartnerApiClient, listing: PackageListing, packages: list[PackagedComponent]
) -> dict[str, tuple[str, str]]:
    """Name and folder of each packaged component: names are not in operation 6, and operation 5 is asked once each."""
    account = listing.dev_account.account_id
    names: dict[str, tuple[str, str]] = {}
    for component_id in dict.fromkeys(package.component_id for package in packages):
        try:
            metadata = client.get_component_metadata(component_id, account=account)
        except NotFound:
            continue
        names[component_id] = (metadata.name, metadata.folder_full_path)
    return names
