"""Studies of pointer networks on convex hulls."""

ORDER = ("heads", "longer")
