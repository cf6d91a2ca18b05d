"""How dates are written where Django writes them, as in the admin pages."""
