"""Sorting longer sequences with hints in training, and without (arXiv:2310.00726)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Grid
from experiments.judging.rows import Rows
from experiments.studies.hints.family import DIFFERS, FIT, LONGEST, THRICE, TRAINED, claim, curves

_NAMES = {"none": "no hint", "count": "how often", "fill": "at a place"}
HINT = Axis("task.hint", "hint", tried=("none", "successor", "count", "smallest"), names=_NAMES)
NONE, SUCCESSOR = HINT.at("none"), HINT.at("successor")


def _spread(grid: Grid) -> list[str]:
    """Returns a note on how far the hints differ, the best from the worst."""
    cells = grid.cells(THRICE)
    means = {grid.value(HINT, s): cells.estimate(s) for s in cells.scores if grid.value(HINT, s) != "none"}
    if len(means) < 2:
        return []
    best, worst = max(means, key=lambda hint: means[hint]), min(means, key=lambda hint: means[hint])
    return [
        f"Hints differ by {means[best] - means[worst]:.3f} at three times the training length, from "
        f"{HINT.format_cell(worst)} to {HINT.format_cell(best)} (not judged)."
    ]


CLAIM = claim(
    name="hints/sorting",
    question="Does training on the successor of a number help to sort longer sequences?",
    where="the abstract; which hint matters most",
    text=(
        "Trained beside sorting to say the successor of a number, a model sorts sequences three times as long as in "
        "training far more often than without, and than with a hint that says nothing of the order."
    ),
    setting="hint",
    reading=(
        "All arms have the same examples of sorting; without a hint the other third of a batch has no loss. Sequences "
        "have numbers more than once, and models no positions: sorting different numbers needs no hint."
    ),
    looked="Sizes were chosen by looking at seeds 0 and 1, which are not among the seeds reported.",
    differs=DIFFERS,
    criterion=Criterion(
        axes=(TRAINED, HINT),
        read=(FIT,),
        bounds=(
            (THRICE.at(SUCCESSOR) - THRICE.at(NONE)).at_least(0.3),
            (THRICE.at(SUCCESSOR) - THRICE.at(HINT.at("smallest"))).at_least(0.3),
        ),
    ),
    rows=Rows({"{}": THRICE, "training length": LONGEST}),
    notes=(_spread,),
    figure=curves(HINT, "hint"),
    facts=(
        Fact("Below 1 % at length 100 without a hint, above 92 % with it, trained on up to 20.", "the abstract"),
        Fact("Hints that look as natural differ dramatically.", "the abstract"),
    ),
)
