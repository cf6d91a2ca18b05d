"""A healthy Partner API in memory, on which single answers can be changed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import responses
from lxml import etree

from partnerapi.client import PartnerApiClient
from tests.partnerapi import samples
from tests.partnerapi.clients import BASE, Recorder


@dataclass(frozen=True)
class Sent:
    """A request as it was sent; the path begins below the account."""

    method: str
    path: str
    account: str | None
    media_type: str
    body: bytes

    @property
    def json(self) -> Any:
        import json

        return json.loads(self.body)

    @property
    def conditions(self) -> list[tuple[str, str, list[str]]]:
        """The comparisons of a query, whichever form it has."""
        if not self.body.startswith(b"<"):
            expression = self.json.get("QueryFilter", {}).get("expression")
            if expression is None:
                return []
            return [
                (item["property"], item["operator"], item["argument"])
                for item in expression.get("nestedExpression", [expression])
            ]
        root = etree.fromstring(self.body)
        return [
            (
                str(item.get("property")),
                str(item.get("operator")),
                [str(argument.text) for argument in item],
            )
            for item in root.iter("{*}expression", "{*}nestedExpression")
            if item.get("property")
        ]

    @property
    def attributes(self) -> Mapping[str, str]:
        """Those of the root element."""
        return {str(name): str(value) for name, value in etree.fromstring(self.body).attrib.items()}


@dataclass
class Stage:
    """What is answered, and what was sent."""

    client: PartnerApiClient
    recorder: Recorder
    answers: dict[tuple[str, str], list[tuple[int, bytes]]]
    sent: list[Sent] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes | object, status: int = 200) -> None:
        """Answer this from now on instead of what a healthy server would."""
        self.answers[method, path] = [(status, _bytes(body))]

    def then(self, method: str, path: str, body: bytes | object, status: int = 200) -> None:
        """Answer this once the answers before it are used up; the last one stays."""
        self.answers[method, path].append((status, _bytes(body)))

    @property
    def last(self) -> Sent:
        return self.sent[-1]

    def paths(self) -> list[str]:
        return [f"{sent.method} {sent.path}" for sent in self.sent]


def _bytes(body: bytes | object) -> bytes:
    return body if isinstance(body, bytes) else samples.to_json(body)


@contextmanager
def stage(dialect: str) -> Iterator[Stage]:
    recorder = Recorder()
    on = Stage(
        recorder.client(dialect),
        recorder,
        {key: [(200, body)] for key, body in samples.answers(dialect).items()},
    )

    def reply(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url or "")
        query = dict(pair.split("=", 1) for pair in url.query.split("&") if pair)
        body = request.body or b""
        sent = Sent(
            request.method or "",
            samples.below_account(unquote(url.path)),
            query.get("overrideAccount"),
            request.headers.get("Content-Type", ""),
            body if isinstance(body, bytes) else str(body).encode(),
        )
        on.sent.append(sent)
        waiting = on.answers.get((sent.method, sent.path))
        if waiting is None:
            raise AssertionError(f"no answer is prepared for {sent.method} {sent.path}")
        status, answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return status, {"Content-Type": samples.media_type_of(answer)}, answer

    import re

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "DELETE"):
            mock.add_callback(method, re.compile(re.escape(BASE) + ".*"), callback=reply)
        yield on
