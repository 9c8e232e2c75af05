"""Quantities that a criterion bounds: a level, a difference, matched pairs, the best of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from experiments.judging.claim import Outcome, Verdict
from experiments.judging.grid import WORDS, Axis, Grid, Pick, Score, Setting
from experiments.judging.statistics import Interval, mean_score, paired_difference

Cell = tuple[Score, Setting]


@dataclass(frozen=True)
class Sides:
    """The cells that a quantity rests on in a table: the mean of `more`, minus that of `less` if any, times `factor`.

    missing: in words, the arms that were never run. lost: settings of its arms that cannot be read.
    """

    more: tuple[Cell, ...]
    less: tuple[Cell, ...] | None = None
    factor: float = 1.0
    missing: tuple[str, ...] = ()
    lost: tuple[Setting, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether a side has no cell left."""
        return not self.more or self.less == ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of both sides."""
        return (*self.more, *(self.less or ()))


def by_seed(grid: Grid, cells: Sequence[Cell]) -> dict[int, float]:
    """The mean over `cells` of each seed that all of them have."""
    scores = [grid.cells(score).scores.get(setting, {}) for score, setting in cells]
    seeds = set.intersection(*map(set, scores)) if scores else set()
    return {seed: float(np.mean([of[seed] for of in scores])) for seed in sorted(seeds)}


def interval(grid: Grid, sides: Sides) -> tuple[Interval | None, int]:
    """The interval of a quantity over seeds, None where there are none; and how many seeds it rests on."""
    more = by_seed(grid, sides.more)
    examples = min((grid.cells(score).examples for score, _ in sides.cells), default=1)
    if sides.less is None:
        return (mean_score([*more.values()], examples, grid.level) if more else None), len(more)
    less = by_seed(grid, sides.less)
    seeds = sorted(more.keys() & less.keys())
    if not seeds:
        return None, 0
    half = paired_difference([more[s] for s in seeds], [less[s] for s in seeds], examples, grid.level)
    times = sides.factor
    return Interval(times * half.estimate, times * half.lower, times * half.upper), len(seeds)


class Quantity:
    """A number that a table gives with an interval over seeds."""

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """What it rests on in a table, of which the settings `read` can be read."""
        raise NotImplementedError

    def scores(self) -> Iterator[Score]:
        """The scores that it reads."""
        raise NotImplementedError

    def words(self, grid: Grid | None = None) -> str:
        """What it is: with the values of a table where one is given."""
        raise NotImplementedError

    def arms(self) -> tuple[Arm, ...]:
        """The arms without each of which nothing can be told."""
        return ()

    def rule(self) -> str:
        """What else must be said of how it is measured, in sentences."""
        return ""

    def within(self, *picks: Pick) -> Quantity:
        """The same where `picks` hold too."""
        raise NotImplementedError

    def seeds(self, grid: Grid, settings: Sequence[Setting]) -> dict[str, set[int]]:
        """The seeds of every setting, which must all have the same, by the setting in words."""
        cells = grid.cells(next(iter(self.scores()))).scores
        return {grid.say(setting): set(cells[setting]) for setting in settings if setting in cells}

    def made(self, grid: Grid, value: float) -> dict[Cell, float] | None:
        """Mean scores of which it has a value; None where that is a linear programme's to find."""
        return None

    def outcome(self, grid: Grid, read: Sequence[Setting], bound: Bound) -> Outcome:
        """Its interval in a table, and whether it keeps a bound."""
        sides = self.sides(grid, read)
        none = sides.empty or bool(sides.missing)
        effect, seeds = (None, 0) if none else interval(grid, sides)
        verdict = bound.verdict(effect) if effect else "inconclusive"
        settings = () if none else tuple(dict.fromkeys(setting for _, setting in sides.cells))
        return Outcome(self.words(grid), bound.wanted(), effect, seeds, verdict, settings, sides.missing, sides.lost)

    def at_least(self, least: float) -> Bound:
        """The bound that it is this or more."""
        return Bound(self, least=least)

    def at_most(self, most: float) -> Bound:
        """The bound that it is this or less."""
        return Bound(self, most=most)

    def near_zero(self, by: float) -> Bound:
        """The bound that it lies this near to zero with its whole interval."""
        return Bound(self, least=-by, most=by)


