"""Studies of composition: SCAN with any number of primitives."""

ORDER = ("diversity", "repetition", "difficulty")
