"""Takes a promotion from queued to deployed, one recorded step after another."""
