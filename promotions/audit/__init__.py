"""The audit: the chain over all events, its verification and anchors, who signs in and who may what, and exports."""
