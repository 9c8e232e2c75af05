"""Studies of learning in context."""

ORDER = ("abrupt",)
