"""Ends the children of a process that was killed: they lead groups of their own and would stay.

It is told on its standard input: a line ``+7`` for a child that has started, ``-7`` for one that has
ended. When the input ends, whoever wrote to it is gone, and so are its children soon after.
"""

import os
import signal
import sys
import time
from contextlib import suppress

PATIENCE_SECONDS = 5


def main() -> None:
    alive: set[int] = set()
    for line in sys.stdin:
        sign, pid = line[0], int(line[1:])
        if sign == "+":
            alive.add(pid)
        else:
            alive.discard(pid)
    if alive:
        _signal(alive, signal.SIGTERM)
        time.sleep(PATIENCE_SECONDS)
        _signal(alive, signal.SIGKILL)


def _signal(groups: set[int], number: int) -> None:
    for group in groups:
        with suppress(OSError):
            os.killpg(group, number)


if __name__ == "__main__":
    main()
