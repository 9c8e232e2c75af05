"""Studies of Boolean functions learnt in context."""

ORDER = ("table", "curves", "teaching", "two_algorithms", "noise", "diversity", "frozen")
