"""Posts JSON to addresses that people have set up: never into the own network, never along a redirect.

The name is resolved once, every address behind it is checked, and the connection goes to the address that was checked.
Networks that are allowed all the same are the OUTBOUND_PRIVATE_NETWORKS setting. With OUTBOUND_PROXY the check is the
same, and everything but those networks is reached through the proxy: it is asked for the name, and the certificate has
to be that of the name, so a name that leads elsewhere by then gets nothing.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import secrets
import socket
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass

import certifi
import urllib3
from django.conf import settings
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook
from urllib3.exceptions import HTTPError

from .messages import PromotionError

# Seconds to connect, and between two pieces of the answer.
TIMEOUT = urllib3.Timeout(connect=5, read=10)
# IPv4 addresses inside of IPv6 ones, as translators at the edge of a network write them.
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def post_json(
    url: str, body: Mapping[str, Any], *, key: str = "", message_id: str = "", redact: bool = False
) -> int:
    """Send one message, signed according to Standard Webhooks if there is a key.

    :param key: the signing key, as ``whsec_`` and base64.
    :param message_id: what the receiver recognises repetitions by; generated if there is none.
    :param redact: leave the address out of every error, because it is a secret itself.
    :returns: the status of the answer, which is 2xx.
    :raises PromotionError: OUTBOUND_REFUSED when the address must not be called, OUTBOUND_GONE when the receiver says
        that the address is no longer in use, OUTBOUND_FAILED when the receiver did not accept it.
    """
    host, port, path, is_tls = _parts(url)
    address = _checked(host, port, is_tls)
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    name = f"[{host}]" if ":" in host else host
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Promotion-Desk",
        "Host": name if port == (443 if is_tls else 80) else f"{name}:{port}",
    }
    headers |= _signature(key, message_id or f"msg_{uuid.uuid4().hex}", data)
    try:
        with _pool(address, host, port, is_tls) if address else _through_proxy() as pool:
            answer = pool.request(
                "POST",
                path if address else f"https://{name}:{port}{path}",
                body=data.encode(),
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer.close()
    except HTTPError as error:
        why = type(error).__name__ if redact else str(error)
        raise PromotionError("OUTBOUND_FAILED", f"No answer: {why}.") from error
    if answer.status == 410:
        raise PromotionError("OUTBOUND_GONE")
    if not 200 <= answer.status < 300:
        raise PromotionError("OUTBOUND_FAILED", f"It answered with status {answer.status}.")
    return int(answer.status)


def check_url(url: str) -> None:
    """Refuse an address that may not be called as things stand.

    :raises PromotionError: OUTBOUND_REFUSED, with the reason.
    """
    host, port, _, is_tls = _parts(url)
    _checked(host, port, is_tls)


def new_key() -> str:
    """A new signing key in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def check_key(key: str) -> Webhook:
    """What signs with the key.

    :raises PromotionError: OUTBOUND_REFUSED when it is none.
    """
    try:
        return Webhook(key)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise PromotionError("OUTBOUND_REFUSED", "The signing key is not base64.") from error


def _signature(key: str, message_id: str, data: str) -> dict[str, str]:
    now = datetime.now(UTC)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
    if key:
        headers["webhook-signature"] = check_key(key).sign(message_id, now, data)
    return headers


def _parts(url: str) -> tuple[str, int, str, bool]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PromotionError("OUTBOUND_REFUSED", "It is no address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PromotionError("OUTBOUND_REFUSED", "It does not begin with https://.")
    if parts.username or parts.password:
        raise PromotionError("OUTBOUND_REFUSED", "It names a user or a password.")
    is_tls = parts.scheme == "https"
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return parts.hostname, port or (443 if is_tls else 80), path, is_tls


def _checked(host: str, port: int, is_tls: bool) -> str:
    """One address behind the name, after all of them were looked at; "" if the proxy connects.

    :raises PromotionError: OUTBOUND_REFUSED, OUTBOUND_FAILED.
    """
    has_proxy = bool(settings.OUTBOUND_PROXY) and not proxy_bypass(host)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if has_proxy and is_tls and settings.OUTBOUND_PROXY_RESOLVES:
            return ""
        raise PromotionError("OUTBOUND_FAILED", "Its name cannot be resolved.") from error
    addresses = [str(entry[4][0]) for entry in found]
    allowed = [ipaddress.ip_network(one) for one in settings.OUTBOUND_PRIVATE_NETWORKS]
    is_own = True
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if any(address.version == one.version and address in one for one in allowed):
            continue
        is_own = False
        if not is_public(address):
            raise PromotionError("OUTBOUND_REFUSED", "It leads into a private network.")
        if not is_tls:
            raise PromotionError("OUTBOUND_REFUSED", "It does not begin with https://.")
    return "" if has_proxy and not is_own else addresses[0]


def is_public(address: Address) -> bool:
    """Whether an address is on the internet, even if it is embedded in another one."""
    inside: list[ipaddress.IPv4Address | None] = []
    if isinstance(address, ipaddress.IPv6Address):
        inside = [address.ipv4_mapped, address.sixtofour]
        if address in NAT64:
            inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        # Site-local addresses were given up long ago, and count as global here; networks have them still.
        if address.teredo or address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and all(one is None or is_public(one) for one in inside)
    )


def _pool(
    address: str, host: str, port: int, is_tls: bool
) -> urllib3.HTTPConnectionPool | urllib3.HTTPSConnectionPool:
    if not is_tls:
        return urllib3.HTTPConnectionPool(address, port, timeout=TIMEOUT)
    return urllib3.HTTPSConnectionPool(
        address,
        port,
        timeout=TIMEOUT,
        cert_reqs="CERT_REQUIRED",
        ca_certs=_certificates(),
        assert_hostname=host,
        server_hostname=host,
    )


def _through_proxy() -> urllib3.ProxyManager:
    """A tunnel that the proxy makes, in which the receiver shows its certificate to us."""
    proxy = urlsplit(settings.OUTBOUND_PROXY)
    person = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
    return urllib3.ProxyManager(
        settings.OUTBOUND_PROXY,
        proxy_headers=urllib3.make_headers(proxy_basic_auth=person) if proxy.username else {},
        timeout=TIMEOUT,
        cert_reqs="CERT_REQUIRED",
        ca_certs=_certificates(),
    )


def _certificates() -> str:
    return os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where()
