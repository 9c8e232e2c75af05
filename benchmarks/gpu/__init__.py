"""Checks, measurements and studies for a machine with a GPU and no network; `python -m benchmarks.gpu` runs them."""