@dataclass(frozen=True)
class Arm(Quantity):
    """The mean of a score over the settings where all `picks` hold."""

    score: Score
    picks: tuple[Pick, ...] = ()

    def settings(self, grid: Grid) -> list[Setting]:
        """The settings of the arm that were run."""
        there = grid.cells(self.score).scores
        return [setting for setting in grid.where(self.picks) if setting in there]

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """The arm's own cells."""
        run = self.settings(grid)
        kept = tuple((self.score, s) for s in run if s in read)
        missing = () if run else (self.words(),)
        return Sides(kept, None, 1.0, missing, tuple(s for s in run if s not in read))

    def scores(self) -> Iterator[Score]:
        """The arm's score."""
        yield self.score

    def arms(self) -> tuple[Arm, ...]:
        """The arm itself."""
        return (self,)

    def where(self, grid: Grid | None = None) -> str:
        """The arm's picks in words."""
        return " and ".join(words for pick in self.picks if (words := pick.words(grid)))

    def words(self, grid: Grid | None = None) -> str:
        """The score at the picks."""
        score = self.score.say(grid)
        return f"{score} with {self.where(grid)}" if self.picks else score

    def within(self, *picks: Pick) -> Arm:
        """The same where `picks` hold too."""
        return replace(self, picks=(*self.picks, *picks))

    def __sub__(self, other: Arm) -> Difference:
        """This arm minus another, paired by seed."""
        return Difference(self, other)


@dataclass(frozen=True)
class Difference(Quantity):
    """One arm minus another, each averaged over its settings and paired by seed. what: its name, if it has one."""

    more: Arm
    less: Arm
    what: str = field(default="", metadata=WORDS)

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """The cells of both arms; they are missing where both are the same."""
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
        """Those of both arms."""
        yield from dict.fromkeys((self.more.score, self.less.score))

    def arms(self) -> tuple[Arm, ...]:
        """Both arms."""
        return self.more, self.less

    def words(self, grid: Grid | None = None) -> str:
        """The score, what differs, and what both arms share."""
        shared = [pick for pick in self.more.picks if pick in self.less.picks]
        more, less = (replace(a, picks=tuple(p for p in a.picks if p not in shared)) for a in (self.more, self.less))
        where = Arm(self.more.score, tuple(shared)).where(grid)
        common = f" with {where}" if where else ""
        if self.more.score == self.less.score:
            return f"{Arm(self.more.score).words(grid)}{common}, {more.where(grid)} minus {less.where(grid)},"
        return f"{more.words(grid)} minus {less.words(grid)}{common}"

    def within(self, *picks: Pick) -> Difference:
        """The same where `picks` hold too."""
        return replace(self, more=self.more.within(*picks), less=self.less.within(*picks))


@dataclass(frozen=True)
class Matched(Quantity):
    """One kind of arm minus another, in pairs that are equal in a further score, `by`, to within `near` and a factor.

    Of each setting of `less` the one of `more` counts that is nearest by that score, and equal in all other axes.
    """

    score: Score
    more: tuple[Pick, ...]
    less: tuple[Pick, ...]
    by: Score
    near: float = 0.1
    times: float = 2.0

    def pairs(self, grid: Grid, read: Sequence[Setting]) -> list[tuple[Setting, Setting]]:
        """The pairs (more, less) among the settings `read`."""
        varied = grid.keys.index(self.more[0].axis.column)
        share = grid.cells(self.by)
        more, pairs = grid.where(self.more, read), []
        for one in grid.where(self.less, read):
            others = [s for s in more if s[:varied] + s[varied + 1 :] == one[:varied] + one[varied + 1 :]]
            gap = {s: abs(share.estimate(s) - share.estimate(one)) for s in others}
            nearest = min(gap, key=gap.__getitem__, default=None)
            if nearest is not None and gap[nearest] <= self.near:
                low, high = sorted((share.estimate(nearest), share.estimate(one)))
                pairs += [(nearest, one)] if high <= self.times * low else []
        return pairs

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """The cells of all pairs."""
        pairs = self.pairs(grid, read)
        arms = {arm.words(): grid.where(arm.picks) for arm in self.arms()}
        missing = tuple(name for name, settings in arms.items() if not settings)
        lost = tuple(s for settings in arms.values() for s in settings if s not in read)
        more, less = (tuple((self.score, pair[side]) for pair in pairs) for side in (0, 1))
        return Sides(more, less, 1.0, missing, lost)

    def scores(self) -> Iterator[Score]:
        """The score, and the one by which pairs are matched."""
        yield from (self.score, self.by)

    def arms(self) -> tuple[Arm, ...]:
        """Both kinds."""
        return Arm(self.score, self.more), Arm(self.score, self.less)

    def words(self, grid: Grid | None = None) -> str:
        """The score under both kinds."""
        more, less = (Arm(self.score, picks).where(grid) for picks in (self.more, self.less))
        return f"{self.score.words}, {more} minus {less} of the same {self.by.words},"

    def within(self, *picks: Pick) -> Matched:
        """The same where `picks` hold too."""
        return replace(self, more=(*self.more, *picks), less=(*self.less, *picks))

    def rule(self) -> str:
        """How pairs are made."""
        more, less = (Arm(self.score, picks).where() for picks in (self.more, self.less))
        return (
            f"Of each setting with {less} the one with {more} counts that has the nearest {self.by.words}, where the "
            f"two are within {self.near:g} and a factor of {self.times:g} of one another; averaged over these pairs."
        )

    def each(self, grid: Grid, read: Sequence[Setting]) -> str:
        """Every pair with its further scores and its own difference, in words."""
        share, says = grid.cells(self.by), []
        for a, b in self.pairs(grid, read):
            effect, _ = interval(grid, Sides(((self.score, a),), ((self.score, b),)))
            shares = f"{self.by.words} {share.mean(a).estimate:.2f} and {share.mean(b).estimate:.2f}"
            says.append(f"{grid.say(a)} and {grid.say(b)} ({shares}): {effect}")
        return "; ".join(says)


