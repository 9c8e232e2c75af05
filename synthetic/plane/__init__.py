"""Points in the unit square, and what a model says of them by pointing at them, one after the other."""
