"""Computes the share of the search strings of training's side that its rules hold.

Training's rules are distinct pairs of a search string and a replacement. A quarter of the search strings is held out
for testing (`synthetic.markov.rewriting`); of the others a training set with few rules holds a small share.
"""

from __future__ import annotations

import math

from experiments import settings
from experiments.judging.axes import Setting
from experiments.judging.grid import Grid
from experiments.studies.markov.family import RULES

_HELD_OUT = 4  # one checksum in so many is held out


def share_met(rules: int, alphabet: int, length: int) -> float:
    """Returns the mean share of training's search strings of a length that so many rules hold."""
    strings = (alphabet - max(1, alphabet // _HELD_OUT)) * alphabet ** (length - 1)
    return -math.expm1(rules * math.log1p(-1 / strings))


def coverage(grid: Grid, setting: Setting) -> float:
    """Returns the share of training's search strings that a setting of a study of `markov` holds."""
    task = settings.read_study(grid.table["study"][0])["task"]
    return share_met(grid.value(RULES, setting), task["alphabet"], task["search_length"])


def noted(grid: Grid) -> list[str]:
    """Returns a note on the share at every setting."""
    parts = ", ".join(f"{coverage(grid, s):.2g} at {grid.format_setting(s)}" for s in grid.settings)
    return [f"Share of training's search strings that its rules hold: {parts} (not judged)."]
