"""Studies of hints: simpler questions about the same sequences, in training alone."""

ORDER = ("sorting", "temperature")
