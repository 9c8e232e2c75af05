"""Does the contrast between tasks hinge on the position scheme? A claim of ours; arXiv:2310.16028 has none of it."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import FIT, TASK, TRAINED, WITHIN, claim, longer

TASKS = replace(
    TASK, tried=("rasp_sort", "rasp_copy_repeated"), names={"rasp_sort": "sort", "rasp_copy_repeated": "copy, repeated"}
)
SHORT = TASKS.at("rasp_sort").named("sort (a short program)")
LONG = TASKS.at("rasp_copy_repeated").named("copy with repeated tokens (none)")
POSITIONS = Axis("model", "position scheme", ("rope", "alibi"), said="{} positions")
LAYOUT = Axis("task.packing", "layout", (False, True), names={True: "packed and shifted", False: "one a row"})
LONGER = longer(1.5)


def _both(score: Score) -> dict[str, Score]:
    """Returns a score on sort, beside that on copy under the same scheme."""
    return {"sort": score, "copy, repeated": replace(score, instead=(LONG,))}


CLAIM = claim(
    name="rasp/positions",
    question="Does the contrast hold under every position scheme, packed or not?",
    where="not in the paper: a question of ours",
    text=(
        "That a task with a short RASP-L program generalises to longer problems and one without does not, holds under "
        "every position scheme that fits both, and with and without packed and shifted contexts."
    ),
    setting="scheme",
    reading=(
        "A scheme is a position scheme with a layout: samples packed and shifted as in the paper, or one a row from "
        "position 0. It counts where both tasks are fitted under it."
    ),
    looked=PILOTS,
    differs="Ours: the original has learned positions with random shifts only.",
    criterion=Criterion(
        axes=(TASKS, TRAINED, POSITIONS, LAYOUT),
        read=(FIT,),
        bounds=((LONGER.at(SHORT) - LONGER.at(LONG)).at_least(0.25).each(POSITIONS, LAYOUT),),
        whole=True,
    ),
    rows=Rows(_both(LONGER), "{1}, {2}", picks=(SHORT,)),
    figure=Drawing(
        (
            Bars(scores=_both(LONGER), name="{1}, {2}", picks=(SHORT,), title="1.5 times the training length"),
            Bars(scores=_both(WITHIN), named=False, picks=(SHORT,), title="within"),
        ),
        inside="lower left",
        share=False,
    ),
)