@dataclass(frozen=True)
class Interaction(Quantity):
    """A difference of differences: `more` minus `less` at the largest value of `axis` minus that at the smallest.

    Its ends are those among the values at which both can be read.
    """

    score: Score
    axis: Axis
    more: tuple[Pick, ...]
    less: tuple[Pick, ...]
    what: str = field(default="", metadata=WORDS)

    def ends(self, grid: Grid, read: Sequence[Setting]) -> list[tuple[Setting, Setting]]:
        """The settings (more, less) of every value at which both can be read, from the smallest value on."""
        found = {}
        for side, picks in enumerate((self.more, self.less)):
            for setting in grid.where(picks):
                found.setdefault(grid.value(self.axis, setting), {})[side] = setting
        both = [of for of in found.values() if len(of) == 2 and of[0] in read and of[1] in read]
        both.sort(key=lambda of: self.axis.rank(grid.value(self.axis, of[0])))
        return [(of[0], of[1]) for of in both]

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """The difference of two differences as twice that of two means."""
        run = [arm.settings(grid) for arm in self.arms()]
        missing = tuple(arm.words() for arm, settings in zip(self.arms(), run, strict=True) if not settings)
        if not missing and len({grid.value(self.axis, s) for settings in run for s in settings}) < 2:
            missing = (f"a second {self.axis.noun}",)
        lost = tuple(s for settings in run for s in settings if s not in read)
        ends = self.ends(grid, read)
        if len(ends) < 2:
            return Sides((), (), 2.0, missing, lost)
        least, most = ends[0], ends[-1]
        cells = [tuple((self.score, s) for s in side) for side in ((most[0], least[1]), (most[1], least[0]))]
        return Sides(cells[0], cells[1], 2.0, missing, lost)

    def scores(self) -> Iterator[Score]:
        """The one score."""
        yield self.score

    def arms(self) -> tuple[Arm, ...]:
        """Both sides of the difference."""
        return Arm(self.score, self.more), Arm(self.score, self.less)

    def words(self, grid: Grid | None = None) -> str:
        """The differences, and the two ends."""
        ends = f"the {self.axis.ends[1]} {self.axis.noun} minus the {self.axis.ends[0]}"
        if grid is not None and len(found := self.ends(grid, grid.settings)) > 1:
            ends = " minus ".join(self.axis.say(grid.value(self.axis, found[place][0])) for place in (-1, 0))
        harm = Difference(Arm(self.score, self.more), Arm(self.score, self.less)).words().rstrip(",")
        return f"{self.what or harm}, {ends},"


