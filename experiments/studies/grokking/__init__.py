"""Studies of grokking without regularisation, at the edge of numerical stability."""

ORDER = ("collapse", "stablemax", "perpendicular", "direction")
