"""How workers share the work: leases on rows, the loop that works on one row, waits, the sweep."""
