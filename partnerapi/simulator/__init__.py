"""A stateful stand-in for Boomi's Partner API, run as its own process.

It knows nothing of the client: both are written from the same descriptions, so that each can
show that the other is wrong. See ``docs/simulator.md``.
"""
