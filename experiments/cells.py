"""Cells of a study's grid: the combinations of values that it sweeps, less those that it leaves out.

A study's settings name the cells to leave out by some of their values; a cell is left out if it has all of them:

    sweep: {task.num_rules: [200, 2000], markov/families: [a, b, a_and_b]}
    without: [{task.num_rules: 200, markov/families: [a, b]}]         # with 200 rules, a_and_b alone

This module needs neither JAX nor Hydra, so records can be checked without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Without = Sequence[Mapping[str, Any]]


def format_word(value: Any) -> str:
    """Formats a value as a word, the same for 0.5 and "0.50", for true and True."""
    if str(value).lower() in ("true", "false"):  # a job's override has "True"
        return str(value).lower()
    try:
        return f"{float(value):.6g}"
    except (TypeError, ValueError):
        return str(value)


def is_left_out(cell: Mapping[str, Any], without: Without) -> bool:
    """Returns whether a cell, key to value, has all the values of an entry of `without`."""
    return any(all(key in cell and format_word(cell[key]) in _words(entry[key]) for key in entry) for entry in without)


def kept(jobs: Sequence[Sequence[str]], without: Without) -> list[Sequence[str]]:
    """Returns the lists of overrides whose cells are not left out, in order."""
    return [job for job in jobs if not is_left_out(dict(o.split("=", 1) for o in job if "=" in o), without)]


def problem(without: Any, sweep: Mapping[str, Any]) -> str:
    """Returns what is wrong with a `without` beside a `sweep` of settings; an empty text if nothing is."""
    if not isinstance(without, Sequence) or isinstance(without, str):
        return f"expected a list of cells, as [{{task.num_rules: 30}}], got {without!r}"
    for entry in without:
        if not isinstance(entry, Mapping) or not entry:
            return f"expected keys with values, as {{task.num_rules: 30}}, got {entry!r}"
        for key, values in entry.items():
            if key not in sweep:
                return f"{key} is not swept; allowed: {', '.join(sweep)}"
            if key == "seed" and len(entry) == 1:
                return "seed: some cells may have fewer seeds than others, and need other keys that name them"
            known = {format_word(value) for value in sweep[key]} if isinstance(sweep[key], Sequence) else set()
            if known and not isinstance(sweep[key], str) and (other := [w for w in _words(values) if w not in known]):
                return f"{key} is never {other[0]}; it is one of {', '.join(map(str, sweep[key]))}"
    return ""


def _words(values: Any) -> list[str]:
    return [format_word(value) for value in (values if isinstance(values, list) else [values])]
