"""Views of a results table that measure how much it takes until a score comes up to a level, in octaves.

A criterion reads scores at the end of training. A view adds to a table the logarithm, to base 2, of the first step at
which exact match comes up to a level, or of the first value of an axis, so that criteria bound ratios of these:

    OCTAVES = Score("set", "octaves of steps to no error", octaves.NAME, measure=octaves.OF_STEPS)
    Criterion(axes, view=octaves.BySteps("set"), bounds=((OCTAVES.at(SLOW) - OCTAVES.at(FAST)).at_least(2),), ...)

A run that never comes up counts as if it had at its end, so a ratio is too small where the slower side has such runs.
The score `reached` tells them, so that a rule of reading can demand that the faster side has none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import polars as pl

from experiments.judging import reached
from experiments.judging.axes import Score
from experiments.judging.frame import MODEL, RecordError
from experiments.judging.measures import ERROR, Measure, with_measures

NAME = "octaves"
OF_STEPS = reached.OCTAVES
OF_VALUES = replace(OF_STEPS, lost=64.0)  # finite, as learners of one run are compared, which all have it
REACHED_NAME, REACHED = "reached", Measure()
PEAK_NAME, PEAK = "peak", ERROR


@dataclass(frozen=True)
class BySteps:
    """Adds what a condition shows by step: `octaves` of steps, `reached`, and the `peak` of the loss until then.

    level: the exact match that is to be reached. Steps are those of the evaluations. A table that has octaves already
    stays what it is.
    """

    condition: str
    level: float = 1.0

    def __call__(self, table: pl.DataFrame) -> pl.DataFrame:
        """Returns the table with the columns."""
        if NAME in table.columns:
            return table
        table = reached.with_first_step(table, Score(self.condition), self.level, NAME)
        own = (pl.col("learner") == MODEL) & (pl.col("condition") == self.condition) & pl.col("position").is_null()
        rows = table.filter(own)
        up = (pl.col("exact_match") >= self.level).any()
        until = pl.col("nll").filter(pl.col("step") <= 2 ** pl.col(NAME) + 0.5).max()
        by_run = rows.group_by("run").agg(up.cast(pl.Float64).alias(REACHED_NAME), until.alias(PEAK_NAME))
        joined = table.join(by_run, on="run", how="left", maintain_order="left")
        return with_measures(joined, {REACHED_NAME: REACHED, PEAK_NAME: PEAK})


@dataclass(frozen=True)
class ByAxis:
    """Makes one run of all runs of a setting that differ in an axis alone: `octaves` of its values, and `reached`.

    axis: the swept key that goes. condition, level: of exact match at the end, for each learner; between two values the
    place follows by interpolation of its logarithm. values: the column of the values, if the key has names of arms. A
    table that has octaves already stays what it is.
    """

    axis: str
    condition: str
    level: float
    values: str = ""

    def __call__(self, table: pl.DataFrame) -> pl.DataFrame:
        """Returns the table of one run a setting, seed and learner."""
        if NAME in table.columns:
            return table
        value = self.values or self.axis
        if missing := [name for name in (self.axis, value) if name not in table.columns]:
            raise RecordError(f"the results have no column {missing[0]}")
        start, end = table.columns.index("seed"), table.columns.index("step")
        keys = [name for name in table.columns[start:end] if name != self.axis]
        rows = table.filter(pl.col("final"), pl.col("position").is_null(), condition=self.condition).sort(value)
        groups = []
        for group in rows.partition_by(*keys, "learner", maintain_order=True):
            scores = group["exact_match"].fill_null(0.0).to_list()
            points = [(math.log2(x), y) for x, y in zip(group[value].to_list(), scores, strict=True)]
            place = reached.first_step(points, self.level)
            octaves = points[-1][0] if place is None else place
            measured = {NAME: pl.lit(octaves), REACHED_NAME: pl.lit(float(place is not None))}
            groups.append(group.tail(1).with_columns(**measured))
        gone = [name for name in {self.axis, value} if name in table.columns]
        return with_measures(pl.concat(groups).drop(gone), {NAME: OF_VALUES, REACHED_NAME: REACHED})
