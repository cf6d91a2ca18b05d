"""The address that a request came from, for the lock on failed sign-ins."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address as the outermost of our own proxies saw it.

    Each proxy appends the address that it was called from to ``X-Forwarded-For``. With ``PROXY_COUNT`` proxies of our
    own the entry at that place from the right is true; whatever stands left of it the client could have written itself.
    """
    connected_from = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    count = settings.PROXY_COUNT
    if count < 1 or len(forwarded) < count or not forwarded[-count]:
        return connected_from
    return forwarded[-count]
