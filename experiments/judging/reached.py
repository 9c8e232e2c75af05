"""Measures where a score comes up to a level, by an axis or by step, for each seed, and how far that place moves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from experiments.judging.axes import Axis, Pick, Score, Setting
from experiments.judging.claim import LeftOut, Outcome
from experiments.judging.frame import MODEL
from experiments.judging.grid import Grid
from experiments.judging.measures import DECLARED, Measure, declared_in, format_declarations
from experiments.judging.quantities import Bound, Quantity
from experiments.judging.sides import Cell, Sides, by_seed
from experiments.judging.statistics import Interval, mean_score, over_seeds

Points = Sequence[tuple[float, float]]  # (place, score), in order of places


def crossing(points: Points, level: float) -> float | None:
    """Returns the place at which the score first comes up to `level`, by interpolation; None if it never does."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if y0 < level <= y1:
            return x0 + (x1 - x0) * (level - y0) / (y1 - y0)
    return None


def along(grid: Grid, score: Score, axis: Axis, *picks: Pick) -> dict[int, list[tuple[float, float]]]:
    """Returns for each seed the scores by the logarithm of the axis' value, averaged over other axes."""
    values = sorted({grid.value(axis, s) for s in grid.where(picks)})
    points: dict[int, list[tuple[float, float]]] = {}
    for value in values:
        cells = [(score, s) for s in grid.where((*picks, axis.at(value)))]
        for seed, mean in by_seed(grid, cells).items():
            points.setdefault(seed, []).append((math.log(value), mean))
    return points


OCTAVES = Measure(high=math.inf, better="lower", lost=math.inf)  # the logarithm of a step to base 2


def with_first_step(table: pl.DataFrame, score: Score, level: float, name: str) -> pl.DataFrame:
    """Returns the table with a measure more: log2 of the step at which a run's `score` first comes up to `level`.

    A run that never comes up to it is censored: it has its last step, so that its true one is that or later. The step
    is interpolated between evaluations. A table that has the measure stays what it is, and so does one without the
    score. It is meant for a criterion's `view`.
    """
    if name in table.columns or score.score not in table.columns:
        return table
    rows = table.filter(pl.col("position").is_null(), condition=score.condition, learner=score.learner)
    points: dict[str, list[tuple[float, float]]] = {}
    for run, step, value in rows.select("run", "step", score.score).drop_nulls().sort("step").iter_rows():
        points.setdefault(run, []).append((float(step), value))
    places = {run: math.log2(max(first_step(line, level) or line[-1][0], 1.0)) for run, line in points.items()}
    column = pl.col("run").replace_strict(places, default=None, return_dtype=pl.Float64)
    of_model = (pl.col("learner") == MODEL) & pl.col("position").is_null()
    declared = {**declared_in(table), name: OCTAVES}
    before = table.columns.index("examples")
    order = [*table.columns[:before], name, *(c for c in table.columns[before:] if c != DECLARED), DECLARED]
    return table.with_columns(
        pl.when(of_model).then(column).alias(name), pl.lit(format_declarations(declared)).alias(DECLARED)
    ).select(order)


def first_step(points: Points, level: float) -> float | None:
    """Returns the step at which a score is first at `level` or above, by interpolation; None if it never is."""
    if points and points[0][1] >= level:
        return points[0][0]
    return crossing(points, level)


def steps(grid: Grid, score: Score, *picks: Pick) -> dict[int, list[tuple[float, float]]]:
    """Returns for each seed the scores by training step, averaged over the settings at which `picks` hold."""
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
    """Returns the place at which every seed comes up to `level`, as a (geometric) mean; None unless all do.

    The interval covers the seeds, not the coarseness of the grid.
    """
    places = [crossing(line, level) for line in points.values()]
    known = [place for place in places if place is not None]
    if not known or len(known) < len(places):
        return None
    mean = over_seeds(known)
    if not log:
        return mean
    with np.errstate(over="ignore"):
        estimate, lower, upper = (float(np.exp(place)) for place in (mean.estimate, mean.lower, mean.upper))
    return Interval(estimate, lower, upper)


