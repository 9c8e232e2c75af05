"""What a criterion reads of a results table: axes, scores, and their values by setting and seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from experiments.judging.frame import MODEL, RecordError, swept
from experiments.judging.results import final_scores
from experiments.judging.statistics import LEVEL, Interval, mean_score

if TYPE_CHECKING:
    from experiments.judging.quantities import Arm, Difference

Setting = tuple[Any, ...]  # values of the swept keys, in the order of the table
How = Literal["most", "fewest", "above the fewest", "at", "other than", "between", "some", "no", "lowest"]
BEST = "best"  # the learner of a score of the optimum: the posterior where there is one, else the best baseline
POSTERIOR = "bayes"
WORDS: Mapping[str, Any] = {"words": True}  # fields that change no verdict: a criterion's hash leaves them out


@dataclass(frozen=True)
class Axis:
    """A swept key as a criterion reads it: by its own values, or by the typed columns of the arms that it names.

    noun: what its values count. ends: words for the smallest and the largest. value: a format, or a function of the
    value, for a table's rows. said: how a value stands in a sentence. names: words for single values. tried: values
    of a made-up grid; of an axis of named arms also what each arm sets. reads: makes the value of the typed columns'
    values. order: the rank of a value, where that is not the value itself. single: the table must have one value only,
    which no row names.
    """

    column: str
    noun: str = field(default="", metadata=WORDS)
    tried: Mapping[Any, Mapping[str, Any]] | tuple[Any, ...] = field(default=(), hash=False, metadata=WORDS)
    ends: tuple[str, str] = field(default=("fewest", "most"), metadata=WORDS)
    value: str | Callable[..., str] = field(default="{:,}", metadata=WORDS)
    said: str | Callable[..., str] = field(default="", hash=False, metadata=WORDS)
    names: Mapping[Any, str] = field(default_factory=dict, hash=False, metadata=WORDS)
    typed: tuple[str, ...] = ()
    reads: Callable[..., Any] | None = None
    order: Mapping[Any, float] | Callable[..., Any] = field(default_factory=dict, hash=False)
    single: bool = False

    @property
    def most(self) -> Pick:
        """The largest value in the table."""
        return Pick(self, "most")

    @property
    def fewest(self) -> Pick:
        """The smallest value in the table."""
        return Pick(self, "fewest")

    @property
    def above_fewest(self) -> Pick:
        """Every value but the smallest."""
        return Pick(self, "above the fewest")

    @property
    def some(self) -> Pick:
        """Every value that is set and is not zero."""
        return Pick(self, "some")

    @property
    def none(self) -> Pick:
        """No value, or zero."""
        return Pick(self, "no")

    def at(self, *values: Any) -> Pick:
        """These values."""
        return Pick(self, "at", values)

    def but(self, *values: Any) -> Pick:
        """All values but these."""
        return Pick(self, "other than", values)

    def between(self, low: float, high: float) -> Pick:
        """Values above `low` and below `high`."""
        return Pick(self, "between", (low, high))

    def lowest(self, score: Score) -> Pick:
        """The value with the lowest mean of `score`."""
        return Pick(self, "lowest", (score,))

    def through(self, *typed: str, **other: Any) -> Axis:
        """This axis read by the typed columns `typed` of its arms, and otherwise as `other` says."""
        return replace(self, typed=typed, **other)

    def tried_at(self, *values: Any) -> Axis:
        """This axis with other values of a made-up grid."""
        return replace(self, tried=values)

    def rank(self, value: Any) -> Any:
        """What values are ordered by."""
        if callable(self.order):
            return self.order(*value) if isinstance(value, tuple) else self.order(value)
        return self.order.get(value, value)

    def show(self, value: Any) -> str:
        """A value in a table's row."""
        if value in self.names:
            return self.names[value]
        values = value if isinstance(value, tuple) else (value,)
        if callable(self.value):
            return self.value(*values)
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        return self.value.format(*values) if numbers or self.value != "{:,}" else ", ".join(map(_plain, values))

    def say(self, value: Any) -> str:
        """A value in a sentence."""
        if value in self.names:
            return self.names[value]
        if callable(self.said):
            return self.said(value)
        counted = isinstance(value, int | float) and not isinstance(value, bool)
        return (self.said or (f"{{}} {self.noun}" if self.noun and counted else "{}")).format(self.show(value))


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("_", " ")


