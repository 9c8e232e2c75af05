"""Quantities that a criterion bounds: the mean of an arm, or the difference of two arms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from experiments.judging.axes import WORDS, Axis, Pick, Score, Setting
from experiments.judging.claim import Outcome, Verdict
from experiments.judging.grid import Grid
from experiments.judging.sides import Cell, Sides, are_paired, camps, interval, measure_of
from experiments.judging.statistics import Interval, margin

PAIRED, UNPAIRED = "paired by seed", "unpaired (Welch)"


def measured(grid: Grid, sides: Sides, bound: Bound, effect: Interval) -> dict[str, Any]:
    """Returns what else is known of an effect: its camps of seeds, its power, and how its sides are compared."""
    how = "" if sides.less is None else PAIRED if are_paired(grid, sides) else UNPAIRED
    power = bound.power(effect, sides.ends(measure_of(grid, sides)), grid.level)
    return {"camps": camps(grid, sides), "power": power, "how": how}


class Quantity:
    """A number that a table gives with an interval over seeds."""

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns the cells that it rests on in a table, of which the settings `read` can be read."""
        raise NotImplementedError

    def scores(self) -> Iterator[Score]:
        """Yields the scores that it reads."""
        raise NotImplementedError

    def words(self, grid: Grid | None = None) -> str:
        """Formats its name: with the values of a table if one is given."""
        raise NotImplementedError

    def arms(self) -> tuple[Arm, ...]:
        """Returns the arms that must all have been run for a verdict."""
        return ()

    def rule(self) -> str:
        """Formats the further rules of its measurement, in sentences."""
        return ""

    def how(self) -> str:
        """Formats how its two sides are compared; empty if it has one side, or a way of its own."""
        return ""

    def tested(self, grid: Grid) -> bool:
        """Returns whether a table has the conditions of all its scores."""
        conditions = set(grid.table["condition"])
        return all(score.number is not None or score.condition in conditions for score in self.scores())

    def within(self, *picks: Pick) -> Quantity:
        """Returns the same quantity where `picks` hold too. Raises TypeError for one that spans several settings."""
        raise TypeError(f"a bound on {type(self).__name__} cannot be asked at each value of an axis apart")

    def seeds(self, grid: Grid, settings: Sequence[Setting]) -> dict[str, set[int]]:
        """Returns the seeds of every setting, which must all have the same, by the setting's name."""
        cells = grid.cells(next(iter(self.scores()))).scores
        return {grid.format_setting(setting): set(cells[setting]) for setting in settings if setting in cells}

    def made(self, grid: Grid, value: float) -> dict[Cell, float] | None:
        """Returns mean scores with which it has a value; None if a linear programme is to find them."""
        return None

    def outcome(self, grid: Grid, read: Sequence[Setting], bound: Bound) -> Outcome:
        """Returns its interval in a table, and whether it keeps a bound."""
        sides = self.sides(grid, read)
        none = sides.empty or bool(sides.missing)
        effect, seeds = (None, 0) if none else interval(grid, sides)
        verdict = bound.verdict(effect) if effect else "inconclusive"
        settings = () if none else tuple(dict.fromkeys(setting for _, setting in sides.cells))
        outcome = Outcome(self.words(grid), bound.wanted(), effect, seeds, verdict, settings, sides.missing, sides.lost)
        return replace(outcome, **measured(grid, sides, bound, effect)) if effect else outcome

    def at_least(self, least: float) -> Bound:
        """Bounds it from below."""
        return Bound(self, least=least)

    def at_most(self, most: float) -> Bound:
        """Bounds it from above."""
        return Bound(self, most=most)

    def near_zero(self, by: float) -> Bound:
        """Bounds its whole interval to lie this near to zero."""
        return Bound(self, least=-by, most=by)


@dataclass(frozen=True)
class Arm(Quantity):
    """The mean of a score over the settings where all `picks` hold."""

    score: Score
    picks: tuple[Pick, ...] = ()

    def settings(self, grid: Grid) -> list[Setting]:
        """Returns the settings of the arm that were run."""
        scores = grid.cells(self.score).scores
        return [setting for setting in grid.where(self.picks) if setting in scores]

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns the arm's own cells."""
        run = self.settings(grid)
        kept = tuple((self.score, s) for s in run if s in read)
        missing = () if run else (self.words(),)
        return Sides(kept, None, 1.0, missing, tuple(s for s in run if s not in read))

    def scores(self) -> Iterator[Score]:
        """Yields the arm's score."""
        yield self.score

    def arms(self) -> tuple[Arm, ...]:
        """Returns the arm itself."""
        return (self,)

    def where(self, grid: Grid | None = None) -> str:
        """Formats the arm's picks."""
        return " and ".join(words for pick in self.picks if (words := pick.words(grid)))

    def words(self, grid: Grid | None = None) -> str:
        """Formats the score at the picks."""
        score = self.score.format_name(grid)
        return f"{score} with {self.where(grid)}" if self.picks else score

    def within(self, *picks: Pick) -> Arm:
        """Returns the same arm where `picks` hold too."""
        return replace(self, picks=(*self.picks, *picks))

    def __sub__(self, other: Arm) -> Difference:
        """Returns this arm minus another."""
        return Difference(self, other)


