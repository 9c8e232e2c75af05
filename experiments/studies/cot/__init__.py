"""Studies of chains of thought that compute."""

ORDER = ("sizes", "depth", "length", "robustness")
