"""Studies of implicit inference: what tuning does to learning in context."""

ORDER = ("forgetting", "conjugate")
