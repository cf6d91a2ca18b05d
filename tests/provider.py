"""An OpenID provider as a process of its own, and people who sign in there.

It is oidc-provider-mock, which answers by the specification and lets a test set a person's claims, with what it lacks:
PKCE and max_age are demanded, and it forges a signature where a test says so.
"""

from __future__ import annotations

import hashlib
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from lxml import html

from promo_site.demo import servers
from promo_site.demo.servers import ADDRESS, Child

PROJECT = Path(__file__).resolve().parent.parent
CLIENT_ID = "promotion-desk"


@dataclass
class Provider:
    """A running provider."""

    url: str

    def person(self, subject: str, **claims: Any) -> None:
        """Somebody who can sign in there; what is given replaces what the ID token would say."""
        answer = requests.put(f"{self.url}/users/{subject}", json=claims, timeout=60)
        assert answer.ok, answer.text

    def forge(self, *, on: bool) -> None:
        """Sign ID tokens by a key that is not the provider's."""
        assert requests.post(f"{self.url}/_forge", json={"on": on}, timeout=60).ok

    def sign_in(self, address: str, subject: str, *, deny: bool = False) -> str:
        """What somebody does on the provider's page; the address that it sends the browser back to."""
        shown = requests.get(address, timeout=60)
        assert shown.ok, shown.text
        assert html.fromstring(shown.content).xpath("//form")
        data = {"action": "deny"} if deny else {"sub": subject}
        answer = requests.post(address, data=data, allow_redirects=False, timeout=60)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])


@contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    port = servers.free_port()
    url = f"http://{ADDRESS}:{port}"
    child = Child(
        "OpenID provider",
        [sys.executable, "-W", "ignore", "-m", "tests.provider", str(port)],
        log=folder / f"provider-{port}.log",
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
        cwd=PROJECT,
    )
    try:
        child.wait_until(servers.http_ready(f"{url}/.well-known/openid-configuration"), seconds=60)
        yield Provider(url)
    finally:
        child.stop()


def _serve(port: int) -> None:
    import flask
    from joserfc import jwt
    from joserfc.jwk import RSAKey
    from oidc_provider_mock import app as provider_app
    from oidc_provider_mock._storage import storage
    from werkzeug.serving import run_simple

    app: Any = provider_app(require_nonce=True)
    challenges: set[str] = set()
    forger = RSAKey.generate_key(2048)
    state = {"forges": False}

    @app.post("/_forge")
    def forge() -> tuple[str, int]:
        state["forges"] = bool(flask.request.get_json()["on"])
        return "", 204

    @app.before_request
    def demand_proof() -> tuple[Any, int] | None:
        asked = flask.request
        if asked.path == "/oauth2/authorize":
            if asked.args.get("code_challenge_method") != "S256" or not asked.args.get("max_age"):
                return "PKCE by S256 and max_age are demanded here", 400
            challenges.add(asked.args["code_challenge"])
        elif asked.path == "/oauth2/token":
            digest = hashlib.sha256(asked.form.get("code_verifier", "").encode()).digest()
            proof = urlsafe_b64encode(digest).rstrip(b"=").decode()
            if proof not in challenges:
                return {"error": "invalid_grant"}, 400
            challenges.remove(proof)
        return None

    @app.after_request
    def sign_by_another_key(response: Any) -> Any:
        if state["forges"] and flask.request.path == "/oauth2/token" and response.is_json:
            token = response.get_json()
            claims = jwt.decode(token["id_token"], RSAKey.import_key(storage.jwk.as_dict())).claims
            token["id_token"] = jwt.encode({"alg": "RS256"}, claims, forger)
            response.set_data(flask.json.dumps(token))
        return response

    run_simple(ADDRESS, port, app, threaded=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
