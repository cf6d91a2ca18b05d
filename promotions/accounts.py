"""Dev accounts and environments as the platform names them, instead of typed ids."""

from __future__ import annotations

from django.conf import settings

from partnerapi.client import PartnerApiClient

from .models import DevAccount, Environment


def synchronise(client: PartnerApiClient) -> dict[str, int]:
    """Add what is new and rename what was renamed; nothing is switched on, off or deleted.

    :returns: how many accounts and environments were seen, and how many of them are new.
    :raises PartnerApiError: when the platform does not list them.
    """
    accounts = [
        DevAccount.objects.update_or_create(
            account_id=account.account_id, defaults={"name": account.name}
        )
        for account in client.query_accounts()
        if account.account_id != settings.PARTNER_API_ACCOUNT
    ]
    environments = [
        Environment.objects.update_or_create(
            environment_id=environment.environment_id,
            defaults={
                "name": environment.name,
                "classification": environment.classification,
            },
        )
        for environment in client.query_environments()
    ]
    return {
        "accounts": len(accounts),
        "new_accounts": sum(is_new for _, is_new in accounts),
        "environments": len(environments),
        "new_environments": sum(is_new for _, is_new in environments),
    }
