"""How many functions must be seen before new ones are learnt in context? A claim of ours, after arXiv:2310.03016."""

from __future__ import annotations

import math

from experiments.judging.axes import Axis, Score, Setting
from experiments.judging.claim import PILOTS
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import UNSEEN, claim

POOL = Axis(
    "task.pool",
    "functions",
    (0, 8),
    value=lambda pool: f"{pool:,}" if pool else "unlimited",
    order={0: math.inf},
)
SEEN = Score("seen", "accuracy on functions of the pool at the last point")


def _place(grid: Grid, setting: Setting) -> int:
    """Returns the size of a pool; an unlimited one stands right of the others."""
    return setting[0] or 4 * max(pool for (pool,) in grid.settings)


CLAIM = claim(
    name="boolean/diversity",
    question="How many functions must be seen before new ones are learnt in context?",
    where="not in the paper: a question of ours",
    ours=True,
    text="Trained on few conjunctions a transformer knows these; trained on many it learns new ones in context.",
    setting="pool",
    reading="Functions are counted as the pool that training draws from, which may be unlimited.",
    looked=PILOTS,
    differs="Ours: the original draws a new function for every prompt.",
    criterion=Criterion(
        axes=(POOL,),
        read=(Fitted(SEEN),),
        bounds=((UNSEEN.at(POOL.most) - UNSEEN.at(POOL.fewest)).at_least(0.1),),
    ),
    rows=Rows({"unseen": UNSEEN, "seen": SEEN}, order=POOL.rank),
    figure=Drawing(
        (
            Curves(
                x=_place,
                scores={"held out": UNSEEN, "of the pool": SEEN},
                ticks=lambda grid, setting: POOL.format_cell(setting[0]),
                xlabel="functions in training",
                ylabel="accuracy at the last point",
                legend="functions",
            ),
        ),
    ),
)