@dataclass(frozen=True)
class Pick:
    """Some values of an axis."""

    axis: Axis
    how: How
    values: tuple[Any, ...] = ()
    name: str | None = field(default=None, metadata=WORDS)

    def named(self, name: str) -> Pick:
        """The same values under a name of their own; under none where that is empty."""
        return replace(self, name=name)

    def settings(self, grid: Grid, among: Sequence[Setting]) -> set[Setting]:
        """The settings of `among` with these values; the ends are those of `among`."""
        values = {setting: grid.value(self.axis, setting) for setting in among}
        known = [value for value in values.values() if value is not None]
        ranks = [self.axis.rank(value) for value in known]
        if self.how in ("most", "fewest", "above the fewest"):
            if not ranks:
                return set()
            end = max(ranks) if self.how == "most" else min(ranks)
            away = self.how == "above the fewest"
            return {s for s, v in values.items() if v is not None and (self.axis.rank(v) == end) is not away}
        if self.how == "lowest":
            means = {s: grid.cells(self.values[0]).estimate(s) for s, v in values.items() if v}
            return {min(means, key=lambda s: (means[s], str(s)))} if means else set()
        tests: dict[str, Callable[[Any], bool]] = {
            "at": lambda value: value in self.values,
            "other than": lambda value: value not in self.values,
            "between": lambda value: value is not None and self.values[0] < value < self.values[1],
            "some": lambda value: value not in (None, 0),
            "no": lambda value: value in (None, 0),
        }
        return {setting for setting, value in values.items() if tests[self.how](value)}

    def words(self, grid: Grid | None = None) -> str:
        """In words: by what is in the table where one is given, else by what is asked."""
        axis = self.axis
        if self.name is not None:
            return self.name
        if self.how in ("most", "fewest", "lowest") and grid is not None:
            found = {grid.value(axis, s) for s in self.settings(grid, grid.settings)}
            return axis.say(next(iter(found))) if len(found) == 1 else self.words()
        if self.how in ("most", "fewest"):
            return f"the {axis.ends[self.how == 'most']} {axis.noun}"
        if self.how == "at":
            return " or ".join(map(axis.say, self.values))
        if self.how == "lowest":
            return f"the {axis.noun} with the lowest {self.values[0].words}"
        return {
            "above the fewest": f"more than the {axis.ends[0]} {axis.noun}",
            "other than": f"other than {' or '.join(map(axis.say, self.values))}",
            "between": axis.noun,
            "some": axis.noun,
            "no": f"no {axis.noun}",
        }[self.how]


@dataclass(frozen=True)
class Number:
    """A whole number that follows from the largest value of an axis: that times `times`, rounded, plus `plus`.

    own: it follows from each setting's own value instead. said: how it stands in a sentence.
    """

    axis: Axis
    times: float = 1.0
    plus: int = 0
    own: bool = False
    said: str = field(default="length {:,}", metadata=WORDS)

    def of(self, grid: Grid, setting: Setting | None = None) -> int:
        """The number in a table, at a setting where each has its own."""
        settings = [setting] if self.own and setting else grid.settings
        return round(self.times * max(grid.value(self.axis, s) for s in settings)) + self.plus

    def words(self, grid: Grid | None = None) -> str:
        """In words: the number in a table, or how it follows from the axis."""
        if grid is not None and not self.own:
            return self.said.format(self.of(grid))
        times = f"{self.times:g} times " if self.times != 1 else ""
        longest = "" if self.axis.single or self.own else f"{self.axis.ends[1]} "
        return f"{times}the {longest}{self.axis.noun}{f' + {self.plus}' if self.plus else ''}"


@dataclass(frozen=True)
class Score:
    """A score at the end of training: of a learner on a condition, over all positions or at one.

    words: what it is, in a sentence. number: fills the {} of the condition, or is the position. of_examples: it says
    what is true of the examples themselves, so also where a run diverged before its end. instead: values that a setting
    has in place of its own, so that the score of another stands beside it.
    """

    condition: str
    words: str = field(default="exact match", metadata=WORDS)
    score: str = "exact_match"
    learner: str = MODEL
    number: Number | None = None
    positional: bool = False
    of_examples: bool = False
    instead: tuple[Pick, ...] = ()

    def at(self, *picks: Pick) -> Arm:
        """The score where all of `picks` hold, averaged over what is left."""
        from experiments.judging.quantities import Arm

        return Arm(self, picks)

    def __sub__(self, other: Score) -> Difference:
        """This score minus another, over all settings of the table."""
        return self.at() - other.at()

    def where(self, grid: Grid, setting: Setting | None = None) -> tuple[str, int | None]:
        """Condition and position in a table, at a setting where each has its own."""
        number = self.number.of(grid, setting) if self.number else None
        return self.condition.format(number), number if self.positional else None

    def label(self, name: str, grid: Grid) -> str:
        """A column's or a series' name, in which {} stands for the score's number in a table."""
        return name.format(self.number.of(grid)) if self.number else name

    def say(self, grid: Grid | None = None) -> str:
        """The score in words, with its number."""
        return self.words.format(self.number.words(grid)) if self.number else self.words


