"""Asks the web server of this container whether it is well; ends with status 1 when it is not."""

import http.client
import os
import sys


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    try:
        connection.request("GET", "/healthz/", headers={"Host": _host()})
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace")
    except OSError as error:
        text, healthy = str(error), False
    else:
        healthy = answer.status == 200
    sys.stdout.write(f"{text}\n")
    return 0 if healthy else 1


def _host() -> str:
    """A name that the server answers to: it refuses others, its own address among them."""
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip()
    return "localhost" if first in {"", "*"} else first.removeprefix(".")


if __name__ == "__main__":
    sys.exit(main())
