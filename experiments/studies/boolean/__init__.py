"""Studies of Boolean functions learnt in context."""

ORDER = ("table", "curves", "mixing", "teaching", "two_algorithms", "noise", "diversity", "frozen")
