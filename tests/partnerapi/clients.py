"""Clients for tests: no waiting, and everything that they do is kept."""

from typing import Any

from partnerapi.client import PartnerApiClient
from partnerapi.dialects import dialect_named
from partnerapi.records import Call
from partnerapi.transport import Transport
from tests.partnerapi.samples import ACCOUNT

BASE = "https://api.example.test"
USER = "BOOMI_TOKEN.ann@example.test"
TOKEN = "a-token-nobody-may-see"


class NoThrottle:
    """Lets everything through and counts."""

    def __init__(self) -> None:
        self.turns = 0
        self.slowed = 0

    def wait(self) -> None:
        self.turns += 1

    def slow_down(self) -> None:
        self.slowed += 1


class Recorder:
    """A transport's surroundings: what it recorded, and how long it would have slept."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.slept: list[float] = []
        self.throttle = NoThrottle()

    def transport(self, base_url: str = BASE, **options: Any) -> Transport:
        settings: dict[str, Any] = {
            "throttle": self.throttle,
            "timeout": 5.0,
            "record": self.calls.append,
            "sleep": self.slept.append,
        }
        return Transport(base_url, ACCOUNT, USER, lambda: TOKEN, **(settings | options))

    def client(self, dialect: str, base_url: str = BASE, **options: Any) -> PartnerApiClient:
        return dialect_named(dialect)(self.transport(base_url, **options))