@dataclass(frozen=True)
class Cells:
    """Scores by setting and seed, each from `examples` examples or more."""

    scores: Mapping[Setting, Mapping[int, float]]
    examples: int
    level: float = LEVEL

    def mean(self, setting: Setting) -> Interval:
        """The interval of the mean over all seeds at one setting."""
        seeds = self.scores.get(setting)
        return mean_score(list(seeds.values()), self.examples, self.level) if seeds else Interval(0.0, 0.0, 1.0)

    def estimate(self, setting: Setting) -> float:
        """The mean over all seeds at one setting."""
        seeds = self.scores.get(setting)
        return float(np.mean([*seeds.values()])) if seeds else 0.0


class Grid:
    """A results table by setting: what the axes are there, and every score that is asked for.

    RecordError where the table sweeps other keys than those of `axes`, or several values of a single one.
    """

    def __init__(self, table: pl.DataFrame, axes: Sequence[Axis], level: float = LEVEL):
        keys = swept(table)
        if keys != [axis.column for axis in axes]:
            wanted = ", ".join(axis.column for axis in axes)
            raise RecordError(f"sweeps {', '.join(keys) or 'nothing'}, where {wanted} is wanted")
        self.axes, self.keys, self.level = tuple(axes), keys, level
        self.table = table
        rows = table.select(keys).unique().sort(keys).iter_rows()
        self.settings: list[Setting] = [tuple(row) for row in rows]
        for place, axis in enumerate(axes):
            values = {setting[place] for setting in self.settings}
            if axis.single and len(values) > 1:
                raise RecordError(
                    f"has the values {', '.join(map(str, sorted(values)))} of {axis.column}: one is wanted"
                )
        self._cells: dict[Score, Cells] = {}
        self._typed: dict[str, dict[Setting, Any]] = {}
        self._made = False

    def at(self, level: float) -> Grid:
        """The same at another level of confidence."""
        other = object.__new__(Grid)
        other.__dict__.update(self.__dict__)
        other.level = level
        return other

    def filled(self, cells: Mapping[Score, Cells]) -> Grid:
        """The same with these scores in place of those of the table."""
        other = self.at(self.level)
        other._cells, other._made = self._cells | dict(cells), True
        return other

    def value(self, axis: Axis, setting: Setting) -> Any:
        """The value of an axis at a setting; of several typed columns a tuple, None where the arm sets none."""
        if not axis.typed:
            return setting[self.keys.index(axis.column)]
        values = tuple(self._column(name)[setting] for name in axis.typed)
        if axis.reads:
            return axis.reads(*values)
        return values if len(values) > 1 else values[0]

    def _column(self, name: str) -> dict[Setting, Any]:
        if name not in self._typed:
            if name not in self.table.columns:
                self._typed[name] = dict.fromkeys(self.settings)
            else:
                rows = self.table.select(*self.keys, name).unique().iter_rows()
                self._typed[name] = {tuple(setting): value for *setting, value in rows}
        return self._typed[name]

    def counterpart(self, setting: Setting, instead: Sequence[Pick]) -> Setting:
        """The setting that has the values `instead` in place of its own."""
        values = {pick.axis.column: pick.values[0] for pick in instead}
        return tuple(values.get(key, value) for key, value in zip(self.keys, setting, strict=True))

    def where(self, picks: Sequence[Pick], among: Sequence[Setting] | None = None) -> list[Setting]:
        """The settings at which all `picks` hold, in order.

        Ends, as the most of an axis, are those of all settings at which the other picks on the same key hold.
        """
        among = self.settings if among is None else among
        ends = [pick for pick in picks if pick.how in ("lowest", "most", "fewest", "above the fewest")]
        held = {pick: pick.settings(self, among) for pick in picks if pick not in ends}
        left = [s for s in among if all(s in settings for settings in held.values())]
        for pick in ends:
            own = [settings for other, settings in held.items() if other.axis.column == pick.axis.column]
            chosen = pick.settings(self, [s for s in among if all(s in settings for settings in own)])
            left = [s for s in left if s in chosen]
        return left

    def cells(self, score: Score) -> Cells:
        """A score at every setting that has it."""
        if score not in self._cells:
            self._cells[score] = self._read(score)
        return replace(self._cells[score], level=self.level)

    def _read(self, score: Score) -> Cells:
        if score.of_examples:
            return self._of_examples(score)
        if score.learner == BEST:
            return self._best(score)
        if score.instead:
            there = self.cells(replace(score, instead=()))
            of = {s: self.counterpart(s, score.instead) for s in self.settings}
            return replace(there, scores={s: there.scores[of[s]] for s in self.settings if of[s] in there.scores})
        if score.number and score.number.own:
            return self._own(score, score.number)
        condition, position = score.where(self)
        if score.number and condition not in set(self.table["condition"]):
            return Cells({}, 1)  # a length that was not tested
        found = final_scores(self.table, condition, learner=score.learner, position=position, score=score.score)
        scores: dict[Setting, dict[int, float]] = {}
        for *setting, seed, value in found.select(*self.keys, "seed", score.score).iter_rows():
            scores.setdefault(tuple(setting), {})[seed] = value
        return Cells(scores, int(found["examples"].to_numpy().min()))

    def _own(self, score: Score, number: Number) -> Cells:
        """A score at the number of each setting, where that was tested."""
        scores, examples = {}, []
        for setting in self.settings:
            at = Number(number.axis, 0.0, number.of(self, setting))
            there = self.cells(replace(score, number=at))
            if setting in there.scores:
                scores[setting] = there.scores[setting]
                examples.append(there.examples)
        return Cells(scores, min(examples, default=1))

    def _of_examples(self, score: Score) -> Cells:
        """The last value that there is of each run; none where the table has no such score."""
        if score.score not in self.table.columns:
            return Cells({}, 1)
        rows = self.table.filter(pl.col(score.score).is_not_null(), condition=score.condition, learner=MODEL)
        last = rows.sort("step").group_by(*self.keys, "seed").agg(pl.col(score.score).last())
        scores: dict[Setting, dict[int, float]] = {}
        for *setting, seed, value in last.sort(*self.keys, "seed").iter_rows():
            scores.setdefault(tuple(setting), {})[seed] = value
        return Cells(scores, int(rows["examples"].to_numpy().min()) if len(rows) else 1)

    def optimum(self, condition: str) -> dict[Setting, str]:
        """The learner that is best on a condition at every setting: the posterior, or the best baseline."""
        learners = self.table.filter(condition=condition)["learner"].unique().sort()
        cells = {name: self.cells(Score(condition, learner=name)) for name in learners if name != MODEL}
        best = {}
        for setting in self.settings:
            means = {
                name: float(np.mean([*of.scores[setting].values()]))
                for name, of in cells.items()
                if setting in of.scores
            }
            if means:
                best[setting] = POSTERIOR if POSTERIOR in means else max(means, key=lambda name: means[name])
        return best

    def _best(self, score: Score) -> Cells:
        names = self.optimum(score.where(self)[0])
        of = {name: self.cells(replace(score, learner=name)) for name in sorted(set(names.values()))}
        own = self.cells(replace(score, learner=MODEL))
        return Cells({s: of[name].scores[s] for s, name in names.items()}, own.examples)

    def rise(self, score: Score) -> dict[Setting, float]:
        """The final mean minus that at the last evaluation before the last quarter; minus 0 where there was none.

        0 where scores are made up.
        """
        if self._made:
            return dict.fromkeys(self.settings, 0.0)
        rows = self.table.filter(pl.col("position").is_null(), condition=score.condition, learner=MODEL)
        early = rows.filter(pl.col("step") <= 0.75 * pl.col("step").max().over("run")).sort("step")
        name = score.score
        before = early.group_by("run", *self.keys).agg(pl.col(name).last()).group_by(self.keys).agg(pl.col(name).mean())
        known = {tuple(setting): value for *setting, value in before.select(*self.keys, name).iter_rows()}
        cells = self.cells(score)
        return {s: cells.estimate(s) - (known.get(s) or 0.0) for s in cells.scores}

    def say(self, setting: Setting) -> str:
        """A setting in words, by the axes that vary."""
        varied = [a for i, a in enumerate(self.axes) if len({s[i] for s in self.settings}) > 1] or self.axes
        return ", ".join(axis.say(self.value(axis, setting)) for axis in varied)

    def show(self, setting: Setting) -> list[str]:
        """The values of all axes at a setting, as a row shows them; not those that are one in the whole table."""
        return [axis.show(self.value(axis, setting)) for axis in self.axes if not axis.single]
