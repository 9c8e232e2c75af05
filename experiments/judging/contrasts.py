"""Quantities of several differences: matched pairs, a difference of differences, the largest of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from experiments.judging.axes import WORDS, Axis, Pick, Score, Setting
from experiments.judging.claim import Outcome, Verdict
from experiments.judging.grid import Grid
from experiments.judging.quantities import UNPAIRED, Arm, Bound, Difference, Quantity, measured
from experiments.judging.sides import Sides, interval
from experiments.judging.statistics import Interval


@dataclass(frozen=True)
class Matched(Quantity):
    """One kind of arm minus another, in pairs that are equal in a further score, `by`, to within `near` and a factor.

    Each setting of `less` is paired with the setting of `more` that is nearest by that score, and equal in all other
    axes.
    """

    score: Score
    more: tuple[Pick, ...]
    less: tuple[Pick, ...]
    by: Score
    near: float = 0.1
    times: float = 2.0

    def pairs(self, grid: Grid, read: Sequence[Setting]) -> list[tuple[Setting, Setting]]:
        """Returns the pairs (more, less) among the settings `read`."""
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
        """Returns the cells of all pairs."""
        pairs = self.pairs(grid, read)
        arms = {arm.words(): grid.where(arm.picks) for arm in self.arms()}
        missing = tuple(name for name, settings in arms.items() if not settings)
        lost = tuple(s for settings in arms.values() for s in settings if s not in read)
        more, less = (tuple((self.score, pair[side]) for pair in pairs) for side in (0, 1))
        return Sides(more, less, 1.0, missing, lost)

    def scores(self) -> Iterator[Score]:
        """Yields the score, and the one by which pairs are matched."""
        yield from (self.score, self.by)

    def arms(self) -> tuple[Arm, ...]:
        """Returns both kinds of arms."""
        return Arm(self.score, self.more), Arm(self.score, self.less)

    def how(self) -> str:
        """Formats that its sides are other runs."""
        return UNPAIRED

    def words(self, grid: Grid | None = None) -> str:
        """Formats the score under both kinds."""
        more, less = (Arm(self.score, picks).where(grid) for picks in (self.more, self.less))
        return f"{self.score.words}, {more} minus {less} of the same {self.by.words},"

    def within(self, *picks: Pick) -> Matched:
        """Returns the same quantity where `picks` hold too."""
        return replace(self, more=(*self.more, *picks), less=(*self.less, *picks))

    def rule(self) -> str:
        """Formats the way that pairs are made."""
        more, less = (Arm(self.score, picks).where() for picks in (self.more, self.less))
        return (
            f"Of each setting with {less} the one with {more} counts that has the nearest {self.by.words}, where the "
            f"two are within {self.near:g} and a factor of {self.times:g} of one another; averaged over these pairs."
        )

    def each(self, grid: Grid, read: Sequence[Setting]) -> str:
        """Formats every pair with its further scores and its own difference."""
        share, parts = grid.cells(self.by), []
        for a, b in self.pairs(grid, read):
            effect, _ = interval(grid, Sides(((self.score, a),), ((self.score, b),)))
            shares = f"{self.by.words} {share.mean(a).estimate:.2f} and {share.mean(b).estimate:.2f}"
            parts.append(f"{grid.format_setting(a)} and {grid.format_setting(b)} ({shares}): {effect}")
        return "; ".join(parts)


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
        """Returns the settings (more, less) of every value at which both can be read, from the smallest value on."""
        sides = {}
        for side, picks in enumerate((self.more, self.less)):
            for setting in grid.where(picks):
                sides.setdefault(grid.value(self.axis, setting), {})[side] = setting
        pairs = [pair for pair in sides.values() if len(pair) == 2 and pair[0] in read and pair[1] in read]
        pairs.sort(key=lambda pair: self.axis.rank(grid.value(self.axis, pair[0])))
        return [(pair[0], pair[1]) for pair in pairs]

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns the difference of two differences as twice that of two means."""
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
        """Yields the one score."""
        yield self.score

    def arms(self) -> tuple[Arm, ...]:
        """Returns both sides of the difference."""
        return Arm(self.score, self.more), Arm(self.score, self.less)

    def how(self) -> str:
        """Formats that its sides are other runs."""
        return UNPAIRED

    def words(self, grid: Grid | None = None) -> str:
        """Formats the differences, and the two ends."""
        ends = f"the {self.axis.ends[1]} {self.axis.noun} minus the {self.axis.ends[0]}"
        if grid is not None and len(pairs := self.ends(grid, grid.settings)) > 1:
            ends = " minus ".join(self.axis.format_value(grid.value(self.axis, pairs[place][0])) for place in (-1, 0))
        harm = Difference(Arm(self.score, self.more), Arm(self.score, self.less)).words().rstrip(",")
        return f"{self.what or harm}, {ends},"


