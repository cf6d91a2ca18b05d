"""The log of calls, and how many came within a second."""

import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 5000


@dataclass
class Call:
    """One call of the API; never a body, never a credential."""

    number: int
    at: float
    method: str
    path: str
    query: str
    account: str = ""
    operation: int | str = ""
    name: str = ""
    status: int | None = None
    fault: str = ""
    milliseconds: float = 0.0


class CallLog:
    """Knows every call since the last reset: counts of all, details of the newest."""

    def __init__(self) -> None:
        self.total = 0
        self.last: deque[Call] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()
        self.max_per_second = 0
        self._recent: deque[float] = deque()

    def start(self, method: str, path: str, query: str) -> tuple[Call, int]:
        """Record the arrival of a call; also how many have come in the second that ends now."""
        now = time.monotonic()
        self.total += 1
        call = Call(self.total, time.time(), method, path, query)
        self.last.append(call)
        self._recent.append(now)
        while self._recent[0] <= now - 1.0:
            self._recent.popleft()
        self.max_per_second = max(self.max_per_second, len(self._recent))
        return call, len(self._recent)

    def identify(self, call: Call, operation: int | str, name: str) -> None:
        call.operation, call.name = operation, name
        self.counts[str(operation)] += 1

    def summary(self, last: int) -> dict[str, Any]:
        return {
            "total": self.total,
            "by_operation": dict(self.counts),
            "max_per_second": self.max_per_second,
            "last": [asdict(call) for call in list(self.last)[-last:]] if last else [],
        }
