"""The value of an axis, or the step, at which a score comes up to a level, for each seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from experiments.judging.frame import MODEL
from experiments.judging.grid import Axis, Grid, Pick, Score
from experiments.judging.quantities import by_seed
from experiments.judging.statistics import Interval, over_seeds

Points = Sequence[tuple[float, float]]  # (place, score), in order of places


def crossing(points: Points, level: float) -> float | None:
    """The place at which the score first comes up to `level`, by interpolation; None where it never does."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if y0 < level <= y1:
            return x0 + (x1 - x0) * (level - y0) / (y1 - y0)
    return None


def along(grid: Grid, score: Score, axis: Axis, *picks: Pick) -> dict[int, list[tuple[float, float]]]:
    """For each seed the scores by the logarithm of the axis' value, averaged over other axes."""
    values = sorted({grid.value(axis, s) for s in grid.where(picks)})
    points: dict[int, list[tuple[float, float]]] = {}
    for value in values:
        cells = [(score, s) for s in grid.where((*picks, axis.at(value)))]
        for seed, mean in by_seed(grid, cells).items():
            points.setdefault(seed, []).append((math.log(value), mean))
    return points


def steps(grid: Grid, score: Score, *picks: Pick) -> dict[int, list[tuple[float, float]]]:
    """For each seed the scores by training step, averaged over the settings at which `picks` hold."""
    condition, _ = score.where(grid)
    rows = grid.table.filter(pl.col("position").is_null(), condition=condition, learner=MODEL)
    settings = grid.where(picks)
    own = pl.any_horizontal(
        pl.all_horizontal(pl.col(key) == value for key, value in zip(grid.keys, s, strict=True)) for s in settings
    )
    means = rows.filter(own).group_by("seed", "step").agg(pl.col(score.score).mean()).sort("seed", "step")
    points: dict[int, list[tuple[float, float]]] = {}
    for seed, step, mean in means.iter_rows():
        points.setdefault(seed, []).append((float(step), mean))
    return points


def reached(points: Mapping[int, Points], level: float = 0.5, *, log: bool = True) -> Interval | None:
    """The place at which every seed comes up to `level`, as a (geometric) mean; None unless all do.

    The interval covers the seeds, not the coarseness of the grid.
    """
    places = [crossing(of, level) for of in points.values()]
    found = [place for place in places if place is not None]
    if not found or len(found) < len(places):
        return None
    mean = over_seeds(found)
    if not log:
        return mean
    with np.errstate(over="ignore"):
        return Interval(*(float(np.exp(place)) for place in (mean.estimate, mean.lower, mean.upper)))
