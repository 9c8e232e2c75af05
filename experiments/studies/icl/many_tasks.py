"""With few tasks a model knows these, with many it learns to learn (arXiv:2212.04458, Fig. 2, 4 and 5)."""

from __future__ import annotations

import math

from experiments.judging.axes import Axis, Score, Setting
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.grid import Grid
from experiments.judging.measures import Measure
from experiments.judging.rows import Rows
from experiments.studies.icl.family import TASKS

RISE_MEASURE = Measure(low=-1.0, lost=-1.0)
POOL = Axis(
    "task.tasks",
    "tasks",
    (16, 0),
    value=lambda tasks: f"{tasks:,}" if tasks else "unlimited",
    order={0: math.inf},
)
WIDTH = Axis("model.width", "width", (8, 16), ("narrowest", "widest"), "{:g}", "width {}")
WIDEST = WIDTH.most.named("the widest model")
SEEN = Score("seen", "accuracy at the last point of tasks of the pool")
UNSEEN = Score("unseen", "accuracy at the last point of new tasks")
RISE = Score("unseen", "rise of the accuracy from first to last point of new tasks", "rise", measure=RISE_MEASURE)
FIRST = Score("seen", "accuracy at the first point of tasks of the pool", "first")
MEANS = Score("unseen", "accuracy of nearest means", learner="nearest_mean")


def _place(grid: Grid, setting: Setting) -> float:
    """Returns the size of a pool; an unlimited one stands right of the others."""
    tasks = grid.value(POOL, setting)
    return tasks or 8 * max(grid.value(POOL, s) for s in grid.settings)


def _tick(grid: Grid, setting: Setting) -> str:
    return POOL.format_cell(grid.value(POOL, setting))


CLAIM = TASKS(
    name="icl/many_tasks",
    question="With how many tasks does a model learn to learn?",
    where="Fig. 2, 4 and 5",
    text=(
        "Trained on few random projections a transformer knows these and no others; trained on many it learns new ones "
        "from the labels in context."
    ),
    setting="tasks, width",
    reading=(
        "A task is a projection with a permutation of the labels. All tasks share the base set of points. Bounds are "
        "those of the widest model."
    ),
    differs="Normal clusters in 8 dimensions in place of images, 4 classes, 24 points, a model of width 16.",
    criterion=Criterion(
        axes=(POOL, WIDTH),
        bounds=(
            RISE.at(POOL.most, WIDEST).at_least(0.25),
            RISE.at(POOL.fewest, WIDEST).at_most(0.15),
            SEEN.at(POOL.fewest, WIDEST).at_least(0.8),
        ),
    ),
    rows=Rows(
        {"seen": SEEN, "unseen": UNSEEN, "rise": RISE, "first, seen": FIRST, "means": MEANS},
        order=lambda tasks, width: (POOL.rank(tasks), width),
    ),
    figure=Drawing(
        (
            Curves(
                x=_place,
                picks=(WIDTH.most,),
                scores={"of the pool": SEEN, "new": UNSEEN, "nearest means, new": MEANS},
                ticks=_tick,
                xlabel="tasks in training",
                ylabel="accuracy at the last point",
                legend="tasks, widest model",
            ),
            Curves(
                x=_place,
                scores={"": UNSEEN},
                by=WIDTH,
                ticks=_tick,
                xlabel="tasks in training",
                ylabel="the same of new tasks",
                legend="width",
            ),
        ),
    ),
    facts=(
        Fact("From 2^13 or 2^14 tasks on large enough transformers learn new ones.", "second hand, Fig. 2"),
        Fact("Near that number seeds are in two camps.", "second hand, Fig. 5"),
    ),
)
