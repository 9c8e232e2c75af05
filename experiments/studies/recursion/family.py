"""The studies of recursion share a paper, the scores of carries of each depth, and how shortcuts explain failures."""

from __future__ import annotations

import functools
from dataclasses import replace
from statistics import mean
from typing import TYPE_CHECKING

from experiments.judging.axes import Axis, Score, Setting
from experiments.judging.claim import Claim
from experiments.judging.drawing import ByLength, Drawing, lengths
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Transformer-Based Models Are Not Yet Perfect At Learning to Emulate Structural Recursion"
ARXIV = "2401.12947"
WITHIN = Score("within", "exact match on held-out numbers")
SHALLOW = Score("depth_0", "exact match without a carry")
LENGTH = Axis("task.test_length", "length", (20,), ("shortest", "longest"), single=True)
DEEP = Score("deep", "exact match on carries of half the length or more")
_BY_DEPTH = Score("depth_{}")
FIT = Fitted(SHALLOW)
_FEW = 0.05  # share of failures below which none is explained
DIFFERS = "Formats and sizes are ours, as the paper's could not be read; a decoder alone."

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)


def by_depth(by: Axis, legend: str) -> Drawing:
    """Returns a drawing of exact match against the depth of the carry, a curve for each value of `by`."""
    panel = ByLength(scores={"": _BY_DEPTH}, by=by, xlabel="depth of the carry, in bits", mark=_depths)
    return Drawing((panel,), legend=legend)


def _depths(panel: Axes, grid: Grid) -> None:
    """Names the depths that were tested, but the last, of ones alone, which stands close to the one before."""
    panel.set_xticks([*lengths(grid, _BY_DEPTH)][:-1])


def shortcuts(grid: Grid) -> list[str]:
    """Returns notes on the programs that look at few bits and explain the failures of each setting best."""
    return [note for setting in grid.settings for note in (*_which(grid, setting), *_to_the_letter(grid, setting))]


def _which(grid: Grid, setting: Setting) -> list[str]:
    """Returns a note on the program that is right up to some depth: which inputs does it say fail?"""
    by_depth = {n: cells.scores[setting] for n, cells in lengths(grid, _BY_DEPTH).items()}
    agreed, all_right, looks = [], [], []
    for seed in by_depth[min(by_depth)]:
        right = {depth: scores[seed] for depth, scores in by_depth.items()}
        shares = {look: mean(score if depth <= look else 1 - score for depth, score in right.items()) for look in right}
        looks.append(max(shares, key=lambda look: shares[look]))
        agreed.append(shares[looks[-1]])
        all_right.append(mean(right.values()))
    if mean(all_right) > 1 - _FEW:
        return []
    bits = ", ".join(map(str, sorted(looks)))
    return [
        f"{grid.format_setting(setting)}: a program that is right on carries of at most as many bits as it looks at "
        f"({bits} by seed) says of {mean(agreed):.2f} of the inputs whether they fail, depths counted alike; if it "
        f"looked at all, of {mean(all_right):.2f} (not judged)."
    ]


def _to_the_letter(grid: Grid, setting: Setting) -> list[str]:
    """Returns a note on the program whose wrong answers at deep carries are most often the model's own."""
    names = [name for name in grid.table.columns if name.startswith(("stops_", "window_"))]
    if not names:
        return []
    failed = 1 - grid.cells(replace(DEEP, score="greedy_match")).estimate(setting)
    if failed < _FEW:
        return []
    shares = {name: grid.cells(replace(DEEP, score=name)).estimate(setting) / failed for name in names}
    best = max(shares, key=lambda name: shares[name])
    program, look = best.split("_")
    how = "whose carry stops after" if program == "stops" else "that turns a bit over by those below it, looking at"
    return [
        f"{grid.format_setting(setting)}: of the failures on carries of half the length or more, "
        f"the best program ({how} {look} bits) writes {shares[best]:.2f} to the letter (not judged)."
    ]
