"""A share of tasks with one permutation shortens the plateau (arXiv:2212.04458, Fig. 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import AgainstSteps, Drawing
from experiments.judging.grid import Grid
from experiments.judging.reached import OCTAVES, steps, with_first_step
from experiments.judging.rows import Rows
from experiments.studies.icl.family import TASKS
from experiments.studies.icl.many_tasks import RISE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVEL = 0.4  # about half of what nearest means rise by
SHARE = Axis("task.biased", "share", (0.0, 0.5), ends=("smallest", "largest"), value="{:g}", said="share {}")
NONE, HALF = SHARE.at(0.0).named("no bias"), SHARE.at(0.5).named("half of the examples biased")
RISEN = Score(
    "unseen", "log2 of the step at which the accuracy on new tasks has risen by 0.4", "risen_from", measure=OCTAVES
)


def with_rise(table: pl.DataFrame) -> pl.DataFrame:
    """Returns the table with the step at which a model has first learnt to learn, by LEVEL."""
    return with_first_step(table, RISE, LEVEL, "risen_from")


def _draw_seeds(panel: Axes, grid: Grid) -> None:
    """Draws each seed as a thin line beside the means, and the level as a dotted one."""
    means = list(panel.get_lines())
    for mean, share in zip(means, sorted({grid.value(SHARE, s) for s in grid.settings}), strict=True):
        for points in steps(grid, RISE, SHARE.at(share)).values():
            panel.plot(*zip(*points, strict=True), color=mean.get_color(), lw=0.5, alpha=0.6)
    panel.axhline(LEVEL, color="0.5", lw=0.9, ls=":")


CLAIM = TASKS(
    name="icl/bias",
    question="Does a share of biased tasks shorten the plateau?",
    where="Fig. 9",
    text=(
        "Where the labels of half of the examples are not permuted, a transformer leaves the plateau sooner, and it "
        "learns new tasks all the same."
    ),
    setting="share biased",
    reading=(
        "New tasks are never biased. The plateau ends where the accuracy at the last point is first 0.4 above that at "
        "the first; a run that never gets there counts with its last step. The level is ours; at a lower one "
        "a pilot without bias stood still a second time."
    ),
    differs=(
        "Normal clusters in 8 dimensions in place of images, 8 classes, 24 points, a model of width 32; with 4 classes "
        "a pilot showed no effect."
    ),
    criterion=Criterion(
        axes=(SHARE,),
        view=with_rise,
        bounds=((RISEN.at(NONE) - RISEN.at(HALF)).at_least(0.5), RISE.at(HALF).at_least(0.25)),
    ),
    rows=Rows({"log2 of the step": RISEN, "rise": RISE}),
    figure=Drawing(
        (AgainstSteps(score=RISE, by=SHARE, xlabel="step", ylabel="rise on new tasks", mark=_draw_seeds),),
        legend="share biased",
        marks="thick: means of the seeds; thin: single seeds; dotted: the rise that ends the plateau",
    ),
    facts=(Fact("A biased share of the data removes the plateau, and the model still generalises.", "second hand"),),
)
