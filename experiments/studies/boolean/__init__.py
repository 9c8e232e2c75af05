"""Studies of Boolean functions learnt in context."""
