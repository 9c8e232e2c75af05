"""Benchmarks: speed is measured side by side in one run and recorded as ratios; see README.md."""