@dataclass(frozen=True)
class Crossing:
    """The place where a seed's score comes up to a level: log2 of the axis' values on either side, and the fit there.

    An end is None if no run is on that side.
    """

    low: float | None
    high: float | None
    fit: float

    @property
    def place(self) -> float:
        """Returns the middle of the two sides, or the only end if one is missing."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return sum(ends) / len(ends)

    @property
    def width(self) -> float:
        """Returns the octaves between the two sides; 0 if one is missing."""
        return self.high - self.low if self.low is not None and self.high is not None else 0.0


Column = Mapping[int, Crossing]  # by seed


@dataclass(frozen=True)
class Spread(Quantity):
    """Octaves by which the value of `along` at which `score` comes up to `level` moves between values of `over`.

    Bisection finds it for each seed: the geometric middle of the largest value that is below and the smallest that is
    not. A value of `over`, a column, is read if the score `fit` on these two sides is `least` or more on average. The
    columns that are left must span a factor of `span`. A threshold must be known to less than `sure` octaves.
    """

    score: Score
    along: Axis
    over: Axis
    fit: Score
    level: float = 0.5
    least: float = 0.9
    span: float = 10.0
    sure: float = 1.0

    def columns(self, grid: Grid) -> Mapping[Any, Column]:
        """Returns the crossing of every seed, by the value of `over`."""
        scores, fits = grid.cells(self.score).scores, grid.cells(self.fit).scores
        columns: dict[Any, dict[int, Crossing]] = {}
        for value in sorted({grid.value(self.over, s) for s in grid.settings}):
            places = {grid.value(self.along, s): s for s in grid.where((self.over.at(value),))}
            for seed in sorted({seed for s in places.values() for seed in scores[s]}):
                at = {place: s for place, s in places.items() if seed in scores[s]}
                low = max((place for place, s in at.items() if scores[s][seed] < self.level), default=None)
                high = min((place for place, s in at.items() if scores[s][seed] >= self.level), default=None)
                sides = [at[place] for place in (low, high) if place is not None]
                fit = sum(fits[s][seed] for s in sides) / len(sides)
                below, above = (None if place is None else math.log2(place) for place in (low, high))
                columns.setdefault(value, {})[seed] = Crossing(below, above, fit)
        return columns

    def fitted(self, grid: Grid, column: Column) -> Interval:
        """Returns the interval of a column's fit."""
        return mean_score([one.fit for one in column.values()], grid.cells(self.score).examples, grid.level)

    def threshold(self, grid: Grid, column: Column) -> Interval:
        """Returns a column's threshold as a geometric mean over seeds; its interval covers the seeds alone."""
        octaves = over_seeds([one.place for one in column.values()], level=grid.level)
        return Interval(
            2.0**octaves.estimate, 2.0**octaves.lower, 2.0**octaves.upper if octaves.upper < 100 else math.inf
        )

    def lost(self, grid: Grid) -> dict[Setting, LeftOut]:
        """Returns the settings of the columns that are not fitted: this quantity is a rule of reading, too."""
        lost = {}
        for value, column in self.columns(grid).items():
            if (mean := self.fitted(grid, column).estimate) < self.least:
                left = LeftOut(
                    self.over.format_value(value), f"{self.fit.words} is below {self.least:g}", f"{mean:.3f}"
                )
                lost |= dict.fromkeys(grid.where((self.over.at(value),)), left)
        return lost

    def rule(self) -> str:
        """Formats how it is measured, and which columns are read."""
        return (
            f"For each seed the threshold is the geometric middle of the largest number of {self.along.noun} that is "
            f"below {self.level:g} and the smallest that is not; one that lies outside the grid counts as the grid's "
            f"end, and then nothing is reproduced. A number of {self.over.noun} is read where {self.fit.words}, on "
            f"either side of the threshold, has a mean of at least {self.least:g}; others are left out and named. What "
            f"is left must span a factor of {self.span:g}, and each threshold be known to less than a factor of "
            f"{2**self.sure:g}."
        )

    def scores(self) -> Iterator[Score]:
        """Yields the score, and the one that decides whether a column is fitted."""
        yield from (self.score, self.fit)

    def words(self, grid: Grid | None = None) -> str:
        """Formats which threshold moves, and over which values."""
        noun = self.over.noun
        if grid is not None:
            noun = " to ".join(
                str(self.over.format_cell(pick(v for v, *_ in self._values(grid)))) for pick in (min, max)
            )
            noun = f"{noun} {self.over.noun}"
        what = f"the number of {self.along.noun} at which {self.score.words} reaches {self.level:g}"
        return f"octaves by which {what} moves over {noun}"

    def _values(self, grid: Grid) -> list[tuple[Any, ...]]:
        return [(grid.value(self.over, s),) for s in grid.settings]

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns all cells that are read: it is no difference of means."""
        return Sides(tuple((self.score, setting) for setting in read))

    def seeds(self, grid: Grid, settings: Sequence[Setting]) -> dict[str, set[int]]:
        """Returns the seeds of every column, as bisection runs each seed at values of its own."""
        values = {grid.value(self.over, s) for s in settings}
        return {self.over.format_value(v): set(column) for v, column in self.columns(grid).items() if v in values}

    def outcome(self, grid: Grid, read: Sequence[Setting], bound: Bound) -> Outcome:
        """Returns how far the thresholds of the columns that are read move, and whether that is at most the bound."""
        every = self.columns(grid)
        values = {grid.value(self.over, s) for s in read}
        columns = {value: column for value, column in every.items() if value in values}
        lost = tuple(s for s in grid.settings if s not in read)
        words, wanted = self.words(grid), bound.wanted()
        if not columns or max(columns) < self.span * min(columns):
            narrow = max(every) < self.span * min(every)
            missing = (f"{self.over.noun} that span a factor of {self.span:g}",) if narrow else ()
            return Outcome(words, wanted, None, 0, "inconclusive", (), missing, lost)
        seeds = sorted(set.intersection(*(set(column) for column in columns.values())))
        moves = [max(at) - min(at) for seed in seeds if (at := [column[seed].place for column in columns.values()])]
        crossings = [one for column in columns.values() for one in column.values()]
        # A threshold lies anywhere between its two sides alike, and two of them make a move.
        rounding = 2 * float(np.mean([one.width**2 for one in crossings])) / 12
        effect = over_seeds(moves, 0.0, level=grid.level, rounding=rounding) if moves else None
        verdict = bound.verdict(effect) if effect else "inconclusive"
        if any(one.width >= self.sure for one in crossings):
            words, verdict = f"{words}, known to a factor of {2**self.sure:g} or worse,", "inconclusive"
        elif verdict == "reproduced" and any(one.low is None or one.high is None for one in crossings):
            words, verdict = f"{words}, where within the grid some seed has no threshold,", "inconclusive"
        outcome = Outcome(words, wanted, effect, len(seeds), verdict, tuple(read), (), lost)
        return replace(outcome, power=bound.power(effect, (0.0, math.inf), grid.level)) if effect else outcome

    def made(self, grid: Grid, value: float) -> dict[Cell, float]:
        """Returns mean scores with which the threshold moves by `value` octaves from one end of `over` to the other."""
        ends = [math.log2(pick(grid.value(self.along, s) for s in grid.settings)) for pick in (min, max)]
        values = sorted({number for (number,) in self._values(grid)})
        cells: dict[Cell, float] = {}
        for setting in grid.settings:
            share = values.index(grid.value(self.over, setting)) / (len(values) - 1) - 0.5
            away = math.log2(grid.value(self.along, setting)) - (sum(ends) / 2 + share * value + 0.01)
            cells[self.score, setting] = min(max(0.5 + away / 8, 0.0), 1.0)
            cells[self.fit, setting] = 0.98
        return cells


def steps_reached(grid: Grid, score: Score, level: float = 0.5, *picks: Pick) -> Interval | None:
    """Returns the training step at which every seed comes up to `level`, a mean in whole steps; None unless all do."""
    mean = reached(steps(grid, score, *picks), level, log=False)
    return mean and replace(mean, digits=0)
