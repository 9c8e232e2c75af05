"""Studies of linear learners on finite sets."""

ORDER = ("large_steps", "generative")
