"""Studies of rewriting by Markov algorithms."""

ORDER = (
    "threshold",
    "budget",
    "algorithms",
    "families",
    "long_tail",
    "noop",
    "occurrences",
    "robustness",
    "encrypted",
    "abstraction",
)
