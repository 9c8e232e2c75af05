"""Judges results: criteria, statistics, results tables, figures."""