@dataclass(frozen=True)
class Largest(Quantity):
    """The largest of several quantities, at each value of `axis`: the one with the highest lower bound.

    Each of N intervals has the level 1 - 0.05 / N (Bonferroni), since the largest is picked. To show that all of them
    are below a bound needs no correction.
    """

    axis: Axis
    of: tuple[Quantity, ...]
    names: tuple[str, ...] = field(default=(), metadata=WORDS)

    def all(self, grid: Grid, read: Sequence[Setting]) -> dict[str, tuple[Quantity, Sides]]:
        """Returns every quantity that can be read, by its name."""
        readable = {}
        for value in dict.fromkeys(grid.value(self.axis, setting) for setting in grid.settings):
            for quantity, name in zip(self.of, self.names, strict=True):
                one = quantity.within(self.axis.at(value))
                sides = one.sides(grid, read)
                if not sides.empty:
                    readable[self.axis.format_value(value) + name] = one, sides
        return readable

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns the cells of all that can be read."""
        every = [quantity.sides(grid, read) for quantity in self.of]
        cells = [sides for _, sides in self.all(grid, read).values()]
        more, less = (
            tuple(cell for sides in cells for cell in getattr(sides, side) or ()) for side in ("more", "less")
        )
        lost = tuple(dict.fromkeys(s for sides in every for s in sides.lost))
        missing = tuple(dict.fromkeys(name for sides in every for name in sides.missing))
        return Sides(more, less, 1.0, missing if len([s for s in every if s.missing]) == len(every) else (), lost)

    def arms(self) -> tuple[Arm, ...]:
        """Returns the arms that all of them have."""
        first, *others = (quantity.arms() for quantity in self.of)
        return tuple(arm for arm in first if all(arm in arms for arms in others))

    def scores(self) -> Iterator[Score]:
        """Yields the scores of all."""
        yield from dict.fromkeys(score for quantity in self.of for score in quantity.scores())

    def how(self) -> str:
        """Formats how the sides of all quantities are compared, if alike."""
        ways = {quantity.how() for quantity in self.of}
        return ways.pop() if len(ways) == 1 else ""

    def words(self, grid: Grid | None = None) -> str:
        """Formats the quantities of which it is the largest."""
        parts = " or ".join(quantity.words().rstrip(",") for quantity in self.of)
        return f"the largest, at any {self.axis.noun}, of {parts}"

    def rule(self) -> str:
        """Formats the correction of the largest, and the rules of the quantities."""
        own = " ".join(dict.fromkeys(quantity.rule() for quantity in self.of))
        return (
            f"{own} It is the contrast with the highest lower bound, where of N contrasts each interval is of level "
            "1 - 0.05 / N (Bonferroni), since the largest of several is picked; that all of them are below the bound "
            "wants no correction."
        )

    def map(self, grid: Grid, read: Sequence[Setting]) -> dict[str, Interval]:
        """Returns the interval of every quantity that can be read, by its name."""
        return _intervals(grid, self.all(grid, read))

    def outcome(self, grid: Grid, read: Sequence[Setting], bound: Bound) -> Outcome:
        """Returns the largest, corrected for the number of quantities; its bound is `least`."""
        every, sides = self.all(grid, read), self.sides(grid, read)
        plain = _intervals(grid, every)
        level = 1 - (1 - grid.level) / max(len(every), 1)
        wide = _intervals(grid.at(level), every)
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
        outcome = Outcome(words, bound.wanted(), wide[best], seeds, verdict, settings, (), sides.lost)
        return replace(outcome, **measured(grid.at(level), every[best][1], bound, wide[best]))


def _intervals(grid: Grid, every: Mapping[str, tuple[Quantity, Sides]]) -> dict[str, Interval]:
    intervals = {name: interval(grid, sides)[0] for name, (_, sides) in every.items()}
    return {name: effect for name, effect in intervals.items() if effect}
