"""``python -m partnerapi.simulator --port 8099``."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from partnerapi.simulator import seed
from partnerapi.simulator.planting import SeedError
from partnerapi.simulator.server import Server
from partnerapi.simulator.service import CALLS_A_SECOND, TABLES, Service


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m partnerapi.simulator", description="A stand-in for the Partner API."
    )
    parser.add_argument("--port", type=int, default=8099, help="0 chooses a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every waiting time")
    parser.add_argument(
        "--pace-limit", type=int, default=CALLS_A_SECOND, help="calls a second; 0 is off"
    )
    parser.add_argument(
        "--seed", type=Path, default=seed.NORTHWIND, help="a directory with a seed.toml"
    )
    parser.add_argument(
        "--dialect",
        choices=sorted(TABLES),
        default=os.environ.get("SIMULATOR_DIALECT")
        or os.environ.get("PARTNER_API_DIALECT")
        or "guide",
    )
    options = parser.parse_args()
    if options.dialect not in TABLES:  # from the environment, where choices are not checked
        parser.error(f"the dialect {options.dialect} is not one of {', '.join(sorted(TABLES))}")
    try:
        service = Service(
            options.dialect,
            options.speed,
            pace_limit=options.pace_limit,
            seed_directory=options.seed,
        )
    except SeedError as error:
        sys.stderr.write(f"The seed cannot be planted. {error}\n")
        return 1
    try:
        server = Server((options.host, options.port), service)
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1

    def stop(signal_number: int, frame: FrameType | None) -> None:
        # shutdown() waits for the loop that this very thread runs, so another one calls it.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    address = f"http://{options.host}:{server.server_address[1]}"
    sys.stdout.write(f"Simulator ready on {address} ({options.dialect} dialect)\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
