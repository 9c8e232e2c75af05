"""StableMax in place of the softmax (arXiv:2501.04697, section 4.1, Fig. 4)."""

from __future__ import annotations

import math

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing
from experiments.judging.grid import Grid
from experiments.judging.rows import Rows
from experiments.judging.sides import Sides, interval
from experiments.studies.grokking.family import APART, FIT, GROKKED, LOST, TEST, Lines, claim, steps_to

_NAMES = {"softmax": "softmax in float32", "exact": "exact softmax", "stablemax": "StableMax"}
LOSS = Axis("grokking/loss", "loss", tuple(_NAMES), names=_NAMES)
TASK = Axis(
    "task",
    "task",
    ("grokking_add",),
    names={
        "grokking_add": "addition",
        "grokking_multiply": "multiplication",
        "grokking_parity": "sparse parity",
    },
)
SOFTMAX, EXACT, STABLE = LOSS.at("softmax"), LOSS.at("exact"), LOSS.at("stablemax")
GAIN = TEST.at(STABLE) - TEST.at(SOFTMAX)


def _attribution(grid: Grid) -> list[str]:
    """Returns a note on how much of the gain an exact softmax has too, which differs from float32 by rounding alone."""
    notes = []
    for task in dict.fromkeys(grid.value(TASK, s) for s in grid.settings):
        sides = [tuple((TEST, s) for s in grid.where((TASK.at(task), pick))) for pick in (STABLE, EXACT, SOFTMAX)]
        if not all(sides):
            continue
        over, by_rounding = interval(grid, Sides(sides[0], sides[1]))[0], interval(grid, Sides(sides[1], sides[2]))[0]
        monitored = LOST.score in grid.table.columns
        lost = max(grid.cells(LOST).estimate(s) for _, s in sides[2]) if monitored else math.nan
        notes.append(
            f"{TASK.format_value(task).capitalize()}: StableMax minus the exact softmax, which loses nothing to "
            f"rounding, is {over}; the exact softmax minus that in float32, {by_rounding}. In float32 the loss of "
            f"{100 * lost:.1f} % of the training examples is lost at the end (not judged)."
        )
    return notes


CLAIM = claim(
    name="grokking/stablemax",
    question="Does StableMax generalise without regularisation, where softmax does not?",
    where="section 4.1, Fig. 4",
    text=(
        "With StableMax in place of the softmax, and no regularisation, a model that has learnt its training pairs by "
        "heart goes on to generalise; with the softmax it does not."
    ),
    setting="task, loss",
    reading=(
        "StableMax counts a logit x as x + 1 from 0 on and as 1 / (1 - x) below. The exact softmax, which is ours, "
        "loses nothing to rounding: a gain over it cannot come from that."
    ),
    looked=PILOTS,
    differs=(
        "Modulus 47 and width 128 in place of 113 and 200, and 80 % of the pairs in place of 40, of which so few pairs "
        "teach nothing in these steps; a fraction of the steps."
    ),
    criterion=Criterion(axes=(TASK, LOSS), read=(FIT,), bounds=(GAIN.at_least(0.2).each(TASK),)),
    rows=Rows({"test": TEST, "mirror unseen": APART}),
    notes=(steps_to(TEST, GROKKED, TASK, LOSS), _attribution),
    figure=Drawing(
        (
            Lines(
                lines={name: (TEST, (LOSS.at(value),)) for value, name in _NAMES.items()},
                picks=(TASK.at("grokking_add"),),
                title="addition",
                ylabel="accuracy on test pairs",
                legend="",
            ),
        ),
        marks="thick: mean of the seeds; thin: single seeds",
    ),
    facts=(
        Fact(
            "StableMax alone reaches about 100 % on addition, multiplication and sparse parity with 40 % of the pairs.",
            "arXiv:2501.04697, Fig. 4 left",
        ),
        Fact("It does so between about 40,000 and 80,000 epochs.", "arXiv:2501.04697, Fig. 4"),
        Fact("The norm of the weights rises meanwhile.", "arXiv:2501.04697, Fig. 4 middle"),
    ),
)