@dataclass(frozen=True)
class Difference(Quantity):
    """One arm minus another, each averaged over its settings. what: its name, if it has one.

    Two scores of the same runs are paired by seed, arms that are other runs are not.
    """

    more: Arm
    less: Arm
    what: str = field(default="", metadata=WORDS)

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns the cells of both arms; they are missing if both arms are the same."""
        more, less = self.more.sides(grid, read), self.less.sides(grid, read)
        missing = (*more.missing, *less.missing)
        if (
            not missing
            and set(self.more.settings(grid)) & set(self.less.settings(grid))
            and self.more.score == self.less.score
        ):
            missing = (f"a second value beside {self.more.where(grid)}",)
        return Sides(more.more, less.more, 1.0, missing, (*more.lost, *less.lost))

    def scores(self) -> Iterator[Score]:
        """Yields the scores of both arms."""
        yield from dict.fromkeys((self.more.score, self.less.score))

    def arms(self) -> tuple[Arm, ...]:
        """Returns both arms."""
        return self.more, self.less

    def words(self, grid: Grid | None = None) -> str:
        """Formats the score, the difference, and the picks that both arms share."""
        shared = [pick for pick in self.more.picks if pick in self.less.picks]
        more, less = (replace(a, picks=tuple(p for p in a.picks if p not in shared)) for a in (self.more, self.less))
        where = Arm(self.more.score, tuple(shared)).where(grid)
        common = f" with {where}" if where else ""
        if self.more.score == self.less.score:
            return f"{Arm(self.more.score).words(grid)}{common}, {more.where(grid)} minus {less.where(grid)},"
        return f"{more.words(grid)} minus {less.words(grid)}{common}"

    def how(self) -> str:
        """Formats whether it is paired by seed."""
        same = set(self.more.picks) == set(self.less.picks) and self.more.score.instead == self.less.score.instead
        return PAIRED if same else UNPAIRED

    def within(self, *picks: Pick) -> Difference:
        """Returns the same difference where `picks` hold too."""
        return replace(self, more=self.more.within(*picks), less=self.less.within(*picks))


def format_range(low: float, high: float, ends: tuple[float, float], digits: int = 2) -> str:
    """Formats the effects from `low` to `high`, of those between `ends`; empty if there are none."""
    if not low <= high or low > ends[1] or high < ends[0] or low == math.inf or high == -math.inf:
        return ""
    if high >= ends[1]:
        return f"{low:.{digits}f} or more"
    return f"{high:.{digits}f} or less" if low <= ends[0] else f"{low:.{digits}f} to {high:.{digits}f}"


@dataclass(frozen=True)
class Bound:
    """A condition: a quantity is `least` or more, or `most` or less, or both, with its whole interval."""

    quantity: Quantity
    least: float = -np.inf
    most: float = np.inf

    def verdict(self, effect: Interval) -> Verdict:
        """Returns whether the whole interval lies within the bounds, none of it, or some."""
        if self.least <= effect.lower and effect.upper <= self.most:
            return "reproduced"
        return "not reproduced" if effect.upper < self.least or effect.lower > self.most else "inconclusive"

    def power(self, effect: Interval, ends: tuple[float, float], level: float) -> str:
        """Formats which true effects an interval as wide as that of `effect` would decide with probability POWER.

        ends: the least and the most that an effect can be.
        """
        below, above = (
            margin(half, effect.freedom, level)
            for half in (effect.estimate - effect.lower, effect.upper - effect.estimate)
        )
        digits = 2 if effect.digits == 3 else effect.digits
        kept = format_range(max(self.least + below, ends[0]), min(self.most - above, ends[1]), ends, digits)
        missed = (
            format_range(ends[0], self.least - above, ends, digits),
            format_range(self.most + below, ends[1], ends, digits),
        )
        refuted = " or ".join(text for text in missed if text) or "none"
        return f"{kept or 'no effect'} is reproduced, {refuted} is not"

    def wanted(self) -> str:
        """Formats the bounds."""
        if np.isinf(self.most):
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if np.isinf(self.least) else f"{self.least:g} to {self.most:g}"

    def each(self, *axes: Axis, need: int = 1) -> Each:
        """Returns the bound at every value of `axes` apart."""
        return Each(self, axes, need)


@dataclass(frozen=True)
class Each:
    """A bound at every value of `axes` apart, of which `need` must be left to read: the worst decides."""

    bound: Bound
    axes: tuple[Axis, ...]
    need: int = 1

    def over(self) -> str:
        """Formats the axes."""
        return " and ".join(axis.noun for axis in self.axes)

    def bounds(self, grid: Grid) -> list[Bound]:
        """Returns the bound at every combination of values at which all its arms were run."""
        by_values = {}
        for setting in grid.settings:
            values: tuple[Any, ...] = tuple(grid.value(axis, setting) for axis in self.axes)
            picks = [axis.at(value) for axis, value in zip(self.axes, values, strict=True)]
            by_values[values] = replace(self.bound, quantity=self.bound.quantity.within(*picks))
        return [bound for bound in by_values.values() if not bound.quantity.sides(grid, grid.settings).missing]
