"""How workers share the work: leases on rows, the loop that does one row, waits, the sweep."""
