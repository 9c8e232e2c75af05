"""Studies of structural recursion: the binary successor, and traversals of trees."""

ORDER = ("edges", "order", "steps")
