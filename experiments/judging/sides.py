"""The cells that a quantity rests on, and its interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.judging.axes import Score, Setting
from experiments.judging.frame import RecordError
from experiments.judging.grid import Grid
from experiments.judging.measures import SHARE, Measure
from experiments.judging.statistics import (
    Interval,
    difference,
    mean_score,
    paired_difference,
    two_camps,
)

Cell = tuple[Score, Setting]


@dataclass(frozen=True)
class Sides:
    """The cells that a quantity rests on in a table: the mean of `more`, minus that of `less` if any, times `factor`.

    missing: the arms that were never run, as text. lost: settings of its arms that cannot be read.
    """

    more: tuple[Cell, ...]
    less: tuple[Cell, ...] | None = None
    factor: float = 1.0
    missing: tuple[str, ...] = ()
    lost: tuple[Setting, ...] = ()

    @property
    def empty(self) -> bool:
        """Returns whether a side has no cell left."""
        return not self.more or self.less == ()

    @property
    def both(self) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
        """Returns the cells of either side."""
        return self.more, self.less or ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Returns the cells of both sides."""
        return (*self.more, *(self.less or ()))

    def ends(self, measure: Measure) -> tuple[float, float]:
        """Returns the least and the most that the quantity can be, of scores of this measure."""
        if self.less is None:
            return self.factor * measure.low, self.factor * measure.high
        return -self.factor * measure.span, self.factor * measure.span


def by_seed(grid: Grid, cells: Sequence[Cell]) -> dict[int, float]:
    """Returns the mean over `cells` of each seed that all of them have."""
    scores = [grid.cells(score).scores.get(setting, {}) for score, setting in cells]
    seeds = set.intersection(*map(set, scores)) if scores else set()
    return {seed: float(np.mean([seed_scores[seed] for seed_scores in scores])) for seed in sorted(seeds)}


def are_paired(grid: Grid, sides: Sides) -> bool:
    """Returns whether both sides of a difference are scores of the same runs, so that it is paired by seed."""
    more, less = ({grid.counterpart(setting, score.instead) for score, setting in side} for side in sides.both)
    return bool(more & less)


def interval(grid: Grid, sides: Sides) -> tuple[Interval | None, int]:
    """Returns the interval of a quantity over seeds, None if there are none, and the number of its seeds."""
    more = by_seed(grid, sides.more)
    examples = min((grid.cells(score).examples for score, _ in sides.cells), default=1)
    measure = measure_of(grid, sides)
    if sides.less is None:
        return (mean_score([*more.values()], examples, grid.level, measure) if more else None), len(more)
    less = by_seed(grid, sides.less)
    seeds = sorted(more.keys() & less.keys())
    if not seeds:
        return None, 0
    if are_paired(grid, sides):
        one = paired_difference([more[s] for s in seeds], [less[s] for s in seeds], examples, grid.level, measure)
    else:
        one = difference([*more.values()], [*less.values()], examples, grid.level, measure)
    return one.times(sides.factor), len(seeds)


def measure_of(grid: Grid, sides: Sides) -> Measure:
    """Returns the measure of a quantity's scores, which are all of one. Raises RecordError if they are not."""
    measures = list(dict.fromkeys(grid.cells(score).measure for score, _ in sides.cells)) or [SHARE]
    if len(measures) > 1:
        names = ", ".join(dict.fromkeys(score.score for score, _ in sides.cells))
        raise RecordError(f"compares scores of different measures: {names}")
    return measures[0]


def camps(grid: Grid, sides: Sides) -> tuple[str, ...]:
    """Formats the sides whose seeds are in two camps, each by the mean that it is."""
    names = []
    for cells in sides.both:
        measure = grid.cells(cells[0][0]).measure if cells else SHARE
        if measure.bounded and two_camps([measure.unit(mean) for mean in by_seed(grid, cells).values()]):
            score, setting = cells[0]
            where = grid.format_setting(setting) if len(cells) == 1 else f"{len(cells)} settings"
            names.append(f"{score.format_name(grid)} at {where}")
    return tuple(names)