@dataclass(frozen=True)
class Largest(Quantity):
    """The largest of several quantities, at each value of `axis`: the one with the highest lower bound.

    Of N quantities each interval has the level 1 - 0.05 / N (Bonferroni), since the largest is picked. That all of them
    are below a bound wants no correction.
    """

    axis: Axis
    of: tuple[Quantity, ...]
    names: tuple[str, ...] = field(default=(), metadata=WORDS)

    def all(self, grid: Grid, read: Sequence[Setting]) -> dict[str, tuple[Quantity, Sides]]:
        """Every quantity that can be read, by what it is in words."""
        found = {}
        for value in dict.fromkeys(grid.value(self.axis, setting) for setting in grid.settings):
            for quantity, name in zip(self.of, self.names, strict=True):
                one = quantity.within(self.axis.at(value))
                sides = one.sides(grid, read)
                if not sides.empty:
                    found[self.axis.say(value) + name] = one, sides
        return found

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """The cells of all that can be read."""
        every = [of.sides(grid, read) for of in self.of]
        cells = [sides for _, sides in self.all(grid, read).values()]
        more, less = (
            tuple(cell for sides in cells for cell in getattr(sides, side) or ()) for side in ("more", "less")
        )
        lost = tuple(dict.fromkeys(s for sides in every for s in sides.lost))
        missing = tuple(dict.fromkeys(name for sides in every for name in sides.missing))
        return Sides(more, less, 1.0, missing if len([s for s in every if s.missing]) == len(every) else (), lost)

    def arms(self) -> tuple[Arm, ...]:
        """The arms that all of them have."""
        first, *others = (of.arms() for of in self.of)
        return tuple(arm for arm in first if all(arm in arms for arms in others))

    def scores(self) -> Iterator[Score]:
        """Those of all."""
        yield from dict.fromkeys(score for quantity in self.of for score in quantity.scores())

    def words(self, grid: Grid | None = None) -> str:
        """What the largest is of."""
        return f"the largest, at any {self.axis.noun}, of {' or '.join(of.words().rstrip(',') for of in self.of)}"

    def rule(self) -> str:
        """How the largest is corrected, and the rule of what it is of."""
        own = " ".join(dict.fromkeys(of.rule() for of in self.of))
        return (
            f"{own} It is the contrast with the highest lower bound, where of N contrasts each interval is of level "
            "1 - 0.05 / N (Bonferroni), since the largest of several is picked; that all of them are below the bound "
            "wants no correction."
        )

    def map(self, grid: Grid, read: Sequence[Setting]) -> dict[str, Interval]:
        """The interval of every quantity that can be read, by what it is in words."""
        return _intervals(grid, self.all(grid, read))

    def outcome(self, grid: Grid, read: Sequence[Setting], bound: Bound) -> Outcome:
        """The largest, corrected for how many there are; its bound is `least`."""
        every, sides = self.all(grid, read), self.sides(grid, read)
        plain = _intervals(grid, every)
        wide = _intervals(grid.at(1 - (1 - grid.level) / max(len(every), 1)), every)
        settings = tuple(dict.fromkeys(setting for _, setting in sides.cells))
        best = max(wide, key=lambda name: wide[name].lower, default=None)
        if best is None:
            return Outcome(self.words(), bound.wanted(), None, 0, "inconclusive", settings, sides.missing, sides.lost)
        verdict: Verdict = "inconclusive"
        if wide[best].lower >= bound.least:
            verdict = "reproduced"
        elif all(effect.upper < bound.least for effect in plain.values()):
            verdict = "not reproduced"
        seeds = interval(grid, every[best][1])[1]
        words = f"the largest of {len(every)} contrasts, {best},"
        return Outcome(words, bound.wanted(), wide[best], seeds, verdict, settings, (), sides.lost)


def _intervals(grid: Grid, every: Mapping[str, tuple[Quantity, Sides]]) -> dict[str, Interval]:
    found = {name: interval(grid, sides)[0] for name, (_, sides) in every.items()}
    return {name: effect for name, effect in found.items() if effect}


@dataclass(frozen=True)
class Bound:
    """That a quantity is `least` or more, or `most` or less, or both, with its whole interval."""

    quantity: Quantity
    least: float = -np.inf
    most: float = np.inf

    def verdict(self, effect: Interval) -> Verdict:
        """Whether the whole interval lies within the bounds, none of it, or some."""
        if self.least <= effect.lower and effect.upper <= self.most:
            return "reproduced"
        return "not reproduced" if effect.upper < self.least or effect.lower > self.most else "inconclusive"

    def wanted(self) -> str:
        """The bounds in words."""
        if np.isinf(self.most):
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if np.isinf(self.least) else f"{self.least:g} to {self.most:g}"

    def each(self, *axes: Axis, need: int = 1) -> Each:
        """The bound at every value of `axes` apart."""
        return Each(self, axes, need)


@dataclass(frozen=True)
class Each:
    """A bound at every value of `axes` apart, of which `need` must be left to read: the worst decides."""

    bound: Bound
    axes: tuple[Axis, ...]
    need: int = 1

    def over(self) -> str:
        """The axes in words."""
        return " and ".join(axis.noun for axis in self.axes)

    def bounds(self, grid: Grid) -> list[Bound]:
        """The bound at every combination of values at which all its arms were run."""
        found = {}
        for setting in grid.settings:
            values: tuple[Any, ...] = tuple(grid.value(axis, setting) for axis in self.axes)
            picks = [axis.at(value) for axis, value in zip(self.axes, values, strict=True)]
            found[values] = replace(self.bound, quantity=self.bound.quantity.within(*picks))
        return [bound for bound in found.values() if not bound.quantity.sides(grid, grid.settings).missing]
