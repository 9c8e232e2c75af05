"""The drill: kills, malformed inputs and hostile environments, drawn at random, against whole commands."""
