"""Messages: who hears of an event and when, what they read, and how it gets there.

An event that is to be told has a ``Message``, written in its transaction. A worker hands it out as a ``Delivery`` to
each person and channel. One courier at a time delivers what is due, so that a slow receiver keeps no promotion waiting.
"""
