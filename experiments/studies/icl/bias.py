"""A share of tasks with one permutation shortens the plateau (arXiv:2212.04458, Fig. 9)."""

from __future__ import annotations

import polars as pl

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import AgainstSteps, Drawing
from experiments.judging.frame import MODEL
from experiments.judging.reached import crossing
from experiments.judging.rows import Rows
from experiments.studies.icl.family import TASKS
from experiments.studies.icl.many_tasks import RISE

LEVEL, LEFT = 0.15, "left"
SHARE = Axis("task.biased", "share", (0.0, 0.5), ends=("smallest", "largest"), value="{:g}", said="share {}")
NONE, HALF = SHARE.at(0.0).named("no bias"), SHARE.at(0.5).named("half of the examples biased")
AFTER = Score("unseen", "share of the steps that is left when the accuracy on new tasks has risen by 0.15", LEFT)


def with_steps_left(table: pl.DataFrame) -> pl.DataFrame:
    """Adds to the last row of each run the share of its steps that is left when the rise is LEVEL; 0 if it never is."""
    if LEFT in table.columns:
        return table
    rows = table.filter(pl.col("position").is_null(), condition="unseen", learner=MODEL).sort("step")
    timed = []
    for (run,), own in rows.group_by("run"):
        points = list(zip(own["step"].to_list(), own["rise"].to_list(), strict=True))
        place = crossing(points, LEVEL)
        timed.append((run, 1 - place / points[-1][0] if place else 0.0))
    schema = {"run": table.schema["run"], LEFT: pl.Float64}
    last = (pl.col("condition") == "unseen") & (pl.col("learner") == MODEL)
    last &= pl.col("position").is_null() & pl.col("final")
    joined = table.join(pl.DataFrame(timed, schema, orient="row"), on="run", how="left", maintain_order="left")
    return joined.with_columns(pl.when(last).then(pl.col(LEFT)).alias(LEFT))


CLAIM = TASKS(
    name="icl/bias",
    question="Does a share of biased tasks shorten the plateau?",
    where="Fig. 9",
    text=(
        "Where the labels of half of the examples are not permuted, a transformer leaves the plateau sooner, and it "
        "learns new tasks all the same."
    ),
    setting="share biased",
    reading="New tasks are never biased.",
    differs="Normal clusters in 8 dimensions in place of images, 8 classes, 24 points.",
    criterion=Criterion(
        axes=(SHARE,),
        view=with_steps_left,
        bounds=((AFTER.at(HALF) - AFTER.at(NONE)).at_least(0.1), RISE.at(HALF).at_least(0.15)),
    ),
    rows=Rows({"left": AFTER, "rise": RISE}),
    figure=Drawing(
        (AgainstSteps(score=RISE, by=SHARE, xlabel="step", ylabel="rise on new tasks"),),
        legend="share",
        marks="means over seeds",
    ),
    facts=(Fact("A biased share of the data removes the plateau, and the model still generalises.", "second hand"),),
)
