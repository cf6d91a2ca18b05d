"""Messages: who gets one and when, what it says, and how it gets there.

An event worth telling has a ``Message``, written in the event's transaction. A worker hands it out as a ``Delivery`` to
each person and channel. One courier at a time delivers what is due, so that a slow receiver keeps no promotion waiting.
"""
