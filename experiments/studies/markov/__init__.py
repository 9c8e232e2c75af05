"""Studies of rewriting by Markov algorithms."""
