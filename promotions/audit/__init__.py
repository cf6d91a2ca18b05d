"""The audit: the chain over all events, its verification and anchors, events about access, and exports."""
