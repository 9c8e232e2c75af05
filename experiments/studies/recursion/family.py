"""The studies of recursion share a paper, the scores of carries of each depth, and how shortcuts explain failures."""

from __future__ import annotations

import functools
from dataclasses import replace

from experiments.judging.axes import Axis, Number, Score
from experiments.judging.claim import Claim
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted

TITLE = "Transformer-Based Models Are Not Yet Perfect At Learning to Emulate Structural Recursion"
ARXIV = "2401.12947"
WITHIN = Score("within", "exact match on held-out numbers")
SHALLOW = Score("depth_0", "exact match without a carry")
LENGTH = Axis("task.test_length", "length", (20,), ("shortest", "longest"), single=True)
DEEP = Score("depth_{}", "exact match on carries of {}", number=Number(LENGTH, 0.6, said="{:,} bits"))
FIT = Fitted(SHALLOW)
LOOKS = (1, 2, 3, 4, 6, 8, 12)
DIFFERS = "Formats and sizes are ours, as the paper's could not be read; a decoder alone."

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)


def shortcuts(grid: Grid) -> list[str]:
    """Returns a note on the program that looks at few bits and explains most failures at the deep carry."""
    if "greedy_match" not in grid.table.columns:
        return []
    greedy = grid.cells(replace(DEEP, score="greedy_match"))
    notes = []
    for setting in grid.settings:
        failed = 1 - greedy.estimate(setting)
        if failed < 0.05:
            continue
        shares = {
            f"{name} {look}": grid.cells(replace(DEEP, score=f"{name}_{look}")).estimate(setting) / failed
            for name in ("stops", "window")
            for look in LOOKS
        }
        best = max(shares, key=lambda program: shares[program])
        notes.append(
            f"{grid.format_setting(setting)}: of the failures at deep carries, the best program that looks at few bits "
            f"({best}) predicts {shares[best]:.2f} to the letter (not judged)."
        )
    return notes
