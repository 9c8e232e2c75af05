"""A view of a results table that reads runs by a stop rule: at the first evaluation where training is fitted exactly.

Some papers stop a run at the first check at which its score within the training distribution is 1, and report the mean
of the runs that were stopped so. Here all runs are trained on to the same last step, and recorded; the view adds the
scores that a run had at its stop, so that a criterion reads the chosen runs, and the printed table all of them beside.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from experiments.judging.frame import MODEL
from experiments.judging.measures import SHARE, Measure, with_measures

NAME = "at_stop"
STOPPED_NAME, STOPPED = "stopped", Measure()


@dataclass(frozen=True)
class AtStop:
    """Adds two scores to each run's end: `at_stop`, its exact match at the stop, and `stopped`, whether it was stopped.

    A run is stopped at its first evaluation at which exact match on `condition` is `level` or more. A run that never
    is has no score `at_stop`, but one that diverged has 0. A table that has the scores already stays what it is.
    """

    condition: str = "within"
    level: float = 1.0

    def __call__(self, table: pl.DataFrame) -> pl.DataFrame:
        """Returns the table with the scores."""
        if NAME in table.columns:
            return table
        of_model = (pl.col("learner") == MODEL) & pl.col("position").is_null()
        fitted = table.filter(of_model, pl.col("exact_match") >= self.level, condition=self.condition)
        stops = fitted.group_by("run").agg(pl.col("step").min().alias("stop"))
        rows = table.filter(of_model).join(stops, on="run").filter(pl.col("step") == pl.col("stop"))
        scores = rows.select("run", "condition", pl.col("exact_match").alias(NAME))
        joined = table.join(scores, on=["run", "condition"], how="left", maintain_order="left")
        stopped = pl.col("run").is_in(stops["run"].implode()).cast(pl.Float64)
        joined = joined.with_columns(
            pl.when(of_model & pl.col("final")).then(NAME).alias(NAME),
            pl.when(of_model & pl.col("final")).then(stopped).alias(STOPPED_NAME),
        )
        return with_measures(joined, {NAME: SHARE, STOPPED_NAME: STOPPED})
